/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a command shows and heeds while it copies a tree (storage/copy.h) or removes one (storage/remove.h): a line on
 * the terminal, signals.
 */
#ifndef SYSC_TOOLS_TREE_PROGRESS_H
#define SYSC_TOOLS_TREE_PROGRESS_H

#include "base/progress.h"

struct call;
struct copy_totals;
struct error;

struct tree_progress {
	struct progress line;
	int signals_fd; /* one that comes ends the work: -EINTR; -1: none */
	int signal;     /* that came; 0: none */
};

/* name: in front of the line. */
void tree_progress_begin(struct tree_progress *progress, const struct call *call, const char *name,
                         int signals_fd);
/* For copy_options: user is a struct tree_progress. */
int tree_progress_copied(const struct copy_totals *done, void *user, struct error *err);

/*
 * Removes the tree "hidden" of the folder store, with such a line in front of which name stands, as remove_tree_with().
 * signals_fd: as above; -EINTR when one came.
 */
int tree_progress_remove(const struct call *call, const char *name, const char *store,
                         const char *hidden, int signals_fd, struct error *err);

#endif
