/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether another container that runs has an address already, before it is given a second time. */
#ifndef SYSC_NETWORK_CONFLICT_H
#define SYSC_NETWORK_CONFLICT_H

struct address;
struct container;
struct network_config;

/*
 * The name (heap) of a running container of this store with the address on the same bridge, given in its
 * configuration or chosen by sysc; NULL: none. Addresses that a guest gives itself are not known.
 */
char *conflict_find(const struct container *container, const struct network_config *network,
                    const struct address *address);

#endif
