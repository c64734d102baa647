/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Single files of a foreign root file system, for templates: a path never leads out of the root. */
#ifndef SYSC_HELPERS_TREE_GUEST_H
#define SYSC_HELPERS_TREE_GUEST_H

#include <sys/types.h>

struct error;

/* Writes standard input to path below root (replaced as a whole; a symlink is replaced, too). */
int guest_put(const char *root, const char *path, mode_t mode, struct error *err);
/* Makes target the symlink path below root. */
int guest_link(const char *root, const char *target, const char *path, struct error *err);
/* Removes each of paths (ended by NULL) below root, whole trees too; absent is fine. */
int guest_remove(const char *root, char *const *paths, struct error *err);

#endif
