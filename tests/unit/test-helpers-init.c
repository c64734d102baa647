/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sysc-init as the PID 1 of a pid namespace: exit codes, signals, orphans, users, the terminal. */
#include "../lib/need.h"
#include "base/cleanup.h"
#include "base/compat.h"
#include "base/process.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>

#define WAIT_MS     20000
#define OUTPUT_MOST 4096

/* One run: its pidfd, and the read end of what it prints. */
struct run {
	pid_t pid;
	int pidfd, output;
};

static void run_done(struct run *run)
{
	fd_close(&run->pidfd);
	fd_close(&run->output);
}

/* argv without argv[0]; terminal: what becomes its three streams, -1 for a pipe. */
static struct run start(const char *const *arguments, int terminal)
{
	const char *build = secure_getenv("top_builddir");
	CLEAN_FREE char *program = must_printf("%s/src/sysc-init", build ? build : ".");
	struct clone_args args = {.flags = CLONE_PIDFD | CLONE_NEWPID, .exit_signal = SIGCHLD};
	struct run run = {.pid = -1, .pidfd = -1, .output = -1};
	char *argv[16] = {program};
	int ends[2];

	NEED("root", geteuid() == 0, "not root");
	for (int i = 0; arguments[i]; i++)
		argv[i + 1] = (char *)(uintptr_t)arguments[i];
	CHECK(pipe2(ends, O_CLOEXEC) == 0);
	args.pidfd = (uint64_t)(uintptr_t)&run.pidfd;
	run.pid = sys_clone3(&args);
	if (run.pid == 0) {
		static const gid_t more[] = {5, 6};

		(void)setgroups(2, more); /* so that losing them shows */
		if (terminal >= 0) {
			(void)setsid();
			(void)ioctl(terminal, TIOCSCTTY, 0);
		}
		(void)dup2(terminal >= 0 ? terminal : open("/dev/null", O_RDWR | O_CLOEXEC), 0);
		(void)dup2(terminal >= 0 ? terminal : ends[1], 1);
		(void)dup2(terminal >= 0 ? terminal : ends[1], 2);
		(void)execv(program, argv);
		_exit(99);
	}
	CHECK(run.pid > 0);
	close(ends[1]);
	run.output = ends[0];
	return run;
}

/* Reads until word was printed; false when the output ended or nothing came in time. */
static bool reads(int fd, struct text *got, const char *word)
{
	char buffer[256];

	while (!got->data || !strstr(got->data, word)) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		ssize_t n;

		if (poll(&p, 1, WAIT_MS) <= 0 || got->length > OUTPUT_MOST)
			return false;
		n = read(fd, buffer, sizeof(buffer));
		if (n <= 0)
			return false;
		text_add_bytes(got, buffer, (size_t)n);
	}
	return true;
}

/* Reads all; true when the output ended, in time. */
static bool ends(int fd, struct text *got)
{
	char buffer[256];
	ssize_t n;

	do {
		struct pollfd p = {.fd = fd, .events = POLLIN};

		if (poll(&p, 1, WAIT_MS) <= 0)
			return false;
		n = read(fd, buffer, sizeof(buffer));
		text_add_bytes(got, buffer, n > 0 ? (size_t)n : 0);
	} while (n > 0);
	return n == 0;
}

