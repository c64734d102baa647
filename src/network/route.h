/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Routes of a container: their text in the configuration, and the messages for one interface. */
#ifndef SYSC_NETWORK_ROUTE_H
#define SYSC_NETWORK_ROUTE_H

#include "network/address.h"

struct network_config;
struct network_decided;

/*
 * "192.0.2.0/24 10.0.0.1", "192.0.2.0/24" (on the link itself; gateway->family is 0 then), "default
 * 10.0.0.1" (destination->family is 0). -EINVAL.
 */
int route_parse(const char *text, struct address *destination, struct address *gateway);

/* Queues the default route and the routes of config for the link index. The texts were checked. */
int route_queue(struct netlink_queue *queue, int index, const struct network_config *config,
                const struct network_decided *decided, struct error *err);

#endif
