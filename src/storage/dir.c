/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The backend "dir": a root file system that is a plain folder of the host. */
#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "storage/backend.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
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

static int open_dir(const char *path, struct error *err)
{
	CLEAN_FD int fd = storage_open_folder(path, err);
	int r;

	if (fd < 0)
		return fd;
	r = check_flags(fd, path, err);
	return r < 0 ? r : storage_clone_mount(fd, path, err);
}

const struct storage_backend storage_dir = {.name = "dir", .open = open_dir};
