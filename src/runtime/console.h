/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pseudo terminals of the container's own devpts instance: /dev/console and /dev/ttyN. */
#ifndef SYSC_RUNTIME_CONSOLE_H
#define SYSC_RUNTIME_CONSOLE_H

#include <stdbool.h>
#include <stdint.h>

struct error;

#define CONSOLE_TTYS_MAX 12 /* with the console they fit into one message of fds */

/*
 * Child, when /dev is in place: allocates 1+ttys ptys, binds them on /dev/console and /dev/tty1…, and
 * returns the controlling sides in fds, console first. In the new instance they are /dev/pts/0, 1 …
 * No heap.
 */
int console_place(uint64_t ttys, int fds[1 + CONSOLE_TTYS_MAX], struct error *err);

/*
 * From outside, for a container whose ptys ended with the supervisor that held them: new ones in place of
 * them, made by a process that enters the namespaces of init (its pidfd; the user namespace too where
 * has_userns) for this alone. Never waits long, whatever the guest does to it. As console_place().
 */
int console_renew(int init_fd, bool has_userns, uint64_t ttys, int fds[1 + CONSOLE_TTYS_MAX],
                  struct error *err);

/*
 * A further pty of the instance below the current root's /dev/pts, verified to be a devpts (a guest may
 * have put something else there). Returns the controlling side; *peer is the other one, opened without
 * becoming the controlling terminal (TIOCGPTPEER, ioctl_tty(2)).
 */
int console_open(int *peer, struct error *err);

#endif
