/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A set of inodes, for files with several names that are to be met once. Private to src/storage. */
#ifndef SYSC_STORAGE_INODES_H
#define SYSC_STORAGE_INODES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

struct inode;

/* Zeroed is empty. */
struct inodes {
	struct inode *places; /* a hash table (open addressing) */
	size_t count, room;   /* room is 0 or a power of two */
};

void inodes_done(struct inodes *set);
/* false when it is in the set already. */
bool inodes_add(struct inodes *set, const struct stat *st);

#endif
