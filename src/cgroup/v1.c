/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The limits on cgroup v1 (Documentation/admin-guide/cgroup-v1/): the same keys as v2.c, in the units
 * and the order that v1 wants.
 */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/text.h"
#include "cgroup/limits.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define MEMSW "memory.memsw.limit_in_bytes"

static const char no_memory[] = "the memory controller is off: boot without cgroup_disable=memory";
static const char no_swap[] = "boot with swapaccount=1, on a kernel with CONFIG_SWAP";
static const char no_cpu[] = "the kernel needs CONFIG_CFS_BANDWIDTH and the cpu controller";
static const char no_weight[] = "the kernel has no bfq scheduler";
static const char no_throttle[] = "the kernel needs CONFIG_BLK_DEV_THROTTLING";

static int plan_number(const struct limit_row *row, const struct limit_target *target,
                       const struct limits_config *limits, struct limit_plan *plan,
                       struct error *err)
{
	(void)target, (void)err; /* the same for all rows */
	limit_plan_add_number(plan, row, limit_value(row, limits),
	                      row->form == LIMIT_BYTES ? "-1" : "max");
	return 0;
}

/* The limit of memory and swap that is in force; LIMIT_UNSET: none, or not accounted. */
static uint64_t memsw_now(int dir)
{
	char text[32];
	uint64_t value;

	if (file_read_small(dir, MEMSW, text, sizeof(text)) < 0 ||
	    parse_uint(text, UINT64_MAX, &value) < 0 ||
	    limit_is_same(LIMIT_BYTES, "-1", NULL, text))
		return LIMIT_UNSET;
	return value;
}

static int memsw_wanted(const struct limits_config *limits, uint64_t *out, struct error *err)
{
	*out = LIMIT_UNSET;
	if (limits->swap == LIMIT_UNSET)
		return 0;
	if (limits->memory == LIMIT_UNSET)
		return fail_plain(
			err, EINVAL,
			"cgroup v1 limits memory and swap together: set limits.memory too");
	if (__builtin_add_overflow(limits->memory, limits->swap, out))
		return fail(err, ERANGE, "memory and swap together");
	return 0;
}

static void add_bytes(struct limit_plan *plan, const struct limit_row *row, const char *key,
                      const char *file, uint64_t value)
{
	struct limit_write *write = limit_plan_add_number(plan, row, value, "-1");

	write->key = key;
	write->file = file;
	write->form = LIMIT_BYTES;
	write->missing = text_is(key, "swap") ? no_swap : no_memory;
	write->use = text_is(key, "swap") ? "memory.memsw.usage_in_bytes" : "memory.usage_in_bytes";
}

/*
 * v1 limits memory, and memory + swap, and the second may never be less than the first: so it goes
 * first when the new memory limit is above it.
 */
static int plan_memory(const struct limit_row *row, const struct limit_target *target,
                       const struct limits_config *limits, struct limit_plan *plan,
                       struct error *err)
{
	uint64_t wanted = 0, now = target->is_live ? memsw_now(target->dir) : LIMIT_UNSET;
	int r = memsw_wanted(limits, &wanted, err);
	bool memsw_first = limits->memory > now; /* LIMIT_UNSET is the highest number */
	bool need_memsw = limits->swap != LIMIT_UNSET || now != LIMIT_UNSET;

	if (r < 0)
		return r;
	if (!target->is_live && text_is(row->key, "memory") && limits->swap != LIMIT_UNSET)
		return 0; /* the row of swap writes both */
	if (need_memsw && memsw_first)
		add_bytes(plan, row, "swap", MEMSW, wanted);
	add_bytes(plan, row, "memory", "memory.limit_in_bytes", limits->memory);
	if (need_memsw && !memsw_first)
		add_bytes(plan, row, "swap", MEMSW, wanted);
	return 0;
}

static int plan_high(const struct limit_row *row, const struct limit_target *target,
                     const struct limits_config *limits, struct limit_plan *plan, struct error *err)
{
	(void)target, (void)plan; /* nothing to write */
	if (limit_value(row, limits) == LIMIT_UNSET)
		return 0;
	fail_plain(err, ENOTSUP, "needs cgroup v2: v1 has no counterpart of memory.high");
	return fail_hint(err, "use limits.memory, or boot with cgroup_no_v1=memory");
}

static int plan_cpus(const struct limit_row *row, const struct limit_target *target,
                     const struct limits_config *limits, struct limit_plan *plan, struct error *err)
{
	uint64_t millicpus = limit_value(row, limits);
	uint64_t period = millicpus < 10 ? LIMIT_LONG_PERIOD_US : LIMIT_PERIOD_US;

	(void)err;           /* nothing can fail */
	if (target->is_live) /* a quota in force could be too much for the new period */
		limit_plan_add(plan, row->key, row->file, row->form, "-1")->missing = no_cpu;
	if (millicpus == LIMIT_UNSET)
		return 0;
	limit_plan_add(plan, row->key, "cpu.cfs_period_us", row->form, "%" PRIu64, period)
		->missing = no_cpu;
	limit_plan_add(plan, row->key, row->file, row->form, "%" PRIu64, millicpus * period / 1000)
		->missing = no_cpu;
	return 0;
}

