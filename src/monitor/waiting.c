/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Waiting to start the container again; see the header. Called by monitor.c and server.c. */
#include "monitor/waiting.h"

#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "container/config.h"
#include "monitor/monitor.h"
#include "monitor/protocol.h"
#include "monitor/server.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static void time_is_over(struct loop_timer *timer)
{
	struct monitor *monitor =
		(struct monitor *)((char *)timer - offsetof(struct monitor, waiting.timer));

	monitor->loop.done = true;
}

/* What is left of the last run says nothing any more, and its fds would never be silent. */
static void leave_run(struct monitor *monitor)
{
	loop_remove(&monitor->loop, &monitor->init);
	for (unsigned int i = 0; i < monitor->handover.tty_count; i++)
		loop_remove(&monitor->loop, &monitor->terminals[i].source);
	server_hang_up(monitor);
	monitor->handover.asked_signal = 0;
	monitor->handover.is_asked = monitor->handover.is_unhealthy = false;
	monitor->handover.has_deadline = false;
	monitor->state.ready_ms = 0;
	monitor->state.not_ready[0] = monitor->state.guest_status[0] = '\0';
	monitor->state.health[0] = '\0';
}

static void announce(struct monitor *monitor, int64_t left)
{
	const struct state *state = &monitor->state;
	char limit[32] = "", text[96];

	if (state->restart_limit != LIMIT_UNSET)
		(void)snprintf(limit, sizeof(limit), " of %llu",
		               (unsigned long long)state->restart_limit);
	(void)snprintf(text, sizeof(text), "STATUS=Restart %llu%s in %lld s",
	               (unsigned long long)state->restarts, limit, (long long)(left + 999) / 1000);
	log_line(LOG_LEVEL_INFO, "restart %llu%s in %lld ms", (unsigned long long)state->restarts,
	         limit, (long long)left);
	monitor_tell_host(monitor, text);
}

bool waiting_run(struct monitor *monitor)
{
	struct waiting *waiting = &monitor->waiting;
	int64_t left = monitor->state.restart_at_ms - state_now_ms();
	struct error err = {0};
	int r = 0;

	*waiting = (struct waiting){.is_on = true, .timer.ready = time_is_over};
	leave_run(monitor);
	if (monitor_remember(monitor, &err) < 0 ||
	    (monitor->state.phase != STATE_STARTING &&
	     monitor_set_phase(monitor, STATE_STARTING, &err) < 0))
		log_line(LOG_LEVEL_ERROR, "%s", err.text);
	announce(monitor, left > 0 ? left : 0);
	loop_set_timer(&monitor->loop, &waiting->timer, left > 0 ? left : 0);
	monitor->loop.done = false;
	while (r == 0 && !monitor->loop.done)
		r = monitor_run_once(monitor);
	return !waiting->is_cancelled;
}

static void cancel(struct monitor *monitor, const char *why, const char *who)
{
	struct state *state = &monitor->state;

	(void)snprintf(state->stop_decision, sizeof(state->stop_decision),
	               "not started again: %s by %s", why, who);
	log_line(LOG_LEVEL_INFO, "%s", state->stop_decision);
	monitor->handover.exit_code = 0;
	monitor->waiting.is_cancelled = true;
	monitor->loop.done = true;
}

void waiting_start(struct monitor *monitor, const char *who)
{
	if (!monitor->waiting.is_on)
		return;
	log_line(LOG_LEVEL_INFO, "started now by %s", who);
	monitor->loop.done = true;
}

void waiting_asked(struct monitor *monitor, int how, const char *who)
{
	if (how == PROTOCOL_REBOOT)
		waiting_start(monitor, who);
	else
		cancel(monitor, how == PROTOCOL_KILL ? "kill" : "stop", who);
}

void waiting_policy_changed(struct monitor *monitor, const char *who)
{
	struct state *state = &monitor->state;
	const struct restart_policy *policy = &monitor->handover.policy;

	log_line(LOG_LEVEL_INFO, "the restart policy is changed by %s", who);
	state->restart_limit = policy->limit;
	if (!monitor->waiting.is_on)
		return;
	if (policy->restart == RESTART_NO && !text_is(state->stop_reason, "unhealthy"))
		cancel(monitor, "boot.restart is set to no", who);
	else
		monitor_write_state(monitor);
}
