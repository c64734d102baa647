/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Running helper programs; see the header. */
#include "base/process.h"

#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/text.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>

static const char search_path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

int64_t process_clock_ms(void)
{
	struct timespec now = {0};

	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail with a valid clock */
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

char *process_find(const char *name)
{
	CLEAN(strings_done) struct strings folders = {0};

	if (strchr(name, '/'))
		return faccessat(AT_FDCWD, name, X_OK, 0) == 0 ? must_dup(name) : NULL;
	strings_split(&folders, search_path, ":");
	for (size_t i = 0; i < folders.count; i++) {
		char *path = must_printf("%s/%s", folders.items[i], name);

		if (faccessat(AT_FDCWD, path, X_OK, 0) == 0)
			return path;
		free(path);
	}
	return NULL;
}

/* What poll(2) takes: -1 when there is no deadline (it is -1), 0 when it is over. */
static int time_left(int64_t deadline)
{
	int64_t left = deadline < 0 ? -1 : deadline - process_clock_ms();

	if (deadline >= 0 && left < 0)
		return 0;
	return left > INT32_MAX ? INT32_MAX : (int)left;
}

int process_wait(int pidfd, int64_t timeout_ms)
{
	int64_t deadline = timeout_ms < 0 ? -1 : process_clock_ms() + timeout_ms;

	for (;;) {
		struct pollfd p = {.fd = pidfd, .events = POLLIN};
		int n = poll(&p, 1, time_left(deadline));

		if (n > 0)
			return 1;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0 && deadline >= 0 && process_clock_ms() >= deadline)
			return 0;
	}
}

static void choose_signals(sigset_t *set)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

	(void)sigemptyset(set); /* these cannot fail with such numbers */
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		(void)sigaddset(set, numbers[i]);
}

int process_catch_signals(void)
{
	sigset_t set;

	choose_signals(&set);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

void process_release_signals(int *signals_fd)
{
	sigset_t set;

	fd_close(signals_fd);
	choose_signals(&set);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
}

void process_reset_signals(void)
{
	static const struct sigaction by_default = {.sa_handler = SIG_DFL};
	sigset_t none;

	for (int s = 1; s <= SIGRTMAX; s++)
		(void)sigaction(s, &by_default, NULL); /* KILL, STOP and libc's own refuse */
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* The child: puts the three streams in place, closes the rest, becomes the program. */
static void become(const struct process_options *options, const char *path, int output_fd,
                   int report_fd)
{
	static char path_variable[] =
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	static char language[] = "LANG=C";
	static char *const plain[] = {path_variable, language, NULL};
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	int in = options->input_fd >= 0 ? options->input_fd : null_fd;
	int out = output_fd >= 0 ? output_fd : null_fd;
	int error = options->error_fd >= 0 ? options->error_fd : out;
	int code;

	/* numbers above 2 first, so that no stream is overwritten before it is copied */
	in = fcntl(in, F_DUPFD_CLOEXEC, 3);
	out = fcntl(out, F_DUPFD_CLOEXEC, 3);
	error = fcntl(error, F_DUPFD_CLOEXEC, 3);
	if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(error, 2) < 0 ||
	    (options->directory && chdir(options->directory) < 0))
		goto broken;
	process_reset_signals();
	(void)sys_close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	execve(path, options->argv, options->env ? options->env : plain);
broken:
	code = errno;
	(void)!write(report_fd, &code, sizeof(code)); /* nobody else to tell */
	_exit(127);
}

/*
 * The child: has what we have open, the locks too, until the program has ended. That could not hold them itself: lvm(8)
 * closes what it does not know.
 */
static void stand_by(const struct process_options *options, const char *path, int output_fd,
                     int report_fd)
{
	struct clone_args args = {.exit_signal = SIGCHLD};
	int status = 0;
	sigset_t all;
	pid_t pid;

	(void)setsid(); /* a new process leads no group, so that it works */
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, NULL);
	pid = sys_clone3(&args);
	if (pid == 0)
		become(options, path, output_fd, report_fd);
	if (pid < 0) {
		status = errno;
		(void)!write(report_fd, &status, sizeof(status)); /* nobody else to tell */
		_exit(127);
	}
	close(report_fd); /* its end says that the program runs */
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

/* Collects the output until the program closed it; kills it when it is too much or too late. */
static int collect(const struct process_options *options, const char *name, int fd,
                   int64_t deadline, struct error *err)
{
	char buffer[4096];
	size_t total = 0;

	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		ssize_t n;
		int ready = poll(&p, 1, time_left(deadline));

		if (ready == 0)
			return fail_plain(err, ETIMEDOUT, "'%s' took longer than %lld ms", name,
			                  (long long)options->timeout_ms);
		n = ready < 0 ? -1 : read(fd, buffer, sizeof(buffer));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(err, errno, "read the output of '%s'", name);
		if (n == 0)
			return 0;
		total += (size_t)n;
		if (options->output_most && total > options->output_most)
			return fail_plain(err, EFBIG, "'%s' prints more than %zu bytes", name,
			                  options->output_most);
		text_add_bytes(options->output, buffer, (size_t)n);
	}
}

static int start(const struct process_options *options, const char *path, int output_fd,
                 int *out_pidfd, pid_t *out_pid, struct error *err)
{
	struct clone_args args = {.exit_signal = SIGCHLD, .flags = CLONE_PIDFD};
	int report[2], pidfd = -1, code = 0;
	ssize_t n;
	pid_t pid;

	if (pipe2(report, O_CLOEXEC) < 0)
		return fail(err, errno, "make a pipe");
	args.pidfd = (uint64_t)(uintptr_t)&pidfd;
	pid = sys_clone3(&args);
	if (pid == 0 && options->outlives_us)
		stand_by(options, path, output_fd, report[1]);
	if (pid == 0)
		become(options, path, output_fd, report[1]);
	close(report[1]);
	if (pid < 0) {
		close(report[0]);
		return fail(err, errno, "start '%s'", path);
	}
	do {
		n = read(report[0], &code, sizeof(code));
	} while (n < 0 && errno == EINTR);
	close(report[0]);
	if (n == sizeof(code)) {
		(void)waitpid(pid, NULL, 0);
		close(pidfd);
		return fail(err, code, "run '%s'", path);
	}
	*out_pidfd = pidfd;
	*out_pid = pid;
	return 0;
}

int process_run(const struct process_options *options, struct error *err)
{
	CLEAN_FREE char *path = process_find(options->argv[0]);
	CLEAN_FD int read_end = -1, write_end = -1, pidfd = -1;
	int64_t deadline = options->timeout_ms ? process_clock_ms() + options->timeout_ms : -1;
	int ends[2], status = 0, r;
	pid_t pid = -1;

	if (!path)
		return fail(err, ENOENT, "run '%s'", options->argv[0]);
	if (options->output) {
		if (pipe2(ends, O_CLOEXEC) < 0)
			return fail(err, errno, "make a pipe");
		read_end = ends[0];
		write_end = ends[1];
	}
	r = start(options, path, options->output ? write_end : options->output_fd, &pidfd, &pid,
	          err);
	if (r < 0)
		return r;
	fd_close(&write_end);
	if (options->output)
		r = collect(options, options->argv[0], read_end, deadline, err);
	if (r == 0 && process_wait(pidfd, time_left(deadline)) == 0)
		r = fail_plain(err, ETIMEDOUT, "'%s' took longer than %lld ms", options->argv[0],
		               (long long)options->timeout_ms);
	if (r < 0) /* it may have ended by now, but is there until it is waited for */
		(void)kill(options->outlives_us ? -pid : pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (r < 0)
		return r;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
