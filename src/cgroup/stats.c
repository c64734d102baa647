/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a container uses, for lists of many: each file is opened below one directory fd per
 * hierarchy, read once and closed. Memory is the working set: what is charged less the page cache
 * that nobody has touched lately (inactive_file), since that is given up before anything is short.
 */
#include "base/cleanup.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/text.h"
#include "cgroup/cgroup.h"
#include "cgroup/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define STAT_ROOM 8192 /* memory.stat is the longest: about 3 KiB */

/* What v1 shows for "no limit": the highest whole page, whatever the size of a page. */
#define V1_UNLIMITED (UINT64_C(0x7fffffffffffffff) - 0xffff)

/* The first number of text ("max" and nothing: LIMIT_UNSET). */
static uint64_t number_of(const char *text)
{
	char digits[24];
	size_t length = strspn(text, "0123456789");
	uint64_t value;

	if (!length || length >= sizeof(digits))
		return LIMIT_UNSET;
	memcpy(digits, text, length);
	digits[length] = '\0';
	return parse_uint(digits, UINT64_MAX, &value) < 0 ? LIMIT_UNSET : value;
}

static uint64_t read_number(int dir, const char *file)
{
	char text[64];

	if (dir < 0 || file_read_small(dir, file, text, sizeof(text)) < 0)
		return LIMIT_UNSET;
	return number_of(text);
}

/* The number behind key, at the start of a line of text. */
static uint64_t line_number(const char *text, const char *key)
{
	size_t length = strlen(key);

	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, length) == 0 && line[length] == ' ')
			return number_of(line + length + 1);
	}
	return LIMIT_UNSET;
}

static const char *read_text(int dir, const char *file, char text[STAT_ROOM])
{
	if (dir < 0 || file_read_small(dir, file, text, STAT_ROOM) < 0)
		text[0] = '\0';
	return text;
}

static uint64_t less(uint64_t value, uint64_t part)
{
	if (value == LIMIT_UNSET || part == LIMIT_UNSET)
		return value;
	return value > part ? value - part : 0;
}

static uint64_t times(uint64_t value, uint64_t factor)
{
	return value == LIMIT_UNSET || __builtin_mul_overflow(value, factor, &value) ? LIMIT_UNSET
	                                                                             : value;
}

static uint64_t limit_of_v1(uint64_t value)
{
	return value >= V1_UNLIMITED ? LIMIT_UNSET : value;
}

static void memory_v2(int dir, struct cgroup_usage *usage)
{
	char text[STAT_ROOM];

	read_text(dir, "memory.stat", text);
	usage->memory =
		less(read_number(dir, "memory.current"), line_number(text, "inactive_file"));
	usage->memory_limit = read_number(dir, "memory.max");
	usage->swap = read_number(dir, "memory.swap.current");
	usage->swap_limit = read_number(dir, "memory.swap.max");
}

static void memory_more_v2(int dir, struct cgroup_usage *usage)
{
	usage->memory_peak = read_number(dir, "memory.peak");
}

static void oom_v2(int dir, struct cgroup_usage *usage)
{
	char text[STAT_ROOM];

	read_text(dir, "memory.events", text);
	usage->memory_highs = line_number(text, "high");
	usage->memory_maxes = line_number(text, "max");
	usage->ooms = line_number(text, "oom");
	usage->oom_kills = line_number(text, "oom_kill");
}

/* memory.stat of v1 has swap and the limits in force (the least of all levels) as well. */
static void memory_v1(int dir, struct cgroup_usage *usage)
{
	char text[STAT_ROOM];
	uint64_t both;

	read_text(dir, "memory.stat", text);
	usage->memory = less(read_number(dir, "memory.usage_in_bytes"),
	                     line_number(text, "total_inactive_file"));
	usage->memory_limit = limit_of_v1(line_number(text, "hierarchical_memory_limit"));
	usage->swap = line_number(text, "total_swap");
	both = limit_of_v1(line_number(text, "hierarchical_memsw_limit"));
	if (both != LIMIT_UNSET)
		usage->swap_limit = less(both, usage->memory_limit);
}

static void memory_more_v1(int dir, struct cgroup_usage *usage)
{
	usage->memory_peak = read_number(dir, "memory.max_usage_in_bytes");
}

static void oom_v1(int dir, struct cgroup_usage *usage)
{
	char text[STAT_ROOM];

	usage->memory_maxes = read_number(dir, "memory.failcnt");
	usage->oom_kills = line_number(read_text(dir, "memory.oom_control", text), "oom_kill");
}

