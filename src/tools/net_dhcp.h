/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* DHCP and DNS for a bridge, by one dnsmasq of its own. */
#ifndef SYSC_TOOLS_NET_DHCP_H
#define SYSC_TOOLS_NET_DHCP_H

#include <stdbool.h>

struct address;
struct error;
struct net_record;
struct paths;

/*
 * Starts dnsmasq on the bridge, whose address is given, and records its pid. DHCP covers the upper
 * half of the subnet. -ENOENT when dnsmasq is not installed.
 */
int net_dhcp_start(const struct paths *paths, const char *bridge, const struct address *address,
                   struct net_record *record, struct error *err);
/* True while the recorded process lives. */
bool net_dhcp_is_alive(const struct net_record *record);
/* Ends the recorded process and removes its files; absent is fine. */
int net_dhcp_stop(const struct paths *paths, const char *bridge, struct net_record *record,
                  struct error *err);

#endif
