/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sysc console: the caller's terminal joined to /dev/console or a tty of a running container. */
#include "base/cleanup.h"
#include "base/error.h"
#include "container/container.h"
#include "tools/command.h"
#include "tools/console.h"
#include "tools/inspect.h"

#include <errno.h>
#include <stddef.h>
#include <unistd.h>

static int64_t opt_tty;
static const char *opt_escape = "^a";

static const struct option_row options[] = {
	{'t',            "tty", OPTION_NUMBER, &opt_tty, "N", "tty N instead of the console (0)"},
	{'e', "escape", OPTION_STRING, &opt_escape, "PREFIX", "key before q to let go (^a)"},
	{0	  },
};

static int run(struct call *call)
{
	CLEAN(container_done) struct container container = {0};
	const char *name = call->names.items[0];
	struct error err = {0};
	int r = -ENOENT;

	if (console_parse_escape(opt_escape) < 0)
		return output_usage(call, "'%s' is no key: ^a or one character", opt_escape);
	if (inspect_exists(call, name, &err))
		r = container_init(&container, &call->paths, name, &err);
	if (r == 0 && isatty(STDIN_FILENO))
		output_note(call, "%s: tty %d; %s q lets go, %s %s sends %s", name, (int)opt_tty,
		            opt_escape, opt_escape, opt_escape, opt_escape);
	if (r == 0)
		r = console_run(&container, (int)opt_tty, opt_escape, &err);
	return r < 0 ? output_error(call, name, &err) : EXIT_DONE;
}

const struct command cmd_console = {
	.name = "console",
	.operands = "NAME",
	.summary = "Connect this terminal to the console of a running container",
	.details = "What the console printed before is shown first.\n",
	.options = options,
	.needs = NEEDS_RUNNING,
	.flags = COMMAND_ROOT,
	.run = run,
};
