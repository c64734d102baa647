/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Readiness of a container; see the header. Called by monitor.c. */
#include "monitor/ready.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/log.h"
#include "container/config.h"
#include "monitor/health.h"
#include "monitor/monitor.h"
#include "monitor/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#define TRY_LIMIT_MS     10000 /* of one run of the command */
#define PAUSE_MS         1000
#define PAUSE_MOST       5000
/* init may say a few things at once, then waits: a guest that never stops costs the host no more */
#define MESSAGES_AT_ONCE 16
#define MESSAGES_REST_MS 50

#define OF(member, pointer) \
	((struct monitor *)((char *)(pointer)-offsetof(struct monitor, ready.member)))

static const char *name_of(const struct monitor *monitor)
{
	static const char *const names[] = {[READY_RUNNING] = "running",
	                                    [READY_NETWORK] = "network",
	                                    [READY_NOTIFY] = "notify",
	                                    [READY_COMMAND] = "command"};
	uint64_t kind = monitor->handover.ready;

	return kind < ARRAY_SIZE(names) ? names[kind] : "?";
}

static void close_source(struct monitor *monitor)
{
	if (monitor->ready.source.fd < 0)
		return;
	loop_remove(&monitor->loop, &monitor->ready.source);
	fd_close(&monitor->ready.source.fd);
	monitor->handover.ready_fd = -1;
	(void)monitor_remember(monitor, NULL); /* the next worker would only look once more */
}

/* Health is of what is ready; the host's service manager lets others start now. */
static void announce(struct monitor *monitor)
{
	monitor_tell_host(monitor, "READY=1\nSTATUS=Ready");
	health_begin(monitor);
}

static void become_ready(struct monitor *monitor)
{
	struct state *state = &monitor->state;

	state->ready_ms = state_now_ms();
	state->not_ready[0] = '\0';
	loop_stop_timer(&monitor->ready.timeout);
	if (monitor->handover.ready != READY_NOTIFY) {
		close_source(monitor);
		loop_stop_timer(&monitor->ready.pause);
	}
	monitor_write_state(monitor);
	log_line(LOG_LEVEL_INFO, "ready (%s) %lld ms after its start", name_of(monitor),
	         (long long)(state->ready_ms - state->started_ms));
	announce(monitor);
}

static void describe_missing(const struct monitor *monitor, char *out, size_t room)
{
	const struct ready *ready = &monitor->ready;

	if (monitor->handover.ready == READY_NETWORK)
		(void)snprintf(out, room, "%s", ready_network_missing(&ready->network));
	else if (monitor->handover.ready == READY_NOTIFY)
		(void)snprintf(out, room, "init has not sent READY=1");
	else
		(void)snprintf(out, room, "the command %s",
		               ready->missing[0] ? ready->missing : "has not ended yet");
}

static void timeout_ready(struct loop_timer *timer)
{
	struct monitor *monitor = OF(timeout, timer);
	char missing[112];

	describe_missing(monitor, missing, sizeof(missing));
	(void)snprintf(monitor->state.not_ready, sizeof(monitor->state.not_ready),
	               "%.90s after %llu s", missing,
	               (unsigned long long)(monitor->handover.ready_timeout_ms / 1000));
	log_line(LOG_LEVEL_WARN, "not ready (%s): %s", name_of(monitor), monitor->state.not_ready);
	monitor_write_state(monitor);
}

/* --- network --- */

static void network_ready(struct loop_source *source, uint32_t events)
{
	struct monitor *monitor = OF(source, source);
	struct ready_network *network = &monitor->ready.network;
	int r = ready_network_read(network);

	(void)events; /* only EPOLLIN was asked for */
	if (r < 0) {
		log_line(LOG_LEVEL_ERROR, "watch the network: %s", strerrordesc_np(-r));
		close_source(monitor);
	} else if (network->is_ready) {
		become_ready(monitor);
	}
}

/* --- notify --- */

static bool take_message(struct monitor *monitor, const struct notify_message *message)
{
	struct state *state = &monitor->state;
	bool has_changed = false;

	if (message->has_status && strcmp(state->guest_status, message->status) != 0) {
		memcpy(state->guest_status, message->status, sizeof(message->status));
		has_changed = true;
	}
	if (message->is_stopping && state->phase == STATE_RUNNING) {
		log_line(LOG_LEVEL_INFO, "init says that it is stopping");
		state->phase = STATE_STOPPING;
		state->since_ms = 0;
		has_changed = true;
	}
	return has_changed;
}

