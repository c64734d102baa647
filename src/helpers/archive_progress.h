/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How far sysc-archive is, on standard error: a bar on a terminal, a line now and then elsewhere. */
#ifndef SYSC_HELPERS_ARCHIVE_PROGRESS_H
#define SYSC_HELPERS_ARCHIVE_PROGRESS_H

#include "helpers/archive_work.h"

enum progress_form {
	PROGRESS_NONE,
	PROGRESS_BAR,
	PROGRESS_LINES
};

struct progress {
	enum progress_form form;
	const char *name;   /* of the archive */
	uint64_t total;     /* bytes of it; 0: not known */
	int64_t started_ms; /* CLOCK_MONOTONIC */
	int64_t shown_ms;
	unsigned int tenths; /* PROGRESS_LINES: how many were said */
	bool is_drawn;
};

void progress_start(struct progress *progress, enum progress_form form, const char *name,
                    uint64_t total);
void progress_show(struct progress *progress, const struct archive_counters *counters);
/* Removes the bar, or says the last line. */
void progress_end(struct progress *progress, const struct archive_counters *counters, bool is_done);

#endif
