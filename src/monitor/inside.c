/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Running a command in the container beside the event loop; see the header. */
#include "monitor/inside.h"

#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/process.h"
#include "base/text.h"
#include "monitor/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static void close_source(struct inside *inside, struct loop_source *source)
{
	if (source->fd < 0)
		return;
	loop_remove(&inside->monitor->loop, source);
	fd_close(&source->fd);
}

/* Its whole process group: attach and what it runs, inside too. */
static void kill_all(const struct inside *inside)
{
	(void)kill(-inside->pid, SIGKILL); /* ESRCH: it has just ended */
}

static void let_go(struct inside *inside)
{
	loop_stop_timer(&inside->limit);
	close_source(inside, &inside->process);
	close_source(inside, &inside->output);
	inside->pid = 0;
}

/* One line of plain characters: it goes to the log, the state file and terminals. */
static void clean_words(struct inside *inside)
{
	inside->words[inside->length] = '\0';
	inside->words[strcspn(inside->words, "\n")] = '\0';
	for (char *c = inside->words; *c; c++)
		if ((unsigned char)*c < 32 || *c == 127)
			*c = '?';
}

static void process_ready(struct loop_source *source, uint32_t events)
{
	struct inside *inside =
		(struct inside *)((char *)source - offsetof(struct inside, process));
	siginfo_t info = {0};
	int how;

	(void)events; /* a pidfd has only one */
	/* what it left in the background ends with it, and so does its pipe */
	kill_all(inside);
	(void)waitid(P_PIDFD, (id_t)source->fd, &info, WEXITED);
	how = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
	if (inside->output.fd >= 0)
		inside->output.ready(&inside->output, EPOLLIN);
	let_go(inside);
	clean_words(inside);
	inside->ended(inside, inside->is_late ? INSIDE_TIMED_OUT : how, inside->words);
}

/* Only the beginning is kept; the rest is read away, so that nothing blocks. */
static void output_ready(struct loop_source *source, uint32_t events)
{
	struct inside *inside = (struct inside *)((char *)source - offsetof(struct inside, output));
	char bytes[1024];
	ssize_t n = read(source->fd, bytes, sizeof(bytes));
	size_t room = sizeof(inside->words) - 1 - inside->length;

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		close_source(inside, source);
		return;
	}
	if ((size_t)n < room)
		room = (size_t)n;
	memcpy(inside->words + inside->length, bytes, room);
	inside->length += room;
}

static void limit_ready(struct loop_timer *timer)
{
	struct inside *inside = (struct inside *)((char *)timer - offsetof(struct inside, limit));

	inside->is_late = true;
	kill_all(inside);
}

void inside_init(struct inside *inside, struct monitor *monitor,
                 void (*ended)(struct inside *inside, int how, const char *words))
{
	*inside = (struct inside){
		.process = {.fd = -1,               .ready = process_ready},
		.output = {.fd = -1,                      .ready = output_ready},
		.limit = {.ready = limit_ready},
		.monitor = monitor,
		.ended = ended
        };
}

/* In the child. The group is what kill_all() reaches. */
_Noreturn static void become_attach(char *const *argv, int output_fd)
{
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)setsid();
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); /* cannot fail for a signal */
	(void)unsetenv("NOTIFY_SOCKET");                 /* the supervisor's own */
	if (dup2(null_fd, 0) < 0 || dup2(output_fd, 1) < 0 || dup2(output_fd, 2) < 0)
		_exit(125);
	process_reset_signals();
	(void)sys_close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	(void)execv(argv[0], argv);
	_exit(125);
}

static void make_argv(const struct inside *inside, const char *command, struct strings *argv)
{
	const struct handover *handover = &inside->monitor->handover;

	strings_add(argv, handover->program);
	strings_add(argv, "attach");
	strings_add(argv, "--keep-group");
	strings_add(argv, "-P");
	strings_add(argv, handover->store);
	strings_add(argv, handover->name);
	strings_add(argv, "--");
	(void)strings_split_command(argv, command); /* was checked with the configuration */
}

static int watch(struct inside *inside, int *pidfd, int *output_fd)
{
	struct loop *loop = &inside->monitor->loop;
	int r;

	inside->process.fd = fd_take(pidfd);
	r = loop_add(loop, &inside->process, EPOLLIN);
	if (r < 0)
		return r;
	inside->output.fd = fd_take(output_fd);
	return loop_add(loop, &inside->output, EPOLLIN);
}

int inside_run(struct inside *inside, const char *command, int64_t limit_ms, struct error *err)
{
	struct clone_args args = {.exit_signal = SIGCHLD, .flags = CLONE_PIDFD};
	CLEAN(strings_done) struct strings argv = {0};
	CLEAN_FD int read_end = -1, write_end = -1, pidfd = -1;
	int ends[2], r;
	pid_t pid;

	make_argv(inside, command, &argv);
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return fail(err, errno, "make a pipe");
	read_end = ends[0];
	write_end = ends[1];
	(void)fcntl(write_end, F_SETFL, 0); /* the command's end blocks as any pipe does */
	args.pidfd = (uint64_t)(uintptr_t)&pidfd;
	pid = sys_clone3(&args);
	if (pid == 0)
		become_attach(argv.items, write_end);
	if (pid < 0)
		return fail(err, errno, "run a command in the container");
	inside->pid = pid;
	inside->is_late = false;
	inside->length = 0;
	r = watch(inside, &pidfd, &read_end);
	if (r < 0) {
		inside_stop(inside);
		return fail(err, -r, "run a command in the container");
	}
	if (limit_ms > 0)
		loop_set_timer(&inside->monitor->loop, &inside->limit, limit_ms);
	return 0;
}

void inside_stop(struct inside *inside)
{
	if (!inside->pid)
		return;
	/* the group may not be there yet */
	(void)kill(inside->pid, SIGKILL);
	kill_all(inside);
	while (waitpid(inside->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	let_go(inside);
}
