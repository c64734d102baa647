/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The start of a container: one table of steps, each with its undo. Runs in the supervisor, which is the
 * parent of the container's init from then on.
 */
#ifndef SYSC_RUNTIME_START_H
#define SYSC_RUNTIME_START_H

#include "network/network.h"
#include "runtime/console.h"

#include <stdint.h>
#include <sys/types.h>

struct container;
struct error;
struct plan_execute;

/* What a start leaves: a running init and what is needed to look after it. */
struct running {
	pid_t pid;
	int pidfd;
	int ttys[1 + CONSOLE_TTYS_MAX]; /* controlling sides, the console first */
	unsigned int tty_count;
	struct network network;
	char cgroup[256]; /* below each hierarchy */
	char init_kind[16];
	int halt_signal, reboot_signal, kill_signal;
	char note[1024]; /* for the log: what a start did without; "" */
};

void running_init(struct running *running);
/* Closes the fds; the container goes on. */
void running_done(struct running *running);

/*
 * Called when everything outside of the container is made, right before its child may go on alone: from
 * then on the end of the caller does not end the container.
 */
struct start_note {
	int (*run)(const struct start_note *note, const struct running *running, struct error *err);
};

/*
 * Starts container, whose lock the caller holds, in the cgroup ("sysc/web1"). Returns when init has been
 * executed. On failure everything that was made is gone again and err has the cause.
 */
int start_container(const struct container *container, const char *cgroup,
                    const struct plan_execute *execute, const struct start_note *note,
                    struct running *out, struct error *err);

#endif
