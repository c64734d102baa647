/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sysc help: the list of verbs, the help of one, and, for programs (the style test, the completion),
 * the tables themselves in lines of fields separated by tabs.
 */
#include "base/cleanup.h"
#include "base/text.h"
#include "container/keys.h"
#include "container/lxc_translate.h"
#include "tools/command.h"
#include "tools/ls_columns.h"
#include "tools/options.h"

#include <dirent.h>

static bool wants_tables, wants_verbs, wants_keys, wants_templates;

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

static const char *const key_type_names[] = {
	[KEY_STRING] = "string", [KEY_BOOL] = "bool",         [KEY_NUMBER] = "number",
	[KEY_SIZE] = "size",     [KEY_DURATION] = "duration", [KEY_CPUS] = "cpus",
	[KEY_SIGNAL] = "signal", [KEY_ENUM] = "enum",         [KEY_LIST] = "list",
	[KEY_PAIRS] = "pairs",   [KEY_INCLUDE] = "include",
};

static const char *or_dash(const char *string)
{
	return string && *string ? string : "-";
}

/* "key SECTION NAME TYPE now|later live|- DEFAULT FORM HELP" for each key. */
static void add_key_rows(struct text *out)
{
	for (const struct key *key = keys_table; key->section; key++)
		text_addf(out, "key\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", key->section, key->name,
		          key_type_names[key->type], key->flags & KEY_LATER ? "later" : "now",
		          key->flags & KEY_LIVE ? "live" : "-", or_dash(key->fallback),
		          or_dash(key->form), or_dash(key->help));
}

/* "lxc KEY OLD-KEY|- WHAT-IT-IS-HERE|-" for each key of LXC. */
static void add_lxc_rows(struct text *out)
{
	for (const struct lxc_row *const *table = lxc_tables; *table; table++)
		for (const struct lxc_row *row = *table; row->key; row++)
			text_addf(out, "lxc\t%s\t%s\t%s\n", row->key, or_dash(row->old),
			          or_dash(row->to));
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
	for (const struct ls_column *column = ls_columns; column->title; column++)
		text_addf(out, "column\t%s\n", column->title);
	add_key_rows(out);
	add_lxc_rows(out);
}

/* "limits.memory", "network.eth0.mtu", "sysctl.": as far as a word can be completed. */
static void add_keys(struct text *out)
{
	for (const struct key *key = keys_table; key->section; key++)
		if (!(key->flags & KEY_LATER))
			text_addf(out, "%s%s.%s\n", key->section,
			          key->flags & KEY_NETWORK ? ".eth0" : "",
			          text_is(key->name, "*") ? "" : key->name);
}

/* The templates that sysc-create finds. */
static int add_templates(struct call *call, struct text *out)
{
	CLEAN(strings_done) struct strings names = {0};
	CLEAN_DIR DIR *dir = NULL;
	const struct dirent *entry;
	struct error err = {0};

	if (paths_init(&call->paths, NULL, &err) < 0)
		return output_error(call, NULL, &err);
	dir = opendir(call->paths.templates);
	while (dir && (entry = readdir(dir)))
		if (text_starts(entry->d_name, "sysc-"))
			strings_add(&names, entry->d_name + 5);
	strings_sort(&names);
	for (size_t i = 0; i < names.count; i++)
		text_addf(out, "%s\n", names.items[i]);
	return 0;
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
	else if (wants_keys)
		add_keys(&text);
	else if (wants_templates)
		r = add_templates(call, &text);
	else if (call->names.count)
		r = help_of(call, &text);
	else
		options_overview(&text);
	return r ? r : output_text(call, &text);
}

/* clang-format off */
static const struct option_row options[] = {
	{0, "verbs",     OPTION_FLAG, &wants_verbs,     NULL, "print the names of the verbs only"},
	{0, "keys",      OPTION_FLAG, &wants_keys,      NULL, "print the names of the configuration keys only"},
	{0, "templates", OPTION_FLAG, &wants_templates, NULL, "print the names of the templates only"},
	{0, "tables",    OPTION_FLAG, &wants_tables,    NULL, NULL},
	{0}
};
/* clang-format on */

const struct command cmd_help = {
	.name = "help",
	.operands = "[VERB]",
	.summary = "List the verbs, or tell the options of one",
	.options = options,
	.needs = NEEDS_NONE,
	.flags = COMMAND_BARE,
	.run = run,
};
