/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lxc.cgroup2.* and lxc.cgroup.*: limits in the words of [limits], which hold on any host, devices as a list of what is
 * allowed. What version 2 says counts where a configuration has both.
 */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/parse.h"
#include "container/config.h"
#include "container/lxc_translate.h"

#include <stdio.h>
#include <string.h>

#define PERIOD_US 100000 /* of the kernel */

static bool is_v1(const struct lxc_line *line)
{
	return text_starts(line->name, "lxc.cgroup.");
}

/* Sets what a line comes to, unless version 2 has said it already. */
static void set_limit(struct lxc_translation *t, const struct lxc_row *row,
                      const struct lxc_line *line, const char *value)
{
	const struct lxc_value *old = lxc_find(t, "limits", strchr(row->to, '.') + 1);

	if (old && is_v1(line) && !is_v1(&old->from))
		lxc_leave(t, line, "not needed: %s says it", old->from.key);
	else
		(void)lxc_set_row(t, row, value, line);
}

static bool clears(struct lxc_translation *t, const struct lxc_row *row,
                   const struct lxc_line *line)
{
	if (*line->value)
		return false;
	lxc_clear(t, "limits", strchr(row->to, '.') + 1);
	return true;
}

/* Bytes, a number of the kernel's: -1 and max are no limit. */
static void take_size(struct lxc_translation *t, const struct lxc_row *row,
                      const struct lxc_line *line, const char *star)
{
	(void)star;
	if (!clears(t, row, line))
		set_limit(t, row, line, text_is(line->value, "-1") ? "max" : line->value);
}

/* "100", "default 100" */
static void take_weight(struct lxc_translation *t, const struct lxc_row *row,
                        const struct lxc_line *line, const char *star)
{
	static const char word[] = "default ";

	(void)star;
	if (!clears(t, row, line))
		set_limit(t, row, line,
		          line->value + (text_starts(line->value, word) ? sizeof(word) - 1 : 0));
}

/* A weight of version 1, of which usual is 100 of version 2. */
static void take_old_weight(struct lxc_translation *t, const struct lxc_row *row,
                            const struct lxc_line *line, uint64_t usual)
{
	CLEAN_FREE char *value = NULL;
	uint64_t number = 0;

	if (clears(t, row, line))
		return;
	if (parse_uint(line->value, 1 << 20, &number) < 0) {
		lxc_leave(t, line, "it is no weight");
		return;
	}
	number = (number * 100 + usual / 2) / usual;
	number = number < 1 ? 1 : number > 10000 ? 10000 : number;
	value = must_printf("%llu", (unsigned long long)number);
	set_limit(t, row, line, value);
}

static void take_shares(struct lxc_translation *t, const struct lxc_row *row,
                        const struct lxc_line *line, const char *star)
{
	(void)star;
	take_old_weight(t, row, line, 1024);
}

static void take_blkio_weight(struct lxc_translation *t, const struct lxc_row *row,
                              const struct lxc_line *line, const char *star)
{
	(void)star;
	take_old_weight(t, row, line, 500);
}

/* --- processor time --- */

static void set_cpus(struct lxc_translation *t, const struct lxc_row *row,
                     const struct lxc_line *line, uint64_t quota, uint64_t period)
{
	uint64_t milli = period ? (quota * 1000 + period / 2) / period : 0;
	char value[32];

	if (!milli || milli > 10000000) {
		lxc_leave(t, line, "it is no share of processor time");
		return;
	}
	(void)snprintf(value, sizeof(value), "%llu.%03llu", (unsigned long long)milli / 1000,
	               (unsigned long long)milli % 1000);
	while (text_ends(value, "0"))
		value[strlen(value) - 1] = '\0';
	if (text_ends(value, "."))
		value[strlen(value) - 1] = '\0';
	set_limit(t, row, line, value);
}

