/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sysc start: boots a container and returns when its init runs, or when it is ready. */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "container/container.h"
#include "container/lock.h"
#include "container/state.h"
#include "monitor/supervisor.h"
#include "tools/boot.h"
#include "tools/command.h"
#include "tools/console.h"
#include "tools/seal.h"
#include "tools/watch.h"

#include <errno.h>
#include <stddef.h>
#include <sys/wait.h>

#define TRIES 5 /* while others change the configuration */

#define TIMEOUT_UNSET INT64_MIN

static bool opt_foreground, opt_console, opt_supervise, opt_service;
static const char *opt_wait;
static int64_t opt_timeout = TIMEOUT_UNSET;
static struct strings opt_set;

static const struct option_row options[] = {
	{'F',						   "foreground", OPTION_FLAG, &opt_foreground, NULL,
         "stay, with this terminal as the console, until it stops"},
	{'c',					  "console", OPTION_FLAG, &opt_console, NULL,
         "attach this terminal to the console, let go by ^a q"},
	{'s',						 "set", OPTION_LIST, &opt_set, "SECTION.KEY=VALUE", "set a key for this start only"},
	{0,						     "wait", OPTION_STRING, &opt_wait, "running|ready",
         "return when init runs, or when it is ready ([boot] ready)"},
	{'t',   "timeout", OPTION_DURATION, &opt_timeout, "TIME",
         "wait no longer than this (boot.ready_timeout; -1: for ever)"},
	{0,					 "service", OPTION_FLAG, &opt_service, NULL,
         "be its supervisor, for a service manager, which is told by NOTIFY_SOCKET"},
	{0, "supervise", OPTION_FLAG, &opt_supervise, NULL, NULL},
	{0						  },
};

/* Loads the configuration and what -s says on top of it. */
static int open_container(const struct call *call, const char *name, struct container *container,
                          struct strings *errors, struct error *err)
{
	int r = container_open(container, &call->paths, name, errors, err);

	for (size_t i = 0; i < opt_set.count && r == 0; i++)
		r = config_override(&container->config, opt_set.items[i], "option -s", err);
	if (r == 0 && opt_set.count)
		r = config_check(&container->config, errors, err);
	return r;
}

/* How long another command or a stop may keep us, -1: as long as is usual. */
static int64_t patience_ms(void)
{
	return opt_timeout == TIMEOUT_UNSET ? -1 : opt_timeout;
}

/* *client_fd: the console's client when this start made one, else -1. */
static int start_foreground(const struct container *container, int *client_fd, struct error *err)
{
	CLEAN_FD int lock = lock_container(container, BOOT_LOCK_MS, err);
	struct state state;
	int r = lock < 0 ? lock : boot_settle(container, patience_ms(), &state, err);

	if (r == 0 && state.phase == STATE_STARTING && state.restart_at_ms)
		return boot_start_now(container, err);
	if (r < 0 || state.phase != STATE_STOPPED)
		return r; /* it runs already: done */
	r = boot_check_current(container, err);
	if (r < 0)
		return r;
	*client_fd = console_start(container, NULL, err);
	return *client_fd < 0 ? *client_fd : 0;
}

/* This process becomes the supervisor; returns only on failure. */
static int serve(const struct container *container, struct error *err)
{
	CLEAN_FD int lock = lock_container(container, BOOT_LOCK_MS, err);
	struct state state;
	int r = lock < 0 ? lock : boot_settle(container, patience_ms(), &state, err);

	if (r < 0)
		return r;
	if (state.phase != STATE_STOPPED)
		return fail_plain(err, EBUSY,
		                  "it runs already, and not for this service (stop it first)");
	r = boot_check_current(container, err);
	return r < 0 ? r : supervisor_serve(container, err);
}

static int start(const struct container *container, struct error *err)
{
	int64_t timeout_ms = opt_timeout;
	int r = boot_start(container, patience_ms(), err);

	if (r < 0 || !text_is(opt_wait, "ready"))
		return r < 0 ? r : 0;
	if (timeout_ms == TIMEOUT_UNSET)
		timeout_ms = container->config.boot.ready_timeout_ms;
	if (opt_timeout == TIMEOUT_UNSET && !timeout_ms)
		timeout_ms = -1; /* no limit */
	return boot_wait_ready(container, &container->config, timeout_ms, true, err);
}

static int judge_waiting(const struct state *state, void *data)
{
	(void)data;
	return state->phase != STATE_STARTING;
}

/* Until the container has stopped for good, over its reboots. */
static int stay(const struct container *container, int *client_fd, struct state *state,
                struct error *err)
{
	int r = *client_fd >= 0 ? console_join(fd_take(client_fd), NULL, err) : 1;

