/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Each event only says that something changed; what counts is a listing of all addresses and then of all
 * routes, begun anew when something changed meanwhile. So lost events (ENOBUFS) cost a listing, no more.
 */
#include "monitor/ready_network.h"

#include "base/cleanup.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

enum stage {
	IDLE,
	ADDRESSES,
	ROUTES
};

static int open_socket(struct error *err)
{
	const struct sockaddr_nl address = {.nl_family = AF_NETLINK,
	                                    .nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
	                                                 RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE};
	CLEAN_FD int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return fail(err, errno, "open a netlink socket in the container");
	return fd_take(&fd);
}

int ready_network_open(int netns_fd, struct error *err)
{
	CLEAN_FD int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	CLEAN_FD int fd = -1;

	if (own < 0)
		return fail(err, errno, "open '/proc/self/ns/net'");
	if (setns(netns_fd, CLONE_NEWNET) < 0)
		return fail(err, errno, "enter the container's network namespace");
	fd = open_socket(err);
	if (setns(own, CLONE_NEWNET) < 0)
		return fail(err, errno, "return to the own network namespace");
	return fd < 0 ? fd : fd_take(&fd);
}

static int ask(struct ready_network *network, enum stage stage)
{
	struct {
		struct nlmsghdr header;
		struct rtgenmsg body;
	} request = {
		.header = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct rtgenmsg)),
	                   .nlmsg_type = stage == ADDRESSES ? RTM_GETADDR : RTM_GETROUTE,
	                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
	                   .nlmsg_seq = (uint32_t)stage},
		.body = {.rtgen_family = AF_UNSPEC         },
	};

	network->stage = stage;
	if (stage == ADDRESSES) {
		memset(network->has_address, 0, sizeof(network->has_address));
		memset(network->has_route, 0, sizeof(network->has_route));
		network->is_dirty = false;
	}
	return send(network->fd, &request, request.header.nlmsg_len, 0) < 0 ? -errno : 0;
}

int ready_network_begin(struct ready_network *network)
{
	struct sockaddr_nl own = {0};
	socklen_t length = sizeof(own);

	if (getsockname(network->fd, (struct sockaddr *)&own, &length) < 0)
		return -errno;
	network->port = own.nl_pid;
	return ask(network, ADDRESSES);
}

/* 0 IPv4, 1 IPv6, -1 another. */
static int place_of(unsigned char family)
{
	return family == AF_INET ? 0 : family == AF_INET6 ? 1 : -1;
}

/* One that may be used: global, and not being probed for duplicates any more. */
static void take_address(struct ready_network *network, const struct nlmsghdr *header)
{
	const struct ifaddrmsg *body = NLMSG_DATA(header);
	int place;

	if (header->nlmsg_len < NLMSG_LENGTH(sizeof(*body)))
		return;
	place = place_of(body->ifa_family);
	if (place < 0 || body->ifa_scope != RT_SCOPE_UNIVERSE)
		return;
	if (place == 1 && body->ifa_flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED) &&
	    !(body->ifa_flags & IFA_F_OPTIMISTIC))
		return;
	network->has_address[place] = true;
}

static void take_route(struct ready_network *network, const struct nlmsghdr *header)
{
	const struct rtmsg *body = NLMSG_DATA(header);
	int place;

	if (header->nlmsg_len < NLMSG_LENGTH(sizeof(*body)))
		return;
	place = place_of(body->rtm_family);
	/* the kernel's own "unreachable" default of IPv6 is of another type */
	if (place >= 0 && body->rtm_dst_len == 0 && body->rtm_type == RTN_UNICAST &&
	    body->rtm_table == RT_TABLE_MAIN)
		network->has_route[place] = true;
}

static void conclude(struct ready_network *network)
{
	network->stage = IDLE;
	network->was_address = network->has_address[0] || network->has_address[1];
	for (int i = 0; i < 2; i++)
		if (network->has_address[i] && (network->has_route[i] || !network->wants_route))
			network->is_ready = true;
}

static void take_done(struct ready_network *network)
{
	/* a request that cannot be sent is made good by the next event */
	if (network->stage == ADDRESSES) {
		(void)ask(network, ROUTES);
	} else if (network->is_dirty) {
		(void)ask(network, ADDRESSES);
	} else {
		conclude(network);
	}
}

void ready_network_take(struct ready_network *network, const void *bytes, size_t length)
{
	const struct nlmsghdr *header = bytes;
	int left = length > INT_MAX ? 0 : (int)length;

	for (; NLMSG_OK(header, left); header = NLMSG_NEXT(header, left)) {
		/* events bear the number of the socket that caused them, answers ours */
		if (header->nlmsg_pid != network->port) {
			network->is_dirty = true;
			continue;
		}
		if (header->nlmsg_seq != (uint32_t)network->stage)
			continue;
		if (header->nlmsg_flags & NLM_F_DUMP_INTR)
			network->is_dirty = true;
		if (header->nlmsg_type == NLMSG_DONE || header->nlmsg_type == NLMSG_ERROR)
			take_done(network);
		else if (header->nlmsg_type == RTM_NEWADDR && network->stage == ADDRESSES)
			take_address(network, header);
		else if (header->nlmsg_type == RTM_NEWROUTE && network->stage == ROUTES)
			take_route(network, header);
	}
}

int ready_network_read(struct ready_network *network)
{
	char bytes[8192] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct sockaddr_nl from = {0};
	socklen_t from_length = sizeof(from);
	ssize_t n = recvfrom(network->fd, bytes, sizeof(bytes), MSG_DONTWAIT,
	                     (struct sockaddr *)&from, &from_length);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0 && errno != ENOBUFS)
		return -errno;
	if (n < 0)
		network->is_dirty = true;
	else if (from.nl_pid == 0) /* of the kernel; anybody inside could write to the socket */
		ready_network_take(network, bytes, (size_t)n);
	if (network->stage == IDLE && network->is_dirty && !network->is_ready)
		return ask(network, ADDRESSES);
	return 0;
}

const char *ready_network_missing(const struct ready_network *network)
{
	if (!network->was_address)
		return "no address that reaches beyond its own link";
	return "no default route";
}
