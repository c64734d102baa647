/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An archive as a file or a pipe; see the header. */
#include "tools/import_input.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/process.h"
#include "base/progress.h"
#include "base/text.h"
#include "storage/manifest.h"
#include "tools/archiver.h"
#include "tools/command.h"
#include "tools/making.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define HEAD_MAX (2 << 20) /* bytes of a pipe that have manifest and configuration in them */

void import_input_init(struct import_input *input, const char *file)
{
	*input = (struct import_input){.file = file, .fd = -1, .head_fd = -1};
}

void import_input_done(struct import_input *input)
{
	if (input->relay > 0) {
		/* our child, not reaped yet: the number is its own */
		(void)kill(input->relay, SIGKILL);
		while (waitpid(input->relay, NULL, 0) < 0 && errno == EINTR)
			continue;
	}
	fd_close(&input->fd);
	fd_close(&input->head_fd);
}

/* The beginning of a pipe, which is needed twice. */
static int read_head(struct import_input *input, struct error *err)
{
	char buffer[65536];
	size_t total = 0;

	input->head_fd = memfd_create("head", MFD_CLOEXEC);
	if (input->head_fd < 0)
		return fail(err, errno, "keep its beginning");
	while (total < HEAD_MAX) {
		ssize_t n = file_read_some(input->fd, buffer, sizeof(buffer));
		int r;

		if (n < 0)
			return fail(err, errno, "read it");
		if (n == 0)
			break;
		r = file_write_all(input->head_fd, buffer, (size_t)n);
		if (r < 0)
			return fail(err, -r, "keep its beginning");
		total += (size_t)n;
	}
	return 0;
}

int import_input_open(struct import_input *input, struct error *err)
{
	struct stat st;

	if (text_is(input->file, "-") && isatty(STDIN_FILENO)) {
		(void)fail_plain(err, EINVAL, "an archive is not read from a terminal");
		return fail_hint(err, "name a FILE, or use a pipe");
	}
	input->fd = text_is(input->file, "-") ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
	                                      : open(input->file, O_RDONLY | O_NOCTTY | O_CLOEXEC);
	if (input->fd < 0 || fstat(input->fd, &st) < 0)
		return fail(err, errno, "open it");
	if (S_ISDIR(st.st_mode))
		return fail_plain(err, EISDIR, "it is a directory");
	input->is_file = S_ISREG(st.st_mode) && lseek(input->fd, 0, SEEK_CUR) == 0;
	return input->is_file ? 0 : read_head(input, err);
}

static _Noreturn void be_relay(const struct import_input *input, const char *fifo, int output_fd,
                               pid_t parent)
{
	char buffer[65536];
	ssize_t n = 0;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(1);
	/* comes back when the reader has come, too; ended by its parent if that does not happen */
	if (fifo)
		output_fd = open(fifo, O_WRONLY | O_CLOEXEC);
	if (input->head_fd >= 0)
		(void)lseek(input->head_fd, 0, SEEK_SET);
	while ((input->head_fd >= 0 &&
	        (n = file_read_some(input->head_fd, buffer, sizeof(buffer))) > 0) ||
	       (n = file_read_some(input->fd, buffer, sizeof(buffer))) > 0)
		if (file_write_all(output_fd, buffer, (size_t)n) < 0)
			_exit(1); /* nobody reads it any more */
	_exit(n < 0);
}

int import_input_relay(struct import_input *input, const char *fifo, struct error *err)
{
	CLEAN_FD int mine = -1, its = -1;
	pid_t parent = getpid();
	int ends[2];

	if (!fifo) {
		if (pipe2(ends, O_CLOEXEC) < 0)
			return fail(err, errno, "make a pipe");
		mine = ends[0];
		its = ends[1];
	}
	input->relay = fork();
	if (input->relay == 0) {
		fd_close(&mine);
		be_relay(input, fifo, its, parent);
	}
	if (input->relay < 0)
		return fail(err, errno, "start a process");
	return fifo ? 0 : fd_take(&mine);
}

