/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One epoll(7) loop: a source is an fd and what to call when it is ready, a timer a moment and what to call
 * then. No heap of its own.
 */
#ifndef SYSC_BASE_LOOP_H
#define SYSC_BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop {
	int epoll_fd;
	bool done;
	struct loop_timer *timers; /* list of those that were set once */
};

/* Embedded in its owner as a source is; zeroed but for ready() it is off. Must outlive the loop. */
struct loop_timer {
	void (*ready)(struct loop_timer *timer);
	int64_t due_ms; /* CLOCK_MONOTONIC; 0: off */
	struct loop_timer *next;
	bool is_listed;
};

/* Embedded in what owns the fd; must stay where it is while it is in the loop. */
struct loop_source {
	int fd;
	uint32_t events; /* EPOLLIN … as asked for last */
	void (*ready)(struct loop_source *source, uint32_t events);
};

int loop_open(struct loop *loop); /* 0 or -errno */
void loop_close(struct loop *loop);
int loop_add(struct loop *loop, struct loop_source *source, uint32_t events);
/* Changes what the source waits for; 0 keeps it in the loop, silent. */
int loop_watch(struct loop *loop, struct loop_source *source, uint32_t events);
/* Takes it out; the fd stays open. Safe inside ready(), where the source may be freed too. */
void loop_remove(struct loop *loop, struct loop_source *source);
/* Calls timer->ready() once, in_ms milliseconds from now (0: in the next round); anew where it was set. */
void loop_set_timer(struct loop *loop, struct loop_timer *timer, int64_t in_ms);
void loop_stop_timer(struct loop_timer *timer);
/*
 * Waits (timeout_ms, -1 for ever) and calls ready() of what is ready, one event or timer a round, so
 * that a source freed by another one is never called. 0, or -errno.
 */
int loop_run_once(struct loop *loop, int timeout_ms);

#endif
