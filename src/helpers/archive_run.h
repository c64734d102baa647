/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Watching over the confined child of sysc-archive until it ends or a signal comes, with the progress on
 * standard error; and what is said to who called.
 */
#ifndef SYSC_HELPERS_ARCHIVE_RUN_H
#define SYSC_HELPERS_ARCHIVE_RUN_H

#include <stdbool.h>
#include <stdint.h>

struct archive_counters;
struct archive_options;
struct confine;
struct error;

/* Zeroed memory that the child shares, NULL with err. Pair: run_confined(). */
struct archive_counters *run_share_counters(struct error *err);
/*
 * Runs the confined child to its end. 0, -errno, or the signal that ended it. counters are unmapped here. name
 * and total (bytes, 0: not known) are for the progress.
 */
int run_confined(const struct archive_options *options, const struct confine *confine,
                 struct archive_counters *counters, const char *name, uint64_t total,
                 struct error *err);
/* Whether somebody sees the progress: it may be worth a count beforehand. */
bool run_shows_progress(const struct archive_options *options);
/* One line for who called, in words that harm no terminal (archive_escape(), take_report()). */
void run_report(const struct archive_options *options, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
