/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a container's last run ended, in words: for monitor, and for whoever waited for something else. */
#ifndef SYSC_TOOLS_ENDING_H
#define SYSC_TOOLS_ENDING_H

struct state;
struct text;

/*
 * Adds "by stop, uid 0 pid 12, exit code 0", "killed by SIGKILL", "failed: CAUSE" (the later one of the
 * last stop and the last failed start); nothing when nothing is known.
 */
void ending_describe(const struct state *state, struct text *out);

/* Adds "restart 3 of 5 in 4s" for a container that waits to be started again, "restart 3 of 5" for one that
 * was; nothing for others. */
void ending_describe_restart(const struct state *state, struct text *out);

#endif
