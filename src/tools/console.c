/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Standard streams to frames of the command socket and back; see the header. */
#include "tools/console.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "container/container.h"
#include "container/state.h"
#include "monitor/client.h"
#include "monitor/supervisor.h"
#include "tools/terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECT_TRIES 10 /* of a supervisor that dies again and again */

enum {
	INPUT,
	OUTPUT,
	SIGNALS,
	SOURCES
};

/* One join, while it lasts. */
struct join {
	int fd; /* command socket */
	int signals;
	int escape;   /* byte, -1 none */
	bool escaped; /* the prefix was typed last */
	bool input_ended;
	char typed[1024]; /* what the supervisor has not taken yet */
	uint32_t typed_count;
	uint32_t position; /* in what the guest printed */
	struct raw_terminal raw;
	sigset_t saved;
};

int console_parse_escape(const char *text)
{
	if (text[0] == '^' && text[1] && !text[2])
		return text[1] & 0x1f;
	if (text[0] && !text[1])
		return (unsigned char)text[0];
	return -EINVAL;
}

static int open_signals(sigset_t *saved)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGWINCH);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &set, saved);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void send_size(const struct join *join)
{
	unsigned int rows = 0, columns = 0;

	if (terminal_size(STDIN_FILENO, &rows, &columns))
		(void)client_send_size(join->fd, rows, columns); /* only a convenience */
}

/*
 * Takes escape sequences out of what was typed: prefix q ends (returns false), prefix prefix is one
 * prefix. The rest is moved together in place.
 */
static bool filter(struct join *join, char *bytes, ssize_t *count)
{
	ssize_t kept = 0;

	if (join->escape < 0)
		return true;
	for (ssize_t i = 0; i < *count; i++) {
		bool is_prefix = (unsigned char)bytes[i] == join->escape;

		if (join->escaped && bytes[i] == 'q')
			return false;
		if (is_prefix && !join->escaped) {
			join->escaped = true;
			continue;
		}
		join->escaped = false;
		bytes[kept++] = bytes[i];
	}
	*count = kept;
	return true;
}

/* A supervisor that ends is found out on the side that reads; what was typed is for the next one. */
static int send_typed(struct join *join)
{
	int r = join->typed_count ? client_send_data(join->fd, join->typed, join->typed_count) : 0;

	if (r == -EPIPE || r == -ECONNRESET)
		return 1;
	join->typed_count = 0;
	return r < 0 ? r : 1;
}

/* 1: go on, 0: let go. */
static int take_input(struct join *join)
{
	ssize_t n = read(STDIN_FILENO, join->typed, sizeof(join->typed));

	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 1 : -errno;
	if (n == 0) {
		join->input_ended = true; /* go on showing what the guest prints */
		return isatty(STDIN_FILENO) ? 0 : 1;
	}
	if (!filter(join, join->typed, &n))
		return 0;
	join->typed_count = (uint32_t)n;
	return send_typed(join);
}

static int take_signal(struct join *join)
{
	struct signalfd_siginfo info;

	if (read(join->signals, &info, sizeof(info)) != sizeof(info))
		return 1;
	if (info.ssi_signo != SIGWINCH)
		return 0;
	send_size(join);
	return 1;
}

/* 1: go on, 0: the caller let go, 2: the connection ended, -errno. */
static int turn(struct join *join)
{
	struct pollfd sources[SOURCES] = {
		[INPUT] = {.fd = join->input_ended || join->typed_count ? -1 : STDIN_FILENO,
	                   .events = POLLIN								  },
		[OUTPUT] = {.fd = join->fd,						   .events = POLLIN},
		[SIGNALS] = {.fd = join->signals,                                              .events = POLLIN},
	};
	char bytes[PROTOCOL_BYTES_MAX];

	if (poll(sources, SOURCES, -1) < 0)
		return errno == EINTR ? 1 : -errno;
	if (sources[OUTPUT].revents) {
		long n = client_receive_data(join->fd, bytes, &join->position);

		if (n == 0)
			return 2;
		if (n < 0 || file_write_all(STDOUT_FILENO, bytes, (size_t)n) < 0)
			return n < 0 ? (int)n : 0;
	}
	if (sources[SIGNALS].revents)
		return take_signal(join);
	return sources[INPUT].revents ? take_input(join) : 1;
}

int console_start(const struct container *container, const struct plan_execute *execute,
                  struct error *err)
{
	struct supervisor_options options = {.execute = execute};
	CLEAN_FD int ours = -1, theirs = -1;
	int ends[2];
	int r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return fail(err, errno, "make a socket pair");
	ours = ends[0];
	theirs = ends[1];
	options.console_fd = theirs;
	r = supervisor_start(container, &options, err);
	return r < 0 ? r : fd_take(&ours);
}

static void join_open(struct join *join, const char *escape)
{
	*join = (struct join){
		.fd = -1, .escape = escape ? console_parse_escape(escape) : -1, .raw = {.fd = -1}};
	join->signals = open_signals(&join->saved);
	raw_terminal_set(&join->raw, STDIN_FILENO);
}

static void join_done(struct join *join)
{
	fd_close(&join->fd);
	fd_close(&join->signals);
	raw_terminal_restore(&join->raw);
	(void)sigprocmask(SIG_SETMASK, &join->saved, NULL);
}

/* Until the connection ends (1), the caller lets go (0), or it fails. */
static int copy(struct join *join, struct error *err)
{
	int r = send_typed(join);

	send_size(join);
	while (r == 1)
		r = turn(join);
	if (r < 0)
		return fail(err, -r, "pass the console on");
	return r == 2;
}

int console_join(int fd, const char *escape, struct error *err)
{
	CLEAN(join_done) struct join join;

	join_open(&join, escape);
	join.fd = fd;
	return copy(&join, err);
}

/* A connection of its own, from where the last one was. */
static int connect_console(const struct container *container, int tty, struct join *join,
                           struct state *run, struct error *err)
{
	int r = -ECONNRESET;

	for (int tries = 0; tries < CONNECT_TRIES && r == -ECONNRESET; tries++) {
		fd_close(&join->fd);
		join->fd = client_connect(container, err);
		if (join->fd < 0)
			return join->fd;
		r = state_read(container->run_dir, run, NULL, err);
		if (r == 0)
			r = client_console(join->fd, tty, join->position, err);
	}
	return r;
}

int console_run(const struct container *container, int tty, const char *escape, struct error *err)
{
	CLEAN(join_done) struct join join;
	struct state run;
	int r;

	join_open(&join, escape);
	do {
		r = connect_console(container, tty, &join, &run, err);
		if (r == -ESRCH && join.position) { /* it ended meanwhile */
			error_clear(err);
			return 1;
		}
		if (r == 0)
			r = copy(&join, err);
	} while (r == 1 && client_goes_on(container, &run));
	return r;
}
