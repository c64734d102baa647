/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The files of a copy: copying_choose.c, copying_tree.c. Private to copying.c. */
#ifndef SYSC_TOOLS_COPYING_TREE_H
#define SYSC_TOOLS_COPYING_TREE_H

#include <stdbool.h>

struct copying;
struct error;

/*
 * What the copy's root file system is to be (copying->to, under its final path) and what the source goes on
 * with (copying->onward). Nothing is made. target.config has all but rootfs.path.
 */
int copying_choose(struct copying *copying, struct error *err);
/* Whether the source is a folder whose files can share their blocks with those of the copy. */
bool copying_can_share(const struct copying *copying);
/* Whether the source has its ids on disk. */
bool copying_is_shifted(const struct copying *copying);

/* What else the administrator keeps in the container's folder: profiles, files that are mounted inside. */
int copying_folder(struct copying *copying, struct error *err);
/* Makes the root file system, another machine's from within. A source that runs is frozen meanwhile. */
int copying_tree(struct copying *copying, struct error *err);

#endif
