/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Freezing a container for the moment of a snapshot; see the header. */
#include "tools/snapshot_hold.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "container/container.h"
#include "container/state.h"
#include "monitor/client.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#define FREEZE_MS 10000
#define MARK      "frozen_by"

static int64_t clock_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void hold_init(struct hold *hold, const struct container *container)
{
	*hold = (struct hold){.container = container, .guard_fd = -1, .frozen_us = -1};
}

static int write_mark(const struct container *container, struct error *err)
{
	CLEAN_FREE char *path = must_printf("%s/" MARK, container->run_dir);
	CLEAN_FREE char *text = must_printf("%d %llu\n", (int)getpid(),
	                                    (unsigned long long)state_process_birth(getpid()));

	return file_replace_volatile(AT_FDCWD, path, text, strlen(text), 0600, err);
}

void hold_forget(const struct container *container)
{
	CLEAN_FREE char *path = must_printf("%s/" MARK, container->run_dir);

	(void)unlink(path); /* gone with the run folder */
}

/*
 * The guard: a byte is the command's own end of it, the end of the socket is the command's death. It shares the
 * open file of the container's lock, so that no other command begins before it is done.
 */
static void guard(const struct container *container, int fd)
{
	sigset_t all;
	char byte;
	ssize_t n;

	(void)setsid(); /* what is sent to the command's group is not for it */
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	(void)!send(fd, "", 1, MSG_NOSIGNAL); /* ready; nobody to hear it: the read tells */
	do
		n = read(fd, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n == 0 && client_freeze(container, false, FREEZE_MS, NULL) == 0)
		hold_forget(container);
	_exit(0);
}

static void end_guard(struct hold *hold)
{
	if (!hold->guard)
		return;
	(void)!send(hold->guard_fd, "", 1, MSG_NOSIGNAL); /* or it has gone */
	fd_close(&hold->guard_fd);
	while (waitpid(hold->guard, NULL, 0) < 0 && errno == EINTR)
		continue;
	hold->guard = 0;
}

static int start_guard(struct hold *hold, struct error *err)
{
	int ends[2];
	char byte;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return fail(err, errno, "make a pair of sockets");
	hold->guard = fork();
	if (hold->guard == 0) {
		close(ends[1]);
		guard(hold->container, ends[0]);
	}
	close(ends[0]);
	hold->guard_fd = ends[1];
	/* not before it is out of reach of what may kill this process with its group */
	if (hold->guard > 0 && read(hold->guard_fd, &byte, 1) == 1)
		return 0;
	if (hold->guard > 0)
		end_guard(hold);
	fd_close(&hold->guard_fd);
	hold->guard = 0;
	return fail(err, errno, "start the process that thaws it");
}

static int begin(struct hold *hold, struct error *err)
{
	struct state state;
	int r = state_read(hold->container->run_dir, &state, NULL, err);

	if (r < 0 || state.phase != STATE_RUNNING)
		return r; /* frozen already, by somebody who knows why */
	r = write_mark(hold->container, err);
	if (r == 0)
		r = start_guard(hold, err);
	hold->began_us = clock_us();
	if (r == 0)
		r = client_freeze(hold->container, true, FREEZE_MS, err);
	hold->is_frozen = r == 0;
	if (r < 0) {
		end_guard(hold);
		hold_forget(hold->container);
	}
	return r;
}

static int end(struct hold *hold, struct error *err)
{
	int r = 0;

	if (hold->is_frozen) {
		r = client_freeze(hold->container, false, FREEZE_MS, err);
		hold->frozen_us = clock_us() - hold->began_us;
	}
	if (r == 0 && hold->is_frozen)
		hold_forget(hold->container);
	hold->is_frozen = false;
	end_guard(hold);
	return r;
}

int hold_change(bool held, void *user, struct error *err)
{
	return held ? begin(user, err) : end(user, err);
}

int64_t hold_frozen_us(void *user)
{
	const struct hold *hold = user;

	return hold->frozen_us;
}

int hold_open_root(const struct container *container, int *out, struct error *err)
{
	CLEAN_FREE char *path = NULL;
	struct state state;
	int r = state_read(container->run_dir, &state, NULL, err);

	if (r < 0)
		return r;
	*out = -1;
	if (state.phase == STATE_STOPPED)
		return 0;
	if (state.phase != STATE_RUNNING && state.phase != STATE_FROZEN)
		return fail_plain(err, EBUSY, "it is %s", state_name(state.phase));
	path = must_printf("/proc/%d/root", (int)state.init_pid);
	*out = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return *out < 0 ? fail(err, errno, "open '%s'", path) : 0;
}

int hold_mend(const struct container *container, struct error *err)
{
	CLEAN_FREE char *path = must_printf("%s/" MARK, container->run_dir);
	struct state state;
	int r;

	if (!file_exists(AT_FDCWD, path))
		return 0;
	r = state_read(container->run_dir, &state, NULL, err);
	/* one that runs may be frozen all the same: killed before the supervisor wrote it down */
	if (r == 0 && (state.phase == STATE_RUNNING || state.phase == STATE_FROZEN))
		r = client_freeze(container, false, FREEZE_MS, err);
	if (r < 0)
		return r;
	hold_forget(container);
	return state.phase == STATE_FROZEN;
}
