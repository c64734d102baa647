/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sysc logs: what sysc did for a container, or (--console) what its console printed, from the files in
 * LOG; -f goes on with what is added, also over a rotation, until a signal.
 */
#include "base/cleanup.h"
#include "base/text.h"
#include "container/container.h"
#include "tools/command.h"
#include "tools/harmless.h"
#include "tools/inspect.h"
#include "tools/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>

#define CHUNK 65536

static bool wants_console, wants_raw, wants_follow;
static int64_t tail = -1;

/* One file that is being printed. */
struct log {
	const struct call *call;
	const char *path;
	int fd;
	struct harmless harmless;
};

static int print(struct log *log, const char *bytes, size_t count)
{
	CLEAN(text_done) struct text text = {0};

	if (wants_raw)
		text_add_bytes(&text, bytes, count);
	else
		harmless_add(&log->harmless, bytes, count, &text);
	return output_text(log->call, &text);
}

/* Up to the present end. */
static int print_rest(struct log *log, struct error *err)
{
	CLEAN_FREE char *buffer = must_alloc(CHUNK);

	for (;;) {
		ssize_t n = read(log->fd, buffer, CHUNK);
		int code;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(err, errno, "read '%s'", log->path), EXIT_FAILED;
		if (n == 0)
			return EXIT_DONE;
		code = print(log, buffer, (size_t)n);
		if (code)
			return code;
	}
}

/* Moves to the beginning of the last count lines. */
static int seek_tail(int fd, int64_t count)
{
	CLEAN_FREE char *buffer = must_alloc(CHUNK);
	off_t end = lseek(fd, 0, SEEK_END), at = end;
	int64_t lines = 0;

	while (count > 0 && at > 0) {
		size_t want = at > CHUNK ? CHUNK : (size_t)at;
		ssize_t n = pread(fd, buffer, want, at - (off_t)want);

		if (n <= 0)
			return -EIO;
		at -= (off_t)want;
		for (ssize_t i = n; i-- > 0;) {
			/* the newline that ends the file ends a line, it does not begin one */
			if (buffer[i] != '\n' || at + i + 1 == end)
				continue;
			if (++lines >= count)
				return lseek(fd, at + i + 1, SEEK_SET) < 0 ? -errno : 0;
		}
	}
	return lseek(fd, count > 0 ? 0 : end, SEEK_SET) < 0 ? -errno : 0;
}

static int reopen(struct log *log)
{
	int fd = open(log->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return -errno;
	fd_close(&log->fd);
	log->fd = fd;
	log->harmless = (struct harmless){0};
	return 0;
}

/* After an event: a file that was cut or replaced is begun anew, once the old one is printed. */
static int go_on(struct log *log, struct error *err)
{
	struct stat mine = {0}, now = {0};
	int code = log->fd < 0 ? EXIT_DONE : print_rest(log, err);

	if (code || stat(log->path, &now) < 0)
		return code;
	if (log->fd < 0 || fstat(log->fd, &mine) < 0 || mine.st_ino != now.st_ino ||
	    mine.st_dev != now.st_dev)
		return reopen(log) < 0 ? EXIT_DONE : print_rest(log, err);
	if (lseek(log->fd, 0, SEEK_CUR) > now.st_size) {
		(void)lseek(log->fd, 0, SEEK_SET); /* a regular file */
		return print_rest(log, err);
	}
	return EXIT_DONE;
}

static int follow(struct log *log, struct error *err)
{
	const char *slash = strrchr(log->path, '/');
	CLEAN_FREE char *dir = must_printf("%.*s", (int)(slash - log->path), log->path);
	CLEAN_FD int signal_fd = watch_signals(err);

	while (signal_fd >= 0) {
		CLEAN_FD int inotify_fd = watch_open(err);
		struct pollfd polls[2] = {
			{.fd = signal_fd,  .events = POLLIN},
                        {.fd = inotify_fd, .events = POLLIN}
                };
		bool is_there = false;
		int code;

		if (inotify_fd < 0 || watch_folder(inotify_fd, dir, &is_there, err) < 0)
			return EXIT_FAILED;
		do {
			watch_drain(inotify_fd);
			code = go_on(log, err);
			if (code)
				return code;
			if (poll(polls, 2, -1) < 0 && errno != EINTR)
				return fail(err, errno, "wait for an event"), EXIT_FAILED;
			if (polls[0].revents)
				return EXIT_DONE;
		} while (is_there);
	}
	return EXIT_FAILED;
}

static int run(struct call *call)
{
	CLEAN(container_done) struct container container = {0};
	const char *name = call->names.items[0];
	struct log log = {.call = call, .fd = -1};
	struct error err = {0};
	int code;

	/* the log of one that was destroyed is there still */
	if (container_init(&container, &call->paths, name, &err) < 0)
		return output_error(call, name, &err);
	log.path = wants_console ? container.console : container.log;
	if (reopen(&log) < 0 && !inspect_exists(call, name, &err))
		return output_error(call, name, &err);
	if (log.fd < 0 && !wants_follow)
		output_note(call, "%s: nothing logged yet in '%s'", name, log.path);
	if (log.fd >= 0 && tail >= 0 && seek_tail(log.fd, tail) < 0)
		(void)lseek(log.fd, 0, SEEK_SET); /* not seekable: all of it */
	code = wants_follow ? follow(&log, &err) : log.fd >= 0 ? print_rest(&log, &err) : EXIT_DONE;
	fd_close(&log.fd);
	if (code && err.code)
		return output_error(call, name, &err);
	return code;
}

/* clang-format off */
static const struct option_row options[] = {
	{'f', "follow",  OPTION_FLAG,   &wants_follow,  NULL, "go on with what is added"},
	{'c', "console", OPTION_FLAG,   &wants_console, NULL, "what the console printed"},
	{'r', "raw",     OPTION_FLAG,   &wants_raw,     NULL, "control characters and all"},
	{'t', "tail",    OPTION_NUMBER, &tail,          "N",  "only the last N lines"},
	{0}
};
/* clang-format on */

const struct command cmd_logs = {
	.name = "logs",
	.operands = "NAME",
	.summary = "Print the log of a container, or what its console said",
	.options = options,
	.needs = NEEDS_DEFINED,
	.run = run,
};
