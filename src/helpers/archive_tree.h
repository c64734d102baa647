/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The walk over a tree that becomes an archive, which is the current root: folders before what is in them,
 * names in the order of their bytes, so that the same tree makes the same archive.
 */
#ifndef SYSC_HELPERS_ARCHIVE_TREE_H
#define SYSC_HELPERS_ARCHIVE_TREE_H

#include "base/text.h"

struct error;
struct stat;

struct tree {
	struct text path; /* where the walk is: "." is the root, "etc/fstab" below it */
	/* An entry. -ENOENT and -ESTALE: it went away, and the walk goes on; other errors end it. */
	int (*visit)(struct tree *tree, struct stat *st, struct error *err);
	void (*gone)(struct tree *tree); /* told of those */
	void *user;
};

/* From the root on; path stays where it was on an error. Pair: text_done(&tree->path). */
int tree_walk(struct tree *tree, struct error *err);

#endif
