/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Use and limits as read from captured files of both versions. */
#include "base/cleanup.h"
#include "base/text.h"
#include "cgroup/cgroup.h"
#include "tests/lib/tap.h"

#include <errno.h>

static void add_mount(struct cgroup_host *host, const char *controllers, const char *folder)
{
	struct cgroup_hierarchy *hierarchy = &host->hierarchies[host->count++];
	const char *source = secure_getenv("top_srcdir");
	int length = snprintf(hierarchy->mount, sizeof(hierarchy->mount), "%s/tests/data/cgroup/%s",
	                      source ? source : "..", folder);

	CHECK(length < (int)sizeof(hierarchy->mount));
	snprintf(hierarchy->controllers, sizeof(hierarchy->controllers), "%s", controllers);
	hierarchy->is_v2 = !*controllers;
}

TEST(v2_files)
{
	struct cgroup_host host = {.layout = CGROUP_V2};
	struct cgroup_usage usage;

	add_mount(&host, "", "v2");
	CHECK_INT(cgroup_usage(&host, "sysc/web1", &usage), 0);
	CHECK_INT(usage.memory, 52428800 - 10485760); /* less inactive_file */
	CHECK_INT(usage.memory_limit, 67108864);
	CHECK_INT(usage.memory_peak, 60000000);
	CHECK_INT(usage.swap, 4096);
	CHECK(usage.swap_limit == LIMIT_UNSET);
	CHECK_INT(usage.cpu_ns, 2500000000);
	CHECK_INT(usage.cpu_user_ns, 1500000000);
	CHECK_INT(usage.cpu_system_ns, 1000000000);
	CHECK_INT(usage.millicpus_limit, 1500);
	CHECK_INT(usage.pids, 7);
	CHECK_INT(usage.pids_limit, 512);
	CHECK_INT(usage.io_read, 1048577);
	CHECK_INT(usage.io_written, 4098);
	CHECK_INT(usage.oom_kills, 2);
	CHECK_INT(usage.memory_highs, 3);
	CHECK_INT(usage.memory_maxes, 5);
	CHECK_INT(usage.ooms, 4);
	CHECK_INT(usage.cpu_throttles, 12);
	CHECK_INT(usage.cpu_throttled_ns, 3400000000);
	CHECK_INT(usage.io_reads, 257);
	CHECK_INT(usage.io_writes, 3);
	CHECK(text_is(usage.cpuset, "0-1"));
}

TEST(pressure)
{
	struct cgroup_host host = {.layout = CGROUP_V2};
	struct cgroup_usage usage;

	add_mount(&host, "", "v2");
	CHECK_INT(cgroup_usage(&host, "sysc/web1", &usage), 0);
	CHECK_INT(usage.memory_pressure.some.avg10, 125);
	CHECK_INT(usage.memory_pressure.some.avg60, 7);
	CHECK_INT(usage.memory_pressure.some.total_us, 123456);
	CHECK_INT(usage.memory_pressure.full.avg10, 10000);
	CHECK_INT(usage.memory_pressure.full.avg60, 1250);
	CHECK_INT(usage.memory_pressure.full.total_us, 23456);
	/* kernels before 5.13 have no line "full" for the processor */
	CHECK_INT(usage.cpu_pressure.some.avg10, 0);
	CHECK(usage.cpu_pressure.full.avg10 == LIMIT_UNSET);
	CHECK(usage.cpu_pressure.full.total_us == LIMIT_UNSET);
	CHECK(usage.io_pressure.some.avg10 == LIMIT_UNSET); /* no such file */
}

TEST(only_the_parts_that_are_asked_for)
{
	struct cgroup_host host = {.layout = CGROUP_V2};
	struct cgroup_usage usage;

	add_mount(&host, "", "v2");
	CHECK_INT(cgroup_usage_of(&host, "sysc/web1", CGROUP_PART_MEMORY_PRESSURE, &usage), 0);
	CHECK_INT(usage.memory_pressure.some.avg10, 125);
	CHECK(usage.cpu_pressure.some.avg10 == LIMIT_UNSET && usage.memory == LIMIT_UNSET);
	CHECK_INT(cgroup_usage_of(&host, "sysc/web1", CGROUP_PART_OOM, &usage), 0);
	CHECK_INT(usage.oom_kills, 2);
	CHECK(usage.memory_peak == LIMIT_UNSET && !usage.cpuset[0]);
}

TEST(v1_files)
{
	struct cgroup_host host = {.layout = CGROUP_V1, .v2 = -1};
	struct cgroup_usage usage;

	add_mount(&host, "memory", "v1/memory");
	add_mount(&host, "cpu,cpuacct", "v1/cpu,cpuacct");
	add_mount(&host, "pids", "v1/pids");
	add_mount(&host, "blkio", "v1/blkio");
	add_mount(&host, "cpuset", "v1/cpuset");
	CHECK_INT(cgroup_usage(&host, "sysc/web1", &usage), 0);
	CHECK_INT(usage.memory, 52428800 - 10485760);
	CHECK_INT(usage.memory_limit, 67108864);
	CHECK_INT(usage.memory_peak, 60000000);
	CHECK_INT(usage.swap, 4096);
	CHECK_INT(usage.swap_limit, 16777216); /* memsw less memory */
	CHECK_INT(usage.cpu_ns, 2500000123);
	CHECK_INT(usage.cpu_user_ns, 1500000000);
	CHECK_INT(usage.cpu_system_ns, 1000000123);
	CHECK(usage.millicpus_limit == LIMIT_UNSET);
	CHECK_INT(usage.pids, 7);
	CHECK(usage.pids_limit == LIMIT_UNSET);
	CHECK_INT(usage.io_read, 1048577);
	CHECK_INT(usage.io_written, 4098);
	CHECK_INT(usage.oom_kills, 2);
	CHECK_INT(usage.memory_maxes, 5);
	CHECK(usage.memory_highs == LIMIT_UNSET && usage.ooms == LIMIT_UNSET);
	CHECK_INT(usage.cpu_throttles, 12);
	CHECK_INT(usage.cpu_throttled_ns, 3400000123);
	CHECK_INT(usage.io_reads, 257);
	CHECK_INT(usage.io_writes, 3);
	CHECK(usage.memory_pressure.some.avg10 == LIMIT_UNSET);
	CHECK(text_is(usage.cpuset, "0-3"));
}

TEST(a_controller_that_is_missing_leaves_its_fields_unset)
{
	struct cgroup_host host = {.layout = CGROUP_V1, .v2 = -1};
	struct cgroup_usage usage;

	add_mount(&host, "pids", "v1/pids");
	CHECK_INT(cgroup_usage(&host, "sysc/web1", &usage), 0);
	CHECK_INT(usage.pids, 7);
	CHECK(usage.memory == LIMIT_UNSET && usage.cpu_ns == LIMIT_UNSET);
	CHECK(usage.io_read == LIMIT_UNSET && usage.oom_kills == LIMIT_UNSET);
}

TEST(a_container_that_is_not_there_is_told)
{
	struct cgroup_host host = {.layout = CGROUP_V2};
	struct cgroup_usage usage = {.pids = 3};

	add_mount(&host, "", "v2");
	CHECK_INT(cgroup_usage(&host, "sysc/other", &usage), -ENOENT);
	CHECK_INT(usage.pids, 3);
}
