/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sysc execute: one program under sysc-init in a container that is not booted. */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "container/container.h"
#include "container/lock.h"
#include "container/state.h"
#include "monitor/client.h"
#include "monitor/supervisor.h"
#include "runtime/plan.h"
#include "tools/boot.h"
#include "tools/command.h"
#include "tools/console.h"
#include "tools/seal.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOCK_MS 30000

static struct strings opt_set;

static const struct option_row options[] = {
	{'s',          "set", OPTION_LIST, &opt_set, "SECTION.KEY=VALUE", "set a key for this run only"},
	{0},
};

/* *client_fd: the console's client where a stream of the caller is a terminal (has_console). */
static int start(const struct container *container, const struct plan_execute *execute,
                 bool has_console, int *client_fd, struct error *err)
{
	struct supervisor_options plain = {.execute = execute, .console_fd = -1};
	CLEAN_FD int lock = lock_container(container, LOCK_MS, err);
	struct state state;
	int r;

	if (lock < 0)
		return lock;
	r = client_settled_state(container, &state, err);
	if (r < 0)
		return r;
	if (state.phase != STATE_STOPPED)
		return fail_plain(err, EBUSY, "is running (use sysc-attach)");
	r = boot_check_current(container, err);
	if (r < 0)
		return r;
	if (!has_console)
		return supervisor_start(container, &plain, err);
	*client_fd = console_start(container, execute, err);
	return *client_fd < 0 ? *client_fd : 0;
}

/* Until the container has ended; a stream that is a terminal is the console's. */
static int wait_for_end(const struct container *container, int *client_fd, struct error *err)
{
	int r = *client_fd >= 0 ? console_join(fd_take(client_fd), NULL, err) : 1;

	/* where the supervisor was killed the console is lost, and the program goes on */
	return r == 1 ? client_wait_stopped(container, err) : r;
}

static int exit_code(const struct container *container, struct error *err)
{
	struct state state;
	int r = state_read(container->run_dir, &state, NULL, err);

	if (r < 0)
		return r;
	if (state.phase != STATE_STOPPED)
		return fail_plain(err, EBUSY, "still running");
	if (state.stop_status < 0)
		return fail_plain(err, EIO, "how it ended was not seen: its supervisor was killed");
	return WIFEXITED(state.stop_status) ? WEXITSTATUS(state.stop_status)
	                                    : 128 + WTERMSIG(state.stop_status);
}

static int run(struct call *call)
{
	CLEAN(strings_done) struct strings errors = {0};
	CLEAN(container_done) struct container container = {0};
	const char *name = call->names.items[0];
	int stdio[3], r;
	struct plan_execute execute = {.argv = call->rest, .stdio = stdio};
	CLEAN_FD int client_fd = -1;
	bool has_console = false;
	struct error err = {0};

	if (!call->rest || !call->rest[0])
		return output_usage(call, "name the program to run: NAME -- PROGRAM…");
	for (int i = 0; i < 3; i++) {
		stdio[i] = isatty(i) ? -1 : i;
		has_console |= stdio[i] < 0;
	}
	r = container_open(&container, &call->paths, name, &errors, &err);
	for (size_t i = 0; i < opt_set.count && r == 0; i++)
		r = config_override(&container.config, opt_set.items[i], "option -s", &err);
	if (r == 0 && container.config.privileged)
		r = seal_call(call, &err);
	if (r == 0)
		r = start(&container, &execute, has_console, &client_fd, &err);
	if (r == 0)
		r = wait_for_end(&container, &client_fd, &err);
	if (r >= 0)
		r = exit_code(&container, &err);
	if (r >= 0)
		return r;
	(void)output_errors(call, name, &errors, &err);
	return r == -EBUSY ? EXIT_WRONG_STATE : r == -ENOENT ? EXIT_NO_CONTAINER : EXIT_SYSC;
}

const struct command cmd_execute = {
	.name = "execute",
	.operands = "NAME -- PROGRAM…",
	.summary = "Run one program in a container without booting it",
	.details =
		"Ends with the program's exit code, 128+N when signal N ended it, 127 when there\n"
		"is no such program, 126 when it cannot be run, 125 when sysc itself failed.\n",
	.options = options,
	.needs = NEEDS_STOPPED,
	.flags = COMMAND_REST | COMMAND_ROOT,
	.run = run,
};
