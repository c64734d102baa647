/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The supervisor's half of a start; child.c is the other one, sync.h what they say to each other. */
#include "runtime/start.h"

#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "cgroup/cgroup.h"
#include "container/applied.h"
#include "container/container.h"
#include "runtime/child.h"
#include "runtime/plan.h"
#include "runtime/sync.h"
#include "storage/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define CHILD_WAIT_MS    60000 /* for the child to build its world, on a very slow disk */
#define REMOVE_CGROUP_MS 10000

struct start {
	const struct container *container;
	const char *cgroup_path;
	const struct plan_execute *execute;
	const struct start_note *note;
	struct plan plan;
	struct network_decided *decided;
	struct cgroup cgroup;
	int sync_fd;
	struct running running;
};

static void start_done(struct start *start)
{
	network_decided_free(start->decided, start->container->config.network_count);
	plan_done(&start->plan);
	cgroup_close(&start->cgroup);
	fd_close(&start->sync_fd);
	running_done(&start->running);
}

void running_init(struct running *running)
{
	*running = (struct running){.pid = -1, .pidfd = -1};
	for (size_t i = 0; i < ARRAY_SIZE(running->ttys); i++)
		running->ttys[i] = -1;
}

void running_done(struct running *running)
{
	fd_close(&running->pidfd);
	for (size_t i = 0; i < ARRAY_SIZE(running->ttys); i++)
		fd_close(&running->ttys[i]);
}

static int step_plan(struct start *start, struct error *err)
{
	struct running *running = &start->running;
	int r = plan_make(&start->plan, start->container, start->execute, err);

	if (r < 0)
		return r;
	(void)snprintf(running->init_kind, sizeof(running->init_kind), "%s",
	               start->plan.init->name);
	(void)snprintf(running->note, sizeof(running->note), "%s", start->plan.lsm.note);
	running->halt_signal = start->plan.halt_signal;
	running->reboot_signal = start->plan.reboot_signal;
	running->kill_signal = start->plan.kill_signal;
	return 0;
}

/* Addresses, and the name servers that go with them. */
static int step_addresses(struct start *start, struct error *err)
{
	CLEAN(text_done) struct text text = {0};
	int r = network_decide(start->container, &start->decided, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < start->container->config.network_count; i++)
		for (size_t j = 0; j < start->decided[i].dns.count; j++)
			text_addf(&text, "nameserver %s\n", start->decided[i].dns.items[j]);
	if (text.length)
		start->plan.resolv_conf = text_take(&text);
	return 0;
}

static int step_cgroup(struct start *start, struct error *err)
{
	const struct container *container = start->container;
	int r = cgroup_create(&start->cgroup, start->cgroup_path, err);

	if (r == 0)
		r = cgroup_set_limits(&start->cgroup, &container->config, err);
	if (r == 0)
		r = cgroup_set_devices(&start->cgroup, &container->config, err);
	if (r == 0 && start->plan.has_userns) {
		int64_t uid = idmap_to_host(&start->plan.map, false, 0);
		int64_t gid = idmap_to_host(&start->plan.map, true, 0);

		if (uid < 0 || gid < 0)
			return fail_plain(err, EINVAL, "idmap.map does not map root (id 0)");
		r = cgroup_delegate(&start->cgroup, (uid_t)uid, (gid_t)gid, err);
	}
	if (r == 0)
		(void)snprintf(start->running.cgroup, sizeof(start->running.cgroup), "%s",
		               start->cgroup.path);
	return r;
}

static void undo_cgroup(struct start *start)
{
	/* the failure that led here is the one to report; the next start takes over what stays */
	(void)cgroup_remove(&start->cgroup, REMOVE_CGROUP_MS, NULL);
}

static int step_birth(struct start *start, struct error *err)
{
	struct clone_args args = {.exit_signal = SIGCHLD,
	                          .flags = CLONE_PIDFD | start->plan.namespaces};
	int ends[2], cgroup_fd = cgroup_clone_fd(&start->cgroup);
	int r = sync_pair(ends, err);
	pid_t pid;

	if (r < 0)
		return r;
	if (cgroup_fd >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)cgroup_fd;
	}
	args.pidfd = (uint64_t)(uintptr_t)&start->running.pidfd;
	pid = sys_clone3(&args);
	if (pid == 0) {
		close(ends[0]);
		child_run(&start->plan, &start->cgroup, ends[1]);
	}
	close(ends[1]);
	start->sync_fd = ends[0];
	if (pid < 0) {
		r = fail(err, errno, "clone the container's first process");
		if (r == -ENOSPC || r == -EUSERS)
			r = fail_hint(err, "raise the sysctls user.max_*_namespaces");
		return r;
	}
	start->running.pid = pid;
	return 0;
}

static void undo_birth(struct start *start)
{
	fd_close(&start->sync_fd);
	/* ESRCH: it ended by itself and only waits to be reaped */
	(void)sys_pidfd_send_signal(start->running.pidfd, SIGKILL);
	while (waitpid(start->running.pid, NULL, 0) < 0 && errno == EINTR)
		continue;
}

static int open_namespace(const struct start *start, const char *name, struct error *err)
{
	char path[64];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/%s", start->running.pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? fail(err, errno, "open '%s'", path) : fd;
}

static int set_rlimits(struct start *start, struct error *err)
{
	const struct pairs *pairs = &start->container->config.rlimits;
	char where[512];

	for (unsigned int i = 0; i < start->plan.rlimit_count; i++) {
		const struct plan_rlimit *limit = &start->plan.rlimits[i];

		if (prlimit(start->running.pid, (enum __rlimit_resource)limit->resource,
		            &limit->value, NULL) < 0)
			return fail(err, errno, "rlimits.%s%s: set '%s'", pairs->names.items[i],
			            config_where(&start->container->config, "rlimits",
			                         pairs->names.items[i], 0, where, sizeof(where)),
			            pairs->values.items[i]);
	}
	return 0;
}

