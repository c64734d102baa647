/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Content and attributes of one inode; see the header. */
#include "storage/copy_file.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>

#define PIECE_BYTES (16L << 20) /* copied between two looks at whether to go on */
#define SMALL_BYTES 65536       /* read and written is quicker than a splice up to here */
#define NAMES_FIRST 1024        /* of extended attributes, without a heap */
#define ENTRY_PATH  (sizeof("/proc/self/fd/2147483647/") + NAME_MAX + 1)

static int copy_by_hand(int from_fd, int to_fd, off_t at, off_t end, const struct copy_content *how)
{
	char buffer[SMALL_BYTES];

	while (at < end) {
		size_t most =
			end - at < (off_t)sizeof(buffer) ? (size_t)(end - at) : sizeof(buffer);
		ssize_t n = pread(from_fd, buffer, most, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0; /* it has become shorter */
		for (ssize_t done = 0, m; done < n; done += m) {
			m = pwrite(to_fd, buffer + done, (size_t)(n - done), at + done);
			if (m < 0 && errno == EINTR)
				m = 0;
			else if (m < 0)
				return -errno;
		}
		at += n;
		if (how->moved((uint64_t)n, false, how->user))
			return -ECANCELED;
	}
	return 0;
}

static bool is_unable(int error)
{
	return error == EXDEV || error == EOPNOTSUPP || error == ENOSYS || error == ENOTTY;
}

/* Bytes at..end, which hold data. */
static int copy_range(int from_fd, int to_fd, off_t at, off_t end, const struct copy_content *how)
{
	while (at < end && !how->ways->no_range) {
		size_t most = end - at < PIECE_BYTES ? (size_t)(end - at) : PIECE_BYTES;
		off_t from = at, to = at;
		ssize_t n = copy_file_range(from_fd, &from, to_fd, &to, most, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && is_unable(errno))
			how->ways->no_range = true;
		else if (n < 0 && errno != EINVAL)
			return -errno;
		if (n <= 0) /* 0: shorter now, or a kernel that says so without a reason */
			break;
		at += n;
		if (how->moved((uint64_t)n, false, how->user))
			return -ECANCELED;
	}
	return at < end ? copy_by_hand(from_fd, to_fd, at, end, how) : 0;
}

/* Data only; what is between stays a hole (lseek(2), SEEK_DATA). */
static int copy_sparse(int from_fd, int to_fd, off_t size, const struct copy_content *how)
{
	off_t at = 0;

	while (at < size) {
		off_t data = lseek(from_fd, at, SEEK_DATA), hole;
		int r;

		if (data < 0 && errno == ENXIO)
			break;
		if (data < 0)
			return -errno;
		hole = lseek(from_fd, data, SEEK_HOLE);
		if (hole < 0)
			return -errno;
		r = copy_range(from_fd, to_fd, data, hole < size ? hole : size, how);
		if (r < 0)
			return r;
		at = hole;
	}
	return ftruncate(to_fd, size) < 0 ? -errno : 0;
}

/* 1: done. */
static int try_clone(int from_fd, int to_fd, const struct stat *st, const struct copy_content *how)
{
	if (how->ways->no_clone)
		return 0;
	if (ioctl(to_fd, FICLONE, from_fd) == 0)
		return how->moved((uint64_t)st->st_blocks * 512, true, how->user) ? -ECANCELED : 1;
	if (errno == EINTR || errno == ENOSPC || errno == EDQUOT || errno == EIO)
		return -errno;
	if (is_unable(errno)) /* EINVAL: only this file, for its own reasons */
		how->ways->no_clone = true;
	return 0;
}

int copy_file_content(int from_fd, int to_fd, const struct stat *st, const struct copy_content *how)
{
	int r;

	if (st->st_size == 0)
		return 0;
	r = try_clone(from_fd, to_fd, st, how);
	if (r != 0)
		return r < 0 ? r : 0;
	if (st->st_blocks < (st->st_size + 511) / 512)
		return copy_sparse(from_fd, to_fd, st->st_size, how);
	if (st->st_size <= SMALL_BYTES)
		return copy_by_hand(from_fd, to_fd, 0, st->st_size, how);
	r = copy_range(from_fd, to_fd, 0, st->st_size, how);
	if (r == 0 && how->write_out) /* a hint: who waits for the disk hears of its errors */
		(void)sync_file_range(to_fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	return r;
}

/* The two forms of access to the attributes of an inode: by fd, or by a path that is not followed. */
struct place {
	int fd; /* -1: by path */
	char path[ENTRY_PATH];
};

static ssize_t list_names(const struct place *place, char *out, size_t room)
{
	return place->fd >= 0 ? flistxattr(place->fd, out, room)
	                      : llistxattr(place->path, out, room);
}

static ssize_t get_value(const struct place *place, const char *name, void *out, size_t room)
{
	return place->fd >= 0 ? fgetxattr(place->fd, name, out, room)
	                      : lgetxattr(place->path, name, out, room);
}

static int set_value(const struct place *place, const char *name, const void *value, size_t size)
{
	return place->fd >= 0 ? fsetxattr(place->fd, name, value, size, 0)
	                      : lsetxattr(place->path, name, value, size, 0);
}

static int copy_value(const struct place *from, const struct place *to, const char *name)
{
	char first[NAMES_FIRST];
	CLEAN_FREE char *more = NULL;
	char *value = first;
	ssize_t n = get_value(from, name, first, sizeof(first));

	if (n < 0 && errno == ERANGE) {
		value = more = must_alloc(XATTR_SIZE_MAX);
		n = get_value(from, name, value, XATTR_SIZE_MAX);
	}
	if (n < 0)
		return errno == ENODATA ? 0 : -errno;
	if (set_value(to, name, value, (size_t)n) == 0)
		return 0;
	/* the label of another policy, which the target's file system labels by itself */
	if (strcmp(name, "security.selinux") == 0 && (errno == EOPNOTSUPP || errno == EINVAL))
		return 0;
	return -errno;
}

static int copy_values(const struct place *from, const struct place *to)
{
	char first[NAMES_FIRST];
	CLEAN_FREE char *more = NULL;
	char *names = first;
	ssize_t n = list_names(from, first, sizeof(first));

	if (n < 0 && errno == ERANGE) {
		names = more = must_alloc(XATTR_LIST_MAX);
		n = list_names(from, names, XATTR_LIST_MAX);
	}
	if (n < 0)
		return errno == EOPNOTSUPP ? 0 : -errno;
	for (const char *name = names; name < names + n; name += strlen(name) + 1) {
		int r = copy_value(from, to, name);

		if (r < 0)
			return r;
	}
	return 0;
}

int copy_file_attributes(int from_fd, int to_fd, const struct stat *st, const char **what)
{
	const struct timespec times[] = {st->st_atim, st->st_mtim};
	struct place from = {.fd = from_fd}, to = {.fd = to_fd};
	struct stat now;
	int r;

	/* most were born with the right ones: a look is cheaper than to have them written again */
	*what = "look at";
	if (fstat(to_fd, &now) < 0)
		return -errno;
	*what = "set the owner of";
	if ((now.st_uid != st->st_uid || now.st_gid != st->st_gid) &&
	    fchown(to_fd, st->st_uid, st->st_gid) < 0)
		return -errno;
	/* chown(2) takes setuid bits and capabilities away; an ACL stands above the mode's group */
	*what = "set the mode of";
	if (now.st_mode != st->st_mode && fchmod(to_fd, st->st_mode & 07777) < 0)
		return -errno;
	*what = "copy the extended attributes of";
	r = copy_values(&from, &to);
	if (r < 0)
		return r;
	*what = "set the times of";
	return futimens(to_fd, times) < 0 ? -errno : 0;
}

int copy_entry_attributes(int from_folder, int to_folder, const char *name, const struct stat *st,
                          const char **what)
{
	const struct timespec times[] = {st->st_atim, st->st_mtim};
	struct place from = {.fd = -1}, to = {.fd = -1};
	int r;

	*what = "set the owner of";
	if (fchownat(to_folder, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	*what = "set the mode of";
	/* no symlink, which has none: nothing is followed */
	if (!S_ISLNK(st->st_mode) && fchmodat(to_folder, name, st->st_mode & 07777, 0) < 0)
		return -errno;
	*what = "copy the extended attributes of";
	(void)snprintf(from.path, sizeof(from.path), "/proc/self/fd/%d/%s", from_folder, name);
	(void)snprintf(to.path, sizeof(to.path), "/proc/self/fd/%d/%s", to_folder, name);
	r = copy_values(&from, &to);
	if (r < 0)
		return r;
	*what = "set the times of";
	return utimensat(to_folder, name, times, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}
