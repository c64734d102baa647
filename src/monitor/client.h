/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Asking the supervisor of a running container: what commands use. protocol.h draws the messages. */
#ifndef SYSC_MONITOR_CLIENT_H
#define SYSC_MONITOR_CLIENT_H

#include "monitor/protocol.h"

#include <stdbool.h>
#include <stdint.h>

struct config;
struct container;
struct error;
struct state;

/*
 * Connects to the supervisor, which is made anew where it is gone (adopt.h). -ESRCH when the container is not running ("… is not running").
 */
int client_connect(const struct container *container, struct error *err);

/*
 * The state of the container as it will be: one whose init has ended is being cleaned up, so this waits a
 * moment for that; one whose supervisor is gone is taken over, or what is left of it is removed (adopt.h). For
 * who is about to start or destroy it.
 */
int client_settled_state(const struct container *container, struct state *state, struct error *err);

/*
 * Whether the run of the container that run tells of (as read while it ran) goes on: what a connection that
 * ended without a word is asked for. A supervisor may die and be made anew while the container runs.
 */
bool client_goes_on(const struct container *container, const struct state *run);
/* Waits until the container is not running any more, over the end of its supervisors. */
int client_wait_stopped(const struct container *container, struct error *err);

/*
 * Asks over fd for a stop (enum protocol_stop) and returns when the signal was sent; client_wait_end()
 * waits for the rest. -ECONNRESET: the supervisor ended and may not have heard it.
 */
int client_stop(int fd, int how, struct error *err);
/* Waits at most timeout_ms (-1: for ever) until the supervisor has cleaned up and gone: 1, 0 when time is
 * over, -errno. */
int client_wait_end(int fd, int64_t timeout_ms);

/* Freezes or thaws the container and has the new state recorded. Already so is fine. */
int client_freeze(const struct container *container, bool frozen, int64_t timeout_ms,
                  struct error *err);

/*
 * The whole of `stop`: thaws, asks by how, waits until the deadline, kills then unless no_kill. *killed (may
 * be NULL) tells whether it came to that. Not running is fine (0). -ETIMEDOUT with no_kill.
 */
struct client_stop_options {
	int how;            /* enum protocol_stop; PROTOCOL_KILL needs no deadline */
	int64_t timeout_ms; /* -1: for ever */
	bool no_kill, no_wait;
};
int client_stop_container(const struct container *container,
                          const struct client_stop_options *options, bool *killed,
                          struct error *err);

/* Has a container that waits to be started again (state.restart_at_ms) started now; another: nothing. */
int client_start_now(const struct container *container, struct error *err);
/*
 * Gives the keys of config that the supervisor itself follows (boot.restart, boot.restart_delay,
 * boot.restart_limit) to the supervisor, which keeps them for this run. -ESRCH: not running.
 */
int client_reload(const struct container *container, const struct config *config,
                  struct error *err);

/*
 * Exchanges the supervisor for the installed version; the container does not notice. Returns when the new one
 * answers, with both versions. Where the new one cannot be run the old goes on, and the error says why.
 */
int client_upgrade(const struct container *container, char from[32], char to[32],
                   struct error *err);

/*
 * Connects fd to tty of the container (0: the console): frames go both ways from then on. position: what
 * client_receive_data() gave last on an earlier connection, 0: from the oldest byte that is kept. -ECONNRESET
 * as client_stop().
 */
int client_console(int fd, int tty, uint32_t position, struct error *err);
/* One DATA or RESIZE frame. 0 or -errno. */
int client_send_data(int fd, const char *bytes, uint32_t count);
int client_send_size(int fd, unsigned int rows, unsigned int columns);
/* One DATA frame into out: its length, 0 at the end, -errno. *position: where it ends (client_console()). */
long client_receive_data(int fd, char out[PROTOCOL_BYTES_MAX], uint32_t *position);

#endif
