/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A command run inside the container by the supervisor, without waiting for it: readiness and health ask
 * that way. It goes through `sysc attach`, as root of the guest, with every fence that attach has.
 */
#ifndef SYSC_MONITOR_INSIDE_H
#define SYSC_MONITOR_INSIDE_H

#include "base/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct error;
struct monitor;

#define INSIDE_OUTPUT_MAX 96

/* Zeroed and inside_init()ed by its owner, which stays where it is. */
struct inside {
	struct loop_source process, output;
	struct loop_timer limit;
	struct monitor *monitor;
	/* Called when it has ended: how is its exit code, 128+signal, or INSIDE_TIMED_OUT; words: what it printed
	 * first, one line, for the eyes of an administrator. */
	void (*ended)(struct inside *inside, int how, const char *words);
	pid_t pid; /* 0: does not run */
	bool is_late;
	size_t length;
	char words[INSIDE_OUTPUT_MAX];
};

#define INSIDE_TIMED_OUT (-1)

void inside_init(struct inside *inside, struct monitor *monitor,
                 void (*ended)(struct inside *inside, int how, const char *words));
/*
 * Starts command (a line, strings_split_command()) with a time limit (0: none), after which all of it is
 * killed. It must not run yet.
 */
int inside_run(struct inside *inside, const char *command, int64_t limit_ms, struct error *err);
/* Kills and reaps it; ended() is not called. For one that does not run: nothing. */
void inside_stop(struct inside *inside);

#endif
