/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The four messages of a start; see the header. The child uses this too: no heap, no stdio. */
#include "runtime/sync.h"

#include "base/socket.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct message {
	uint32_t kind;
	int32_t code;
	char text[ERROR_TEXT_MAX];
};

int sync_pair(int fds[2], struct error *err)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return fail(err, errno, "make a socket pair");
	return 0;
}

int sync_send(int fd, enum sync_kind kind, const int *fds, size_t fd_count)
{
	struct message message = {.kind = kind};

	return socket_send(fd, &message, offsetof(struct message, text), fds, fd_count);
}

void sync_send_error(int fd, const struct error *err)
{
	struct message message = {.kind = SYNC_FAIL, .code = err->code};
	size_t length = strnlen(err->text, sizeof(err->text) - 1);

	memcpy(message.text, err->text, length);
	/* when the other side is gone nobody is left to hear it */
	(void)socket_send(fd, &message, offsetof(struct message, text) + length + 1, NULL, 0);
}

bool sync_take_reason(int fd, struct error *reason)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int fds[SOCKET_FDS_MAX];

	while (poll(&p, 1, 0) > 0) {
		struct message message = {0};
		size_t count = SOCKET_FDS_MAX;
		ssize_t n = socket_receive(fd, &message, sizeof(message) - 1, fds, &count);

		while (count)
			close(fds[--count]);
		if (n <= 0)
			return false;
		if (message.kind == SYNC_FAIL) {
			(void)fail_plain(reason, message.code, "%s", message.text);
			return true;
		}
	}
	return false;
}

int sync_expect(int fd, enum sync_kind want, int *fds, size_t *fd_count, int timeout_ms,
                struct error *err)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	struct message message = {0};
	ssize_t n;
	int ready;

	do {
		ready = poll(&p, 1, timeout_ms);
	} while (ready < 0 && errno == EINTR);
	if (ready == 0)
		return fail_plain(err, ETIMEDOUT, "the other side of the start is silent for %d s",
		                  timeout_ms / 1000);
	n = socket_receive(fd, &message, sizeof(message) - 1, fds, fd_count);
	if (n == -ECONNRESET)
		n = 0;
	if (n < 0)
		return fail(err, (int)-n, "receive from the other side of the start");
	if (n == 0) {
		if (want == SYNC_END)
			return 0;
		return fail_plain(err, EPIPE, "the other side of the start died");
	}
	if ((size_t)n < offsetof(struct message, text))
		return fail(err, EBADMSG, "receive from the other side of the start");
	if (message.kind == SYNC_FAIL)
		return fail_plain(err, message.code, "%s", message.text);
	if (message.kind != want)
		return fail(err, EBADMSG, "receive from the other side of the start");
	return 0;
}
