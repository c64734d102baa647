/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One rtnetlink(7) request, written by hand. */
#include "monitor/link_remove.h"

#include "base/cleanup.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

struct request {
	struct nlmsghdr head;
	struct ifinfomsg info;
	struct rtattr name;
	char name_text[IFNAMSIZ];
};

struct answer {
	struct nlmsghdr head;
	struct nlmsgerr error;
	char rest[512];
};

int link_remove(const char *name)
{
	CLEAN_FD int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	struct request request = {
		.head = {.nlmsg_type = RTM_DELLINK, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
		.info = {.ifi_family = AF_UNSPEC                        },
		.name = {.rta_type = IFLA_IFNAME}
        };
	size_t length = strlen(name) + 1;
	struct answer answer;
	ssize_t n;

	if (fd < 0)
		return -errno;
	if (length > IFNAMSIZ)
		return -ENAMETOOLONG;
	memcpy(request.name_text, name, length);
	request.name.rta_len = (unsigned short)RTA_LENGTH(length);
	request.head.nlmsg_len =
		(uint32_t)(NLMSG_LENGTH(sizeof(request.info)) + RTA_ALIGN(request.name.rta_len));
	if (send(fd, &request, request.head.nlmsg_len, 0) < 0)
		return -errno;
	n = recv(fd, &answer, sizeof(answer), 0);
	if (n < (ssize_t)NLMSG_LENGTH(sizeof(answer.error)) ||
	    answer.head.nlmsg_type != NLMSG_ERROR)
		return -EPROTO;
	return answer.error.error == -ENODEV ? 0 : answer.error.error;
}
