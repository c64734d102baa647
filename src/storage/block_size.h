/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How big the file system on a block device or in an image is, and changing that. Private to src/storage. */
#ifndef SYSC_STORAGE_BLOCK_SIZE_H
#define SYSC_STORAGE_BLOCK_SIZE_H

#include <stdbool.h>
#include <stdint.h>

struct error;

/*
 * Bytes of the ext4, xfs or btrfs that its superblock on the open device or image tells of; 0: none of
 * them. While it is mounted the superblock may still tell an earlier, smaller size.
 */
uint64_t block_size(int device_fd);
/*
 * Makes the mounted file system (mount_fd: a detached mount, O_PATH will do) that big: ext4 and xfs grow,
 * btrfs shrinks too; the device must be at least so big. The same size is fine. -EOPNOTSUPP with the reason where it
 * cannot; nothing is changed then.
 */
int block_resize(int mount_fd, uint64_t bytes, struct error *err);
/* Makes the ext4 in the image, which nobody has mounted, that big or small. Not to be interrupted. */
int block_resize_ext4(const char *image, uint64_t bytes, struct error *err);
/* Whether the mounted file system shrinks while it is mounted: btrfs does. */
bool block_can_shrink(int mount_fd);

#endif
