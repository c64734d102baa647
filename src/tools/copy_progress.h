/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a command shows and heeds while it copies a tree (storage/copy.h): a line on the terminal, signals. */
#ifndef SYSC_TOOLS_COPY_PROGRESS_H
#define SYSC_TOOLS_COPY_PROGRESS_H

#include <stdint.h>

struct call;
struct copy_totals;
struct error;

struct copy_progress {
	const struct call *call;
	const char *name; /* in front of the line */
	int signals_fd;   /* one that comes ends the copy: -EINTR */
	int64_t shown_ms; /* 0: nothing was shown */
};

/* For copy_options: user is a struct copy_progress. */
int copy_progress_tell(const struct copy_totals *done, void *user, struct error *err);
/* Nothing but the result line stays on the terminal. */
void copy_progress_end(const struct copy_progress *progress);

#endif
