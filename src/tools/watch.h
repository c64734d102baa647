/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Waiting for a container to change, by inotify(7) on its state file: for wait, monitor and logs. The
 * supervisor is not asked.
 */
#ifndef SYSC_TOOLS_WATCH_H
#define SYSC_TOOLS_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct error;
struct state;

/* A new inotify fd (non-blocking, close-on-exec), or -errno. */
int watch_open(struct error *err);
/*
 * Watches directory path for files put in place; while it is absent the nearest folder above it, for
 * it to appear. Returns the watch descriptor, *is_there tells whether it is path's own.
 */
int watch_folder(int inotify_fd, const char *path, bool *is_there, struct error *err);
/* Reads away what is queued. */
void watch_drain(int inotify_fd);

/*
 * pidfd of a process of the state that is still alive, so that its death is an event: the supervisor
 * or, without one, init. -1 when there is none.
 */
int watch_process(const struct state *state);

/*
 * Shows judge the state in run_dir now and after each change of it, until it returns other than 0, which
 * is returned; -ETIMEDOUT, err untouched, when deadline (CLOCK_MONOTONIC in ms, -1: never) has passed.
 * *state is the one that was seen last. judge's own errors are below 0 too, and leave err alone.
 */
int watch_until(const char *run_dir, int64_t deadline,
                int (*judge)(const struct state *state, void *data), void *data,
                struct state *state, struct error *err);

/* A signalfd for SIGINT, SIGTERM and SIGHUP, which are blocked; -errno. */
int watch_signals(struct error *err);

#endif
