/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What sysc autostart says: a line for each result, the list of -L, both as JSON, and the exit code. */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/table.h"
#include "base/text.h"
#include "tools/autostart.h"
#include "tools/command.h"
#include "tools/moment.h"

#include <errno.h>
#include <stdio.h>

const char *autostart_report_seconds(int64_t ms, char out[AUTOSTART_SECONDS_ROOM])
{
	long long whole = ms / 1000, rest = ms % 1000;

	if (ms < 100)
		(void)snprintf(out, AUTOSTART_SECONDS_ROOM, "%lld.%02lld s", whole, rest / 10);
	else
		(void)snprintf(out, AUTOSTART_SECONDS_ROOM, "%lld.%lld s", whole, rest / 100);
	return out;
}

static const char *const result_names[] = {
	[RESULT_NONE] = "none",         [RESULT_READY] = "ready",
	[RESULT_STOPPED] = "stopped",   [RESULT_KILLED] = "killed",
	[RESULT_FAILED] = "failed",     [RESULT_TIMED_OUT] = "timed_out",
	[RESULT_NOT_DONE] = "not_done", [RESULT_LEFT] = "left",
};

static bool is_bad(const struct autostart_member *member)
{
	return member->result >= RESULT_FAILED;
}

static void say_bad(const struct call *call, const char *name, const char *what, const char *reason)
{
	struct error err = {0};

	(void)fail_plain(&err, EIO, "%s%s%s", what, reason ? ": " : "", reason ? reason : "");
	(void)output_error(call, name, &err); /* the exit code is made of all results */
}

void autostart_report_line(const struct call *call, const struct autostart_member *member,
                           enum autostart_action action)
{
	const char *name = member->container.name;
	bool is_start = action == AUTOSTART_START;
	char time[AUTOSTART_SECONDS_ROOM];

	autostart_report_seconds(member->took_ms, time);
	switch (member->result) {
	case RESULT_READY:
		if (!call->json && member->was_running && member->took_ms < 1000)
			output_line(call, "%s: ready (it was running)", name);
		else if (!call->json)
			output_line(call, "%s: ready after %s", name, time);
		break;
	case RESULT_STOPPED:
		if (!call->json)
			output_line(call, "%s: stopped after %s", name, time);
		break;
	case RESULT_KILLED:
		if (member->reason)
			output_note(call, "%s: killed: %s", name, member->reason);
		else
			output_note(call, "%s: did not stop within %s: killed", name, time);
		break;
	case RESULT_TIMED_OUT:
		say_bad(call, name, member->reason, NULL);
		break;
	case RESULT_FAILED:
		say_bad(call, name, "failed", member->reason);
		break;
	case RESULT_NOT_DONE:
		say_bad(call, name, is_start ? "not started" : "not stopped", member->reason);
		break;
	case RESULT_LEFT:
		say_bad(call, name,
		        is_start ? "started, not waited for" : "asked to stop, not waited for",
		        member->reason);
		break;
	case RESULT_NONE:
		break;
	}
}

int autostart_report_json(const struct call *call, const struct autostart_set *set,
                          const char *action)
{
	CLEAN(json_done) struct json json = {0};
	size_t count = set->order.sequence_count;

	output_json_begin(&json);
	json_string(&json, "action", action);
	json_array(&json, "containers");
	for (size_t i = 0; i < count + set->count; i++) {
		size_t index = i < count ? set->order.sequence[i] : i - count;
		const struct autostart_member *member = &set->members[index];

		/* behind the sequence only those that are not in it: left running by a restart */
		if (member->result == RESULT_NONE || (i >= count && set->order.nodes[index].step))
			continue;
		json_object(&json, NULL);
		json_string(&json, "name", member->container.name);
		json_string(&json, "result", result_names[member->result]);
		json_bool(&json, "ok", !is_bad(member));
		json_bool(&json, "was_running", member->was_running);
		json_number(&json, "took_ms", member->took_ms);
		json_string(&json, "reason", member->reason);
		json_number(&json, "step", (int64_t)set->order.nodes[index].step);
		json_end_object(&json);
	}
	json_end_array(&json);
	json_end_object(&json);
	return output_json(call, &json);
}

int autostart_report_code(const struct autostart_set *set)
{
	size_t all = 0, bad = 0, timed_out = 0;

	for (size_t i = 0; i < set->count; i++) {
		const struct autostart_member *member = &set->members[i];

		all += member->result != RESULT_NONE;
		bad += is_bad(member);
		timed_out += member->result == RESULT_TIMED_OUT;
	}
	if (!bad)
		return EXIT_DONE;
	if (bad < all)
		return EXIT_SOME_FAILED;
	return timed_out == bad ? EXIT_TIMED_OUT : EXIT_FAILED;
}

/* Why it is in the list, or is not, and what is wrong with it. */
static void add_why(const struct autostart_set *set, size_t index, enum autostart_action action,
                    struct text *out)
{
	const struct order_node *node = &set->order.nodes[index];
	const struct autostart_member *member = &set->members[index];
	CLEAN_FREE char *problem = autostart_set_problem(set, index);

