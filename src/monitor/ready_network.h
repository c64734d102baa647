/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a network namespace has an address and a way out, by rtnetlink(7) events. Needs libc only. */
#ifndef SYSC_MONITOR_READY_NETWORK_H
#define SYSC_MONITOR_READY_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;

/* What was found so far. Zeroed with fd and wants_route set is the beginning. */
struct ready_network {
	int fd;
	uint32_t port;                     /* number of our socket in its namespace */
	bool wants_route;                  /* an address alone is not enough */
	int stage;                         /* enum in ready_network.c: what the kernel is listing */
	bool is_dirty;                     /* something changed while it was listing */
	bool has_address[2], has_route[2]; /* IPv4, IPv6; by the listing that goes on */
	bool was_address;                  /* by the last whole one */
	bool is_ready;
};

/*
 * A socket inside the network namespace netns_fd that hears of its addresses and routes (setns(2) and back;
 * the caller has one thread). The socket keeps the namespace. Returns the fd.
 */
int ready_network_open(int netns_fd, struct error *err);
/* Asks for the first listing. 0 or -errno. */
int ready_network_begin(struct ready_network *network);
/* When the fd is readable. 0 or -errno; is_ready tells. */
int ready_network_read(struct ready_network *network);
/* One datagram of the kernel; for tests. */
void ready_network_take(struct ready_network *network, const void *bytes, size_t length);
/* What is missing, for people. */
const char *ready_network_missing(const struct ready_network *network);

#endif
