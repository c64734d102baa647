/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/process.h"

#include "../lib/tap.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/parse.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

static struct process_options shell(const char *script, char *argv[4])
{
	static char sh[] = "sh", c[] = "-c";

	argv[0] = sh;
	argv[1] = c;
	argv[2] = (char *)(uintptr_t)script;
	argv[3] = NULL;
	return (struct process_options){
		.argv = argv, .input_fd = -1, .output_fd = -1, .error_fd = -1};
}

TEST(exit_codes_and_signals)
{
	struct error err = {0};
	char *argv[4];
	struct process_options options = shell("exit 7", argv);

	CHECK_INT(process_run(&options, &err), 7);
	options = shell("kill -TERM $$", argv);
	CHECK_INT(process_run(&options, &err), 128 + SIGTERM);
	options = shell("true", argv);
	CHECK_INT(process_run(&options, &err), 0);
}

TEST(a_program_that_is_not_there)
{
	struct error err = {0};
	char *argv[4];
	struct process_options options = shell("", argv);
	char none[] = "no-such-program-here", folder[] = "/";

	argv[0] = none;
	CHECK_INT(process_run(&options, &err), -ENOENT);
	CHECK(strstr(err.text, "no-such-program-here"));
	argv[0] = folder;
	CHECK_INT(process_run(&options, &err), -EACCES);
	CHECK(!process_find("no-such-program-here"));
}

TEST(output_is_collected_and_bounded)
{
	CLEAN(text_done) struct text output = {0};
	struct error err = {0};
	char *argv[4];
	struct process_options options = shell("echo out; echo err >&2", argv);

	options.output = &output;
	options.output_most = 100;
	CHECK_INT(process_run(&options, &err), 0);
	CHECK(text_is(output.data, "out\nerr\n"));
	options = shell("yes", argv);
	options.output = &output;
	options.output_most = 10000;
	CHECK_INT(process_run(&options, &err), -EFBIG);
}

TEST(time_is_limited)
{
	CLEAN(text_done) struct text output = {0};
	struct error err = {0};
	int64_t begin = process_clock_ms();
	char *argv[4];
	/* deaf to everything but SIGKILL */
	struct process_options options =
		shell("trap '' TERM; while :; do read x </dev/zero; done", argv);

	options.timeout_ms = 100;
	CHECK_INT(process_run(&options, &err), -ETIMEDOUT);
	options.output = &output;
	CHECK_INT(process_run(&options, &err), -ETIMEDOUT);
	CHECK(process_clock_ms() - begin < 10000);
	CHECK(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
}

TEST(a_group_that_outlives_us_is_killed_too)
{
	CLEAN(text_done) struct text output = {0};
	struct error err = {0};
	int64_t begin = process_clock_ms();
	char *argv[4];
	struct process_options options =
		shell("trap '' TERM; echo $$; while :; do read x </dev/zero; done", argv);
	int64_t pid = 0;

	options.timeout_ms = 300;
	options.output = &output;
	options.outlives_us = true;
	CHECK_INT(process_run(&options, &err), -ETIMEDOUT);
	CHECK(process_clock_ms() - begin < 10000);
	CHECK_INT(parse_int(text_trim(output.data), 2, INT32_MAX, &pid), 0);
	/* killed with who stood by it; nobody here reaps it */
	for (int i = 0; i < 1000 && kill((pid_t)pid, 0) == 0; i++)
		poll(NULL, 0, 10);
	CHECK(kill((pid_t)pid, 0) < 0 && errno == ESRCH);
	options = shell("exit 9", argv);
	options.outlives_us = true;
	CHECK_INT(process_run(&options, &err), 9);
	options = shell("kill -TERM $$", argv);
	options.outlives_us = true;
	CHECK_INT(process_run(&options, &err), 128 + SIGTERM);
	argv[0] = (char[]){"/"};
	CHECK_INT(process_run(&options, &err), -EACCES);
}

/* Waits for a program that says something and then waits for an answer. */
static _Noreturn void hold_and_run(int lock, int input_fd, int output_fd)
{
	char *argv[4];
	struct process_options options = shell("echo runs; read answer; echo ended", argv);

	if (flock(lock, LOCK_EX | LOCK_NB) < 0)
		_exit(1);
	options.input_fd = input_fd;
	options.output_fd = output_fd;
	options.outlives_us = true;
	(void)process_run(&options, NULL);
	_exit(0);
}

TEST(a_lock_is_held_until_a_program_has_ended_that_outlives_us)
{
	char path[] = "/tmp/sysc-lock-XXXXXX", byte[16] = "";
	CLEAN_FD int ours = mkostemp(path, O_CLOEXEC);
	CLEAN_FD int its = open(path, O_RDWR | O_CLOEXEC);
	int says[2], hears[2], status = 0;
	pid_t pid;

	CHECK_INT(unlink(path), 0);
	CHECK(pipe2(says, O_CLOEXEC) == 0 && pipe2(hears, O_CLOEXEC) == 0);
	pid = fork();
	if (pid == 0)
		hold_and_run(its, hears[0], says[1]);
	fd_close(&its);
	close(says[1]);
	CHECK_INT(read(says[0], byte, sizeof(byte)), 5); /* "runs\n" */
	CHECK_INT(kill(pid, SIGKILL), 0);
	CHECK_INT(waitpid(pid, &status, 0), pid);
	CHECK(flock(ours, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK);
	CHECK_INT(write(hears[1], "\n", 1), 1);
	CHECK_INT(read(says[0], byte, sizeof(byte)), 6); /* "ended\n" */
	CHECK_INT(flock(ours, LOCK_EX), 0);
	close(says[0]);
	close(hears[0]);
	close(hears[1]);
}

TEST(the_environment_is_clean)
{
	CLEAN(text_done) struct text output = {0};
	struct error err = {0};
	char *argv[4];
	struct process_options options =
		shell("echo \"$LANG${SECRET-none}\"; pwd; ls -1 /proc/self/fd | wc -l", argv);
	CLEAN_FD int extra = open("/dev/null", O_RDONLY); /* not O_CLOEXEC on purpose */

	CHECK_INT(setenv("SECRET", "x", 1), 0);
	options.output = &output;
	options.directory = "/usr";
	CHECK_INT(process_run(&options, &err), 0);
	/* 0, 1, 2 and the one that ls reads the directory by */
	CHECK(text_is(output.data, "Cnone\n/usr\n4\n"));
	CHECK(extra >= 0);
}

TEST(blocked_signals_are_not_inherited)
{
	struct error err = {0};
	char *argv[4];
	struct process_options options = shell("kill -USR1 $$; exit 3", argv);
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t all;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	CHECK_INT(sigaction(SIGUSR1, &ignore, NULL), 0);
	CHECK_INT(process_run(&options, &err), 128 + SIGUSR1);
}

TEST(input_comes_from_a_fd)
{
	CLEAN(text_done) struct text output = {0};
	struct error err = {0};
	char *argv[4];
	struct process_options options = shell("cat", argv);
	int ends[2];

	CHECK_INT(pipe2(ends, O_CLOEXEC), 0);
	CHECK_INT(write(ends[1], "hello", 5), 5);
	close(ends[1]);
	options.input_fd = ends[0];
	options.output = &output;
	CHECK_INT(process_run(&options, &err), 0);
	close(ends[0]);
	CHECK(text_is(output.data, "hello"));
}
