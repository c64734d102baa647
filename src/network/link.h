/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Links (interfaces): looking one up, making veth pairs and bridges, changing and removing them. */
#ifndef SYSC_NETWORK_LINK_H
#define SYSC_NETWORK_LINK_H

#include "network/network.h"

#include <net/if.h>
#include <stdbool.h>

struct error;
struct netlink;
struct netlink_queue;

#define LINK_MAC_SIZE  6
#define LINK_ALIAS_MAX 255 /* bytes that the kernel keeps as a link's alias, less its end */

struct link_info {
	int index, master; /* master 0: none */
	bool is_up;
	unsigned int mtu;
	char kind[16]; /* "veth", "bridge"; "" for hardware and the loopback */
	char alias[LINK_ALIAS_MAX + 1];
	struct network_counters counters; /* as the host sees them */
};

/* -ENODEV when there is no link of that name. */
int link_get(struct netlink *netlink, const char *name, struct link_info *out, struct error *err);
/* How many links have this master. */
int link_count_ports(struct netlink *netlink, int master, struct error *err);

/* A pair: one end here, the other born inside a network namespace under its final name. */
struct link_veth {
	const char *host_name, *peer_name;
	const unsigned char *host_mac,
		*peer_mac; /* LINK_MAC_SIZE bytes; NULL: the kernel's choice */
	const char *alias; /* of the host end: whose it is */
	unsigned int mtu;  /* 0: the kernel's 1500 */
	int master;        /* bridge of the host end, 0: none */
	int netns_fd;      /* of the peer */
};

/*
 * Makes the pair, the host end up. Returns the index of the host end; -EEXIST when one of the names is
 * taken.
 */
int link_make_veth(struct netlink *netlink, const struct link_veth *veth, struct error *err);
/* A bridge without spanning tree, ports forward at once. Returns its index. */
int link_make_bridge(struct netlink *netlink, const char *name,
                     const unsigned char mac[LINK_MAC_SIZE], struct error *err);
int link_set_up(struct netlink *netlink, int index, struct error *err);
void link_queue_up(struct netlink_queue *queue, int index, const char *name);
/* -ENODEV when it is gone already. */
int link_delete(struct netlink *netlink, int index, struct error *err);

/* "10:66:6a:00:00:01" to bytes; -EINVAL. */
int link_parse_mac(const char *text, unsigned char out[LINK_MAC_SIZE]);

#endif
