/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How a container comes up and when it counts as ready: for start, wait and autostart. */
#ifndef SYSC_TOOLS_BOOT_H
#define SYSC_TOOLS_BOOT_H

#include <stdbool.h>
#include <stdint.h>

struct config;
struct container;
struct error;
struct state;
struct text;

#define BOOT_LOCK_MS 30000 /* for another command to be done with the container */

/*
 * The state of a container that is about to be started, whose lock the caller holds: one that is
 * stopping is waited for, at most patience_ms (-1: what its stop may take). -ETIMEDOUT, and -EBUSY for
 * one that is removed when it has stopped.
 */
int boot_settle(const struct container *container, int64_t patience_ms, struct state *state,
                struct error *err);
/* -ESTALE when the configuration was changed since it was loaded, by who held the lock until now. */
int boot_check_current(const struct container *container, struct error *err);
/*
 * Starts it in the background unless it runs: 0 started, 1 it ran already. -ESTALE as above: the caller loads
 * it again.
 */
int boot_start(const struct container *container, int64_t patience_ms, struct error *err);

/* Starts one that waits to be started again (state.restart_at_ms), at once; the lock is held by the caller. */
int boot_start_now(const struct container *container, struct error *err);

/* True when it runs and has become ready. */
bool boot_is_ready(const struct state *state);
/*
 * Why it is not: "RUNNING, waits for its network", and what its init said last. config may be NULL where
 * it is not known.
 */
void boot_describe(const struct state *state, const struct config *config, struct text *out);

/*
 * Waits until it is ready, at most timeout_ms (-1: for ever): -ETIMEDOUT with what it waits for, -ESRCH
 * with how it ended as soon as it stops. One that is not running yet is waited for, too, unless
 * must_run. config as for boot_describe().
 */
int boot_wait_ready(const struct container *container, const struct config *config,
                    int64_t timeout_ms, bool must_run, struct error *err);

#endif
