/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What rtnetlink(7) tells, read from messages as the kernel sends them, and from a namespace of the test's own. */
#include "monitor/ready_network.h"

#include "../lib/tap.h"
#include "base/cleanup.h"
#include "base/error.h"

#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>

#define PORT 4711U

/* A network whose questions go nowhere: a socket pair stands for the kernel. */
static struct ready_network open_network(int pair[2], bool wants_route)
{
	struct ready_network network = {.port = PORT, .wants_route = wants_route};

	CHECK_INT(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), 0);
	network.fd = pair[0];
	return network;
}

/* What was asked last: RTM_GETADDR, RTM_GETROUTE, 0 nothing. */
static int asked(int fd)
{
	struct nlmsghdr header;

	return recv(fd, &header, sizeof(header), MSG_DONTWAIT | MSG_TRUNC) > 0 ? header.nlmsg_type
	                                                                       : 0;
}

static void answer(struct ready_network *network, int type, const void *body, size_t size)
{
	char bytes[NLMSG_SPACE(64)] __attribute__((aligned(NLMSG_ALIGNTO))) = {0};
	struct nlmsghdr *header = (struct nlmsghdr *)(void *)bytes;

	header->nlmsg_len = (uint32_t)NLMSG_LENGTH(size);
	header->nlmsg_type = (uint16_t)type;
	header->nlmsg_pid = PORT;
	header->nlmsg_seq = (uint32_t)network->stage;
	if (size)
		memcpy(NLMSG_DATA(header), body, size);
	ready_network_take(network, bytes, header->nlmsg_len);
}

static void answer_address(struct ready_network *network, unsigned char family, unsigned char scope,
                           unsigned char flags)
{
	struct ifaddrmsg body = {.ifa_family = family, .ifa_scope = scope, .ifa_flags = flags};

	answer(network, RTM_NEWADDR, &body, sizeof(body));
}

static void answer_route(struct ready_network *network, unsigned char family, unsigned char length,
                         unsigned char type)
{
	struct rtmsg body = {.rtm_family = family,
	                     .rtm_dst_len = length,
	                     .rtm_type = type,
	                     .rtm_table = RT_TABLE_MAIN};

	answer(network, RTM_NEWROUTE, &body, sizeof(body));
}

TEST(an_address_and_a_route_of_its_family)
{
	static const struct {
		unsigned char address, scope, flags, route, length, type;
		bool is_ready;
	} rows[] = {
		{AF_INET,  RT_SCOPE_UNIVERSE, 0,               AF_INET,  0,  RTN_UNICAST,     true },
		{AF_INET6, RT_SCOPE_UNIVERSE, 0,               AF_INET6, 0,  RTN_UNICAST,     true },
		{AF_INET,  RT_SCOPE_UNIVERSE, 0,               AF_INET6, 0,  RTN_UNICAST,     false},
		{AF_INET,  RT_SCOPE_LINK,     0,               AF_INET,  0,  RTN_UNICAST,     false},
		{AF_INET6, RT_SCOPE_UNIVERSE, IFA_F_TENTATIVE, AF_INET6, 0,  RTN_UNICAST,     false},
		{AF_INET6, RT_SCOPE_UNIVERSE, 0,               AF_INET6, 0,  RTN_UNREACHABLE, false},
		{AF_INET,  RT_SCOPE_UNIVERSE, 0,               AF_INET,  24, RTN_UNICAST,     false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int pair[2];
		struct ready_network network = open_network(pair, true);

		CHECK_INT(ready_network_begin(&network), 0);
		network.port = PORT;
		CHECK_INT(asked(pair[1]), RTM_GETADDR);
		answer_address(&network, rows[i].address, rows[i].scope, rows[i].flags);
		answer(&network, NLMSG_DONE, NULL, 0);
		CHECK_INT(asked(pair[1]), RTM_GETROUTE);
		answer_route(&network, rows[i].route, rows[i].length, rows[i].type);
		CHECK(!network.is_ready);
		answer(&network, NLMSG_DONE, NULL, 0);
		CHECK_INT(network.is_ready, rows[i].is_ready);
		close(pair[0]);
		close(pair[1]);
	}
}

TEST(without_a_route_and_what_is_missing)
{
	int pair[2];
	struct ready_network network = open_network(pair, true);

	CHECK_INT(ready_network_begin(&network), 0);
	network.port = PORT;
	answer(&network, NLMSG_DONE, NULL, 0);
	answer(&network, NLMSG_DONE, NULL, 0);
	CHECK(strstr(ready_network_missing(&network), "no address"));
	CHECK_INT(ready_network_begin(&network), 0);
	network.port = PORT;
	answer_address(&network, AF_INET, RT_SCOPE_UNIVERSE, 0);
	answer(&network, NLMSG_DONE, NULL, 0);
	answer(&network, NLMSG_DONE, NULL, 0);
	CHECK(!network.is_ready && strstr(ready_network_missing(&network), "route"));
	network.wants_route = false;
	CHECK_INT(ready_network_begin(&network), 0);
	network.port = PORT;
	answer_address(&network, AF_INET, RT_SCOPE_UNIVERSE, 0);
	answer(&network, NLMSG_DONE, NULL, 0);
	answer(&network, NLMSG_DONE, NULL, 0);
	CHECK(network.is_ready);
	close(pair[0]);
	close(pair[1]);
}

TEST(a_change_meanwhile_asks_again_and_short_messages_count_for_nothing)
{
	struct nlmsghdr event = {.nlmsg_len = NLMSG_LENGTH(0), .nlmsg_type = RTM_NEWADDR};
	int pair[2];
	struct ready_network network = open_network(pair, false);

	CHECK_INT(ready_network_begin(&network), 0);
	network.port = PORT;
	CHECK_INT(asked(pair[1]), RTM_GETADDR);
	answer(&network, RTM_NEWADDR, "ab", 2);
	CHECK(!network.has_address[0] && !network.has_address[1]);
	ready_network_take(&network, &event, sizeof(event)); /* of another socket */
	ready_network_take(&network, &event, 3);
	answer_address(&network, AF_INET, RT_SCOPE_UNIVERSE, 0);
	answer(&network, NLMSG_DONE, NULL, 0);
	CHECK_INT(asked(pair[1]), RTM_GETROUTE);
	answer(&network, NLMSG_DONE, NULL, 0);
	CHECK(!network.is_ready);
	CHECK_INT(asked(pair[1]), RTM_GETADDR);
	answer(&network, NLMSG_DONE, NULL, 0);
	CHECK_INT(asked(pair[1]), RTM_GETROUTE);
	answer(&network, NLMSG_DONE, NULL, 0);
	CHECK(!network.is_ready);
	CHECK_INT(asked(pair[1]), 0);
	close(pair[0]);
	close(pair[1]);
}

TEST(an_empty_namespace_is_not_ready)
{
	CLEAN_FD int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	CLEAN_FD int other = -1, fd = -1;
	struct ready_network network = {.wants_route = true};
	struct error err = {0};

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		SKIP("network namespaces cannot be made here");
	other = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	fd = ready_network_open(other, &err);
	CHECK(fd >= 0);
	network.fd = fd;
	CHECK_INT(ready_network_begin(&network), 0);
	for (int i = 0; i < 4; i++) { /* the two listings, each with its end */
		struct pollfd p = {.fd = fd, .events = POLLIN};

		if (poll(&p, 1, 1000) == 1)
			CHECK_INT(ready_network_read(&network), 0);
		if (!network.stage)
			break;
	}
	CHECK_INT(network.stage, 0);
	CHECK(!network.is_ready);
}
