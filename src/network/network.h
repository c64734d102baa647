/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The interfaces of one container, by rtnetlink(7) through libnl. The host side is named and put into
 * its bridge; the peer is born inside the container's network namespace under its final name, then
 * addresses and routes are set through a socket opened there.
 */
#ifndef SYSC_NETWORK_NETWORK_H
#define SYSC_NETWORK_NETWORK_H

#include "container/config.h"

#include <sys/types.h>

struct container;
struct error;
struct strings;

#define NETWORK_LINKS_MAX 16

/* A link as the start made it. */
struct network_link {
	char host_name[16]; /* "" for type none */
	int host_index;
};

struct network {
	struct network_link links[NETWORK_LINKS_MAX];
	unsigned int count;
};

/*
 * The name of the host side of the nth network: host_name where configured, "ve-NAME" for the first
 * one of a short-named container in the default store, otherwise "ve-" and 12 hex digits.
 */
void network_host_name(const struct container *container, size_t nth, char out[16]);

/*
 * Checks before anything is made that every bridge is there and is a bridge, and decides the addresses
 * of "auto" ones: taken from the bridge's subnet, recorded in STORE/NAME/addresses ("eth0
 * 10.83.0.17/20" lines), the same at every start while the subnet fits. Errors carry the config line
 * and, for a missing default bridge, the command that makes it (sysc-net up).
 * gateway "auto" becomes the bridge's address. decided (same count as networks) is what start uses.
 */
struct network_decided {
	struct strings address; /* CIDR only */
	char *gateway;          /* NULL: none */
	struct strings dns;
	bool has_dhcp;
	unsigned int mtu, bridge_index;
};
int network_decide(const struct container *container, struct network_decided **decided,
                   struct error *err);
void network_decided_free(struct network_decided *decided, size_t count);

/*
 * Makes the links of config with their peers inside the namespace netns_fd, the loopback up,
 * addresses, routes; without any network the loopback only. On failure what was made is removed
 * again. The caller has one thread and holds the container's lock: a link of the same name that a
 * crash left is removed, anything else of that name is -EEXIST.
 */
int network_attach(struct network *network, const struct container *container,
                   const struct network_decided *decided, int netns_fd, struct error *err);
/*
 * Removes the host sides (their peers go with them); absent ones are fine. A host_index of 0 means
 * that only the name is known (from a state file): then only a veth of that name is removed.
 *
 * Returns when the links are gone. A detached process, with no fd of the caller but in its cgroup,
 * stays for the 10 to 50 ms that the kernel makes whoever removes a link wait.
 */
int network_detach(struct network *network, struct error *err);

/* Addresses ("10.83.0.17", "fd00::1"; no loopback, no link-local) inside a namespace; the caller's own
 * namespace is restored before it returns. */
int network_addresses(int netns_fd, struct strings *out, struct error *err);

/* Bytes and packets of a link, from the container's point of view (rx of the host side is tx). */
struct network_counters {
	unsigned long long rx_bytes, tx_bytes, rx_packets, tx_packets, rx_dropped, tx_dropped;
};
int network_counters(const char *host_name, struct network_counters *out, struct error *err);

#endif
