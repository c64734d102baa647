/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Entering a running container; see the header. attach_command.c is what happens inside. */
#include "runtime/attach.h"

#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/file.h"
#include "cgroup/cgroup.h"
#include "container/container.h"
#include "container/rlimits.h"
#include "container/state.h"
#include "runtime/attach_command.h"
#include "runtime/sync.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define ALL_NAMESPACES                                                                             \
	(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | \
	 CLONE_NEWCGROUP)
#define WAIT_MS 60000

/* init's pidfd, verified to be the process of the state file. */
static int open_init(const struct state *state, struct error *err)
{
	CLEAN_FD int fd = -1;

	if (state->phase == STATE_STOPPED || state->phase == STATE_STARTING)
		return fail_plain(err, ESRCH, "not running");
	if (state->phase == STATE_FROZEN)
		return fail_plain(err, EBUSY, "frozen (sysc-unfreeze lets it go on)");
	fd = sys_pidfd_open(state->init_pid, 0);
	if (fd < 0 || state_process_birth(state->init_pid) != state->init_birth)
		return fail_plain(err, ESRCH, "not running");
	return fd_take(&fd);
}

/* init's bounding set: what nobody inside may have. */
static int read_bounding_set(pid_t pid, uint64_t *out, struct error *err)
{
	CLEAN(text_done) struct text text = {0};
	CLEAN_FREE char *path = must_printf("/proc/%d/status", pid);
	const char *line;
	int r = file_read(AT_FDCWD, path, 65536, &text, err);

	if (r < 0)
		return r;
	line = text.data ? strstr(text.data, "\nCapBnd:\t") : NULL;
	if (!line)
		return fail(err, EBADMSG, "read '%s'", path);
	*out = strtoull(line + strlen("\nCapBnd:\t"), NULL, 16);
	return 0;
}

/* Init's label is what its container was given; without one the command has that of whoever attaches. */
static int read_label(struct attach_command *command, struct error *err)
{
	int r = lsm_read("", command->init_pid, command->label, NULL);

	if (r < 0)
		return fail(err, -r, "read the AppArmor label of the container");
	if (!command->label[0] || text_is(command->label, "unconfined"))
		return 0;
	command->proc_fd = lsm_open_proc(err);
	return command->proc_fd < 0 ? command->proc_fd : 0;
}

static uint64_t namespaces_of(const struct attach_options *options, const struct state *state)
{
	uint64_t set = options->namespaces ? options->namespaces : ALL_NAMESPACES;

	/* a privileged container is in ours: entering one's own user namespace is refused */
	return state->id_map[0] ? set : set & ~(uint64_t)CLONE_NEWUSER;
}

/* In the helper: becomes a process of the container, then makes the one that stays. */
static int enter(const struct attach_command *command, const struct cgroup *cgroup, int init_fd,
                 uint64_t namespaces, int sync_fd, struct error *err)
{
	struct clone_args args = {.flags = CLONE_PARENT};
	pid_t pid;
	int r = 0;

	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* cannot fail for 0 */
	if (!command->options->keep_cgroup)
		r = cgroup_enter(cgroup);
	if (r < 0)
		return fail(err, -r, "enter the container's cgroup");
	rlimits_copy_from(command->init_pid); /* by a pid of ours, so before the namespaces */
	if (setns(init_fd, (int)namespaces) < 0)
		return fail(err, errno, "enter the container's namespaces");
	pid = sys_clone3(&args);
	if (pid < 0)
		return fail(err, errno, "clone a process in the container");
	if (pid == 0)
		attach_command_run(command, sync_fd);
	return 0;
}

static pid_t clone_helper(const struct attach_command *command, const struct cgroup *cgroup,
                          int init_fd, uint64_t namespaces, int ends[2], struct error *err)
{
	struct clone_args args = {.exit_signal = SIGCHLD};
	int cgroup_fd = command->options->keep_cgroup ? -1 : cgroup_clone_fd(cgroup);
	struct error own = {0};
	pid_t pid;

	if (cgroup_fd >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)cgroup_fd;
	}
	pid = sys_clone3(&args);
	if (pid < 0)
		return fail(err, errno, "clone a process into the container's cgroup");
	if (pid > 0)
		return pid;
	close(ends[0]);
	if (enter(command, cgroup, init_fd, namespaces, ends[1], &own) < 0)
		sync_send_error(ends[1], &own);
	_exit(0);
}

