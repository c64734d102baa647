/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The PID 1 of sysc-execute, a static program that runs in any root file system: starts one program
 * in a session of its own, hands signals on to it, reaps what is orphaned, and ends as the program
 * ended. Everything else in the pid namespace then dies with it (pid_namespaces(7)).
 *
 *   sysc-init [-u UID] [-g GID] [-C DIR] -- PROGRAM [ARGUMENT…]
 *
 * -g is UID when it is absent. Exit codes: the program's, 128+signal, 127 it was not found, 126 it
 * could not be run, 125 sysc-init itself failed.
 */
#include "base/cleanup.h"
#include "base/compat.h"
#include "base/parse.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>

enum init_exit {
	INIT_FAILED = 125,
	INIT_NOT_RUN = 126,
	INIT_NOT_FOUND = 127,
	INIT_SIGNAL = 128,
};

#define ID_MAX (UINT32_MAX - 1) /* the last number means "none" to the kernel */

struct task {
	bool has_uid, has_gid;
	uint32_t uid, gid;
	const char *directory; /* NULL: stay */
	char **argv;
};

/* "sysc-init: text[: why]" on standard error; returns code. why is an errno, 0: none. */
__attribute__((format(printf, 3, 4))) static int complain(int code, int why, const char *format,
                                                          ...)
{
	va_list ap;

	(void)fputs("sysc-init: ", stderr);
	va_start(ap, format);
	(void)vfprintf(stderr, format, ap);
	va_end(ap);
	(void)fprintf(stderr, "%s%s\n", why ? ": " : "", why ? strerrordesc_np(why) : "");
	return code;
}

static int parse_id(char option, const char *text, uint32_t *out)
{
	uint64_t number;

	if (parse_uint(text, ID_MAX, &number) < 0)
		return complain(-1, 0, "option -%c: '%s' is not an id", option, text);
	*out = (uint32_t)number;
	return 0;
}

static int parse_options(int argc, char **argv, struct task *task)
{
	int option;

	while ((option = getopt(argc, argv, "+u:g:C:")) != -1) {
		if (option == 'u')
			task->has_uid = true;
		if (option == 'g')
			task->has_gid = true;
		if (option == 'C')
			task->directory = optarg;
		if ((option == 'u' && parse_id('u', optarg, &task->uid) < 0) ||
		    (option == 'g' && parse_id('g', optarg, &task->gid) < 0) || option == '?')
			return -1;
	}
	if (optind >= argc)
		return complain(-1, 0, "no program given");
	task->argv = argv + optind;
	if (task->has_uid && !task->has_gid) {
		task->gid = task->uid;
		task->has_gid = true;
	}
	return 0;
}

/*
 * Gives up a terminal that came with us, so that the program's session can have it. That hangs up
 * the foreground group, which is us: the two signals it sends are thrown away.
 */
static void release_terminal(void)
{
	const struct timespec at_once = {0};
	sigset_t hang_up;

	if (ioctl(STDIN_FILENO, TIOCNOTTY) < 0)
		return; /* none of ours */
	(void)sigemptyset(&hang_up);
	(void)sigaddset(&hang_up, SIGHUP);
	(void)sigaddset(&hang_up, SIGCONT);
	while (sigtimedwait(&hang_up, NULL, &at_once) > 0)
		continue;
}

/* What our parent ignored would be ignored by the program too, and unreaped children by us. */
static void reset_actions(void)
{
	const struct sigaction plain = {.sa_handler = SIG_DFL};

	for (int s = 1; s <= SIGRTMAX; s++)
		(void)sigaction(s, &plain, NULL); /* KILL and STOP refuse, which is right */
}

static int become_user(const struct task *task)
{
	gid_t gid = task->gid;

	if (task->has_gid && (setgroups(1, &gid) < 0 || setresgid(gid, gid, gid) < 0))
		return complain(-1, errno, "become group %u", task->gid);
	if (task->has_uid && setresuid(task->uid, task->uid, task->uid) < 0)
		return complain(-1, errno, "become user %u", task->uid);
	if (task->has_uid && task->uid != 0 && setuid(0) == 0)
		return complain(-1, 0, "user %u could become root again", task->uid);
	return 0;
}

/* The child: a session, the terminal, the user, the folder, the program. */
static int run_program(const struct task *task)
{
	sigset_t none;

	(void)setsid(); /* cannot fail: a new process leads no group */
	if (isatty(STDIN_FILENO))
		(void)ioctl(STDIN_FILENO, TIOCSCTTY, 0); /* another session's stays that one's */
	if (become_user(task) < 0)
		return INIT_FAILED;
	if (task->directory && chdir(task->directory) < 0)
		return complain(INIT_NOT_RUN, errno, "change to '%s'", task->directory);
	(void)sys_close_range(3, ~0U, CLOSE_RANGE_CLOEXEC); /* a kernel before 5.11 cannot */
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)execvp(task->argv[0], task->argv);
	return complain(errno == ENOENT ? INIT_NOT_FOUND : INIT_NOT_RUN, errno, "run '%s'",
	                task->argv[0]);
}

/* What the program gets for a signal to us; 0: nothing. */
static int forwarded(int signal)
{
	static const int as_they_are[] = {SIGTERM, SIGINT,  SIGHUP,   SIGQUIT,
	                                  SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT};

	for (size_t i = 0; i < ARRAY_SIZE(as_they_are); i++)
		if (signal == as_they_are[i])
			return signal;
	/* how systemd and sysvinit are told to power off */
	return signal == SIGRTMIN + 3 || signal == SIGPWR ? SIGTERM : 0;
}

/* Reaps all that ended; the exit code when the program is among them, -1 otherwise. */
static int reap(pid_t program)
{
	int code = -1, status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == program)
			code = WIFEXITED(status) ? WEXITSTATUS(status)
			                         : INIT_SIGNAL + WTERMSIG(status);
	return code;
}

static int watch(pid_t program, const sigset_t *signals)
{
	int code = -1;

	while (code < 0) {
		int signal = sigwaitinfo(signals, NULL);

		if (signal == SIGCHLD)
			code = reap(program);
		else if (signal > 0 && forwarded(signal))
			(void)kill(program, forwarded(signal)); /* it may have ended by now */
	}
	return code;
}

int main(int argc, char **argv)
{
	struct task task = {.argv = argv};
	sigset_t signals;
	pid_t program;

	(void)sigfillset(&signals);
	(void)sigprocmask(SIG_SETMASK, &signals, NULL);
	if (parse_options(argc, argv, &task) < 0)
		return INIT_FAILED;
	reset_actions();
	release_terminal();
	program = fork();
	if (program < 0)
		return complain(INIT_FAILED, errno, "start a process");
	if (program == 0)
		return run_program(&task);
	/* the streams are the program's: a reader of its output sees the end when it closes it */
	for (int fd = 0; fd < 3; fd++)
		(void)close(fd);
	return watch(program, &signals);
}
