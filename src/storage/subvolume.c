/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ioctls of btrfs for subvolumes; see the header. */
#include "storage/subvolume.h"

#include "base/file.h"

#include <endian.h>
#include <errno.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

bool subvolume_can(int folder_fd)
{
	return file_system_of(folder_fd) == BTRFS_SUPER_MAGIC;
}

bool subvolume_is(int folder_fd)
{
	struct stat st;

	return fstat(folder_fd, &st) == 0 && st.st_ino == BTRFS_FIRST_FREE_OBJECTID &&
	       S_ISDIR(st.st_mode) && subvolume_can(folder_fd);
}

/* The name must fit as a whole: a cut one would be another subvolume. */
static int set_name(char *out, size_t room, const char *name)
{
	size_t length = strlen(name);

	if (length >= room)
		return -ENAMETOOLONG;
	memcpy(out, name, length + 1);
	return 0;
}

int subvolume_make(int parent_fd, const char *name)
{
	struct btrfs_ioctl_vol_args args = {0};
	int r = set_name(args.name, sizeof(args.name), name);

	if (r < 0)
		return r;
	return ioctl(parent_fd, BTRFS_IOC_SUBVOL_CREATE, &args) < 0 ? -errno : 0;
}

int subvolume_snapshot(int from_fd, int parent_fd, const char *name, bool readonly)
{
	struct btrfs_ioctl_vol_args_v2 args = {.fd = from_fd,
	                                       .flags = readonly ? BTRFS_SUBVOL_RDONLY : 0};
	int r = set_name(args.name, sizeof(args.name), name);

	if (r < 0)
		return r;
	return ioctl(parent_fd, BTRFS_IOC_SNAP_CREATE_V2, &args) < 0 ? -errno : 0;
}

int subvolume_set_readonly(int fd, bool readonly)
{
	__u64 flags = 0;

	if (ioctl(fd, BTRFS_IOC_SUBVOL_GETFLAGS, &flags) < 0)
		return -errno;
	if (!(flags & BTRFS_SUBVOL_RDONLY) == !readonly)
		return 0;
	flags ^= BTRFS_SUBVOL_RDONLY;
	return ioctl(fd, BTRFS_IOC_SUBVOL_SETFLAGS, &flags) < 0 ? -errno : 0;
}

int subvolume_settle(int file_fd)
{
	struct fiemap map = {.fm_length = FIEMAP_MAX_OFFSET, .fm_flags = FIEMAP_FLAG_SYNC};

	return ioctl(file_fd, FS_IOC_FIEMAP, &map) < 0 ? -errno : 0;
}

int subvolume_commit(int fd)
{
	__u64 transaction = 0;

	if (ioctl(fd, BTRFS_IOC_START_SYNC, &transaction) < 0 ||
	    ioctl(fd, BTRFS_IOC_WAIT_SYNC, &transaction) < 0)
		return -errno;
	return 0;
}

uint64_t subvolume_id(int fd)
{
	struct btrfs_ioctl_ino_lookup_args args = {.objectid = BTRFS_FIRST_FREE_OBJECTID};

	return ioctl(fd, BTRFS_IOC_INO_LOOKUP, &args) < 0 ? 0 : args.treeid;
}

int subvolume_remove(int fd, int parent_fd, const char *name)
{
	struct btrfs_ioctl_vol_args args = {0};
	struct btrfs_ioctl_qgroup_create_args group = {.qgroupid = subvolume_id(fd)};
	int r = set_name(args.name, sizeof(args.name), name);

	if (r < 0)
		return r;
	if (ioctl(parent_fd, BTRFS_IOC_SNAP_DESTROY, &args) < 0) {
		r = -errno;
		/* what is in it is to be removed; not before it must, since it writes a transaction to disk */
		(void)subvolume_set_readonly(fd, false);
		return r;
	}
	if (group.qgroupid) /* fails where there are no quotas, or the cleaner has not come by yet */
		(void)ioctl(parent_fd, BTRFS_IOC_QGROUP_CREATE, &group);
	return 0;
}

