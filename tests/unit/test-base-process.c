/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/process.h"

#include "../lib/tap.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>

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