int import_input_head(const struct import_input *input, const struct call *call, bool is_first,
                      struct text *text, struct error *err)
{
	CLEAN(strings_done) struct strings words = {0};
	CLEAN_FD int output = memfd_create("manifest", MFD_CLOEXEC);
	int fd = input->is_file ? input->fd : input->head_fd, signals = process_catch_signals();
	struct progress line = {.form = PROGRESS_NONE};
	const struct archiver_run run = {
		.call = call,
		.name = input->file,
		.words = &words,
		.input_fd = fd,
		.output_fd = output,
		.manifest_fd = -1,
		.config_fd = -1,
		.signals_fd = signals,
		.progress = is_first ? NULL : &line, /* the first is at its beginning */
	};
	int r;

	strings_split(&words, is_first ? "head --first -" : "head -", " ");
	archiver_begin_progress(&line, call, input->file, 0, 1);
	r = output < 0 || lseek(fd, 0, SEEK_SET) < 0 ? fail(err, errno, "look at it")
	                                             : archiver_run(&run, err);
	r = making_release_signals(&signals, r, err);
	if (r < 0)
		return r;
	if (lseek(fd, 0, SEEK_SET) < 0 || lseek(output, 0, SEEK_SET) < 0)
		return fail(err, errno, "look at it");
	if (r != 0)
		return 0;
	r = file_read_fd(output, "manifest", MANIFEST_HEADS_MAX, text, err);
	return r < 0 ? r : 1;
}

/* A pipe on its way to a file. */
struct keeping {
	int to_fd, signals_fd;
	struct progress line;
	struct progress_amount done;
};

/* All that from_fd has; -EINTR. Whoever writes a pipe may do nothing for a long time. */
static int keep_all(struct keeping *keeping, int from_fd, struct error *err)
{
	struct pollfd events[] = {
		{.fd = from_fd,             .events = POLLIN},
		{.fd = keeping->signals_fd, .events = POLLIN},
	};
	char buffer[65536];
	ssize_t n = 1;

	while (n > 0) {
		int r;

		if (poll(events, ARRAY_SIZE(events), -1) < 0)
			return fail(err, errno, "wait for it");
		if (making_check_signals(keeping->signals_fd, err))
			return -EINTR;
		n = file_read_some(from_fd, buffer, sizeof(buffer));
		r = n > 0 ? file_write_all(keeping->to_fd, buffer, (size_t)n) : 0;
		if (r < 0)
			return fail(err, -r, "write it");
		keeping->done.bytes += n > 0 ? (uint64_t)n : 0;
		progress_show(&keeping->line, &keeping->done);
	}
	return n < 0 ? fail(err, errno, "read it") : 0;
}

int import_input_keep(struct import_input *input, const struct call *call, struct error *err)
{
	CLEAN_FREE char *store = must_dup(call->paths.store);
	struct keeping keeping = {.to_fd = -1};
	CLEAN_FD int fd = -1;
	int r = input->is_file ? 0 : file_make_dirs(store, 0711, err);

	if (input->is_file || r < 0)
		return r;
	keeping.to_fd = fd = open(store, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0 || lseek(input->head_fd, 0, SEEK_SET) < 0)
		return fail(err, errno, "keep it in '%s'", store);
	keeping.signals_fd = process_catch_signals();
	archiver_begin_progress(&keeping.line, call, input->file, 0, 1);
	r = keep_all(&keeping, input->head_fd, err);
	if (r == 0)
		r = keep_all(&keeping, input->fd, err);
	progress_clear(&keeping.line);
	r = making_release_signals(&keeping.signals_fd, r, err);
	if (r < 0)
		return r == -EINTR ? r : fail_in(err, "keep it in '%s'", store);
	fd_close(&input->fd);
	input->fd = fd_take(&fd);
	input->is_file = true;
	return 0;
}
