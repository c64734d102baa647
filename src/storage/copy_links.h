/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which files of several names were met, and under which name they were made. Private to src/storage. */
#ifndef SYSC_STORAGE_COPY_LINKS_H
#define SYSC_STORAGE_COPY_LINKS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

struct copy_link;
struct walk_node;
struct walk_root;

struct copy_links {
	pthread_mutex_t lock;
	struct copy_link **chains; /* by inode */
	size_t count, room;        /* room: a power of two, or 0 */
};

void copy_links_init(struct copy_links *links);
void copy_links_done(struct copy_links *links);

/*
 * Makes folder/name: by make(argument) when the inode of st is met for the first time (0), otherwise as
 * a link to what was made then (1). The content may still be on its way; it is the same inode. to is
 * the root of the new tree, folder the open folder at node. -errno.
 */
int copy_links_make(struct copy_links *links, struct walk_root *to, const struct stat *st,
                    struct walk_node *node, int folder, const char *name,
                    int (*make)(void *argument), void *argument);
/*
 * The same where folder/name, the inode made, is right already: true when it may stay, being the first name that
 * is met or a name of the same inode as that.
 */
bool copy_links_keep(struct copy_links *links, const struct stat *st, struct walk_node *node,
                     const char *name, ino_t made);

#endif
