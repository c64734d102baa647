/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Superblocks, and the resize requests of ext4, xfs and btrfs; see the header. */
#include "storage/block_size.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/process.h"
#include "base/text.h"
#include "storage/block.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/statfs.h>
#include <unistd.h>

#define EXT4_RESIZE _IOW('f', 16, uint64_t) /* EXT4_IOC_RESIZE_FS, fs/ext4/ext4.h */

/* fs/xfs/libxfs/xfs_fs.h */
struct xfs_geometry {
	uint32_t blocksize, rtextsize, agblocks, agcount, logblocks, sectsize, inodesize, imaxpct;
	uint64_t datablocks, rtblocks, rtextents, logstart;
	unsigned char uuid[16];
	uint32_t sunit, swidth;
	int32_t version;
	uint32_t flags, logsectsize, rtsectsize, dirblocksize;
};
struct xfs_grow {
	uint64_t newblocks;
	uint32_t imaxpct;
};
#define XFS_GET_GEOMETRY _IOR('X', 100, struct xfs_geometry)
#define XFS_GROW         _IOW('X', 110, struct xfs_grow)

#define TOOL_MS   3600000
#define TOOL_SAYS 16384

/* --- what a superblock tells --- */

static uint64_t size_of_ext4(const unsigned char *super)
{
	uint32_t low, high, log_size, incompatible;

	memcpy(&low, super + 0x4, 4);
	memcpy(&log_size, super + 0x18, 4);
	memcpy(&incompatible, super + 0x60, 4);
	memcpy(&high, super + 0x150, 4);
	if (!(le32toh(incompatible) & 0x80)) /* 64bit: the upper half counts */
		high = 0;
	return le32toh(log_size) > 6
	               ? 0
	               : ((uint64_t)le32toh(high) << 32 | le32toh(low)) << (10 + le32toh(log_size));
}

static uint64_t size_of_xfs(const unsigned char *super)
{
	uint32_t block;
	uint64_t blocks;

	memcpy(&block, super + 4, 4);
	memcpy(&blocks, super + 8, 8);
	return be64toh(blocks) * be32toh(block);
}

static uint64_t size_of_btrfs(const unsigned char *super)
{
	uint64_t bytes;

	memcpy(&bytes, super + 0x70, 8);
	return le64toh(bytes);
}

static const struct block_layout {
	const char *type;
	off_t super_at;
	uint64_t (*size)(const unsigned char *super);
} layouts[] = {
	{"ext4",  0x400,   size_of_ext4 },
	{"xfs",   0,       size_of_xfs  },
	{"btrfs", 0x10000, size_of_btrfs},
};

uint64_t block_size(int device_fd)
{
	const char *type = block_recognise(device_fd);
	unsigned char super[1024];

	for (size_t i = 0; i < ARRAY_SIZE(layouts); i++)
		if (text_is(layouts[i].type, type))
			return pread(device_fd, super, sizeof(super), layouts[i].super_at) ==
			                       (ssize_t)sizeof(super)
			               ? layouts[i].size(super)
			               : 0;
	return 0;
}

/* --- while it is mounted --- */

static int resize_ext4(int fd, uint64_t bytes, uint64_t block, struct error *err)
{
	uint64_t blocks = bytes / block;

	return ioctl(fd, EXT4_RESIZE, &blocks) < 0 ? fail(err, errno, "resize the ext4") : 0;
}

static int resize_xfs(int fd, uint64_t bytes, uint64_t block, struct error *err)
{
	struct xfs_geometry geometry = {0};
	struct xfs_grow grow = {.newblocks = bytes / block};

	if (ioctl(fd, XFS_GET_GEOMETRY, &geometry) < 0)
		return fail(err, errno, "look at the xfs");
	grow.imaxpct = geometry.imaxpct;
	return ioctl(fd, XFS_GROW, &grow) < 0 ? fail(err, errno, "resize the xfs") : 0;
}

static int resize_btrfs(int fd, uint64_t bytes, uint64_t block, struct error *err)
{
	struct btrfs_ioctl_vol_args args = {0};
	int r;

	(void)snprintf(args.name, sizeof(args.name), "%llu",
	               (unsigned long long)(bytes / block * block));
	if (ioctl(fd, BTRFS_IOC_RESIZE, &args) == 0)
		return 0;
	r = fail(err, errno, "resize the btrfs");
	return r == -EINVAL ? fail_hint(err, "it has at least 256M") : r;
}

static const struct block_resizer {
	long magic;
	const char *type;
	bool can_shrink;
	int (*resize)(int fd, uint64_t bytes, uint64_t block, struct error *err);
} resizers[] = {
	{EXT4_SUPER_MAGIC,  "ext4",  false, resize_ext4 },
	{XFS_SUPER_MAGIC,   "xfs",   false, resize_xfs  },
	{BTRFS_SUPER_MAGIC, "btrfs", true,  resize_btrfs},
};

static const struct block_resizer *find_resizer(int fd, struct statfs *fs)
{
	if (fstatfs(fd, fs) < 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(resizers); i++)
		if (resizers[i].magic == (long)fs->f_type)
			return &resizers[i];
	return NULL;
}

bool block_can_shrink(int mount_fd)
{
	struct statfs fs;
	const struct block_resizer *row = find_resizer(mount_fd, &fs);

	return row && row->can_shrink;
}

int block_resize(int mount_fd, uint64_t bytes, struct error *err)
{
	CLEAN_FD int fd = openat(mount_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct block_resizer *row;
	struct statfs fs;

	if (fd < 0)
		return fail(err, errno, "open the file system that is to be resized");
	row = find_resizer(fd, &fs);
	if (!row)
		return fail_plain(err, EOPNOTSUPP, "it is none of ext4, xfs, btrfs");
	return row->resize(fd, bytes, (uint64_t)fs.f_bsize, err);
}

/* --- while it is not --- */

static int run(char *const *argv, int good, struct error *err)
{
	CLEAN(text_done) struct text says = {0};
	struct process_options options = {
		.argv = argv,
		.input_fd = -1,
		.output_fd = -1,
		.error_fd = -1,
		.output = &says,
		.output_most = TOOL_SAYS,
		.timeout_ms = TOOL_MS,
		.outlives_us = true, /* half of a resize is none, and nobody mounts it meanwhile */
	};
	int r = process_run(&options, err);
	char *last;

	if (r < 0 || r <= good)
		return r < 0 ? r : 0;
	(void)fail_plain(err, EIO, "%s failed with code %d", argv[0], r);
	if (!says.length)
		return -EIO;
	last = strrchr(text_trim(says.data), '\n');
	return fail_hint(err, "%s", text_trim(last ? last : says.data));
}

int block_resize_ext4(const char *image, uint64_t bytes, struct error *err)
{
	CLEAN_FREE char *path = must_dup(image);
	char size[32], check[] = "e2fsck", resize[] = "resize2fs", fy[] = "-fy";
	char *const check_argv[] = {check, fy, path, NULL};
	char *const resize_argv[] = {resize, path, size, NULL};
	int r;

	(void)snprintf(size, sizeof(size), "%lluK", (unsigned long long)(bytes / 1024));
	r = run(check_argv, 1, err); /* 1: it mended what there was, the open journal mostly */
	return r < 0 ? r : run(resize_argv, 0, err);
}
