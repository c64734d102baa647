/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Removing a tree, by several threads, of any depth, without ever leaving it. */
#ifndef SYSC_STORAGE_REMOVE_H
#define SYSC_STORAGE_REMOVE_H

#include <stdint.h>

struct error;

struct remove_options {
	/* Called by the calling thread every 200 ms or so; < 0 (with err filled) ends the removal. */
	int (*progress)(uint64_t entries, void *user, struct error *err);
	void *user;
};

/*
 * Removes what name is below dirfd, a whole tree too, with the subvolumes (btrfs) in it and what is
 * marked immutable or append-only (chattr(1)). Follows no symlink. A mount inside is never entered: it
 * is an error that names it (-EXDEV), and what was removed until then is gone. 0 also when it is absent.
 */
int remove_tree(int dirfd, const char *name, struct error *err);
int remove_tree_with(int dirfd, const char *name, const struct remove_options *options,
                     struct error *err);

#endif
