/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The time between the end of a container and its next start by [boot] restart: phase STARTING with
 * restart_at_ms in the state file, no init, but somebody who can be asked to stop it or to start it now.
 */
#ifndef SYSC_MONITOR_WAITING_H
#define SYSC_MONITOR_WAITING_H

#include "base/loop.h"

#include <stdbool.h>

struct monitor;

struct waiting {
	bool is_on;
	bool is_cancelled;
	struct loop_timer timer;
};

/* Waits until state.restart_at_ms, or until somebody asks. True: it is to be started now. */
bool waiting_run(struct monitor *monitor);
/* A stop (cancels it) or a reboot (begins at once); how: enum protocol_stop. */
void waiting_asked(struct monitor *monitor, int how, const char *who);
/* Start it now. Not waiting: nothing. */
void waiting_start(struct monitor *monitor, const char *who);
/* handover.policy is another one: a wait that it does not want is cancelled. */
void waiting_policy_changed(struct monitor *monitor, const char *who);

#endif
