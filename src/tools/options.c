/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The command line by getopt_long(3), whose tables are made from the rows of command.h. getopt prints
 * nothing itself: wrong usage is one line that names the option. Help is in help.c.
 */
#include "tools/options.h"

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/text.h"
#include "tools/command.h"

#include <getopt.h>
#include <string.h>

#define LONG_BASE 256 /* getopt's value of row n is LONG_BASE + n */

/* A common option: value is the place in struct call; only commands with one of flags have it. */
struct common_row {
	struct option_row row;
	size_t offset;
	unsigned int flags; /* enum command_flag, 0: all commands */
};

#define COMMON_NAMES (COMMAND_MANY | COMMAND_LOWER | COMMAND_NAMES)
#define COMMON_STORE "path"
#define OTHER_STORE  "store" /* of a command that has paths of its own */
#define COMMON_PATHS 0x10000 /* all but COMMAND_BARE */

/* -n is not here: whether there is a name at all is told by needs. */
static const struct common_row common_rows[] = {
	{{0, "all", OPTION_FLAG, NULL, NULL, "all containers"},
         offsetof(struct call,										 all),
         COMMAND_MANY | COMMAND_NAMES										       },
	{{'g', "group", OPTION_LIST, NULL, "GROUP", "only containers in this group"},
         offsetof(struct call,										 groups),
         COMMON_NAMES												       },
	{{'j', "jobs", OPTION_NUMBER, NULL, "N", "work on this many side by side"},
         offsetof(struct call,										 jobs),
         COMMAND_MANY												       },
	{{0, "json", OPTION_FLAG, NULL, NULL, "print one JSON document"},
         offsetof(struct call,										 json),
         COMMAND_JSON												       },
	{{'P', COMMON_STORE, OPTION_STRING, NULL, "DIR", "folder of the containers"},
         offsetof(struct call,										 store),
         0														  },
	{{'q', "quiet", OPTION_FLAG, NULL, NULL, "print errors and data only"},
         offsetof(struct call,										 quiet),
         0														  },
	{{'v', "verbose", OPTION_FLAG, NULL, NULL, "print more"},
         offsetof(struct call,										 verbose),
         0														  },
	{{'o', "log", OPTION_STRING, NULL, "FILE", "add a log to this file"},
         offsetof(struct call,										 log_file),
         0														  },
	{{'l', "log-level", OPTION_STRING, NULL, "LEVEL", "error, warn, info or debug"},
         offsetof(struct call,										 log_level),
         0														  },
	{{'h', "help", OPTION_FLAG, NULL, NULL, "print this help"},                      offsetof(struct call, help),      0},
	{{0, "version", OPTION_FLAG, NULL, NULL, "print the version"},
         offsetof(struct call,										 version),
         0														  },
};

static const struct option_row name_row = {
	'n', "name", OPTION_LIST, NULL, "NAME", "the container, in place of the first word"};

static bool is_taken(const struct option_row *rows, size_t count, const struct option_row *row)
{
	for (size_t i = 0; i < count; i++)
		if (text_is(rows[i].name, row->name))
			return true;
	return false;
}

static size_t add_common(struct option_row *rows, size_t count, const struct option_row *row,
                         void *value)
{
	bool is_other = is_taken(rows, count, row);

	if ((is_other && !text_is(row->name, COMMON_STORE)) || count + 1 >= OPTIONS_MAX)
		return count;
	rows[count] = *row;
	rows[count].value = value;
	if (is_other)
		rows[count].name = OTHER_STORE;
	for (size_t i = 0; i < count; i++)
		if (rows[i].letter == row->letter)
			rows[count].letter = 0;
	return count + 1;
}

size_t options_rows(const struct command *command, struct call *call,
                    struct option_row rows[OPTIONS_MAX], size_t *common)
{
	unsigned int flags = command->flags | (command->flags & COMMAND_BARE ? 0 : COMMON_PATHS);
	size_t count = 0;

	for (const struct option_row *row = command->options; row && row->name; row++)
		if (count + ARRAY_SIZE(common_rows) + 2 < OPTIONS_MAX)
			rows[count++] = *row;
	*common = count;
	if (command->needs != NEEDS_NONE && !(command->flags & COMMAND_VERBS))
		count = add_common(rows, count, &name_row, call ? &call->names : NULL);
	for (size_t i = 0; i < ARRAY_SIZE(common_rows); i++) {
		const struct common_row *row = &common_rows[i];

		if (!row->flags || (row->flags & flags))
			count = add_common(rows, count, &row->row,
			                   call ? (char *)call + row->offset : NULL);
	}
	rows[count] = (struct option_row){0};
	return count;
}

