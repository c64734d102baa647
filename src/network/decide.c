/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the networks of a container come to on this host, before anything is made: bridges looked up,
 * "auto" turned into addresses. Errors name the key and the line; see network.h.
 */
#include "network/network.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "container/container.h"
#include "network/address.h"
#include "network/conflict.h"
#include "network/link.h"
#include "network/netlink.h"
#include "network/reserve.h"
#include "network/route.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define BRIDGE_ADDRESSES_MOST  16
#define BRIDGE_NEIGHBOURS_MOST 4096
#define PLACE_MAX              4352 /* " (FILE:LINE)" */

/* The bridge of one network as it is now. */
struct bridge {
	struct link_info link;
	struct address addresses[BRIDGE_ADDRESSES_MOST];
	size_t count;
};

/* One network while it is decided. */
struct decision {
	const struct container *container;
	const struct network_config *config;
	struct netlink *netlink;
	struct bridge bridge;
	struct network_decided *out;
};

void network_host_name(const struct container *container, size_t nth, char out[16])
{
	const struct network_config *config = &container->config.networks[nth];
	const struct paths *paths = container->paths;
	CLEAN_FREE char *whole = NULL;

	if (config->host_name && config->host_name[0]) {
		(void)snprintf(out, 16, "%s", config->host_name);
		return;
	}
	if (nth == 0 && !paths->tag[0] && strlen(container->name) <= 12) {
		(void)snprintf(out, 16, "ve-%s", container->name);
		return;
	}
	whole = must_printf("%s/%s/%s", paths->store, container->name, config->name);
	(void)snprintf(out, 16, "ve-%012llx", text_hash(whole) & 0xffffffffffffULL);
}

/* " (FILE:LINE)" of the nth value of a key of this network. */
static const char *place(const struct decision *decision, const char *key, size_t nth,
                         char out[PLACE_MAX])
{
	CLEAN_FREE char *section = must_printf("network.%s", decision->config->name);

	return config_where(&decision->container->config, section, key, nth, out, PLACE_MAX);
}

/* "network.eth0.KEY: why (FILE:LINE)" */
static int refuse(const struct decision *decision, const char *key, size_t nth, int code,
                  const char *why, struct error *err)
{
	char where[PLACE_MAX];

	return fail_plain(err, code, "network.%s.%s: %s%s", decision->config->name, key, why,
	                  place(decision, key, nth, where));
}

static int find_bridge(struct decision *decision, struct error *err)
{
	const char *name = decision->config->bridge;
	CLEAN_FREE char *why = NULL;
	int r = link_get(decision->netlink, name, &decision->bridge.link, err);

	if (r == -ENODEV) {
		const bool is_default = text_is(name, decision->container->paths->bridge);

		why = must_printf("no bridge '%s'%s", name,
		                  is_default ? " (make it: sysc-net up)" : "");
		return refuse(decision, "bridge", 0, ENODEV, why, err);
	}
	if (r < 0)
		return fail_in(err, "network.%s.bridge", decision->config->name);
	if (!text_is(decision->bridge.link.kind, "bridge")) {
		why = must_printf("'%s' is not a bridge", name);
		return refuse(decision, "bridge", 0, ENOTSUP, why, err);
	}
	r = address_list(decision->netlink, decision->bridge.link.index, AF_UNSPEC,
	                 decision->bridge.addresses, BRIDGE_ADDRESSES_MOST, err);
	if (r < 0)
		return fail_in(err, "bridge '%s'", name);
	decision->bridge.count = (size_t)r;
	return 0;
}

/* The first address of the bridge of that family that reaches further than the link, or NULL. */
static const struct address *bridge_address(const struct decision *decision, int family)
{
	for (size_t i = 0; i < decision->bridge.count; i++) {
		const struct address *address = &decision->bridge.addresses[i];

		if (address->family == family && !address_is_link_local(address))
			return address;
	}
	return NULL;
}

