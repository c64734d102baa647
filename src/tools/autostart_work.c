/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The child that starts or stops one container for sysc autostart: it prints nothing, its result goes
 * through a pipe. A container that it started goes on when it ends.
 */
#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/parse.h"
#include "monitor/client.h"
#include "tools/autostart.h"
#include "tools/boot.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define START_TRIES 5 /* while others change the configuration */

/* One that waited for its turn while its configuration was changed starts with the new one. */
static int start(const struct container *container, struct error *err)
{
	int r = boot_start(container, -1, err);

	for (int tries = 1; tries < START_TRIES && r == -ESTALE; tries++) {
		CLEAN(container_done) struct container again = {0};

		error_clear(err);
		r = container_open(&again, container->paths, container->name, NULL, err);
		/* only a sealed copy of the program may start one */
		if (r == 0 && again.config.privileged && !container->config.privileged)
			return fail_plain(err, EAGAIN, "became privileged just now (try again)");
		if (r == 0)
			r = boot_start(&again, -1, err);
	}
	return r;
}

static int do_it(const struct container *container, enum autostart_action action,
                 int64_t timeout_ms, bool *is_other, struct error *err)
{
	struct client_stop_options stop = {.how = action == AUTOSTART_KILL ? PROTOCOL_KILL
	                                                                   : PROTOCOL_HALT,
	                                   .timeout_ms = timeout_ms};
	int r;

	if (action != AUTOSTART_START)
		return client_stop_container(container, &stop, is_other, err);
	r = start(container, err);
	*is_other = r == 1;
	return r;
}

static void work(const struct container *container, enum autostart_action action,
                 int64_t timeout_ms, int pipe_fd)
{
	struct autostart_report report = {0};
	struct error err = {0};

	if (do_it(container, action, timeout_ms, &report.is_other, &err) < 0) {
		report.code = err.code ? err.code : EIO;
		(void)snprintf(report.text, sizeof(report.text), "%s", err.text);
	}
	/* less than PIPE_BUF: whole or not at all; without it the parent sees how we ended */
	(void)!write(pipe_fd, &report, sizeof(report));
}

int autostart_work_begin(struct autostart_work *work_of, const struct container *container,
                         enum autostart_action action, int64_t timeout_ms, struct error *err)
{
	CLEAN_FD int ours = -1, theirs = -1;
	int ends[2], pidfd;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return fail(err, errno, "make a pipe");
	ours = ends[0];
	theirs = ends[1];
	pid = fork();
	if (pid < 0)
		return fail(err, errno, "start a process");
	if (pid == 0) {
		/* signals stay blocked: a ^C is for the parent, which lets a start come to its end */
		work(container, action, timeout_ms, theirs);
		_exit(0);
	}
	pidfd = sys_pidfd_open(pid, 0); /* not reaped before us: the number is still its own */
	if (pidfd < 0) {
		int code = errno;

		(void)waitpid(pid, NULL, 0);
		return fail(err, code, "open a pidfd");
	}
	*work_of = (struct autostart_work){.pid = pid, .pidfd = pidfd, .pipe_fd = fd_take(&ours)};
	return 0;
}

void autostart_work_end(struct autostart_work *work_of, bool kill_it,
                        struct autostart_report *report)
{
	char name[24];
	int status = 0;

	*report = (struct autostart_report){0};
	if (kill_it)
		(void)sys_pidfd_send_signal(work_of->pidfd, SIGKILL); /* gone: as well */
	while (waitpid(work_of->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (read(work_of->pipe_fd, report, sizeof(*report)) != sizeof(*report)) {
		*report = (struct autostart_report){.code = EIO};
		format_signal(WTERMSIG(status), name);
		(void)snprintf(report->text, sizeof(report->text),
		               "the process that worked on it ended (%s)",
		               WIFSIGNALED(status) ? name : "without a word");
	}
	fd_close(&work_of->pidfd);
	fd_close(&work_of->pipe_fd);
	work_of->pid = 0;
}