/* 100 is 1024 shares, as the kernel itself converts; shares go from 2 to 262144. */
static int plan_shares(const struct limit_row *row, const struct limit_target *target,
                       const struct limits_config *limits, struct limit_plan *plan,
                       struct error *err)
{
	uint64_t weight = limit_value(row, limits);
	uint64_t shares = weight == LIMIT_UNSET ? 1024 : (weight * 1024 + 50) / 100;

	(void)target, (void)err; /* the same for all rows */
	if (shares < 2)
		shares = 2;
	limit_plan_add(plan, row->key, row->file, row->form, "%" PRIu64,
	               shares > 262144 ? 262144 : shares);
	return 0;
}

/* Without a value of its own a v1 cpuset has that of its parent, copied. */
static int plan_cpuset(const struct limit_row *row, const struct limit_target *target,
                       const struct limits_config *limits, struct limit_plan *plan,
                       struct error *err)
{
	char parent[512];
	int r;

	if (limits->cpuset) {
		limit_plan_add(plan, row->key, row->file, row->form, "%s", limits->cpuset);
		return 0;
	}
	r = file_read_small(target->dir, "../cpuset.cpus", parent, sizeof(parent));
	if (r < 0)
		return fail(err, -r, "read the parent's 'cpuset.cpus'");
	limit_plan_add(plan, row->key, row->file, row->form, "%s", parent);
	return 0;
}

/* blkio.weight takes 10-1000 and begins at 500. */
static int plan_blkio_weight(const struct limit_row *row, const struct limit_target *target,
                             const struct limits_config *limits, struct limit_plan *plan,
                             struct error *err)
{
	uint64_t value = limit_value(row, limits);

	(void)target, (void)err; /* the same for all rows */
	value = value == LIMIT_UNSET ? 500 : value * 5;
	if (value < 10)
		value = 10;
	limit_plan_add(plan, row->key, row->file, row->form, "%" PRIu64,
	               value > 1000 ? 1000 : value);
	return 0;
}

static const char *const throttle_files[IO_RATES] = {
	"blkio.throttle.read_bps_device",
	"blkio.throttle.write_bps_device",
	"blkio.throttle.read_iops_device",
	"blkio.throttle.write_iops_device",
};

static void add_throttle(struct limit_plan *plan, const struct limit_row *row, size_t rate,
                         const struct io_limit *limit)
{
	uint64_t value = limit->rates[rate] == LIMIT_UNSET ? 0 : limit->rates[rate];
	struct limit_write *write =
		limit_plan_add(plan, row->key, throttle_files[rate], row->form, "%u:%u %" PRIu64,
	                       limit->major, limit->minor, value);

	write->nth = limit->nth;
	write->missing = row->missing;
	write->reset = must_printf("%u:%u 0", limit->major, limit->minor);
}

static int plan_throttle(const struct limit_row *row, const struct limit_target *target,
                         const struct limits_config *limits, struct limit_plan *plan,
                         struct error *err)
{
	CLEAN_FREE struct io_limit *items = NULL;
	size_t count = 0;
	int r = io_parse_all(&limits->io, "/sys", &items, &count, &plan->bad, err);

	for (size_t i = 0; i < IO_RATES && r == 0 && target->is_live; i++)
		r = io_add_stale(target->dir, throttle_files[i], &items, &count, err);
	for (size_t i = 0; i < count && r == 0; i++) {
		for (size_t rate = 0; rate < IO_RATES; rate++) {
			if (target->is_live || items[i].rates[rate] != LIMIT_UNSET)
				add_throttle(plan, row, rate, &items[i]);
		}
	}
	return r;
}

#define FIELD(name) offsetof(struct limits_config, name)

const struct limit_row limits_v1[] = {
	{"memory",		      "memory", "memory.limit_in_bytes", plan_memory, FIELD(memory), LIMIT_BYTES,
         no_memory},
	{"memory_high",      "memory", "", plan_high, FIELD(memory_high), LIMIT_BYTES, NULL},
	{"memory_low",                "memory", "memory.soft_limit_in_bytes", plan_number, FIELD(memory_low),
         LIMIT_BYTES, no_memory},
	{"swap",		     "memory", MEMSW, plan_memory, FIELD(swap), LIMIT_BYTES, no_swap},
	{"cpus",		 "cpu", "cpu.cfs_quota_us", plan_cpus, FIELD(millicpus), LIMIT_NUMBER, no_cpu},
	{"cpu_weight",			   "cpu", "cpu.shares", plan_shares, FIELD(cpu_weight), LIMIT_NUMBER, NULL},
	{"cpuset",           "cpuset", "cpuset.cpus", plan_cpuset, 0, LIMIT_CPUS, NULL},
	{"pids",			 "pids", "pids.max", plan_number, FIELD(pids), LIMIT_NUMBER, NULL},
	{"io_weight",                  "blkio", "blkio.weight", plan_blkio_weight, FIELD(io_weight), LIMIT_NUMBER,
         no_weight},
	{"io_weight", "blkio", "blkio.bfq.weight", limit_plan_bfq, FIELD(io_weight), LIMIT_WEIGHT,
         no_weight},
	{"io",            "blkio", "", plan_throttle, 0, LIMIT_DEVICE, no_throttle},
	{.key = NULL                   },
};
