/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading, replacing, opening below a root, removing trees; see the header. */
#include "base/file.h"

#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#define TREE_DEPTH_MAX 128 /* levels of a tree that are walked at once: each holds an fd */

ssize_t file_read_some(int fd, void *buffer, size_t room)
{
	ssize_t n;

	do
		n = read(fd, buffer, room);
	while (n < 0 && errno == EINTR);
	return n;
}

int file_read_fd(int fd, const char *what, size_t most_bytes, struct text *out, struct error *err)
{
	char buffer[16384];
	size_t total = 0;

	for (;;) {
		ssize_t n = file_read_some(fd, buffer, sizeof(buffer));

		if (n < 0)
			return fail(err, errno, "read '%s'", what);
		if (n == 0)
			return 0;
		total += (size_t)n;
		if (total > most_bytes)
			return fail(err, EFBIG, "read '%s': more than %zu bytes", what, most_bytes);
		text_add_bytes(out, buffer, (size_t)n);
	}
}

int file_read(int dirfd, const char *path, size_t most_bytes, struct text *out, struct error *err)
{
	CLEAN_FD int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return fail(err, errno, "open '%s'", path);
	return file_read_fd(fd, path, most_bytes, out, err);
}

int file_read_small(int dirfd, const char *path, char *buffer, size_t room)
{
	CLEAN_FD int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, buffer, room - 1);
	if (n < 0)
		return -errno;
	while (n > 0 && buffer[n - 1] == '\n')
		n--;
	buffer[n] = '\0';
	return (int)n;
}

int file_write(int dirfd, const char *path, const char *string, struct error *err)
{
	CLEAN_FD int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return fail(err, errno, "open '%s'", path);
	if (write(fd, string, strlen(string)) < 0)
		return fail(err, errno, "write '%s' to '%s'", string, path);
	return 0;
}

int file_write_all(int fd, const void *bytes, size_t count)
{
	const char *at = bytes;

	while (count) {
		ssize_t n = write(fd, at, count);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += n;
		count -= (size_t)n;
	}
	return 0;
}

/* "<dir>/.<base>.sysc-new", beside path. */
static char *temporary_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return must_printf(".%s.sysc-new", path);
	return must_printf("%.*s/.%s.sysc-new", (int)(slash - path), path, slash + 1);
}

/* The temporary, empty and locked; -EAGAIN: it was another's until now, or was none and is removed. */
static int try_temporary(int dirfd, const char *name, mode_t mode)
{
	CLEAN_FD int fd =
		openat(dirfd, name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, mode);
	struct stat mine = {0};

	if (fd < 0 && errno != ELOOP && errno != ENXIO)
		return -errno;
	if (fd >= 0 && (flock(fd, LOCK_EX) < 0 || fstat(fd, &mine) < 0))
		return errno == EINTR ? -EAGAIN : -errno;
	/* whoever wrote it meanwhile has given it its name */
	if (fd >= 0 && !file_is_current(dirfd, name, fd))
		return -EAGAIN;
	if (fd >= 0 && S_ISREG(mine.st_mode) && mine.st_nlink == 1)
		return mine.st_size && ftruncate(fd, 0) < 0 ? -errno : fd_take(&fd);
	return unlinkat(dirfd, name, 0) < 0 && errno != ENOENT ? -errno : -EAGAIN;
}

/*
 * One name for all who write the file, each of whom holds it locked: what a killed one left is used by the next,
 * and there is never more than one.
 */
static int open_temporary(int dirfd, const char *name, mode_t mode)
{
	int fd;

	do
		fd = try_temporary(dirfd, name, mode);
	while (fd == -EAGAIN);
	return fd;
}

/* fsync of the directory that path is in, so that the rename lasts. */
static int sync_parent(int dirfd, const char *path)
{
	const char *slash = strrchr(path, '/');
	CLEAN_FREE char *parent =
		slash ? must_printf("%.*s", (int)(slash - path) + (slash == path), path)
		      : must_dup(".");
	CLEAN_FD int fd = openat(dirfd, parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return -errno;
	return 0;
}

static int replace(int dirfd, const char *path, const void *bytes, size_t count, mode_t mode,
                   bool lasting, struct error *err)
{
	CLEAN_FREE char *temporary = temporary_name(path);
	CLEAN_FD int fd = open_temporary(dirfd, temporary, mode);
	int r;

	if (fd < 0)
		return fail(err, -fd, "create '%s'", temporary);
	r = file_write_all(fd, bytes, count);
	if (r == 0 && (fchmod(fd, mode) < 0 || (lasting && fsync(fd) < 0)))
		r = -errno;
	if (r == 0 && renameat(dirfd, temporary, dirfd, path) < 0)
		r = -errno;
	if (r == 0 && lasting)
		r = sync_parent(dirfd, path);
	if (r < 0) {
		(void)unlinkat(dirfd, temporary, 0); /* gone already if the rename worked */
		return fail(err, -r, "write '%s'", path);
	}
	return 0;
}

int file_replace(int dirfd, const char *path, const void *bytes, size_t count, mode_t mode,
                 struct error *err)
{
	return replace(dirfd, path, bytes, count, mode, true, err);
}

int file_replace_volatile(int dirfd, const char *path, const void *bytes, size_t count, mode_t mode,
                          struct error *err)
{
	return replace(dirfd, path, bytes, count, mode, false, err);
}

void file_drop_temporary(int dirfd, const char *path)
{
	CLEAN_FREE char *temporary = temporary_name(path);

	(void)unlinkat(dirfd, temporary, 0); /* mostly there is none */
}

int file_make_dirs(const char *path, mode_t mode, struct error *err)
{
	CLEAN_FREE char *copy = must_dup(path);
	const char *last = strrchr(copy, '/');

	if (mkdir(path, mode) == 0 || errno == EEXIST)
		return 0;
	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		/* what stands above is for everyone to pass through, but for the folder of private ones */
		mode_t above = slash == last && !(mode & 077) ? mode : 0755;

		*slash = '\0';
		if (mkdir(copy, above) < 0 && errno != EEXIST)
			return fail(err, errno, "create directory '%s'", copy);
		*slash = '/';
	}
	if (mkdir(path, mode) < 0 && errno != EEXIST)
		return fail(err, errno, "create directory '%s'", path);
	return 0;
}

