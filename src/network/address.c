/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Addresses as text, numbers and RTM_*ADDR, RTM_*ROUTE, RTM_*NEIGH messages; see the header. */
#include "network/address.h"

#include "base/error.h"
#include "base/parse.h"
#include "network/netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static size_t address_size(int family)
{
	return family == AF_INET ? 4 : 16;
}

int address_parse(const char *text, struct address *out)
{
	const char *slash = strchr(text, '/');
	size_t length = slash ? (size_t)(slash - text) : strlen(text);
	struct address address = {.family = strchr(text, ':') ? AF_INET6 : AF_INET};
	uint64_t most = 8 * address_size(address.family), prefix = most;
	char host[INET6_ADDRSTRLEN];

	if (length >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, length);
	host[length] = '\0';
	if (inet_pton(address.family, host, address.bytes) != 1)
		return -EINVAL;
	if (slash && parse_uint(slash + 1, most, &prefix) < 0)
		return -EINVAL;
	address.prefix = (unsigned int)prefix;
	*out = address;
	return 0;
}

const char *address_format_host(const struct address *address, char out[ADDRESS_TEXT_MAX])
{
	if (!inet_ntop(address->family, address->bytes, out, ADDRESS_TEXT_MAX))
		out[0] = '\0'; /* no family: no text */
	return out;
}

const char *address_format(const struct address *address, char out[ADDRESS_TEXT_MAX])
{
	size_t used = strlen(address_format_host(address, out));

	(void)snprintf(out + used, ADDRESS_TEXT_MAX - used, "/%u", address->prefix);
	return out;
}

bool address_equal(const struct address *a, const struct address *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, address_size(a->family)) == 0;
}

bool address_in(const struct address *network, const struct address *address)
{
	size_t whole = network->prefix / 8;
	unsigned int rest = network->prefix % 8;
	unsigned char mask = (unsigned char)(0xff00U >> rest);

	if (network->family != address->family)
		return false;
	if (memcmp(network->bytes, address->bytes, whole) != 0)
		return false;
	return rest == 0 || (network->bytes[whole] & mask) == (address->bytes[whole] & mask);
}

bool address_is_link_local(const struct address *address)
{
	const unsigned char *bytes = address->bytes;

	if (address->family == AF_INET6)
		return bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
	return bytes[0] == 169 && bytes[1] == 254;
}

uint32_t address_number(const struct address *address)
{
	uint32_t number;

	memcpy(&number, address->bytes, sizeof(number));
	return ntohl(number);
}

struct address address_from_number(uint32_t number, unsigned int prefix)
{
	struct address address = {.family = AF_INET, .prefix = prefix};

	number = htonl(number);
	memcpy(address.bytes, &number, sizeof(number));
	return address;
}

/* The bits of an IPv4 address that name the host. */
static uint32_t host_bits(const struct address *subnet)
{
	return subnet->prefix ? (uint32_t)((1ULL << (32 - subnet->prefix)) - 1) : UINT32_MAX;
}

uint32_t address_first(const struct address *subnet)
{
	return address_number(subnet) & ~host_bits(subnet);
}

uint32_t address_last(const struct address *subnet)
{
	return address_number(subnet) | host_bits(subnet);
}

bool address_own_range(const struct address *subnet, uint32_t *first, uint32_t *last)
{
	if (subnet->family != AF_INET || subnet->prefix > 30)
		return false;
	*first = address_first(subnet) + 1;
	*last = subnet->prefix == 30 ? address_last(subnet) - 1
	                             : address_first(subnet) + host_bits(subnet) / 2;
	return true;
}

bool address_dhcp_range(const struct address *subnet, uint32_t *first, uint32_t *last)
{
	if (subnet->family != AF_INET || subnet->prefix > 29)
		return false;
	*first = address_first(subnet) + host_bits(subnet) / 2 + 1;
	*last = address_last(subnet) - 1;
	return true;
}

struct found_addresses {
	struct address *out;
	size_t count, most;
	int index;
};

static int read_address(const struct nlmsghdr *message, void *context)
{
	const struct ifaddrmsg *header = nlmsg_data(message);
	struct found_addresses *found = context;
	struct nlattr *attributes[IFA_MAX + 1], *value;
	struct address address;

	if (message->nlmsg_type != RTM_NEWADDR || found->count >= found->most)
		return 0;
	if (nlmsg_parse((struct nlmsghdr *)(uintptr_t)message, sizeof(*header), attributes, IFA_MAX,
	                NULL) < 0)
		return -EBADMSG;
	/* kernels before 4.20 do not select by index themselves */
	if (found->index && (int)header->ifa_index != found->index)
		return 0;
	value = attributes[IFA_LOCAL] ? attributes[IFA_LOCAL] : attributes[IFA_ADDRESS];
	if (!value || (header->ifa_family != AF_INET && header->ifa_family != AF_INET6))
		return 0;
	address = (struct address){.family = header->ifa_family, .prefix = header->ifa_prefixlen};
	(void)nla_memcpy(address.bytes, value, (int)address_size(address.family));
	found->out[found->count++] = address;
	return 0;
}