	if (node->is_included && node->needed_by != ORDER_NONE)
		text_addf(out, "%s comes after it", set->order.nodes[node->needed_by].name);
	else
		text_add(out, member->why);
	if (!node->is_included)
		return;
	if (node->rank != node->order)
		text_addf(out, ", held back to order %llu by after",
		          (unsigned long long)node->rank);
	if (action != AUTOSTART_START)
		return;
	if (member->broken || problem)
		text_addf(out, ", will fail: %s", member->broken ? member->broken : problem);
	else if (member->state.phase != STATE_STOPPED)
		text_addf(out, ", is %s", state_name(member->state.phase));
}

static void add_list(const struct strings *list, struct text *out)
{
	for (size_t i = 0; i < list->count; i++)
		text_addf(out, "%s%s", i ? ", " : "", list->items[i]);
}

/* The place in the list: for a stop the highest step is the first. */
static size_t place_of(const struct autostart_set *set, size_t index, enum autostart_action action)
{
	size_t step = set->order.nodes[index].step, most = 0;

	if (action == AUTOSTART_START || !step)
		return step;
	for (size_t i = 0; i < set->count; i++)
		if (set->order.nodes[i].step > most)
			most = set->order.nodes[i].step;
	return most - step + 1;
}

static void add_row(const struct autostart_set *set, size_t index, enum autostart_action action,
                    struct table *table)
{
	const struct boot_config *boot = &set->members[index].container.config.boot;
	const struct order_node *node = &set->order.nodes[index];
	CLEAN(text_done) struct text after = {0}, why = {0}, step = {0}, order = {0}, delay = {0};
	char span[MOMENT_ROOM];

	if (node->is_included)
		text_addf(&step, "%zu", place_of(set, index, action));
	text_addf(&order, "%llu", (unsigned long long)boot->order);
	if (boot->delay_ms)
		text_add(&delay, boot->delay_ms % 1000
		                         ? autostart_report_seconds(boot->delay_ms, span)
		                         : moment_format_span(boot->delay_ms, span));
	add_list(&boot->after, &after);
	add_why(set, index, action, &why);
	table_cell(table, step.data);
	table_cell(table, set->members[index].container.name);
	table_cell(table, order.data);
	table_cell(table, after.data);
	table_cell(table, delay.data);
	table_cell(table, boot->ready);
	table_cell(table, why.data);
}

static void add_object(const struct autostart_set *set, size_t index, enum autostart_action action,
                       struct json *json)
{
	const struct config *config = &set->members[index].container.config;
	const struct order_node *node = &set->order.nodes[index];
	CLEAN_FREE char *problem = autostart_set_problem(set, index);
	CLEAN(text_done) struct text why = {0};

	add_why(set, index, action, &why);
	json_object(json, NULL);
	json_string(json, "name", set->members[index].container.name);
	json_bool(json, "included", node->is_included);
	if (node->is_included)
		json_number(json, "step", (int64_t)place_of(set, index, action));
	else
		json_null(json, "step");
	json_bool(json, "autostart", config->boot.autostart);
	json_unsigned(json, "order", config->boot.order);
	json_unsigned(json, "effective_order", node->rank);
	json_number(json, "delay_ms", config->boot.delay_ms);
	json_array(json, "after");
	for (size_t i = 0; i < config->boot.after.count; i++)
		json_string(json, NULL, config->boot.after.items[i]);
	json_end_array(json);
	json_array(json, "groups");
	for (size_t i = 0; i < config->groups.count; i++)
		json_string(json, NULL, config->groups.items[i]);
	json_end_array(json);
	json_string(json, "ready", config->boot.ready);
	json_number(json, "ready_timeout_ms", config->boot.ready_timeout_ms);
	json_string(json, "state", state_name(set->members[index].state.phase));
	json_string(json, "why", why.data);
	json_string(json, "problem",
	            set->members[index].broken ? set->members[index].broken : problem);
	json_end_object(json);
}

int autostart_report_list(const struct call *call, const struct autostart_set *set,
                          enum autostart_action action)
{
	static const char *const columns[] = {"STEP",  "NAME",  "ORDER", "AFTER",
	                                      "DELAY", "READY", "WHY",   NULL};
	CLEAN(table_done) struct table table = {.columns = columns};
	CLEAN(json_done) struct json json = {0};
	CLEAN(text_done) struct text text = {0};
	size_t count = set->order.sequence_count;

	output_json_begin(&json);
	json_array(&json, "containers");
	for (size_t i = 0; i < count + set->count; i++) {
		size_t index = i - count; /* those that are left out, behind the others */

		if (i < count)
			index = set->order.sequence[action == AUTOSTART_START ? i : count - 1 - i];
		else if (set->order.nodes[index].is_included)
			continue;
		if (call->json)
			add_object(set, index, action, &json);
		else
			add_row(set, index, action, &table);
	}
	json_end_array(&json);
	json_end_object(&json);
	if (call->json)
		return output_json(call, &json);
	table_print(&table, true, &text);
	return output_text(call, &text);
}