/* cpu.max: "QUOTA [PERIOD]" */
static void take_cpu_max(struct lxc_translation *t, const struct lxc_row *row,
                         const struct lxc_line *line, const char *star)
{
	CLEAN(strings_done) struct strings words = {0};
	uint64_t quota = 0, period = PERIOD_US;

	(void)star;
	if (clears(t, row, line))
		return;
	strings_split(&words, line->value, " \t");
	if (words.count > 2 ||
	    (words.count == 2 && parse_uint(words.items[1], 1000000000, &period) < 0))
		lxc_leave(t, line, "it is not of the form QUOTA PERIOD");
	else if (text_is(words.items[0], "max"))
		set_limit(t, row, line, "max");
	else if (parse_uint(words.items[0], 1000000000000, &quota) < 0)
		lxc_leave(t, line, "it is not of the form QUOTA PERIOD");
	else
		set_cpus(t, row, line, quota, period);
}

/* Those of version 1 that only make sense with another one: when all was read. */
static void take_quota(struct lxc_translation *t, const struct lxc_row *row,
                       const struct lxc_line *line, const char *star)
{
	(void)row, (void)star;
	t->cgroup.quota = *line;
}

static void take_period(struct lxc_translation *t, const struct lxc_row *row,
                        const struct lxc_line *line, const char *star)
{
	(void)row, (void)star;
	t->cgroup.period = *line;
}

static void take_memory(struct lxc_translation *t, const struct lxc_row *row,
                        const struct lxc_line *line, const char *star)
{
	t->cgroup.memory = *line;
	take_size(t, row, line, star);
}

static void take_memory_swap(struct lxc_translation *t, const struct lxc_row *row,
                             const struct lxc_line *line, const char *star)
{
	(void)row, (void)star;
	t->cgroup.memory_swap = *line;
}

static void finish_cpus(struct lxc_translation *t)
{
	const struct lxc_line *quota = &t->cgroup.quota, *period = &t->cgroup.period;
	uint64_t quota_us = 0, period_us = PERIOD_US;
	bool has_quota = quota->key && *quota->value;

	if (period->key && *period->value &&
	    parse_uint(period->value, 1000000000, &period_us) < 0) {
		lxc_leave(t, period, "it is no period");
		return;
	}
	if (!has_quota && period->key && *period->value)
		lxc_leave(t, period, "there is no quota for it");
	if (!has_quota)
		return;
	if (text_starts(quota->value, "-"))
		set_limit(t, quota->row, quota, "max");
	else if (parse_uint(quota->value, 1000000000000, &quota_us) < 0)
		lxc_leave(t, quota, "it is no quota");
	else
		set_cpus(t, quota->row, quota, quota_us, period_us);
}

/* Version 1 limits memory and swap together. */
static void finish_swap(struct lxc_translation *t)
{
	const struct lxc_line *line = &t->cgroup.memory_swap;
	const struct lxc_line *memory = &t->cgroup.memory;
	uint64_t both = 0, own = 0;
	char value[LXC_SIZE_ROOM];

	if (!line->key || !*line->value)
		return;
	if (text_is(line->value, "-1")) {
		set_limit(t, line->row, line, "max");
		return;
	}
	if (!memory->key || parse_size(memory->value, &own) < 0) {
		lxc_leave(t, line,
		          "there is no limit of memory, of which this is the sum with swap");
		return;
	}
	if (parse_size(line->value, &both) < 0 || both < own) {
		lxc_leave(t, line, "it is not above %s", memory->key);
		return;
	}
	lxc_format_size(both - own, value);
	set_limit(t, line->row, line, value);
}

/* --- disks --- */

/* "8:0 1048576", of which row->text is the word of version 2. */
static void take_throttle(struct lxc_translation *t, const struct lxc_row *row,
                          const struct lxc_line *line, const char *star)
{
	CLEAN(strings_done) struct strings words = {0};
	CLEAN_FREE char *value = NULL;
	const struct lxc_value *old = lxc_find(t, "limits", "io");

	(void)star;
	if (clears(t, row, line))
		return;
	strings_split(&words, line->value, " \t");
	if (words.count != 2) {
		lxc_leave(t, line, "it is not of the form MAJOR:MINOR LIMIT");
		return;
	}
	if (old && !is_v1(&old->from)) {
		lxc_leave(t, line, "not needed: %s says it", old->from.key);
		return;
	}
	value = must_printf("%s %s=%s", words.items[0], row->text, words.items[1]);
	(void)lxc_set_row(t, row, value, line);
}

