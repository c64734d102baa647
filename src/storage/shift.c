/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Changing the owners of a whole tree once, where the file system cannot be id-mapped. The tree is
 * hostile: each entry is opened by O_PATH without following a symlink or crossing a mount, and all
 * that follows is done to that fd, so nothing can be exchanged in between.
 */
#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/text.h"
#include "container/idmap.h"
#include "storage/attributes.h"
#include "storage/backend.h"
#include "storage/inodes.h"
#include "storage/storage.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#define TREE_DEPTH_MAX 1000 /* each level holds an open folder */
#define PROC_PATH_MAX  32

/* One walk. */
struct shift {
	const struct idmap *map;
	struct text path; /* where the walk is, below the tree: "/usr/bin/su"; stays on an error */
	void (*stray)(const char *path, uint32_t uid, uint32_t gid, void *user);
	void *user;
	struct inodes seen; /* the files with several names */
};

static void shift_done(struct shift *shift)
{
	inodes_done(&shift->seen);
	text_done(&shift->path);
	*shift = (struct shift){0};
}

static int host_id(const struct shift *shift, bool group, uint32_t inside, uint32_t *out,
                   struct error *err)
{
	int64_t id = idmap_to_host(shift->map, group, inside);

	if (id < 0)
		return fail_plain(err, EOVERFLOW, "it belongs to %s %u, which the map lacks",
		                  group ? "group" : "user", inside);
	*out = (uint32_t)id;
	return 0;
}

/* Whether it belongs to somebody outside of the map, who is told. */
static bool is_stray(const struct shift *shift, const struct stat *st)
{
	if (!shift->map->others ||
	    (idmap_has(shift->map, false, st->st_uid) && idmap_has(shift->map, true, st->st_gid)))
		return false;
	if (shift->stray)
		shift->stray(shift->path.length ? shift->path.data : "/", st->st_uid, st->st_gid,
		             shift->user);
	return true;
}

/*
 * The owner and what chown(2) takes away with it: the setuid and setgid bits and the capability of a
 * program. fd is O_PATH, so those go through its magic link, which cannot be a symlink's target:
 * symlinks have none of them. Not inlined: its buffers must not be in each frame of the recursion.
 */
__attribute__((noinline)) static int shift_inode(struct shift *shift, int fd, const struct stat *st,
                                                 struct error *err)
{
	struct attribute_value capability = {.size = 0};
	char proc_path[PROC_PATH_MAX];
	uint32_t uid = 0, gid = 0;
	bool regular = S_ISREG(st->st_mode), stray = is_stray(shift, st);
	int r;

	(void)snprintf(proc_path, sizeof(proc_path), "/proc/self/fd/%d", fd);
	r = host_id(shift, false, st->st_uid, &uid, err);
	if (r == 0)
		r = host_id(shift, true, st->st_gid, &gid, err);
	if (r < 0)
		return r;
	if (regular)
		r = attribute_read_capability(proc_path, &capability);
	if (r < 0)
		return fail(err, -r, "read its capability");
	if (fchownat(fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0)
		return fail(err, errno, "change its owner to %u:%u", uid, gid);
	/* a stray one had no effect with them, and must not get one by its new owner */
	if (regular && !stray && (st->st_mode & (S_ISUID | S_ISGID)) &&
	    chmod(proc_path, st->st_mode & 07777) < 0)
		return fail(err, errno, "restore its mode");
	r = attribute_shift_capability(proc_path, shift->map, &capability);
	if (r < 0)
		return fail(err, -r, "rewrite its capability");
	if (!regular && !S_ISDIR(st->st_mode))
		return 0;
	r = attribute_shift_acls(proc_path, shift->map);
	return r < 0 ? fail(err, -r, "rewrite its access list") : 0;
}

static int shift_folder(struct shift *shift, int path_fd, unsigned int depth, struct error *err);

static int shift_entry(struct shift *shift, int folder_fd, const char *name, unsigned int depth,
                       struct error *err)
{
	const struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS,
	};
	CLEAN_FD int fd = sys_openat2(folder_fd, name, &how);
	struct stat st;
	int r;

	if (fd < 0 && errno == EXDEV)
		return fail_plain(err, EXDEV, "it is a mount point (unmount it first)");
	if (fd < 0)
		return fail(err, errno, "open it");
	if (fstat(fd, &st) < 0)
		return fail(err, errno, "look at it");
	if (!S_ISDIR(st.st_mode) && st.st_nlink > 1 && !inodes_add(&shift->seen, &st))
		return 0;
	if (S_ISDIR(st.st_mode)) {
		r = shift_folder(shift, fd, depth + 1, err);
		if (r < 0)
			return r;
	}
	return shift_inode(shift, fd, &st, err);
}

/* All that is in the folder, not the folder itself. */
static int shift_folder(struct shift *shift, int path_fd, unsigned int depth, struct error *err)
{
	CLEAN_FD int fd = openat(path_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN_DIR DIR *dir = NULL;
	struct dirent *entry;

	if (fd < 0)
		return fail(err, errno, "open it");
	if (depth > TREE_DEPTH_MAX)
		return fail_plain(err, ELOOP, "folders are more than %d deep", TREE_DEPTH_MAX);
	dir = fdopendir(fd);
	if (!dir)
		return fail(err, errno, "read it");
	(void)fd_take(&fd); /* the stream's from here */
	while ((errno = 0, entry = readdir(dir))) {
		size_t length = shift->path.length;
		int r;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		text_addf(&shift->path, "/%s", entry->d_name);
		r = shift_entry(shift, dirfd(dir), entry->d_name, depth, err);
		if (r < 0)
			return r;
		shift->path.length = length;
		shift->path.data[length] = '\0';
	}
	return errno ? fail(err, errno, "read it") : 0;
}

static int shift_tree(struct shift *shift, int folder_fd, const char *name, struct error *err)
{
	struct stat st;
	int r;

	if (fstat(folder_fd, &st) < 0)
		return fail(err, errno, "look at '%s'", name);
	r = shift_folder(shift, folder_fd, 0, err);
	if (r == 0)
		r = shift_inode(shift, folder_fd, &st, err);
	return r < 0 ? fail_in(err, "shift the owners of '%s%s'", name,
	                       shift->path.data ? shift->path.data : "")
	             : 0;
}

int storage_shift_at(int folder_fd, const char *name, const struct idmap *map, struct error *err)
{
	CLEAN(shift_done) struct shift shift = {.map = map};

	return shift_tree(&shift, folder_fd, name, err);
}

int storage_shift(const char *dir, const struct idmap *map, struct error *err)
{
	CLEAN_FD int fd = storage_open_folder(dir, err);

	return fd < 0 ? fd : storage_shift_at(fd, dir, map, err);
}

int storage_unshift(const char *dir, const struct idmap *map,
                    void (*stray)(const char *path, uint32_t uid, uint32_t gid, void *user),
                    void *user, struct error *err)
{
	struct idmap back;
	CLEAN(shift_done) struct shift shift = {.map = &back, .stray = stray, .user = user};
	CLEAN_FD int fd = storage_open_folder(dir, err);

	idmap_invert(map, &back);
	return fd < 0 ? fd : shift_tree(&shift, fd, dir, err);
}
