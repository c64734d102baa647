/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The AppArmor profile of a container; see the header. Linked without libapparmor: it is some small files. */
#include "security/lsm.h"

#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/file.h"
#include "base/process.h"
#include "base/text.h"
#include "container/config.h"
#include "container/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>

#define PROFILE_USER       "sysc-container"
#define PROFILE_PRIVILEGED "sysc-container-privileged"
#define PROFILE_NESTING    "sysc-container-nesting"
#define PROFILE_FILE       "sysc-container"
#define LIST_BYTES_MAX     (4 * 1024 * 1024) /* of the names of all loaded profiles */
#define LOAD_MS            30000

static bool is_enabled(const char *host)
{
	CLEAN_FREE char *path = must_printf("%s/sys/module/apparmor/parameters/enabled", host);
	char word[8];

	return file_read_small(AT_FDCWD, path, word, sizeof(word)) >= 0 && word[0] == 'Y';
}

static const char *choose(const struct config *config)
{
	if (config->nesting)
		return PROFILE_NESTING;
	return config->privileged ? PROFILE_PRIVILEGED : PROFILE_USER;
}

static bool is_ours(const char *name)
{
	return text_is(name, PROFILE_USER) || text_is(name, PROFILE_PRIVILEGED) ||
	       text_is(name, PROFILE_NESTING);
}

/* Lines "NAME (MODE)"; a NAME may have blanks. 1 it is there, 0 not, or -errno with err filled. */
static int find_loaded(const char *host, const char *name, struct error *err)
{
	CLEAN_FREE char *path = must_printf("%s/sys/kernel/security/apparmor/profiles", host);
	CLEAN(text_done) struct text list = {0};
	size_t length = strlen(name);
	int r = file_read(AT_FDCWD, path, LIST_BYTES_MAX, &list, err);

	if (r == -ENOENT)
		return fail_hint(err, "is securityfs mounted on /sys/kernel/security?");
	if (r < 0)
		return r;
	for (const char *line = list.data; line && *line;) {
		const char *end = strchr(line, '\n');

		if (strncmp(line, name, length) == 0 && text_starts(line + length, " ("))
			return 1;
		line = end ? end + 1 : NULL;
	}
	return 0;
}

/* Beside the shipped files in a build tree, else where it was installed. */
static char *find_folder(const struct paths *paths)
{
	char *folder = must_printf("%s/apparmor", paths->config);

	if (file_is_dir(AT_FDCWD, folder))
		return folder;
	free(folder);
	return must_dup(SYSC_APPARMOR_DIR);
}

static int load(const struct paths *paths, struct error *err)
{
	CLEAN_FREE char *parser = process_find("apparmor_parser");
	CLEAN_FREE char *folder = find_folder(paths);
	CLEAN_FREE char *file = must_printf("%s/%s", folder, PROFILE_FILE);
	CLEAN(text_done) struct text said = {0};
	/* the cache is the package's affair: a start writes nothing below /var/cache/apparmor */
	char reload[] = "-r", include[] = "-I";
	char *argv[] = {parser, reload, include, folder, file, NULL};
	struct process_options options = {.argv = argv,
	                                  .input_fd = -1,
	                                  .output_fd = -1,
	                                  .error_fd = -1,
	                                  .output = &said,
	                                  .output_most = 1024,
	                                  .timeout_ms = LOAD_MS};
	int r;

	if (!parser)
		return fail_plain(err, ENOENT, "apparmor_parser is not installed to load '%s'",
		                  file);
	if (!file_exists(AT_FDCWD, file))
		return fail(err, ENOENT, "open '%s'", file);
	r = process_run(&options, err);
	if (r < 0)
		return r;
	if (r == 0)
		return 0;
	(void)fail_plain(err, EINVAL, "apparmor_parser -r '%s' failed with exit code %d", file, r);
	if (said.length)
		return fail_hint(err, "%.*s", (int)strcspn(said.data, "\n"), said.data);
	return -EINVAL;
}

/* 0: the kernel has it now. */
static int make_loaded(const struct paths *paths, const char *host, const char *name,
                       struct error *err)
{
	int r = find_loaded(host, name, err);

	if (r != 0)
		return r < 0 ? r : 0;
	if (!is_ours(name))
		return fail_plain(err, ENOENT,
		                  "profile '%s' is not loaded (apparmor_parser -r FILE loads it, "
		                  "aa-status lists what is)",
		                  name);
	r = load(paths, err);
	if (r == 0)
		r = find_loaded(host, name, err);
	if (r == 0)
		return fail_plain(err, ENOENT, "profile '%s' is not in what apparmor_parser loaded",
		                  name);
	return r < 0 ? r : 0;
}

static int set_label(struct lsm_choice *out, const char *name, struct error *err)
{
	if (strlen(name) >= sizeof(out->label))
		return fail_plain(err, ENAMETOOLONG, "the name of the profile is too long");
	memcpy(out->label, name, strlen(name) + 1);
	out->hides_mount_calls = text_is(name, PROFILE_PRIVILEGED);
	return 0;
}

