/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the supervisor and the child of a start say to each other, over one SOCK_SEQPACKET pair:
 *
 *   supervisor                         child
 *     ---- GO ---->     ids are mapped, the root file system too: build the world
 *     ---- RUN --->     everything outside is done; read when the world is built
 *     <--- READY --     with the fds of the console and the ttys; then: lose power, exec init
 *     <--- (end) --     the socket closes on exec: it worked
 *     <--- FAIL ---     at any time instead: errno and text
 *
 * Either side reads the end of the stream as "the other one died".
 */
#ifndef SYSC_RUNTIME_SYNC_H
#define SYSC_RUNTIME_SYNC_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 0 is the end of the stream */
enum sync_kind {
	SYNC_END,
	SYNC_GO,
	SYNC_READY,
	SYNC_RUN,
	SYNC_FAIL
};

/* A pair of connected sockets, both close-on-exec. */
int sync_pair(int fds[2], struct error *err);

/* No allocation; fds (may be NULL) go with the message. 0 or -errno. */
int sync_send(int fd, enum sync_kind kind, const int *fds, size_t fd_count);
/* Sends FAIL with what err says. */
void sync_send_error(int fd, const struct error *err);

/*
 * Without waiting: true when the next message is a FAIL, whose text goes to reason. Any other message is
 * read and dropped: only for who gives up.
 */
bool sync_take_reason(int fd, struct error *reason);

/*
 * Waits for want. FAIL from the other side is copied to err (returns its -errno); the end of the stream
 * is -EPIPE with a text, or 0 when want is SYNC_END. timeout_ms bounds it.
 */
int sync_expect(int fd, enum sync_kind want, int *fds, size_t *fd_count, int timeout_ms,
                struct error *err);

#endif
