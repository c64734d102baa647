/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sysc wait: returns when a container is in one of some states. It reads the state file after each
 * change of it and when the supervisor dies, so no moment is missed and nothing is polled.
 */
#include "base/cleanup.h"
#include "base/process.h"
#include "base/text.h"
#include "container/container.h"
#include "container/state.h"
#include "tools/command.h"
#include "tools/inspect.h"
#include "tools/watch.h"

#include <errno.h>
#include <poll.h>

static const char *states;
static int64_t timeout_ms = -1;
static bool wants_ready;

/* Bit n: enum state_phase n. */
static int parse_states(const struct call *call, unsigned int *mask)
{
	CLEAN(strings_done) struct strings words = {0};

	strings_split(&words, states ? states : "", "|, ");
	for (size_t i = 0; i < words.count; i++) {
		enum state_phase phase = STATE_STOPPED;

		if (state_parse(words.items[i], &phase) < 0)
			return output_usage(
				call,
				"option '--state': '%s' is not STOPPED, STARTING, RUNNING, "
				"FREEZING, FROZEN or STOPPING",
				words.items[i]);
		*mask |= 1U << phase;
	}
	if (!*mask)
		return output_usage(call, "say what to wait for: -s STATE");
	return 0;
}

/* Sleeps until an event or the deadline: -ETIMEDOUT. */
static int sleep_until(int inotify_fd, int process_fd, int64_t deadline, struct error *err)
{
	struct pollfd polls[2] = {
		{.fd = inotify_fd, .events = POLLIN},
		{.fd = process_fd, .events = POLLIN}, /* -1 is ignored */
	};
	int64_t left = deadline < 0 ? -1 : deadline - process_clock_ms();
	int n;

	if (deadline >= 0 && left <= 0)
		return -ETIMEDOUT;
	n = poll(polls, 2, left > INT32_MAX ? INT32_MAX : (int)left);
	if (n < 0 && errno != EINTR)
		return fail(err, errno, "wait for an event");
	return 0;
}

/* One look: the watches are set before the file is read, so that no change falls in between. */
static int look(const struct container *container, unsigned int mask, int64_t deadline,
                struct state *state, struct error *err)
{
	CLEAN_FD int inotify_fd = watch_open(err);
	CLEAN_FD int process_fd = -1;
	bool is_there = false;
	int r;

	if (inotify_fd < 0)
		return inotify_fd;
	r = watch_folder(inotify_fd, container->run_dir, &is_there, err);
	if (r < 0)
		return r;
	if (state_read(container->run_dir, state, NULL, err) < 0)
		return -err->code;
	process_fd = state->phase == STATE_STOPPED ? -1 : watch_process(state);
	/* read again: it may have died just before the pidfd was there */
	if (process_fd >= 0 && state_read(container->run_dir, state, NULL, err) < 0)
		return -err->code;
	if (mask & (1U << state->phase))
		return 1;
	return sleep_until(inotify_fd, process_fd, deadline, err);
}

static int run(struct call *call)
{
	CLEAN(container_done) struct container container = {0};
	const char *name = call->names.count ? call->names.items[0] : "";
	int64_t deadline = timeout_ms < 0 ? -1 : process_clock_ms() + timeout_ms;
	struct error err = {0};
	struct state state;
	unsigned int mask = 0;
	int r;

	if (wants_ready)
		return output_usage(call, "option '--ready' is not supported yet");
	r = parse_states(call, &mask);
	if (r)
		return r;
	if (!inspect_exists(call, name, &err) ||
	    container_init(&container, &call->paths, name, &err) < 0)
		return output_error(call, name, &err);
	state_init(&state);
	do
		r = look(&container, mask, deadline, &state, &err);
	while (r == 0);
	if (r == 1) {
		if (call->verbose)
			output_line(call, "%s: %s", name, state_name(state.phase));
		return EXIT_DONE;
	}
	if (r == -ETIMEDOUT)
		(void)fail_plain(&err, ETIMEDOUT, "still %s after %lld ms", state_name(state.phase),
		                 (long long)timeout_ms);
	return output_error(call, name, &err);
}

/* clang-format off */
static const struct option_row options[] = {
	{'s', "state",   OPTION_STRING,   &states,      "STATES", "one or more of them: 'STOPPED|FROZEN'"},
	{'t', "timeout", OPTION_DURATION, &timeout_ms,  "TIME",   "give up after this time (never)"},
	{0,   "ready",   OPTION_FLAG,     &wants_ready, NULL,     NULL},
	{0}
};
/* clang-format on */

const struct command cmd_wait = {
	.name = "wait",
	.operands = "-s STATES NAME",
	.summary = "Wait until a container is in a state",
	.details = "States: STOPPED STARTING RUNNING FREEZING FROZEN STOPPING.\n"
		   "Exit code 5 when the time is over.\n",
	.options = options,
	.needs = NEEDS_DEFINED,
	.run = run,
};
