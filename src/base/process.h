/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Helper programs: started by argv, never by a shell, watched by pidfd, always reaped. */
#ifndef SYSC_BASE_PROCESS_H
#define SYSC_BASE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct error;
struct text;

struct process_options {
	char *const *argv;     /* argv[0] is looked up in a fixed PATH when it has no slash */
	char *const *env;      /* NULL: PATH and LANG=C only */
	const char *directory; /* NULL: stay */
	int input_fd;          /* its standard input; -1: /dev/null */
	int output_fd;         /* its standard output; -1: /dev/null unless output is given */
	int error_fd;          /* its standard error; -1: as output */
	struct text *output;   /* collects standard output, at most output_most bytes */
	size_t output_most;
	int64_t timeout_ms; /* 0: none; over it the program is killed, -ETIMEDOUT */
	/*
	 * For a program that must not end half way: whatever ends us leaves it alone, in a session of its own, and
	 * our locks (flock(2)) are held until it has ended.
	 */
	bool outlives_us;
};

/* Runs it to the end. Returns its exit code, 128+signal, or -errno when it could not be run. */
int process_run(const struct process_options *options, struct error *err);
/* Waits for pidfd's end at most timeout_ms (-1: for ever), leaves it to be reaped. 1 it ended, 0 time
 * is over, -errno. */
int process_wait(int pidfd, int64_t timeout_ms);
/* CLOCK_MONOTONIC in milliseconds: for deadlines. */
int64_t process_clock_ms(void);
/* SIGINT, SIGTERM, SIGHUP and SIGQUIT blocked, and a signalfd(2) that tells of them; it does not block. -1, errno. */
int process_catch_signals(void);
/* They end the process at once again. */
void process_release_signals(int *signals_fd);
/* Before an exec, no heap: every signal at its default again, none blocked. */
void process_reset_signals(void);
/* The absolute path of a program in the fixed PATH (heap), NULL when there is none. */
char *process_find(const char *name);

#endif