/* A list: that of version 1 goes with the first of version 2. */
static void take_io_max(struct lxc_translation *t, const struct lxc_row *row,
                        const struct lxc_line *line, const char *star)
{
	const struct lxc_value *old = lxc_find(t, "limits", "io");

	(void)star;
	if (clears(t, row, line))
		return;
	if (old && is_v1(&old->from))
		lxc_clear(t, "limits", "io");
	(void)lxc_set_row(t, row, line->value, line);
}

/* --- all other files --- */

static void take_file(struct lxc_translation *t, const struct lxc_row *row,
                      const struct lxc_line *line, const char *star)
{
	(void)row;
	if (!*line->value)
		lxc_clear(t, "cgroup", star);
	else
		(void)lxc_set(t, "cgroup", star, line->value, line);
}

static void take_old_file(struct lxc_translation *t, const struct lxc_row *row,
                          const struct lxc_line *line, const char *star)
{
	(void)row;
	if (*line->value)
		lxc_leave(t, line, "only cgroup version 1 has it: there, cgroup.v1:%s would set it",
		          star);
}

/* --- devices --- */

static void take_device(struct lxc_translation *t, const struct lxc_row *row,
                        const struct lxc_line *line, const char *star)
{
	struct lxc_lines *lines = &t->cgroup.devices[is_v1(line) ? LXC_V1 : LXC_V2];
	size_t kept = 0;

	(void)star;
	if (*line->value) {
		lxc_lines_add(lines, line);
		return;
	}
	for (size_t i = 0; i < lines->count; i++) /* an empty one takes back those of its key */
		if (lines->items[i].row != row)
			lines->items[kept++] = lines->items[i];
	lines->count = kept;
}

static bool is_deny(const struct lxc_line *line)
{
	return text_ends(line->name, ".deny");
}

/* "a", "a *:* rwm" */
static bool means_all(const struct lxc_line *line)
{
	return text_is(line->value, "a") || text_starts(line->value, "a ");
}

/* What every container of sysc may do: the rules with which all configurations of LXC begin. */
static bool is_usual(const char *value)
{
	static const char *const devices[] = {"c 1:3 ",   "c 1:5 ",  "c 1:7 ", "c 1:8 ",
	                                      "c 1:9 ",   "c 5:0 ",  "c 5:1 ", "c 5:2 ",
	                                      "c 136:* ", "c *:* m", "b *:* m"};

	for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
		if (text_starts(value, devices[i]) &&
		    (text_ends(devices[i], " ") || text_is(value, devices[i])))
			return true;
	return false;
}

/* Allowed before: what is denied now was meant. */
static bool take_back(struct lxc_translation *t, const struct lxc_line *line)
{
	for (size_t i = t->value_count; i-- > 0;) {
		if (!text_is(t->values[i].section, "devices") ||
		    !text_is(t->values[i].value, line->value))
			continue;
		lxc_drop(t, i);
		return true;
	}
	return false;
}

static void allow_everything(struct lxc_translation *t, const struct lxc_line *line,
                             const struct lxc_line *denied)
{
	lxc_clear(t, "devices", "allow");
	if (denied) {
		lxc_leave(t, line, "'all but %s' has no counterpart: name what may be used",
		          denied->value);
		return;
	}
	(void)lxc_set(t, "devices", "allow", "c *:* rwm", line);
	(void)lxc_set(t, "devices", "allow", "b *:* rwm", line);
}

/* The rule behind which nothing before counts; lines->count: there is none, as if all were allowed. */
static size_t last_of_all(const struct lxc_lines *lines)
{
	for (size_t i = lines->count; i-- > 0;)
		if (means_all(&lines->items[i]))
			return i;
	return lines->count;
}

static void finish_devices(struct lxc_translation *t, const struct lxc_lines *lines)
{
	size_t last = last_of_all(lines);
	bool all_allowed = last < lines->count && !is_deny(&lines->items[last]);
	const struct lxc_line *denied = NULL;

	for (size_t i = last < lines->count ? last + 1 : 0; i < lines->count; i++) {
		const struct lxc_line *line = &lines->items[i];

		if (all_allowed && is_deny(line))
			denied = line;
		else if (all_allowed)
			lxc_leave(t, line, "not needed: all are allowed");
		else if (is_deny(line) && !take_back(t, line))
			lxc_leave(t, line, "not needed: what is not allowed is denied");
		else if (!is_deny(line) && is_usual(line->value))
			lxc_leave(t, line, "not needed: every container may use it");
		else if (!is_deny(line))
			(void)lxc_set(t, "devices", "allow", line->value, line);
	}
	if (all_allowed)
		allow_everything(t, &lines->items[last], denied);
	else if (last < lines->count)
		lxc_leave(t, &lines->items[last], "not needed: what is not allowed is denied");
}

