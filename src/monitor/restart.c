/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The restart policy; see the header. */
#include "monitor/restart.h"

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/text.h"
#include "container/config.h"
#include "container/state.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

struct restart_policy restart_policy_of(const struct config *config)
{
	return (struct restart_policy){.restart = (uint64_t)config->boot.restart,
	                               .delay_ms = (uint64_t)config->boot.restart_delay_ms,
	                               .limit = config->boot.restart_limit};
}

const char *restart_reason_name(enum restart_reason reason)
{
	static const char *const names[] = {
		[RESTART_UNKNOWN] = "",          [RESTART_ASKED] = "asked",
		[RESTART_POWEROFF] = "poweroff", [RESTART_REBOOT] = "reboot",
		[RESTART_EXITED] = "exited",     [RESTART_KILLED] = "killed",
		[RESTART_OOM] = "oom",           [RESTART_UNHEALTHY] = "unhealthy",
	};

	return names[reason];
}

enum restart_reason restart_reason_of(int status, bool asked, bool is_unhealthy, uint64_t oom_kills)
{
	if (is_unhealthy)
		return RESTART_UNHEALTHY;
	if (asked)
		return RESTART_ASKED;
	if (status < 0)
		return RESTART_UNKNOWN;
	if (WIFEXITED(status))
		return RESTART_EXITED;
	if (WTERMSIG(status) == SIGINT)
		return RESTART_POWEROFF;
	if (WTERMSIG(status) == SIGHUP)
		return RESTART_REBOOT;
	if (WTERMSIG(status) == SIGKILL && oom_kills != LIMIT_UNSET && oom_kills > 0)
		return RESTART_OOM;
	return RESTART_KILLED;
}

/* An end that nobody saw is no proof of a good one. */
static bool is_failure(enum restart_reason reason, int status)
{
	switch (reason) {
	case RESTART_UNKNOWN:
	case RESTART_KILLED:
	case RESTART_OOM:
	case RESTART_UNHEALTHY:
		return true;
	case RESTART_EXITED:
		return WEXITSTATUS(status) != 0;
	case RESTART_ASKED:
	case RESTART_POWEROFF:
	case RESTART_REBOOT:
		return false;
	}
	return false;
}

bool restart_is_wanted(const struct restart_policy *policy, enum restart_reason reason, int status)
{
	if (reason == RESTART_ASKED)
		return false;
	if (reason == RESTART_UNHEALTHY) /* [health] on_failure has decided */
		return true;
	if (policy->restart == RESTART_ON_FAILURE)
		return is_failure(reason, status);
	return policy->restart == RESTART_ALWAYS;
}

int64_t restart_delay(const struct restart_policy *policy, uint64_t n)
{
	int64_t delay = policy->delay_ms > INT64_MAX ? INT64_MAX : (int64_t)policy->delay_ms;

	for (; n && delay < RESTART_DELAY_MOST_MS && delay; n--) {
		delay *= 2;
		if (delay > RESTART_DELAY_MOST_MS)
			delay = RESTART_DELAY_MOST_MS;
	}
	return delay;
}

void restart_format(const struct restart_policy *policy, char out[RESTART_TEXT_MAX])
{
	(void)snprintf(out, RESTART_TEXT_MAX, "%llu %llu %llu", (unsigned long long)policy->restart,
	               (unsigned long long)policy->delay_ms, (unsigned long long)policy->limit);
}

int restart_parse(const char *text, uint64_t length, struct restart_policy *out)
{
	char copy[RESTART_TEXT_MAX], *rest = NULL;
	uint64_t values[3] = {0};
	const uint64_t most[] = {RESTART_ALWAYS, INT64_MAX, UINT64_MAX};
	size_t count = 0;

	if (length >= sizeof(copy) || memchr(text, '\0', length))
		return -EBADMSG;
	memcpy(copy, text, length);
	copy[length] = '\0';
	for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		if (count == ARRAY_SIZE(values) ||
		    parse_uint(word, most[count], &values[count]) < 0)
			return -EBADMSG;
		count++;
	}
	if (count != ARRAY_SIZE(values))
		return -EBADMSG;
	*out = (struct restart_policy){
		.restart = values[0], .delay_ms = values[1], .limit = values[2]};
	return 0;
}

