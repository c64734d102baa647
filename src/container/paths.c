/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where things are: options, environment, sysc.conf, defaults, in this order. Every command comes
 * through here, so it costs a handful of system calls.
 */
#include "container/paths.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/text.h"
#include "container/check.h"
#include "container/ini_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IDMAP_BASE  1048576
#define IDMAP_COUNT 1000000000

/* A setting of [sysc] in sysc.conf and its variable in the environment. */
struct setting {
	const char *name, *variable;
	size_t offset;
	bool is_path;
	int (*check)(const char *value, struct error *err); /* where it is no path */
};

static const struct setting settings[] = {
	{"path",   "SYSC_PATH",   offsetof(struct paths, store),  true,  NULL           },
	{"run",    "SYSC_RUN",    offsetof(struct paths, run),    true,  NULL           },
	{"cache",  "SYSC_CACHE",  offsetof(struct paths, cache),  true,  NULL           },
	{"log",    "SYSC_LOG",    offsetof(struct paths, log),    true,  NULL           },
	{"cgroup", "SYSC_CGROUP", offsetof(struct paths, cgroup), false, NULL           },
	{"bridge", NULL,          offsetof(struct paths, bridge), false, check_interface},
};

static char **place(struct paths *paths, const struct setting *setting)
{
	return (char **)(void *)((char *)paths + setting->offset);
}

static void replace(char **string, char *with)
{
	free(*string);
	*string = with;
}

/* Without '//' , '/.' and the last slash, so that one store has one name; ".." stays. */
static char *tidy(const char *path)
{
	CLEAN(strings_done) struct strings parts = {0};
	struct text out = {0};

	strings_split(&parts, path, "/");
	for (size_t i = 0; i < parts.count; i++)
		if (!text_is(parts.items[i], "."))
			text_addf(&out, "/%s", parts.items[i]);
	if (!out.length)
		text_add(&out, "/");
	return text_take(&out);
}

static int make_absolute(const char *path, char **out, struct error *err)
{
	CLEAN_FREE char *folder = NULL, *whole = NULL;

	if (!*path)
		return fail_plain(err, EINVAL, "an empty path");
	if (text_has_control(path, false))
		return fail_plain(err, EINVAL, "a control character in a path");
	if (*path != '/') {
		folder = getcwd(NULL, 0);
		if (!folder)
			return fail(err, errno, "find the current directory of '%s'", path);
		whole = must_printf("%s/%s", folder, path);
	}
	replace(out, tidy(whole ? whole : path));
	return 0;
}

/* A cgroup below the root of each hierarchy: words with slashes between. */
static int check_cgroup_path(const char *value, struct error *err)
{
	if (!*value || *value == '/' || text_ends(value, "/") || strstr(value, "//") ||
	    strstr(value, "..") || text_has_control(value, false) || strlen(value) > 128)
		return fail_plain(err, EINVAL, "'%s' is not a cgroup below the root (sysc, a/b)",
		                  value);
	return 0;
}

static int set(struct paths *paths, const struct setting *setting, const char *value,
               struct error *err)
{
	int r;

	if (setting->is_path)
		return make_absolute(value, place(paths, setting), err);
	r = setting->check ? setting->check(value, err) : check_cgroup_path(value, err);
	if (r == 0)
		replace(place(paths, setting), must_dup(value));
	return r;
}

/* sysc.conf while it is read. */
struct reading {
	struct paths *paths;
	const char *file;
	struct error *err;
	unsigned int problems;
};

static void note(struct reading *reading, int line, const struct error *problem)
{
	if (!reading->problems++)
		(void)fail_plain(reading->err, EINVAL, "%s:%d: %s", reading->file, line,
		                 problem->text);
}

static void handle_problem(void *user, int line, const char *text)
{
	struct error problem;

	(void)fail_plain(&problem, EINVAL, "%s", text);
	note(user, line, &problem);
}