void lxc_cgroup_finish(struct lxc_translation *t)
{
	struct lxc_lines *devices = t->cgroup.devices;

	finish_cpus(t);
	finish_swap(t);
	finish_devices(t, &devices[devices[LXC_V2].count ? LXC_V2 : LXC_V1]);
	for (size_t i = 0; devices[LXC_V2].count && i < devices[LXC_V1].count; i++)
		lxc_leave(t, &devices[LXC_V1].items[i],
		          "not needed: lxc.cgroup2.devices.* are the rules");
}

/* --- the table --- */

/* clang-format off */
const struct lxc_row lxc_rows_cgroup[] = {
	{"lxc.cgroup2.memory.max", NULL, "limits.memory", take_size, NULL},
	{"lxc.cgroup2.memory.high", NULL, "limits.memory_high", take_size, NULL},
	{"lxc.cgroup2.memory.low", NULL, "limits.memory_low", take_size, NULL},
	{"lxc.cgroup2.memory.swap.max", NULL, "limits.swap", take_size, NULL},
	{"lxc.cgroup2.cpu.max", NULL, "limits.cpus", take_cpu_max, NULL},
	{"lxc.cgroup2.cpu.weight", NULL, "limits.cpu_weight", take_weight, NULL},
	{"lxc.cgroup2.cpuset.cpus", NULL, "limits.cpuset", take_size, NULL},
	{"lxc.cgroup2.pids.max", NULL, "limits.pids", take_size, NULL},
	{"lxc.cgroup2.io.weight", NULL, "limits.io_weight", take_weight, NULL},
	{"lxc.cgroup2.io.max", NULL, "limits.io", take_io_max, NULL},
	{"lxc.cgroup2.devices.allow", NULL, "devices.allow", take_device, NULL},
	{"lxc.cgroup2.devices.deny", NULL, "devices.allow", take_device, NULL},
	{"lxc.cgroup2.*", NULL, "cgroup.*", take_file, NULL},
	{"lxc.cgroup.memory.limit_in_bytes", NULL, "limits.memory", take_memory, NULL},
	{"lxc.cgroup.memory.memsw.limit_in_bytes", NULL, "limits.swap", take_memory_swap, NULL},
	{"lxc.cgroup.cpu.cfs_quota_us", NULL, "limits.cpus", take_quota, NULL},
	{"lxc.cgroup.cpu.cfs_period_us", NULL, "limits.cpus", take_period, NULL},
	{"lxc.cgroup.cpu.shares", NULL, "limits.cpu_weight", take_shares, NULL},
	{"lxc.cgroup.cpuset.cpus", NULL, "limits.cpuset", take_size, NULL},
	{"lxc.cgroup.pids.max", NULL, "limits.pids", take_size, NULL},
	{"lxc.cgroup.blkio.weight", NULL, "limits.io_weight", take_blkio_weight, NULL},
	{"lxc.cgroup.blkio.throttle.read_bps_device", NULL, "limits.io", take_throttle, "rbps"},
	{"lxc.cgroup.blkio.throttle.write_bps_device", NULL, "limits.io", take_throttle, "wbps"},
	{"lxc.cgroup.blkio.throttle.read_iops_device", NULL, "limits.io", take_throttle, "riops"},
	{"lxc.cgroup.blkio.throttle.write_iops_device", NULL, "limits.io", take_throttle, "wiops"},
	{"lxc.cgroup.devices.allow", NULL, "devices.allow", take_device, NULL},
	{"lxc.cgroup.devices.deny", NULL, "devices.allow", take_device, NULL},
	{"lxc.cgroup.*", NULL, NULL, take_old_file, NULL},
	{0},
};
/* clang-format on */
