/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counting blocks; see the header. A job of the walk is a folder. */
#include "storage/own.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "storage/inodes.h"
#include "storage/walk.h"
#include "storage/work.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#define EXTENTS     128 /* that are asked for at a time */
#define BLOCK_BYTES 512 /* of st_blocks, whatever the file system has (inode(7)) */

struct count {
	struct work work; /* first: a job finds its count by it */
	struct walk_root root;
	long type; /* of the file system, f_type of statfs(2) */
	atomic_ullong bytes;
	pthread_mutex_t lock; /* of seen */
	struct inodes seen;   /* files with several names */
};

struct job {
	struct work_job base;   /* first */
	struct walk_node *node; /* held; NULL: the root */
};

/* Of ext4 it is known that it has none, which saves a look at each file. */
static bool has_shared(long type)
{
	return type != EXT4_SUPER_MAGIC && type != TMPFS_MAGIC;
}

/* --- one file --- */

static int count_extents(int fd, uint64_t *bytes)
{
	union {
		struct fiemap map;
		char room[sizeof(struct fiemap) + EXTENTS * sizeof(struct fiemap_extent)];
	} asked;
	uint64_t start = 0;
	uint32_t flags = 0; /* of the last extent */

	*bytes = 0;
	do {
		memset(&asked.map, 0, sizeof(asked.map));
		asked.map.fm_start = start;
		asked.map.fm_length = FIEMAP_MAX_OFFSET - start;
		asked.map.fm_extent_count = EXTENTS;
		if (ioctl(fd, FS_IOC_FIEMAP, &asked) < 0)
			return -errno;
		for (uint32_t i = 0; i < asked.map.fm_mapped_extents; i++) {
			const struct fiemap_extent *extent = &asked.map.fm_extents[i];

			flags = extent->fe_flags;
			if (!(flags & (FIEMAP_EXTENT_SHARED | FIEMAP_EXTENT_DATA_INLINE)))
				*bytes += extent->fe_length;
			start = extent->fe_logical + extent->fe_length;
		}
	} while (asked.map.fm_mapped_extents && !(flags & FIEMAP_EXTENT_LAST));
	return 0;
}

int own_file(int fd, uint64_t *bytes, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return fail(err, errno, "look at its blocks");
	if (!has_shared(file_system_of(fd)) || count_extents(fd, bytes) < 0)
		*bytes = (uint64_t)st.st_blocks * BLOCK_BYTES;
	return 0;
}

/* --- a tree --- */

static bool is_first_name(struct count *count, const struct stat *st)
{
	bool is_first;

	if (S_ISDIR(st->st_mode) || st->st_nlink < 2)
		return true;
	(void)pthread_mutex_lock(&count->lock);
	is_first = inodes_add(&count->seen, st);
	(void)pthread_mutex_unlock(&count->lock);
	return is_first;
}

static int fail_entry(const struct walk_node *node, const char *name, int code, struct error *err)
{
	char path[WALK_PATH_MAX];

	return fail(err, code, "read '/%s'", walk_path(node, name, path));
}

static int count_entry(struct count *count, const struct walk_node *node, int folder,
                       const char *name, const struct stat *st, struct error *err)
{
	uint64_t bytes = (uint64_t)st->st_blocks * BLOCK_BYTES;
	CLEAN_FD int fd = -1;

	/* what btrfs keeps in its trees counts as blocks there, and is none */
	if (count->type == BTRFS_SUPER_MAGIC && !S_ISREG(st->st_mode))
		return 0;
	if (has_shared(count->type) && S_ISREG(st->st_mode) && bytes) {
		fd = walk_open_entry(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOATIME);
		if (fd < 0)
			return fail_entry(node, name, -fd, err);
		if (own_file(fd, &bytes, err) < 0)
			return -err->code;
	}
	count->bytes += bytes;
	return 0;
}

static void push_folder(struct count *count, struct walk_node *above, const char *name)
{
	struct job *job = must_alloc(sizeof(*job));

	job->node = name ? walk_node_new(above, name) : NULL;
	work_push(&count->work, &job->base, false);
}

static int count_folder(struct count *count, struct walk_node *node, struct error *err)
{
	CLEAN_FD int fd = walk_reach(&count->root, node, O_RDONLY | O_DIRECTORY | O_NOATIME);
	int folder = fd; /* still open while the stream is */
	CLEAN_DIR DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	int r = 0;

	if (!dir)
		return fail_entry(node, NULL, fd < 0 ? -fd : errno, err);
	(void)fd_take(&fd); /* the stream's from here */
	while (r == 0 && (errno = 0, entry = readdir(dir))) {
		struct stat st;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (fstatat(folder, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return fail_entry(node, entry->d_name, errno, err);
		if (is_first_name(count, &st))
			r = count_entry(count, node, folder, entry->d_name, &st, err);
		if (r == 0 && S_ISDIR(st.st_mode))
			push_folder(count, node, entry->d_name);
	}
	return r == 0 && errno ? fail_entry(node, NULL, errno, err) : r;
}

static void drop_job(struct work *work, struct work_job *base)
{
	struct job *job = (struct job *)base;

	(void)work;
	walk_node_drop(job->node);
	free(job);
}

static int run_job(struct work *work, struct work_job *base, struct error *err)
{
	int r = count_folder((struct count *)work, ((struct job *)base)->node, err);

	drop_job(work, base);
	return r;
}

int own_tree(int folder_fd, uint64_t *bytes, struct error *err)
{
	struct count count = {.type = file_system_of(folder_fd)};
	int r;

	walk_root_init(&count.root, folder_fd);
	(void)pthread_mutex_init(&count.lock, NULL); /* cannot fail in Linux */
	work_init(&count.work);
	count.work.run = run_job;
	count.work.drop = drop_job;
	push_folder(&count, NULL, NULL);
	r = work_run(&count.work, 0, err);
	if (r == 0)
		*bytes = count.bytes;
	work_done(&count.work);
	(void)pthread_mutex_destroy(&count.lock);
	inodes_done(&count.seen);
	walk_root_done(&count.root);
	return r;
}