int file_open_in_root(int root_fd, const char *path, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC),
		.mode = flags & O_CREAT ? mode : 0,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	int fd = sys_openat2(root_fd, path, &how);

	return fd < 0 ? -errno : fd;
}

int file_open_beneath(int root_fd, const char *path, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC),
		.mode = flags & O_CREAT ? mode : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	int fd = sys_openat2(root_fd, path, &how);

	return fd < 0 ? -errno : fd;
}

/* A tree that is being removed. */
struct removal {
	int top_fd;         /* its root, on which deep directories are put */
	dev_t device;       /* nothing of another one is touched */
	unsigned int moved; /* how many were put there, for their names */
	bool again;         /* some were since the root was last read */
};

/*
 * A directory below TREE_DEPTH_MAX others is renamed into the root of the tree and removed from
 * there: each level holds an fd, and a guest may have made thousands of levels.
 */
static int move_up(struct removal *removal, int parent, const char *name, struct error *err)
{
	char to[32];
	int r;

	do {
		(void)snprintf(to, sizeof(to), ".deep.%u", removal->moved++);
		r = renameat2(parent, name, removal->top_fd, to, RENAME_NOREPLACE) < 0 ? -errno : 0;
	} while (r == -EEXIST);
	if (r < 0)
		return fail(err, -r, "move '%s' up from below %d directories", name,
		            TREE_DEPTH_MAX);
	removal->again = true;
	return 0;
}

static int empty_dir(struct removal *removal, int fd, unsigned int depth, struct error *err);

/* Removes one entry of the directory parent. */
static int remove_entry(struct removal *removal, int parent, const struct dirent *entry,
                        unsigned int depth, struct error *err)
{
	const char *name = entry->d_name;
	CLEAN_FD int child = -1;
	struct stat st;
	int r;

	if (entry->d_type != DT_DIR && unlinkat(parent, name, 0) == 0)
		return 0;
	child = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (child < 0) {
		if (errno == ENOENT || unlinkat(parent, name, 0) == 0)
			return 0;
		return fail(err, errno, "remove '%s'", name);
	}
	if (fstat(child, &st) < 0 || st.st_dev != removal->device)
		return fail_plain(err, EXDEV, "'%s' is a mount point (unmount it first)", name);
	if (depth >= TREE_DEPTH_MAX)
		return move_up(removal, parent, name, err);
	r = empty_dir(removal, fd_take(&child), depth + 1, err);
	if (r == 0 && unlinkat(parent, name, AT_REMOVEDIR) < 0)
		r = fail(err, errno, "remove directory '%s'", name);
	return r;
}

/* Removes what is in the directory fd (which it takes over), not the directory itself. */
static int empty_dir(struct removal *removal, int fd, unsigned int depth, struct error *err)
{
	CLEAN_DIR DIR *dir = fdopendir(fd);
	const struct dirent *entry;

	if (!dir) {
		close(fd);
		return fail(err, errno, "read a directory");
	}
	while ((entry = readdir(dir))) {
		int r;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		r = remove_entry(removal, dirfd(dir), entry, depth, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Until nothing is moved up to its root any more. */
static int empty_tree(int fd, dev_t device, struct error *err)
{
	struct removal removal = {.top_fd = fd, .device = device};
	int r;

	do {
		int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (again < 0)
			return fail(err, errno, "open a directory");
		removal.again = false;
		r = empty_dir(&removal, again, 0, err);
	} while (r == 0 && removal.again);
	return r;
}

int file_remove_tree(int dirfd, const char *name, struct error *err)
{
	CLEAN_FD int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	int r;

	if (fd < 0) {
		if (errno == ENOENT || unlinkat(dirfd, name, 0) == 0)
			return 0;
		return fail(err, errno, "remove '%s'", name);
	}
	if (fstat(fd, &st) < 0)
		return fail(err, errno, "look at '%s'", name);
	r = empty_tree(fd, st.st_dev, err);
	if (r < 0)
		return fail_in(err, "remove '%s'", name);
	if (unlinkat(dirfd, name, AT_REMOVEDIR) < 0)
		return fail(err, errno, "remove directory '%s'", name);
	return 0;
}

bool file_is_dir(int dirfd, const char *path)
{
	struct stat st;

	return fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

bool file_exists(int dirfd, const char *path)
{
	return faccessat(dirfd, path, F_OK, 0) == 0;
}

bool file_is_current(int dirfd, const char *path, int fd)
{
	struct stat mine, now;

	return fstat(fd, &mine) == 0 && fstatat(dirfd, path, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
	       mine.st_dev == now.st_dev && mine.st_ino == now.st_ino;
}

long file_system_of(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return -errno;
	return (long)fs.f_type;
}

bool file_is_char_device(int fd, unsigned int major_number, unsigned int minor_number)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && major(st.st_rdev) == major_number &&
	       minor(st.st_rdev) == minor_number;
}

uint64_t file_share(const struct stat *st)
{
	uint64_t size = (uint64_t)st->st_size, stored = (uint64_t)st->st_blocks * 512;

	if (!S_ISREG(st->st_mode))
		return 0;
	return (stored < size ? stored : size) / (st->st_nlink ? st->st_nlink : 1);
}
