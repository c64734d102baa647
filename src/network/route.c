/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Routes inside a container; see the header. */
#include "network/route.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "network/network.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* The bits behind the prefix must be 0 for the kernel: 10.1.2.3/8 means 10.0.0.0/8. */
static void clear_host_bits(struct address *address)
{
	for (unsigned int bit = address->prefix; bit < 128; bit++)
		address->bytes[bit / 8] &= (unsigned char)~(0x80U >> (bit % 8));
}

int route_parse(const char *text, struct address *destination, struct address *gateway)
{
	CLEAN(strings_done) struct strings words = {0};
	struct address to = {0}, by = {0};

	strings_split(&words, text, " \t");
	if (words.count < 1 || words.count > 2)
		return -EINVAL;
	if (words.count == 2 && address_parse(words.items[1], &by) < 0)
		return -EINVAL;
	if (!text_is(words.items[0], "default")) {
		if (address_parse(words.items[0], &to) < 0 || (by.family && by.family != to.family))
			return -EINVAL;
		clear_host_bits(&to);
	} else if (!by.family) {
		return -EINVAL;
	}
	*destination = to;
	*gateway = by;
	return 0;
}

/* True when the kernel reaches address from one of the container's own subnets. */
static bool is_on_link(const struct strings *own, const struct address *address)
{
	if (address->family == AF_INET6 && address_is_link_local(address))
		return true;
	for (size_t i = 0; i < own->count; i++) {
		struct address subnet;

		if (address_parse(own->items[i], &subnet) == 0 && address_in(&subnet, address))
			return true;
	}
	return false;
}

int route_queue(struct netlink_queue *queue, int index, const struct network_config *config,
                const struct network_decided *decided, struct error *err)
{
	const struct address everything = {0};
	struct address destination, gateway;

	if (decided->gateway) {
		if (address_parse(decided->gateway, &gateway) < 0)
			return fail_plain(err, EINVAL, "gateway '%s' is not an address",
			                  decided->gateway);
		if (!is_on_link(&decided->address, &gateway))
			address_queue_route(queue, index, &gateway, NULL);
		address_queue_route(queue, index, &everything, &gateway);
	}
	for (size_t i = 0; i < config->route.count; i++) {
		if (route_parse(config->route.items[i], &destination, &gateway) < 0)
			return fail_plain(err, EINVAL,
			                  "route '%s' is not of the form 'SUBNET GATEWAY'",
			                  config->route.items[i]);
		address_queue_route(queue, index, &destination, gateway.family ? &gateway : NULL);
	}
	return 0;
}
