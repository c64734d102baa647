/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writes an archive (storage/manifest.h) of the tree that is the current root, with libarchive. Runs in the
 * confined child only (archive_confine.h).
 */
#ifndef SYSC_HELPERS_ARCHIVE_PACK_H
#define SYSC_HELPERS_ARCHIVE_PACK_H

#include "helpers/archive_work.h"

#include <stdbool.h>
#include <stdio.h>

struct error;
struct idmap;

enum pack_method {
	PACK_ZSTD,
	PACK_GZIP,
	PACK_XZ,
	PACK_NONE
};

struct pack_job {
	const char *manifest, *config;
	size_t manifest_length, config_length;
	int output_fd;
	enum pack_method method;
	const char *level;         /* NULL: the method's own */
	unsigned int threads;      /* at least 1 */
	const struct idmap *shift; /* owners on disk are the host's of this map; NULL: plain */
	FILE *list;                /* the list is gathered here */
	bool count;                /* go through it all first, for the progress */
	struct archive_counters *counters;
};

/* 0, or the first thing that is wrong: "'etc/x': why". */
int pack_work(const struct pack_job *job, struct error *err);

/* The word of -z. -EINVAL. */
int pack_parse_method(const char *word, enum pack_method *out);

#endif
