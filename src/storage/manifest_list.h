/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The list of an archive (manifest.h) as a file, line after line: written while a tree is walked, read and verified
 * in the same order, so that two lists are compared without keeping either in memory.
 *
 * A list that is kept beside an archive, or between two archives, has the manifest of its archive in front of it and
 * an empty line in between.
 */
#ifndef SYSC_STORAGE_MANIFEST_LIST_H
#define SYSC_STORAGE_MANIFEST_LIST_H

#include "base/sha256.h"
#include "base/text.h"
#include "storage/manifest.h"

#include <stdbool.h>
#include <stdio.h>

struct error;

/* An unnamed file for a list that is not kept: on disk if that can be, it may be long. -errno. */
int list_open_temporary(void);

/* --- writing --- */

/* Zeroed but for file, which is borrowed, and given to list_writer_init(). Pair: list_writer_done(). */
struct list_writer {
	FILE *file;
	struct text line;
	struct sha256 sum;
	uint64_t count;
};

void list_writer_init(struct list_writer *list, FILE *file);
void list_writer_done(struct list_writer *list);
/* -ENAMETOOLONG: its line would be too long. */
int list_writer_add(struct list_writer *list, const struct manifest_entry *entry,
                    struct error *err);
/* The last line; flushes. */
int list_writer_end(struct list_writer *list, struct error *err);

/* --- reading --- */

struct list_reader {
	FILE *file;                  /* borrowed; at the first line */
	struct manifest_entry entry; /* the one that stands next, when has_entry */
	const char *counted;         /* of its line: what two lists of one tree agree in */
	bool has_entry;
	bool skips_removed; /* lines of type x are verified and passed over */
	uint64_t count;     /* of all lines */
	char digest[65];    /* that ended it; "" before */
	/* list_reader_next() only */
	struct sha256 sum;
	char previous_type;
	char line[MANIFEST_LINE_MAX + 2], parts[MANIFEST_LINE_MAX + 2];
	char previous[MANIFEST_LINE_MAX + 2];
};

/* On the heap, for free(3): its lines are long. */
struct list_reader *list_reader_new(FILE *file, bool skips_removed);
/*
 * Reads on: has_entry is false when the list is over, whole and followed by nothing; then digest and count are
 * set. -EBADMSG, -EINVAL, -EFBIG: it is not a list, cut or damaged, or out of order.
 */
int list_reader_next(struct list_reader *list, struct error *err);
/* Reads it to its end, which makes digest and count known. */
int list_reader_finish(struct list_reader *list, struct error *err);
/* Takes the manifest from the front of a kept list. */
int list_read_manifest(FILE *file, struct manifest *out, struct error *err);

#endif
