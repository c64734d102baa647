/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The supervisor of one running container, as the program sysc-monitor: one loop over init's pidfd, its
 * ptys, the command socket and signals. Needs libc only.
 */
#ifndef SYSC_MONITOR_MONITOR_H
#define SYSC_MONITOR_MONITOR_H

#include "base/loop.h"
#include "container/state.h"
#include "monitor/handover.h"
#include "monitor/terminal.h"

#include <stdbool.h>
#include <stdint.h>

struct error;
struct server_client;

struct monitor {
	struct loop loop;
	struct handover handover;
	struct state state;
	struct loop_source signals, init, listener;
	struct terminal terminals[1 + CONSOLE_TTYS_MAX];
	struct server_client *clients; /* list */
	int asked_signal;              /* what init has yet to hear (ask.h), 0: nothing */
	int asked_pause_ms;            /* until the next try */
	int64_t asked_next_ms;         /* CLOCK_MONOTONIC of that */
	bool no_reboot;                /* a stop or kill was asked for: a reboot inside is a stop */
};

/* Looks after the container until it ends; handover_fd: handover.h. Returns the exit code of the program, or
 * does not return when the container reboots. */
int monitor_run(int handover_fd);

/* Sends the signal that asks for this kind of stop (enum protocol_stop) and remembers who asked. */
int monitor_stop(struct monitor *monitor, int how, const char *who, struct error *err);
/* The phase of a container that is not frozen: STOPPING once a stop or kill was asked for, else RUNNING. */
enum state_phase monitor_awake_phase(const struct monitor *monitor);
/* Writes the state file anew with this phase. */
int monitor_set_phase(struct monitor *monitor, enum state_phase phase, struct error *err);

#endif