/* getopt's tables. */
struct tables {
	struct option longs[OPTIONS_MAX];
	char letters[3 * OPTIONS_MAX + 3];
};

static int argument_of(const struct option_row *row)
{
	return row->type == OPTION_FLAG    ? no_argument
	       : row->type == OPTION_MAYBE ? optional_argument
	                                   : required_argument;
}

static void make_tables(const struct option_row *rows, struct tables *tables)
{
	char *at = tables->letters;
	size_t i;

	*at++ = '+'; /* operands are taken one by one: the words behind them may not be ours */
	*at++ = ':'; /* tell a missing argument from an unknown option */
	for (i = 0; rows[i].name; i++) {
		int argument = argument_of(&rows[i]);

		tables->longs[i] =
			(struct option){rows[i].name, argument, NULL, LONG_BASE + (int)i};
		if (!rows[i].letter)
			continue;
		*at++ = rows[i].letter;
		for (int colons = 0; colons < argument; colons++)
			*at++ = ':';
	}
	*at = '\0';
	tables->longs[i] = (struct option){0};
}

/* The row of a value that getopt gave; it gives none that is not there. */
static const struct option_row *row_of(const struct option_row *rows, int value)
{
	if (value >= LONG_BASE)
		return &rows[value - LONG_BASE];
	while (rows->name && rows->letter != value)
		rows++;
	return rows;
}

/* "--name" or "-n", as the user wrote it. */
static const char *spelling(const struct option_row *row, int value, char out[64])
{
	size_t used = 0;

	out[used++] = '-';
	if (value < LONG_BASE) {
		out[used++] = row->letter;
	} else {
		size_t length = strlen(row->name);

		out[used++] = '-';
		if (length > 60)
			length = 60;
		memcpy(out + used, row->name, length);
		used += length;
	}
	out[used] = '\0';
	return out;
}

static int bad_option(const struct call *call, const struct option_row *rows, const char *word,
                      int letter)
{
	CLEAN(strings_done) struct strings parts = {0};
	const char *names[OPTIONS_MAX + 1], *near;
	size_t count = 0;

	if (letter > 0 && letter < LONG_BASE)
		return output_usage(call, "unknown option '-%c'", letter);
	if (letter >= LONG_BASE)
		return output_usage(call, "option '--%s' takes no argument",
		                    row_of(rows, letter)->name);
	for (; rows[count].name; count++)
		names[count] = rows[count].name;
	names[count] = NULL;
	strings_split(&parts, word + 2, "=");
	near = parts.count ? text_nearest(parts.items[0], names) : NULL;
	if (!near)
		return output_usage(call, "unknown option '%s'", word);
	return output_usage(call, "unknown option '%s', did you mean '--%s'?", word, near);
}

static int take_duration(const struct call *call, const char *option, const char *text,
                         int64_t *out)
{
	if (text_is(text, "-1")) {
		*out = -1;
		return 0;
	}
	if (parse_duration(text, out) == 0)
		return 0;
	return output_usage(call, "option '%s': '%s' is not a time such as 500ms, 30s or 5min",
	                    option, text);
}

static int take_value(const struct call *call, const struct option_row *row, int value,
                      const char *text)
{
	char option[64];

	spelling(row, value, option);
	if (text && !*text && row->type != OPTION_MAYBE && row->type != OPTION_LIST)
		return output_usage(call, "option '%s': its argument is empty", option);
	switch (row->type) {
	case OPTION_FLAG:
		*(bool *)row->value = true;
		return 0;
	case OPTION_STRING:
		*(const char **)row->value = text;
		return 0;
	case OPTION_MAYBE:
		*(const char **)row->value = text ? text : "";
		return 0;
	case OPTION_LIST:
		strings_add(row->value, text);
		return 0;
	case OPTION_DURATION:
		return take_duration(call, option, text, row->value);
	case OPTION_NUMBER:
		if (parse_int(text, 0, INT64_MAX, row->value) == 0)
			return 0;
		return output_usage(call, "option '%s': '%s' is not a whole number", option, text);
	}
	return 0;
}

/*
 * Options up to the next operand. 1: argv[optind] is an operand, 0: "--" or the end (optind is
 * behind it), EXIT_USAGE.
 */
