/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Nodes and symlinks of /dev; see the header. Numbers: Documentation/admin-guide/devices.txt. */
#include "runtime/devices.h"

#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/file.h"
#include "base/parse.h"
#include "container/config.h"
#include "runtime/mounts.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static const struct {
	const char *name;
	unsigned int major, minor;
} standard[] = {
	{"null",    1, 3},
        {"zero",    1, 5},
        {"full",    1, 7},
	{"random",  1, 8},
        {"urandom", 1, 9},
        {"tty",     5, 0},
};

static const struct {
	const char *name, *target;
} links[] = {
	{"fd",     "/proc/self/fd"  },
        {"stdin",  "/proc/self/fd/0"},
        {"stdout", "/proc/self/fd/1"},
	{"stderr", "/proc/self/fd/2"},
        {"ptmx",   "pts/ptmx"       },
};

void device_list_done(struct device_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		fd_close(&list->rows[i].fd);
	free(list->rows);
	strings_done(&list->texts);
	*list = (struct device_list){0};
}

/* Looks at the host's node, and opens it as a detached mount where the container needs that. */
static int open_host(struct device_row *row, bool privileged, struct error *err)
{
	CLEAN_FREE char *path = must_printf("/dev/%s", row->path);
	CLEAN_FD int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return fail(err, errno, "open '%s' of the host", path);
	if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
		return fail_plain(err, ENODEV, "'%s' of the host is no device", path);
	if (row->number && row->number != st.st_rdev)
		return fail_plain(err, ENODEV, "'%s' of the host is not device %u:%u", path,
		                  major(row->number), minor(row->number));
	row->number = st.st_rdev;
	row->mode = (row->mode ? row->mode : st.st_mode & 0777) | (st.st_mode & S_IFMT);
	if (privileged)
		return 0;
	row->fd = sys_open_tree(fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	if (row->fd < 0)
		return fail(err, errno, "open '%s' as a mount", path);
	return 0;
}

/* "UID:GID" */
static int parse_owner(const char *text, struct device_row *row)
{
	CLEAN(strings_done) struct strings ids = {0};
	uint64_t uid = 0, gid = 0;

	strings_split(&ids, text, ":");
	if (ids.count != 2 || parse_uint(ids.items[0], UINT32_MAX - 1, &uid) < 0 ||
	    parse_uint(ids.items[1], UINT32_MAX - 1, &gid) < 0)
		return -EINVAL;
	row->uid = (uid_t)uid;
	row->gid = (gid_t)gid;
	return 0;
}

/* "/dev/fuse [MODE [UID:GID]]" */
static int parse_node(struct device_list *list, struct device_row *row, const char *line,
                      struct error *err)
{
	CLEAN(strings_done) struct strings words = {0};
	unsigned int mode = 0;

	strings_split(&words, line, " \t");
	if (!words.count || !text_starts(words.items[0], "/dev/") || strstr(words.items[0], ".."))
		return fail_plain(err, EINVAL, "'%s' is no path below /dev", line);
	if ((words.count > 1 && parse_mode(words.items[1], &mode) < 0) ||
	    (words.count > 2 && parse_owner(words.items[2], row) < 0) || words.count > 3)
		return fail_plain(err, EINVAL, "'%s' is not of the form /dev/NAME [MODE [UID:GID]]",
		                  line);
	strings_add(&list->texts, words.items[0] + strlen("/dev/"));
	row->path = list->texts.items[list->texts.count - 1];
	row->mode = mode;
	return 0;
}

int devices_plan(struct device_list *list, const struct config *config, bool privileged,
                 struct error *err)
{
	const struct strings *nodes = &config->device_node;

	list->rows = must_alloc((ARRAY_SIZE(standard) + nodes->count) * sizeof(*list->rows));
	for (size_t i = 0; i < ARRAY_SIZE(standard); i++) {
		struct device_row *row = &list->rows[list->count++];
		int r;

		*row = (struct device_row){.path = standard[i].name,
		                           .mode = 0666,
		                           .number = makedev(standard[i].major, standard[i].minor),
		                           .fd = -1};
		r = open_host(row, privileged, err);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < nodes->count; i++) {
		struct device_row *row = &list->rows[list->count++];
		char where[512];
		int r;

		row->fd = -1;
		r = parse_node(list, row, nodes->items[i], err);
		if (r == 0)
			r = open_host(row, privileged, err);
		if (r < 0)
			return fail_in(
				err, "devices.node%s",
				config_where(config, "devices", "node", i, where, sizeof(where)));
	}
	return 0;
}

static int place(const struct device_row *row, struct error *err)
{
	char path[512];
	CLEAN_FD int target = -1;
	size_t length = strlen(row->path);

	if (length >= sizeof(path) - 5)
		return fail(err, ENAMETOOLONG, "make '/dev/%s'", row->path);
	memcpy(path, "/dev/", 5);
	memcpy(path + 5, row->path, length + 1);
	target = mounts_open_target(path, MOUNT_MAKE_FILE);
	if (target < 0)
		return fail(err, -target, "make '%s'", path);
	if (row->fd < 0) { /* privileged: a node of its own instead of the file just made */
		if (unlinkat(AT_FDCWD, path, 0) < 0 ||
		    mknodat(AT_FDCWD, path, row->mode, row->number) < 0 ||
		    fchownat(AT_FDCWD, path, row->uid, row->gid, AT_SYMLINK_NOFOLLOW) < 0 ||
		    fchmodat(AT_FDCWD, path, row->mode & 07777, 0) < 0)
			return fail(err, errno, "make '%s'", path);
		return 0;
	}
	if (sys_move_mount(row->fd, "", target, "",
	                   MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return fail(err, errno, "mount '%s'", path);
	return 0;
}

int devices_place(const struct device_list *list, struct error *err)
{
	CLEAN_FD int dev = open("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dev < 0)
		return fail(err, errno, "open '/dev'");
	for (size_t i = 0; i < list->count; i++) {
		int r = place(&list->rows[i], err);

		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		if (symlinkat(links[i].target, dev, links[i].name) < 0)
			return fail(err, errno, "make '/dev/%s'", links[i].name);
	return 0;
}
