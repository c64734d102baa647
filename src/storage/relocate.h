/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Giving a container another name. All that needs room on the disk is written beside what it replaces
 * (FILE.renamed); then the plan, STORE/.renaming ("OLD NEW"), is written; from there on only renames follow. A
 * killed command without a plan has changed nothing; with one, the next command does the rest.
 */
#ifndef SYSC_STORAGE_RELOCATE_H
#define SYSC_STORAGE_RELOCATE_H

#include <stdbool.h>

struct container;
struct error;
struct paths;
struct strings;

/*
 * Renames the container, which is stopped, with its snapshots, logs and what is in RUN, and the paths in all
 * configurations that name its folder. locked: names of containers whose locks the caller holds, its own
 * among them; -EAGAIN when others are needed too. -EBUSY when the name is taken. Takes the store lock. Nothing
 * is changed on error. The names of volumes (lvm, zfs) stay as they are. What the guest calls itself is changed in
 * its tree; where that cannot be, inside has the reason and the rename is done all the same.
 */
int relocate(const struct container *container, const char *name, const struct strings *locked,
             struct error *inside, struct error *err);
/* The containers (no snapshots) whose configurations have to change for it, in addition to its own. */
void relocate_users(const struct container *container, struct strings *out);

/* Whether a rename was begun and not ended; it may be at work right now. */
bool relocate_is_pending(const struct paths *paths);
/* Removes what a rename prepared that was killed before its plan. Cheap when there is nothing. */
int relocate_sweep(const struct paths *paths, struct error *err);
/* Waits for it to be done, or does the rest of it when its command was killed. */
int relocate_finish(const struct paths *paths, struct error *err);

#endif
