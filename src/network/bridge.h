/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The default bridge of `sysc-net`: the link, its address, forwarding. DHCP and NAT: tools/cmd_net. */
#ifndef SYSC_NETWORK_BRIDGE_H
#define SYSC_NETWORK_BRIDGE_H

#include <stdbool.h>

struct error;

struct bridge_status {
	bool exists, is_bridge, is_up;
	char address[64]; /* first IPv4 address in CIDR form, "" none */
	int ports;
};

/* Makes bridge name with this address (CIDR) and sets it up; already so is fine; a link of that name
 * that is no bridge, or has another address, is an error. */
int bridge_up(const char *name, const char *address, const char *mac, struct error *err);
/* Removes it; -EBUSY while a port is attached, unless force. Absent is fine. */
int bridge_down(const char *name, bool force, struct error *err);
int bridge_status(const char *name, struct bridge_status *out, struct error *err);

#endif
