/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Subvolumes of btrfs by ioctl (linux/btrfs.h). Each returns 0 or -errno. Private to src/storage. */
#ifndef SYSC_STORAGE_SUBVOLUME_H
#define SYSC_STORAGE_SUBVOLUME_H

#include <stdbool.h>
#include <stdint.h>

/* Whether the folder is on btrfs at all, and whether it is the root of a subvolume. */
bool subvolume_can(int folder_fd);
bool subvolume_is(int folder_fd);

/* Its number in the file system, which no other one ever gets; 0 on failure. */
uint64_t subvolume_id(int fd);

int subvolume_make(int parent_fd, const char *name);
/* The state of the subvolume from_fd at this moment, in constant time. */
int subvolume_snapshot(int from_fd, int parent_fd, const char *name, bool readonly);
int subvolume_set_readonly(int fd, bool readonly);
/*
 * What was written to the file is part of the transaction that is open, or of one before: FIEMAP_FLAG_SYNC
 * (Documentation/filesystems/fiemap.rst) is fsync(2) without the wait for the disk.
 */
int subvolume_settle(int file_fd);
/*
 * Brings the open transaction to the disk, with all that was settled or is no content of files. Other than syncfs(2)
 * it does not wait for what others have written, other than fsync(2) it logs no part of it ahead.
 */
int subvolume_commit(int fd);
/*
 * Removes the subvolume fd, which is parent_fd/name, with all its files, and its quota group. -ENOTEMPTY
 * while it has subvolumes in it, and those can be removed then also where it was read-only.
 */
int subvolume_remove(int fd, int parent_fd, const char *name);

/* Whether quotas are enabled on its file system. */
bool subvolume_has_quotas(int fd);
/*
 * Most bytes that it may refer to (0: no limit). -ENOTCONN: quotas are not enabled on this file system
 * (btrfs quota enable).
 */
int subvolume_limit(int fd, uint64_t bytes);
/* Bytes that it refers to and may refer to (0: no limit), as of the last commit. -ENOENT: no quotas. */
int subvolume_usage(int fd, uint64_t *used, uint64_t *limit);
/* Bytes that it alone refers to, as of the last commit. -ENOENT: quotas are off, or not right at the moment. */
int subvolume_own(int fd, uint64_t *bytes);

#endif