static void notify_ready(struct loop_source *source, uint32_t events)
{
	struct monitor *monitor = OF(source, source);
	bool has_changed = false, is_ready = false;

	(void)events; /* a datagram socket has no end */
	for (int i = 0; i < MESSAGES_AT_ONCE; i++) {
		struct notify_message message;
		int r = notify_receive(source->fd, monitor->state.init_pid, &message);

		if (r == -EAGAIN)
			break;
		if (r < 0)
			continue;
		has_changed |= take_message(monitor, &message);
		is_ready |= message.is_ready;
	}
	if (is_ready && !monitor->state.ready_ms)
		become_ready(monitor);
	else if (has_changed)
		monitor_write_state(monitor);
	(void)loop_watch(&monitor->loop, source, 0);
	loop_set_timer(&monitor->loop, &monitor->ready.pause, MESSAGES_REST_MS);
}

/* --- command --- */

static void try_command(struct monitor *monitor)
{
	struct ready *ready = &monitor->ready;
	struct error err = {0};

	if (monitor->state.phase == STATE_RUNNING &&
	    inside_run(&ready->inside, monitor->handover.ready_command, TRY_LIMIT_MS, &err) == 0)
		return;
	if (err.code)
		(void)snprintf(ready->missing, sizeof(ready->missing), "cannot be run: %.60s",
		               err.text);
	/* frozen: later */
	loop_set_timer(&monitor->loop, &ready->pause, PAUSE_MOST);
}

static void command_ended(struct inside *inside, int how, const char *words)
{
	struct monitor *monitor = OF(inside, inside);
	struct ready *ready = &monitor->ready;

	if (how == 0) {
		become_ready(monitor);
		return;
	}
	if (how == INSIDE_TIMED_OUT)
		(void)snprintf(ready->missing, sizeof(ready->missing), "takes longer than %d s",
		               TRY_LIMIT_MS / 1000);
	else
		(void)snprintf(ready->missing, sizeof(ready->missing), "ends with %d%s%.60s", how,
		               *words ? ": " : "", words);
	loop_set_timer(&monitor->loop, &ready->pause, ready->pause_ms);
	ready->pause_ms += PAUSE_MS;
	if (ready->pause_ms > PAUSE_MOST)
		ready->pause_ms = PAUSE_MOST;
}

static void pause_ready(struct loop_timer *timer)
{
	struct monitor *monitor = OF(pause, timer);

	if (monitor->handover.ready == READY_NOTIFY)
		(void)loop_watch(&monitor->loop, &monitor->ready.source, EPOLLIN);
	else
		try_command(monitor);
}

/* --- */

static int open_kind(struct monitor *monitor)
{
	struct ready *ready = &monitor->ready;
	int r;

	if (monitor->handover.ready == READY_COMMAND) {
		try_command(monitor);
		return 0;
	}
	if (monitor->handover.ready_fd < 0)
		return 0;
	ready->source = (struct loop_source){
		.fd = monitor->handover.ready_fd,
		.ready = monitor->handover.ready == READY_NETWORK ? network_ready : notify_ready};
	r = loop_add(&monitor->loop, &ready->source, EPOLLIN);
	if (r < 0 || monitor->handover.ready == READY_NOTIFY)
		return r;
	ready->network = (struct ready_network){.fd = ready->source.fd,
	                                        .wants_route = monitor->handover.ready_wants_route};
	return ready_network_begin(&ready->network);
}

/* What is left of the time counts from the start, whoever watched until now. */
static void limit_time(struct monitor *monitor)
{
	int64_t left = monitor->state.started_ms + (int64_t)monitor->handover.ready_timeout_ms -
	               state_now_ms();

	if (monitor->handover.ready_timeout_ms && !monitor->state.not_ready[0])
		loop_set_timer(&monitor->loop, &monitor->ready.timeout, left > 0 ? left : 0);
}

int ready_open(struct monitor *monitor)
{
	struct ready *ready = &monitor->ready;
	bool is_ready = monitor->state.ready_ms != 0;

	*ready = (struct ready){
		.source.fd = -1,
		.timeout.ready = timeout_ready,
		.pause.ready = pause_ready,
		.pause_ms = PAUSE_MS,
	};
	inside_init(&ready->inside, monitor, command_ended);
	if (is_ready)
		announce(monitor);
	else
		limit_time(monitor);
	/* init goes on to tell its status */
	return is_ready && monitor->handover.ready != READY_NOTIFY ? 0 : open_kind(monitor);
}

void ready_close(struct monitor *monitor)
{
	loop_stop_timer(&monitor->ready.timeout);
	loop_stop_timer(&monitor->ready.pause);
	inside_stop(&monitor->ready.inside);
	close_source(monitor);
}
