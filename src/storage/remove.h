/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Removing a tree, by several threads, of any depth, without ever leaving it. */
#ifndef SYSC_STORAGE_REMOVE_H
#define SYSC_STORAGE_REMOVE_H

struct error;

/*
 * Removes what name is below dirfd, a whole tree too, with the subvolumes (btrfs) in it and what is
 * marked immutable or append-only (chattr(1)). Follows no symlink. A mount inside is never entered: it
 * is an error that names it (-EXDEV), and what was removed until then is gone. 0 also when it is absent.
 */
int remove_tree(int dirfd, const char *name, struct error *err);

#endif
