/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Help texts, made from the rows of the tables and folded at 80 columns. */
#include "base/cleanup.h"
#include "base/text.h"
#include "tools/command.h"
#include "tools/options.h"

#include <string.h>

#define WIDTH  80
#define INDENT 26 /* where the help of an option begins */

/* Adds words from column on, folded at WIDTH, further lines indented to indent. */
static void add_folded(struct text *out, const char *words, size_t column, size_t indent)
{
	bool is_first = true;

	while (*words) {
		size_t length = strcspn(words, " ");

		if (!is_first && column + 1 + length > WIDTH) {
			text_addf(out, "\n%*s", (int)indent, "");
			column = indent;
			is_first = true;
		}
		text_addf(out, "%s%.*s", is_first ? "" : " ", (int)length, words);
		column += length + !is_first;
		is_first = false;
		words += length;
		words += strspn(words, " ");
	}
	text_add(out, "\n");
}

static void add_option(struct text *out, const struct option_row *row)
{
	CLEAN(text_done) struct text left = {0};

	if (!row->help)
		return;
	if (row->letter)
		text_addf(&left, "  -%c, --%s", row->letter, row->name);
	else
		text_addf(&left, "      --%s", row->name);
	if (row->argument)
		text_addf(&left, row->type == OPTION_MAYBE ? "[=%s]" : " %s", row->argument);
	text_add(out, left.data);
	if (left.length + 2 > INDENT)
		text_addf(out, "\n%*s", INDENT, "");
	else
		text_addf(out, "%*s", (int)(INDENT - left.length), "");
	add_folded(out, row->help, INDENT, INDENT);
}

/* More than one line of operands: each is a usage of its own. */
static void add_usage(struct text *out, const struct command *command)
{
	CLEAN(strings_done) struct strings lines = {0};

	strings_split(&lines, command->operands ? command->operands : "", "\n");
	if (!lines.count)
		strings_add(&lines, "");
	for (size_t i = 0; i < lines.count; i++)
		text_addf(out, "%s sysc %s [OPTION…]%s%s\n", i ? "      " : "Usage:", command->name,
		          *lines.items[i] ? " " : "", lines.items[i]);
}

void options_help(const struct command *command, struct text *out)
{
	struct option_row rows[OPTIONS_MAX + 1];
	size_t common;

	add_usage(out, command);
	text_add(out, "\n");
	add_folded(out, command->summary, 0, 0);
	(void)options_rows(command, NULL, rows, &common);
	if (common)
		text_add(out, "\nOptions:\n");
	for (size_t i = 0; i < common; i++)
		add_option(out, &rows[i]);
	text_add(out, "\nCommon options:\n");
	for (size_t i = common; rows[i].name; i++)
		add_option(out, &rows[i]);
	if (command->details)
		text_addf(out, "\n%s", command->details);
	text_addf(out, "\nMore: man sysc-%s\n", command->name);
}

void options_overview(struct text *out)
{
	text_add(out, "Usage: sysc VERB [OPTION…] [NAME…]    (sysc-VERB is the same)\n\n"
	              "Runs system containers.\n\n");
	for (const struct command *const *c = commands_table; *c; c++) {
		if ((*c)->flags & COMMAND_HIDDEN)
			continue;
		text_addf(out, "  %-12s", (*c)->name);
		add_folded(out, (*c)->summary, 14, 14);
	}
	text_add(out, "\n'sysc help VERB' tells the options of a verb, 'man sysc' the rest.\n");
}
