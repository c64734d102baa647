/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What sysc-export says: the archive of itself, in its manifest, and the command of what became of it. */
#ifndef SYSC_TOOLS_EXPORT_SAY_H
#define SYSC_TOOLS_EXPORT_SAY_H

#include "tools/archiver.h"

#include <stdbool.h>
#include <stdint.h>

struct call;
struct container;
struct manifest;
struct storage;
struct text;

/* All of the manifest but what makes it a part of something: since, snapshot, parts. config: the file that goes in. */
void export_describe(struct manifest *manifest, const struct container *container,
                     const struct storage *storage, const struct text *config);

struct export_result {
	const char *name, *path;         /* path NULL: standard output */
	const struct manifest *manifest; /* of the first part */
	bool takes_snapshots;            /* as far as earlier archives have them not */
	uint64_t with_snapshots;         /* how many are in it */
	struct archiver_counts counts;
	uint64_t size_bytes; /* of the file */
	int64_t frozen_us;   /* -1: it was not frozen */
	int64_t took_ms;
};

/* Returns an exit code. */
int export_report(const struct call *call, const struct export_result *result);

#endif
