/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the rows of both versions write for each key, how it is compared, and lines of limits.io. */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "cgroup/limits.h"
#include "tests/lib/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

static struct limits_config nothing_set(void)
{
	return (struct limits_config){
		.memory = LIMIT_UNSET,
		.memory_high = LIMIT_UNSET,
		.memory_low = LIMIT_UNSET,
		.swap = LIMIT_UNSET,
		.millicpus = LIMIT_UNSET,
		.cpu_weight = LIMIT_UNSET,
		.pids = LIMIT_UNSET,
		.io_weight = LIMIT_UNSET,
	};
}

/* "FILE=VALUE FILE=VALUE" of the first row of key. */
static char *planned(const struct limit_row *rows, const char *key, bool is_live,
                     const struct limits_config *limits, struct error *err)
{
	CLEAN(limit_plan_done) struct limit_plan plan = {0};
	CLEAN(text_done) struct text text = {0};
	struct limit_target target = {.dir = -1, .is_live = is_live};

	while (rows->key && !text_is(rows->key, key))
		rows++;
	CHECK(rows->key);
	if (rows->plan(rows, &target, limits, &plan, err) < 0)
		return NULL;
	for (size_t i = 0; i < plan.count; i++)
		text_addf(&text, "%s%s=%s", i ? " " : "", plan.writes[i].file,
		          plan.writes[i].value);
	return text_take(&text);
}

#define CHECK_PLAN(rows, key, live, want)                                            \
	do {                                                                         \
		CLEAN_FREE char *got = planned(rows, key, live, &limits, NULL);      \
		if (!text_is(got, want))                                             \
			printf("# %s: '%s', not '%s'\n", key, got ? got : "", want); \
		CHECK(text_is(got, want));                                           \
	} while (0)

TEST(v2_rows)
{
	struct limits_config limits = nothing_set();

	limits.memory = 512 << 20;
	limits.swap = 0;
	limits.memory_low = 4096;
	limits.millicpus = 1500;
	limits.cpu_weight = 200;
	limits.cpuset = must_dup("0-1");
	limits.io_weight = 50;
	CHECK_PLAN(limits_v2, "memory", false, "memory.max=536870912");
	CHECK_PLAN(limits_v2, "swap", false, "memory.swap.max=0");
	CHECK_PLAN(limits_v2, "memory_high", true, "memory.high=max");
	CHECK_PLAN(limits_v2, "memory_low", false, "memory.low=4096");
	CHECK_PLAN(limits_v2, "cpus", false, "cpu.max=150000 100000");
	CHECK_PLAN(limits_v2, "cpu_weight", false, "cpu.weight=200");
	CHECK_PLAN(limits_v2, "cpuset", false, "cpuset.cpus=0-1");
	CHECK_PLAN(limits_v2, "pids", true, "pids.max=max");
	CHECK_PLAN(limits_v2, "io_weight", false, "io.weight=50");
	limits.millicpus = 5; /* a quota under 1 ms is refused: a longer period */
	CHECK_PLAN(limits_v2, "cpus", false, "cpu.max=5000 1000000");
	limits.millicpus = LIMIT_UNSET;
	limits.memory_low = LIMIT_UNSET;
	CHECK_PLAN(limits_v2, "cpus", true, "cpu.max=max 100000");
	CHECK_PLAN(limits_v2, "memory_low", true, "memory.low=0");
	free(limits.cpuset);
}

TEST(v1_rows)
{
	struct limits_config limits = nothing_set();

	limits.memory = 512 << 20;
	limits.memory_low = 4096;
	limits.millicpus = 1500;
	limits.cpu_weight = 1;
	limits.io_weight = 1;
	limits.pids = 64;
	CHECK_PLAN(limits_v1, "memory", false, "memory.limit_in_bytes=536870912");
	CHECK_PLAN(limits_v1, "memory_low", false, "memory.soft_limit_in_bytes=4096");
	CHECK_PLAN(limits_v1, "cpus", false, "cpu.cfs_period_us=100000 cpu.cfs_quota_us=150000");
	CHECK_PLAN(limits_v1, "cpu_weight", false, "cpu.shares=10");
	CHECK_PLAN(limits_v1, "io_weight", false, "blkio.weight=10");
	CHECK_PLAN(limits_v1, "pids", false, "pids.max=64");
	limits.cpu_weight = 10000;
	limits.io_weight = 10000;
	CHECK_PLAN(limits_v1, "cpu_weight", false, "cpu.shares=102400");
	CHECK_PLAN(limits_v1, "io_weight", false, "blkio.weight=1000");
	limits.millicpus = 5;
	CHECK_PLAN(limits_v1, "cpus", false, "cpu.cfs_period_us=1000000 cpu.cfs_quota_us=5000");
}

