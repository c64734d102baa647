/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where single paths of a snapshot are to be restored: each path looked up in the snapshot and in the container,
 * and its folder there opened for writing. Nothing is changed but that an overlay copies folders up. For
 * snapshot_paths.c; private to src/storage.
 */
#ifndef SYSC_STORAGE_SNAPSHOT_SPOTS_H
#define SYSC_STORAGE_SNAPSHOT_SPOTS_H

#include "storage/storage.h"

#include <stdbool.h>
#include <stddef.h>

struct container;
struct error;
struct snapshot_path_restore;

/* One path. */
struct spot {
	const char *path, *name; /* name: its last part */
	char *above; /* where its folder is in the container, symlinks resolved: "/usr/bin" or "/" */
	int source;  /* its folder in the snapshot; -1: not there */
	int place;   /* its folder in the container, for writing */
	int work;    /* snapshot_paths.c: the folder of work there */
	bool is_new;       /* the snapshot has it */
	bool is_exchanged; /* snapshot_paths.c */
};

struct spots {
	const struct container *container;
	const struct snapshot_path_restore *restore;
	struct storage storage; /* of the container */
	struct spot *items;
	size_t count;
	int source_fd; /* the snapshot's tree */
	int view_fd;   /* the container's, as it is seen; of an overlay read-only */
	int place_fd;  /* where entries are written: that, or the upper folder */
};

void spots_init(struct spots *spots, const struct container *container,
                const struct snapshot_path_restore *restore);
void spots_done(struct spots *spots);
/* Opens both trees and looks at each path. -ENOENT, -EBUSY (a mount of a running container). */
int spots_find(struct spots *spots, struct error *err);
/* Opens the place of each. */
int spots_open_places(struct spots *spots, struct error *err);
/* Both for a restore that was killed, without a snapshot: a place that is not there any more stays -1. */
int spots_find_places(struct spots *spots, struct error *err);

/* Entries are written below the mount that the container would see. */
bool spots_are_overlay(const struct spots *spots);
/* Whether the open folder has an entry of that name, whatever it is. */
bool spot_has_entry(int folder, const char *name);

#endif
