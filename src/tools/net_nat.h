/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Masquerading of a bridge's subnet, by nft(8) in a table of its own: `ip sysc_BRIDGE`. */
#ifndef SYSC_TOOLS_NET_NAT_H
#define SYSC_TOOLS_NET_NAT_H

#include <stdbool.h>

struct address;
struct error;

/* The name of the table, for the caller to free. */
char *net_nat_table(const char *bridge);
/* 1 the table is there, 0 not; -ENOENT when nft is not installed, -EOPNOTSUPP when it does not work
 * on this host (with its words). */
int net_nat_status(const char *bridge, struct error *err);
/* Loads the table as a whole, in the place of one of that name. address is the bridge's. */
int net_nat_load(const char *bridge, const struct address *address, struct error *err);
/* Absent is fine. */
int net_nat_remove(const char *bridge, struct error *err);

#endif
