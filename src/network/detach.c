/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Removing the host sides of a container's links, with libc alone: the supervisor does it too.
 *
 * The kernel takes a link off its lists within half a millisecond, then keeps whoever asked for that
 * waiting for an RCU barrier, 10 to 50 ms (netdev_run_todo() in net/core/dev.c). So a process of its
 * own asks, nobody waits for that one's end, and this one goes on as soon as the link is gone.
 */
#include "network/network.h"

#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define REMOVE_TIMEOUT_MS 10000

/* A route socket that hears of every change of a link. */
static int open_events(struct error *err)
{
	CLEAN_FD int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	const struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};

	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return fail(err, errno, "open a netlink socket");
	return fd_take(&fd);
}

static bool is_gone(int fd, int index)
{
	struct ifreq request = {.ifr_ifindex = index};

	return ioctl(fd, SIOCGIFNAME, &request) < 0 && errno == ENODEV;
}

/* The index of the veth of that name; -ENODEV when there is none (or it is no veth). */
static int find_veth(int fd, const char *name)
{
	struct ethtool_drvinfo driver = {.cmd = ETHTOOL_GDRVINFO};
	struct ifreq request = {.ifr_data = (char *)&driver};

	if (strlen(name) >= sizeof(request.ifr_name))
		return -ENODEV;
	memcpy(request.ifr_name, name, strlen(name));
	if (ioctl(fd, SIOCETHTOOL, &request) < 0)
		return errno == ENODEV || errno == EOPNOTSUPP ? -ENODEV : -errno;
	if (strcmp(driver.driver, "veth") != 0)
		return -ENODEV;
	if (ioctl(fd, SIOCGIFINDEX, &request) < 0)
		return -errno;
	return request.ifr_ifindex;
}

/* Asks the kernel and waits for its answer, the barrier included: 0 or a positive errno. */
static int ask_removal(int index)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg link;
	} message = {
		.header = {.nlmsg_len = sizeof(message),
	                   .nlmsg_type = RTM_DELLINK,
	                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
		.link = {.ifi_index = index},
	};
	struct {
		struct nlmsghdr header;
		struct nlmsgerr report;
		char rest[256];
	} answer;
	CLEAN_FD int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0 || send(fd, &message, sizeof(message), 0) < 0 ||
	    recv(fd, &answer, sizeof(answer), MSG_DONTWAIT) < (ssize_t)sizeof(answer.header))
		return errno ? errno : EIO;
	if (answer.header.nlmsg_type != NLMSG_ERROR)
		return EBADMSG;
	return -answer.report.error;
}

/* Locks, pipes and terminals of ours would stay open as long as the kernel lets that process wait. */
static void close_others(int kept)
{
	if (kept > 0)
		(void)sys_close_range(0, (unsigned int)kept - 1, 0); /* nothing open: fine */
	(void)sys_close_range((unsigned int)kept + 1, UINT32_MAX, 0);
}

/*
 * Starts the process that asks. It is the child of one that ends at once, so that nobody of ours has
 * to wait for it. It writes an errno into report_fd when the kernel refuses.
 */
static int start_removal(int index, int report_fd, struct error *err)
{
	pid_t pid = fork();
	int status = 0;

	if (pid < 0)
		return fail(err, errno, "fork");
	if (pid == 0) {
		int code;

		if (fork() != 0)
			_exit(0); /* a failed fork shows as the end of the pipe */
		close_others(report_fd);
		code = ask_removal(index);
		if (code)
			(void)!write(report_fd, &code, sizeof(code)); /* nobody else to tell */
		_exit(0);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return 0;
}

/* Reads and forgets the events: they only wake us up. */
static void drain(int fd)
{
	char bytes[8192];

	while (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
}

static int wait_removal(int events, int report, int index, const char *name, struct error *err)
{
	int64_t deadline = process_clock_ms() + REMOVE_TIMEOUT_MS;

	while (!is_gone(events, index)) {
		struct pollfd polled[] = {
			{.fd = events, .events = POLLIN},
                        {.fd = report, .events = POLLIN}
                };
		int64_t left = deadline - process_clock_ms();
		int code = 0;

		if (left <= 0)
			return fail(err, ETIMEDOUT, "remove link '%s'", name);
		if (poll(polled, 2, (int)left) < 0 && errno != EINTR)
			return fail(err, errno, "remove link '%s'", name);
		drain(events);
		if (!polled[1].revents || is_gone(events, index))
			continue;
		if (read(report, &code, sizeof(code)) != (ssize_t)sizeof(code))
			code = EIO; /* the process was killed */
		return fail(err, code, "remove link '%s'", name);
	}
	return 0;
}

static int remove_link(int events, const struct network_link *link, struct error *err)
{
	CLEAN_FD int report_in = -1, report_out = -1;
	int index = link->host_index, pipe_fds[2], r;

	if (index <= 0)
		index = find_veth(events, link->host_name);
	if (index == -ENODEV || (index > 0 && is_gone(events, index)))
		return 0;
	if (index < 0)
		return fail(err, -index, "find link '%s'", link->host_name);
	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return fail(err, errno, "make a pipe");
	report_out = pipe_fds[0];
	report_in = pipe_fds[1];
	r = start_removal(index, report_in, err);
	fd_close(&report_in);
	return r < 0 ? r : wait_removal(events, report_out, index, link->host_name, err);
}

int network_detach(struct network *network, struct error *err)
{
	CLEAN_FD int events = -1;
	int result = 0;

	for (unsigned int i = 0; i < network->count; i++) {
		int r = 0;

		if (!network->links[i].host_name[0])
			continue;
		if (events < 0)
			r = events = open_events(result < 0 ? NULL : err);
		if (r >= 0)
			r = remove_link(events, &network->links[i], result < 0 ? NULL : err);
		if (r < 0 && result == 0)
			result = r;
	}
	network->count = 0;
	return result;
}