TEST(v1_writes_memory_and_swap_together)
{
	struct limits_config limits = nothing_set();
	struct error err = {0};

	limits.memory = 64 << 20;
	limits.swap = 16 << 20;
	CHECK_PLAN(limits_v1, "memory", false, "");
	CHECK_PLAN(limits_v1, "swap", false,
	           "memory.limit_in_bytes=67108864 memory.memsw.limit_in_bytes=83886080");
	limits.memory = LIMIT_UNSET;
	CHECK(!planned(limits_v1, "swap", false, &limits, &err));
	CHECK(strstr(err.text, "set limits.memory too"));
	limits.memory = UINT64_MAX - 1;
	CHECK(!planned(limits_v1, "swap", false, &limits, &err));
	CHECK_INT(err.code, ERANGE);
}

TEST(memory_high_needs_v2)
{
	struct limits_config limits = nothing_set();
	struct error err = {0};

	CHECK_PLAN(limits_v1, "memory_high", true, "");
	limits.memory_high = 4096;
	CHECK(!planned(limits_v1, "memory_high", false, &limits, &err));
	CHECK(strstr(err.text, "needs cgroup v2"));
}

TEST(files_are_compared_as_the_kernel_writes_them)
{
	CHECK(limit_is_same(LIMIT_BYTES, "66000", NULL, "65536"));
	CHECK(limit_is_same(LIMIT_BYTES, "-1", NULL, "9223372036854771712"));
	CHECK(limit_is_same(LIMIT_BYTES, "max", NULL, "max"));
	CHECK(!limit_is_same(LIMIT_BYTES, "65536", NULL, "max"));
	CHECK(!limit_is_same(LIMIT_BYTES, "max", NULL, "65536"));
	CHECK(!limit_is_same(LIMIT_BYTES, "65536", NULL, "131072"));
	CHECK(limit_is_same(LIMIT_CPUS, "3,0,1-2", NULL, "0-3"));
	CHECK(!limit_is_same(LIMIT_CPUS, "0-3", NULL, "0-1"));
	CHECK(!limit_is_same(LIMIT_CPUS, "0-x", NULL, "0"));
	CHECK(!limit_is_same(LIMIT_CPUS, "0-99999", NULL, "0"));
	CHECK(limit_is_same(LIMIT_WEIGHT, "100", NULL, "default 100"));
	CHECK(limit_is_same(LIMIT_WEIGHT, "100", NULL, "default 100\n8:0 200") == false);
	CHECK(limit_is_same(LIMIT_DEVICE, "8:0 5", "8:0 0", "253:0 7\n8:0 5"));
	CHECK(!limit_is_same(LIMIT_DEVICE, "8:0 5", "8:0 0", "8:01 5\n8:0 6"));
	CHECK(limit_is_same(LIMIT_DEVICE, "8:0 0", "8:0 0", "253:0 7"));
	CHECK(!limit_is_same(LIMIT_DEVICE, "8:0 5", "8:0 0", ""));
	CHECK(limit_is_same(LIMIT_TEXT, "50000", NULL, "50000 100000"));
	CHECK(limit_is_same(LIMIT_TEXT, "1G", NULL, "1073741824"));
	CHECK(limit_is_same(LIMIT_TEXT, "0,1", NULL, "0-1"));
	CHECK(!limit_is_same(LIMIT_TEXT, "1", NULL, "10"));
	CHECK(!limit_is_same(LIMIT_NUMBER, "64", NULL, "65"));
}

