/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What each column of sysc-ls prints, as text and as JSON; see the header. */
#include "tools/ls_columns.h"
#include "tools/boot.h"

#include "base/parse.h"
#include "base/table.h"
#include "tools/ending.h"
#include "tools/inspect.h"
#include "tools/moment.h"
#include "tools/usage_rows.h"

#include <stddef.h>
#include <strings.h>

static void print_name(const struct inspect *inspect, struct text *out)
{
	text_add(out, inspect->name);
}

static void json_name(const struct inspect *inspect, struct json *json)
{
	json_string(json, "name", inspect->name);
}

static void print_state(const struct inspect *inspect, struct text *out)
{
	if (inspect->has_state)
		text_add(out, state_name(inspect->state.phase));
}

static void json_state(const struct inspect *inspect, struct json *json)
{
	json_string(json, "state", inspect->has_state ? state_name(inspect->state.phase) : NULL);
}

static void print_pid(const struct inspect *inspect, struct text *out)
{
	if (inspect->is_alive)
		text_addf(out, "%d", (int)inspect->state.init_pid);
}

static void json_pid(const struct inspect *inspect, struct json *json)
{
	if (inspect->is_alive)
		json_number(json, "pid", inspect->state.init_pid);
	else
		json_null(json, "pid");
}

static void print_list(const struct strings *list, struct text *out)
{
	for (size_t i = 0; i < list->count; i++)
		text_addf(out, "%s%s", i ? ", " : "", list->items[i]);
}

static void json_list(const struct strings *list, const char *key, struct json *json)
{
	json_array(json, key);
	for (size_t i = 0; i < list->count; i++)
		json_string(json, NULL, list->items[i]);
	json_end_array(json);
}

static void print_groups(const struct inspect *inspect, struct text *out)
{
	print_list(&inspect->container.config.groups, out);
}

static void json_groups(const struct inspect *inspect, struct json *json)
{
	json_list(&inspect->container.config.groups, "groups", json);
}

static void print_ipv4(const struct inspect *inspect, struct text *out)
{
	print_list(&inspect->ipv4, out);
}

static void json_ipv4(const struct inspect *inspect, struct json *json)
{
	json_list(&inspect->ipv4, "ipv4", json);
}

static void print_ipv6(const struct inspect *inspect, struct text *out)
{
	print_list(&inspect->ipv6, out);
}

static void json_ipv6(const struct inspect *inspect, struct json *json)
{
	json_list(&inspect->ipv6, "ipv6", json);
}

static void print_interface(const struct inspect *inspect, struct text *out)
{
	for (unsigned int i = 0; i < inspect->state.link_count; i++)
		text_addf(out, "%s%s", i ? ", " : "", inspect->state.links[i]);
}

static void json_interface(const struct inspect *inspect, struct json *json)
{
	json_array(json, "interfaces");
	for (unsigned int i = 0; i < inspect->state.link_count; i++)
		json_string(json, NULL, inspect->state.links[i]);
	json_end_array(json);
}

/* "12M" or "12M/512M". */
static void print_size(uint64_t use, uint64_t limit, struct text *out)
{
	char size[24];

	if (use == LIMIT_UNSET)
		return;
	format_size(use, size);
	text_add(out, size);
	if (limit == LIMIT_UNSET)
		return;
	format_size(limit, size);
	text_addf(out, "/%s", size);
}

static void print_memory(const struct inspect *inspect, struct text *out)
{
	print_size(inspect->usage.memory, inspect->usage.memory_limit, out);
}

static void json_memory(const struct inspect *inspect, struct json *json)
{
	usage_json_amount(json, "memory", inspect->usage.memory);
	usage_json_amount(json, "memory_limit", inspect->usage.memory_limit);
}

static void print_swap(const struct inspect *inspect, struct text *out)
{
	print_size(inspect->usage.swap, inspect->usage.swap_limit, out);
}

static void json_swap(const struct inspect *inspect, struct json *json)
{
	usage_json_amount(json, "swap", inspect->usage.swap);
	usage_json_amount(json, "swap_limit", inspect->usage.swap_limit);
}

/* Seconds of processor time since the start. */
static void print_cpu(const struct inspect *inspect, struct text *out)
{
	uint64_t ns = inspect->usage.cpu_ns;

	if (ns != LIMIT_UNSET)
		text_addf(out, "%llu.%02llus", (unsigned long long)(ns / 1000000000),
		          (unsigned long long)(ns / 10000000 % 100));
}

static void json_cpu(const struct inspect *inspect, struct json *json)
{
	usage_json_amount(json, "cpu_ns", inspect->usage.cpu_ns);
}

