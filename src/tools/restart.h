/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Restarting, for the commands that need it. */
#ifndef SYSC_TOOLS_RESTART_H
#define SYSC_TOOLS_RESTART_H

struct call;

/*
 * Stops the container, which is running, and starts it with its present configuration, as sysc restart
 * does. Takes the container's lock; the caller holds none. Says what goes wrong, returns the exit code; does
 * not return where a privileged container needs a sealed copy of the program.
 */
int restart_container(const struct call *call, const char *name);

#endif