static int set_ids(struct paths *paths, const char *name, const char *value, struct error *err)
{
	uint64_t number = 0;

	if (parse_uint(value, UINT32_MAX - 1, &number) < 0 || number < 65536)
		return fail_plain(err, EINVAL, "'%s' is not a number between 65536 and 4294967294",
		                  value);
	*(text_is(name, "idmap_base") ? &paths->idmap_base : &paths->idmap_count) = number;
	return 0;
}

static int unknown_setting(const char *name, struct error *err)
{
	static const char *const names[] = {"path",   "run",        "cache",       "log", "cgroup",
	                                    "bridge", "idmap_base", "idmap_count", NULL};
	const char *near = text_nearest(name, names);

	(void)fail_plain(err, EINVAL, "unknown key");
	return near ? fail_hint(err, "did you mean '%s'?", near) : -EINVAL;
}

static void handle_value(void *user, const char *section, const char *name, const char *value,
                         int line)
{
	struct reading *reading = user;
	struct error problem = {0};
	int r = 1;

	if (!text_is(section, "sysc")) {
		handle_problem(user, line, "the only section is [sysc]");
		return;
	}
	if (text_is(name, "idmap_base") || text_is(name, "idmap_count"))
		r = set_ids(reading->paths, name, value, &problem);
	for (size_t i = 0; r > 0 && i < ARRAY_SIZE(settings); i++)
		if (text_is(name, settings[i].name))
			r = set(reading->paths, &settings[i], value, &problem);
	if (text_is(name, "cgroup"))
		reading->paths->has_cgroup = true;
	if (r > 0)
		r = unknown_setting(name, &problem);
	if (r < 0) {
		(void)fail_in(&problem, "sysc.%s", name);
		note(reading, line, &problem);
	}
}

/* Reads sysc.conf where there is one. */
static int read_file(struct paths *paths, struct error *err)
{
	CLEAN_FREE char *file = must_printf("%s/sysc.conf", paths->etc);
	CLEAN(text_done) struct text text = {0};
	struct reading reading = {.paths = paths, .file = file, .err = err};
	struct ini_handler handler = {
		.value = handle_value, .problem = handle_problem, .user = &reading};
	struct error problem = {0};
	int r = ini_file_read(file, &text, NULL, &problem);

	if (r == -ENOENT)
		return 0;
	if (r < 0) {
		if (err)
			*err = problem;
		return r;
	}
	ini_file_parse(&text, &handler);
	if (reading.problems > 1)
		(void)fail_hint(err, "and %u more", reading.problems - 1);
	return reading.problems ? -EINVAL : 0;
}

/* $VARIABLE/sysc, or $HOME/FALLBACK/sysc. */
static char *user_folder(const char *variable, const char *fallback)
{
	const char *folder = secure_getenv(variable), *home = secure_getenv("HOME");

	if (folder && *folder == '/')
		return must_printf("%s/sysc", folder);
	if (home && *home == '/')
		return must_printf("%s/%s/sysc", home, fallback);
	return NULL;
}

static void set_defaults(struct paths *paths)
{
	bool root = geteuid() == 0;

	paths->store = root ? NULL : user_folder("XDG_DATA_HOME", ".local/share");
	paths->run = root ? NULL : user_folder("XDG_RUNTIME_DIR", ".cache/run");
	paths->cache = root ? NULL : user_folder("XDG_CACHE_HOME", ".cache");
	paths->log = root ? NULL : user_folder("XDG_STATE_HOME", ".local/state");
	if (!paths->store)
		paths->store = must_dup(LOCALSTATEDIR "/lib/sysc");
	if (!paths->run)
		paths->run = must_dup("/run/sysc");
	if (!paths->cache)
		paths->cache = must_dup(LOCALSTATEDIR "/cache/sysc");
	if (!paths->log)
		paths->log = must_dup(LOCALSTATEDIR "/log/sysc");
	paths->cgroup = must_dup("sysc");
	paths->bridge = must_dup("syscbr0");
	paths->tag = must_dup("");
	paths->idmap_base = IDMAP_BASE;
	paths->idmap_count = IDMAP_COUNT;
}

/* The value of a variable that holds a path or a name; NULL when it is not set. */
static int set_from_environment(struct paths *paths, const struct setting *setting, bool *given,
                                struct error *err)
{
	const char *value = setting->variable ? secure_getenv(setting->variable) : NULL;
	int r;

