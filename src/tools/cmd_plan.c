/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sysc plan: what the configuration file says and the running container does not have, or the kernel does
 * not, and whether it applies live or needs a restart. Nothing is changed, nobody is asked.
 */
#include "base/cleanup.h"
#include "base/table.h"
#include "container/container.h"
#include "tools/command.h"
#include "tools/live.h"
#include "tools/live_rows.h"
#include "tools/names.h"

static bool opt_exit_code;

/* What is gathered of all names. */
struct report {
	struct table table;
	struct json json;
	size_t differences;
};

static void report_done(struct report *report)
{
	table_done(&report->table);
	json_done(&report->json);
}

static void tell(const struct call *call, const struct live *live, bool is_running,
                 const struct config *wanted, struct report *report)
{
	const char *name = live->container->name;

	report->differences += live->count;
	live_rows_print(live, wanted, &report->table);
	json_object(&report->json, NULL);
	json_string(&report->json, "name", name);
	json_string(&report->json, "state", state_name(live->state.phase));
	json_array(&report->json, "changes");
	live_rows_json(live, wanted, &report->json);
	json_end_array(&report->json);
	json_end_object(&report->json);
	if (call->json)
		return;
	if (!is_running)
		output_note(call, "%s is not running: all of it applies at the next start", name);
	else if (!live->count)
		output_line(call, "%s: nothing differs", name);
}

static int compare(const struct call *call, const struct container *container,
                   struct report *report)
{
	CLEAN(live_done) struct live live;
	struct error err = {0};
	int r = live_open(&live, container, false, &err);

	if (r < 0) {
		(void)output_error(call, container->name, &err);
		return EXIT_FAILED;
	}
	if (r > 0)
		live_compare(&live, &container->config);
	tell(call, &live, r > 0, &container->config, report);
	return 0;
}

static int plan_one(const struct call *call, const char *name, struct report *report)
{
	CLEAN(container_done) struct container container = {0};
	CLEAN(strings_done) struct strings errors = {0};
	struct error err = {0};

	if (container_open(&container, &call->paths, name, &errors, &err) < 0)
		return output_errors(call, name, &errors, &err);
	return compare(call, &container, report);
}

static int run(struct call *call)
{
	static const char *const columns[] = {"NAME",       "KEY",     "RUNNING",
	                                      "CONFIGURED", "APPLIES", NULL};
	CLEAN(report_done) struct report report = {.table.columns = columns};
	CLEAN(strings_done) struct strings names = {0};
	CLEAN(text_done) struct text text = {0};
	struct error err = {0};
	int code = 0, printed;

	if (names_expand(call, &names, &err) < 0)
		return names_error(call, &err);
	output_json_begin(&report.json);
	json_array(&report.json, "containers");
	for (size_t i = 0; i < names.count; i++) {
		int r = plan_one(call, names.items[i], &report);

		code = r && names.count > 1 ? EXIT_SOME_FAILED : r ? r : code;
	}
	json_end_array(&report.json);
	json_end_object(&report.json);
	if (call->json && code && names.count == 1)
		return code;
	if (!call->json && report.differences)
		table_print(&report.table, true, &text);
	printed = call->json ? output_json(call, &report.json) : output_text(call, &text);
	if (code || printed)
		return code ? code : printed;
	return opt_exit_code && report.differences ? EXIT_WRONG_STATE : EXIT_DONE;
}

/* clang-format off */
static const struct option_row options[] = {
	{'e', "exit-code", OPTION_FLAG, &opt_exit_code, NULL, "end with 4 when something differs"},
	{0}
};
/* clang-format on */

const struct command cmd_plan = {
	.name = "plan",
	.operands = "NAME…",
	.summary = "Tell what differs between running containers and their configuration",
	.details = "live: sysc-apply changes it at once; restart: it applies at the next start.\n",
	.options = options,
	.needs = NEEDS_RUNNING,
	.flags = COMMAND_NAMES | COMMAND_JSON,
	.run = run,
};
