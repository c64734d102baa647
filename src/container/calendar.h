/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Moments that come again, in a part of the calendar form of systemd.time(7), read without systemd:
 *
 *   [WEEKDAYS] [YEAR-MONTH-DAY | MONTH-DAY] [HOUR:MINUTE[:00]] [UTC]
 *
 * each part a '*', numbers, ranges (8..18), lists (0,30) and steps (0/15); weekdays Mon or Mon..Fri,Sun; no time
 * of day is 00:00. Or one of hourly daily weekly monthly quarterly semiannually yearly annually minutely. Local
 * time unless it ends with UTC. Years are '*' or one number; seconds other than 00 are refused.
 */
#ifndef SYSC_CONTAINER_CALENDAR_H
#define SYSC_CONTAINER_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

struct error;

struct calendar {
	uint8_t weekdays;     /* bit 0: Sunday */
	uint16_t months;      /* bit 1: January */
	uint32_t days, hours; /* bit 1: the first; bit 0: midnight */
	uint64_t minutes;
	int year; /* 0: all */
	bool is_utc;
};

/* -EINVAL with what is wrong. */
int calendar_parse(const char *text, struct calendar *out, struct error *err);
/* The last such moment at or before now (seconds of CLOCK_REALTIME); -ENOENT: none in nine years. */
int calendar_last(const struct calendar *calendar, int64_t now, int64_t *out);

#endif