	*given = value && *value;
	r = *given ? set(paths, setting, value, err) : 0;
	return r < 0 ? fail_in(err, "%s", setting->variable) : 0;
}

/*
 * A store of its own gets its own state, log files, cgroup and names on the host, so that two
 * containers "web1" of two stores never meet.
 */
static void separate(struct paths *paths, bool run, bool log, bool cgroup)
{
	unsigned long long hash = text_hash(paths->store);

	if (run)
		replace(&paths->run, must_printf("%s/.at/%016llx", paths->run, hash));
	if (log)
		replace(&paths->log, must_printf("%s/.at/%016llx", paths->log, hash));
	replace(&paths->tag, must_printf("-%06llx", hash & 0xffffff));
	if (cgroup)
		replace(&paths->cgroup, must_printf("%s%s", paths->cgroup, paths->tag));
}

/* Programs and data: installed, or of the build tree that the program runs from. */
/* The path of the running program, or of the one that it is a copy of. */
static int program_path(char program[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", program, PATH_MAX - 1);
	const char *original = secure_getenv(PATHS_PROGRAM_VARIABLE);

	if (n < 0)
		return -errno;
	program[n] = '\0';
	if (original && text_starts(program, "/memfd:sysc"))
		(void)snprintf(program, PATH_MAX, "%s", original);
	if (original)
		(void)unsetenv(PATHS_PROGRAM_VARIABLE); /* not for what we start */
	return 0;
}

static int find_program(struct paths *paths, struct error *err)
{
	char program[PATH_MAX], source[PATH_MAX];
	CLEAN_FREE char *mark = NULL;
	int r = program_path(program);
	char *slash;

	if (r < 0)
		return fail(err, -r, "read '/proc/self/exe'");
	paths->program = must_dup(program);
	slash = strrchr(program, '/');
	if (slash)
		*slash = '\0';
	mark = must_printf("%s/build-tree", program);
	if (slash && file_read_small(AT_FDCWD, mark, source, sizeof(source)) > 0) {
		paths->templates = must_printf("%s/templates", source);
		paths->config = must_printf("%s/config", source);
		paths->libexec = must_dup(program);
		return 0;
	}
	paths->templates = must_dup(PKGDATADIR "/templates");
	paths->config = must_dup(PKGDATADIR "/config");
	paths->libexec = must_dup(PKGLIBEXECDIR);
	return 0;
}

static int resolve(struct paths *paths, const char *store, struct error *err)
{
	const char *etc = secure_getenv("SYSC_ETC");
	bool given[ARRAY_SIZE(settings)] = {false};
	CLEAN_FREE char *default_store = NULL;
	int r;

	set_defaults(paths);
	r = make_absolute(etc && *etc ? etc : SYSCONFDIR "/sysc", &paths->etc, err);
	if (r == 0)
		r = read_file(paths, err);
	if (r < 0)
		return r;
	default_store = must_dup(paths->store);
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		r = set_from_environment(paths, &settings[i], &given[i], err);
		if (r < 0)
			return r;
	}
	if (store)
		r = make_absolute(store, &paths->store, err);
	if (r < 0)
		return fail_in(err, "path of the containers");
	paths->has_cgroup |= given[4]; /* places in the order of settings */
	if (!text_is(default_store, paths->store))
		separate(paths, !given[1], !given[3], !paths->has_cgroup);
	return find_program(paths, err);
}

int paths_init(struct paths *paths, const char *store, struct error *err)
{
	int r;

	*paths = (struct paths){0};
	r = resolve(paths, store, err);
	if (r < 0)
		paths_done(paths);
	return r;
}

void paths_done(struct paths *paths)
{
	free(paths->etc);
	free(paths->store);
	free(paths->run);
	free(paths->cache);
	free(paths->log);
	free(paths->templates);
	free(paths->config);
	free(paths->libexec);
	free(paths->program);
	free(paths->cgroup);
	free(paths->bridge);
	free(paths->tag);
	*paths = (struct paths){0};
}