static int take_options(const struct call *call, int argc, char **argv,
                        const struct option_row *rows, const struct tables *tables)
{
	for (;;) {
		char *word = argv[optind]; /* the word that getopt looks at now, or a bundle */
		int value = getopt_long(argc, argv, tables->letters, tables->longs, NULL);
		const struct option_row *row;
		char option[64];
		int r;

		if (value == -1)
			return optind < argc && !text_is(word, "--") ? 1 : 0;
		if (value == '?')
			return bad_option(call, rows, word, optopt);
		if (value == ':') {
			row = row_of(rows, optopt);
			return output_usage(call, "option '%s' needs an argument (%s)",
			                    spelling(row, optopt, option), row->argument);
		}
		row = row_of(rows, value);
		r = take_value(call, row, value, optarg);
		if (r)
			return r;
	}
}

/* How many operands a command takes before what follows is its rest. */
static size_t operands_most(const struct command *command)
{
	if (command->flags & (COMMON_NAMES | COMMAND_VERBS))
		return SIZE_MAX;
	if (command->needs != NEEDS_NONE)
		return 1;
	return command->operands && *command->operands ? SIZE_MAX : 0;
}

static int unexpected(const struct call *call, const char *word)
{
	return output_usage(call, "unexpected word '%s'", word);
}

/* What stands behind "--": the rest of a command that has one, but its name first if that is missing. */
static int take_behind(struct call *call, int argc, char **argv, size_t most)
{
	bool has_rest = call->command->flags & COMMAND_REST;

	while (optind < argc && (!has_rest || (most == 1 && !call->names.count))) {
		if (call->names.count >= most)
			return unexpected(call, argv[optind]);
		strings_add(&call->names, argv[optind++]);
	}
	call->rest = argv + optind;
	return 0;
}

static int take_operands(struct call *call, int argc, char **argv, const struct option_row *rows,
                         const struct tables *tables)
{
	size_t most = operands_most(call->command);

	for (;;) {
		int r = take_options(call, argc, argv, rows, tables);

		if (r == EXIT_USAGE)
			return r;
		if (r == 0)
			return take_behind(call, argc, argv, most);
		if (call->names.count < most) {
			strings_add(&call->names, argv[optind++]);
		} else if (call->command->flags & COMMAND_REST) {
			call->rest = argv + optind;
			return 0;
		} else {
			return unexpected(call, argv[optind]);
		}
	}
}

static int say_verbs(const struct call *call)
{
	CLEAN(text_done) struct text text = {0};

	for (const char *const *v = call->command->verbs; *v; v++)
		text_addf(&text, "%s%s", text.length ? ", " : "", *v);
	return output_usage(call, "say which: %s", text.data);
}

static int check_verb(const struct call *call)
{
	const struct command *command = call->command;
	const char *verb = call->names.count ? call->names.items[0] : NULL, *near;

	if (!(command->flags & COMMAND_VERBS) || !command->verbs)
		return 0;
	if (!verb)
		return say_verbs(call);
	for (const char *const *v = command->verbs; *v; v++)
		if (text_is(*v, verb))
			return 0;
	near = text_nearest(verb, command->verbs);
	if (near)
		return output_usage(call, "unknown word '%s', did you mean '%s'?", verb, near);
	return output_usage(call, "unknown word '%s'", verb);
}

/* Names, --all and --group must fit each other and the command. */
static int check_names(const struct call *call)
{
	const struct command *command = call->command;

	if (command->needs == NEEDS_NONE || (command->flags & COMMAND_VERBS))
		return check_verb(call);
	if (call->all && call->names.count)
		return output_usage(call, "give names or --all, not both");
	if (!call->names.count && !call->all && !call->groups.count &&
	    !(command->flags & COMMAND_LOWER))
		return output_usage(call, "no container name given");
	for (size_t i = 0; i < call->names.count; i++)
		if (!*call->names.items[i])
			return output_usage(call, "the container name is empty");
	return 0;
}

int options_parse(struct call *call, int argc, char **argv)
{
	struct option_row rows[OPTIONS_MAX + 1];
	struct tables tables;
	struct strings groups;
	size_t common;
	int r;

	(void)options_rows(call->command, call, rows, &common);
	make_tables(rows, &tables);
	opterr = 0;
	optind = 1;
	r = take_operands(call, argc, argv, rows, &tables);
	if (r || call->help || call->version)
		return r;
	groups = call->groups;
	call->groups = (struct strings){0};
	for (size_t i = 0; i < groups.count; i++)
		strings_split(&call->groups, groups.items[i], ",");
	strings_done(&groups);
	return check_names(call);
}
