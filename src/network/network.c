/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making and reading the interfaces of one container; deciding is in decide.c, removing in
 * detach.c. */
#include "network/network.h"

#include "base/error.h"
#include "base/text.h"
#include "container/container.h"
#include "network/address.h"
#include "network/link.h"
#include "network/netlink.h"
#include "network/route.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define LOOPBACK_INDEX  1 /* in every network namespace, by the kernel */
#define OWN_ADDRESS_MAX 256

/* Who a host side belongs to, as `ip link` shows it; the name first, since a long one is cut. */
static void make_alias(const struct container *container, char out[LINK_ALIAS_MAX + 1])
{
	(void)snprintf(out, LINK_ALIAS_MAX + 1, "sysc container %s of %s", container->name,
	               container->paths->store);
}

/*
 * A MAC for the host side, the same at every start. It begins with fe, so that it is above every
 * other one: a bridge without an address of its own takes the lowest of its ports. fe:53 is what
 * 85-sysc.rules (config/systemd/udev) knows it by.
 */
static void make_host_mac(const struct container *container, const char *interface,
                          unsigned char out[LINK_MAC_SIZE])
{
	char *seed = must_printf("%s/%s/%s", container->paths->store, container->name, interface);
	unsigned long long hash = text_hash(seed);

	free(seed);
	out[0] = 0xfe;
	out[1] = 0x53;
	for (size_t i = 2; i < LINK_MAC_SIZE; i++, hash >>= 8)
		out[i] = (unsigned char)hash;
}

/* Removes the link that stands in the way if a crash of this container left it. */
static int remove_left_over(struct netlink *netlink, const struct link_veth *veth,
                            bool name_is_ours, struct error *err)
{
	struct link_info info;
	int r = link_get(netlink, veth->host_name, &info, err);

	if (r < 0)
		return r;
	if (!text_is(info.kind, "veth"))
		return fail_plain(err, EEXIST,
		                  "host interface '%s' exists already and is no veth of ours",
		                  veth->host_name);
	/* no alias yet: the crash came between the two messages of link_make_veth() */
	if (!text_is(info.alias, veth->alias) && (info.alias[0] || !name_is_ours))
		return fail_plain(err, EEXIST, "host interface '%s' exists already (%s)",
		                  veth->host_name, info.alias[0] ? info.alias : "not made by sysc");
	r = link_delete(netlink, info.index, err);
	if (r == -ENODEV) {
		error_clear(err);
		return 0;
	}
	return r < 0 ? fail_in(err, "remove the left-over link '%s'", veth->host_name) : 0;
}

static int make_link(struct netlink *netlink, const struct container *container, size_t nth,
                     const struct network_decided *decided, int netns_fd, struct network_link *link,
                     struct error *err)
{
	const struct network_config *config = &container->config.networks[nth];
	unsigned char host_mac[LINK_MAC_SIZE], mac[LINK_MAC_SIZE];
	char alias[LINK_ALIAS_MAX + 1];
	struct link_veth veth = {
		.host_name = link->host_name,
		.peer_name = config->name,
		.host_mac = host_mac,
		.alias = alias,
		.mtu = decided->mtu,
		.master = (int)decided->bridge_index,
		.netns_fd = netns_fd,
	};
	int r;

	network_host_name(container, nth, link->host_name);
	make_alias(container, alias);
	make_host_mac(container, config->name, host_mac);
	if (config->mac) {
		if (link_parse_mac(config->mac, mac) < 0)
			return fail_plain(err, EINVAL, "'%s' is not a MAC address", config->mac);
		veth.peer_mac = mac;
	}
	r = link_make_veth(netlink, &veth, err);
	if (r == -EEXIST) {
		r = remove_left_over(netlink, &veth, !config->host_name, err);
		if (r == 0)
			r = link_make_veth(netlink, &veth, err);
	}
	if (r < 0)
		return r;
	link->host_index = r;
	return 0;
}

/* Queues addresses and routes of one interface inside the namespace of netlink. */
static int queue_inside(struct netlink *netlink, struct netlink_queue *queue,
                        const struct network_config *config, const struct network_decided *decided,
                        struct error *err)
{
	int index = netlink_link_index(netlink, config->name);

	if (index < 0)
		return fail(err, -index, "find '%s' in the container", config->name);
	link_queue_up(queue, index, config->name);
	for (size_t i = 0; i < decided->address.count; i++) {
		struct address address;

		if (address_parse(decided->address.items[i], &address) < 0)
			return fail_plain(err, EINVAL, "'%s' is not an address",
			                  decided->address.items[i]);
		address_queue(queue, index, &address);
	}
	return route_queue(queue, index, config, decided, err);
}

