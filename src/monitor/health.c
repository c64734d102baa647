/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Health checks; see the header. What was found is in the state file. */
#include "monitor/health.h"

#include "base/error.h"
#include "base/log.h"
#include "container/config.h"
#include "monitor/monitor.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define OF(member, pointer) \
	((struct monitor *)((char *)(pointer)-offsetof(struct monitor, health.member)))

static void set_health(struct monitor *monitor, const char *words)
{
	char *health = monitor->state.health;

	if (strcmp(health, words) == 0)
		return;
	(void)snprintf(health, sizeof(monitor->state.health), "%s", words);
	monitor_write_state(monitor);
}

static void check_later(struct monitor *monitor)
{
	int64_t pause = (int64_t)monitor->handover.health_interval_ms;

	/* 0 would be a loop without a rest */
	loop_set_timer(&monitor->loop, &monitor->health.next, pause > 1000 ? pause : 1000);
}

static void is_well(struct monitor *monitor)
{
	monitor->health.failures = 0;
	if (monitor->state.health[0] && strcmp(monitor->state.health, "healthy") != 0)
		log_line(LOG_LEVEL_INFO, "healthy again");
	set_health(monitor, "healthy");
}

static void is_ill(struct monitor *monitor, const char *why)
{
	char words[sizeof(monitor->state.health)];

	monitor->health.failures++;
	if (monitor->health.failures < monitor->handover.health_retries) {
		log_line(LOG_LEVEL_WARN, "health check failed (%llu of %llu): %s",
		         (unsigned long long)monitor->health.failures,
		         (unsigned long long)monitor->handover.health_retries, why);
		return;
	}
	(void)snprintf(words, sizeof(words), "unhealthy: %s", why);
	if (monitor->health.failures == monitor->handover.health_retries)
		log_line(LOG_LEVEL_ERROR, "%s", words);
	set_health(monitor, words);
	if (monitor->handover.health_action == HEALTH_RESTART)
		monitor_restart(monitor, why);
}

static void check_ended(struct inside *inside, int how, const char *words)
{
	struct monitor *monitor = OF(inside, inside);
	char why[104];

	check_later(monitor);
	/* what is frozen or on its way down is not to be judged */
	if (monitor->state.phase != STATE_RUNNING || monitor_is_stopping(monitor))
		return;
	if (how == 0) {
		is_well(monitor);
		return;
	}
	if (how == INSIDE_TIMED_OUT)
		(void)snprintf(why, sizeof(why), "the check takes longer than %llu ms",
		               (unsigned long long)monitor->handover.health_timeout_ms);
	else
		(void)snprintf(why, sizeof(why), "the check ends with %d%s%.70s", how,
		               *words ? ": " : "", words);
	is_ill(monitor, why);
}

static void next_ready(struct loop_timer *timer)
{
	struct monitor *monitor = OF(next, timer);
	struct error err = {0};

	if (monitor_is_stopping(monitor))
		return;
	if (monitor->state.phase != STATE_RUNNING) {
		check_later(monitor);
		return;
	}
	if (inside_run(&monitor->health.inside, monitor->handover.health_command,
	               (int64_t)monitor->handover.health_timeout_ms, &err) == 0)
		return;
	log_line(LOG_LEVEL_ERROR, "health check: %s", err.text);
	check_later(monitor);
}

void health_open(struct monitor *monitor)
{
	monitor->health = (struct health){.next.ready = next_ready};
	inside_init(&monitor->health.inside, monitor, check_ended);
}

void health_begin(struct monitor *monitor)
{
	if (monitor->handover.health_command && *monitor->handover.health_command)
		loop_set_timer(&monitor->loop, &monitor->health.next, 0);
}

void health_close(struct monitor *monitor)
{
	loop_stop_timer(&monitor->health.next);
	inside_stop(&monitor->health.inside);
}