static void cpu_time_v2(int dir, struct cgroup_usage *usage)
{
	char text[STAT_ROOM];

	read_text(dir, "cpu.stat", text);
	usage->cpu_ns = times(line_number(text, "usage_usec"), 1000);
	usage->cpu_user_ns = times(line_number(text, "user_usec"), 1000);
	usage->cpu_system_ns = times(line_number(text, "system_usec"), 1000);
	usage->cpu_throttles = line_number(text, "nr_throttled"); /* with the controller */
	usage->cpu_throttled_ns = times(line_number(text, "throttled_usec"), 1000);
}

static void cpu_time_v1(int dir, struct cgroup_usage *usage)
{
	usage->cpu_ns = read_number(dir, "cpuacct.usage");
	usage->cpu_user_ns = read_number(dir, "cpuacct.usage_user");
	usage->cpu_system_ns = read_number(dir, "cpuacct.usage_sys");
}

static uint64_t millicpus(uint64_t quota_us, uint64_t period_us)
{
	if (quota_us == LIMIT_UNSET || period_us == LIMIT_UNSET || period_us == 0)
		return LIMIT_UNSET;
	return times(quota_us, 1000) / period_us;
}

static void cpu_limit_v2(int dir, struct cgroup_usage *usage)
{
	char text[64];
	const char *period;

	if (file_read_small(dir, "cpu.max", text, sizeof(text)) < 0)
		return;
	period = strchr(text, ' ');
	usage->millicpus_limit = millicpus(number_of(text), period ? number_of(period + 1) : 0);
}

static void cpu_limit_v1(int dir, struct cgroup_usage *usage)
{
	uint64_t quota = read_number(dir, "cpu.cfs_quota_us"); /* "-1": none */
	char text[STAT_ROOM];

	read_text(dir, "cpu.stat", text);
	usage->cpu_throttles = line_number(text, "nr_throttled");
	usage->cpu_throttled_ns = line_number(text, "throttled_time");

	if (quota != LIMIT_UNSET)
		usage->millicpus_limit = millicpus(quota, read_number(dir, "cpu.cfs_period_us"));
}

static void pids_both(int dir, struct cgroup_usage *usage)
{
	usage->pids = read_number(dir, "pids.current");
	usage->pids_limit = read_number(dir, "pids.max");
}

static void cpuset_both(int dir, struct cgroup_usage *usage)
{
	char text[sizeof(usage->cpuset)];

	if (file_read_small(dir, "cpuset.cpus", text, sizeof(text)) > 0)
		memcpy(usage->cpuset, text, sizeof(text));
}

/* Sums what follows key anywhere in the lines: "8:0 rbytes=1 wbytes=2 …", "8:0 Read 1". */
static uint64_t sum_of(const char *text, const char *key)
{
	uint64_t sum = 0, value;
	size_t length = strlen(key);

	for (const char *at = text; (at = strstr(at, key)); at += length) {
		value = number_of(at + length);
		if (value != LIMIT_UNSET && __builtin_add_overflow(sum, value, &sum))
			return LIMIT_UNSET;
	}
	return sum;
}

static void io_v2(int dir, struct cgroup_usage *usage)
{
	char text[STAT_ROOM];

	if (file_read_small(dir, "io.stat", text, sizeof(text)) < 0)
		return;
	usage->io_read = sum_of(text, " rbytes=");
	usage->io_written = sum_of(text, " wbytes=");
	usage->io_reads = sum_of(text, " rios=");
	usage->io_writes = sum_of(text, " wios=");
}

static void io_v1(int dir, struct cgroup_usage *usage)
{
	char text[STAT_ROOM];

	if (file_read_small(dir, "blkio.throttle.io_service_bytes_recursive", text, sizeof(text)) <
	    0)
		return;
	usage->io_read = sum_of(text, " Read ");
	usage->io_written = sum_of(text, " Write ");
}

static void io_more_v1(int dir, struct cgroup_usage *usage)
{
	char text[STAT_ROOM];

	if (file_read_small(dir, "blkio.throttle.io_serviced_recursive", text, sizeof(text)) < 0)
		return;
	usage->io_reads = sum_of(text, " Read ");
	usage->io_writes = sum_of(text, " Write ");
}

/* "1.25", always with two places. */
static uint64_t hundredths(const char *text)
{
	uint64_t whole = number_of(text), part;
	const char *point = strchr(text, '.');

	part = point ? number_of(point + 1) : LIMIT_UNSET;
	if (whole > 100 || part > 99)
		return LIMIT_UNSET;
	return whole * 100 + part;
}

