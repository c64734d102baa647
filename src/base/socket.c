/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Unix sockets with fds; see the header and unix(7). */
#include "base/socket.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

/* of the last part of a socket's path: sun_path less "/proc/self/fd/" and a number */
#define SOCKET_NAME_MAX 80

/*
 * sun_path holds 107 characters: a longer path goes through /proc/self/fd/N of its folder. dir_fd keeps
 * that folder open while the address is used.
 */
static int make_address(const char *path, struct sockaddr_un *address, int *dir_fd,
                        struct error *err)
{
	const char *slash = strrchr(path, '/');

	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	*dir_fd = -1;
	if (strlen(path) < sizeof(address->sun_path)) {
		memcpy(address->sun_path, path, strlen(path) + 1);
		return 0;
	}
	if (!slash || strlen(slash + 1) > SOCKET_NAME_MAX)
		return fail(err, ENAMETOOLONG, "socket '%s'", path);
	CLEAN_FREE char *folder = must_printf("%.*s", (int)(slash - path), path);

	*dir_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*dir_fd < 0)
		return fail(err, errno, "open '%s'", folder);
	/* the precision, never reached, shows the compiler that all of it fits */
	(void)snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d/%.*s",
	               *dir_fd, SOCKET_NAME_MAX, slash + 1);
	return 0;
}

int socket_listen(const char *path, struct error *err)
{
	CLEAN_FD int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	CLEAN_FD int folder = -1;
	struct sockaddr_un address;
	int r;

	if (fd < 0)
		return fail(err, errno, "make a socket");
	r = make_address(path, &address, &folder, err);
	if (r < 0)
		return r;
	(void)unlink(path); /* of a dead one; the caller holds the container's lock */
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return fail(err, errno, "bind socket '%s'", path);
	if (listen(fd, 64) < 0)
		return fail(err, errno, "listen on '%s'", path);
	return fd_take(&fd);
}

int socket_connect(const char *path, struct error *err)
{
	CLEAN_FD int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	CLEAN_FD int folder = -1;
	struct sockaddr_un address;
	int r;

	if (fd < 0)
		return fail(err, errno, "make a socket");
	r = make_address(path, &address, &folder, err);
	if (r < 0)
		return r;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return fail(err, errno, "connect to '%s'", path);
	return fd_take(&fd);
}

union control {
	char bytes[CMSG_SPACE(sizeof(int) * SOCKET_FDS_MAX)];
	struct cmsghdr align;
};

int socket_send(int fd, const void *bytes, size_t count, const int *fds, size_t fd_count)
{
	union control control = {0};
	struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = count};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

	if (fd_count > SOCKET_FDS_MAX)
		return -E2BIG;
	if (fd_count) {
		struct cmsghdr *head;

		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
		head = CMSG_FIRSTHDR(&message);
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
		memcpy(CMSG_DATA(head), fds, sizeof(int) * fd_count);
	}
	while (sendmsg(fd, &message, MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

/* Takes the fds out of a received message; those beyond room are closed and make it too big. */
static int take_fds(struct msghdr *message, int *fds, size_t room, size_t *count)
{
	bool over = false;

	*count = 0;
	for (struct cmsghdr *head = CMSG_FIRSTHDR(message); head;
	     head = CMSG_NXTHDR(message, head)) {
		size_t n;

		if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
			continue;
		n = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(head) + i * sizeof(int), sizeof(fd));
			if (*count < room) {
				fds[(*count)++] = fd;
				continue;
			}
			close(fd);
			over = true;
		}
	}
	return over || message->msg_flags & (MSG_TRUNC | MSG_CTRUNC) ? -EMSGSIZE : 0;
}

ssize_t socket_receive(int fd, void *bytes, size_t room, int *fds, size_t *fd_count)
{
	union control control = {0};
	struct iovec part = {.iov_base = bytes, .iov_len = room};
	struct msghdr message = {.msg_iov = &part,
	                         .msg_iovlen = 1,
	                         .msg_control = control.bytes,
	                         .msg_controllen = sizeof(control.bytes)};
	size_t count = 0;
	ssize_t n;
	int r;

	do {
		n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	r = take_fds(&message, fds, fd_count ? *fd_count : 0, &count);
	if (r < 0) {
		for (size_t i = 0; i < count; i++)
			close(fds[i]);
		count = 0;
	}
	if (fd_count)
		*fd_count = count;
	return r < 0 ? r : n;
}

int socket_peer(int fd, uid_t *uid, pid_t *pid)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return -errno;
	*uid = peer.uid;
	*pid = peer.pid;
	return 0;
}
