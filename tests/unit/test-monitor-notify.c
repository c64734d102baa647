/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sd_notify(3) in both directions. */
#include "monitor/notify.h"

#include "../lib/tap.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static int parse(const char *text, struct notify_message *out)
{
	return notify_parse(text, strlen(text), out);
}

TEST(what_concerns_us_is_taken)
{
	struct notify_message message;

	CHECK_INT(parse("READY=1", &message), 0);
	CHECK(message.is_ready && !message.is_stopping && !message.has_status);
	CHECK_INT(parse("X_SYSTEMD_UNIT_ACTIVE=a\nSTATUS=Up\nREADY=1\nMAINPID=1\n", &message), 0);
	CHECK(message.is_ready && strcmp(message.status, "Up") == 0);
	CHECK_INT(parse("STOPPING=1\n\nSTATUS=\n", &message), 0);
	CHECK(message.is_stopping && message.has_status && !message.status[0] && !message.is_ready);
	CHECK_INT(parse("READY=0\nREADY=11\nXREADY=1\nREADY=1 ", &message), 0);
	CHECK(!message.is_ready);
}

TEST(what_is_broken_counts_for_nothing)
{
	static const char *const broken[] = {"", "READY", "READY=1\nnoise", "=1", "READY=1\n=1"};
	CLEAN_FREE char *long_one = must_printf("READY=1\nX=%05000d", 1);
	struct notify_message message = {.has_status = true};

	for (size_t i = 0; i < ARRAY_SIZE(broken); i++)
		CHECK_INT(parse(broken[i], &message), -EBADMSG);
	CHECK_INT(notify_parse("READY=1\0", 8, &message), -EBADMSG);
	CHECK_INT(parse(long_one, &message), -EBADMSG);
	CHECK(message.has_status && !message.is_ready);
}

TEST(a_status_is_one_line_cut_at_a_character)
{
	CLEAN_FREE char *text = must_printf("STATUS=%0126d\xc3\xa4xyz", 1);
	struct notify_message message;

	CHECK_INT(parse("STATUS=a\tb\x1b[31m\x7f", &message), 0);
	CHECK(strcmp(message.status, "a?b?[31m?") == 0);
	CHECK_INT(parse(text, &message), 0);
	CHECK_INT(strlen(message.status), 126);
}

static void send_to(const char *path, const char *text)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	CLEAN_FD int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	CHECK(strlen(path) < sizeof(address.sun_path));
	memcpy(address.sun_path, path, strlen(path) + 1);
	CHECK_INT(sendto(fd, text, strlen(text), 0, (struct sockaddr *)&address, sizeof(address)),
	          (long)strlen(text));
}

TEST(only_one_process_is_heard)
{
	char folder[] = "/tmp/sysc-test-notify.XXXXXX";
	CLEAN_FREE char *path = NULL;
	CLEAN_FD int fd = -1;
	struct notify_message message;
	struct error err = {0};
	struct stat st;

	CHECK(mkdtemp(folder));
	path = must_printf("%s/notify", folder);
	CHECK_INT(file_replace_volatile(AT_FDCWD, path, "old", 3, 0644, &err), 0);
	fd = notify_bind(folder, getuid(), getgid(), &err);
	CHECK(fd >= 0);
	CHECK(lstat(path, &st) == 0 && S_ISSOCK(st.st_mode) && (st.st_mode & 07777) == 0600);
	CHECK_INT(notify_receive(fd, getpid(), &message), -EAGAIN);
	send_to(path, "READY=1");
	CHECK_INT(notify_receive(fd, getpid(), &message), 0);
	CHECK(message.is_ready);
	send_to(path, "READY=1");
	CHECK_INT(notify_receive(fd, getppid(), &message), -EBADMSG);
	CHECK_INT(notify_receive(fd, 0, &message), -EAGAIN);
	CHECK_INT(file_remove_tree(AT_FDCWD, folder, NULL), 0);
}

/* As the service manager: the message and the process that it is said to be of. */
static void hear(const struct sockaddr_un *address, socklen_t length, const char *name)
{
	CLEAN_FD int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const int on = 1;
	char bytes[64];
	ssize_t n;

	CHECK_INT(setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)), 0);
	CHECK_INT(bind(fd, (const struct sockaddr *)address, length), 0);
	CHECK_INT(setenv("NOTIFY_SOCKET", name, 1), 0);
	CHECK_INT(notify_host(getpid(), "READY=1\nSTATUS=x"), 0);
	n = recv(fd, bytes, sizeof(bytes), 0);
	CHECK_INT(n, 16);
	CHECK(memcmp(bytes, "READY=1\nSTATUS=x", 16) == 0);
}

TEST(the_host_is_told_by_path_and_by_abstract_name)
{
	char folder[] = "/tmp/sysc-test-notify.XXXXXX";
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	CLEAN_FREE char *path = NULL, *abstract = NULL;
	size_t length;

	CHECK(mkdtemp(folder));
	path = must_printf("%s/host", folder);
	memcpy(address.sun_path, path, strlen(path) + 1);
	hear(&address, sizeof(address), path);
	CHECK_INT(notify_host(getpid(), "READY=1"), -ECONNREFUSED);
	abstract = must_printf("@%s", folder);
	length = strlen(abstract);
	memset(&address, 0, sizeof(address));
	address.sun_family = AF_UNIX;
	memcpy(address.sun_path + 1, abstract + 1, length - 1);
	hear(&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length), abstract);
	CHECK_INT(file_remove_tree(AT_FDCWD, folder, NULL), 0);
}

TEST(no_socket_and_one_that_is_no_address)
{
	CLEAN_FREE char *too_long = must_printf("/%0200d", 1);

	CHECK_INT(unsetenv("NOTIFY_SOCKET"), 0);
	CHECK_INT(notify_host(getpid(), "READY=1"), 0);
	CHECK_INT(setenv("NOTIFY_SOCKET", "relative", 1), 0);
	CHECK_INT(notify_host(getpid(), "READY=1"), -EAFNOSUPPORT);
	CHECK_INT(setenv("NOTIFY_SOCKET", "vsock:2:1234", 1), 0);
	CHECK_INT(notify_host(getpid(), "READY=1"), -EAFNOSUPPORT);
	CHECK_INT(setenv("NOTIFY_SOCKET", too_long, 1), 0);
	CHECK_INT(notify_host(getpid(), "READY=1"), -EAFNOSUPPORT);
}
