/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* RTM_*LINK messages; see the header and rtnetlink(7), linux/if_link.h. */
#include "network/link.h"

#include "base/error.h"
#include "base/text.h"
#include "network/netlink.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <string.h>

static const struct ifinfomsg any_link = {.ifi_family = AF_UNSPEC};

static void read_counters(const struct nlattr *attribute, struct network_counters *out)
{
	struct rtnl_link_stats64 stats = {0};

	/* older kernels have fewer fields behind the ones that are read here */
	(void)nla_memcpy(&stats, attribute, sizeof(stats));
	*out = (struct network_counters){
		.rx_bytes = stats.rx_bytes,
		.tx_bytes = stats.tx_bytes,
		.rx_packets = stats.rx_packets,
		.tx_packets = stats.tx_packets,
		.rx_dropped = stats.rx_dropped,
		.tx_dropped = stats.tx_dropped,
	};
}

static int read_link(const struct nlmsghdr *message, void *context)
{
	const struct ifinfomsg *header = nlmsg_data(message);
	struct nlattr *found[IFLA_MAX + 1], *info[IFLA_INFO_MAX + 1];
	struct link_info *out = context;

	if (message->nlmsg_type != RTM_NEWLINK)
		return 0;
	if (nlmsg_parse((struct nlmsghdr *)(uintptr_t)message, sizeof(*header), found, IFLA_MAX,
	                NULL) < 0)
		return -EBADMSG;
	out->index = header->ifi_index;
	out->is_up = header->ifi_flags & IFF_UP;
	if (found[IFLA_MTU])
		out->mtu = nla_get_u32(found[IFLA_MTU]);
	if (found[IFLA_MASTER])
		out->master = (int)nla_get_u32(found[IFLA_MASTER]);
	if (found[IFLA_IFALIAS])
		(void)nla_strlcpy(out->alias, found[IFLA_IFALIAS], sizeof(out->alias));
	if (found[IFLA_STATS64])
		read_counters(found[IFLA_STATS64], &out->counters);
	if (found[IFLA_LINKINFO] &&
	    nla_parse_nested(info, IFLA_INFO_MAX, found[IFLA_LINKINFO], NULL) == 0 &&
	    info[IFLA_INFO_KIND])
		(void)nla_strlcpy(out->kind, info[IFLA_INFO_KIND], sizeof(out->kind));
	return 0;
}

int link_get(struct netlink *netlink, const char *name, struct link_info *out, struct error *err)
{
	CLEAN_NL_MSG struct nl_msg *message =
		netlink_message(RTM_GETLINK, 0, &any_link, sizeof(any_link));
	struct link_info info = {0};
	int r;

	if (strlen(name) >= IFNAMSIZ)
		return fail(err, ENODEV, "link '%s'", name);
	netlink_put_string(message, IFLA_IFNAME, name);
	r = netlink_request(netlink, message, read_link, &info, err);
	if (r < 0)
		return fail_in(err, "link '%s'", name);
	*out = info;
	return 0;
}

struct port_count {
	int master, count;
};

static int count_port(const struct nlmsghdr *message, void *context)
{
	struct port_count *ports = context;
	struct link_info info = {0};
	int r = read_link(message, &info);

	if (r == 0 && info.master == ports->master)
		ports->count++;
	return r;
}

int link_count_ports(struct netlink *netlink, int master, struct error *err)
{
	CLEAN_NL_MSG struct nl_msg *message =
		netlink_message(RTM_GETLINK, NLM_F_DUMP, &any_link, sizeof(any_link));
	struct port_count ports = {.master = master};
	int r;

	netlink_put_u32(message, IFLA_MASTER,
	                (uint32_t)master); /* the kernel selects, where it can */
	r = netlink_request(netlink, message, count_port, &ports, err);
	if (r < 0)
		return fail_in(err, "list the ports of a bridge");
	return ports.count;
}

/* Name, MAC, MTU and queues: what both ends of a pair have. One queue each: more cost time at birth. */
static void put_end(struct nl_msg *message, const char *name, const unsigned char *mac,
                    unsigned int mtu)
{
	netlink_put_string(message, IFLA_IFNAME, name);
	if (mac)
		netlink_put(message, IFLA_ADDRESS, mac, LINK_MAC_SIZE);
	if (mtu)
		netlink_put_u32(message, IFLA_MTU, mtu);
	netlink_put_u32(message, IFLA_NUM_TX_QUEUES, 1);
	netlink_put_u32(message, IFLA_NUM_RX_QUEUES, 1);
}

/* IFLA_LINKINFO with the peer: its own ifinfomsg and attributes, namespace among them. */
static void put_peer(struct nl_msg *message, const struct link_veth *veth)
{
	const struct ifinfomsg header = {0}; /* IFF_UP is ENOTCONN: the pair is joined later */
	struct nlattr *info, *data, *peer;

	info = netlink_nest(message, IFLA_LINKINFO);
	netlink_put_string(message, IFLA_INFO_KIND, "veth");
	data = netlink_nest(message, IFLA_INFO_DATA);
	peer = netlink_nest(message, VETH_INFO_PEER);
	if (nlmsg_append(message, (void *)(uintptr_t)&header, sizeof(header), NLMSG_ALIGNTO) < 0)
		abort(); /* as netlink_put() */
	put_end(message, veth->peer_name, veth->peer_mac, veth->mtu);
	netlink_put_u32(message, IFLA_NET_NS_FD, (uint32_t)veth->netns_fd);
	nla_nest_end(message, peer);
	nla_nest_end(message, data);
	nla_nest_end(message, info);
}

