/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The worker's side of the pair with its keeper (keeper.h): what it is told, and a new keeper when it dies. */
#ifndef SYSC_MONITOR_PAIR_H
#define SYSC_MONITOR_PAIR_H

#include <sys/types.h>

struct monitor;

/* Listens to the keeper on pipe_fd (taken over) and names both of us in the state. 0 or -errno. */
int pair_open(struct monitor *monitor, int pipe_fd, pid_t keeper);
/* How long the loop may wait before pair_again() is due, -1: for ever. */
int pair_timeout_ms(const struct monitor *monitor);
/* Another try to make a keeper, when it is due. */
void pair_again(struct monitor *monitor);
/* First thing when init has ended: where the keeper is not its parent, looks at it before its parent does. */
void pair_init_ended(struct monitor *monitor);
/*
 * The wait status of init, which has ended: from the keeper, who is its parent. Where that one was killed, as
 * pair_init_ended() saw it, or from the kernel (PIDFD_GET_INFO, Linux 6.15); that tells only that it was
 * killed when it asked for a reboot or a poweroff, and the first is made of it. Waits a moment for any.
 * -1: not known.
 */
int pair_init_status(struct monitor *monitor);

#endif