static void print_pids(const struct inspect *inspect, struct text *out)
{
	const struct cgroup_usage *usage = &inspect->usage;

	if (usage->pids == LIMIT_UNSET)
		return;
	text_addf(out, "%llu", (unsigned long long)usage->pids);
	if (usage->pids_limit != LIMIT_UNSET)
		text_addf(out, "/%llu", (unsigned long long)usage->pids_limit);
}

static void json_pids(const struct inspect *inspect, struct json *json)
{
	usage_json_amount(json, "pids", inspect->usage.pids);
	usage_json_amount(json, "pids_limit", inspect->usage.pids_limit);
}

static void print_unit(const struct inspect *inspect, struct text *out)
{
	if (inspect->is_alive)
		text_add(out, inspect->state.unit);
}

static void json_unit(const struct inspect *inspect, struct json *json)
{
	bool has_unit = inspect->is_alive && inspect->state.unit[0];

	json_string(json, "unit", has_unit ? inspect->state.unit : NULL);
}

static void print_io(const struct inspect *inspect, struct text *out)
{
	const struct cgroup_usage *usage = &inspect->usage;

	if (usage->io_read != LIMIT_UNSET)
		print_size(usage->io_read, usage->io_written, out);
}

static void json_io(const struct inspect *inspect, struct json *json)
{
	usage_json_amount(json, "io_read", inspect->usage.io_read);
	usage_json_amount(json, "io_written", inspect->usage.io_written);
}

static void print_oom(const struct inspect *inspect, struct text *out)
{
	if (inspect->usage.oom_kills != LIMIT_UNSET)
		text_addf(out, "%llu", (unsigned long long)inspect->usage.oom_kills);
}

static void json_oom(const struct inspect *inspect, struct json *json)
{
	usage_json_amount(json, "oom_kills", inspect->usage.oom_kills);
}

/* "1.25%/0.00%": some and full of the last ten seconds. */
static void print_pressure(const struct cgroup_pressure *pressure, struct text *out)
{
	uint64_t some = pressure->some.avg10, full = pressure->full.avg10;

	if (some == LIMIT_UNSET)
		return;
	text_addf(out, "%llu.%02llu%%", (unsigned long long)some / 100,
	          (unsigned long long)some % 100);
	if (full != LIMIT_UNSET)
		text_addf(out, "/%llu.%02llu%%", (unsigned long long)full / 100,
		          (unsigned long long)full % 100);
}

static void print_cpu_pressure(const struct inspect *inspect, struct text *out)
{
	print_pressure(&inspect->usage.cpu_pressure, out);
}

static void json_cpu_pressure(const struct inspect *inspect, struct json *json)
{
	usage_json_pressure(&inspect->usage.cpu_pressure, "cpu_pressure", json);
}

static void print_memory_pressure(const struct inspect *inspect, struct text *out)
{
	print_pressure(&inspect->usage.memory_pressure, out);
}

static void json_memory_pressure(const struct inspect *inspect, struct json *json)
{
	usage_json_pressure(&inspect->usage.memory_pressure, "memory_pressure", json);
}

static void print_io_pressure(const struct inspect *inspect, struct text *out)
{
	print_pressure(&inspect->usage.io_pressure, out);
}

static void json_io_pressure(const struct inspect *inspect, struct json *json)
{
	usage_json_pressure(&inspect->usage.io_pressure, "io_pressure", json);
}

static void print_unprivileged(const struct inspect *inspect, struct text *out)
{
	text_add(out, inspect->is_privileged ? "false" : "true");
}

static void json_unprivileged(const struct inspect *inspect, struct json *json)
{
	json_bool(json, "unprivileged", !inspect->is_privileged);
}

static void print_uptime(const struct inspect *inspect, struct text *out)
{
	char span[MOMENT_ROOM];

	if (inspect->is_alive && inspect->state.started_ms)
		text_add(out, moment_format_span(state_now_ms() - inspect->state.started_ms, span));
}

static void json_uptime(const struct inspect *inspect, struct json *json)
{
	char when[MOMENT_ROOM];

	json_string(json, "started",
	            inspect->is_alive && inspect->state.started_ms
	                    ? moment_format(inspect->state.started_ms, when)
	                    : NULL);
}

/* "yes 10" with its order; nothing where the configuration cannot be read. */
static void print_autostart(const struct inspect *inspect, struct text *out)
{
	const struct boot_config *boot = &inspect->container.config.boot;

	if (inspect->has_config && boot->autostart)
		text_addf(out, "yes %llu", (unsigned long long)boot->order);
	else if (inspect->has_config)
		text_add(out, "no");
}

static void json_autostart(const struct inspect *inspect, struct json *json)
{
	const struct boot_config *boot = &inspect->container.config.boot;

	if (inspect->has_config) {
		json_bool(json, "autostart", boot->autostart);
		json_unsigned(json, "order", boot->order);
	} else {
		json_null(json, "autostart");
		json_null(json, "order");
	}
}

