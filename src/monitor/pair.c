/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The worker's side of the pair; see the header. */
#include "monitor/pair.h"

#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/log.h"
#include "base/process.h"
#include "base/text.h"
#include "monitor/keeper.h"
#include "monitor/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#define PAUSE_FIRST_MS 100 /* between tries to make a keeper */
#define PAUSE_LAST_MS  5000
#define STATUS_MS      2000 /* for whoever reaps init */

#define FIELD_PARENT 4 /* of /proc/PID/stat, proc(5) */
#define FIELD_STATUS \
	52 /* of a zombie: also what became of reboot(2), which PIDFD_GET_INFO does not tell */

/* A field of init's stat file, -1 when it is gone. */
static int read_stat(int fd, int field)
{
	char text[1024], *at;
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	at = strrchr(text, ')'); /* ends field 2 */
	for (int i = 2; at && i < field; i++)
		at = strchr(at + 1, ' ');
	return at ? (int)strtol(at + 1, NULL, 10) : -1;
}

/* Only where nobody will tell. */
static void watch_init(struct monitor *monitor)
{
	CLEAN_FREE char *path = must_printf("/proc/%d/stat", monitor->state.init_pid);

	if (monitor->stat_fd < 0)
		monitor->stat_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (read_stat(monitor->stat_fd, FIELD_PARENT) == monitor->state.keeper_pid)
		fd_close(&monitor->stat_fd);
}

void pair_init_ended(struct monitor *monitor)
{
	int status = monitor->stat_fd < 0 ? -1 : read_stat(monitor->stat_fd, FIELD_STATUS);

	/* 0 also when it was too late */
	if (status <= 0 || monitor->is_status_told)
		return;
	monitor->init_status = status;
	monitor->is_status_told = true;
}

static void note_pair(struct monitor *monitor, pid_t keeper)
{
	struct state *state = &monitor->state;
	pid_t before = state->keeper_pid;
	struct error err = {0};
	char text[32];

	state->monitor_pid = getpid();
	state->monitor_birth = state_process_birth(getpid());
	state->keeper_pid = keeper;
	state->keeper_birth = keeper ? state_process_birth(keeper) : 0;
	if (state_write(monitor->handover.run_dir, state, &err) < 0)
		log_line(LOG_LEVEL_ERROR, "%s", err.text);
	watch_init(monitor);
	if (keeper <= 0 || keeper == before)
		return;
	/* the keeper is the main process of a service */
	(void)snprintf(text, sizeof(text), "MAINPID=%d", keeper);
	monitor_tell_host(monitor, text);
}

/* In the new process: the same program with all fds of the handover and none of ours. */
static void become_keeper(const struct monitor *monitor, pid_t worker, int pipe_fd)
{
	const struct handover *handover = &monitor->handover;
	char fd[16], pid[16], pipe[16];
	char *argv[] = {(char *)(uintptr_t) "sysc-monitor", handover->name, fd, pid, pipe, NULL};

	(void)snprintf(fd, sizeof(fd), "%d", monitor->handover_fd);
	(void)snprintf(pid, sizeof(pid), "%d", worker);
	(void)snprintf(pipe, sizeof(pipe), "%d", pipe_fd);
	if (handover_pass(monitor->handover_fd, handover, NULL) == 0 &&
	    fcntl(pipe_fd, F_SETFD, 0) == 0)
		(void)execv("/proc/self/exe", argv); /* also one whose file is replaced */
	_exit(1);
}

static int make_keeper(struct monitor *monitor)
{
	pid_t worker = getpid(), pid;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		become_keeper(monitor, worker, ends[1]);
	close(ends[1]);
	monitor->keeper.fd = ends[0];
	if (pid < 0 || loop_add(&monitor->loop, &monitor->keeper, EPOLLIN) < 0) {
		fd_close(&monitor->keeper.fd);
		return -EAGAIN;
	}
	note_pair(monitor, pid);
	return 0;
}