/* The text behind "NAME=" in the line, "" when there is none. */
static const char *field(const char *line, const char *name)
{
	const char *at = strstr(line, name), *end = strchr(line, '\n');

	return at && (!end || at < end) ? at + strlen(name) : "";
}

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=0", and the same line with "full". */
static void read_pressure(int dir, const char *file, struct cgroup_pressure *pressure)
{
	struct {
		const char *word;
		struct cgroup_stall *stall;
	} lines[] = {
		{"some ", &pressure->some},
                {"full ", &pressure->full}
        };
	char text[512];

	/* EOPNOTSUPP: the kernel was booted without psi=1, or it is off for this cgroup */
	if (file_read_small(dir, file, text, sizeof(text)) < 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		const char *line = strstr(text, lines[i].word);

		if (!line)
			continue;
		lines[i].stall->avg10 = hundredths(field(line, "avg10="));
		lines[i].stall->avg60 = hundredths(field(line, "avg60="));
		lines[i].stall->total_us = number_of(field(line, "total="));
	}
}

static void cpu_pressure(int dir, struct cgroup_usage *usage)
{
	read_pressure(dir, "cpu.pressure", &usage->cpu_pressure);
}

static void memory_pressure(int dir, struct cgroup_usage *usage)
{
	read_pressure(dir, "memory.pressure", &usage->memory_pressure);
}

static void io_pressure(int dir, struct cgroup_usage *usage)
{
	read_pressure(dir, "io.pressure", &usage->io_pressure);
}

/* Which controller tells what, and by which reader on which version; no reader: nothing to tell. */
struct source {
	enum cgroup_part part;
	const char *v1, *v2; /* the controller; "" on v1: none; "" on v2: there without any */
	void (*read_v1)(int dir, struct cgroup_usage *usage);
	void (*read_v2)(int dir, struct cgroup_usage *usage);
};

/* clang-format off */
static const struct source sources[] = {
	{CGROUP_PART_MEMORY,          "memory",  "memory", memory_v1,      memory_v2      },
	{CGROUP_PART_MORE,            "memory",  "memory", memory_more_v1, memory_more_v2 },
	{CGROUP_PART_OOM,             "memory",  "memory", oom_v1,         oom_v2         },
	{CGROUP_PART_CPU,             "cpuacct", "",       cpu_time_v1,    cpu_time_v2    },
	{CGROUP_PART_MORE,            "cpu",     "cpu",    cpu_limit_v1,   cpu_limit_v2   },
	{CGROUP_PART_PIDS,            "pids",    "pids",   pids_both,      pids_both      },
	{CGROUP_PART_MORE,            "cpuset",  "cpuset", cpuset_both,    cpuset_both    },
	{CGROUP_PART_IO,              "blkio",   "io",     io_v1,          io_v2          },
	{CGROUP_PART_MORE,            "blkio",   "io",     io_more_v1,     NULL           },
	{CGROUP_PART_CPU_PRESSURE,    "",        "",       NULL,           cpu_pressure   },
	{CGROUP_PART_MEMORY_PRESSURE, "",        "",       NULL,           memory_pressure},
	{CGROUP_PART_IO_PRESSURE,     "",        "",       NULL,           io_pressure    },
};
/* clang-format on */

static int open_dir(const struct cgroup_host *host, const char *path, int index)
{
	char full[TREE_PATH_MAX];

	if (index < 0 || tree_path(&host->hierarchies[index], path, NULL, full) < 0)
		return -1;
	return open(full, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

void cgroup_usage_init(struct cgroup_usage *usage)
{
	memset(usage, 0xff, sizeof(*usage)); /* all numbers are uint64_t */
	memset(usage->cpuset, 0, sizeof(usage->cpuset));
}

int cgroup_usage_of(const struct cgroup_host *host, const char *path, unsigned int parts,
                    struct cgroup_usage *usage)
{
	CLEAN_FD int v2 = open_dir(host, path, host->v2);
	struct cgroup_usage found;
	bool is_there = v2 >= 0;

	cgroup_usage_init(&found);
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		const struct source *source = &sources[i];
		CLEAN_FD int v1 = -1;
		int index;

		if (!(source->part & parts))
			continue;
		index = tree_find_v1(host, source->v1);
		/* cpu.stat of v2 has all times in one file, also where v1 has the controller */
		if (index >= 0 && (v2 < 0 || *source->v2))
			v1 = open_dir(host, path, index);
		if (v1 >= 0 && source->read_v1)
			source->read_v1(v1, &found);
		else if (v1 < 0 && v2 >= 0 && source->read_v2)
			source->read_v2(v2, &found);
		is_there |= v1 >= 0;
	}
	if (!is_there)
		return -ENOENT;
	*usage = found;
	return 0;
}

int cgroup_usage(const struct cgroup_host *host, const char *path, struct cgroup_usage *usage)
{
	return cgroup_usage_of(host, path, CGROUP_PART_ALL, usage);
}
