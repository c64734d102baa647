/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is mounted where, by the list of a process. */
#ifndef SYSC_STORAGE_MOUNTS_H
#define SYSC_STORAGE_MOUNTS_H

#include <stdbool.h>

/* Whether point, where something is mounted, is one that is looked for at path. */
typedef bool (*mounts_judge)(const char *point, const char *path);

/*
 * The first mount point that is wanted, on the heap; NULL: there is none. list: /proc/PID/mountinfo (proc(5)), read as
 * that process sees it, or NULL for one's own. -errno in *code (may be NULL) when it cannot be read.
 */
char *mounts_find(const char *list, mounts_judge is_wanted, const char *path, int *code);
/* For mounts_find(): a mount in the folder path, not on it. */
bool mounts_is_below(const char *point, const char *path);

#endif
