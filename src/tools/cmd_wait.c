/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sysc wait: returns when a container is in one of some states, or ready. It reads the state file after
 * each change of it and when the supervisor dies, so no moment is missed and nothing is polled.
 */
#include "base/cleanup.h"
#include "base/process.h"
#include "base/text.h"
#include "container/container.h"
#include "container/state.h"
#include "tools/boot.h"
#include "tools/command.h"
#include "tools/inspect.h"
#include "tools/watch.h"

#include <errno.h>

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
		return output_usage(call, "say what to wait for: -s STATE or --ready");
	return 0;
}

static int is_wanted(const struct state *state, void *data)
{
	const unsigned int *mask = data;

	return (*mask & (1U << state->phase)) != 0;
}

static int wait_for_state(const struct container *container, unsigned int mask, struct state *state,
                          struct error *err)
{
	int64_t deadline = timeout_ms < 0 ? -1 : process_clock_ms() + timeout_ms;
	int r = watch_until(container->run_dir, deadline, is_wanted, &mask, state, err);

	if (r == -ETIMEDOUT)
		return fail_plain(err, ETIMEDOUT, "still %s after %lld ms",
		                  state_name(state->phase), (long long)timeout_ms);
	return r < 0 ? r : 0;
}

/* A broken configuration does not keep anybody from waiting; only what it waits for is not known. */
static int wait_for_ready(struct container *container, struct error *err)
{
	bool is_known = config_load(&container->config, container->file, NULL, NULL) >= 0;

	return boot_wait_ready(container, is_known ? &container->config : NULL, timeout_ms, false,
	                       err);
}

static int run(struct call *call)
{
	CLEAN(container_done) struct container container = {0};
	const char *name = call->names.count ? call->names.items[0] : "";
	struct error err = {0};
	struct state state;
	unsigned int mask = 0;
	int r;

	if (wants_ready && states)
		return output_usage(call, "give --state or --ready, not both");
	r = wants_ready ? 0 : parse_states(call, &mask);
	if (r)
		return r;
	if (!inspect_exists(call, name, &err) ||
	    container_init(&container, &call->paths, name, &err) < 0)
		return output_error(call, name, &err);
	state_init(&state);
	r = wants_ready ? wait_for_ready(&container, &err)
	                : wait_for_state(&container, mask, &state, &err);
	if (r < 0)
		return output_error(call, name, &err);
	if (call->verbose)
		output_line(call, "%s: %s", name, wants_ready ? "ready" : state_name(state.phase));
	return EXIT_DONE;
}

/* clang-format off */
static const struct option_row options[] = {
	{'s', "state",   OPTION_STRING,   &states,      "STATES", "one or more of them: 'STOPPED|FROZEN'"},
	{'t', "timeout", OPTION_DURATION, &timeout_ms,  "TIME",   "give up after this time (never)"},
	{0,   "ready",   OPTION_FLAG,     &wants_ready, NULL,     "until it is ready, as its [boot] ready says"},
	{0}
};
/* clang-format on */

const struct command cmd_wait = {
	.name = "wait",
	.operands = "-s STATES|--ready NAME",
	.summary = "Wait until a container is in a state, or ready",
	.details = "States: STOPPED STARTING RUNNING FREEZING FROZEN STOPPING.\n"
		   "--ready ends with 4 when the container stops before.\n"
		   "Exit code 5 when the time is over.\n",
	.options = options,
	.needs = NEEDS_DEFINED,
	.run = run,
};
