/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One tree that goes into an archive, with its configuration: the container's own, or that of a snapshot. */
#ifndef SYSC_TOOLS_EXPORT_PART_H
#define SYSC_TOOLS_EXPORT_PART_H

#include "base/text.h"
#include "storage/manifest.h"
#include "storage/storage.h"

struct archiver_counts;
struct call;
struct container;
struct earlier;
struct error;
struct progress;

struct export_part {
	const struct container *container;
	const char *snapshot; /* NULL: the container itself; borrowed */
	int snapshot_fd;      /* keeps the snapshot from being removed; -1 */
	char *file;           /* its configuration */
	struct storage storage;
	struct text config; /* the file as it is */
	struct manifest manifest;
};

/*
 * Finds it, and says of it what it is; the container is locked. Pair: export_part_done(). -ENOENT: no such
 * snapshot.
 */
int export_part_open(struct export_part *part, const struct container *container,
                     const char *snapshot, struct error *err);
void export_part_done(struct export_part *part);
/* earlier: what it is an increment to, where that was read; parts_left: how many follow; holds: of the last one. */
void export_part_place(struct export_part *part, const struct earlier *earlier, uint64_t parts_left,
                       const char *holds);

struct export_pack {
	const struct call *call;
	const struct strings *words; /* how to pack, for sysc-archive */
	int output_fd, signals_fd;
	int base_fd, save_fd; /* the kept list it is to, and a file for its own; -1: none */
	struct archiver_counts *counts;
	struct progress *progress; /* for archiver_run() */
};

int export_part_pack(const struct export_part *part, const struct export_pack *pack,
                     struct error *err);

#endif
