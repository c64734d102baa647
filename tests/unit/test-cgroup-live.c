/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Real cgroups of this host, below a parent of their own: made, entered, limited, frozen, removed.
 * Plain v2 and plain v1 are had by mounting, in a mount namespace, only a part of what the host has.
 */
#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/file.h"
#include "base/process.h"
#include "base/text.h"
#include "cgroup/cgroup.h"
#include "cgroup/tree.h"
#include "tests/lib/need.h"
#include "tests/lib/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define WAIT_MS 10000

static char parent_name[32];

/*
 * Runs a case in a child and takes away what a failed one leaves, processes too. The names are made
 * from the pid of the case, so no other's are touched.
 */
static void guard(void (*run)(void))
{
	CLEAN_FREE char *path = NULL;
	struct cgroup cgroup;
	int status = 0;
	pid_t pid;

	snprintf(parent_name, sizeof(parent_name), "sysc-unit-%d", getpid());
	path = must_printf("%s/web1", parent_name);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		run();
		fflush(stdout);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	if (status == 0)
		return;
	cgroup_init(&cgroup);
	if (cgroup_detect(&cgroup.host, NULL, NULL) == 0) {
		snprintf(cgroup.path, sizeof(cgroup.path), "%s", path);
		(void)cgroup_remove(&cgroup, 1000, NULL); /* the case has failed already */
		(void)cgroup_remove_parent(parent_name, NULL);
	}
	fflush(stdout);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

#define LIVE_TEST(id)                   \
	static void guarded_##id(void); \
	TEST(id)                        \
	{                               \
		guard(guarded_##id);    \
	}                               \
	static void guarded_##id(void)

struct place {
	char parent[32], path[64];
	struct cgroup cgroup;
	struct config config;
};

static void need_cgroups(void)
{
	struct cgroup_host host;
	char probe[TREE_PATH_MAX];

	NEED("root", geteuid() == 0, "not root");
	NEED("cgroup", cgroup_detect(&host, NULL, NULL) == 0, "no cgroup is mounted");
	snprintf(probe, sizeof(probe), "%s/sysc-unit-probe-%d", host.hierarchies[0].mount,
	         getpid());
	NEED("cgroup", mkdir(probe, 0755) == 0, "no right to make cgroups");
	CHECK(rmdir(probe) == 0);
}

static void place_init(struct place *place)
{
	struct limits_config *limits = &place->config.limits;
	struct error err = {0};
	int r;

	memset(place, 0, sizeof(*place));
	config_init(&place->config);
	limits->memory = limits->memory_high = limits->memory_low = limits->swap = LIMIT_UNSET;
	snprintf(place->parent, sizeof(place->parent), "%s", parent_name);
	snprintf(place->path, sizeof(place->path), "%s/web1", place->parent);
	cgroup_init(&place->cgroup);
	r = cgroup_create(&place->cgroup, place->path, &err);
	if (r < 0)
		printf("# %s\n", err.text);
	CHECK_INT(r, 0);
}

/* Removes what is there, and checks that nothing of it is left anywhere. */
static void place_done(struct place *place)
{
	struct cgroup_host host = place->cgroup.host;
	struct error err = {0};
	int r = cgroup_remove(&place->cgroup, WAIT_MS, &err);

	if (r < 0)
		printf("# %s\n", err.text);
	CHECK_INT(r, 0);
	CHECK_INT(cgroup_remove_parent(place->parent, &err), 0);
	for (unsigned int i = 0; i < host.count; i++) {
		char path[TREE_PATH_MAX];

		CHECK_INT(tree_path(&host.hierarchies[i], place->parent, NULL, path), 0);
		CHECK(!file_exists(AT_FDCWD, path));
	}
	config_done(&place->config);
}

/* What file of the container in the hierarchy with controller says. */
static const char *value_of(const struct place *place, const char *controller, const char *file,
                            char buffer[4096])
{
	const struct cgroup_host *host = &place->cgroup.host;
	char path[TREE_PATH_MAX];

	CHECK(tree_find(host, controller) >= 0);
	CHECK_INT(
		tree_path(&host->hierarchies[tree_find(host, controller)], place->path, file, path),
		0);
	CHECK(file_read_small(AT_FDCWD, path, buffer, 4096) >= 0);
	return buffer;
}

/* A child, born in the v2 leaf, that enters the v1 hierarchies, says so and waits to be killed. */
static pid_t start_child(const struct cgroup *cgroup, int *pidfd)
{
	int pipe_fds[2], fd = -1;
	struct clone_args args = {
		.flags = CLONE_PIDFD,
		.pidfd = (uintptr_t)&fd,
		.exit_signal = SIGCHLD,
	};
	char said = 'x';
	pid_t pid;

	CHECK(pipe2(pipe_fds, O_CLOEXEC) == 0);
	if (cgroup_clone_fd(cgroup) >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)cgroup_clone_fd(cgroup);
	}
	pid = sys_clone3(&args);
	CHECK(pid >= 0);
	if (pid == 0) {
		said = cgroup_enter(cgroup) == 0 ? 'y' : 'n';
		if (write(pipe_fds[1], &said, 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(pipe_fds[1]);
	CHECK_INT(read(pipe_fds[0], &said, 1), 1);
	close(pipe_fds[0]);
	CHECK_INT(said, 'y');
	*pidfd = fd;
	return pid;
}

/* Each line of the child's own list of cgroups ends in the path, v2's in the leaf. */
static void check_is_inside(const struct place *place, pid_t pid)
{
	CLEAN_FREE char *file = must_printf("/proc/%d/cgroup", pid);
	CLEAN(strings_done) struct strings lines = {0};
	CLEAN(text_done) struct text text = {0};
	unsigned int inside = 0;

	CHECK_INT(file_read(AT_FDCWD, file, 65536, &text, NULL), 0);
	strings_split(&lines, text.data, "\n");
	for (size_t i = 0; i < lines.count; i++)
		inside += strstr(lines.items[i], place->path) != NULL;
	CHECK_INT(inside, place->cgroup.host.count);
}

static void check_was_killed(pid_t pid)
{
	int status = 0;

	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* A second process, as attach makes it. */
static void check_joins(const struct place *place, struct cgroup *opened)
{
	CLEAN_FD int pidfd = -1;
	pid_t pid;

	CHECK_INT(cgroup_prepare_join(opened, NULL), 0);
	pid = start_child(opened, &pidfd);
	check_is_inside(place, pid);
	CHECK(sys_pidfd_send_signal(pidfd, SIGKILL) == 0);
	check_was_killed(pid);
}

/* The whole life of a cgroup, whatever the layout. */
static void live(enum cgroup_layout layout)
{
	struct place place;
	struct error err = {0};
	struct cgroup_usage usage;
	CLEAN_FD int pidfd = -1;
	struct cgroup other;
	pid_t pid;

	place_init(&place);
	CHECK_INT(place.cgroup.host.layout, layout);
	pid = start_child(&place.cgroup, &pidfd);
	check_is_inside(&place, pid);
	cgroup_init(&other);
	CHECK_INT(cgroup_open(&other, place.path, &err), 0);
	check_joins(&place, &other);
	CHECK(!cgroup_is_frozen(&other));
	CHECK_INT(cgroup_freeze(&other, true, WAIT_MS, &err), 0);
	CHECK(cgroup_is_frozen(&place.cgroup));
	CHECK_INT(cgroup_freeze(&other, false, WAIT_MS, &err), 0);
	CHECK(!cgroup_is_frozen(&other));
	CHECK_INT(cgroup_usage(&other.host, place.path, &usage), 0);
	cgroup_close(&other);
	/* as long as it runs nobody else gets it, and it stays whole */
	CHECK_INT(cgroup_create(&other, place.path, &err), -EBUSY);
	CHECK(strstr(err.text, "still holds processes"));
	CHECK_INT(cgroup_remove(&other, WAIT_MS, &err), 0); /* of what was not made: nothing */
	check_is_inside(&place, pid);
	/* frozen processes are killed too */
	CHECK_INT(cgroup_freeze(&place.cgroup, true, WAIT_MS, &err), 0);
	place_done(&place);
	check_was_killed(pid);
}

LIVE_TEST(a_container_lives_on_this_host)
{
	struct cgroup_host host;

	need_cgroups();
	CHECK_INT(cgroup_detect(&host, NULL, NULL), 0);
	live(host.layout);
}

static void need_own_mounts(void)
{
	NEED("mount", unshare(CLONE_NEWNS) == 0, "no mount namespace");
	CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
}

LIVE_TEST(a_container_lives_on_plain_v2)
{
	need_cgroups();
	need_own_mounts();
	NEED("cgroup", mount("none", "/sys/fs/cgroup", "cgroup2", 0, NULL) == 0, "no cgroup2");
	live(CGROUP_V2);
}

LIVE_TEST(a_container_lives_on_plain_v1)
{
	struct cgroup_host host;

	need_cgroups();
	need_own_mounts();
	CHECK_INT(cgroup_detect(&host, NULL, NULL), 0);
	NEED("cgroup-v1", tree_find_v1(&host, "freezer") >= 0, "no v1 freezer on this host");
	if (host.v2 >= 0)
		CHECK(umount2(host.hierarchies[host.v2].mount, MNT_DETACH) == 0);
	live(CGROUP_V1);
}

LIVE_TEST(a_left_over_is_made_anew_and_sub_cgroups_go_with_it)
{
	struct place place;
	struct error err = {0};
	char path[TREE_PATH_MAX];
	int v2;

	need_cgroups();
	place_init(&place);
	v2 = place.cgroup.host.v2;
	NEED("cgroup", v2 >= 0 || (place_done(&place), false), "no cgroup v2 hierarchy");
	for (int i = 0; i < 3; i++) {
		const char *const names[] = {"payload/a", "payload/a/b", "payload/.c"};

		CHECK_INT(tree_path(&place.cgroup.host.hierarchies[v2], place.path, names[i], path),
		          0);
		CHECK(mkdir(path, 0755) == 0);
	}
	cgroup_close(&place.cgroup);
	CHECK_INT(cgroup_create(&place.cgroup, place.path, &err), 0);
	CHECK(!file_exists(AT_FDCWD, path));
	CHECK(mkdir(path, 0755) == 0);
	place_done(&place);
}

/* On either version: v1 has the controller, or the new cgroup has v2's file. */
static bool has_memory(const struct place *place)
{
	const struct cgroup_host *host = &place->cgroup.host;
	char path[TREE_PATH_MAX];

	return tree_find_v1(host, "memory") >= 0 ||
	       (host->v2 >= 0 &&
	        tree_path(&host->hierarchies[host->v2], place->path, "memory.max", path) == 0 &&
	        file_exists(AT_FDCWD, path));
}

LIVE_TEST(limits_are_set_changed_and_put_back)
{
	struct place place;
	struct limits_config *limits = &place.config.limits;
	struct cgroup_usage usage;
	struct error err = {0};

	need_cgroups();
	place_init(&place);
	NEED("cgroup", has_memory(&place) || (place_done(&place), false),
	     "no memory controller on this host");
	limits->memory = 64 << 20;
	limits->swap = 16 << 20;
	limits->pids = 50;
	limits->millicpus = 500;
	limits->cpu_weight = 200;
	limits->cpuset = must_dup("0");
	CHECK_INT(cgroup_set_limits(&place.cgroup, &place.config, &err), 0);
	CHECK_INT(cgroup_usage(&place.cgroup.host, place.path, &usage), 0);
	CHECK_INT(usage.memory_limit, 64 << 20);
	CHECK_INT(usage.swap_limit, 16 << 20);
	CHECK_INT(usage.pids_limit, 50);
	CHECK_INT(usage.millicpus_limit, 500);
	CHECK(text_is(usage.cpuset, "0"));
	/* up and down: memory + swap has to be written in another order each */
	limits->memory = 256 << 20;
	CHECK_INT(cgroup_set_limit(&place.cgroup, &place.config, "memory", &err), 0);
	limits->memory = 32 << 20;
	CHECK_INT(cgroup_set_limit(&place.cgroup, &place.config, "memory", &err), 0);
	/* cpus that are not there: an error, and the old value is in force */
	free(limits->cpuset);
	limits->cpuset = must_dup("4000-4001");
	CHECK(cgroup_set_limit(&place.cgroup, &place.config, "cpuset", &err) < 0);
	CHECK(strstr(err.text, "limits.cpuset: "));
	CHECK_INT(cgroup_usage(&place.cgroup.host, place.path, &usage), 0);
	CHECK_INT(usage.memory_limit, 32 << 20);
	CHECK_INT(usage.swap_limit, 16 << 20);
	CHECK(text_is(usage.cpuset, "0"));
	/* unset again */
	limits->memory = limits->swap = limits->pids = limits->millicpus = LIMIT_UNSET;
	free(limits->cpuset);
	limits->cpuset = NULL;
	CHECK_INT(cgroup_set_limit(&place.cgroup, &place.config, "memory", &err), 0);
	CHECK_INT(cgroup_set_limit(&place.cgroup, &place.config, "swap", &err), 0);
	CHECK_INT(cgroup_set_limit(&place.cgroup, &place.config, "cpuset", &err), 0);
	CHECK_INT(cgroup_set_limit(&place.cgroup, &place.config, "pids", &err), 0);
	CHECK_INT(cgroup_set_limit(&place.cgroup, &place.config, "cpus", &err), 0);
	CHECK_INT(cgroup_usage(&place.cgroup.host, place.path, &usage), 0);
	CHECK(usage.memory_limit == LIMIT_UNSET && usage.swap_limit == LIMIT_UNSET);
	CHECK(usage.pids_limit == LIMIT_UNSET && usage.millicpus_limit == LIMIT_UNSET);
	place_done(&place);
}

/* Every key that differs from the kernel is told, as is what is set but not wanted. */
LIVE_TEST(limits_are_compared_with_the_kernel)
{
	struct place place;
	struct limits_config *limits = &place.config.limits;
	static const char *const keys[] = {"memory", "memory_high", "memory_low", "swap",
	                                   "cpus",   "cpu_weight",  "cpuset",     "pids",
	                                   "io",     "io_weight"};
	struct error err = {0};
	char found[256] = "";

	need_cgroups();
	place_init(&place);
	NEED("cgroup", has_memory(&place) || (place_done(&place), false),
	     "no memory controller on this host");
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		CHECK_INT(cgroup_check_limit(&place.cgroup, &place.config, keys[i], found,
		                             sizeof(found), &err),
		          1);
	limits->memory = (64 << 20) + 1; /* the kernel keeps whole pages */
	limits->memory_low = 8 << 20;
	limits->swap = 16 << 20;
	limits->pids = 50;
	limits->millicpus = 500;
	limits->cpu_weight = 200;
	limits->cpuset = must_dup("0");
	CHECK_INT(cgroup_set_limits(&place.cgroup, &place.config, &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		CHECK_INT(cgroup_check_limit(&place.cgroup, &place.config, keys[i], found,
		                             sizeof(found), &err),
		          1);
	limits->pids = 51;
	CHECK_INT(cgroup_check_limit(&place.cgroup, &place.config, "pids", found, sizeof(found),
	                             &err),
	          0);
	CHECK(text_is(found, "pids.max is 50"));
	limits->pids = limits->millicpus = limits->cpu_weight = limits->memory_low = LIMIT_UNSET;
	limits->memory = 128 << 20;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const char *const same[] = {"memory_high", "cpuset", "io", "io_weight", NULL};
		bool is_same = text_is(keys[i], same[0]) || text_is(keys[i], same[1]) ||
		               text_is(keys[i], same[2]) || text_is(keys[i], same[3]);

		/* what v1 limits is the sum of both */
		if (text_is(keys[i], "swap"))
			is_same = tree_find_v1(&place.cgroup.host, "memory") < 0;
		CHECK_INT(cgroup_check_limit(&place.cgroup, &place.config, keys[i], found,
		                             sizeof(found), &err),
		          is_same);
	}
	CHECK_INT(cgroup_check_limit(&place.cgroup, &place.config, "nothing", found, sizeof(found),
	                             &err),
	          -EINVAL);
	place_done(&place);
}

LIVE_TEST(a_pids_limit_is_in_force_for_who_entered)
{
	struct place place;
	struct error err = {0};
	int status = 0;
	pid_t pid;

	need_cgroups();
	place_init(&place);
	NEED("cgroup-v1",
	     tree_find_v1(&place.cgroup.host, "pids") >= 0 || (place_done(&place), false),
	     "no v1 pids controller on this host");
	place.config.limits.pids = 1;
	CHECK_INT(cgroup_set_limits(&place.cgroup, &place.config, &err), 0);
	pid = fork();
	if (pid == 0) {
		pid_t child;

		if (cgroup_enter(&place.cgroup) < 0)
			_exit(2);
		child = fork();
		_exit(child < 0 && errno == EAGAIN ? 0 : 1);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK_INT(status, 0);
	place_done(&place);
}

static void set_raw(struct place *place, const char *name, const char *value)
{
	strings_done(&place->config.cgroup.names);
	strings_done(&place->config.cgroup.values);
	strings_add(&place->config.cgroup.names, name);
	strings_add(&place->config.cgroup.values, value);
}

LIVE_TEST(free_keys_are_written_or_refused_with_the_right_name)
{
	struct place place;
	struct error err = {0};
	char buffer[4096];

	need_cgroups();
	place_init(&place);
	NEED("cgroup-v1",
	     tree_find_v1(&place.cgroup.host, "memory") >= 0 || (place_done(&place), false),
	     "no v1 memory controller on this host");
	set_raw(&place, "v1:memory.swappiness", "10");
	CHECK_INT(cgroup_set_limits(&place.cgroup, &place.config, &err), 0);
	CHECK(text_is(value_of(&place, "memory", "memory.swappiness", buffer), "10"));
	set_raw(&place, "memory.max", "16M");
	CHECK_INT(cgroup_set_limits(&place.cgroup, &place.config, &err), -ENOTSUP);
	CHECK(strstr(err.text, "use 'v1:memory.limit_in_bytes'"));
	set_raw(&place, "../../memory.x", "1");
	CHECK_INT(cgroup_set_limits(&place.cgroup, &place.config, &err), -EINVAL);
	set_raw(&place, "cgroup.procs", "1");
	CHECK_INT(cgroup_set_limits(&place.cgroup, &place.config, &err), -EINVAL);
	set_raw(&place, "v1:memory.swappiness", "1000");
	CHECK_INT(cgroup_set_limits(&place.cgroup, &place.config, &err), -EINVAL);
	CHECK(strstr(err.text, "write '1000' to 'memory.swappiness'"));
	place_done(&place);
}

LIVE_TEST(devices_are_denied_but_for_the_base_set_and_what_is_allowed)
{
	struct place place;
	struct error err = {0};
	char buffer[4096];
	int status = 0;
	pid_t pid;

	need_cgroups();
	place_init(&place);
	NEED("cgroup-v1",
	     tree_find_v1(&place.cgroup.host, "devices") >= 0 || (place_done(&place), false),
	     "no v1 devices controller on this host");
	strings_add(&place.config.device_allow, "c 10:200 rw");
	CHECK_INT(cgroup_set_devices(&place.cgroup, &place.config, &err), 0);
	value_of(&place, "devices", "devices.list", buffer);
	CHECK(strstr(buffer, "c 10:200 rw\n") || text_ends(buffer, "c 10:200 rw"));
	CHECK(strstr(buffer, "c 1:3 rwm") && !strstr(buffer, "a *:*"));
	pid = fork();
	if (pid == 0) {
		bool null_opens, kmsg_opens;

		if (cgroup_enter(&place.cgroup) < 0)
			_exit(2);
		null_opens = open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0;
		kmsg_opens = open("/dev/kmsg", O_RDONLY | O_CLOEXEC) >= 0 || errno != EPERM;
		_exit(null_opens && !kmsg_opens ? 0 : 1);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK_INT(status, 0);
	strings_add(&place.config.device_allow, "/etc/passwd");
	CHECK(cgroup_set_devices(&place.cgroup, &place.config, &err) < 0);
	CHECK(strstr(err.text, "devices.allow: '/etc/passwd' is no device"));
	place_done(&place);
}

LIVE_TEST(the_leaf_is_handed_to_the_guest)
{
	struct place place;
	struct error err = {0};
	struct stat st;

	need_cgroups();
	place_init(&place);
	NEED("cgroup", cgroup_clone_fd(&place.cgroup) >= 0 || (place_done(&place), false),
	     "no cgroup v2 hierarchy");
	CHECK_INT(cgroup_delegate(&place.cgroup, 100000, 100001, &err), 0);
	CHECK(fstat(cgroup_clone_fd(&place.cgroup), &st) == 0);
	CHECK(st.st_uid == 100000 && st.st_gid == 100001);
	CHECK(fstatat(cgroup_clone_fd(&place.cgroup), "cgroup.procs", &st, 0) == 0);
	CHECK(st.st_uid == 100000);
	CHECK(fstatat(cgroup_clone_fd(&place.cgroup), "cgroup.max.depth", &st, 0) == 0);
	CHECK(st.st_uid == 0);
	place_done(&place);
}

TEST(paths_that_lead_out_are_refused)
{
	static const char *const bad[] = {"",   "/",      "/sysc", "sysc/", "a//b",
	                                  "..", "a/../b", "./a",   "a\nb"};
	struct cgroup cgroup;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		cgroup_init(&cgroup);
		CHECK_INT(cgroup_open(&cgroup, bad[i], NULL), -EINVAL);
		cgroup_close(&cgroup);
	}
	cgroup_init(&cgroup);
	CHECK_INT(cgroup_open(&cgroup, "sysc-unit-absent/none", NULL), -ENOENT);
	cgroup_close(&cgroup);
}
