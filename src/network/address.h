/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Addresses and subnets of both families: text, arithmetic, and the messages that set them. */
#ifndef SYSC_NETWORK_ADDRESS_H
#define SYSC_NETWORK_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct netlink;
struct netlink_queue;

#define ADDRESS_TEXT_MAX 64 /* "fd00:…/128" and its end */

/* An address and how many of its leading bits name the subnet. */
struct address {
	int family; /* AF_INET, AF_INET6; 0: none */
	unsigned int prefix;
	unsigned char bytes[16]; /* network order; 4 are used for AF_INET */
};

/* "10.83.0.17/20", "fd00::1/64"; without "/…" the prefix is the whole address. -EINVAL. */
int address_parse(const char *text, struct address *out);
/* "10.83.0.17/20"; returns out. */
const char *address_format(const struct address *address, char out[ADDRESS_TEXT_MAX]);
/* "10.83.0.17": without the prefix; returns out. */
const char *address_format_host(const struct address *address, char out[ADDRESS_TEXT_MAX]);
bool address_equal(const struct address *a, const struct address *b); /* without the prefix */
/* True when address lies in the subnet of network. */
bool address_in(const struct address *network, const struct address *address);
/* fe80::/10 and 169.254.0.0/16. */
bool address_is_link_local(const struct address *address);

/* IPv4 as a number: the host's, the first and the last of its subnet. */
uint32_t address_number(const struct address *address);
struct address address_from_number(uint32_t number, unsigned int prefix);
uint32_t address_first(const struct address *subnet);
uint32_t address_last(const struct address *subnet);

/*
 * How an IPv4 subnet is divided: the lower half is for addresses that sysc gives (network address
 * excluded), the upper half is the range of DHCP (broadcast excluded). Subnets smaller than /29 are
 * too small to be divided: all of a /30 is ours, there is no DHCP. False when there is no such part.
 */
bool address_own_range(const struct address *subnet, uint32_t *first, uint32_t *last);
bool address_dhcp_range(const struct address *subnet, uint32_t *first, uint32_t *last);

/* The addresses of one link (index) or of all (0), in the order of the kernel. At most most; returns
 * how many. */
int address_list(struct netlink *netlink, int index, int family, struct address *out, size_t most,
                 struct error *err);
/* Neighbours (neigh(8)) that answered on the link lately: IPv4 numbers, at most most. */
int address_neighbours(struct netlink *netlink, int index, uint32_t *out, size_t most,
                       struct error *err);

/* Queues "set this address on the link"; an IPv6 one is usable at once (no duplicate detection). */
void address_queue(struct netlink_queue *queue, int index, const struct address *address);
/*
 * Queues "reach destination (family 0: everything, in the family of gateway) by gateway (NULL: it is
 * on the link itself)".
 */
void address_queue_route(struct netlink_queue *queue, int index, const struct address *destination,
                         const struct address *gateway);

#endif
