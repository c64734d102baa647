/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writes an archive (storage/manifest.h) of the tree that is the current root. Runs in the confined child only
 * (confine.h).
 */
#ifndef SYSC_HELPERS_ARCHIVE_PACK_H
#define SYSC_HELPERS_ARCHIVE_PACK_H

#include "helpers/archive_writer.h"

#include <stdbool.h>
#include <stdio.h>

struct idmap;

struct pack_job {
	const char *manifest, *config;
	size_t manifest_length, config_length;
	struct writer_options output;
	const struct idmap *shift; /* owners on disk are the host's of this map; NULL: plain */
	FILE *list;                /* the list is gathered here */
	FILE *base;                /* the list that an increment is to; NULL: all is packed */
	FILE *save;                /* gets a copy of manifest and list; NULL */
	bool is_privileged;        /* the container has all owners of the host, and trusted.* */
	bool count;                /* go through it all first, for the progress */
};

/* 0, or the first thing that is wrong: "'etc/x': why". */
int pack_work(const struct pack_job *job, struct error *err);

#endif
