/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads an archive with libarchive, entry by entry, and writes it into the current root. Runs in the
 * confined child only (archive_confine.h). */
#ifndef SYSC_HELPERS_ARCHIVE_WORK_H
#define SYSC_HELPERS_ARCHIVE_WORK_H

#include "helpers/archive_rules.h"

#include <stdatomic.h>
#include <stdbool.h>

struct error;

/* Counters in memory shared with the parent, which shows them and trusts them for nothing else. */
struct archive_counters {
	_Atomic uint64_t input, bytes, entries; /* bytes read, bytes and entries unpacked */
};

struct archive_job {
	int input_fd;
	bool write;    /* false: only look at everything */
	bool keep_ids; /* set owners (root) */
	struct archive_limits limits;
	struct archive_counters *counters;
};

/* 0, or the first thing that is wrong: "entry 'etc/x': why". */
int archive_work(const struct archive_job *job, struct error *err);

#endif
