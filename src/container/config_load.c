/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading configuration files: includes, the place of every problem, all problems in one run. The
 * lines come from ini_file.c, the values go to config_value.c.
 */
#include "container/config.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "container/config_value.h"
#include "container/ini_file.h"
#include "container/keys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define INCLUDE_DEPTH_MAX 8
#define INCLUDE_FILES_MAX 256 /* files of one configuration */
#define PROBLEMS_MAX      100 /* more are counted only */

struct load {
	struct config *config;
	struct strings *errors;  /* may be NULL */
	const struct text *text; /* in place of what the first file says; NULL: none */
	struct error first;
	unsigned int problems, files;
};

/* One file that is being read. */
struct source {
	struct load *load;
	const struct source *parent; /* the file that includes this one */
	const char *file;            /* owned by config->files */
	struct stat st;
	unsigned int depth;
	char bad_section[INI_NAME_MAX + 1]; /* complained about once, not for each key */
};

static int load_file(struct load *load, const struct source *parent, const char *path,
                     struct error *err);

static void add_problem(struct load *load, const struct error *problem)
{
	if (!load->problems++)
		load->first = *problem;
	if (load->errors && load->problems <= PROBLEMS_MAX)
		strings_add(load->errors, problem->text);
}

static void handle_problem(void *user, int line, const char *text)
{
	const struct source *source = user;
	struct error problem;

	(void)fail_plain(&problem, EINVAL, "%s:%d: %s", source->file, line, text);
	add_problem(source->load, &problem);
}

static void handle_section(void *user, const char *section, int line)
{
	struct source *source = user;
	struct error problem = {0};
	int r = 0;

	*source->bad_section = '\0';
	if (!keys_has_section(section))
		r = keys_unknown(section, "", &problem);
	/* an interface is there by its section alone */
	else if (keys_find(section, "type") && keys_find(section, "type")->flags & KEY_NETWORK &&
	         !config_value_add_network(source->load->config, section, &problem))
		r = -problem.code;
	if (r == 0)
		return;
	(void)memcpy(source->bad_section, section, strlen(section) + 1); /* checked by ini_file */
	(void)fail_in(&problem, "%s:%d", source->file, line);
	add_problem(source->load, &problem);
}

static void include(const struct source *source, const char *path, int line);

static void handle_value(void *user, const char *section, const char *name, const char *value,
                         int line)
{
	const struct source *source = user;
	const struct key *key = keys_find(section, name);
	struct error problem = {0};

	if (*section && text_is(source->bad_section, section))
		return;
	if (config_value_set(source->load->config, section, name, value, source->file, line,
	                     &problem) < 0) {
		if (key)
			(void)fail_in(&problem, "%s.%s", section, name);
		(void)fail_in(&problem, "%s:%d", source->file, line);
		add_problem(source->load, &problem);
	} else if (key && key->type == KEY_INCLUDE && *value) {
		include(source, value, line);
	}
}

/* Its *.conf in the order of their names. */
static int include_folder(const struct source *source, const char *path, struct error *err)
{
	CLEAN_FD int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN_DIR DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	CLEAN(strings_done) struct strings files = {0};
	const struct dirent *entry;

	if (!dir)
		return fail(err, errno, "open directory '%s'", path);
	(void)fd_take(&fd);
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.' && text_ends(entry->d_name, ".conf"))
			strings_give(&files, must_printf("%s/%s", path, entry->d_name));
	strings_sort(&files);
	for (size_t i = 0; i < files.count; i++) {
		int r = load_file(source->load, source, files.items[i], err);

		if (r < 0)
			return r;
	}
	return 0;
}

