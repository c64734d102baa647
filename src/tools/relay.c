/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The loop of attach; see the header. */
#include "tools/relay.h"

#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/file.h"
#include "tools/terminal.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

enum {
	INPUT,
	PTY,
	SIGNALS,
	COMMAND,
	SOURCES
};

/* How long to listen on when the command ended but something in the background holds its pty. */
#define LINGER_MS 50

struct relay {
	int pidfd, ptx_fd, signals;
	char input[4096]; /* typed, not yet taken by the pty */
	size_t input_length;
	bool input_ended, command_ended;
};

static void copy_size(const struct relay *relay)
{
	struct winsize size;

	for (int i = 0; i < 3; i++) {
		if (ioctl(i, TIOCGWINSZ, &size) < 0)
			continue;
		(void)ioctl(relay->ptx_fd, TIOCSWINSZ, &size); /* only a convenience */
		return;
	}
}

static void take_signal(struct relay *relay)
{
	struct signalfd_siginfo info;

	if (read(relay->signals, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGWINCH && relay->ptx_fd >= 0)
		copy_size(relay);
	else
		(void)sys_pidfd_send_signal(relay->pidfd, (int)info.ssi_signo); /* it may be gone */
}

static void take_input(struct relay *relay)
{
	ssize_t n = read(STDIN_FILENO, relay->input, sizeof(relay->input));

	if (n > 0)
		relay->input_length = (size_t)n;
	else if (n == 0 || (errno != EINTR && errno != EAGAIN))
		relay->input_ended = true;
}

static void give_input(struct relay *relay)
{
	ssize_t n = write(relay->ptx_fd, relay->input, relay->input_length);

	if (n > 0) {
		relay->input_length -= (size_t)n;
		memmove(relay->input, relay->input + n, relay->input_length);
	} else if (n < 0 && errno != EAGAIN && errno != EINTR) {
		relay->input_length = 0;
		relay->input_ended = true;
	}
}

/* Output to the stream that is a terminal; false at the pty's end (EIO: nobody has it open any more). */
static bool take_output(struct relay *relay)
{
	char bytes[16384];
	ssize_t n = read(relay->ptx_fd, bytes, sizeof(bytes));
	int out = isatty(STDOUT_FILENO)   ? STDOUT_FILENO
	          : isatty(STDERR_FILENO) ? STDERR_FILENO
	                                  : STDOUT_FILENO;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	return n > 0 && file_write_all(out, bytes, (size_t)n) == 0;
}

/* True while there is more to wait for. */
static bool turn(struct relay *relay)
{
	bool has_input = relay->input_length > 0;
	short pty_events = (short)(POLLIN | (has_input ? POLLOUT : 0));
	struct pollfd sources[SOURCES] = {
		[INPUT] = {.fd = relay->ptx_fd < 0 || relay->input_ended || has_input ||
	                                         !isatty(STDIN_FILENO)
	                                 ? -1
	                                 : STDIN_FILENO,
	                   .events = POLLIN							     },
		[PTY] = {.fd = relay->ptx_fd,                                     .events = pty_events},
		[SIGNALS] = {.fd = relay->signals,                                    .events = POLLIN    },
		[COMMAND] = {.fd = relay->command_ended ? -1 : relay->pidfd,          .events = POLLIN    },
	};
	int n = poll(sources, SOURCES, relay->command_ended ? LINGER_MS : -1);

	if (n < 0)
		return errno == EINTR;
	if (n == 0)
		return false;
	if (sources[COMMAND].revents)
		relay->command_ended = true;
	if (sources[SIGNALS].revents)
		take_signal(relay);
	if (sources[INPUT].revents)
		take_input(relay);
	if (sources[PTY].revents & POLLOUT)
		give_input(relay);
	if (sources[PTY].revents & (POLLIN | POLLHUP | POLLERR) && !take_output(relay))
		fd_close(&relay->ptx_fd);
	return !relay->command_ended || relay->ptx_fd >= 0;
}

static int reap(int pidfd, struct error *err)
{
	siginfo_t info = {0};

	while (waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED) < 0)
		if (errno != EINTR)
			return fail(err, errno, "wait for the command");
	return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

int relay_signals(struct error *err)
{
	static const int forwarded[] = {SIGINT,  SIGTERM, SIGHUP,  SIGQUIT,
	                                SIGUSR1, SIGUSR2, SIGCONT, SIGWINCH};
	sigset_t set;
	int fd;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(forwarded); i++)
		(void)sigaddset(&set, forwarded[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return fail(err, errno, "hold back signals");
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? fail(err, errno, "open a signalfd") : fd;
}

int relay_run(int pidfd, int ptx_fd, int signals_fd, struct error *err)
{
	CLEAN_FD int owned_pidfd = pidfd;
	CLEAN(raw_terminal_restore) struct raw_terminal raw = {.fd = -1};
	struct relay relay = {.pidfd = pidfd, .ptx_fd = ptx_fd, .signals = signals_fd};
	CLEAN_FD int signals = signals_fd;

	if (ptx_fd >= 0) {
		int flags = fcntl(ptx_fd, F_GETFL);

		(void)fcntl(ptx_fd, F_SETFL, flags | O_NONBLOCK); /* cannot fail on a pty */
		copy_size(&relay);
		raw_terminal_set(&raw, STDIN_FILENO);
	}
	while (turn(&relay))
		continue;
	fd_close(&relay.ptx_fd);
	return reap(pidfd, err);
}