/* A sysfs with the disk 8:0 and its partition 8:1. */
static char *make_sysfs(void)
{
	char *sysfs = must_dup("/tmp/sysc-sysfs-XXXXXX");
	int dir;

	CHECK(mkdtemp(sysfs));
	dir = open(sysfs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(mkdirat(dir, "dev", 0700) == 0 && mkdirat(dir, "dev/block", 0700) == 0);
	CHECK(mkdirat(dir, "sda", 0700) == 0 && mkdirat(dir, "sda/sda1", 0700) == 0);
	CHECK(symlinkat("../../sda", dir, "dev/block/8:0") == 0);
	CHECK(symlinkat("../../sda/sda1", dir, "dev/block/8:1") == 0);
	CHECK(file_replace(dir, "sda/dev", "8:0\n", 4, 0600, NULL) == 0);
	CHECK(file_replace(dir, "sda/sda1/dev", "8:1\n", 4, 0600, NULL) == 0);
	CHECK(file_replace(dir, "sda/sda1/partition", "1\n", 2, 0600, NULL) == 0);
	close(dir);
	return sysfs;
}

TEST(io_lines)
{
	CLEAN_FREE char *sysfs = make_sysfs();
	struct io_limit limit;
	struct error err = {0};

	CHECK_INT(io_parse("8:0 rbps=10M wiops=500 riops=max", sysfs, &limit, &err), 0);
	CHECK_INT(limit.major, 8);
	CHECK_INT(limit.minor, 0);
	CHECK_INT(limit.rates[IO_RBPS], 10 << 20);
	CHECK_INT(limit.rates[IO_WIOPS], 500);
	CHECK(limit.rates[IO_WBPS] == LIMIT_UNSET && limit.rates[IO_RIOPS] == LIMIT_UNSET);
	CHECK_INT(io_parse("8:1 wbps=1", sysfs, &limit, &err), 0);
	CHECK_INT(limit.minor, 0); /* the disk of the partition */
	CHECK_INT(io_parse("8:2 wbps=1", sysfs, &limit, &err), -ENODEV);
	CHECK_INT(io_parse("/dev/null wbps=1", sysfs, &limit, &err), -ENOTBLK);
	CHECK_INT(io_parse("/dev/sysc-none wbps=1", sysfs, &limit, &err), -ENOENT);
	CHECK_INT(io_parse("sda wbps=1", sysfs, &limit, &err), -EINVAL);
	CHECK_INT(io_parse("8:0", sysfs, &limit, &err), -EINVAL);
	CHECK_INT(io_parse("8:0 wbps", sysfs, &limit, &err), -EINVAL);
	CHECK_INT(io_parse("8:0 bps=1", sysfs, &limit, &err), -EINVAL);
	CHECK_INT(io_parse("8:0 wbps=0", sysfs, &limit, &err), -ERANGE);
	CHECK_INT(io_parse("8:0 riops=10M", sysfs, &limit, &err), -EINVAL);
	CHECK_INT(file_remove_tree(AT_FDCWD, sysfs, NULL), 0);
}

TEST(two_io_lines_of_one_device_are_one_limit)
{
	CLEAN_FREE char *sysfs = make_sysfs();
	CLEAN(strings_done) struct strings lines = {0};
	CLEAN_FREE struct io_limit *limits = NULL;
	size_t count = 0, bad = 0;

	strings_add(&lines, "8:0 rbps=1 wbps=2");
	strings_add(&lines, "8:1 wbps=3");
	CHECK_INT(io_parse_all(&lines, sysfs, &limits, &count, &bad, NULL), 0);
	CHECK_INT(count, 1);
	CHECK_INT(limits[0].rates[IO_RBPS], 1);
	CHECK_INT(limits[0].rates[IO_WBPS], 3);
	strings_add(&lines, "8:7 wbps=3"); /* no such disk: its place is told */
	CHECK_INT(io_parse_all(&lines, sysfs, &limits, &count, &bad, NULL), -ENODEV);
	CHECK_INT(bad, 2);
	CHECK_INT(file_remove_tree(AT_FDCWD, sysfs, NULL), 0);
}