/* The second message to the host end: what RTM_NEWLINK does not take when it creates. */
static int finish_host_end(struct netlink *netlink, int index, const struct link_veth *veth,
                           struct error *err)
{
	const struct ifinfomsg header = {
		.ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
	CLEAN_NL_MSG struct nl_msg *message =
		netlink_message(RTM_SETLINK, 0, &header, sizeof(header));
	const uint8_t no_address = IN6_ADDR_GEN_MODE_NONE;
	struct nlattr *families, *inet6;

	if (veth->alias)
		netlink_put(message, IFLA_IFALIAS, veth->alias,
		            strnlen(veth->alias, LINK_ALIAS_MAX));
	families = netlink_nest(message, IFLA_AF_SPEC);
	inet6 = netlink_nest(message, AF_INET6);
	/* a port of a bridge needs no address of its own; before it is up, so that none appears */
	netlink_put(message, IFLA_INET6_ADDR_GEN_MODE, &no_address, sizeof(no_address));
	nla_nest_end(message, inet6);
	nla_nest_end(message, families);
	if (netlink_request(netlink, message, NULL, NULL, err) < 0)
		return fail_in(err, "set up '%s'", veth->host_name);
	return 0;
}

int link_make_veth(struct netlink *netlink, const struct link_veth *veth, struct error *err)
{
	CLEAN_NL_MSG struct nl_msg *message = netlink_message(
		RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &any_link, sizeof(any_link));
	int index, r;

	put_end(message, veth->host_name, veth->host_mac, veth->mtu);
	put_peer(message, veth);
	if (veth->master)
		netlink_put_u32(message, IFLA_MASTER, (uint32_t)veth->master);
	r = netlink_request(netlink, message, NULL, NULL, err);
	if (r < 0)
		return fail_in(err, "make veth '%s'", veth->host_name);
	index = netlink_link_index(netlink, veth->host_name);
	if (index < 0)
		return fail(err, -index, "link '%s'", veth->host_name);
	r = finish_host_end(netlink, index, veth, err);
	if (r < 0) {
		(void)link_delete(netlink, index, NULL); /* the first failure is the one told */
		return r;
	}
	return index;
}

int link_make_bridge(struct netlink *netlink, const char *name,
                     const unsigned char mac[LINK_MAC_SIZE], struct error *err)
{
	CLEAN_NL_MSG struct nl_msg *message = netlink_message(
		RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &any_link, sizeof(any_link));
	struct nlattr *info, *data;
	int index;

	netlink_put_string(message, IFLA_IFNAME, name);
	netlink_put(message, IFLA_ADDRESS, mac, LINK_MAC_SIZE);
	info = netlink_nest(message, IFLA_LINKINFO);
	netlink_put_string(message, IFLA_INFO_KIND, "bridge");
	data = netlink_nest(message, IFLA_INFO_DATA);
	netlink_put_u32(message, IFLA_BR_STP_STATE, 0);
	netlink_put_u32(message, IFLA_BR_FORWARD_DELAY, 0);
	nla_nest_end(message, data);
	nla_nest_end(message, info);
	if (netlink_request(netlink, message, NULL, NULL, err) < 0)
		return fail_in(err, "make bridge '%s'", name);
	index = netlink_link_index(netlink, name);
	return index < 0 ? fail(err, -index, "link '%s'", name) : index;
}

static struct nl_msg *up_message(int index)
{
	const struct ifinfomsg header = {
		.ifi_index = index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};

	return netlink_message(RTM_NEWLINK, 0, &header, sizeof(header));
}

int link_set_up(struct netlink *netlink, int index, struct error *err)
{
	CLEAN_NL_MSG struct nl_msg *message = up_message(index);

	return netlink_request(netlink, message, NULL, NULL, err);
}

void link_queue_up(struct netlink_queue *queue, int index, const char *name)
{
	netlink_queue_add(queue, up_message(index), "set '%s' up", name);
}

int link_delete(struct netlink *netlink, int index, struct error *err)
{
	const struct ifinfomsg header = {.ifi_index = index};
	CLEAN_NL_MSG struct nl_msg *message =
		netlink_message(RTM_DELLINK, 0, &header, sizeof(header));

	return netlink_request(netlink, message, NULL, NULL, err);
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c | 0x20) : NULL;

	return at ? (int)(at - digits) : -1;
}

int link_parse_mac(const char *text, unsigned char out[LINK_MAC_SIZE])
{
	unsigned char bytes[LINK_MAC_SIZE];

	if (strlen(text) != 3 * LINK_MAC_SIZE - 1)
		return -EINVAL;
	for (size_t i = 0; i < LINK_MAC_SIZE; i++) {
		int high = hex_digit(text[3 * i]), low = hex_digit(text[3 * i + 1]);

		if (high < 0 || low < 0 || (i + 1 < LINK_MAC_SIZE && text[3 * i + 2] != ':'))
			return -EINVAL;
		bytes[i] = (unsigned char)(high << 4 | low);
	}
	memcpy(out, bytes, sizeof(bytes));
	return 0;
}
