/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A bridge with an address; see the header. */
#include "network/bridge.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "network/address.h"
#include "network/link.h"
#include "network/netlink.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#define ADDRESSES_MOST 64

/* Its IPv6 link-local address is usable at once: a server that binds all addresses would fail else. */
static void skip_duplicate_detection(const char *name)
{
	CLEAN_FREE char *path = must_printf("/proc/sys/net/ipv6/conf/%s/accept_dad", name);

	(void)file_write(AT_FDCWD, path, "0", NULL); /* a kernel without IPv6 has no such file */
}

/* True when the bridge has address; -EADDRINUSE when it has IPv4 addresses, but not this one. */
static int has_address(struct netlink *netlink, int index, const char *name,
                       const struct address *address, struct error *err)
{
	struct address found[ADDRESSES_MOST];
	char have[ADDRESS_TEXT_MAX], want[ADDRESS_TEXT_MAX];
	int count = address_list(netlink, index, address->family, found, ADDRESSES_MOST, err);

	for (int i = 0; i < count; i++)
		if (address_equal(&found[i], address) && found[i].prefix == address->prefix)
			return 1;
	if (count > 0)
		return fail_plain(err, EADDRINUSE, "bridge '%s' has address %s already, not %s",
		                  name, address_format(&found[0], have),
		                  address_format(address, want));
	return count;
}

static int set_address(struct netlink *netlink, int index, const char *name,
                       const struct address *address, struct error *err)
{
	CLEAN_NETLINK_QUEUE struct netlink_queue queue = {.count = 0};
	int r = has_address(netlink, index, name, address, err);

	if (r != 0)
		return r < 0 ? r : 0;
	address_queue(&queue, index, address);
	r = netlink_queue_send(netlink, &queue, err);
	return r < 0 ? fail_in(err, "bridge '%s'", name) : 0;
}

/* The index of the bridge, made where it is absent (*made). */
static int find_or_make(struct netlink *netlink, const char *name, const char *mac, bool *made,
                        struct error *err)
{
	unsigned char bytes[LINK_MAC_SIZE];
	struct link_info info;
	int r = link_get(netlink, name, &info, err);

	if (r == 0 && !text_is(info.kind, "bridge"))
		return fail_plain(err, EEXIST, "interface '%s' exists already and is not a bridge",
		                  name);
	if (r == 0)
		return info.index;
	if (r != -ENODEV)
		return r;
	error_clear(err);
	if (!name[0] || strlen(name) >= IFNAMSIZ)
		return fail_plain(err, EINVAL,
		                  "'%s' is no name for an interface (at most %d characters)", name,
		                  IFNAMSIZ - 1);
	if (link_parse_mac(mac, bytes) < 0)
		return fail_plain(err, EINVAL, "'%s' is not a MAC address", mac);
	r = link_make_bridge(netlink, name, bytes, err);
	*made = r > 0;
	return r;
}

int bridge_up(const char *name, const char *address, const char *mac, struct error *err)
{
	CLEAN_NETLINK struct netlink netlink = NETLINK_NONE;
	struct address wanted;
	bool made = false;
	int index, r;

	if (address_parse(address, &wanted) < 0)
		return fail_plain(err, EINVAL, "'%s' is not an address", address);
	r = netlink_open(&netlink, err);
	if (r < 0)
		return r;
	index = find_or_make(&netlink, name, mac, &made, err);
	if (index < 0)
		return index;
	if (made)
		skip_duplicate_detection(name);
	r = set_address(&netlink, index, name, &wanted, err);
	if (r == 0 && link_set_up(&netlink, index, err) < 0)
		r = fail_in(err, "set bridge '%s' up", name);
	if (r < 0 && made)
		(void)link_delete(&netlink, index, NULL); /* the first failure is the one told */
	return r;
}

int bridge_down(const char *name, bool force, struct error *err)
{
	CLEAN_NETLINK struct netlink netlink = NETLINK_NONE;
	struct link_info info;
	int ports, r = netlink_open(&netlink, err);

	if (r < 0)
		return r;
	r = link_get(&netlink, name, &info, err);
	if (r == -ENODEV) {
		error_clear(err);
		return 0;
	}
	if (r < 0)
		return r;
	if (!text_is(info.kind, "bridge"))
		return fail_plain(err, ENOTSUP, "interface '%s' is not a bridge", name);
	ports = link_count_ports(&netlink, info.index, err);
	if (ports < 0)
		return ports;
	if (ports > 0 && !force)
		return fail_plain(err, EBUSY, "bridge '%s' is in use: %d %s attached", name, ports,
		                  ports == 1 ? "port is" : "ports are");
	r = link_delete(&netlink, info.index, err);
	return r < 0 ? fail_in(err, "remove bridge '%s'", name) : 0;
}

int bridge_status(const char *name, struct bridge_status *out, struct error *err)
{
	CLEAN_NETLINK struct netlink netlink = NETLINK_NONE;
	struct bridge_status status = {.exists = false};
	struct link_info info;
	struct address address;
	int r = netlink_open(&netlink, err);

	if (r < 0)
		return r;
	r = link_get(&netlink, name, &info, err);
	if (r == -ENODEV) {
		error_clear(err);
		*out = status;
		return 0;
	}
	if (r < 0)
		return r;
	status.exists = true;
	status.is_bridge = text_is(info.kind, "bridge");
	status.is_up = info.is_up;
	status.ports = link_count_ports(&netlink, info.index, err);
	if (status.ports < 0)
		return status.ports;
	r = address_list(&netlink, info.index, AF_INET, &address, 1, err);
	if (r < 0)
		return r;
	if (r > 0)
		(void)address_format(&address, status.address);
	*out = status;
	return 0;
}
