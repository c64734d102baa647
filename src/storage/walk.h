/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Places in a tree of any depth, without an fd or a whole path for each: a chain of names up to the
 * root, opened piece by piece below the root's fd. Nothing is followed or crossed on the way: no
 * symlink, no mount (openat2(2)). Private to src/storage.
 */
#ifndef SYSC_STORAGE_WALK_H
#define SYSC_STORAGE_WALK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* A folder below the root, which is NULL. Shared between threads, freed with its last holder. */
struct walk_node {
	struct walk_node *parent; /* held */
	atomic_uint holders;
	unsigned int depth;    /* 1: in the root */
	atomic_bool is_anchor; /* it was one, of some root */
	char name[];
};

#define WALK_ANCHORS 32

/*
 * A root below which many are opened, by several threads. Far from it a few folders are kept open, so that
 * the way to a neighbour is short: a tree is as deep as its guest likes.
 */
struct walk_root {
	int fd; /* the caller's */

	/* walk.c only */
	pthread_mutex_t lock;
	struct walk_anchor {
		struct walk_node *node; /* held */
		int fd;
	} anchors[WALK_ANCHORS];
	unsigned int next; /* the one that is replaced */
};

void walk_root_init(struct walk_root *root, int fd);
void walk_root_done(struct walk_root *root);

/* The folder name in parent, held once by the caller; it holds its parent. */
struct walk_node *walk_node_new(struct walk_node *parent, const char *name);
struct walk_node *walk_node_hold(struct walk_node *node); /* NULL is fine */
void walk_node_drop(struct walk_node *node);              /* NULL is fine */

/* Opens what is at node below root_fd, flags as open(2). fd or -errno; -EXDEV: a mount is in the way. */
int walk_open(int root_fd, const struct walk_node *node, int flags);
/* The same, in a time that does not depend on the depth where its neighbours are opened too. */
int walk_reach(struct walk_root *root, struct walk_node *node, int flags);
/* The same for an entry of an open folder. */
int walk_open_entry(int folder_fd, const char *name, int flags);

#define WALK_PATH_MAX 512
/*
 * "usr/lib/name" for a message, or the folder itself where name is NULL ("" for the root); only its end
 * where that is longer, and harmless to print.
 */
const char *walk_path(const struct walk_node *node, const char *name, char out[WALK_PATH_MAX]);

#endif
