/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sysc help: the list of verbs, the help of one, and, for programs (the style test, the completion),
 * the tables themselves in lines of fields separated by tabs.
 */
#include "base/cleanup.h"
#include "base/text.h"
#include "tools/command.h"
#include "tools/options.h"

#include <string.h>

static bool wants_tables, wants_verbs;

static const char *const type_names[] = {
	[OPTION_FLAG] = "flag",         [OPTION_STRING] = "string", [OPTION_LIST] = "list",
	[OPTION_DURATION] = "duration", [OPTION_NUMBER] = "number", [OPTION_MAYBE] = "maybe",
};

static const char *const needs_names[] = {
	[NEEDS_NONE] = "none",       [NEEDS_NEW] = "new",         [NEEDS_DEFINED] = "defined",
	[NEEDS_STOPPED] = "stopped", [NEEDS_RUNNING] = "running", [NEEDS_FROZEN] = "frozen",
};

static void add_flags(struct text *out, unsigned int flags)
{
	static const struct {
		unsigned int flag;
		const char *name;
	} names[] = {
		{COMMAND_MANY,   "many"  },
                {COMMAND_REST,   "rest"  },
                {COMMAND_JSON,   "json"  },
		{COMMAND_ROOT,   "root"  },
                {COMMAND_VERBS,  "verbs" },
                {COMMAND_HIDDEN, "hidden"},
		{COMMAND_LOWER,  "lower" },
                {COMMAND_NAMES,  "names" },
                {COMMAND_BARE,   "bare"  },
	};
	const char *comma = "";

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!(flags & names[i].flag))
			continue;
		text_addf(out, "%s%s", comma, names[i].name);
		comma = ",";
	}
	if (!*comma)
		text_add(out, "-");
}

/* "option VERB own|common LETTER NAME TYPE ARGUMENT HELP" for each row. */
static void add_option_rows(struct text *out, const struct command *command)
{
	struct option_row rows[OPTIONS_MAX + 1];
	size_t common;

	(void)options_rows(command, NULL, rows, &common);
	for (size_t i = 0; rows[i].name; i++) {
		char letter[2] = {rows[i].letter ? rows[i].letter : '-', '\0'};

		if (rows[i].help)
			text_addf(out, "option\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", command->name,
			          i < common ? "own" : "common", letter, rows[i].name,
			          type_names[rows[i].type],
			          rows[i].argument ? rows[i].argument : "-", rows[i].help);
	}
}

static void add_tables(struct text *out)
{
	for (const struct command *const *c = commands_table; *c; c++) {
		text_addf(out, "command\t%s\t%s\t", (*c)->name, needs_names[(*c)->needs]);
		add_flags(out, (*c)->flags);
		text_addf(out, "\t%s\n", (*c)->summary);
		for (const char *const *v = (*c)->verbs; v && *v; v++)
			text_addf(out, "verb\t%s\t%s\n", (*c)->name, *v);
		add_option_rows(out, *c);
	}
}

static void add_verbs(struct text *out)
{
	for (const struct command *const *c = commands_table; *c; c++)
		if (!((*c)->flags & COMMAND_HIDDEN))
			text_addf(out, "%s\n", (*c)->name);
}

static int help_of(const struct call *call, struct text *out)
{
	const char *names[128], *near, *verb = call->names.items[0];
	const struct command *command = command_find(verb);
	size_t count = 0;

	if (command) {
		options_help(command, out);
		return 0;
	}
	for (const struct command *const *c = commands_table; *c && count < 127; c++)
		names[count++] = (*c)->name;
	names[count] = NULL;
	near = text_nearest(verb, names);
	if (near)
		return output_usage(call, "unknown command '%s', did you mean '%s'?", verb, near);
	return output_usage(call, "unknown command '%s'", verb);
}

static int run(struct call *call)
{
	CLEAN(text_done) struct text text = {0};
	int r = 0;

	if (call->names.count > 1)
		return output_usage(call, "unexpected word '%s'", call->names.items[1]);
	if (wants_tables)
		add_tables(&text);
	else if (wants_verbs)
		add_verbs(&text);
	else if (call->names.count)
		r = help_of(call, &text);
	else
		options_overview(&text);
	return r ? r : output_text(call, &text);
}

static const struct option_row options[] = {
	{0,	    "verbs", OPTION_FLAG, &wants_verbs, NULL, "print the names of the verbs only"},
	{0, "tables", OPTION_FLAG, &wants_tables, NULL, NULL},
	{0       }
};

const struct command cmd_help = {
	.name = "help",
	.operands = "[VERB]",
	.summary = "List the verbs, or tell the options of one",
	.options = options,
	.needs = NEEDS_NONE,
	.flags = COMMAND_BARE,
	.run = run,
};
