/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The addresses that sysc gave away: STORE/NAME/addresses has a line "eth0 10.83.0.17/20" for each
 * interface with `address = auto`. Taken once, under the store's lock, and kept while it fits.
 */
#ifndef SYSC_NETWORK_RESERVE_H
#define SYSC_NETWORK_RESERVE_H

#include "network/address.h"

struct container;
struct error;

/* What is not to be given although nobody recorded it: the bridge's own addresses, its neighbours. */
struct reserve_taken {
	const uint32_t *numbers;
	size_t count;
};

/* The recorded address of the interface in out; -ENOENT when there is none or it does not lie in
 * subnet, or is the subnet's own (subnet->bytes is the bridge's address). */
int reserve_find(const struct container *container, const char *interface,
                 const struct address *subnet, struct address *out, struct error *err);
/* The recorded address of the interface, whatever subnet it is in; -ENOENT. */
int reserve_recorded(const struct container *container, const char *interface, struct address *out);
/*
 * As reserve_find(), otherwise takes a free address of the subnet's lower half and records it (waits
 * for the store's lock). -ENOSPC when all are taken.
 */
int reserve_address(const struct container *container, const char *interface,
                    const struct address *subnet, const struct reserve_taken *taken,
                    struct address *out, struct error *err);

#endif