/* The loopback up, then all addresses and routes: one system call for all of them. */
static int configure_inside(const struct config *config, const struct network_decided *decided,
                            int netns_fd, struct error *err)
{
	CLEAN_NETLINK struct netlink netlink = NETLINK_NONE;
	CLEAN_NETLINK_QUEUE struct netlink_queue queue = {.count = 0};
	size_t ends[NETWORK_LINKS_MAX] = {0}; /* of what each network queued */
	int r = netlink_open_in(&netlink, netns_fd, err);

	if (r < 0)
		return r;
	link_queue_up(&queue, LOOPBACK_INDEX, "lo");
	for (size_t i = 0; i < config->network_count; i++) {
		if (config->networks[i].type != NETWORK_NONE)
			r = queue_inside(&netlink, &queue, &config->networks[i], &decided[i], err);
		if (r < 0)
			return fail_in(err, "network.%s", config->networks[i].name);
		ends[i] = queue.count;
	}
	r = netlink_queue_send(&netlink, &queue, err);
	for (size_t i = 0; r < 0 && queue.failed > 0 && i < config->network_count; i++)
		if (queue.failed < ends[i])
			return fail_in(err, "network.%s", config->networks[i].name);
	return r;
}

static int attach(struct network *network, const struct container *container,
                  const struct network_decided *decided, int netns_fd, struct error *err)
{
	const struct config *config = &container->config;
	CLEAN_NETLINK struct netlink netlink = NETLINK_NONE;
	int r = config->network_count ? netlink_open(&netlink, err) : 0;

	for (size_t i = 0; i < config->network_count && r == 0; i++) {
		struct network_link link = {.host_name = ""};

		if (config->networks[i].type != NETWORK_NONE)
			r = make_link(&netlink, container, i, &decided[i], netns_fd, &link, err);
		if (r < 0)
			return fail_in(err, "network.%s", config->networks[i].name);
		network->links[network->count++] = link;
	}
	return r < 0 ? r : configure_inside(config, decided, netns_fd, err);
}

int network_attach(struct network *network, const struct container *container,
                   const struct network_decided *decided, int netns_fd, struct error *err)
{
	int r;

	*network = (struct network){.count = 0};
	if (container->config.network_count > NETWORK_LINKS_MAX)
		return fail_plain(err, E2BIG, "more than %d networks", NETWORK_LINKS_MAX);
	r = attach(network, container, decided, netns_fd, err);
	if (r < 0)
		(void)network_detach(network, NULL); /* the first failure is the one told */
	return r;
}

static bool is_loopback(const struct address *address)
{
	static const unsigned char one[16] = {[15] = 1};

	if (address->family == AF_INET)
		return address->bytes[0] == 127;
	return memcmp(address->bytes, one, sizeof(one)) == 0;
}

int network_addresses(int netns_fd, struct strings *out, struct error *err)
{
	CLEAN_NETLINK struct netlink netlink = NETLINK_NONE;
	struct address found[OWN_ADDRESS_MAX];
	char text[ADDRESS_TEXT_MAX];
	int count, r = netlink_open_in(&netlink, netns_fd, err);

	if (r < 0)
		return r;
	count = address_list(&netlink, 0, AF_UNSPEC, found, OWN_ADDRESS_MAX, err);
	for (int i = 0; i < count; i++)
		if (!is_loopback(&found[i]) && !address_is_link_local(&found[i]))
			strings_add(out, address_format_host(&found[i], text));
	return count < 0 ? count : 0;
}

int network_counters(const char *host_name, struct network_counters *out, struct error *err)
{
	CLEAN_NETLINK struct netlink netlink = NETLINK_NONE;
	struct link_info info = {0};
	int r = netlink_open(&netlink, err);

	if (r == 0)
		r = link_get(&netlink, host_name, &info, err);
	if (r < 0)
		return r;
	/* what the host end receives, the container has sent */
	*out = (struct network_counters){
		.rx_bytes = info.counters.tx_bytes,
		.tx_bytes = info.counters.rx_bytes,
		.rx_packets = info.counters.tx_packets,
		.tx_packets = info.counters.rx_packets,
		.rx_dropped = info.counters.tx_dropped,
		.tx_dropped = info.counters.rx_dropped,
	};
	return 0;
}
