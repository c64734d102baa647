/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copying a tree a second time: what is kept of the first copy, and what goes; see the header. */
#include "storage/copy_seen.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "storage/remove.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#define ROOM_FIRST 4096
#define SLACK_NS   100000000L /* file systems keep times by the tick of the clock: 10 ms at most */

struct copy_met {
	ino_t made; /* 0: free */
	ino_t number;
	dev_t device;
	struct timespec changed; /* tv_sec -1: nothing is known of it any more */
};

void copy_seen_init(struct copy_seen *seen)
{
	*seen = (struct copy_seen){.items = NULL};
	(void)pthread_mutex_init(&seen->lock, NULL); /* cannot fail in Linux */
}

void copy_seen_done(struct copy_seen *seen)
{
	free(seen->items);
	(void)pthread_mutex_destroy(&seen->lock);
}

bool copy_seen_can(int fd)
{
	static const long types[] = {EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC,
	                             F2FS_SUPER_MAGIC};
	long type = file_system_of(fd);

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (type == types[i])
			return true;
	return false;
}

int copy_seen_begin(struct copy_seen *seen, int fd, struct error *err)
{
	CLEAN_FD int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	/* the clock of file systems; what is written until the pages are clean counts as unknown */
	(void)clock_gettime(CLOCK_REALTIME_COARSE, &seen->before);
	seen->before.tv_nsec -= SLACK_NS;
	if (seen->before.tv_nsec < 0) {
		seen->before.tv_nsec += 1000000000L;
		seen->before.tv_sec--;
	}
	if (again < 0 || syncfs(again) < 0)
		return fail(err, errno, "write the file system of the tree to disk");
	return 0;
}

/* --- the table --- */

/* Its place, or the free one where it would be. */
static struct copy_met *find(const struct copy_seen *seen, ino_t made)
{
	size_t at = (size_t)(made * 0x9e3779b97f4a7c15ULL >> 20);

	for (;; at++) {
		struct copy_met *met = &seen->items[at & (seen->room - 1)];

		if (!met->made || met->made == made)
			return met;
	}
}

static void grow(struct copy_seen *seen)
{
	struct copy_seen bigger = {.room = seen->room ? seen->room * 2 : ROOM_FIRST};

	bigger.items = must_alloc(bigger.room * sizeof(*bigger.items));
	for (size_t i = 0; i < seen->room; i++)
		if (seen->items[i].made)
			*find(&bigger, seen->items[i].made) = seen->items[i];
	free(seen->items);
	seen->items = bigger.items;
	seen->room = bigger.room;
}

static bool is_before(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

void copy_seen_add(struct copy_seen *seen, int to_folder, const char *name, const struct stat *st)
{
	struct copy_met *met;
	struct stat to;

	if (fstatat(to_folder, name, &to, AT_SYMLINK_NOFOLLOW) < 0)
		return; /* it is not known then */
	(void)pthread_mutex_lock(&seen->lock);
	if (seen->count * 2 >= seen->room)
		grow(seen);
	met = find(seen, to.st_ino);
	seen->count += !met->made;
	/* also over what was known of an inode that had this number before */
	*met = (struct copy_met){.made = to.st_ino,
	                         .number = st->st_ino,
	                         .device = st->st_dev,
	                         .changed = st->st_ctim};
	if (!is_before(&st->st_ctim, &seen->before))
		met->changed.tv_sec = -1;
	(void)pthread_mutex_unlock(&seen->lock);
}

bool copy_seen_has(struct copy_seen *seen, const struct stat *to, const struct stat *st)
{
	const struct copy_met *met;
	bool is_same = false;

	(void)pthread_mutex_lock(&seen->lock);
	if (seen->room) {
		met = find(seen, to->st_ino);
		is_same = met->made && met->changed.tv_sec != -1 && met->number == st->st_ino &&
		          met->device == st->st_dev && to->st_size == st->st_size &&
		          (to->st_mode & S_IFMT) == (st->st_mode & S_IFMT) &&
		          met->changed.tv_sec == st->st_ctim.tv_sec &&
		          met->changed.tv_nsec == st->st_ctim.tv_nsec;
	}
	(void)pthread_mutex_unlock(&seen->lock);
	return is_same;
}

/* --- what is there already --- */

static int compare_names(const void *key, const void *item)
{
	return strcmp(key, *(char *const *)item);
}

static bool is_wanted(const struct strings *names, const char *name)
{
	return names->count && bsearch(name, names->items, names->count, sizeof(*names->items),
	                               compare_names) != NULL;
}

int copy_seen_drop_others(int folder, const struct strings *names, struct error *err)
{
	CLEAN_FD int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN_DIR DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	CLEAN(strings_done) struct strings others = {0};
	const struct dirent *entry;
	int r = 0;

	if (!dir)
		return fail(err, errno, "read a folder of the copy");
	(void)fd_take(&fd); /* the stream's from here */
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
		    !is_wanted(names, entry->d_name))
			strings_add(&others, entry->d_name);
	for (size_t i = 0; i < others.count && r == 0; i++)
		r = remove_tree(folder, others.items[i], err);
	return r;
}

int copy_seen_strip(int folder)
{
	CLEAN_FREE char *names = must_alloc(XATTR_LIST_MAX);
	ssize_t n = flistxattr(folder, names, XATTR_LIST_MAX);

	if (n < 0)
		return errno == EOPNOTSUPP ? 0 : -errno;
	for (const char *name = names; name < names + n; name += strlen(name) + 1)
		if (fremovexattr(folder, name) < 0 && errno != ENODATA && errno != EOPNOTSUPP)
			return -errno;
	return 0;
}
