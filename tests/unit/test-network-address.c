/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Subnet arithmetic, texts of addresses and routes. */
#include "../lib/tap.h"
#include "network/address.h"
#include "network/link.h"
#include "network/route.h"

#include <errno.h>
#include <sys/socket.h>

static struct address parsed(const char *text)
{
	struct address address = {0};

	CHECK_INT(address_parse(text, &address), 0);
	return address;
}

static bool is_number(uint32_t number, const char *text)
{
	struct address want = parsed(text);

	return number == address_number(&want);
}

TEST(address_is_read_and_written_back)
{
	static const char *const texts[] = {"10.83.0.17/20", "0.0.0.0/0", "255.255.255.255/32",
	                                    "fd00::1/64", "::/0"};
	char text[ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct address address = parsed(texts[i]);

		CHECK(strcmp(address_format(&address, text), texts[i]) == 0);
	}
	struct address host = parsed("192.0.2.7");

	CHECK_INT(host.prefix, 32);
	CHECK(strcmp(address_format_host(&host, text), "192.0.2.7") == 0);
	CHECK_INT(parsed("fd00::7").prefix, 128);
}

TEST(what_is_no_address_is_refused)
{
	static const char *const texts[] = {
		"",
		"10.83.0",
		"10.83.0.256/20",
		"10.83.0.1/33",
		"10.83.0.1/",
		"10.83.0.1/-1",
		"10.83.0.1/ 8",
		"fd00::1/129",
		"fd00:::1",
		"auto",
		"/24",
		" 10.0.0.1",
		"0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000/64",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct address address = {.family = 77};

		CHECK_INT(address_parse(texts[i], &address), -EINVAL);
		CHECK_INT(address.family, 77);
	}
}

TEST(first_and_last_of_a_subnet)
{
	struct address address = parsed("10.83.5.17/20");

	CHECK(is_number(address_first(&address), "10.83.0.0"));
	CHECK(is_number(address_last(&address), "10.83.15.255"));
	address = parsed("192.0.2.1/0");
	CHECK(is_number(address_first(&address), "0.0.0.0"));
	CHECK(is_number(address_last(&address), "255.255.255.255"));
	address = parsed("192.0.2.1/32");
	CHECK(address_first(&address) == address_last(&address));
}

TEST(halves_of_a_subnet)
{
	struct address subnet = parsed("10.83.0.1/20");
	uint32_t first, last;

	CHECK(address_own_range(&subnet, &first, &last));
	CHECK(is_number(first, "10.83.0.1") && is_number(last, "10.83.7.255"));
	CHECK(address_dhcp_range(&subnet, &first, &last));
	CHECK(is_number(first, "10.83.8.0") && is_number(last, "10.83.15.254"));
	subnet = parsed("192.0.2.9/29");
	CHECK(address_own_range(&subnet, &first, &last));
	CHECK(is_number(first, "192.0.2.9") && is_number(last, "192.0.2.11"));
	CHECK(address_dhcp_range(&subnet, &first, &last));
	CHECK(is_number(first, "192.0.2.12") && is_number(last, "192.0.2.14"));
	subnet = parsed("192.0.2.9/30");
	CHECK(address_own_range(&subnet, &first, &last));
	CHECK(is_number(first, "192.0.2.9") && is_number(last, "192.0.2.10"));
	CHECK(!address_dhcp_range(&subnet, &first, &last));
	subnet = parsed("192.0.2.9/31");
	CHECK(!address_own_range(&subnet, &first, &last));
	subnet = parsed("fd00::1/64");
	CHECK(!address_own_range(&subnet, &first, &last));
}

TEST(membership_of_a_subnet)
{
	struct address subnet = parsed("10.83.0.1/20"), six = parsed("fd00:0:0:8000::1/49");
	struct address inside = parsed("10.83.15.1"), outside = parsed("10.83.16.1");
	struct address six_inside = parsed("fd00:0:0:ffff::9"), six_outside = parsed("fd00::9");
	struct address all = parsed("0.0.0.0/0");

	CHECK(address_in(&subnet, &inside));
	CHECK(!address_in(&subnet, &outside));
	CHECK(!address_in(&subnet, &six_inside));
	CHECK(address_in(&six, &six_inside));
	CHECK(!address_in(&six, &six_outside));
	CHECK(address_in(&all, &outside));
}

TEST(link_local_addresses)
{
	struct address a = parsed("fe80::1"), b = parsed("febf::1"), c = parsed("fec0::1");
	struct address d = parsed("169.254.3.4"), e = parsed("169.253.3.4");

	CHECK(address_is_link_local(&a) && address_is_link_local(&b) && address_is_link_local(&d));
	CHECK(!address_is_link_local(&c) && !address_is_link_local(&e));
}

TEST(routes_are_read)
{
	struct address to, by;

	CHECK_INT(route_parse("192.0.2.77/24 10.0.0.1", &to, &by), 0);
	CHECK(is_number(address_number(&to), "192.0.2.0")); /* the kernel refuses host bits */
	CHECK_INT(to.prefix, 24);
	CHECK(is_number(address_number(&by), "10.0.0.1"));
	CHECK_INT(route_parse("fd00:7::/48", &to, &by), 0);
	CHECK_INT(to.family, AF_INET6);
	CHECK_INT(by.family, 0);
	CHECK_INT(route_parse("default 10.0.0.1", &to, &by), 0);
	CHECK_INT(to.family, 0);
	CHECK_INT(route_parse("default", &to, &by), -EINVAL);
	CHECK_INT(route_parse("", &to, &by), -EINVAL);
	CHECK_INT(route_parse("192.0.2.0/24 fd00::1", &to, &by), -EINVAL);
	CHECK_INT(route_parse("192.0.2.0/24 10.0.0.1 7", &to, &by), -EINVAL);
}

TEST(mac_addresses_are_read)
{
	static const unsigned char want[LINK_MAC_SIZE] = {0x10, 0x66, 0x6a, 0xAB, 0xcd, 0x09};
	unsigned char mac[LINK_MAC_SIZE] = {0};

	CHECK_INT(link_parse_mac("10:66:6a:AB:cd:09", mac), 0);
	CHECK(memcmp(mac, want, sizeof(want)) == 0);
	CHECK_INT(link_parse_mac("10:66:6a:ab:cd:0", mac), -EINVAL);
	CHECK_INT(link_parse_mac("10:66:6a:ab:cd:0x", mac), -EINVAL);
	CHECK_INT(link_parse_mac("10-66-6a-ab-cd-09", mac), -EINVAL);
	CHECK_INT(link_parse_mac("10:66:6a:ab:cd:09:", mac), -EINVAL);
	CHECK_INT(link_parse_mac("", mac), -EINVAL);
}
