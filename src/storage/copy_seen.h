/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a copy of a tree that changes has met, so that a later pass over it copies only what changed since. An
 * entry of the new tree is known by its inode: which inode it is a copy of, and when that had changed last.
 * Private to src/storage.
 */
#ifndef SYSC_STORAGE_COPY_SEEN_H
#define SYSC_STORAGE_COPY_SEEN_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <time.h>

struct copy_met;
struct error;
struct strings;

struct copy_seen {
	pthread_mutex_t lock;
	struct copy_met *items; /* a hash table by the inode of the copy */
	size_t count, room;     /* room: a power of two, or 0 */
	struct timespec before; /* a later time of change proves nothing */
};

void copy_seen_init(struct copy_seen *seen);
void copy_seen_done(struct copy_seen *seen);

/*
 * Whether a change of a file always changes its st_ctime on the file system of fd, when copy_seen_begin() was
 * called before the look at it: those with a write-back, which takes the write access of mapped pages away.
 */
bool copy_seen_can(int fd);
/* Before each pass over the tree below fd: what is written into it from now on will show. */
int copy_seen_begin(struct copy_seen *seen, int fd, struct error *err);

/* name in to_folder was made like st, which was read before its content. */
void copy_seen_add(struct copy_seen *seen, int to_folder, const char *name, const struct stat *st);
/* Whether the inode to is what a copy of st would be. */
bool copy_seen_has(struct copy_seen *seen, const struct stat *to, const struct stat *st);

/* Removes what is in the folder and not among names (sorted). */
int copy_seen_drop_others(int folder, const struct strings *names, struct error *err);
/* Takes the attributes away from a folder that is to get others. 0 or -errno. */
int copy_seen_strip(int folder);

#endif