	while (r > 0) {
		r = state_read(container->run_dir, state, NULL, err);
		if (r < 0 || state->phase == STATE_STOPPED)
			return r;
		r = console_run(container, 0, NULL, err);
		if (r == -ESRCH) { /* it was quicker, or waits to be started again: look again */
			error_clear(err);
			r = watch_until(container->run_dir, -1, judge_waiting, NULL, state, err);
		}
	}
	return r < 0 ? r : state_read(container->run_dir, state, NULL, err);
}

/* The exit code of a start in the foreground is how the container's init ended. */
static int follow(const struct call *call, const struct container *container, int *client_fd)
{
	struct error err = {0};
	struct state state;
	int r = opt_foreground ? stay(container, client_fd, &state, &err)
	                       : console_run(container, 0, "^a", &err);

	if (r < 0)
		return output_error(call, container->name, &err);
	if (!opt_foreground || state.phase != STATE_STOPPED)
		return EXIT_DONE;
	return WIFEXITED(state.stop_status) ? WEXITSTATUS(state.stop_status) : EXIT_DONE;
}

/* A reboot has no terminal: what is wrong with the configuration goes where info and logs find it. */
static int give_up(const struct call *call, const char *name, const struct strings *errors,
                   struct error *err)
{
	CLEAN(container_done) struct container container = {0};

	if (errors->count)
		(void)fail_plain(err, err->code, "%s", errors->items[0]);
	if (container_init(&container, &call->paths, name, NULL) == 0)
		supervisor_give_up(&container, err);
	return EXIT_FAILED;
}

/* One of several runs in a process of its own: its words are those for this container alone. */
static int seal(const struct call *call, const char *name, struct error *err)
{
	CLEAN(strings_done) struct strings argv = {0};

	seal_begin(&argv, call, "start");
	if (opt_foreground)
		strings_add(&argv, "-F");
	if (opt_console)
		strings_add(&argv, "-c");
	if (opt_supervise)
		strings_add(&argv, "--supervise");
	if (opt_service)
		strings_add(&argv, "--service");
	if (opt_wait) {
		strings_add(&argv, "--wait");
		strings_add(&argv, opt_wait);
	}
	if (opt_timeout != TIMEOUT_UNSET) {
		strings_add(&argv, "-t");
		strings_give(&argv, opt_timeout < 0
		                            ? must_dup("-1")
		                            : must_printf("%lldms", (long long)opt_timeout));
	}
	for (size_t i = 0; i < opt_set.count; i++) {
		strings_add(&argv, "-s");
		strings_add(&argv, opt_set.items[i]);
	}
	strings_add(&argv, name);
	return seal_program(&argv, err);
}

static int check_options(const struct call *call)
{
	if (opt_wait && !text_is(opt_wait, "running") && !text_is(opt_wait, "ready"))
		return output_usage(call, "option '--wait': '%s' is not running or ready",
		                    opt_wait);
	if (opt_service && (opt_foreground || opt_console || opt_wait))
		return output_usage(call,
		                    "--service does not go with --foreground, --console or --wait");
	if ((opt_wait || opt_timeout != TIMEOUT_UNSET) && (opt_foreground || opt_console))
		return output_usage(
			call, "--wait and --timeout do not go with --foreground or --console");
	return 0;
}

static int try_start(struct call *call, const char *name, bool is_last)
{
	CLEAN(strings_done) struct strings errors = {0};
	CLEAN(container_done) struct container container = {0};
	CLEAN_FD int client_fd = -1;
	struct error err = {0};
	int r = open_container(call, name, &container, &errors, &err);

	if (r < 0 && opt_supervise)
		return give_up(call, name, &errors, &err);
	if (r < 0)
		return output_errors(call, name, &errors, &err);
	if (container.config.privileged)
		r = seal(call, name, &err);
	if (r < 0)
		return output_error(call, name, &err);
	if (opt_supervise)
		r = supervisor_continue(&container, &err);
	else if (opt_service)
		r = serve(&container, &err);
	else
		r = opt_foreground ? start_foreground(&container, &client_fd, &err)
		                   : start(&container, &err);
	if (r == -ESTALE && !is_last)
		return r;
	if (r < 0)
		return output_error(call, name, &err);
	if (opt_foreground || opt_console)
		return follow(call, &container, &client_fd);
	return EXIT_DONE;
}

static int run_one(struct call *call, const char *name)
{
	int r = check_options(call);

	if (r)
		return r;
	r = -ESTALE;
	for (int i = 1; i <= TRIES && r == -ESTALE; i++)
		r = try_start(call, name, i == TRIES);
	return r;
}

const struct command cmd_start = {
	.name = "start",
	.operands = "NAME…",
	.summary = "Start containers; returns when their init runs",
	.options = options,
	.needs = NEEDS_STOPPED,
	.flags = COMMAND_MANY | COMMAND_ROOT,
	.run_one = run_one,
	.done = "started",
};
