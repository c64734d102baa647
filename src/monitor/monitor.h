/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The worker of the supervisor of one running container (keeper.h): one loop over init's pidfd, its ptys, the
 * command socket and signals. Needs libc only. It may die at any moment: what the next one must know is in the
 * state file, in the handover or in the terminals' memory.
 */
#ifndef SYSC_MONITOR_MONITOR_H
#define SYSC_MONITOR_MONITOR_H

#include "base/loop.h"
#include "container/state.h"
#include "monitor/handover.h"
#include "monitor/health.h"
#include "monitor/ready.h"
#include "monitor/terminal.h"
#include "monitor/waiting.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct error;
struct server_client;

struct monitor {
	struct loop loop;
	int handover_fd;
	struct handover handover; /* after a change: monitor_remember() */
	struct state state;
	struct loop_source signals, init, listener;
	struct loop_source keeper; /* pair.h; fd -1: there is none */
	int64_t keeper_next_ms;    /* CLOCK_MONOTONIC of the next try to make one */
	int keeper_pause_ms;
	bool is_leaving;                   /* the program is to be exchanged */
	const struct error *upgrade_error; /* why the last exchange was not done; code 0: nothing */
	int init_status;                   /* as the keeper told it, -1 */
	bool is_status_told;
	int stat_fd; /* /proc/PID/stat of init where the keeper is not its parent, else -1 */
	struct terminal terminals[1 + CONSOLE_TTYS_MAX];
	struct server_client *clients; /* list */
	int asked_pause_ms;            /* until init is asked again (ask.h) */
	int64_t asked_next_ms;         /* CLOCK_MONOTONIC of that */
	struct ready ready;
	struct health health;
	struct waiting waiting;
	struct loop_timer deadline; /* of a stop that is our own wish */
};

/*
 * Looks after the container until it ends, or until the program is to be exchanged; then handover->next
 * says so. pipe_fd: from the keeper; upgrade_error: of an exchange that failed just now, else empty.
 * Returns the exit code of the process.
 */
int monitor_run(int handover_fd, int pipe_fd, pid_t keeper, const struct error *upgrade_error);

/* Bytes of the memory of a container's terminals (the console is one), for handover->memory_fd. */
size_t monitor_memory_size(unsigned int ttys, uint64_t console_buffer);

/* Writes the handover anew. */
int monitor_remember(struct monitor *monitor, struct error *err);
/* A signal that uid and pid sent to us or to the keeper. */
void monitor_signal(struct monitor *monitor, int signal, uid_t uid, pid_t pid);

/* Sends the signal that asks for this kind of stop (enum protocol_stop) and remembers who asked. */
int monitor_stop(struct monitor *monitor, int how, const char *who, struct error *err);
/* The phase of a container that is not frozen: STOPPING once a stop or kill was asked for, else RUNNING. */
enum state_phase monitor_awake_phase(const struct monitor *monitor);
/* Writes the state file anew with this phase. */
int monitor_set_phase(struct monitor *monitor, enum state_phase phase, struct error *err);
/* Writes the state file anew; what goes wrong is logged. */
void monitor_write_state(struct monitor *monitor);
/* One turn of the loop, with all that waits for a time. 0 or -errno. */
int monitor_run_once(struct monitor *monitor);
/* True from a request to stop or reboot on. */
bool monitor_is_stopping(const struct monitor *monitor);
/* Stops the container, within its stop timeout, to have it started again: it is unhealthy. */
void monitor_restart(struct monitor *monitor, const char *why);
/* notify_host() as the main process of the service, if we are one. */
void monitor_tell_host(const struct monitor *monitor, const char *text);

#endif
