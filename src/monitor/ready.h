/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * When the container is ready, as [boot] ready says: found out by the supervisor, written to the state file
 * (ready_ms), told to the service manager of the host. What init says by sd_notify(3) is heard here as well.
 */
#ifndef SYSC_MONITOR_READY_H
#define SYSC_MONITOR_READY_H

#include "base/loop.h"
#include "monitor/inside.h"
#include "monitor/ready_network.h"

struct monitor;

struct ready {
	struct loop_source source; /* netlink or notify socket */
	struct ready_network network;
	struct inside inside;
	struct loop_timer timeout, pause;
	int pause_ms;     /* between two tries of the command */
	char missing[96]; /* the last try of the command */
};

/* Begins, or goes on after the death of another monitor. 0 or -errno. */
int ready_open(struct monitor *monitor);
/* The container ended: nothing of it is waited for any more. */
void ready_close(struct monitor *monitor);

#endif
