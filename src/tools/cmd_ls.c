/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sysc ls: the containers of the store, as names or as a table of ls_columns.h. Only what the chosen
 * columns and filters need is read.
 */
#include "base/cleanup.h"
#include "base/table.h"
#include "base/text.h"
#include "cgroup/cgroup.h"
#include "container/container.h"
#include "tools/command.h"
#include "tools/inspect.h"
#include "tools/ls_columns.h"
#include "tools/names.h"

#include <string.h>
#include <sys/ioctl.h>

#define COLUMNS_MAX 32

static bool wants_lines, wants_table;
static bool only_running, only_stopped, only_frozen, only_active, only_defined, only_autostart;
static const char *format;

static const char default_columns[] = "NAME,STATE,GROUPS,IPV4,IPV6,MEMORY,PIDS,UNPRIVILEGED,UPTIME";

/* The chosen columns, ended by NULL, and what they need together. */
struct choice {
	const struct ls_column *columns[COLUMNS_MAX + 1];
	const char *titles[COLUMNS_MAX + 1];
	size_t count;
	unsigned int wants;
};

static bool has_filter(void)
{
	return only_running || only_stopped || only_frozen || only_active;
}

static void choose(struct choice *choice, const struct ls_column *column)
{
	if (choice->count == COLUMNS_MAX)
		return;
	choice->columns[choice->count] = column;
	choice->titles[choice->count++] = column->title;
	choice->wants |= column->wants;
}

static int choose_words(const struct call *call, struct choice *choice, const char *words)
{
	CLEAN(strings_done) struct strings list = {0};

	strings_split(&list, words, ", ");
	for (size_t i = 0; i < list.count; i++) {
		const struct ls_column *column = ls_column_find(list.items[i]);

		if (!column)
			return output_usage(call, "option '--format': no column '%s'",
			                    list.items[i]);
		choose(choice, column);
	}
	if (!choice->count)
		return output_usage(call, "option '--format': no column named");
	return 0;
}

/* Names only, a table, or (JSON) all but extra columns, unless --format says which. */
static int choose_columns(const struct call *call, struct choice *choice)
{
	if (format)
		return choose_words(call, choice, format);
	if (wants_table)
		return choose_words(call, choice, default_columns);
	for (const struct ls_column *column = ls_columns; column->title; column++)
		if ((call->json && !(column->wants & INSPECT_EXTRA)) || column == ls_columns)
			choose(choice, column);
	return 0;
}

static bool passes(const struct inspect *inspect)
{
	enum state_phase phase = inspect->state.phase;

	if (only_autostart && !inspect->container.config.boot.autostart)
		return false;
	if (!has_filter())
		return true;
	return (only_running && phase == STATE_RUNNING) || (only_frozen && phase == STATE_FROZEN) ||
	       (only_stopped && phase == STATE_STOPPED) || (only_active && phase != STATE_STOPPED);
}

static void add_row(const struct choice *choice, const struct inspect *inspect, struct table *table)
{
	for (size_t i = 0; i < choice->count; i++) {
		CLEAN(text_done) struct text cell = {0};

		choice->columns[i]->print(inspect, &cell);
		table_cell(table, cell.data);
	}
}

static void add_object(const struct choice *choice, const struct inspect *inspect,
                       struct json *json)
{
	json_object(json, NULL);
	for (size_t i = 0; i < choice->count; i++)
		choice->columns[i]->print_json(inspect, json);
	json_end_object(json);
}

/* As many names side by side as the terminal is wide, down the lines; 0: one per line. */
static void add_names(const struct strings *names, size_t terminal, struct text *out)
{
	size_t widest = 0, across, lines;

	for (size_t i = 0; i < names->count; i++)
		if (strlen(names->items[i]) > widest)
			widest = strlen(names->items[i]);
	across = (terminal + 1) / (widest + 1);
	if (!across)
		across = 1;
	lines = (names->count + across - 1) / across;
	for (size_t line = 0; line < lines; line++) {
		for (size_t i = line; i < names->count; i += lines)
			text_addf(out, "%-*s%s", i + lines < names->count ? (int)widest : 0,
			          names->items[i], i + lines < names->count ? " " : "\n");
	}
}

