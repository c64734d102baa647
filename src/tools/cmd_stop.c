/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sysc stop and sysc restart: one deadline in all, escalation said. */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "container/container.h"
#include "container/lock.h"
#include "container/state.h"
#include "monitor/client.h"
#include "monitor/supervisor.h"
#include "tools/command.h"
#include "tools/inspect.h"
#include "tools/restart.h"
#include "tools/seal.h"

#include <errno.h>
#include <stddef.h>

#define TIMEOUT_UNSET INT64_MIN
#define LOCK_MS       30000

static bool opt_supervisor;
static bool opt_kill, opt_reboot, opt_no_kill, opt_no_wait;
static int64_t opt_timeout = TIMEOUT_UNSET;

#define ROW_TIMEOUT                                                                    \
	{                                                                              \
		't', "timeout", OPTION_DURATION, &opt_timeout, "TIME",                 \
			"kill when it has not ended by then (stop.timeout; -1: never)" \
	}
#define ROW_KILL                                                                               \
	{                                                                                      \
		'k', "kill", OPTION_FLAG, &opt_kill, NULL, "kill at once, without asking init" \
	}

static const struct option_row stop_options[] = {
	ROW_TIMEOUT,
	ROW_KILL,
	{'r',          "reboot", OPTION_FLAG, &opt_reboot, NULL, "ask init to reboot instead"},
	{0, "no-kill", OPTION_FLAG, &opt_no_kill, NULL, "fail when the time is over, do not kill"},
	{'W',        "no-wait", OPTION_FLAG, &opt_no_wait, NULL, "send the signal and return"},
	{0	   },
};

static const struct option_row restart_options[] = {
	ROW_TIMEOUT,
	ROW_KILL,
	{0,	    "supervisor", OPTION_FLAG, &opt_supervisor, NULL,
          "exchange only the supervisor for the installed version"},
	{0},
};

static struct client_stop_options stop_options_of(const struct state *state)
{
	struct client_stop_options options = {.how = PROTOCOL_HALT,
	                                      .timeout_ms = opt_timeout,
	                                      .no_kill = opt_no_kill,
	                                      .no_wait = opt_no_wait};

	if (opt_kill)
		options.how = PROTOCOL_KILL;
	if (opt_reboot)
		options.how = PROTOCOL_REBOOT;
	if (opt_timeout == TIMEOUT_UNSET)
		options.timeout_ms = state->stop_timeout_ms ? state->stop_timeout_ms : 60000;
	return options;
}

static int stop(const struct call *call, const struct container *container, struct error *err)
{
	struct client_stop_options options;
	struct state state;
	bool killed = false;
	int r = state_read(container->run_dir, &state, NULL, err);

	if (r < 0 || state.phase == STATE_STOPPED)
		return r;
	options = stop_options_of(&state);
	r = client_stop_container(container, &options, &killed, err);
	if (r == 0 && killed)
		output_note(call, "%s: did not stop within %lld s: killed", container->name,
		            (long long)(options.timeout_ms / 1000));
	return r;
}

/* Only the names: a container with a broken configuration must stop as well. */
static int open_names(const struct call *call, const char *name, struct container *container,
                      struct error *err)
{
	if (!inspect_exists(call, name, err))
		return -ENOENT;
	return container_init(container, &call->paths, name, err);
}

static int stop_one(struct call *call, const char *name)
{
	CLEAN(container_done) struct container container = {0};
	struct error err = {0};
	int r = open_names(call, name, &container, &err);

	if (opt_kill && (opt_reboot || opt_no_kill))
		return output_usage(call, "--kill does not go with --reboot or --no-kill");
	if (r == 0)
		r = stop(call, &container, &err);
	return r < 0 ? output_error(call, name, &err) : EXIT_DONE;
}

