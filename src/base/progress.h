/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How far a long work is: one line of a terminal that is written over while it changes, and goes when the work is
 * done. A helper whose output somebody else passes on writes records instead, and who started it draws the line:
 * a terminal has one owner.
 */
#ifndef SYSC_BASE_PROGRESS_H
#define SYSC_BASE_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PROGRESS_NAME_ROOM 96
#define PROGRESS_LINE_ROOM 512
#define PROGRESS_SAMPLES   20

/* Done so far, and in all (0: not known). An entry is a file, a folder, … */
struct progress_amount {
	uint64_t bytes, all_bytes, entries, all_entries;
};

struct progress {
	enum {
		PROGRESS_NONE,    /* zeroed: nothing is shown */
		PROGRESS_LINE,    /* on a terminal */
		PROGRESS_RECORDS, /* for who draws it */
	} form;
	/* the caller's to set after progress_begin(), or NULL */
	const char *at_end;  /* what goes on when all is there: "finishing" */
	const char *counted; /* what the entries were: "removed" */

	/* progress.c only */
	int fd;
	char name[PROGRESS_NAME_ROOM];
	int64_t began_ms, shown_ms;
	bool is_drawn;
	/* of the last ten seconds, the newest in front of next: the rate is theirs */
	struct progress_sample {
		int64_t at_ms;
		uint64_t bytes, entries;
	} samples[PROGRESS_SAMPLES];
	unsigned int next;
};

/* Whether fd is a terminal (isatty(3)) that knows how to erase a line: TERM is set and not "dumb". */
bool progress_can_draw(int fd);
/* Of a path in name the last part is shown, and what is not printable as '?'. fd -1, or one that progress_can_draw() denies: nothing will be shown. */
void progress_begin(struct progress *progress, int fd, const char *name);
/* The same for records on fd. */
void progress_begin_records(struct progress *progress, int fd);
/* Draws it where the last drawing is long ago. Not while another process group has the terminal (credentials(7)). */
void progress_show(struct progress *progress, const struct progress_amount *amount);
/* "NAME: WHAT" at once, for a part of the work that has no figures. */
void progress_say(struct progress *progress, const char *what);
/* The line goes, for another one or at the end; the next progress_show() draws it again. NULL is fine. */
void progress_clear(struct progress *progress);

/* Reads a record, the line without its end: true when it is one. */
bool progress_take(const char *line, struct progress_amount *out);

/* --- for progress_show() and tests --- */

/* Takes note of the amount at that time (CLOCK_MONOTONIC); one that is less than before is of the next part of the work. */
void progress_sample(struct progress *progress, const struct progress_amount *amount,
                     int64_t now_ms);
/* The line in less than so many columns: what there is no room for is left out, the bar first, the percents last. */
void progress_format(const struct progress *progress, const struct progress_amount *amount,
                     int64_t now_ms, unsigned int columns, char out[PROGRESS_LINE_ROOM]);

#endif
