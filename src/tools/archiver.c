/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The process of sysc-archive: its files, its words, what it reports; see the header. */
#include "tools/archiver.h"

#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/process.h"
#include "base/progress.h"
#include "base/text.h"
#include "tools/command.h"
#include "tools/output.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define REPORT_MAX 65536 /* bytes of all that it reports */

/* Its numbers for what it is given. */
enum {
	FD_REPORT = 3,
	FD_MANIFEST,
	FD_CONFIG,
	FD_BASE,
	FD_SAVE,
	FD_COUNT
};

static _Noreturn void become_archiver(const struct archiver_run *run, char *const *argv,
                                      pid_t parent, int report_fd)
{
	const int given[FD_COUNT] = {run->input_fd,
	                             run->output_fd,
	                             STDERR_FILENO,
	                             report_fd,
	                             run->manifest_fd,
	                             run->config_fd,
	                             run->base_fd > 0 ? run->base_fd : -1,
	                             run->save_fd > 0 ? run->save_fd : -1};
	char *env[] = {(char[]){"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, (char[]){"LC_ALL=C.UTF-8"},
	               NULL};
	int high[FD_COUNT];

	/* all out of the way first: one may have the number of another's place */
	for (int i = 0; i < FD_COUNT; i++)
		high[i] = given[i] < 0 ? -1 : fcntl(given[i], F_DUPFD, FD_COUNT + 10);
	for (int i = 0; i < FD_COUNT; i++)
		if (given[i] >= 0 && (high[i] < 0 || dup2(high[i], i) < 0))
			_exit(127);
	(void)sys_close_range(FD_COUNT, ~0U, 0);
	process_reset_signals();
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent)
		_exit(127); /* who asked for it is gone */
	execve(argv[0], argv, env);
	dprintf(FD_REPORT, "error %d run '%s': %s\n", errno, argv[0], strerrordesc_np(errno));
	_exit(127);
}

/* Whole lines that came: records of progress are shown, all else is kept in out. */
static void sort_lines(const struct archiver_run *run, struct text *came, struct text *out)
{
	struct progress_amount amount;
	char *line = came->data, *end;

	while ((end = memchr(line, '\n', came->length - (size_t)(line - came->data)))) {
		*end = '\0';
		if (progress_take(line, &amount)) {
			if (run->progress)
				progress_show(run->progress, &amount);
		} else if (out->length < REPORT_MAX) {
			text_addf(out, "%s\n", line);
		}
		line = end + 1;
	}
	text_drop(came, (size_t)(line - came->data));
}

/* Until all that holds the other end has ended. *stopped: a signal came, and it was told to stop. */
static void gather(const struct archiver_run *run, int pidfd, int report_fd, struct text *out,
                   bool *stopped)
{
	struct pollfd events[] = {
		{.fd = report_fd,       .events = POLLIN},
		{.fd = run->signals_fd, .events = POLLIN},
	};
	CLEAN(text_done) struct text came = {0};
	char buffer[4096];

	for (;;) {
		ssize_t n;

		if (poll(events, ARRAY_SIZE(events), -1) < 0 && errno != EINTR)
			return;
		if (events[1].revents && !*stopped) {
			*stopped = true;
			events[1].fd = -1;
			(void)sys_pidfd_send_signal(pidfd, SIGTERM); /* it may have ended */
		}
		if (!events[0].revents)
			continue;
		n = file_read_some(report_fd, buffer, sizeof(buffer));
		if (n <= 0)
			return;
		if (came.length < REPORT_MAX)
			text_add_bytes(&came, buffer, (size_t)n);
		sort_lines(run, &came, out);
	}
}

static void take_counts(const struct archiver_run *run, const char *text)
{
	CLEAN(strings_done) struct strings words = {0};
	uint64_t counts[5];

	strings_split(&words, text, " ");
	if (!run->counts || words.count != ARRAY_SIZE(counts))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		if (parse_uint(words.items[i], UINT64_MAX, &counts[i]) < 0)
			return;
	*run->counts =
		(struct archiver_counts){counts[0], counts[1], counts[2], counts[3], counts[4]};
}

/* Lines "note TEXT", "count NUMBERS" and "error CODE TEXT". */
static int take_report(const struct archiver_run *run, char *text, struct error *err)
{
	int r = 0;

	for (char *line = text, *next; line && *line; line = next) {
		char *words;
		uint64_t code;

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (text_starts(line, "note ")) {
			output_note(run->call, "%s: %s", run->name, line + 5);
			continue;
		}
		if (text_starts(line, "count "))
			take_counts(run, line + 6);
		words = text_starts(line, "error ") ? strchr(line + 6, ' ') : NULL;
		if (!words)
			continue;
		*words++ = '\0';
		if (parse_uint(line + 6, 4095, &code) < 0 || !code)
			code = EIO;
		r = fail_plain(err, (int)code, "%s", words);
	}
	return r;
}

static int wait_for(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void archiver_begin_progress(struct progress *progress, const struct call *call, const char *name,
                             size_t number, size_t count)
{
	const char *shown = text_is(name, "-") ? "archive" : name;
	CLEAN_FREE char *text = count > 1 ? must_printf("%s (%zu of %zu)", shown, number + 1, count)
	                                  : must_dup(shown);

	progress_begin(progress, output_progress_fd(call), text);
	progress->at_end = "finishing";
}

int archiver_run(const struct archiver_run *run, struct error *err)
{
	CLEAN_FREE char *program = must_printf("%s/sysc-archive", run->call->paths.libexec);
	CLEAN(strings_done) struct strings argv = {0};
	CLEAN(text_done) struct text report = {0};
	CLEAN_FD int mine = -1, its = -1, pidfd = -1;
	struct clone_args args = {.flags = CLONE_PIDFD, .exit_signal = SIGCHLD};
	bool stopped = false;
	pid_t parent = getpid(), pid;
	int ends[2], code, r;

	strings_add(&argv, program);
	for (size_t i = 0; i < run->words->count; i++)
		strings_add(&argv, run->words->items[i]);
	strings_split(&argv,
	              run->manifest_fd >= 0 ? "--report 3 --manifest 4 --config 5" : "--report 3",
	              " ");
	strings_split(&argv, run->base_fd > 0 ? "--base 6" : "", " ");
	strings_split(&argv, run->save_fd > 0 ? "--save 7" : "", " ");
	if (run->progress && run->progress->form != PROGRESS_NONE)
		strings_add(&argv, "--progress");
	if (pipe2(ends, O_CLOEXEC) < 0)
		return fail(err, errno, "make a pipe");
	mine = ends[0];
	its = ends[1];
	args.pidfd = (uint64_t)(uintptr_t)&pidfd;
	pid = sys_clone3(&args);
	if (pid == 0)
		become_archiver(run, argv.items, parent, its);
	if (pid < 0)
		return fail(err, errno, "start '%s'", program);
	fd_close(&its);
	gather(run, pidfd, mine, &report, &stopped);
	code = wait_for(pid);
	progress_clear(run->progress);
	r = report.length ? take_report(run, report.data, err) : 0;
	if (stopped)
		return fail_plain(err, EINTR, "interrupted");
	if (r < 0 || code == 0 || code == 3)
		return r < 0 ? r : code;
	if (code == 128 + SIGINT || code == 128 + SIGTERM)
		return fail_plain(err, EINTR, "interrupted");
	return fail_plain(err, EIO, "sysc-archive ended with code %d", code);
}
