/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The walk of a removal. A job is a folder: its files go at once, its subfolders become jobs. The last
 * of those to be done removes the folder itself, and so on up to the root.
 */
#include "storage/remove.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "storage/subvolume.h"
#include "storage/walk.h"
#include "storage/work.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#define TICK_MS    200
#define LISTS_MOST 100 /* of one folder, which somebody else keeps filling */
#define DEPTH_MOST 256 /* each folder is opened from the root, which is long from far below */

struct removal {
	struct work work; /* first: a job finds its removal by it */
	int dirfd;
	const char *name;
	int root_fd;
	struct folder *root;
	const struct remove_options *options; /* may be NULL */
	atomic_ullong count;                  /* of what went */
	atomic_uint moved; /* folders that were put into the root, for their names */
};

struct folder {
	struct work_job base; /* first */
	struct folder *parent;
	struct walk_node *node; /* NULL: the root */
	atomic_uint pending;    /* its own list and its subfolders */
	unsigned int lists, depth;
};

static int fail_entry(const struct folder *folder, const char *name, const char *what, int code,
                      struct error *err)
{
	char path[WALK_PATH_MAX];

	return fail(err, code, "%s '%s'", what, walk_path(folder->node, name, path));
}

static int fail_mount(const struct folder *folder, const char *name, struct error *err)
{
	char path[WALK_PATH_MAX];

	return fail_plain(err, EXDEV, "'%s' is a mount point (unmount it first)",
	                  walk_path(folder->node, name, path));
}

/* Takes away what keeps even root from removing it; true when there was something. */
static bool unlock_fd(int fd)
{
	int flags = 0;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0 || !(flags & (FS_IMMUTABLE_FL | FS_APPEND_FL)))
		return false;
	flags &= ~(FS_IMMUTABLE_FL | FS_APPEND_FL);
	return ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0;
}

