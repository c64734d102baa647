/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From `sysc start` to a running supervisor: a forked process in its own session starts the container,
 * tells the caller how it went, and becomes sysc-monitor.
 */
#ifndef SYSC_MONITOR_SUPERVISOR_H
#define SYSC_MONITOR_SUPERVISOR_H

#include "container/state.h"

#include <stdbool.h>

struct container;
struct error;
struct plan_execute;

/* What is not as in a plain start; NULL in its place: nothing. */
struct supervisor_options {
	const struct plan_execute
		*execute; /* NULL: the whole system; its stdio fds are the container's */
	int console_fd; /* end of a SOCK_SEQPACKET pair that is the console's client from the first byte on,
	                   for the foreground; -1: none */
	bool is_again; /* the supervisor's own wish: a reboot, a restart */
};

/*
 * Starts container (its lock is held by the caller; the supervisor holds it too until the container
 * runs). Returns when init runs, or with the cause, which is kept in the state. options may be NULL.
 */
int supervisor_start(const struct container *container, const struct supervisor_options *options,
                     struct error *err);

/*
 * The same without the fork, for a reboot: this process was the monitor and becomes it again. Returns
 * only on failure.
 */
int supervisor_continue(const struct container *container, struct error *err);

/*
 * As supervisor_start(), but this process itself becomes the supervisor: for a service manager, which it
 * tells how it goes by NOTIFY_SOCKET (sd_notify(3)). Its exit code is 0 when the container was asked to stop
 * or ended well, else 1. Returns only on failure.
 */
int supervisor_serve(const struct container *container, struct error *err);

/*
 * A new supervisor for a container that runs without one (adopt.h), as state tells; the caller holds
 * lock_takeover(). The console begins anew. Returns when it can be asked.
 */
int supervisor_adopt(const struct container *container, const struct state *state,
                     struct error *err);

/* For a reboot that cannot even begin: STOPPED, with the cause in state and log. */
void supervisor_give_up(const struct container *container, const struct error *cause);

#endif
