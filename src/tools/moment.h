/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Times as people and programs read them: UTC, without a look at time zones or locales. */
#ifndef SYSC_TOOLS_MOMENT_H
#define SYSC_TOOLS_MOMENT_H

#include <stdint.h>

#define MOMENT_ROOM 40

/* "2026-11-22T02:10:00.123Z" of CLOCK_REALTIME milliseconds; "" for 0. Returns out. */
const char *moment_format(int64_t when_ms, char out[MOMENT_ROOM]);
/* "45s", "3min 12s", "5h 2min", "12d 4h". Returns out. */
const char *moment_format_span(int64_t span_ms, char out[MOMENT_ROOM]);

#endif