/* The entry, or the folder that it is in. */
static bool unlock_entry(int fd, const char *name)
{
	CLEAN_FD int entry = walk_open_entry(fd, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
	bool unlocked = entry >= 0 && unlock_fd(entry);

	return unlock_fd(fd) || unlocked;
}

static int unlink_entry(int fd, const char *name, int flags)
{
	if (unlinkat(fd, name, flags) == 0 || errno == ENOENT)
		return 0;
	if (errno != EPERM || !unlock_entry(fd, name))
		return -errno;
	return unlinkat(fd, name, flags) == 0 ? 0 : -errno;
}

static void push_folder(struct removal *removal, struct folder *parent, const char *name)
{
	struct folder *folder = must_alloc(sizeof(*folder));

	*folder = (struct folder){.parent = parent, .pending = 1};
	if (parent) {
		atomic_fetch_add(&parent->pending, 1);
		folder->node = walk_node_new(parent->node, name);
		folder->depth = parent->depth + 1;
	} else {
		removal->root = folder;
	}
	work_push(&removal->work, &folder->base, false);
}

/*
 * A subfolder that is far below is put into the root and removed from there; where that cannot be (a
 * subvolume), it is removed where it is.
 */
static void push_subfolder(struct removal *removal, struct folder *folder, int fd, const char *name)
{
	bool is_moved = false;
	char up[32];

	errno = EEXIST;
	while (folder->depth >= DEPTH_MOST && !is_moved && errno == EEXIST) {
		(void)snprintf(up, sizeof(up), ".deep.%u", removal->moved++);
		is_moved = renameat2(fd, name, removal->root_fd, up, RENAME_NOREPLACE) == 0;
	}
	push_folder(removal, is_moved ? removal->root : folder, is_moved ? up : name);
}

static int remove_entry(struct removal *removal, struct folder *folder, int fd,
                        const struct dirent *entry, struct error *err)
{
	int r;

	removal->count++;
	if (entry->d_type == DT_DIR) {
		push_subfolder(removal, folder, fd, entry->d_name);
		return 0;
	}
	r = unlink_entry(fd, entry->d_name, 0);
	if (r == -EISDIR) { /* a file system that does not tell the type in its lists */
		push_subfolder(removal, folder, fd, entry->d_name);
		return 0;
	}
	if (r == -EBUSY)
		return fail_mount(folder, entry->d_name, err);
	return r < 0 ? fail_entry(folder, entry->d_name, "remove", -r, err) : 0;
}

static int empty_folder(struct removal *removal, struct folder *folder, int fd, struct error *err)
{
	CLEAN_FD int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	CLEAN_DIR DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;

	if (!dir)
		return fail_entry(folder, NULL, "read", errno, err);
	(void)fd_take(&copy); /* the stream's from here */
	while ((errno = 0, entry = readdir(dir))) {
		int r;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		r = remove_entry(removal, folder, fd, entry, err);
		if (r < 0)
			return r;
		if (work_is_stopped(&removal->work))
			return 0;
	}
	return errno ? fail_entry(folder, NULL, "read", errno, err) : 0;
}

/* The folder that holds this one, and its name there. */
static int open_parent(const struct removal *removal, const struct folder *folder,
                       const char **name)
{
	if (!folder->node) {
		*name = removal->name;
		return fcntl(removal->dirfd, F_DUPFD_CLOEXEC, 3);
	}
	*name = folder->node->name;
	return walk_open(removal->root_fd, folder->node->parent, O_RDONLY | O_DIRECTORY);
}

/* A subvolume without others in it goes as a whole: 1. */
static int try_subvolume(const struct removal *removal, const struct folder *folder, int fd)
{
	const char *name;
	CLEAN_FD int parent = -1;
	int r;

	if (!subvolume_is(fd))
		return 0;
	parent = open_parent(removal, folder, &name);
	r = parent < 0 ? -errno : subvolume_remove(fd, parent, name);
	return r == 0;
}

/* 1: it has something in it again, and is listed once more. */
static int remove_folder(struct removal *removal, struct folder *folder, struct error *err)
{
	const char *name;
	CLEAN_FD int parent = open_parent(removal, folder, &name);
	int r;

	if (parent < 0)
		return fail_entry(folder, NULL, "open what holds", -parent, err);
	r = unlink_entry(parent, name, AT_REMOVEDIR);
	if ((r == -ENOTEMPTY || r == -EEXIST) && ++folder->lists < LISTS_MOST) {
		folder->pending = 1;
		work_push(&removal->work, &folder->base, false);
		return 1;
	}
	if (r == -EBUSY)
		return fail_mount(folder, NULL, err);
	return r < 0 ? fail_entry(folder, NULL, "remove directory", -r, err) : 0;
}

static void free_folder(struct folder *folder)
{
	walk_node_drop(folder->node);
	free(folder);
}

/* Lets go of a folder, and of each above that has nothing left to wait for. */
static int finish(struct removal *removal, struct folder *folder, bool gone, bool good,
                  struct error *err)
{
	int r = 0;

	while (folder && atomic_fetch_sub(&folder->pending, 1) == 1) {
		struct folder *parent = folder->parent;

		if (good && !gone && r == 0)
			r = remove_folder(removal, folder, err);
		if (r == 1)
			return 0;
		gone = false;
		free_folder(folder);
		folder = parent;
	}
	return r;
}

static int run_folder(struct work *work, struct work_job *base, struct error *err)
{
	struct removal *removal = (struct removal *)work;
	struct folder *folder = (struct folder *)base;
	CLEAN_FD int fd = walk_open(removal->root_fd, folder->node, O_RDONLY | O_DIRECTORY);
	int gone = 0, r = 0;

	if (fd == -EXDEV)
		r = fail_mount(folder, NULL, err);
	else if (fd < 0 && fd != -ENOENT)
		r = fail_entry(folder, NULL, "open", -fd, err);
	else if (fd >= 0)
		gone = try_subvolume(removal, folder, fd);
	if (fd >= 0 && !gone)
		r = empty_folder(removal, folder, fd, err);
	fd_close(&fd);
	if (r < 0) {
		(void)finish(removal, folder, false, false, NULL);
		return r;
	}
	return finish(removal, folder, gone, !work_is_stopped(work), err);
}

static void drop_folder(struct work *work, struct work_job *base)
{
	(void)finish((struct removal *)work, (struct folder *)base, false, false, NULL);
}

static int tick(struct work *work, struct error *err)
{
	const struct removal *removal = (struct removal *)work;

	return removal->options->progress(removal->count, removal->options->user, err);
}

int remove_tree_with(int dirfd, const char *name, const struct remove_options *options,
                     struct error *err)
{
	struct removal removal = {.dirfd = dirfd, .name = name, .options = options};
	CLEAN_FD int fd = walk_open_entry(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	int r;

	if (fd == -ENOENT)
		return 0;
	if (fd == -EXDEV)
		return fail_plain(err, EXDEV, "'%s' is a mount point (unmount it first)", name);
	if (fd == -ENOTDIR || fd == -ELOOP) {
		fd = -1;
		r = unlink_entry(dirfd, name, 0);
		return r < 0 ? fail(err, -r, "remove '%s'", name) : 0;
	}
	if (fd < 0)
		return fail(err, -fd, "open '%s'", name);
	removal.root_fd = fd;
	work_init(&removal.work);
	removal.work.run = run_folder;
	removal.work.drop = drop_folder;
	removal.work.tick = options ? tick : NULL;
	removal.work.tick_ms = TICK_MS;
	push_folder(&removal, NULL, NULL);
	r = work_run(&removal.work, 0, err);
	work_done(&removal.work);
	return r < 0 ? fail_in(err, "remove '%s'", name) : 0;
}

int remove_tree(int dirfd, const char *name, struct error *err)
{
	return remove_tree_with(dirfd, name, NULL, err);
}
