/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which of many snapshots are kept: "hourly 6, daily 7, weekly 4, monthly 3, yearly 1, last 5". A rule keeps the
 * newest one of each of the last N hours (days, …) that have any, in local time; weeks begin on Monday. What no
 * rule keeps may go.
 */
#ifndef SYSC_CONTAINER_KEEP_H
#define SYSC_CONTAINER_KEEP_H

#include <stddef.h>
#include <stdint.h>

struct error;

enum keep_rule {
	KEEP_LAST,
	KEEP_HOURLY,
	KEEP_DAILY,
	KEEP_WEEKLY,
	KEEP_MONTHLY,
	KEEP_YEARLY,
	KEEP_RULES
};

#define KEEP_MOST 100000 /* of one rule */

struct keep {
	unsigned int counts[KEEP_RULES];
};

/* -EINVAL with what is wrong; a rule of which nothing is said keeps none, all of them together at least one. */
int keep_parse(const char *text, struct keep *out, struct error *err);
/*
 * times: count moments (seconds of CLOCK_REALTIME), the newest first. kept[i] gets a bit (1 << enum keep_rule)
 * for each rule that keeps it.
 */
void keep_decide(const struct keep *keep, const int64_t *times, size_t count, unsigned int *kept);
const char *keep_rule_name(enum keep_rule rule); /* "hourly" */

#endif