/* Ids of the child, of the root file system and of the mounts that ask for it; then the child may go on. */
static int step_maps(struct start *start, struct error *err)
{
	CLEAN_FD int userns = -1;
	int r = set_rlimits(start, err);

	if (r == 0 && start->plan.has_userns) {
		r = idmap_write(&start->plan.map, start->running.pid, err);
		if (r < 0)
			return r;
		userns = open_namespace(start, "user", err);
		if (userns < 0)
			return userns;
		r = storage_map(start->container, &start->plan.root, userns, err);
		if (r == 0)
			r = mounts_map(&start->plan.mounts, userns, err);
	}
	if (r == 0)
		r = sync_send(start->sync_fd, SYNC_GO, NULL, 0);
	if (r == -EPIPE) /* it died early; READY will bring its reason */
		r = 0;
	return r;
}

/* While the child mounts. */
static int step_links(struct start *start, struct error *err)
{
	CLEAN_FD int netns = open_namespace(start, "net", err);

	if (netns < 0)
		return netns;
	return network_attach(&start->running.network, start->container, start->decided, netns,
	                      err);
}

static void undo_links(struct start *start)
{
	/* the failure that led here is the one to report */
	(void)network_detach(&start->running.network, NULL);
}

/* Kept beside the state, so that attach loads the same bytes without libseccomp. */
static int step_filter(struct start *start, struct error *err)
{
	CLEAN_FREE char *path = must_printf("%s/seccomp", start->container->run_dir);

	return seccomp_save(&start->plan.seccomp, path, err);
}

/* What later commands compare the file with; while the child mounts. */
static int step_applied(struct start *start, struct error *err)
{
	return applied_write(start->container->run_dir, &start->container->config, err);
}

/*
 * Everything outside is done. Said before READY has come, so that the child, which is still mounting, need
 * not wait for an answer.
 */
static int step_run(struct start *start, struct error *err)
{
	int r = start->note->run(start->note, &start->running, err);

	if (r < 0)
		return r;
	r = sync_send(start->sync_fd, SYNC_RUN, NULL, 0);
	if (r < 0 && r != -EPIPE) /* it died early; READY will bring its reason */
		return fail(err, -r, "let the container run");
	return 0;
}

static int step_ready(struct start *start, struct error *err)
{
	size_t count = 1 + start->container->config.ttys;
	int r = sync_expect(start->sync_fd, SYNC_READY, start->running.ttys, &count, CHILD_WAIT_MS,
	                    err);

	start->running.tty_count = (unsigned int)count;
	return r;
}

static int step_exec(struct start *start, struct error *err)
{
	return sync_expect(start->sync_fd, SYNC_END, NULL, NULL, CHILD_WAIT_MS, err);
}

static const struct step {
	const char *name;
	int (*run)(struct start *start, struct error *err);
	void (*undo)(struct start *start);
	bool undo_partial; /* the undo also clears what a failed run left */
} steps[] = {
	{"plan",      step_plan,      NULL,        false},
	{"addresses", step_addresses, NULL,        false},
	{"cgroup",    step_cgroup,    undo_cgroup, true },
	{"birth",     step_birth,     undo_birth,  false},
	{"maps",      step_maps,      NULL,        false},
	{"links",     step_links,     undo_links,  false},
	{"filter",    step_filter,    NULL,        false},
	{"applied",   step_applied,   NULL,        false},
	{"run",       step_run,       NULL,        false},
	{"ready",     step_ready,     NULL,        false},
	{"exec",      step_exec,      NULL,        false},
};

/*
 * Tests make each step fail in turn by naming it in SYSC_FAIL_STEP, or the supervisor be killed after it by
 * SYSC_KILL_STEP.
 */
static int fail_on_demand(const struct step *step, struct error *err)
{
	const char *name = secure_getenv("SYSC_FAIL_STEP");

	if (text_is(secure_getenv("SYSC_KILL_STEP"), step->name))
		(void)raise(SIGKILL);
	if (!text_is(name, step->name))
		return 0;
	return fail_plain(err, ECANCELED, "step '%s' was made to fail (SYSC_FAIL_STEP)",
	                  step->name);
}

/* A step may fail only because the child died: what it said before is the cause then. */
static void prefer_child_reason(struct start *start, struct error *err)
{
	struct error reason = {0};

	if (err && start->sync_fd >= 0 && sync_take_reason(start->sync_fd, &reason))
		*err = reason;
}

int start_container(const struct container *container, const char *cgroup,
                    const struct plan_execute *execute, const struct start_note *note,
                    struct running *out, struct error *err)
{
	CLEAN(start_done)
	struct start start = {.container = container,
	                      .cgroup_path = cgroup,
	                      .execute = execute,
	                      .note = note,
	                      .sync_fd = -1};
	size_t done = 0;
	int r = 0;

	plan_init(&start.plan);
	cgroup_init(&start.cgroup);
	running_init(&start.running);
	while (done < ARRAY_SIZE(steps) && r == 0) {
		const struct step *step = &steps[done];

		r = step->run(&start, err);
		if (r == 0 || step->undo_partial)
			done++;
		if (r == 0)
			r = fail_on_demand(step, err);
		log_line(LOG_LEVEL_DEBUG, "step '%s'%s", step->name, r < 0 ? " failed" : "");
	}
	if (r == 0) {
		*out = start.running;
		running_init(&start.running);
		return 0;
	}
	prefer_child_reason(&start, err);
	while (done-- > 0)
		if (steps[done].undo)
			steps[done].undo(&start);
	return r;
}
