/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The caller's streams joined to a command that was attached: its pty, its signals, its exit code. */
#ifndef SYSC_TOOLS_RELAY_H
#define SYSC_TOOLS_RELAY_H

struct error;

/*
 * Before the command is started: holds back the signals that are passed on, so that none that comes in
 * between ends us instead. Returns the signalfd for relay_run(), -errno. The command must unblock them.
 */
int relay_signals(struct error *err);

/*
 * Waits for the command (a child, by its pidfd; all fds are taken over): passes bytes between the standard
 * streams and ptx_fd (-1: none), window sizes and signals. Every byte that the command wrote comes out.
 * Returns its exit code, 128+signal, or -errno.
 */
int relay_run(int pidfd, int ptx_fd, int signals_fd, struct error *err);

#endif
