/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sysc info: everything that is known about a container; with filters only what was asked for, and
 * with -H and one filter the bare value, as scripts written for lxc-info expect. The state alone
 * (-s, -p) reads one small file.
 */
#include "base/cleanup.h"
#include "base/table.h"
#include "base/text.h"
#include "container/config.h"
#include "tools/command.h"
#include "tools/info_rows.h"
#include "tools/inspect.h"
#include "tools/names.h"

#include <errno.h>
#include <stdio.h>

static bool wants_state, wants_pid, wants_ips, wants_stats, is_raw;
static struct strings keys;

/* How many filters were given: -s, -p, -i, -S, and each -c. */
static size_t filters(void)
{
	return (size_t)wants_state + (size_t)wants_pid + (size_t)wants_ips + (size_t)wants_stats +
	       keys.count;
}

static unsigned int wants_of(const struct call *call)
{
	unsigned int wants = INSPECT_STATE;

	if (call->json || !filters())
		return wants | INSPECT_USAGE | INSPECT_ADDRESSES | INSPECT_CONFIG;
	return wants | (wants_ips ? INSPECT_ADDRESSES : 0) | (wants_stats ? INSPECT_USAGE : 0);
}

/* "Label:   value", or the value alone for -H with one filter. */
static void add(struct text *out, const char *label, const char *value)
{
	if (is_raw && filters() == 1)
		text_addf(out, "%s\n", value);
	else
		info_rows_line(out, label, value);
}

static int add_key(struct call *call, const struct config *config, const char *name,
                   const char *word, struct text *out)
{
	CLEAN_FREE char *section = NULL, *key = NULL;
	CLEAN(strings_done) struct strings values = {0};
	struct error err = {0};

	if (config_split_key(word, &section, &key, &err) < 0 ||
	    config_get(config, section, key, &values, &err) < 0) {
		(void)output_error(call, name, &err);
		return EXIT_FAILED;
	}
	for (size_t i = 0; i < values.count; i++) {
		if (is_raw && filters() == 1)
			text_addf(out, "%s\n", values.items[i]);
		else
			text_addf(out, "%s = %s\n", word, values.items[i]);
	}
	if (!values.count && !(is_raw && filters() == 1))
		text_addf(out, "%s =\n", word);
	return 0;
}

static int add_keys(struct call *call, const char *name, struct text *out)
{
	CLEAN(container_done) struct container container = {0};
	CLEAN(strings_done) struct strings errors = {0};
	struct error err = {0};
	int code = 0;

	if (container_open(&container, &call->paths, name, &errors, &err) < 0)
		return output_errors(call, name, &errors, &err);
	for (size_t i = 0; i < keys.count && !code; i++)
		code = add_key(call, &container.config, name, keys.items[i], out);
	return code;
}

static void add_filtered(const struct inspect *inspect, struct text *out)
{
	char pid[24];

	if (wants_state)
		add(out,
		    "State:", inspect->has_state ? state_name(inspect->state.phase) : "unknown");
	if (wants_pid && inspect->is_alive) {
		(void)snprintf(pid, sizeof(pid), "%d", (int)inspect->state.init_pid);
		add(out, "PID:", pid);
	}
	for (size_t i = 0; wants_ips && i < inspect->ipv4.count; i++)
		add(out, "IP:", inspect->ipv4.items[i]);
	for (size_t i = 0; wants_ips && i < inspect->ipv6.count; i++)
		add(out, "IP:", inspect->ipv6.items[i]);
	if (wants_stats)
		info_rows_print_stats(inspect, is_raw, out);
}

static int tell(struct call *call, const char *name, const struct cgroup_host *host,
                struct json *json, struct text *out)
{
	CLEAN(inspect_done) struct inspect inspect = {0};
	struct error err = {0};

	if (!inspect_exists(call, name, &err))
		return output_error(call, name, &err);
	inspect_open(&inspect, call, host, name, wants_of(call));
	if (call->json) {
		json_object(json, NULL);
		info_rows_json(&inspect, json);
		json_end_object(json);
		return 0;
	}
	if (!filters()) {
		info_rows_print(&inspect, is_raw, out);
		return 0;
	}
	add_filtered(&inspect, out);
	return keys.count ? add_keys(call, name, out) : 0;
}

static int run(struct call *call)
{
	CLEAN(strings_done) struct strings names = {0};
	CLEAN(text_done) struct text text = {0};
	CLEAN(json_done) struct json json = {0};
	struct cgroup_host host = {0};
	struct error err = {0};
	int code = 0, printed;

	if (names_expand(call, &names, &err) < 0)
		return names_error(call, &err);
	if ((wants_of(call) & INSPECT_USAGE) && cgroup_detect(&host, NULL, &err) < 0)
		output_note(call, "no use and limits: %s", err.text);
	output_json_begin(&json);
	json_array(&json, "containers");
	for (size_t i = 0; i < names.count; i++) {
		int r;

		if (i && !call->json && !filters())
			text_add(&text, "\n");
		r = tell(call, names.items[i], &host, &json, &text);
		code = r && names.count > 1 ? EXIT_SOME_FAILED : r ? r : code;
	}
	json_end_array(&json);
	json_end_object(&json);
	if (call->json && code && names.count == 1)
		return code;
	printed = call->json ? output_json(call, &json) : output_text(call, &text);
	return code ? code : printed;
}

/* clang-format off */
static const struct option_row options[] = {
	{'s', "state",       OPTION_FLAG, &wants_state, NULL,  "the state"},
	{'p', "pid",         OPTION_FLAG, &wants_pid,   NULL,  "the process id of its init"},
	{'i', "ips",         OPTION_FLAG, &wants_ips,   NULL,  "its addresses"},
	{'S', "stats",       OPTION_FLAG, &wants_stats, NULL,  "use and limits"},
	{'c', "config",      OPTION_LIST, &keys,        "KEY", "the value of a key (section.key)"},
	{'H', "no-humanize", OPTION_FLAG, &is_raw,      NULL,  "bytes and ns; of one filter only the value"},
	{0}
};
/* clang-format on */

const struct command cmd_info = {
	.name = "info",
	.operands = "NAME…",
	.summary = "Tell what is known about a container",
	.details = "-s, -p, -i, -S and -c print only what they name.\n",
	.options = options,
	.needs = NEEDS_DEFINED,
	.flags = COMMAND_NAMES | COMMAND_JSON,
	.run = run,
};
