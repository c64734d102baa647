/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the kinds of sysc-import do with a tree that is there, in creation->dir/rootfs. */
#ifndef SYSC_TOOLS_IMPORT_TREE_H
#define SYSC_TOOLS_IMPORT_TREE_H

#include <stdbool.h>

struct creation;
struct error;
struct paths;

/*
 * One that goes on beside the container that it was (is_twin), or by another name, must not take itself for that:
 * host name; of a twin machine-id and host keys too.
 */
int import_tree_rename(struct creation *creation, const char *old_name, bool is_twin,
                       struct error *err);
/*
 * The settings of the distribution that the os-release(5) of the tree at root_fd names, otherwise those of fallback
 * (may be NULL), or of any distribution: a file, on the heap.
 */
char *import_tree_snippet(const struct paths *paths, int root_fd, const char *fallback);
/* Adds them to the configuration that was written already. */
int import_tree_include(const struct creation *creation, struct error *err);

#endif