static void include(const struct source *source, const char *path, int line)
{
	const char *slash = strrchr(source->file, '/');
	CLEAN_FREE char *whole =
		*path == '/' || !slash
			? must_dup(path)
			: must_printf("%.*s/%s", (int)(slash - source->file), source->file, path);
	struct error problem = {0};
	struct stat st;
	int r;

	if (stat(whole, &st) == 0 && S_ISDIR(st.st_mode))
		r = include_folder(source, whole, &problem);
	else
		r = load_file(source->load, source, whole, &problem);
	if (r == 0)
		return;
	(void)fail_in(&problem, "%s:%d: container.include", source->file, line);
	add_problem(source->load, &problem);
}

/* Which file it is, and as it was written last. */
static uint64_t stamp_of(const struct stat *st)
{
	const uint64_t parts[] = {st->st_dev, st->st_ino, (uint64_t)st->st_size,
	                          (uint64_t)st->st_mtim.tv_sec, (uint64_t)st->st_mtim.tv_nsec};
	uint64_t stamp = 0;

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		stamp = (stamp ^ parts[i]) * UINT64_C(0x100000001b3);
	return stamp;
}

bool config_is_current(const struct config *config)
{
	uint64_t stamp = 0;

	for (size_t i = 0; i < config->files.count; i++) {
		const char *file = config->files.items[i];
		struct stat st;

		/* the others are no files: "option -s" */
		if (strchr(file, '/'))
			stamp += stat(file, &st) == 0 ? stamp_of(&st) : 1;
	}
	return stamp == config->stamp;
}

/* The name as config->files owns it. */
static const char *own_name(struct config *config, const char *path, const struct stat *st)
{
	for (size_t i = 0; i < config->files.count; i++)
		if (text_is(config->files.items[i], path))
			return config->files.items[i];
	strings_add(&config->files, path);
	config->stamp += strchr(path, '/') ? stamp_of(st) : 0;
	return config->files.items[config->files.count - 1];
}

static bool is_cycle(const struct source *source)
{
	for (const struct source *up = source->parent; up; up = up->parent)
		if (up->st.st_dev == source->st.st_dev && up->st.st_ino == source->st.st_ino)
			return true;
	return false;
}

/* Errors are those of the file itself; what is wrong in its text is in load. */
static int load_file(struct load *load, const struct source *parent, const char *path,
                     struct error *err)
{
	CLEAN(text_done) struct text text = {0};
	struct source source = {.load = load, .parent = parent};
	struct ini_handler handler = {
		.section = handle_section,
		.value = handle_value,
		.problem = handle_problem,
		.user = &source,
	};
	int r;

	source.depth = parent ? parent->depth + 1 : 0;
	if (source.depth > INCLUDE_DEPTH_MAX)
		return fail_plain(err, ELOOP, "'%s': files include each other more than %d deep",
		                  path, INCLUDE_DEPTH_MAX);
	if (++load->files > INCLUDE_FILES_MAX)
		return fail_plain(err, E2BIG, "'%s': more than %d files", path, INCLUDE_FILES_MAX);
	/* a name without a folder is of no file: text that came by another way */
	r = load->text && !parent && !strchr(path, '/')
	            ? 0
	            : ini_file_read(path, &text, &source.st, err);
	if (r < 0)
		return r;
	if (is_cycle(&source))
		return fail_plain(err, ELOOP, "'%s' includes itself", path);
	source.file = own_name(load->config, path, &source.st);
	ini_file_parse(load->text && !parent ? load->text : &text, &handler);
	return 0;
}

int config_load_text(struct config *config, const char *file, const struct text *text,
                     struct strings *errors, struct error *err)
{
	struct load load = {.config = config, .errors = errors, .text = text};
	int r = load_file(&load, NULL, file, err);

	if (r < 0) {
		if (errors && err)
			strings_add(errors, err->text);
		return r;
	}
	if (!load.problems)
		return 0;
	if (err) {
		*err = load.first;
		err->code = EINVAL;
		if (load.problems > 1)
			(void)fail_hint(err, "and %u more", load.problems - 1);
	}
	return -EINVAL;
}

int config_load(struct config *config, const char *file, struct strings *errors, struct error *err)
{
	return config_load_text(config, file, NULL, errors, err);
}
