/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Project quotas by quotactl_fd(2) in the form of xfs, which ext4 understands too; see the header. */
#include "storage/quota.h"

#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/text.h"
#include "storage/storage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/dqblk_xfs.h>
#include <linux/fs.h>
#include <linux/quota.h>
#include <string.h>
#include <sys/ioctl.h>

#define PROJECT_FIRST 0x53000000U /* far from the small numbers that administrators choose */
#define PROJECT_COUNT 0x01000000U
#define BLOCK_BYTES   512

static int control(int fd, unsigned int command, uint32_t id, void *argument)
{
	return sys_quotactl_fd(fd, QCMD(command, PRJQUOTA), id, argument) < 0 ? -errno : 0;
}

static int check(int fd, const char *folder, struct error *err)
{
	struct fs_quota_statv state = {.qs_version = FS_QSTATV_VERSION1};

	if (control(fd, Q_XGETQSTATV, 0, &state) == 0 && state.qs_flags & FS_QUOTA_PDQ_ENFD)
		return 0;
	(void)fail_plain(err, EOPNOTSUPP,
	                 "rootfs.size would not hold: the file system of '%s' has no project quota",
	                 folder);
	return fail_hint(err, "mount it with the option prjquota (ext4: after tune2fs -O "
	                      "project,quota), use backend btrfs, loop or lvm, or no limit: "
	                      "rootfs.size=max");
}

int quota_check(const char *folder, struct error *err)
{
	CLEAN_FD int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? fail(err, errno, "open '%s'", folder) : check(fd, folder, err);
}

/* Nobody has files of that project, and nobody a limit. */
static bool is_free(int fd, uint32_t id)
{
	struct fs_disk_quota quota = {.d_version = FS_DQUOT_VERSION};
	int r = control(fd, Q_XGETQUOTA, id, &quota);

	return r == -ENOENT || r == -ESRCH ||
	       (r == 0 && !quota.d_bcount && !quota.d_icount && !quota.d_blk_hardlimit);
}

static bool is_empty(int fd)
{
	CLEAN_FD int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN_DIR DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	unsigned int count = 0;

	if (!dir)
		return false;
	(void)fd_take(&copy);
	while (count < 3 && readdir(dir))
		count++;
	return count == 2;
}

static int give_project(int fd, const char *folder, struct fsxattr *attributes, struct error *err)
{
	uint32_t start = (uint32_t)(text_hash(folder) % PROJECT_COUNT), i = 0;

	if (!is_empty(fd)) {
		(void)fail_plain(err, EOPNOTSUPP,
		                 "rootfs.size: '%s' was filled without a limit and gets none now",
		                 folder);
		return fail_hint(err, "a copy of the container can have one");
	}
	while (i < PROJECT_COUNT && !is_free(fd, PROJECT_FIRST + (start + i) % PROJECT_COUNT))
		i++;
	attributes->fsx_projid = PROJECT_FIRST + (start + i) % PROJECT_COUNT;
	attributes->fsx_xflags |= FS_XFLAG_PROJINHERIT;
	if (ioctl(fd, FS_IOC_FSSETXATTR, attributes) < 0)
		return fail(err, errno, "make '%s' a project of its own", folder);
	return 0;
}

int quota_set(const char *folder, uint64_t bytes, struct error *err)
{
	struct fs_disk_quota quota = {
		.d_version = FS_DQUOT_VERSION,
		.d_flags = FS_PROJ_QUOTA,
		.d_fieldmask = FS_DQ_BHARD | FS_DQ_BSOFT,
		.d_blk_hardlimit = bytes / BLOCK_BYTES,
	};
	CLEAN_FD int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct fsxattr attributes = {0};
	int r;

	if (fd < 0)
		return fail(err, errno, "open '%s'", folder);
	if (ioctl(fd, FS_IOC_FSGETXATTR, &attributes) <
	    0) /* no such file system: no limit either */
		return bytes ? check(fd, folder, err) : 0;
	if (!bytes && !attributes.fsx_projid)
		return 0;
	r = check(fd, folder, err);
	if (r < 0 && !bytes) {
		error_clear(err);
		return 0;
	}
	if (r == 0 && !attributes.fsx_projid)
		r = give_project(fd, folder, &attributes, err);
	if (r < 0)
		return r;
	quota.d_id = attributes.fsx_projid;
	r = control(fd, Q_XSETQLIM, quota.d_id, &quota);
	return r < 0 ? fail(err, -r, "limit the size of '%s'", folder) : 0;
}

int quota_usage(const char *folder, struct storage_usage *out, struct error *err)
{
	CLEAN_FD int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct fs_disk_quota quota = {.d_version = FS_DQUOT_VERSION};
	struct fsxattr attributes = {0};

	if (fd < 0)
		return fail(err, errno, "open '%s'", folder);
	if (ioctl(fd, FS_IOC_FSGETXATTR, &attributes) < 0 || !attributes.fsx_projid ||
	    control(fd, Q_XGETQUOTA, attributes.fsx_projid, &quota) < 0)
		return fail_plain(err, EOPNOTSUPP, "'%s' has no quota", folder);
	*out = (struct storage_usage){.used_bytes = quota.d_bcount * BLOCK_BYTES,
	                              .size_bytes = quota.d_blk_hardlimit * BLOCK_BYTES};
	return 0;
}