/* A free address of subnet, which nobody near the bridge uses either. */
static int reserve(struct decision *decision, const struct address *subnet, struct address *out,
                   struct error *err)
{
	const char *interface = decision->config->name;
	CLEAN_FREE uint32_t *numbers = NULL;
	struct reserve_taken taken = {0};
	int r = reserve_find(decision->container, interface, subnet, out, err);

	if (r != -ENOENT)
		return r; /* the usual case: no lock, no look at other containers */
	error_clear(err);
	numbers = must_alloc((BRIDGE_NEIGHBOURS_MOST + BRIDGE_ADDRESSES_MOST) * sizeof(*numbers));
	r = address_neighbours(decision->netlink, decision->bridge.link.index, numbers,
	                       BRIDGE_NEIGHBOURS_MOST, err);
	if (r < 0)
		return r;
	taken = (struct reserve_taken){.numbers = numbers, .count = (size_t)r};
	for (size_t i = 0; i < decision->bridge.count; i++)
		if (decision->bridge.addresses[i].family == AF_INET)
			numbers[taken.count++] = address_number(&decision->bridge.addresses[i]);
	return reserve_address(decision->container, interface, subnet, &taken, out, err);
}

static int decide_auto(struct decision *decision, size_t nth, struct address *out,
                       struct error *err)
{
	const struct address *subnet = bridge_address(decision, AF_INET);
	CLEAN_FREE char *why = NULL;
	char where[PLACE_MAX];
	int r;

	if (!decision->config->bridge)
		return refuse(decision, "address", nth, EINVAL, "'auto' needs a bridge", err);
	if (!subnet) {
		why = must_printf("'auto': bridge '%s' has no IPv4 address",
		                  decision->config->bridge);
		return refuse(decision, "address", nth, EADDRNOTAVAIL, why, err);
	}
	r = reserve(decision, subnet, out, err);
	if (r < 0)
		return fail_in(err, "network.%s.address%s", decision->config->name,
		               place(decision, "address", nth, where));
	return 0;
}

/* Two with one address: neither of them could be reached reliably. */
static int decide_given(struct decision *decision, size_t nth, struct address *out,
                        struct error *err)
{
	const char *text = decision->config->address.items[nth];
	CLEAN_FREE char *other = NULL, *why = NULL;

	if (address_parse(text, out) < 0)
		return refuse(decision, "address", nth, EINVAL, "not an address", err);
	other = conflict_find(decision->container, decision->config, out);
	if (!other)
		return 0;
	why = must_printf("'%s' runs with %s", other, text);
	(void)refuse(decision, "address", nth, EADDRINUSE, why, err);
	return fail_hint(err, "stop it, or give one of the two another address");
}

static int decide_addresses(struct decision *decision, struct error *err)
{
	const struct strings *list = &decision->config->address;

	for (size_t i = 0; i < list->count; i++) {
		struct address address = {0};
		char text[ADDRESS_TEXT_MAX];
		int r = 0;

		if (text_is(list->items[i], "dhcp")) {
			decision->out->has_dhcp = true;
			continue;
		}
		if (text_is(list->items[i], "auto"))
			r = decide_auto(decision, i, &address, err);
		else
			r = decide_given(decision, i, &address, err);
		if (r < 0)
			return r;
		(void)address_format(&address, text);
		if (!strings_has(&decision->out->address, text))
			strings_add(&decision->out->address, text);
	}
	return 0;
}

/* The bridge's own address as gateway, in the first family that the container has too. */
static const struct address *automatic_gateway(const struct decision *decision)
{
	static const int families[] = {AF_INET, AF_INET6};

	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		for (size_t k = 0; k < decision->out->address.count; k++) {
			bool is_ipv6 = strchr(decision->out->address.items[k], ':') != NULL;

			if (is_ipv6 == (families[i] == AF_INET6) &&
			    bridge_address(decision, families[i]))
				return bridge_address(decision, families[i]);
		}
	return NULL;
}

