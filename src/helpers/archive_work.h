/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reads an archive with libarchive, entry by entry, and writes it into the current root. Runs in the
 * confined child only (confine.h). */
#ifndef SYSC_HELPERS_ARCHIVE_WORK_H
#define SYSC_HELPERS_ARCHIVE_WORK_H

#include "helpers/archive_rules.h"

#include <stdatomic.h>
#include <stdbool.h>

struct archive;
struct error;
struct verify_files;

#define ARCHIVE_NOTES    32 /* that are kept; more are only counted */
#define ARCHIVE_NOTE_MAX 512

/* Counters in memory shared with the parent, which shows them and trusts them for nothing else. */
struct archive_counters {
	_Atomic uint64_t input, bytes, entries; /* bytes read, bytes and entries unpacked */
	/* packing: bytes written; bytes there are to read, of so many entries */
	_Atomic uint64_t output, total, total_entries;
	/* packing an increment: what is as it was, its content, what is gone */
	_Atomic uint64_t kept, kept_bytes, removed;
	_Atomic unsigned int note_count;
	char notes[ARCHIVE_NOTES][ARCHIVE_NOTE_MAX]; /* what was left out */
};

struct archive_job {
	int input_fd;
	bool write;        /* false: only look at everything */
	bool keep_ids;     /* set owners (root) */
	bool is_host_root; /* not in a user namespace: trusted.* can be set */
	/* not NULL: it must be one of sysc-export, whose tree is unpacked and whose list is verified */
	const struct verify_files *exported;
	struct archive_limits limits;
	struct archive_counters *counters;
};

/* 0, or the first thing that is wrong: "entry 'etc/x': why". */
int archive_work(const struct archive_job *job, struct error *err);
/* What libarchive says, with names that it quotes made harmless. */
int work_fail(struct archive *archive, struct error *err);

#endif
