/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Tests of the values of [network.*]; see check.h. */
#include "container/check.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/parse.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>

static int not_a(struct error *err, const char *value, const char *what)
{
	return fail_plain(err, EINVAL, "'%s' is not %s", value, what);
}

int check_interface(const char *value, struct error *err)
{
	bool good =
		*value && strlen(value) < IFNAMSIZ && !text_is(value, ".") && !text_is(value, "..");

	/* dev_valid_name() of the kernel, and '%', which it takes for a pattern */
	for (const char *at = value; good && *at; at++)
		good = *at > ' ' && *at < 127 && !strchr("/:%", *at);
	if (!good)
		return not_a(err, value,
		             "an interface name (1 to 15 characters without blank, '/', ':')");
	if (text_is(value, "lo") || text_is(value, "all") || text_is(value, "default"))
		return fail_plain(err, EINVAL, "'%s' is a name of the kernel's own", value);
	return 0;
}

int check_network_type(const char *value, struct error *err)
{
	static const char *const later[] = {"macvlan", "ipvlan", "vlan", "phys"};
	static const char *const types[] = {"veth", "none", NULL};

	for (size_t i = 0; i < ARRAY_SIZE(later); i++)
		if (text_is(value, later[i]))
			return fail_plain(err, EINVAL, "'%s' is not supported yet", value);
	return check_choice(value, types, err);
}

int check_mac(const char *value, struct error *err)
{
	bool good = strlen(value) == 17;

	for (size_t i = 0; good && i < 17; i++)
		good = i % 3 == 2 ? value[i] == ':'
		                  : isxdigit((unsigned char)value[i]) || value[i] == 'x';
	if (!good)
		return not_a(err, value,
		             "a MAC address (10:66:6a:xx:xx:xx; x is chosen at create)");
	if (value[1] != 'x' && strchr("13579bdfBDF", value[1]))
		return not_a(err, value, "the address of one interface: it is a multicast address");
	if (text_is(value, "00:00:00:00:00:00"))
		return not_a(err, value, "a usable MAC address");
	return 0;
}

/* The family of an address, 0 when it is none. */
static int family_of(const char *text)
{
	unsigned char bytes[16];

	if (inet_pton(AF_INET, text, bytes) == 1)
		return AF_INET;
	return inet_pton(AF_INET6, text, bytes) == 1 ? AF_INET6 : 0;
}

/* The family of "ADDRESS/BITS", 0 when it is none. */
static int family_of_cidr(const char *text)
{
	CLEAN_FREE char *address = must_dup(text);
	char *slash = strchr(address, '/');
	uint64_t bits = 0;
	int family;

	if (!slash)
		return 0;
	*slash = '\0';
	family = family_of(address);
	if (!family || parse_uint(slash + 1, family == AF_INET ? 32 : 128, &bits) < 0)
		return 0;
	return family;
}

int check_address(const char *value, struct error *err)
{
	if (text_is(value, "auto") || text_is(value, "dhcp") || family_of_cidr(value))
		return 0;
	(void)not_a(err, value, "an address with its prefix length, 'auto' or 'dhcp'");
	return family_of(value) ? fail_hint(err, "write %s/24, for example", value) : -EINVAL;
}

int check_gateway(const char *value, struct error *err)
{
	if (text_is(value, "auto") || text_is(value, "none") || family_of(value))
		return 0;
	return not_a(err, value, "an address, 'auto' or 'none'");
}

int check_dns(const char *value, struct error *err)
{
	if (text_is(value, "auto") || family_of(value))
		return 0;
	return not_a(err, value, "an address or 'auto'");
}

int check_route(const char *value, struct error *err)
{
	CLEAN(strings_done) struct strings words = {0};
	int family, gateway;

	strings_split(&words, value, " \t");
	family = words.count ? family_of_cidr(words.items[0]) : 0;
	gateway = words.count == 2 ? family_of(words.items[1]) : 0;
	if (!family || words.count > 2 || (words.count == 2 && gateway != family))
		return not_a(err, value, "a route ('192.0.2.0/24 10.0.0.1' or '192.0.2.0/24')");
	return 0;
}
