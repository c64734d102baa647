/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* [health]: a command inside, again and again, and what follows when it fails too often. */
#ifndef SYSC_MONITOR_HEALTH_H
#define SYSC_MONITOR_HEALTH_H

#include "monitor/inside.h"

#include <stdint.h>

struct monitor;

struct health {
	struct inside inside;
	struct loop_timer next;
	uint64_t failures; /* in a row */
};

/* Before anything else here. */
void health_open(struct monitor *monitor);
/* The container is ready: the first check, where a command is set. */
void health_begin(struct monitor *monitor);
void health_close(struct monitor *monitor);

#endif