/* As in start: the words for this container alone. */
static int seal_restart(const struct call *call, const char *name, struct error *err)
{
	CLEAN(strings_done) struct strings argv = {0};

	seal_begin(&argv, call, "restart");
	if (opt_kill)
		strings_add(&argv, "-k");
	if (opt_timeout != TIMEOUT_UNSET) {
		strings_add(&argv, "-t");
		strings_give(&argv, opt_timeout < 0
		                            ? must_dup("-1")
		                            : must_printf("%lldms", (long long)opt_timeout));
	}
	strings_add(&argv, name);
	return seal_program(&argv, err);
}

/*
 * With the lock the configuration as it is then, loaded before it is waited for: one that cannot start must
 * not cost the running container.
 */
static int open_locked(const struct call *call, const char *name, struct container *container,
                       int *lock, struct strings *errors, struct error *err)
{
	int r = container_open(container, &call->paths, name, errors, err);

	if (r == 0)
		r = *lock = lock_container(container, LOCK_MS, err);
	if (r < 0 || config_is_current(&container->config))
		return r < 0 ? r : 0;
	container_done(container);
	return container_open(container, &call->paths, name, errors, err);
}

/* A stop may take long, and the file may have been edited meanwhile; a wrong one stays for later. */
static void renew(struct container *container)
{
	struct container newer = {0};

	if (config_is_current(&container->config) ||
	    container_open(&newer, container->paths, container->name, NULL, NULL) < 0)
		return;
	container_done(container);
	*container = newer;
}

int restart_container(const struct call *call, const char *name)
{
	CLEAN(strings_done) struct strings errors = {0};
	CLEAN(container_done) struct container container = {0};
	struct error err = {0};
	CLEAN_FD int lock = -1;
	int r = open_locked(call, name, &container, &lock, &errors, &err);

	if (r < 0)
		return output_errors(call, name, &errors, &err);
	if (container.config.privileged)
		r = seal_restart(call, name, &err);
	if (r == 0)
		r = stop(call, &container, &err);
	if (r < 0)
		return output_error(call, name, &err);
	renew(&container);
	r = supervisor_start(&container, NULL, &err);
	return r < 0 ? output_error(call, name, &err) : EXIT_DONE;
}

/* The guest does not notice. */
static int restart_supervisor(struct call *call, const char *name)
{
	CLEAN(container_done) struct container container = {0};
	char from[32] = "", to[32] = "";
	struct error err = {0};
	int r = open_names(call, name, &container, &err);

	if (r == 0)
		r = client_upgrade(&container, from, to, &err);
	if (r < 0)
		return output_error(call, name, &err);
	if (!call->many)
		output_line(call, "%s: supervisor exchanged (%s, was %s)", name, to, from);
	return EXIT_DONE;
}

static const char *restart_done(void)
{
	return opt_supervisor ? "supervisor exchanged" : "restarted";
}

static int restart_one(struct call *call, const char *name)
{
	if (opt_supervisor && (opt_kill || opt_timeout != TIMEOUT_UNSET))
		return output_usage(call, "--supervisor does not go with --kill or --timeout");
	if (opt_supervisor)
		return restart_supervisor(call, name);
	return restart_container(call, name);
}

/* One that is stopped has no supervisor to exchange; broken ones are left in, to be told. */
static bool restart_leaves_out(const struct call *call, const char *name)
{
	CLEAN(container_done) struct container container = {0};
	struct state state;

	return opt_supervisor && container_init(&container, &call->paths, name, NULL) == 0 &&
	       state_read(container.run_dir, &state, NULL, NULL) == 0 &&
	       state.phase == STATE_STOPPED;
}

const struct command cmd_stop = {
	.name = "stop",
	.operands = "NAME…",
	.summary = "Stop containers by the signal their init understands",
	.options = stop_options,
	.needs = NEEDS_RUNNING,
	.flags = COMMAND_MANY | COMMAND_ROOT,
	.run_one = stop_one,
	.done = "stopped",
};

const struct command cmd_restart = {
	.name = "restart",
	.operands = "NAME…",
	.summary = "Stop containers and start them again with their present configuration",
	.options = restart_options,
	.needs = NEEDS_RUNNING,
	.flags = COMMAND_MANY | COMMAND_ROOT,
	.run_one = restart_one,
	.done_now = restart_done,
	.leaves_out = restart_leaves_out,
};
