/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an archive could not keep, or a tree could not take: said by the tool afterwards, in memory that the
 * parent shares (archive_work.h). Nothing is left out without one of these.
 */
#ifndef SYSC_HELPERS_ARCHIVE_NOTES_H
#define SYSC_HELPERS_ARCHIVE_NOTES_H

#include <stddef.h>
#include <stdint.h>

struct archive_counters;
struct archive_entry;

#define NOTES_KINDS 8 /* attributes that are counted by name; more are counted together */

/* Zeroed but for counters; without, nothing is said. */
struct notes {
	struct archive_counters *counters;
	struct notes_kind {
		char name[80];
		uint64_t count;
	} kinds[NOTES_KINDS];
};

/* "'PATH': WHAT" */
void notes_add(const struct notes *notes, const char *path, const char *what);
/* An attribute of one more entry that was left out. */
void notes_count(struct notes *notes, const char *attribute);
/* Says what was counted. Once, at the end. */
void notes_end(const struct notes *notes);

#endif