static int decide_gateway(struct decision *decision, struct error *err)
{
	const char *wanted = decision->config->gateway;
	const struct address *found;
	struct address address;
	char text[ADDRESS_TEXT_MAX];

	if (text_is(wanted, "none"))
		return 0;
	if (wanted && wanted[0] && !text_is(wanted, "auto")) {
		if (address_parse(wanted, &address) < 0)
			return refuse(decision, "gateway", 0, EINVAL, "not an address", err);
		found = &address;
	} else {
		found = automatic_gateway(decision);
	}
	if (found)
		decision->out->gateway = must_dup(address_format_host(found, text));
	return 0;
}

static int decide_dns(struct decision *decision, struct error *err)
{
	const struct strings *list = &decision->config->dns;
	char text[ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < list->count; i++) {
		const struct address *own = bridge_address(decision, AF_INET);

		if (!text_is(list->items[i], "auto")) {
			strings_add(&decision->out->dns, list->items[i]);
			continue;
		}
		if (!own)
			own = bridge_address(decision, AF_INET6);
		if (!own)
			return refuse(decision, "dns", i, EADDRNOTAVAIL,
			              "'auto': the bridge has no address", err);
		strings_add(&decision->out->dns, address_format_host(own, text));
	}
	return 0;
}

/* What attach will read again, so that it is refused before anything is made. */
static int check_rest(const struct decision *decision, struct error *err)
{
	const struct network_config *config = decision->config;
	unsigned char mac[LINK_MAC_SIZE];

	if (config->mac && link_parse_mac(config->mac, mac) < 0)
		return refuse(decision, "mac", 0, EINVAL, "not a MAC address", err);
	for (size_t i = 0; i < config->route.count; i++) {
		struct address destination, gateway;

		if (route_parse(config->route.items[i], &destination, &gateway) < 0)
			return refuse(decision, "route", i, EINVAL,
			              "not of the form 'SUBNET GATEWAY'", err);
	}
	return 0;
}

static int decide(struct decision *decision, struct error *err)
{
	const struct network_config *config = decision->config;
	int r = check_rest(decision, err);

	if (r == 0 && config->bridge)
		r = find_bridge(decision, err);
	if (r == 0)
		r = decide_addresses(decision, err);
	if (r == 0)
		r = decide_gateway(decision, err);
	if (r == 0)
		r = decide_dns(decision, err);
	if (r < 0)
		return r;
	decision->out->bridge_index = (unsigned int)decision->bridge.link.index;
	decision->out->mtu = config->mtu ? (unsigned int)config->mtu : decision->bridge.link.mtu;
	return 0;
}

int network_decide(const struct container *container, struct network_decided **decided,
                   struct error *err)
{
	size_t count = container->config.network_count;
	CLEAN_NETLINK struct netlink netlink = NETLINK_NONE;
	struct network_decided *out;
	int r;

	if (count > NETWORK_LINKS_MAX)
		return fail_plain(err, E2BIG, "%zu networks: at most %d are possible", count,
		                  NETWORK_LINKS_MAX);
	r = count ? netlink_open(&netlink, err) : 0;
	if (r < 0)
		return r;
	out = must_alloc((count + 1) * sizeof(*out));
	for (size_t i = 0; i < count && r == 0; i++) {
		struct decision decision = {
			.container = container,
			.config = &container->config.networks[i],
			.netlink = &netlink,
			.out = &out[i],
		};

		if (decision.config->type != NETWORK_NONE)
			r = decide(&decision, err);
	}
	if (r < 0) {
		network_decided_free(out, count);
		return r;
	}
	*decided = out;
	return 0;
}

void network_decided_free(struct network_decided *decided, size_t count)
{
	for (size_t i = 0; decided && i < count; i++) {
		strings_done(&decided[i].address);
		strings_done(&decided[i].dns);
		free(decided[i].gateway);
	}
	free(decided);
}
