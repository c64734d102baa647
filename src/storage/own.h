/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How much of the disk a tree or a file takes for itself. Private to src/storage. */
#ifndef SYSC_STORAGE_OWN_H
#define SYSC_STORAGE_OWN_H

#include <stdint.h>

struct error;

/*
 * The bytes of blocks that no other file has, where the file system tells of shared ones (FIEMAP_EXTENT_SHARED,
 * Documentation/filesystems/fiemap.rst), otherwise all that are allocated. All of a tree below an open folder, of any
 * depth, on its mount; a file of several names counts once.
 */
int own_tree(int folder_fd, uint64_t *bytes, struct error *err);
int own_file(int fd, uint64_t *bytes, struct error *err);

#endif
