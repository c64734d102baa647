/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The limits on cgroup v2 (Documentation/admin-guide/cgroup-v2.rst): which file takes what. */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "cgroup/limits.h"

#include <errno.h>
#include <inttypes.h>

static int plan_number(const struct limit_row *row, const struct limit_target *target,
                       const struct limits_config *limits, struct limit_plan *plan,
                       struct error *err)
{
	(void)target, (void)err; /* the same for all rows */
	limit_plan_add_number(plan, row, limit_value(row, limits), "max");
	return 0;
}

/* The one limit that the kernel keeps by killing. */
static int plan_max(const struct limit_row *row, const struct limit_target *target,
                    const struct limits_config *limits, struct limit_plan *plan, struct error *err)
{
	struct limit_write *write =
		limit_plan_add_number(plan, row, limit_value(row, limits), "max");

	(void)err; /* the same for all rows */
	if (target->is_live) {
		write->use = "memory.current";
		write->brake = "memory.high";
	}
	return 0;
}

/* memory.low protects: unset is none at all. */
static int plan_low(const struct limit_row *row, const struct limit_target *target,
                    const struct limits_config *limits, struct limit_plan *plan, struct error *err)
{
	(void)target, (void)err; /* the same for all rows */
	limit_plan_add_number(plan, row, limit_value(row, limits), "0");
	return 0;
}

static int plan_cpus(const struct limit_row *row, const struct limit_target *target,
                     const struct limits_config *limits, struct limit_plan *plan, struct error *err)
{
	uint64_t millicpus = limit_value(row, limits);
	uint64_t period = millicpus < 10 ? LIMIT_LONG_PERIOD_US : LIMIT_PERIOD_US;
	struct limit_write *write;

	(void)target, (void)err; /* the same for all rows */
	write = millicpus == LIMIT_UNSET
	                ? limit_plan_add(plan, row->key, row->file, row->form, "max %d",
	                                 LIMIT_PERIOD_US)
	                : limit_plan_add(plan, row->key, row->file, row->form,
	                                 "%" PRIu64 " %" PRIu64, millicpus * period / 1000, period);
	write->missing = row->missing;
	return 0;
}

static int plan_weight(const struct limit_row *row, const struct limit_target *target,
                       const struct limits_config *limits, struct limit_plan *plan,
                       struct error *err)
{
	(void)target, (void)err; /* the same for all rows */
	limit_plan_add_number(plan, row, limit_value(row, limits), "100");
	return 0;
}

/*
 * The kernel takes cpus that are not there and quietly uses others: the effective list is checked. Once a
 * process is inside, the list cannot be made empty again: all that the parent has is as good.
 */
static int plan_cpuset(const struct limit_row *row, const struct limit_target *target,
                       const struct limits_config *limits, struct limit_plan *plan,
                       struct error *err)
{
	struct limit_write *write;
	char text[512];
	int r;

	if (limits->cpuset) {
		write = limit_plan_add(plan, row->key, row->file, row->form, "%s", limits->cpuset);
		write->missing = row->missing;
		write->check = "cpuset.cpus.effective";
		return 0;
	}
	r = file_read_small(target->dir, row->file, text, sizeof(text));
	if (r == 0 || r == -ENOENT)
		return 0; /* not limited, or there is no controller for it */
	if (r > 0)
		r = file_read_small(target->dir, LIMIT_PARENT_CPUS, text, sizeof(text));
	if (r < 0)
		return fail(err, -r, "read '%s'", LIMIT_PARENT_CPUS);
	limit_plan_add(plan, row->key, row->file, row->form, "%s", text);
	return 0;
}

static void add_io(struct limit_plan *plan, const struct limit_row *row,
                   const struct io_limit *limit)
{
	static const char *const names[IO_RATES] = {"rbps", "wbps", "riops", "wiops"};
	CLEAN(text_done) struct text text = {0};
	struct limit_write *write;

	text_addf(&text, "%u:%u", limit->major, limit->minor);
	for (size_t i = 0; i < IO_RATES; i++) {
		if (limit->rates[i] == LIMIT_UNSET)
			text_addf(&text, " %s=max", names[i]);
		else
			text_addf(&text, " %s=%" PRIu64, names[i], limit->rates[i]);
	}
	write = limit_plan_add(plan, row->key, row->file, row->form, "%s", text.data);
	write->nth = limit->nth;
	write->missing = row->missing;
	write->reset = must_printf("%u:%u rbps=max wbps=max riops=max wiops=max", limit->major,
	                           limit->minor);
}

static int plan_io(const struct limit_row *row, const struct limit_target *target,
                   const struct limits_config *limits, struct limit_plan *plan, struct error *err)
{
	CLEAN_FREE struct io_limit *items = NULL;
	size_t count = 0;
	int r = io_parse_all(&limits->io, "/sys", &items, &count, &plan->bad, err);

	if (r == 0 && target->is_live)
		r = io_add_stale(target->dir, row->file, &items, &count, err);
	for (size_t i = 0; i < count && r == 0; i++)
		add_io(plan, row, &items[i]);
	return r;
}

#define FIELD(name) offsetof(struct limits_config, name)

static const char no_memory[] = "the memory controller is off: boot without cgroup_disable=memory";
static const char no_swap[] = "boot with swapaccount=1, on a kernel with CONFIG_SWAP";
static const char no_cpu[] = "the kernel needs CONFIG_CFS_BANDWIDTH and the cpu controller";
static const char no_throttle[] = "the kernel needs CONFIG_BLK_DEV_THROTTLING";
static const char no_weight[] = "the kernel has neither io.cost nor the bfq scheduler";

const struct limit_row limits_v2[] = {
	{"memory",            "memory", "memory.max", plan_max, FIELD(memory), LIMIT_BYTES, no_memory},
	{"memory_high",       "memory", "memory.high", plan_number, FIELD(memory_high), LIMIT_BYTES,
         no_memory},
	{"memory_low",      "memory", "memory.low", plan_low, FIELD(memory_low), LIMIT_BYTES, no_memory},
	{"swap",          "memory", "memory.swap.max", plan_number, FIELD(swap), LIMIT_BYTES, no_swap},
	{"cpus",       "cpu", "cpu.max", plan_cpus, FIELD(millicpus), LIMIT_NUMBER, no_cpu},
	{"cpu_weight",      "cpu", "cpu.weight", plan_weight, FIELD(cpu_weight), LIMIT_NUMBER, no_cpu},
	{"cpuset", "cpuset", "cpuset.cpus", plan_cpuset, 0, LIMIT_CPUS, NULL},
	{"pids",           "pids", "pids.max", plan_number, FIELD(pids), LIMIT_NUMBER, NULL},
	{"io_weight",        "io", "io.weight", plan_weight, FIELD(io_weight), LIMIT_WEIGHT, no_weight},
	{"io_weight",       "io", "io.bfq.weight", limit_plan_bfq, FIELD(io_weight), LIMIT_WEIGHT,
         no_weight},
	{"io",  "io", "io.max", plan_io, 0, LIMIT_DEVICE, no_throttle},
	{.key = NULL         },
};
