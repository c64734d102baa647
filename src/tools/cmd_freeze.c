/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sysc freeze and sysc unfreeze: every process of a container stops where it is, or goes on. */
#include "base/cleanup.h"
#include "base/error.h"
#include "container/container.h"
#include "monitor/client.h"
#include "tools/command.h"
#include "tools/inspect.h"
#include "tools/snapshot_hold.h"

#include <errno.h>
#include <stddef.h>

static int64_t opt_timeout = 10000;

static const struct option_row options[] = {
	{'t',	      "timeout", OPTION_DURATION, &opt_timeout, "TIME", "give up after that (10s)"},
	{0},
};

static int change(struct call *call, const char *name, bool frozen)
{
	CLEAN(container_done) struct container container = {0};
	struct error err = {0};
	int r = -ENOENT;

	if (inspect_exists(call, name, &err))
		r = container_init(&container, &call->paths, name, &err);
	/* a killed snapshot's mark: not on what the administrator freezes, and not needed where he thaws */
	if (r == 0 && frozen)
		hold_forget(&container);
	if (r == 0)
		r = client_freeze(&container, frozen, opt_timeout, &err);
	if (r == 0 && !frozen)
		hold_forget(&container);
	return r < 0 ? output_error(call, name, &err) : EXIT_DONE;
}

static int freeze_one(struct call *call, const char *name)
{
	return change(call, name, true);
}

static int unfreeze_one(struct call *call, const char *name)
{
	return change(call, name, false);
}

const struct command cmd_freeze = {
	.name = "freeze",
	.operands = "NAME…",
	.summary = "Freeze every process of running containers",
	.options = options,
	.needs = NEEDS_RUNNING,
	.flags = COMMAND_MANY | COMMAND_ROOT,
	.run_one = freeze_one,
	.done = "frozen",
};

const struct command cmd_unfreeze = {
	.name = "unfreeze",
	.operands = "NAME…",
	.summary = "Let frozen containers go on",
	.options = options,
	.needs = NEEDS_FROZEN,
	.flags = COMMAND_MANY | COMMAND_ROOT,
	.run_one = unfreeze_one,
	.done = "unfrozen",
};