static int prepare_auto(const struct config *config, const struct paths *paths, const char *host,
                        struct lsm_choice *out, struct error *err)
{
	char own[LSM_LABEL_MAX];
	struct error why = {0};

	if (!is_enabled(host) || (lsm_read(host, 0, own, NULL) == 0 && !text_is(own, "unconfined")))
		return 0;
	if (make_loaded(paths, host, choose(config), &why) == 0)
		return set_label(out, choose(config), err);
	if (config->privileged) {
		(void)fail_plain(err, why.code, "%s", why.text);
		return fail_hint(err, "or start without: security.apparmor = unconfined");
	}
	(void)fail_in(&why, "runs without an AppArmor profile");
	memccpy(out->note, why.text, '\0', sizeof(out->note) - 1);
	return 0;
}

/* A stack or a name in a namespace is not in the list; the kernel tells at the exec. */
static bool is_listed(const char *name)
{
	return name[0] != ':' && !strstr(name, "//&");
}

static int prepare_named(const struct config *config, const struct paths *paths, const char *host,
                         struct lsm_choice *out, struct error *err)
{
	const char *name = config->apparmor;
	int r = 0;

	if (!is_enabled(host))
		return fail_plain(err, EOPNOTSUPP,
		                  "AppArmor is not enabled here, so '%s' cannot be had ('auto' "
		                  "takes it as it comes)",
		                  name);
	if (is_listed(name))
		r = make_loaded(paths, host, name, err);
	return r < 0 ? r : set_label(out, name, err);
}

int lsm_prepare(const struct config *config, const struct paths *paths, const char *host,
                struct lsm_choice *out, struct error *err)
{
	struct lsm_choice choice = {0};
	char where[256];
	int r = 0;

	if (!config->apparmor || text_is(config->apparmor, "auto"))
		r = prepare_auto(config, paths, host, &choice, err);
	else if (!text_is(config->apparmor, "unconfined"))
		r = prepare_named(config, paths, host, &choice, err);
	if (r < 0)
		return fail_in(
			err, "security.apparmor%s",
			config_where(config, "security", "apparmor", 0, where, sizeof(where)));
	*out = choice;
	return 0;
}

int lsm_read(const char *host, pid_t pid, char label[LSM_LABEL_MAX], char mode[16])
{
	static const char *const files[] = {"apparmor/current", "current"};
	char text[LSM_LABEL_MAX + 16], name[24] = "self", *open_bracket;
	int r = -ENOENT;

	label[0] = '\0';
	if (mode)
		mode[0] = '\0';
	if (!is_enabled(host))
		return 0;
	if (pid)
		(void)snprintf(name, sizeof(name), "%d", (int)pid);
	/* the folder is there since Linux 5.8; before, the only large LSM had the file above */
	for (size_t i = 0; i < ARRAY_SIZE(files) && r < 0; i++) {
		CLEAN_FREE char *path = must_printf("%s/proc/%s/attr/%s", host, name, files[i]);

		r = file_read_small(AT_FDCWD, path, text, sizeof(text));
	}
	if (r < 0)
		return r;
	open_bracket = strrchr(text, '(');
	if (open_bracket && open_bracket > text && open_bracket[-1] == ' ') {
		open_bracket[-1] = '\0';
		open_bracket[1 + strcspn(open_bracket + 1, ")")] = '\0';
		if (mode)
			(void)snprintf(mode, 16, "%s", open_bracket + 1);
	}
	if (strlen(text) >= LSM_LABEL_MAX)
		return -ENAMETOOLONG;
	memcpy(label, text, strlen(text) + 1);
	return 0;
}

int lsm_open_proc(struct error *err)
{
	CLEAN_FD int fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return fail(err, errno, "open '/proc'");
	if (file_system_of(fd) != PROC_SUPER_MAGIC)
		return fail_plain(err, EXDEV, "/proc is not a proc file system");
	return fd_take(&fd);
}

int lsm_open(int proc_fd)
{
	/* thread-self is a plain symlink ("PID/task/TID"): it is followed, but out of this proc there is no way */
	static const char *const files[] = {"thread-self/attr/apparmor/exec",
	                                    "thread-self/attr/exec"};
	const struct open_how how = {.flags = O_WRONLY | O_NOCTTY | O_CLOEXEC,
	                             .resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV |
	                                        RESOLVE_NO_MAGICLINKS};
	CLEAN_FD int fd = -1;

	for (size_t i = 0; i < ARRAY_SIZE(files) && fd < 0; i++)
		fd = sys_openat2(proc_fd, files[i], &how);
	if (fd < 0)
		return -errno;
	return file_system_of(fd) == PROC_SUPER_MAGIC ? fd_take(&fd) : -EXDEV;
}

int lsm_set(int attr_fd, const char *label)
{
	char order[LSM_LABEL_MAX + 8];
	int n = snprintf(order, sizeof(order), "exec %s", label);

	if (n < 0 || (size_t)n >= sizeof(order))
		return -ENAMETOOLONG;
	return write(attr_fd, order, (size_t)n) < 0 ? -errno : 0;
}