static int code_of(struct run *run)
{
	int status = 0;

	CHECK_INT(process_wait(run->pidfd, WAIT_MS), 1);
	CHECK(waitpid(run->pid, &status, 0) == run->pid);
	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Runs to the end; the exit code, what was printed in *out. */
static int run_whole(const char *const *arguments, struct text *out)
{
	CLEAN(run_done) struct run run = start(arguments, -1);

	CHECK(ends(run.output, out));
	return code_of(&run);
}

TEST(the_program_s_end_is_the_container_s)
{
	CLEAN(text_done) struct text out = {0};

	CHECK_INT(run_whole(ARGS("--", "true"), &out), 0);
	CHECK_INT(run_whole(ARGS("--", "sh", "-c", "echo \"$@\"; exit 42", "sh", "-u", "x"), &out),
	          42);
	CHECK(text_is(out.data, "-u x\n"));
	CHECK_INT(run_whole(ARGS("sh", "-c", "kill -9 $$"), &out), 128 + SIGKILL);
	CHECK_INT(run_whole(ARGS("sh", "-c", "kill -TERM $$"), &out), 128 + SIGTERM);
}

TEST(what_cannot_be_run)
{
	CLEAN(text_done) struct text out = {0};

	CHECK_INT(run_whole(ARGS("/nonexistent"), &out), 127);
	CHECK(text_is(out.data, "sysc-init: run '/nonexistent': No such file or directory\n"));
	CHECK_INT(run_whole(ARGS("no-such-program-in-the-path"), &out), 127);
	CHECK_INT(run_whole(ARGS("/etc/passwd"), &out), 126);
	CHECK_INT(run_whole(ARGS("-C", "/nonexistent", "--", "true"), &out), 126);
	CHECK_INT(run_whole(ARGS("-u", "root", "--", "true"), &out), 125);
	CHECK(strstr(out.data, "sysc-init: option -u: 'root' is not an id\n"));
	CHECK_INT(run_whole(ARGS("-x", "--", "true"), &out), 125);
	CHECK_INT(run_whole(ARGS("--"), &out), 125);
}

TEST(user_group_and_folder)
{
	CLEAN(text_done) struct text out = {0};

	CHECK_INT(run_whole(ARGS("-u", "1234", "-g", "4321", "-C", "/usr", "--", "sh", "-c",
	                         "id -u; id -g; id -G; pwd; grep Uid: /proc/self/status"),
	                    &out),
	          0);
	CHECK(text_is(out.data, "1234\n4321\n4321\n/usr\nUid:\t1234\t1234\t1234\t1234\n"));
	text_done(&out);
	CHECK_INT(run_whole(ARGS("-u", "1234", "--", "id", "-G"), &out), 0);
	CHECK(text_is(out.data, "1234\n"));
}

TEST(orphans_are_reaped)
{
	CLEAN(text_done) struct text out = {0};

	/* ten orphans end; once their parent is PID 1 and they are gone, no zombie may be left */
	CHECK_INT(run_whole(ARGS("unshare", "-m", "sh", "-c",
	                         "mount -t proc proc /proc || exit 1\n"
	                         "for i in 1 2 3 4 5 6 7 8 9 10; do (true & true) & done; wait\n"
	                         "i=0; while grep -qs '^State:.Z' /proc/[0-9]*/status; do\n"
	                         "i=$((i+1)); [ $i -lt 2000 ] || exit 2; done\n"
	                         "echo reaped"),
	                    &out),
	          0);
	CHECK(text_is(out.data, "reaped\n"));
}

TEST(the_rest_dies_with_the_program)
{
	CLEAN(text_done) struct text out = {0};
	CLEAN(run_done)
	struct run run = start(ARGS("sh", "-c", "tail -f /dev/null & echo on; exit 3"), -1);

	/* the pipe is held by tail as well, so that its end says that tail is gone */
	CHECK(ends(run.output, &out));
	CHECK(text_is(out.data, "on\n"));
	CHECK_INT(code_of(&run), 3);
}

TEST(signals_reach_the_program)
{
	static const struct {
		int sent;
		const char *seen;
	} rows[] = {
		{SIGTERM,  "TERM" },
                {SIGINT,   "INT"  },
                {SIGHUP,   "HUP"  },
                {SIGQUIT,  "QUIT" },
		{SIGUSR1,  "USR1" },
                {SIGUSR2,  "USR2" },
                {SIGWINCH, "WINCH"},
                {SIGPWR,   "TERM" },
		{SIGCONT,  "CONT" },
                {-3,       "TERM" },
	};
	static const char script[] = "for s in TERM INT HUP QUIT USR1 USR2 WINCH CONT; do\n"
				     "trap \"echo got-$s; exit 7\" $s; done\n"
				     "tail -f /dev/null & echo ready; wait";

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEAN(text_done) struct text out = {0};
		CLEAN_FREE char *expected = must_printf("got-%s", rows[i].seen);
		CLEAN(run_done) struct run run = start(ARGS("sh", "-c", script), -1);
		int sent = rows[i].sent < 0 ? SIGRTMIN - rows[i].sent : rows[i].sent;

		CHECK(reads(run.output, &out, "ready"));
		CHECK(sys_pidfd_send_signal(run.pidfd, sent) == 0);
		CHECK(reads(run.output, &out, expected));
		CHECK_INT(code_of(&run), 7);
	}
}

TEST(other_signals_do_nothing)
{
	CLEAN(text_done) struct text out = {0};
	CLEAN(run_done)
	struct run run = start(
		ARGS("sh", "-c", "trap 'exit 5' TERM; tail -f /dev/null & echo ready; wait"), -1);

	CHECK(reads(run.output, &out, "ready"));
	CHECK(sys_pidfd_send_signal(run.pidfd, SIGPIPE) == 0);
	CHECK(sys_pidfd_send_signal(run.pidfd, SIGALRM) == 0);
	CHECK(sys_pidfd_send_signal(run.pidfd, SIGRTMIN + 9) == 0);
	CHECK(sys_pidfd_send_signal(run.pidfd, SIGTERM) == 0);
	CHECK_INT(code_of(&run), 5);
}

TEST(the_output_s_end_is_seen_when_the_program_closes_it)
{
	CLEAN(text_done) struct text out = {0};
	CLEAN(run_done)
	struct run run = start(ARGS("sh", "-c",
	                            "trap 'exit 4' TERM; echo on; exec >/dev/null 2>&1;"
	                            "tail -f /dev/null & wait"),
	                       -1);

	CHECK(ends(run.output, &out));
	CHECK(text_is(out.data, "on\n"));
	CHECK(sys_pidfd_send_signal(run.pidfd, SIGTERM) == 0);
	CHECK_INT(code_of(&run), 4);
}

TEST(the_program_has_the_terminal)
{
	CLEAN(text_done) struct text out = {0};
	CLEAN_FD int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave = -1;

	CHECK(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	CHECK(slave >= 0);
	{
		CLEAN(run_done)
		struct run run =
			start(ARGS("sh", "-c",
		                   "trap 'echo interrupted; exit 6' INT; tail -f /dev/null &"
		                   ": </dev/tty && echo ready; wait"),
		              slave);

		CHECK(reads(master, &out, "ready"));
		CHECK(write(master, "\003", 1) == 1); /* ^C goes to the session that has it */
		CHECK(reads(master, &out, "interrupted"));
		CHECK_INT(code_of(&run), 6);
	}
}