static size_t terminal_width(void)
{
	struct winsize size = {0};

	if (wants_lines || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0)
		return 0;
	return size.ws_col;
}

static int print(const struct call *call, const struct choice *choice, const struct strings *names,
                 const struct cgroup_host *host)
{
	unsigned int wants = choice->wants | (has_filter() ? INSPECT_STATE : 0) |
	                     (only_autostart ? INSPECT_CONFIG : 0);
	CLEAN(table_done) struct table table = {.columns = choice->titles};
	CLEAN(json_done) struct json json = {0};
	CLEAN(text_done) struct text text = {0};
	CLEAN(strings_done) struct strings kept = {0};

	output_json_begin(&json);
	json_array(&json, "containers");
	for (size_t i = 0; i < names->count; i++) {
		CLEAN(inspect_done) struct inspect inspect = {0};

		inspect_open(&inspect, call, host, names->items[i], wants);
		if (!passes(&inspect))
			continue;
		if (call->json)
			add_object(choice, &inspect, &json);
		else if (wants_table || format)
			add_row(choice, &inspect, &table);
		else
			strings_add(&kept, names->items[i]);
	}
	json_end_array(&json);
	json_end_object(&json);
	if (call->json)
		return output_json(call, &json);
	if (wants_table || format)
		table_print(&table, true, &text);
	else
		add_names(&kept, terminal_width(), &text);
	return output_text(call, &text);
}

static int run(struct call *call)
{
	CLEAN(strings_done) struct strings names = {0};
	struct choice choice = {0};
	struct cgroup_host host = {0};
	struct error err = {0};
	int r = choose_columns(call, &choice);

	if (r)
		return r;
	if (call->names.count == 1 && !names_is_glob(call->names.items[0]) &&
	    !inspect_exists(call, call->names.items[0], &err))
		return output_error(call, call->names.items[0], &err);
	r = names_expand(call, &names, &err);
	if (r < 0)
		return names_error(call, &err);
	if ((choice.wants & INSPECT_ANY_USAGE) && cgroup_detect(&host, NULL, &err) < 0)
		output_note(call, "no use and limits: %s", err.text);
	return print(call, &choice, &names, &host);
}

/* clang-format off */
static const struct option_row options[] = {
	{'1', "line",    OPTION_FLAG,   &wants_lines,  NULL,      "one name per line"},
	{'f', "fancy",   OPTION_FLAG,   &wants_table,  NULL,      "a table with the usual columns"},
	{'F', "format",  OPTION_STRING, &format,       "COLUMNS", "a table with these columns"},
	{0,   "running", OPTION_FLAG,   &only_running, NULL,      "only running containers"},
	{0,   "stopped", OPTION_FLAG,   &only_stopped, NULL,      "only stopped containers"},
	{0,   "frozen",  OPTION_FLAG,   &only_frozen,  NULL,      "only frozen containers"},
	{0,   "active",  OPTION_FLAG,   &only_active,  NULL,      "only containers that are not stopped"},
	{0, "autostart", OPTION_FLAG,   &only_autostart, NULL,    "of these only those that start at boot"},
	{0,   "defined", OPTION_FLAG,   &only_defined, NULL,      "all containers, as without a filter"},
	{0}
};
/* clang-format on */

const struct command cmd_ls = {
	.name = "ls",
	.operands = "[NAME…]",
	.summary = "List containers",
	.details = "Columns: NAME STATE PID GROUPS INTERFACE IPV4 IPV6 MEMORY SWAP CPU PIDS\n"
		   "UNPRIVILEGED UPTIME AUTOSTART READY HEALTH RESTART DESCRIPTION UNIT; only\n"
		   "with --format: IO OOM CPUPSI MEMORYPSI IOPSI.\n"
		   "MEMORY, SWAP and PIDS are use/limit.\n",
	.options = options,
	.needs = NEEDS_DEFINED,
	.flags = COMMAND_LOWER | COMMAND_JSON,
	.run = run,
};
