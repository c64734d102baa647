/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The backend "dir": a root file system that is a plain folder of the host. */
#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/text.h"
#include "container/paths.h"
#include "storage/backend.h"
#include "storage/copy.h"
#include "storage/own.h"
#include "storage/quota.h"
#include "storage/remove.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

int storage_open_folder(const char *path, struct error *err)
{
	CLEAN_FD int fd = -1;
	struct stat st;

	if (path[0] != '/')
		return fail_plain(err, EINVAL, "'%s' is not an absolute path", path);
	fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return fail(err, errno, "open '%s'", path);
	if (fstat(fd, &st) < 0)
		return fail(err, errno, "look at '%s'", path);
	if (S_ISLNK(st.st_mode)) {
		/* who can replace a symlink would choose what the container's root is */
		(void)fail_plain(err, ELOOP, "'%s' is a symlink", path);
		return fail_hint(err, "give the folder that it points to");
	}
	if (!S_ISDIR(st.st_mode))
		return fail(err, ENOTDIR, "open '%s'", path);
	return fd_take(&fd);
}

int storage_clone_mount(int folder_fd, const char *path, struct error *err)
{
	int fd = sys_open_tree(folder_fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (fd < 0)
		return fail(err, errno, "clone the mount of '%s'", path);
	return fd;
}

int storage_open_above(const char *path, const char **name, struct error *err)
{
	const char *slash = strrchr(path, '/');
	CLEAN_FREE char *folder = NULL;
	int fd;

	if (!slash || !slash[1])
		return fail_plain(err, EINVAL, "'%s' is no path of a root file system", path);
	folder = must_printf("%.*s", slash == path ? 1 : (int)(slash - path), path);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail(err, errno, "open '%s'", folder);
	*name = slash + 1;
	return fd;
}

int storage_make_folder(const char *path, struct error *err)
{
	if (mkdir(path, 0755) < 0 || chmod(path, 0755) < 0)
		return fail(err, errno, "make directory '%s'", path);
	return 0;
}

int storage_remove_folder(const char *path, struct error *err)
{
	const char *name;
	CLEAN_FD int above = storage_open_above(path, &name, err);

	if (above == -ENOENT || above == -ENOTDIR) {
		error_clear(err);
		return 0;
	}
	return above < 0 ? above : remove_tree(above, name, err);
}

static int choose_dir(const struct storage_request *request, const char *dir, struct storage *out,
                      struct error *err)
{
	strings_give(&out->parts, must_printf("%s/rootfs", dir));
	return request->size_bytes ? quota_check(request->paths->store, err) : 0;
}

static int make_dir(const struct storage *storage, struct error *err)
{
	return storage_make_folder(storage_place(storage), err);
}

/* A guest cannot live on a file system from which nothing may be run; its init would only say EACCES. */
static int check_flags(int folder_fd, const char *path, struct error *err)
{
	struct statvfs fs;

	if (fstatvfs(folder_fd, &fs) < 0)
		return fail(err, errno, "look at the file system of '%s'", path);
	if (!(fs.f_flag & ST_NOEXEC))
		return 0;
	(void)fail_plain(err, EACCES, "the file system of '%s' is mounted noexec", path);
	return fail_hint(err, "mount it without noexec, or move the container's root file system");
}

static int visit_dir(const struct storage *storage, bool writable, struct error *err)
{
	const char *path = storage_place(storage);
	CLEAN_FD int fd = storage_open_folder(path, err);

	(void)writable; /* an attribute of the mount */
	return fd < 0 ? fd : storage_clone_mount(fd, path, err);
}

static int open_dir(const struct storage *storage, bool readonly, struct storage_root *out,
                    struct error *err)
{
	const char *path = storage_place(storage);
	CLEAN_FD int fd = storage_open_folder(path, err);
	int r;

	(void)readonly;
	if (fd < 0)
		return fd;
	r = check_flags(fd, path, err);
	if (r == 0)
		r = out->fd = storage_clone_mount(fd, path, err);
	return r < 0 ? r : 0;
}

/* Subvolumes of btrfs are several devices, and can. */
static bool is_same_disk(int one, int other)
{
	struct stat a, b;
	struct statfs fs;

	return fstat(one, &a) == 0 && fstat(other, &b) == 0 &&
	       (a.st_dev == b.st_dev ||
	        (fstatfs(other, &fs) == 0 && fs.f_type == BTRFS_SUPER_MAGIC));
}

bool storage_can_share(int from_fd, int folder_fd)
{
	CLEAN_FD int from = openat(folder_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	CLEAN_FD int to = openat(folder_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	return is_same_disk(from_fd, folder_fd) && from >= 0 && to >= 0 &&
	       write(from, "x", 1) == 1 && ioctl(to, FICLONE, from) == 0;
}

static int clone_dir(const struct storage *from, const struct storage *to, struct error *err)
{
	const char *source = storage_place(from), *target = storage_place(to), *name;
	CLEAN_FD int source_fd = visit_dir(from, false, err), above = -1, target_fd = -1;
	int r;

	if (source_fd < 0)
		return source_fd;
	above = storage_open_above(target, &name, err);
	if (above < 0)
		return above;
	if (!is_same_disk(source_fd, above))
		return fail_plain(err, EOPNOTSUPP, "'%s' and '%s' are on two file systems", source,
		                  target);
	if (!storage_can_share(source_fd, above))
		return fail_plain(err, EOPNOTSUPP,
		                  "the file system of '%s' cannot share blocks between files",
		                  target);
	r = storage_make(to, err);
	if (r < 0)
		return r;
	target_fd = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (target_fd < 0)
		return fail(err, errno, "open '%s'", target);
	r = copy_tree(source_fd, target_fd, NULL, NULL, err);
	if (r == 0)
		return 0;
	fd_close(&target_fd);
	(void)remove_tree(above, name, NULL); /* the failure is the one to tell */
	return fail_in(err, "copy '%s'", source);
}

static int remove_dir(const struct storage *storage, struct error *err)
{
	return storage_remove_folder(storage_place(storage), err);
}

static int limit_dir(const struct storage *storage, struct error *err)
{
	return quota_set(storage_place(storage), storage->size_bytes, err);
}

static int usage_dir(const struct storage *storage, struct storage_usage *out, struct error *err)
{
	return quota_usage(storage_place(storage), out, err);
}

static int own_dir(const struct storage *storage, uint64_t *bytes, struct error *err)
{
	CLEAN_FD int fd = storage_visit(storage, 0, err);

	return fd < 0 ? fd : own_tree(fd, bytes, err);
}

const struct storage_backend storage_dir = {
	.name = "dir",
	.is_inside = true,
	.choose = choose_dir,
	.make = make_dir,
	.visit = visit_dir,
	.open = open_dir,
	.clone = clone_dir,
	.remove = remove_dir,
	.limit = limit_dir,
	.usage = usage_dir,
	.own = own_dir,
};
