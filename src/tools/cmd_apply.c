/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sysc apply: gives running containers what their configuration says. What applies live is changed as a
 * whole or, on an error, not at all; what needs a restart is told, or done with --restart.
 */
#include "base/cleanup.h"
#include "base/error.h"
#include "container/container.h"
#include "storage/snapshot.h"
#include "tools/command.h"
#include "tools/inspect.h"
#include "tools/live.h"
#include "tools/live_rows.h"
#include "tools/restart.h"

#include <errno.h>

#define LOCK_MS 30000
#define TRIES   5 /* of a container that reboots and reboots */

static bool opt_restart;

static void tell(const struct call *call, const struct live *live, const struct config *wanted)
{
	for (size_t i = 0; i < live->count; i++) {
		const struct live_difference *item = &live->items[i];
		CLEAN_FREE char *key = live_rows_key(item);
		CLEAN_FREE char *running = live_rows_value(&live->applied.config, item);
		CLEAN_FREE char *configured = live_rows_value(wanted, item);

		if (!item->is_live)
			output_note(call, "%s: %s: %s needs a restart (runs with %s)",
			            live->container->name, key, configured, running);
		else if (item->drift)
			output_line(call, "%s: %s: %s (%s)", live->container->name, key, configured,
			            item->drift);
		else
			output_line(call, "%s: %s: %s (was %s)", live->container->name, key,
			            configured, running);
	}
}

static bool needs_restart(const struct live *live)
{
	for (size_t i = 0; i < live->count; i++)
		if (!live->items[i].is_live)
			return true;
	return false;
}

enum outcome {
	APPLIED,
	NOT_RUNNING,
	RESTART,  /* asked for, and needed */
	NOT_DONE, /* it was started anew meanwhile */
};

static int try_apply(const struct call *call, const struct container *container, struct error *err)
{
	CLEAN(live_done) struct live live;
	int r = live_open(&live, container, true, err);

	if (r <= 0)
		return r < 0 ? r : NOT_RUNNING;
	live_compare(&live, &container->config);
	if (opt_restart && needs_restart(&live))
		return RESTART;
	r = live_change(&live, &container->config, err);
	if (!live_is_current(&live))
		return NOT_DONE;
	if (r < 0)
		return r;
	tell(call, &live, &container->config);
	if (!live.count && !call->many)
		output_line(call, "%s: nothing differs", container->name);
	return APPLIED;
}

/* Under the lock, with the configuration as it is then. */
static int apply(const struct call *call, const char *name, struct strings *errors,
                 struct error *err)
{
	CLEAN(container_done) struct container names = {0}, container = {0};
	CLEAN_FD int lock = -1;
	int r = container_init(&names, &call->paths, name, err);

	if (r == 0)
		lock = snapshot_lock(&names, LOCK_MS, err);
	r = lock < 0 ? lock : container_open(&container, &call->paths, name, errors, err);
	if (r < 0)
		return r;
	r = NOT_DONE;
	for (int i = 0; i < TRIES && r == NOT_DONE; i++) {
		error_clear(err);
		r = try_apply(call, &container, err);
	}
	if (r == NOT_DONE)
		return fail_plain(err, EBUSY, "it was started anew again and again meanwhile");
	return r;
}

static int run_one(struct call *call, const char *name)
{
	CLEAN(strings_done) struct strings errors = {0};
	struct error err = {0};
	int r;

	if (!inspect_exists(call, name, &err))
		return output_error(call, name, &err);
	r = apply(call, name, &errors, &err);
	if (r < 0) {
		(void)output_errors(call, name, &errors, &err);
		return EXIT_FAILED;
	}
	if (r == RESTART)
		return restart_container(call, name);
	if (r == NOT_RUNNING)
		output_note(call, "%s is not running: all of it applies at the next start", name);
	return EXIT_DONE;
}

/* clang-format off */
static const struct option_row options[] = {
	{'r', "restart", OPTION_FLAG, &opt_restart, NULL, "restart those that need it"},
	{0}
};
/* clang-format on */

const struct command cmd_apply = {
	.name = "apply",
	.operands = "NAME…",
	.summary = "Give running containers what their configuration says",
	.details = "What applies live is changed at once, all of it or, on an error, nothing.\n",
	.options = options,
	.needs = NEEDS_RUNNING,
	.flags = COMMAND_MANY | COMMAND_ROOT,
	.run_one = run_one,
	.done = "applied",
};