static void lost_keeper(struct monitor *monitor)
{
	loop_remove(&monitor->loop, &monitor->keeper);
	fd_close(&monitor->keeper.fd);
	/* a child of ours when it was not the first one */
	(void)waitpid(monitor->state.keeper_pid, NULL, 0);
	log_line(LOG_LEVEL_WARN, "the keeper of the supervisor died");
	monitor->keeper_next_ms = process_clock_ms() + monitor->keeper_pause_ms;
	monitor->keeper_pause_ms =
		monitor->keeper_pause_ms ? monitor->keeper_pause_ms * 2 : PAUSE_FIRST_MS;
	if (monitor->keeper_pause_ms > PAUSE_LAST_MS)
		monitor->keeper_pause_ms = PAUSE_LAST_MS;
}

/* False when there was nothing to read. */
static bool hear(struct monitor *monitor)
{
	struct keeper_message message;
	ssize_t n = read(monitor->keeper.fd, &message, sizeof(message));

	if (n < 0)
		return false;
	if (n != sizeof(message)) {
		lost_keeper(monitor);
		return false;
	}
	if (message.kind == KEEPER_INIT_ENDED) {
		if (message.value >= 0)
			monitor->init_status = message.value;
		monitor->is_status_told = true;
	} else if (message.kind == KEEPER_SIGNAL) {
		monitor_signal(monitor, message.value, message.uid, message.pid);
	}
	return true;
}

static void keeper_ready(struct loop_source *source, uint32_t events)
{
	(void)events; /* the read tells */
	(void)hear((struct monitor *)((char *)source - offsetof(struct monitor, keeper)));
}

int pair_open(struct monitor *monitor, int pipe_fd, pid_t keeper)
{
	int r;

	monitor->keeper = (struct loop_source){.fd = pipe_fd, .ready = keeper_ready};
	monitor->init_status = -1;
	monitor->stat_fd = -1;
	r = loop_add(&monitor->loop, &monitor->keeper, EPOLLIN);
	if (r == 0)
		note_pair(monitor, keeper);
	return r;
}

int pair_timeout_ms(const struct monitor *monitor)
{
	int64_t left = monitor->keeper_next_ms - process_clock_ms();

	if (monitor->keeper.fd >= 0)
		return -1;
	return left > 0 ? (int)left : 0;
}

void pair_again(struct monitor *monitor)
{
	int r;

	if (pair_timeout_ms(monitor) != 0)
		return;
	r = make_keeper(monitor);
	if (r == 0)
		return;
	log_line(LOG_LEVEL_ERROR, "start a keeper: %s", strerrordesc_np(-r));
	monitor->keeper_next_ms = process_clock_ms() + PAUSE_LAST_MS;
}

/* Readable is ended; hung up is reaped, and only then the kernel tells the status. */
static int ask_kernel(int pidfd)
{
	struct sys_pidfd_info info = {.mask = SYS_PIDFD_INFO_EXIT};
	struct pollfd p = {.fd = pidfd};

	(void)poll(&p, 1, STATUS_MS);
	if (sys_pidfd_get_info(pidfd, &info) < 0 || !(info.mask & SYS_PIDFD_INFO_EXIT))
		return -1;
	return info.exit_code;
}

int pair_init_status(struct monitor *monitor)
{
	int64_t deadline = process_clock_ms() + STATUS_MS;

	while (!monitor->is_status_told && monitor->keeper.fd >= 0) {
		struct pollfd p = {.fd = monitor->keeper.fd, .events = POLLIN};
		int64_t left = deadline - process_clock_ms();

		if (left <= 0 || poll(&p, 1, (int)left) == 0)
			break;
		(void)hear(monitor);
	}
	if (monitor->init_status >= 0)
		return monitor->init_status;
	monitor->init_status = ask_kernel(monitor->handover.pidfd);
	if (monitor->init_status == SIGKILL && !monitor->handover.no_reboot &&
	    !text_is(monitor->state.init_kind, "sysc-init")) {
		log_line(LOG_LEVEL_WARN, "init was not seen to end, since a keeper was killed: "
		                         "taken for a reboot");
		monitor->init_status = SIGHUP;
	}
	return monitor->init_status;
}
