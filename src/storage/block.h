/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A file system on a block device or in an image: making, recognising, mounting. Private to src/storage. */
#ifndef SYSC_STORAGE_BLOCK_H
#define SYSC_STORAGE_BLOCK_H

struct error;
struct storage;

/* ext4, xfs or btrfs: the option fstype, or ext4. Whether mkfs is there for it; says what to install. */
int block_choose_type(const struct storage *storage, const char **type, struct error *err);
/* Makes it by mkfs(8), its root empty and owned by root. */
int block_make(const char *device, const char *type, struct error *err);
/* "ext4", "xfs" or "btrfs", by the mark of what is on the open device or image; NULL: none of them. */
const char *block_recognise(int device_fd);
/* A detached mount, writable, of the file system that is recognised on the device. */
int block_mount(const char *device, struct error *err);

#endif
