/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The figures of struct cgroup_usage for people and for programs; see the header. */
#include "tools/usage_rows.h"

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/table.h"
#include "base/text.h"
#include "cgroup/cgroup.h"
#include "tools/info_rows.h"

#include <stdio.h>
#include <string.h>

const char *usage_rows_size(uint64_t bytes, bool is_raw, char out[24])
{
	if (is_raw)
		(void)snprintf(out, 24, "%llu", (unsigned long long)bytes);
	else
		format_size(bytes, out);
	return out;
}

/* "12M (limit 512M, peak 20M)"; limit and peak may be unset. */
static void add_size(struct text *out, const char *label, const uint64_t values[3], bool is_raw)
{
	CLEAN(text_done) struct text value = {0};
	const char *open = " (";
	char size[24];

	if (values[0] == LIMIT_UNSET)
		return;
	text_add(&value, usage_rows_size(values[0], is_raw, size));
	for (int i = 1; i < 3 && !is_raw; i++) {
		if (values[i] == LIMIT_UNSET)
			continue;
		text_addf(&value, "%s%s %s", open, i == 1 ? "limit" : "peak",
		          usage_rows_size(values[i], is_raw, size));
		open = ", ";
	}
	if (strcmp(open, ", ") == 0)
		text_add(&value, ")");
	info_rows_line(out, label, value.data);
}

void usage_rows_number(struct text *out, const char *label, uint64_t number)
{
	char value[24];

	if (number == LIMIT_UNSET)
		return;
	(void)snprintf(value, sizeof(value), "%llu", (unsigned long long)number);
	info_rows_line(out, label, value);
}

/* "1.50 seconds", to which the caller may add. */
static void add_seconds(struct text *value, uint64_t ns)
{
	text_addf(value, "%llu.%02llu seconds", (unsigned long long)(ns / 1000000000),
	          (unsigned long long)(ns / 10000000 % 100));
}

static void add_time(struct text *out, const char *label, uint64_t ns, bool is_raw)
{
	CLEAN(text_done) struct text value = {0};

	if (ns == LIMIT_UNSET)
		return;
	if (is_raw) {
		usage_rows_number(out, label, ns);
		return;
	}
	add_seconds(&value, ns);
	info_rows_line(out, label, value.data);
}

static void add_throttled(const struct cgroup_usage *usage, bool is_raw, struct text *out)
{
	CLEAN(text_done) struct text value = {0};

	if (usage->cpu_throttled_ns == LIMIT_UNSET || !usage->cpu_throttles)
		return;
	if (is_raw) {
		usage_rows_number(out, " Throttled:", usage->cpu_throttled_ns);
		return;
	}
	add_seconds(&value, usage->cpu_throttled_ns);
	text_addf(&value, " (%llu times)", (unsigned long long)usage->cpu_throttles);
	info_rows_line(out, " Throttled:", value.data);
}

static void add_cpu(const struct cgroup_usage *usage, bool is_raw, struct text *out)
{
	CLEAN(text_done) struct text value = {0};

	if (usage->cpu_ns == LIMIT_UNSET)
		return;
	if (is_raw) {
		usage_rows_number(out, "CPU use:", usage->cpu_ns);
	} else {
		add_seconds(&value, usage->cpu_ns);
		if (usage->millicpus_limit != LIMIT_UNSET)
			text_addf(&value, " (limit %llu.%03llu cpus)",
			          (unsigned long long)(usage->millicpus_limit / 1000),
			          (unsigned long long)(usage->millicpus_limit % 1000));
		info_rows_line(out, "CPU use:", value.data);
	}
	add_time(out, " User:", usage->cpu_user_ns, is_raw);
	add_time(out, " System:", usage->cpu_system_ns, is_raw);
	add_throttled(usage, is_raw, out);
	if (usage->cpuset[0] && !is_raw)
		info_rows_line(out, "CPUs:", usage->cpuset);
}

static void add_pids(const struct cgroup_usage *usage, bool is_raw, struct text *out)
{
	char value[64];

	if (usage->pids == LIMIT_UNSET || is_raw || usage->pids_limit == LIMIT_UNSET) {
		usage_rows_number(out, "Processes:", usage->pids);
		return;
	}
	(void)snprintf(value, sizeof(value), "%llu (limit %llu)", (unsigned long long)usage->pids,
	               (unsigned long long)usage->pids_limit);
	info_rows_line(out, "Processes:", value);
}

static void add_memory_events(const struct cgroup_usage *usage, struct text *out)
{
	const struct {
		const char *name;
		uint64_t count;
	} events[] = {
		{"high", usage->memory_highs},
                {"max",  usage->memory_maxes},
                {"oom",  usage->ooms        }
        };
	CLEAN(text_done) struct text value = {0};

	for (size_t i = 0; i < ARRAY_SIZE(events); i++)
		if (events[i].count && events[i].count != LIMIT_UNSET)
			text_addf(&value, "%s%s %llu", value.length ? ", " : "", events[i].name,
			          (unsigned long long)events[i].count);
	if (value.length)
		info_rows_line(out, "Memory events:", value.data);
	usage_rows_number(out, "OOM kills:", usage->oom_kills);
}

