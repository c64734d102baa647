/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The restart policy: what counts as a failure, the pauses, the limit. */
#include "monitor/restart.h"

#include "../lib/tap.h"
#include "container/config.h"
#include "container/state.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

static const struct restart_policy policies[] = {
	{RESTART_NO,         1000, 5},
	{RESTART_ON_FAILURE, 1000, 5},
	{RESTART_ALWAYS,     1000, 5},
};

/* A wait status as waitpid(2) gives it. */
static int exited(int code)
{
	return code << 8;
}

TEST(why_it_ended)
{
	CHECK(restart_reason_of(exited(0), false, false, 0) == RESTART_EXITED);
	CHECK(restart_reason_of(SIGINT, false, false, 0) == RESTART_POWEROFF);
	CHECK(restart_reason_of(SIGHUP, false, false, 0) == RESTART_REBOOT);
	CHECK(restart_reason_of(SIGKILL, false, false, 0) == RESTART_KILLED);
	CHECK(restart_reason_of(SIGKILL, false, false, UINT64_MAX) == RESTART_KILLED);
	CHECK(restart_reason_of(SIGKILL, false, false, 1) == RESTART_OOM);
	CHECK(restart_reason_of(SIGSEGV, false, false, 1) == RESTART_KILLED);
	CHECK(restart_reason_of(SIGKILL, true, false, 1) == RESTART_ASKED);
	CHECK(restart_reason_of(SIGHUP, false, true, 0) == RESTART_UNHEALTHY);
	CHECK(restart_reason_of(-1, false, false, 0) == RESTART_UNKNOWN);
}

TEST(who_is_started_again)
{
	static const struct {
		enum restart_reason reason;
		int status;
		bool wanted[3]; /* no, on-failure, always */
	} rows[] = {
		{RESTART_ASKED,     1 << 8,  {false, false, false}},
		{RESTART_EXITED,    0,       {false, false, true} },
		{RESTART_EXITED,    1 << 8,  {false, true, true}  },
		{RESTART_POWEROFF,  SIGINT,  {false, false, true} },
		{RESTART_KILLED,    SIGKILL, {false, true, true}  },
		{RESTART_OOM,       SIGKILL, {false, true, true}  },
		{RESTART_UNKNOWN,   -1,      {false, true, true}  },
		{RESTART_UNHEALTHY, SIGINT,  {true, true, true}   },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		for (int p = 0; p < 3; p++)
			CHECK(restart_is_wanted(&policies[p], rows[i].reason, rows[i].status) ==
			      rows[i].wanted[p]);
}

TEST(pauses_double_up_to_five_minutes)
{
	struct restart_policy policy = {RESTART_ALWAYS, 1000, 5};

	CHECK(restart_delay(&policy, 0) == 1000);
	CHECK(restart_delay(&policy, 1) == 2000);
	CHECK(restart_delay(&policy, 8) == 256000);
	CHECK(restart_delay(&policy, 9) == 300000);
	CHECK(restart_delay(&policy, UINT64_MAX) == 300000);
	policy.delay_ms = 0;
	CHECK(restart_delay(&policy, UINT64_MAX) == 0);
	policy.delay_ms = 600000; /* longer than any doubling would make it */
	CHECK(restart_delay(&policy, 3) == 600000);
	policy.delay_ms = UINT64_MAX;
	CHECK(restart_delay(&policy, 3) == INT64_MAX);
}

TEST(the_limit_and_ten_minutes)
{
	struct state state;

	state_init(&state);
	state.stop_status = exited(1);
	state.started_ms = 1000;
	state.stopped_ms = 2000;
	for (uint64_t i = 1; i <= 5; i++) {
		CHECK(restart_decide(&policies[1], RESTART_EXITED, &state));
		CHECK(state.restarts == i);
		CHECK(state.restart_at_ms > 0 && !state.failure[0]);
	}
	CHECK(!restart_decide(&policies[1], RESTART_EXITED, &state));
	CHECK(strstr(state.failure, "5 restarts") && strstr(state.failure, "boot.restart_limit"));
	CHECK(state.restart_at_ms == 0 && state.failed_ms > 0);
	CHECK(strcmp(state.stop_reason, "exited") == 0);
	/* ten minutes of life */
	state.stopped_ms = state.started_ms + 600000;
	CHECK(restart_decide(&policies[1], RESTART_EXITED, &state));
	CHECK(state.restarts == 1);
}

TEST(no_restart_and_why)
{
	struct state state;

	state_init(&state);
	state.stop_status = SIGINT;
	CHECK(!restart_decide(&policies[1], RESTART_POWEROFF, &state));
	CHECK(strcmp(state.stop_decision, "not started again: boot.restart is on-failure") == 0);
	CHECK(!restart_decide(&policies[2], RESTART_ASKED, &state));
	CHECK(strcmp(state.stop_decision, "not started again: it was asked to stop") == 0);
	CHECK(!state.failure[0] && !state.restarts);
}

TEST(a_policy_as_text)
{
	static const char *const bad[] = {"",       "1 2",     "1 2 3 4", "3 1 1",  "x 1 1",
	                                  "1 -1 1", "1 1 1\n", "1 1 1 x", "0x1 1 1"};
	struct restart_policy policy = {RESTART_ON_FAILURE, 1500, UINT64_MAX}, back = {0};
	char line[RESTART_TEXT_MAX];

	restart_format(&policy, line);
	CHECK(restart_parse(line, strlen(line), &back) == 0);
	CHECK(memcmp(&policy, &back, sizeof(back)) == 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CHECK(restart_parse(bad[i], strlen(bad[i]), &back) == -EBADMSG);
	CHECK(restart_parse("1 1\0001", 5, &back) == -EBADMSG);
	CHECK(memcmp(&policy, &back, sizeof(back)) == 0);
}
