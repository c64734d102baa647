/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Events of containers without asking anybody; see the header. */
#include "tools/watch.h"

#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/process.h"
#include "base/text.h"
#include "container/state.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>

/* Files are replaced by rename; folders come and go. Writing is for logs. */
#define FOLDER_EVENTS                                                                          \
	(IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | \
	 IN_MODIFY | IN_ONLYDIR)
#define PARENT_EVENTS (IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

int watch_open(struct error *err)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	return fd < 0 ? fail(err, errno, "make an inotify instance") : fd;
}

int watch_folder(int inotify_fd, const char *path, bool *is_there, struct error *err)
{
	CLEAN_FREE char *at = must_dup(path);

	*is_there = true;
	for (;;) {
		int wd = inotify_add_watch(inotify_fd, at,
		                           *is_there ? FOLDER_EVENTS : PARENT_EVENTS);
		char *slash;

		if (wd >= 0)
			return wd;
		if (errno != ENOENT)
			return fail(err, errno, "watch '%s'", at);
		slash = strrchr(at, '/');
		if (!slash || !at[1])
			return fail(err, ENOENT, "watch '%s'", path);
		slash[slash == at] = '\0';
		*is_there = false;
	}
}

void watch_drain(int inotify_fd)
{
	char buffer[4096] __attribute__((aligned(__alignof__(struct inotify_event))));

	while (read(inotify_fd, buffer, sizeof(buffer)) > 0)
		continue;
}

static int open_alive(pid_t pid, uint64_t birth)
{
	CLEAN_FD int fd = -1;

	if (pid <= 0)
		return -1;
	fd = sys_pidfd_open(pid, 0);
	/* one that has ended, or another that took its number, has no event left to give */
	if (fd < 0 || process_wait(fd, 0) != 0 || state_process_birth(pid) != birth)
		return -1;
	return fd_take(&fd);
}

int watch_process(const struct state *state)
{
	int fd = open_alive(state->monitor_pid, state->monitor_birth);

	return fd >= 0 ? fd : open_alive(state->init_pid, state->init_birth);
}

/* Sleeps until an event or the deadline: -ETIMEDOUT. */
static int sleep_until(int inotify_fd, int process_fd, int64_t deadline, struct error *err)
{
	struct pollfd polls[2] = {
		{.fd = inotify_fd, .events = POLLIN},
		{.fd = process_fd, .events = POLLIN}, /* -1 is ignored */
	};
	int64_t left = deadline < 0 ? -1 : deadline - process_clock_ms();
	int n;

	if (deadline >= 0 && left <= 0)
		return -ETIMEDOUT;
	n = poll(polls, 2, left > INT32_MAX ? INT32_MAX : (int)left);
	if (n < 0 && errno != EINTR)
		return fail(err, errno, "wait for an event");
	return 0;
}

/* What one look is made for. */
struct wish {
	const char *run_dir;
	int64_t deadline;
	int (*judge)(const struct state *state, void *data);
	void *data;
};

/* The watches are set before the file is read, so that no change falls in between. */
static int look(const struct wish *wish, struct state *state, struct error *err)
{
	CLEAN_FD int inotify_fd = watch_open(err);
	CLEAN_FD int process_fd = -1;
	bool is_there = false;
	int r;

	if (inotify_fd < 0)
		return inotify_fd;
	r = watch_folder(inotify_fd, wish->run_dir, &is_there, err);
	if (r >= 0)
		r = state_read(wish->run_dir, state, NULL, err);
	if (r < 0)
		return r;
	process_fd = state->phase == STATE_STOPPED ? -1 : watch_process(state);
	/* read again: it may have died just before the pidfd was there */
	if (process_fd >= 0)
		r = state_read(wish->run_dir, state, NULL, err);
	if (r == 0)
		r = wish->judge(state, wish->data);
	return r ? r : sleep_until(inotify_fd, process_fd, wish->deadline, err);
}

int watch_until(const char *run_dir, int64_t deadline,
                int (*judge)(const struct state *state, void *data), void *data,
                struct state *state, struct error *err)
{
	struct wish wish = {run_dir, deadline, judge, data};
	int r;

	do
		r = look(&wish, state, err);
	while (r == 0);
	return r;
}

int watch_signals(struct error *err)
{
	sigset_t set;
	int fd;

	(void)sigemptyset(&set); /* none of these can fail with valid signals */
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return fail(err, errno, "block signals");
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? fail(err, errno, "make a signalfd") : fd;
}
