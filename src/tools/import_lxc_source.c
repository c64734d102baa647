/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opening the root file system of an LXC container by its backend; see the header. */
#include "tools/import_lxc_source.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "container/lxc_config.h"
#include "storage/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* One look. */
struct look {
	struct import_lxc_source *out;
	const char *folder;
	const struct lxc_config *config;
	const char *path; /* behind the backend */
};

void import_lxc_source_done(struct import_lxc_source *source)
{
	fd_close(&source->fd);
	free(ptr_take(source->text));
}

static int visit(struct look *look, const char *backend, const char *path, struct error *err)
{
	CLEAN(storage_done) struct storage storage = {.backend = NULL};
	char *text = must_printf("%s:%s", backend, path);
	int r;

	free(look->out->text);
	look->out->text = text;
	r = storage_parse(&storage, text, NULL, err);
	if (r == 0)
		r = look->out->fd = storage_visit(&storage, 0, err);
	return r < 0 ? r : 0;
}

static int open_image(struct look *look, struct error *err)
{
	return visit(look, "loop", look->path, err);
}

static int fail_unreadable(const char *text, struct error *err)
{
	(void)fail_plain(err, EOPNOTSUPP, "its root file system is '%s', which is not read here",
	                 text);
	return fail_hint(err, "mount it read-only on an empty folder, and import a copy of the "
	                      "configuration with lxc.rootfs.path = dir:FOLDER");
}

static int open_other(struct look *look, struct error *err)
{
	return fail_unreadable(look->config->rootfs, err);
}

/* A folder; LXC looks at what it is where the configuration does not say. */
static int open_folder(struct look *look, struct error *err)
{
	CLEAN_FREE char *beside = must_printf("%s/rootfs", look->folder);
	const char *path = look->path;
	struct stat st;

	/* it was moved here from where its configuration says */
	if (stat(path, &st) < 0 && errno == ENOENT && stat(beside, &st) == 0)
		path = beside;
	else if (stat(path, &st) < 0)
		return fail(err, errno, "open its root file system '%s'", path);
	if (S_ISREG(st.st_mode))
		return open_image(look, err);
	if (S_ISBLK(st.st_mode))
		return open_other(look, err);
	look->out->is_folder = true;
	return visit(look, "dir", path, err);
}

/* "LOWER[:LOWER…]:UPPER", the upmost of the lower ones first. */
static int open_layers(struct look *look, struct error *err)
{
	CLEAN(strings_done) struct strings parts = {0}, folders = {0};
	int fd;

	strings_split(&parts, look->path, ":");
	if (parts.count < 2)
		return fail_plain(err, EINVAL, "'%s' is not of the form overlay:/LOWER:/UPPER",
		                  look->config->rootfs);
	strings_add(&folders, parts.items[parts.count - 1]);
	for (size_t i = 0; i + 1 < parts.count; i++)
		strings_add(&folders, parts.items[i]);
	/* LXC mounts it in the user namespace, if there is one */
	fd = storage_visit_layers(&folders, look->config->map.count > 0, err);
	look->out->fd = fd;
	return fd < 0 ? fd : 0;
}

static const struct {
	const char *backend;
	int (*open)(struct look *look, struct error *err);
} ways[] = {
	{"dir",     open_folder},
	{"btrfs",   open_folder},
	{"overlay", open_layers},
	{"loop",    open_image },
};

/* The folder that was opened is the one below, without a symlink on the way. */
static int check_inside(const struct look *look, struct error *err)
{
	size_t length = strlen(look->folder);
	const char *path = look->out->text + strlen("dir:");
	CLEAN_FD int folder = open(look->folder, O_PATH | O_DIRECTORY | O_CLOEXEC), inside = -1;
	struct stat want, got;

	if (look->out->is_folder && folder >= 0 && strncmp(path, look->folder, length) == 0 &&
	    path[length] == '/')
		inside = file_open_beneath(folder, path + length + 1, O_PATH | O_DIRECTORY, 0);
	if (inside >= 0 && fstat(inside, &want) == 0 && fstat(look->out->fd, &got) == 0 &&
	    want.st_dev == got.st_dev && want.st_ino == got.st_ino)
		return 0;
	(void)fail_plain(err, EPERM,
	                 "its configuration is user %u's, and its root file system '%s' "
	                 "not a folder below '%s'",
	                 (unsigned int)look->config->owner, look->out->text, look->folder);
	return fail_hint(err, "--trust takes it");
}

int import_lxc_source_open(struct import_lxc_source *out, const char *folder,
                           const struct lxc_config *config, bool trust, struct error *err)
{
	struct look look = {.out = out, .folder = folder, .config = config};
	const char *colon = config->rootfs ? strchr(config->rootfs, ':') : NULL;
	int (*open_it)(struct look * look, struct error * err) = open_other;
	bool is_foreign = config->owner != 0 && config->owner != geteuid();
	int r;

	if (!colon)
		return fail_plain(err, EINVAL,
		                  "it has no root file system: lxc.rootfs.path is not set");
	look.path = colon + 1;
	out->text = must_dup(config->rootfs);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		if (strncmp(config->rootfs, ways[i].backend, strlen(ways[i].backend)) == 0 &&
		    config->rootfs[strlen(ways[i].backend)] == ':')
			open_it = ways[i].open;
	/* an image or layers of a user's are not even mounted */
	if (is_foreign && !trust && open_it != open_folder)
		return check_inside(&look, err);
	r = open_it(&look, err);
	return r == 0 && is_foreign && !trust ? check_inside(&look, err) : r;
}