/* The command announces itself by its pidfd, and its pty where it has one; then the socket ends by exec. */
static int receive(int sync_fd, struct attached *out, bool wants_pty, bool *is_exec,
                   struct error *err)
{
	int fds[2] = {-1, -1};
	size_t count = 2;
	int r = sync_expect(sync_fd, SYNC_READY, fds, &count, WAIT_MS, err);

	if (r < 0)
		return r;
	if (count != 1U + wants_pty) {
		fd_close(&fds[0]);
		fd_close(&fds[1]);
		return fail(err, EBADMSG, "receive from the command");
	}
	out->pidfd = fds[0];
	out->ptx_fd = fds[1];
	r = sync_expect(sync_fd, SYNC_END, NULL, NULL, WAIT_MS, err);
	*is_exec = r < 0;
	return r;
}

static void end_command(struct attached *attached)
{
	if (attached->pidfd >= 0) {
		(void)sys_pidfd_send_signal(attached->pidfd, SIGKILL); /* it may be gone */
		(void)waitid(P_PIDFD, (id_t)attached->pidfd, NULL, WEXITED);
	}
	fd_close(&attached->pidfd);
	fd_close(&attached->ptx_fd);
}

static int run(const struct attach_command *command, const struct cgroup *cgroup, int init_fd,
               uint64_t namespaces, struct attached *out, bool *is_exec, struct error *err)
{
	const bool *tty = command->options->stream_is_tty;
	struct attached attached = {.pid = -1, .pidfd = -1, .ptx_fd = -1};
	CLEAN_FD int ours = -1, theirs = -1;
	int ends[2];
	pid_t helper;
	int r = sync_pair(ends, err);

	if (r < 0)
		return r;
	ours = ends[0];
	theirs = ends[1];
	helper = clone_helper(command, cgroup, init_fd, namespaces, ends, err);
	fd_close(&theirs);
	if (helper < 0)
		return helper;
	r = receive(ours, &attached, tty[0] || tty[1] || tty[2], is_exec, err);
	while (waitpid(helper, NULL, 0) < 0 && errno == EINTR)
		continue;
	if (r < 0) {
		end_command(&attached);
		return r;
	}
	*out = attached;
	return 0;
}

int attach_start(const struct container *container, const struct attach_options *options,
                 struct attached *out, bool *is_exec, struct error *err)
{
	CLEAN_FREE char *filter = must_printf("%s/seccomp", container->run_dir);
	CLEAN(attach_command_done)
	struct attach_command command = {.options = options, .proc_fd = -1};
	CLEAN(cgroup_close) struct cgroup cgroup;
	CLEAN_FD int init_fd = -1;
	struct state state;
	int r;

	*is_exec = false;
	cgroup_init(&cgroup);
	r = state_read(container->run_dir, &state, NULL, err);
	if (r < 0)
		return r;
	init_fd = open_init(&state, err);
	if (init_fd < 0)
		return init_fd;
	command.init_pid = state.init_pid;
	r = read_bounding_set(state.init_pid, &command.keep_capabilities, err);
	if (r == 0 && !options->no_seccomp)
		r = seccomp_read(filter, &command.seccomp, err);
	if (r == 0 && !options->no_label)
		r = read_label(&command, err);
	if (r == 0 && !options->keep_cgroup)
		r = cgroup_open(&cgroup, state.cgroup, err);
	if (r == 0 && !options->keep_cgroup)
		r = cgroup_prepare_join(&cgroup, err);
	if (r < 0)
		return r;
	return run(&command, &cgroup, init_fd, namespaces_of(options, &state), out, is_exec, err);
}
