/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which hierarchies are found in the mountinfo of v1, v2 and hybrid hosts, and which are hidden. */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "cgroup/cgroup.h"
#include "cgroup/tree.h"
#include "tests/lib/tap.h"

#include <errno.h>
#include <fcntl.h>

static int detect(const char *name, struct cgroup_host *host)
{
	const char *source = secure_getenv("top_srcdir");
	CLEAN_FREE char *path =
		must_printf("%s/tests/data/cgroup/%s/mountinfo", source ? source : "..", name);

	return cgroup_detect(host, path, NULL);
}

static int detect_text(const char *text, struct cgroup_host *host, struct error *err)
{
	char path[] = "/tmp/sysc-mountinfo-XXXXXX";
	CLEAN_FD int fd = mkstemp(path);
	int r;

	CHECK(fd >= 0);
	CHECK(file_write_all(fd, text, strlen(text)) == 0);
	r = cgroup_detect(host, path, err);
	CHECK(unlink(path) == 0);
	return r;
}

static const char *mount_of(const struct cgroup_host *host, const char *controller)
{
	int index = tree_find_v1(host, controller);

	return index < 0 ? "" : host->hierarchies[index].mount;
}

TEST(a_hybrid_host_has_each_controller_on_v1_and_an_empty_v2)
{
	struct cgroup_host host;

	CHECK_INT(detect("hybrid", &host), 0);
	CHECK_INT(host.layout, CGROUP_HYBRID);
	CHECK_INT(host.count, 10);
	CHECK(text_is(host.hierarchies[host.v2].mount, "/sys/fs/cgroup/unified"));
	CHECK(text_is(mount_of(&host, "memory"), "/sys/fs/cgroup/memory"));
	CHECK(text_is(mount_of(&host, "name=systemd"), "/sys/fs/cgroup/systemd"));
	/* a second mount of a part of the hierarchy does not count */
	CHECK(text_is(mount_of(&host, "pids"), "/sys/fs/cgroup/pids"));
}

TEST(a_v2_host_has_one_hierarchy)
{
	struct cgroup_host host;

	CHECK_INT(detect("v2", &host), 0);
	CHECK_INT(host.layout, CGROUP_V2);
	CHECK_INT(host.count, 1);
	CHECK_INT(host.v2, 0);
	CHECK_INT(tree_find_v1(&host, "memory"), -1);
	CHECK_INT(tree_find(&host, "memory"), 0);
}

TEST(a_v1_host_may_have_two_controllers_in_one_hierarchy)
{
	struct cgroup_host host;

	CHECK_INT(detect("v1", &host), 0);
	CHECK_INT(host.layout, CGROUP_V1);
	CHECK_INT(host.count, 9);
	CHECK_INT(host.v2, -1);
	CHECK(text_is(mount_of(&host, "cpuacct"), "/sys/fs/cgroup/cpu,cpuacct"));
	CHECK(text_is(mount_of(&host, "cpu"), "/sys/fs/cgroup/cpu,cpuacct"));
	CHECK(text_is(mount_of(&host, "cpuset"), "/sys/fs/cgroup/cpuset"));
	/* options of the superblock are no controllers */
	CHECK_INT(tree_find(&host, "clone_children"), -1);
	CHECK_INT(tree_find(&host, "xattr"), -1);
	CHECK(text_is(mount_of(&host, "name=systemd"), "/sys/fs/cgroup/systemd"));
	CHECK_INT(tree_find(&host, "cp"), -1);
}

TEST(a_mount_over_the_tree_hides_what_is_below)
{
	static const char text[] = "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
				   "21 20 0:20 / /sys rw - sysfs sysfs rw\n"
				   "22 21 0:21 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
				   "23 22 0:22 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
				   "24 22 0:23 / /sys/fs/cgroup rw - cgroup2 none rw\n";
	struct cgroup_host host;

	CHECK_INT(detect_text(text, &host, NULL), 0);
	CHECK_INT(host.layout, CGROUP_V2);
	CHECK_INT(host.count, 1);
	CHECK(text_is(host.hierarchies[0].mount, "/sys/fs/cgroup"));
}

TEST(a_tree_that_is_mounted_again_over_a_covered_one_is_found)
{
	struct cgroup_host host;
	struct error err = {0};
	/* a sandbox: /sys of another network with the cgroup mounts bound below it once more */
	const char *text = "20 1 8:1 / / rw - ext4 /dev/sda rw\n"
			   "21 20 0:20 / /sys rw - sysfs sysfs rw\n"
			   "22 21 0:21 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
			   "23 22 0:22 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
			   "30 21 0:30 / /sys rw - sysfs sysfs rw\n"
			   "31 30 0:21 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n"
			   "32 31 0:22 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n";

	CHECK_INT(detect_text(text, &host, &err), 0);
	CHECK_INT(host.count, 1);
	CHECK(text_is(host.hierarchies[0].mount, "/sys/fs/cgroup/pids"));
}

TEST(a_part_of_the_tree_counts_when_nothing_better_is_mounted)
{
	static const char text[] = "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
				   "23 20 0:22 /docker/0a1b /sys/fs/cgroup rw - cgroup2 cgroup rw\n"
				   "24 20 0:23 /../other /mnt/outside rw - cgroup cgroup rw,pids\n";
	struct cgroup_host host;

	CHECK_INT(detect_text(text, &host, NULL), 0);
	CHECK_INT(host.count, 1);
	CHECK(text_is(host.hierarchies[0].mount, "/sys/fs/cgroup"));
}

TEST(blanks_in_a_mount_point_are_decoded)
{
	struct cgroup_host host;

	CHECK_INT(detect_text(
			  "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
			  "23 20 0:22 / /mnt/a\\040b\\134 rw shared:1 master:2 - cgroup2 none rw\n",
			  &host, NULL),
	          0);
	CHECK(text_is(host.hierarchies[0].mount, "/mnt/a b\\"));
}

TEST(a_host_without_cgroups_and_a_damaged_file_are_errors_that_say_what_to_do)
{
	struct cgroup_host host;
	struct error err = {0};

	CHECK_INT(detect_text("20 1 8:1 / / rw - ext4 /dev/sda1 rw\n", &host, &err), -ENOENT);
	CHECK(strstr(err.text, "mount -t cgroup2"));
	CHECK_INT(detect_text("", &host, &err), -ENOENT);
	CHECK_INT(detect_text("20\n20 1\n20 1 8:1 / / rw - \n- - -\n\\\\\\0\n", &host, &err),
	          -ENOENT);
	CHECK_INT(cgroup_detect(&host, "/nonexistent/mountinfo", &err), -ENOENT);
}
