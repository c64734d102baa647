/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of the supervisor share: supervisor.c starts a container, takeover.c goes on with one that
 * lost its supervisor, supervisor_handover.c has what both hand over to sysc-monitor.
 */
#ifndef SYSC_MONITOR_SUPERVISOR_PARTS_H
#define SYSC_MONITOR_SUPERVISOR_PARTS_H

#include "container/state.h"
#include "runtime/start.h"

#include <stdbool.h>
#include <sys/types.h>

struct container;
struct error;

/* What the supervisor carries from the start to the exec of sysc-monitor. */
struct supervisor {
	struct start_note note; /* first member */
	const struct container *container;
	struct state state;
	struct running running;
	int listen_fd, console_fd, memory_fd, ready_fd;
	bool is_again;   /* a reboot or a restart, not a start that somebody asked for */
	bool is_execute; /* one program, no system that could become ready */
};

/* Closes the fds; the container goes on. */
void supervisor_done(struct supervisor *supervisor);
/* Makes RUN/NAME/socket. */
int supervisor_listen(struct supervisor *supervisor, struct error *err);
/* This process as both of the pair, until it becomes the keeper and makes a worker. */
void supervisor_name(struct state *state);
/* RUNNING, and ready where that is all there is to wait for; not written yet. */
void supervisor_set_running(struct supervisor *supervisor);
/* Own session, no streams or other fds of the caller, every signal for later. */
int supervisor_detach(struct error *err);

/* The life of a forked supervisor: answers on reply_fd, returns only on failure, which is sent there. */
typedef int (*supervisor_life)(const struct container *container, const void *data, int reply_fd,
                               struct error *err);
/* Forks it. Returns the fd (the caller's) on which SYNC_READY comes, or its error. */
int supervisor_fork(const struct container *container, supervisor_life life, const void *data,
                    pid_t *pid, struct error *err);

/* For boot.ready = notify: the socket, before the mounts are planned. */
int supervisor_bind_notify(struct supervisor *supervisor, struct error *err);
/* For boot.ready = network: while the container's namespaces are at hand. */
int supervisor_watch_network(struct supervisor *supervisor, struct error *err);
/* What sysc-monitor has to know, with the terminals' memory. Returns the fd of the handover. */
int supervisor_write_handover(struct supervisor *supervisor, struct error *err);
/* From here on the fds belong to sysc-monitor. Returns only on failure. */
int supervisor_become_monitor(struct supervisor *supervisor, int handover_fd, struct error *err);

#endif
