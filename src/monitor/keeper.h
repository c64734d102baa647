/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The two processes that look after a running container:
 *
 *   keeper   the parent of init and the main process for a service manager. Holds every fd of the handover,
 *            reaps init, passes signals on, and waits. It starts a new worker when that one dies, and
 *            executes what comes after it: `sysc start` for a reboot, `sysc destroy` for an ephemeral
 *            container, the installed sysc-monitor for an upgrade. So little happens in it that there is
 *            hardly anything that could end it.
 *   worker   its child (monitor.h): everything that talks to the guest or to a client. Makes a new keeper
 *            when that one is killed (pair.h).
 *
 * They share the fds and the handover, which is their memory. The keeper tells the worker by a pipe, whose
 * end tells that the keeper is gone; the worker tells the keeper by handover->next, and by its end.
 */
#ifndef SYSC_MONITOR_KEEPER_H
#define SYSC_MONITOR_KEEPER_H

#include <stdint.h>
#include <sys/types.h>

enum keeper_message_kind {
	KEEPER_INIT_ENDED = 1, /* value: the wait status of init, -1 not known */
	KEEPER_SIGNAL,         /* value: the signal; uid and pid of who sent it */
};

struct keeper_message {
	int32_t kind, value;
	uint32_t uid;
	int32_t pid;
};

/*
 * The life of a keeper. handover_fd: handover.h. With worker > 0 it is the new keeper of that worker, its
 * parent, and writes to pipe_fd; otherwise it makes a worker. Returns the exit code of the program.
 */
int keeper_run(int handover_fd, pid_t worker, int pipe_fd);

#endif
