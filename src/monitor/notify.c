/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sd_notify(3) without the library; see the header. */
#include "monitor/notify.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

/* The value is cut at a whole UTF-8 character. */
static void take_status(struct notify_message *out, const char *value, size_t length)
{
	if (length >= sizeof(out->status)) {
		length = sizeof(out->status) - 1;
		while (length && ((unsigned char)value[length] & 0xc0) == 0x80)
			length--;
	}
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)value[i];

		out->status[i] = (char)(c < 32 || c == 127 ? '?' : c);
	}
	out->status[length] = '\0';
	out->has_status = true;
}

static bool is_line(const char *line, size_t length, const char *wanted)
{
	return length == strlen(wanted) && memcmp(line, wanted, length) == 0;
}

static int take_line(struct notify_message *out, const char *line, size_t length)
{
	static const char status[] = "STATUS=";
	const char *equals = memchr(line, '=', length);

	if (!equals || equals == line)
		return -EBADMSG;
	if (is_line(line, length, "READY=1"))
		out->is_ready = true;
	else if (is_line(line, length, "STOPPING=1"))
		out->is_stopping = true;
	else if (length >= sizeof(status) - 1 && memcmp(line, status, sizeof(status) - 1) == 0)
		take_status(out, line + sizeof(status) - 1, length - (sizeof(status) - 1));
	return 0;
}

int notify_parse(const char *bytes, size_t length, struct notify_message *out)
{
	struct notify_message message = {0};

	if (!length || length > NOTIFY_BYTES_MAX || memchr(bytes, '\0', length))
		return -EBADMSG;
	for (size_t at = 0; at < length;) {
		const char *end = memchr(bytes + at, '\n', length - at);
		size_t line = end ? (size_t)(end - bytes) - at : length - at;

		if (line && take_line(&message, bytes + at, line) < 0)
			return -EBADMSG;
		at += line + 1;
	}
	*out = message;
	return 0;
}

/* A name of any length: through the folder, as a path of the process's own. */
static int bind_in(int fd, const char *run_dir, uid_t uid, gid_t gid)
{
	CLEAN_FD int dir = open(run_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEAN_FREE char *path = must_printf("/proc/self/fd/%d/notify", dir);
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strlen(path);

	if (dir < 0)
		return -errno;
	if (length >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, length + 1);
	(void)unlinkat(dir, "notify", 0); /* bind tells when it is still there */
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	/* the folder is ours alone: nobody can have put anything else there */
	if (fchmodat(dir, "notify", 0600, 0) < 0 ||
	    fchownat(dir, "notify", uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return 0;
}

int notify_bind(const char *run_dir, uid_t uid, gid_t gid, struct error *err)
{
	CLEAN_FD int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const int on = 1;
	int r;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
		return fail(err, errno, "make the notify socket");
	r = bind_in(fd, run_dir, uid, gid);
	if (r < 0)
		return fail(err, -r, "bind '%s/notify'", run_dir);
	return fd_take(&fd);
}

static pid_t sender_of(struct msghdr *header)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
		struct ucred credentials;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS ||
		    c->cmsg_len != CMSG_LEN(sizeof(credentials)))
			continue;
		memcpy(&credentials, CMSG_DATA(c), sizeof(credentials));
		return credentials.pid;
	}
	return 0;
}

int notify_receive(int fd, pid_t pid, struct notify_message *out)
{
	char bytes[NOTIFY_BYTES_MAX];
	/* room for the credentials only: the kernel closes fds that came along (unix(7), MSG_CTRUNC) */
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
	} control;

	struct iovec vector = {.iov_base = bytes, .iov_len = sizeof(bytes)};
	struct msghdr header = {.msg_iov = &vector,
	                        .msg_iovlen = 1,
	                        .msg_control = control.bytes,
	                        .msg_controllen = sizeof(control.bytes)};
	ssize_t n = recvmsg(fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0)
		return errno == EINTR ? -EBADMSG : -errno;
	if (header.msg_flags & MSG_TRUNC || pid <= 0 || sender_of(&header) != pid)
		return -EBADMSG;
	return notify_parse(bytes, (size_t)n, out);
}

/* "@name" is one of the abstract namespace. 0: not a name that we know how to reach. */
static socklen_t fill_address(struct sockaddr_un *address, const char *name)
{
	size_t length = strlen(name);

	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if ((name[0] != '/' && name[0] != '@') || !name[1] || length >= sizeof(address->sun_path))
		return 0;
	memcpy(address->sun_path, name, length);
	if (name[0] == '@')
		address->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
}

int notify_host(pid_t main_pid, const char *text)
{
	const char *name = secure_getenv("NOTIFY_SOCKET");
	struct ucred credentials = {.pid = main_pid, .uid = getuid(), .gid = getgid()};
	struct sockaddr_un address;
	struct iovec vector = {.iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text)};
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(credentials))];
	} control = {0};
	struct msghdr header = {.msg_name = &address,
	                        .msg_iov = &vector,
	                        .msg_iovlen = 1,
	                        .msg_control = control.bytes,
	                        .msg_controllen = sizeof(control.bytes)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&header);
	CLEAN_FD int fd = -1;

	if (!name || !*name)
		return 0;
	header.msg_namelen = fill_address(&address, name);
	if (!header.msg_namelen)
		return -EAFNOSUPPORT;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_CREDENTIALS;
	c->cmsg_len = CMSG_LEN(sizeof(credentials));
	memcpy(CMSG_DATA(c), &credentials, sizeof(credentials));
	/* a manager that does not read must not hold us up */
	if (sendmsg(fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
		return 0;
	/* only the superuser may speak for another process */
	if (errno != EPERM)
		return -errno;
	header.msg_control = NULL;
	header.msg_controllen = 0;
	return sendmsg(fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}
