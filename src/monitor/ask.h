/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asking init for a stop or a reboot by a signal that it hears, also while it is still starting. */
#ifndef SYSC_MONITOR_ASK_H
#define SYSC_MONITOR_ASK_H

struct error;
struct monitor;

/*
 * Sends signal to init. PID 1 never gets a signal that it neither handles nor blocks (pid_namespaces(7)), so
 * one that it does not know yet is sent again by ask_again(). A new request takes the place of the last.
 */
int ask_init(struct monitor *monitor, int signal, struct error *err);
/* How long the loop may wait before ask_again() is due, -1: for ever. */
int ask_timeout_ms(const struct monitor *monitor);
/* Once more, when it is due. */
void ask_again(struct monitor *monitor);

#endif
