/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/socket.h"

#include "../lib/tap.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>

static void make_pair(int pair[2])
{
	CHECK_INT(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
}

TEST(messages_keep_their_bounds_and_fds)
{
	char buffer[16];
	int pair[2], fds[2] = {-1, -1}, zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	size_t count = 2;

	make_pair(pair);
	CHECK_INT(socket_send(pair[0], "one", 3, &zero, 1), 0);
	CHECK_INT(socket_send(pair[0], "three", 5, NULL, 0), 0);
	CHECK_INT(socket_receive(pair[1], buffer, sizeof(buffer), fds, &count), 3);
	CHECK_INT(count, 1);
	CHECK(file_is_char_device(fds[0], 1, 5));
	CHECK(fcntl(fds[0], F_GETFD) & FD_CLOEXEC);
	CHECK_INT(socket_receive(pair[1], buffer, sizeof(buffer), NULL, NULL), 5);
	close(pair[0]);
	CHECK_INT(socket_receive(pair[1], buffer, sizeof(buffer), NULL, NULL), 0);
	CHECK_INT(socket_send(pair[1], "x", 1, NULL, 0), -EPIPE);
	close(pair[1]);
	close(fds[0]);
	close(zero);
}

TEST(too_long_or_too_many_fds_are_refused_and_closed)
{
	char buffer[4];
	int pair[2], fds[1], many[3];
	size_t count = 1;

	make_pair(pair);
	for (int i = 0; i < 3; i++)
		many[i] = pair[0];
	CHECK_INT(socket_send(pair[0], "12345", 5, many, 1), 0);
	CHECK_INT(socket_receive(pair[1], buffer, sizeof(buffer), fds, &count), -EMSGSIZE);
	CHECK_INT(count, 0);
	count = 1;
	CHECK_INT(socket_send(pair[0], "1", 1, many, 3), 0);
	CHECK_INT(socket_receive(pair[1], buffer, sizeof(buffer), fds, &count), -EMSGSIZE);
	CHECK_INT(socket_send(pair[0], "1", 1, many, 2), 0);
	CHECK_INT(socket_receive(pair[1], buffer, sizeof(buffer), NULL, NULL), -EMSGSIZE);
	CHECK_INT(socket_send(pair[0], "1", 1, many, SOCKET_FDS_MAX + 1), -E2BIG);
	close(pair[0]);
	close(pair[1]);
}

static void listen_and_connect(const char *path)
{
	CLEAN_FD int server = -1, client = -1, peer = -1;
	struct error err = {0};
	char byte;
	uid_t uid = 4711;
	pid_t pid = -1;

	server = socket_listen(path, &err);
	CHECK(server >= 0);
	CHECK(accept4(server, NULL, NULL, SOCK_CLOEXEC) < 0 && errno == EAGAIN);
	client = socket_connect(path, &err);
	CHECK(client >= 0);
	peer = accept4(server, NULL, NULL, SOCK_CLOEXEC);
	CHECK(peer >= 0);
	CHECK_INT(socket_peer(peer, &uid, &pid), 0);
	CHECK_INT(uid, geteuid());
	CHECK_INT(pid, getpid());
	CHECK_INT(socket_send(client, "x", 1, NULL, 0), 0);
	CHECK_INT(socket_receive(peer, &byte, 1, NULL, NULL), 1);
}

TEST(paths_short_long_and_dead)
{
	char folder[] = "/tmp/sysc-test-socket.XXXXXX";
	CLEAN_FREE char *path = NULL, *deep = NULL;
	struct error err = {0};

	CHECK(mkdtemp(folder));
	path = must_printf("%s/s", folder);
	listen_and_connect(path);
	CHECK_INT(socket_connect(path, &err), -ECONNREFUSED);
	listen_and_connect(path); /* over the dead one */
	deep = must_printf("%s/%0100d/%0100d", folder, 1, 2);
	CHECK_INT(file_make_dirs(deep, 0700, &err), 0);
	free(path);
	path = must_printf("%s/socket", deep);
	listen_and_connect(path);
	free(path);
	path = must_printf("%s/none/%080d", folder, 1);
	CHECK_INT(socket_connect(path, &err), -ENOENT);
	CHECK_INT(file_remove_tree(AT_FDCWD, folder, NULL), 0);
}