int subvolume_limit(int fd, uint64_t bytes)
{
	struct btrfs_ioctl_qgroup_limit_args args = {
		.lim = {.flags = BTRFS_QGROUP_LIMIT_MAX_RFER, .max_rfer = bytes},
	};

	if (!bytes) /* -1 takes a limit away */
		args.lim.max_rfer = UINT64_MAX;
	return ioctl(fd, BTRFS_IOC_QGROUP_LIMIT, &args) < 0 ? -errno : 0;
}

/* One item of the quota tree (btrfs_tree.h); -ENOENT where there is none, or no such tree. */
static int find_item(int fd, uint32_t type, uint64_t offset, void *out, size_t size)
{
	struct btrfs_ioctl_search_args args = {
		.key = {.tree_id = BTRFS_QUOTA_TREE_OBJECTID,
	                .min_type = type,
	                .max_type = type,
	                .min_offset = offset,
	                .max_offset = offset,
	                .max_transid = UINT64_MAX,
	                .nr_items = 1},
	};
	struct btrfs_ioctl_search_header header;

	if (ioctl(fd, BTRFS_IOC_TREE_SEARCH, &args) < 0)
		return -errno;
	if (!args.key.nr_items)
		return -ENOENT;
	memcpy(&header, args.buf, sizeof(header));
	if (header.len < size)
		return -ENOENT;
	memcpy(out, args.buf + sizeof(header), size);
	return 0;
}

bool subvolume_has_quotas(int fd)
{
	struct btrfs_qgroup_status_item status = {0};

	return find_item(fd, BTRFS_QGROUP_STATUS_KEY, 0, &status,
	                 sizeof(status) - sizeof(__le64)) == 0 &&
	       le64toh(status.flags) & BTRFS_QGROUP_STATUS_FLAG_ON;
}

int subvolume_own(int fd, uint64_t *bytes)
{
	struct btrfs_qgroup_status_item status = {0};
	struct btrfs_qgroup_info_item info = {0};
	/* simple quotas (2^3, Linux 6.7) count what it made, not what it has */
	const uint64_t wrong =
		BTRFS_QGROUP_STATUS_FLAG_INCONSISTENT | BTRFS_QGROUP_STATUS_FLAG_RESCAN | 1U << 3;
	int r = find_item(fd, BTRFS_QGROUP_STATUS_KEY, 0, &status, sizeof(status) - sizeof(__le64));

	if (r == 0 && (le64toh(status.flags) & (BTRFS_QGROUP_STATUS_FLAG_ON | wrong)) !=
	                      BTRFS_QGROUP_STATUS_FLAG_ON)
		r = -ENOENT;
	if (r == 0)
		r = find_item(fd, BTRFS_QGROUP_INFO_KEY, subvolume_id(fd), &info, sizeof(info));
	if (r == 0)
		*bytes = le64toh(info.excl);
	return r;
}

int subvolume_usage(int fd, uint64_t *used, uint64_t *limit)
{
	struct btrfs_qgroup_info_item info = {0};
	struct btrfs_qgroup_limit_item most = {0};
	uint64_t id = subvolume_id(fd);
	int r = find_item(fd, BTRFS_QGROUP_INFO_KEY, id, &info, sizeof(info));

	if (r == 0)
		r = find_item(fd, BTRFS_QGROUP_LIMIT_KEY, id, &most, sizeof(most));
	if (r == -ENOENT && info.generation) /* without a limit there is no such item */
		r = 0;
	if (r < 0)
		return r;
	*used = le64toh(info.rfer);
	*limit = le64toh(most.flags) & BTRFS_QGROUP_LIMIT_MAX_RFER ? le64toh(most.max_rfer) : 0;
	return 0;
}