static void reach_limit(const struct restart_policy *policy, struct state *state)
{
	(void)snprintf(state->stop_decision, sizeof(state->stop_decision),
	               "not started again: boot.restart_limit (%llu) is reached",
	               (unsigned long long)policy->limit);
	(void)snprintf(
		state->failure, sizeof(state->failure),
		"ended again after %llu restarts, each within ten minutes, and stays stopped "
		"(see sysc-logs for why; sysc-start begins to count anew, boot.restart_limit "
		"sets how often)",
		(unsigned long long)policy->limit);
	state->failed_ms = state_now_ms();
}

/* Again, unless there were too many: sets when. */
static bool count(const struct restart_policy *policy, const char *why, struct state *state)
{
	int64_t delay;

	state->restart_limit = policy->limit;
	if (state->restarts >= policy->limit) {
		reach_limit(policy, state);
		return false;
	}
	delay = restart_delay(policy, state->restarts);
	state->restarts++;
	state->restart_at_ms = state_now_ms() + delay;
	(void)snprintf(state->stop_decision, sizeof(state->stop_decision),
	               "started again after %lld ms: %s", (long long)delay, why);
	return true;
}

static const char *wish_of(const struct restart_policy *policy, enum restart_reason reason)
{
	if (reason == RESTART_UNHEALTHY)
		return "health.on_failure is restart";
	return policy->restart == RESTART_ALWAYS ? "boot.restart is always"
	                                         : "boot.restart is on-failure";
}

static void note_no(const struct restart_policy *policy, enum restart_reason reason,
                    struct state *state)
{
	static const char *const names[] = {[RESTART_NO] = "no",
	                                    [RESTART_ON_FAILURE] = "on-failure",
	                                    [RESTART_ALWAYS] = "always"};

	if (reason == RESTART_ASKED)
		(void)snprintf(state->stop_decision, sizeof(state->stop_decision),
		               "not started again: it was asked to stop");
	else
		(void)snprintf(state->stop_decision, sizeof(state->stop_decision),
		               "not started again: boot.restart is %s",
		               policy->restart < ARRAY_SIZE(names) ? names[policy->restart] : "?");
}

bool restart_decide(const struct restart_policy *policy, enum restart_reason reason,
                    struct state *state)
{
	(void)snprintf(state->stop_reason, sizeof(state->stop_reason), "%s",
	               restart_reason_name(reason));
	(void)snprintf(state->stop_health, sizeof(state->stop_health), "%s", state->health);
	state->restart_at_ms = 0;
	if (!restart_is_wanted(policy, reason, state->stop_status)) {
		note_no(policy, reason, state);
		return false;
	}
	if (state->started_ms && state->stopped_ms - state->started_ms >= RESTART_STEADY_MS)
		state->restarts = 0;
	return count(policy, wish_of(policy, reason), state);
}

void restart_note_reboot(struct state *state)
{
	(void)snprintf(state->stop_reason, sizeof(state->stop_reason), "%s",
	               restart_reason_name(RESTART_REBOOT));
	(void)snprintf(state->stop_health, sizeof(state->stop_health), "%s", state->health);
	(void)snprintf(state->stop_decision, sizeof(state->stop_decision), "rebooted");
}

bool restart_decide_failed(const struct restart_policy *policy, const char *cause,
                           struct state *state)
{
	bool is_unhealthy = text_is(state->stop_reason, restart_reason_name(RESTART_UNHEALTHY));

	state->failed_ms = state_now_ms();
	(void)snprintf(state->failure, sizeof(state->failure), "%s", cause);
	state->restart_at_ms = 0;
	if (policy->restart == RESTART_NO && !is_unhealthy)
		return false;
	if (count(policy, wish_of(policy, is_unhealthy ? RESTART_UNHEALTHY : RESTART_UNKNOWN),
	          state))
		return true;
	/* what is in the way matters more than how often it was tried */
	(void)snprintf(state->failure, sizeof(state->failure),
	               "%.700s (tried %llu times, boot.restart_limit is reached)", cause,
	               (unsigned long long)state->restarts);
	return false;
}
