/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of commands, in the order of `sysc help`. command.h says how to add one. */
#include "base/text.h"
#include "tools/command.h"

#include <stddef.h>

/* clang-format off */
#define COMMANDS(X) \
	X(start) \
	X(stop) \
	X(restart) \
	X(attach) \
	X(console) \
	X(execute) \
	X(autostart) \
	X(freeze) \
	X(unfreeze) \
	X(create) \
	X(copy) \
	X(rename) \
	X(destroy) \
	X(snapshot) \
	X(export) \
	X(import) \
	X(ls) \
	X(info) \
	X(wait) \
	X(config) \
	X(plan) \
	X(apply) \
	X(monitor) \
	X(net) \
	X(logs) \
	X(version) \
	X(help)
/* clang-format on */

#define DECLARE(verb) extern const struct command cmd_##verb;
#define ROW(verb)     &cmd_##verb,

COMMANDS(DECLARE)

const struct command *const commands_table[] = {COMMANDS(ROW) NULL};

const struct command *command_find(const char *verb)
{
	for (const struct command *const *c = commands_table; *c; c++)
		if (text_is((*c)->name, verb))
			return *c;
	return NULL;
}