/* "some 1.25% 0.10% 0.32s" */
static void add_stall(const struct cgroup_stall *stall, const char *name, struct text *value)
{
	if (stall->avg10 == LIMIT_UNSET || stall->avg60 == LIMIT_UNSET ||
	    stall->total_us == LIMIT_UNSET)
		return;
	text_addf(value, "%s%s %llu.%02llu%% %llu.%02llu%% %llu.%02llus", value->length ? ", " : "",
	          name, (unsigned long long)stall->avg10 / 100,
	          (unsigned long long)stall->avg10 % 100, (unsigned long long)stall->avg60 / 100,
	          (unsigned long long)stall->avg60 % 100,
	          (unsigned long long)stall->total_us / 1000000,
	          (unsigned long long)stall->total_us / 10000 % 100);
}

static void add_pressure(const struct cgroup_pressure *pressure, const char *label,
                         struct text *out)
{
	CLEAN(text_done) struct text value = {0};

	add_stall(&pressure->some, "some", &value);
	add_stall(&pressure->full, "full", &value);
	if (value.length)
		info_rows_line(out, label, value.data);
}

void usage_rows_print(const struct cgroup_usage *usage, bool is_raw, struct text *out)
{
	const uint64_t memory[] = {usage->memory, usage->memory_limit, usage->memory_peak};
	const uint64_t swap[] = {usage->swap, usage->swap_limit, LIMIT_UNSET};
	const uint64_t read_bytes[] = {usage->io_read, LIMIT_UNSET, LIMIT_UNSET};
	const uint64_t written[] = {usage->io_written, LIMIT_UNSET, LIMIT_UNSET};

	add_cpu(usage, is_raw, out);
	add_size(out, "Memory use:", memory, is_raw);
	add_size(out, "Swap use:", swap, is_raw);
	add_pids(usage, is_raw, out);
	add_size(out, "IO read:", read_bytes, is_raw);
	add_size(out, "IO written:", written, is_raw);
	usage_rows_number(out, "IO reads:", usage->io_reads);
	usage_rows_number(out, "IO writes:", usage->io_writes);
	add_memory_events(usage, out);
	add_pressure(&usage->cpu_pressure, "CPU pressure:", out);
	add_pressure(&usage->memory_pressure, "Mem. pressure:", out);
	add_pressure(&usage->io_pressure, "IO pressure:", out);
}

void usage_json_amount(struct json *json, const char *key, uint64_t value)
{
	if (value == LIMIT_UNSET)
		json_null(json, key);
	else
		json_unsigned(json, key, value);
}

static void json_stall(const struct cgroup_stall *stall, const char *key, struct json *json)
{
	if (stall->avg10 == LIMIT_UNSET || stall->avg60 == LIMIT_UNSET) {
		json_null(json, key);
		return;
	}
	json_object(json, key);
	json_decimal(json, "avg10", stall->avg10, 2);
	json_decimal(json, "avg60", stall->avg60, 2);
	usage_json_amount(json, "total_us", stall->total_us);
	json_end_object(json);
}

void usage_json_pressure(const struct cgroup_pressure *pressure, const char *key, struct json *json)
{
	if (pressure->some.avg10 == LIMIT_UNSET) {
		json_null(json, key);
		return;
	}
	json_object(json, key);
	json_stall(&pressure->some, "some", json);
	json_stall(&pressure->full, "full", json);
	json_end_object(json);
}

void usage_rows_json(const struct cgroup_usage *usage, struct json *json)
{
	const struct {
		const char *key;
		uint64_t value;
	} amounts[] = {
		{"memory",           usage->memory          },
		{"memory_limit",     usage->memory_limit    },
		{"memory_peak",      usage->memory_peak     },
		{"swap",             usage->swap            },
		{"swap_limit",       usage->swap_limit      },
		{"cpu_ns",           usage->cpu_ns          },
		{"cpu_user_ns",      usage->cpu_user_ns     },
		{"cpu_system_ns",    usage->cpu_system_ns   },
		{"cpu_throttles",    usage->cpu_throttles   },
		{"cpu_throttled_ns", usage->cpu_throttled_ns},
		{"millicpus_limit",  usage->millicpus_limit },
		{"pids",             usage->pids            },
		{"pids_limit",       usage->pids_limit      },
		{"io_read",          usage->io_read         },
		{"io_written",       usage->io_written      },
		{"io_reads",         usage->io_reads        },
		{"io_writes",        usage->io_writes       },
		{"memory_highs",     usage->memory_highs    },
		{"memory_maxes",     usage->memory_maxes    },
		{"ooms",             usage->ooms            },
		{"oom_kills",        usage->oom_kills       },
	};

	json_object(json, "usage");
	for (size_t i = 0; i < ARRAY_SIZE(amounts); i++)
		usage_json_amount(json, amounts[i].key, amounts[i].value);
	json_string(json, "cpuset", usage->cpuset[0] ? usage->cpuset : NULL);
	usage_json_pressure(&usage->cpu_pressure, "cpu_pressure", json);
	usage_json_pressure(&usage->memory_pressure, "memory_pressure", json);
	usage_json_pressure(&usage->io_pressure, "io_pressure", json);
	json_end_object(json);
}