static void print_ready(const struct inspect *inspect, struct text *out)
{
	if (inspect->is_alive)
		text_add(out, boot_is_ready(&inspect->state) ? "yes" : "no");
}

static void json_ready(const struct inspect *inspect, struct json *json)
{
	char when[MOMENT_ROOM];

	json_string(json, "ready",
	            inspect->is_alive && boot_is_ready(&inspect->state)
	                    ? moment_format(inspect->state.ready_ms, when)
	                    : NULL);
}

static void print_health(const struct inspect *inspect, struct text *out)
{
	text_add(out, inspect->state.phase == STATE_STOPPED ? "" : inspect->state.health);
}

static void json_health(const struct inspect *inspect, struct json *json)
{
	const char *health = inspect->state.health;

	json_string(json, "health",
	            inspect->state.phase != STATE_STOPPED && *health ? health : NULL);
}

static void print_restart(const struct inspect *inspect, struct text *out)
{
	ending_describe_restart(&inspect->state, out);
}

static void json_restart(const struct inspect *inspect, struct json *json)
{
	char when[MOMENT_ROOM];

	json_unsigned(json, "restarts", inspect->state.restarts);
	json_string(json, "restart_at",
	            inspect->state.restart_at_ms ? moment_format(inspect->state.restart_at_ms, when)
	                                         : NULL);
}

static void print_description(const struct inspect *inspect, struct text *out)
{
	if (inspect->container.config.description)
		text_add(out, inspect->container.config.description);
}

static void json_description(const struct inspect *inspect, struct json *json)
{
	json_string(json, "description", inspect->container.config.description);
}

/* clang-format off */
const struct ls_column ls_columns[] = {
	{"NAME",         NULL,    0,                               print_name,         json_name        },
	{"STATE",        NULL,    INSPECT_STATE,                   print_state,        json_state       },
	{"PID",          NULL,    INSPECT_STATE,                   print_pid,          json_pid         },
	{"GROUPS",       "GROUP", INSPECT_CONFIG,                  print_groups,       json_groups      },
	{"INTERFACE",    NULL,    INSPECT_STATE,                   print_interface,    json_interface   },
	{"IPV4",         NULL,    INSPECT_STATE|INSPECT_ADDRESSES, print_ipv4,         json_ipv4        },
	{"IPV6",         NULL,    INSPECT_STATE|INSPECT_ADDRESSES, print_ipv6,         json_ipv6        },
	{"MEMORY",       "RAM",   INSPECT_STATE|INSPECT_MEMORY,    print_memory,       json_memory      },
	{"SWAP",         NULL,    INSPECT_STATE|INSPECT_MEMORY,    print_swap,         json_swap        },
	{"CPU",          NULL,    INSPECT_STATE|INSPECT_CPU,       print_cpu,          json_cpu         },
	{"PIDS",         NULL,    INSPECT_STATE|INSPECT_PIDS,      print_pids,         json_pids        },
	{"UNPRIVILEGED", NULL,    INSPECT_STATE|INSPECT_IDS,       print_unprivileged, json_unprivileged},
	{"UPTIME",       NULL,    INSPECT_STATE,                   print_uptime,       json_uptime      },
	{"AUTOSTART",    NULL,    INSPECT_CONFIG,                  print_autostart,    json_autostart   },
	{"READY",        NULL,    INSPECT_STATE,                   print_ready,        json_ready       },
	{"HEALTH",       NULL,    INSPECT_STATE,                   print_health,       json_health      },
	{"RESTART",      NULL,    INSPECT_STATE,                   print_restart,      json_restart     },
	{"DESCRIPTION",  NULL,    INSPECT_CONFIG,                  print_description,  json_description },
	{"UNIT",         NULL,    INSPECT_STATE,                   print_unit,         json_unit        },
	/* INSPECT_EXTRA: not among all columns */
	{"IO",           NULL, INSPECT_STATE|INSPECT_IO,              print_io,              json_io},
	{"OOM",          NULL, INSPECT_STATE|INSPECT_OOM,             print_oom,             json_oom},
	{"CPUPSI",       NULL, INSPECT_STATE|INSPECT_CPU_PRESSURE,    print_cpu_pressure,    json_cpu_pressure},
	{"MEMORYPSI",    NULL, INSPECT_STATE|INSPECT_MEMORY_PRESSURE, print_memory_pressure, json_memory_pressure},
	{"IOPSI",        NULL, INSPECT_STATE|INSPECT_IO_PRESSURE,     print_io_pressure,     json_io_pressure},
	{0}
};
/* clang-format on */

const struct ls_column *ls_column_find(const char *word)
{
	for (const struct ls_column *column = ls_columns; column->title; column++)
		if (strcasecmp(column->title, word) == 0 ||
		    (column->alias && strcasecmp(column->alias, word) == 0))
			return column;
	return NULL;
}