int address_list(struct netlink *netlink, int index, int family, struct address *out, size_t most,
                 struct error *err)
{
	const struct ifaddrmsg header = {.ifa_family = (unsigned char)family,
	                                 .ifa_index = (unsigned int)index};
	CLEAN_NL_MSG struct nl_msg *message =
		netlink_message(RTM_GETADDR, NLM_F_DUMP, &header, sizeof(header));
	struct found_addresses found = {.out = out, .most = most, .index = index};

	if (netlink_request(netlink, message, read_address, &found, err) < 0)
		return fail_in(err, "list addresses");
	return (int)found.count;
}

struct found_neighbours {
	uint32_t *out;
	size_t count, most;
	int index;
};

static int read_neighbour(const struct nlmsghdr *message, void *context)
{
	const struct ndmsg *header = nlmsg_data(message);
	struct found_neighbours *found = context;
	struct nlattr *value;
	uint32_t number = 0;

	if (message->nlmsg_type != RTM_NEWNEIGH || header->ndm_ifindex != found->index ||
	    (header->ndm_state & (NUD_FAILED | NUD_INCOMPLETE | NUD_NOARP)) || !header->ndm_state)
		return 0;
	value = nlmsg_find_attr((struct nlmsghdr *)(uintptr_t)message, sizeof(*header), NDA_DST);
	if (!value || found->count >= found->most)
		return 0;
	(void)nla_memcpy(&number, value, sizeof(number));
	found->out[found->count++] = ntohl(number);
	return 0;
}

int address_neighbours(struct netlink *netlink, int index, uint32_t *out, size_t most,
                       struct error *err)
{
	const struct ndmsg header = {.ndm_family = AF_INET};
	CLEAN_NL_MSG struct nl_msg *message =
		netlink_message(RTM_GETNEIGH, NLM_F_DUMP, &header, sizeof(header));
	struct found_neighbours found = {.out = out, .most = most, .index = index};

	netlink_put_u32(message, NDA_IFINDEX, (uint32_t)index);
	if (netlink_request(netlink, message, read_neighbour, &found, err) < 0)
		return fail_in(err, "list neighbours");
	return (int)found.count;
}

void address_queue(struct netlink_queue *queue, int index, const struct address *address)
{
	const struct ifaddrmsg header = {
		.ifa_family = (unsigned char)address->family,
		.ifa_prefixlen = (unsigned char)address->prefix,
		/* the services of a guest bind its address at once, not after a second of detection */
		.ifa_flags = address->family == AF_INET6 ? IFA_F_NODAD : 0,
		.ifa_index = (unsigned int)index,
	};
	struct nl_msg *message =
		netlink_message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, &header, sizeof(header));
	size_t size = address_size(address->family);
	char text[ADDRESS_TEXT_MAX];

	netlink_put(message, IFA_LOCAL, address->bytes, size);
	netlink_put(message, IFA_ADDRESS, address->bytes, size);
	if (address->family == AF_INET && address->prefix < 31) {
		uint32_t broadcast = htonl(address_last(address));

		netlink_put(message, IFA_BROADCAST, &broadcast, sizeof(broadcast));
	}
	netlink_queue_add(queue, message, "address '%s'", address_format(address, text));
}

void address_queue_route(struct netlink_queue *queue, int index, const struct address *destination,
                         const struct address *gateway)
{
	int family = destination->family ? destination->family : gateway->family;
	const struct rtmsg header = {
		.rtm_family = (unsigned char)family,
		.rtm_dst_len = (unsigned char)(destination->family ? destination->prefix : 0),
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_BOOT,
		.rtm_scope = gateway || family == AF_INET6 ? RT_SCOPE_UNIVERSE : RT_SCOPE_LINK,
		.rtm_type = RTN_UNICAST,
	};
	struct nl_msg *message = netlink_message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE,
	                                         &header, sizeof(header));
	char to[ADDRESS_TEXT_MAX] = "default", by[ADDRESS_TEXT_MAX] = "the link";

	if (destination->family) {
		netlink_put(message, RTA_DST, destination->bytes, address_size(family));
		(void)address_format(destination, to);
	}
	if (gateway) {
		netlink_put(message, RTA_GATEWAY, gateway->bytes, address_size(family));
		(void)address_format_host(gateway, by);
	}
	netlink_put_u32(message, RTA_OIF, (uint32_t)index);
	netlink_queue_add(queue, message, "route '%s' by '%s'", to, by);
}
