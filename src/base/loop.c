/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The event loop; see the header. */
#include "base/loop.h"

#include "base/cleanup.h"
#include "base/process.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <sys/epoll.h>

int loop_open(struct loop *loop)
{
	loop->done = false;
	loop->timers = NULL;
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	return loop->epoll_fd < 0 ? -errno : 0;
}

void loop_close(struct loop *loop)
{
	fd_close(&loop->epoll_fd);
}

int loop_add(struct loop *loop, struct loop_source *source, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = source};

	source->events = events;
	return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, source->fd, &event) < 0 ? -errno : 0;
}

int loop_watch(struct loop *loop, struct loop_source *source, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = source};

	if (source->events == events)
		return 0;
	source->events = events;
	return epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, source->fd, &event) < 0 ? -errno : 0;
}

void loop_remove(struct loop *loop, struct loop_source *source)
{
	/* it fails only when the source is not in the loop, which is what the caller wants */
	(void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
}

void loop_set_timer(struct loop *loop, struct loop_timer *timer, int64_t in_ms)
{
	timer->due_ms = process_clock_ms() + in_ms;
	if (timer->is_listed)
		return;
	timer->is_listed = true;
	timer->next = loop->timers;
	loop->timers = timer;
}

void loop_stop_timer(struct loop_timer *timer)
{
	timer->due_ms = 0;
}

static struct loop_timer *first_timer(const struct loop *loop)
{
	struct loop_timer *first = NULL;

	for (struct loop_timer *timer = loop->timers; timer; timer = timer->next)
		if (timer->due_ms && (!first || timer->due_ms < first->due_ms))
			first = timer;
	return first;
}

/* Milliseconds for epoll_wait(2): at most timeout_ms (-1: no bound). */
static int time_to(const struct loop_timer *timer, int timeout_ms)
{
	int64_t left = timer ? timer->due_ms - process_clock_ms() : -1;

	if (!timer)
		return timeout_ms;
	if (left < 0)
		left = 0;
	if (timeout_ms >= 0 && timeout_ms < left)
		return timeout_ms;
	return left > INT_MAX ? INT_MAX : (int)left;
}

int loop_run_once(struct loop *loop, int timeout_ms)
{
	struct loop_timer *timer = first_timer(loop);
	int wait_ms = time_to(timer, timeout_ms);
	struct epoll_event event;
	struct loop_source *source;
	int n;

	if (timer && wait_ms == 0 && timer->due_ms <= process_clock_ms()) {
		timer->due_ms = 0;
		timer->ready(timer);
		return 0;
	}
	n = epoll_wait(loop->epoll_fd, &event, 1, wait_ms);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (n == 0)
		return 0;
	source = event.data.ptr;
	source->ready(source, event.events);
	return 0;
}
