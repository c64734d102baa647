/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names of host sides; and links that are really made: each case in a network namespace of its own
 * with a bridge, the containers' ones beside it.
 */
#include "../lib/need.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "container/container.h"
#include "network/address.h"
#include "network/bridge.h"
#include "network/link.h"
#include "network/netlink.h"
#include "network/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define BRIDGE  "syscbr0"
#define WAIT_MS 5000

/* A store, and a network namespace that this process is in from then on. */
struct world {
	char root[40];
	struct paths paths;
	struct error err;
};

static void make_world(struct world *world)
{
	*world = (struct world){.root = "/tmp/sysc-network-XXXXXX"};
	CHECK(mkdtemp(world->root));
	CHECK_INT(paths_init(&world->paths, world->root, &world->err), 0);
	free(world->paths.tag); /* as if it were the default store */
	world->paths.tag = must_dup("");
}

static void enter_world(struct world *world)
{
	NEED("root", geteuid() == 0, "needs root");
	NEED("netns", unshare(CLONE_NEWNET | CLONE_NEWNS) == 0,
	     "network namespaces cannot be made here");
	make_world(world);
}

static void leave_world(struct world *world)
{
	CHECK_INT(file_remove_tree(AT_FDCWD, world->root, NULL), 0);
	paths_done(&world->paths);
}

static void make_bridge(struct world *world)
{
	CHECK_INT(bridge_up(BRIDGE, "10.83.0.1/20", "10:66:6a:00:00:01", &world->err), 0);
}

/* A container by a real configuration; networks is its text from [network…] on. */
static void make_container(struct world *world, struct container *container, const char *name,
                           const char *networks)
{
	CLEAN_FREE char *dir = must_printf("%s/%s", world->root, name);
	CLEAN_FREE char *file = must_printf("%s/config", dir);
	CLEAN_FREE char *text = must_printf(
		"[container]\nprivileged = yes\n[rootfs]\npath = dir:%s/rootfs\n%s", dir, networks);

	CHECK_INT(mkdir(dir, 0700), 0);
	CHECK_INT(file_replace_volatile(AT_FDCWD, file, text, strlen(text), 0640, NULL), 0);
	if (container_open(container, &world->paths, name, NULL, &world->err) < 0)
		printf("# %s\n", world->err.text);
	CHECK(container->name);
}

/* An empty network namespace, as a container's; this process stays where it is. */
static int make_namespace(void)
{
	CLEAN_FD int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int made;

	CHECK(own >= 0);
	CHECK_INT(unshare(CLONE_NEWNET), 0);
	made = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	CHECK(made >= 0);
	CHECK_INT(setns(own, CLONE_NEWNET), 0);
	return made;
}

/* decide and attach, with the error printed when one of them fails. */
static int attach(struct world *world, const struct container *container, int netns,
                  struct network *network)
{
	struct network_decided *decided = NULL;
	int r = network_decide(container, &decided, &world->err);

	if (r == 0)
		r = network_attach(network, container, decided, netns, &world->err);
	network_decided_free(decided, container->config.network_count);
	if (r < 0)
		printf("# %s\n", world->err.text);
	return r;
}

static bool link_exists(const char *name)
{
	CLEAN_NETLINK struct netlink netlink = NETLINK_NONE;

	CHECK_INT(netlink_open(&netlink, NULL), 0);
	return netlink_link_index(&netlink, name) > 0;
}

/* A UDP socket inside a namespace (-1: here), bound to any port. */
static int udp_socket(int netns, int family)
{
	CLEAN_FD int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	struct sockaddr_storage any = {.ss_family = (sa_family_t)family};
	int fd;

	if (netns >= 0)
		CHECK_INT(setns(netns, CLONE_NEWNET), 0);
	fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CHECK_INT(setns(own, CLONE_NEWNET), 0);
	CHECK(fd >= 0);
	CHECK_INT(bind(fd, (struct sockaddr *)&any, sizeof(any)), 0);
	return fd;
}

/* Sends from one namespace to address in the other, and an answer back to where it came from. */
static void exchange(int from_netns, int to_netns, const char *address)
{
	struct sockaddr_storage to = {0}, back = {0};
	struct address parsed;
	socklen_t size = sizeof(to);
	char bytes[16] = {0};

	CHECK_INT(address_parse(address, &parsed), 0);
	CLEAN_FD int a = udp_socket(from_netns, parsed.family);
	CLEAN_FD int b = udp_socket(to_netns, parsed.family);
	struct pollfd wait_b = {.fd = b, .events = POLLIN}, wait_a = {.fd = a, .events = POLLIN};

	CHECK_INT(getsockname(b, (struct sockaddr *)&to, &size), 0);
	if (parsed.family == AF_INET)
		memcpy(&((struct sockaddr_in *)&to)->sin_addr, parsed.bytes, 4);
	else
		memcpy(&((struct sockaddr_in6 *)&to)->sin6_addr, parsed.bytes, 16);
	CHECK_INT(sendto(a, "ping", 4, 0, (struct sockaddr *)&to, size), 4);
	CHECK_INT(poll(&wait_b, 1, WAIT_MS), 1);
	size = sizeof(back);
	CHECK_INT(recvfrom(b, bytes, sizeof(bytes), 0, (struct sockaddr *)&back, &size), 4);
	CHECK_INT(sendto(b, "pong", 4, 0, (struct sockaddr *)&back, size), 4);
	CHECK_INT(poll(&wait_a, 1, WAIT_MS), 1);
	CHECK_INT(recv(a, bytes, sizeof(bytes), 0), 4);
	CHECK(strcmp(bytes, "pong") == 0);
}

static const char two_networks[] = "[network.eth0]\nbridge = syscbr0\n"
				   "[network.eth1]\nbridge = syscbr0\n";

TEST(host_names)
{
	struct world world;
	struct container a, b;
	char name[16], other[16], again[16];

	make_world(&world);
	make_container(&world, &a, "twelve-chars", two_networks);
	make_container(&world, &b, "thirteen-char", two_networks);
	network_host_name(&a, 0, name);
	CHECK(text_is(name, "ve-twelve-chars"));
	network_host_name(&a, 1, name);
	network_host_name(&a, 1, again);
	network_host_name(&b, 1, other);
	CHECK(text_is(name, again));
	CHECK(!text_is(name, other));
	network_host_name(&b, 0, name);
	CHECK_INT(strlen(name), 15);
	CHECK_INT(strspn(name + 3, "0123456789abcdef"), 12);
	/* another store must not take the same name */
	free(world.paths.tag);
	world.paths.tag = must_dup("-a1b2c3");
	network_host_name(&a, 0, name);
	CHECK(!text_is(name, "ve-twelve-chars"));
	CHECK(text_starts(name, "ve-") && strlen(name) == 15);
	a.config.networks[0].host_name = must_dup("web-host");
	network_host_name(&a, 0, name);
	CHECK(text_is(name, "web-host"));
	container_done(&a);
	container_done(&b);
	leave_world(&world);
}

TEST(a_missing_bridge_is_told_with_its_line)
{
	struct link_veth veth = {.host_name = "veth7", .peer_name = "peer"};
	struct netlink netlink = NETLINK_NONE;
	struct world world;
	struct container container;
	struct network_decided *decided = NULL;
	char want[256];

	enter_world(&world);
	make_container(&world, &container, "web", "[network.eth0]\nbridge = syscbr0\n");
	CHECK_INT(network_decide(&container, &decided, &world.err), -ENODEV);
	snprintf(
		want, sizeof(want),
		"network.eth0.bridge: no bridge 'syscbr0' (make it: sysc-net up) (%s/web/config:6)",
		world.root);
	CHECK(text_is(world.err.text, want));
	CHECK(!decided);
	container_done(&container);
	CHECK_INT(netlink_open(&netlink, &world.err), 0);
	veth.netns_fd = make_namespace();
	CHECK(link_make_veth(&netlink, &veth, &world.err) > 0);
	netlink_close(&netlink);
	make_container(&world, &container, "other", "[network.eth0]\nbridge = veth7\n");
	CHECK_INT(network_decide(&container, &decided, &world.err), -ENOTSUP);
	snprintf(want, sizeof(want),
	         "network.eth0.bridge: 'veth7' is not a bridge (%s/other/config:6)", world.root);
	CHECK(text_is(world.err.text, want));
	container_done(&container);
	close(veth.netns_fd); /* not before: the pair ends with the namespace */
	leave_world(&world);
}

TEST(auto_needs_an_address_of_the_bridge)
{
	CLEAN_NETLINK struct netlink netlink = NETLINK_NONE;
	static const unsigned char mac[LINK_MAC_SIZE] = {0x10, 0x66, 0x6a, 0, 0, 1};
	struct world world;
	struct container container;
	struct network_decided *decided = NULL;
	char want[256];

	enter_world(&world);
	CHECK_INT(netlink_open(&netlink, &world.err), 0);
	CHECK(link_make_bridge(&netlink, BRIDGE, mac, &world.err) > 0);
	make_container(&world, &container, "web",
	               "[network.eth0]\nbridge = syscbr0\naddress = auto\n");
	CHECK_INT(network_decide(&container, &decided, &world.err), -EADDRNOTAVAIL);
	snprintf(want, sizeof(want),
	         "network.eth0.address: 'auto': bridge 'syscbr0' has no IPv4 address "
	         "(%s/web/config:7)",
	         world.root);
	CHECK(text_is(world.err.text, want));
	container_done(&container);
	netlink_close(&netlink);
	leave_world(&world);
}

TEST(what_is_decided)
{
	struct world world;
	struct container container;
	struct network_decided *decided = NULL, *again = NULL;

	enter_world(&world);
	make_bridge(&world);
	make_container(&world, &container, "web",
	               "[network.eth0]\nbridge = syscbr0\naddress = auto\naddress = fd00:7::2/64\n"
	               "dns = auto\ndns = 192.0.2.53\n"
	               "[network.eth1]\nbridge = syscbr0\naddress = dhcp\nmtu = 1400\n"
	               "[network.eth2]\ntype = none\n");
	CHECK_INT(network_decide(&container, &decided, &world.err), 0);
	CHECK_INT(decided[0].address.count, 2);
	CHECK(text_starts(decided[0].address.items[0], "10.83."));
	CHECK(text_ends(decided[0].address.items[0], "/20"));
	CHECK(text_is(decided[0].address.items[1], "fd00:7::2/64"));
	CHECK(text_is(decided[0].gateway, "10.83.0.1"));
	CHECK(text_is(decided[0].dns.items[0], "10.83.0.1"));
	CHECK(text_is(decided[0].dns.items[1], "192.0.2.53"));
	CHECK_INT(decided[0].mtu, 1500);
	CHECK(decided[0].bridge_index > 0 && !decided[0].has_dhcp);
	CHECK(decided[1].has_dhcp && !decided[1].gateway && decided[1].address.count == 0);
	CHECK_INT(decided[1].mtu, 1400);
	CHECK_INT(decided[2].bridge_index, 0);
	CHECK_INT(network_decide(&container, &again, &world.err), 0);
	CHECK(text_is(decided[0].address.items[0], again[0].address.items[0]));
	network_decided_free(decided, 3);
	network_decided_free(again, 3);
	container_done(&container);
	leave_world(&world);
}

TEST(two_containers_and_the_host_reach_one_another)
{
	struct world world;
	struct container one, two;
	struct network first, second;
	struct strings one_addresses = {0}, two_addresses = {0};
	struct network_counters counters = {0};
	int one_ns, two_ns;

	enter_world(&world);
	make_bridge(&world);
	make_container(&world, &one, "one",
	               "[network.eth0]\nbridge = syscbr0\nmac = 10:66:6a:00:00:11\naddress = auto\n"
	               "address = fd00:7::2/64\n");
	make_container(
		&world, &two, "two",
		"[network.eth0]\nbridge = syscbr0\naddress = auto\naddress = fd00:7::3/64\n");
	one_ns = make_namespace();
	two_ns = make_namespace();
	CHECK_INT(attach(&world, &one, one_ns, &first), 0);
	CHECK_INT(attach(&world, &two, two_ns, &second), 0);
	CHECK_INT(first.count, 1);
	CHECK(text_is(first.links[0].host_name, "ve-one") && link_exists("ve-one"));
	CHECK_INT(network_addresses(one_ns, &one_addresses, &world.err), 0);
	CHECK_INT(network_addresses(two_ns, &two_addresses, &world.err), 0);
	CHECK_INT(one_addresses.count, 2);
	CHECK(text_is(one_addresses.items[1], "fd00:7::2"));
	CHECK(!text_is(one_addresses.items[0], two_addresses.items[0]));
	exchange(one_ns, two_ns, two_addresses.items[0]);
	exchange(two_ns, one_ns, "fd00:7::2");
	exchange(one_ns, -1, "10.83.0.1");
	exchange(-1, two_ns, two_addresses.items[0]);
	exchange(one_ns, one_ns, "127.0.0.1");
	CHECK_INT(network_counters("ve-one", &counters, &world.err), 0);
	CHECK(counters.tx_packets >= 3 && counters.rx_packets >= 3 && counters.rx_bytes > 0);
	CHECK_INT(network_detach(&first, &world.err), 0);
	CHECK(!link_exists("ve-one") && link_exists("ve-two"));
	second.links[0].host_index = 0; /* as read from a state file */
	CHECK_INT(network_detach(&second, &world.err), 0);
	CHECK(!link_exists("ve-two"));
	strings_done(&one_addresses);
	strings_done(&two_addresses);
	container_done(&one);
	container_done(&two);
	close(one_ns);
	close(two_ns);
	leave_world(&world);
}

TEST(detach_of_what_is_gone_is_fine)
{
	struct world world;
	struct container container;
	struct network network, copy;
	int netns;

	enter_world(&world);
	make_bridge(&world);
	make_container(&world, &container, "web", two_networks);
	netns = make_namespace();
	CHECK_INT(attach(&world, &container, netns, &network), 0);
	CHECK_INT(network.count, 2);
	copy = network;
	CHECK_INT(network_detach(&network, &world.err), 0);
	CHECK_INT(network_detach(&copy, &world.err), 0);
	copy = (struct network){.links = {{.host_name = "lo"}}, .count = 1};
	CHECK_INT(network_detach(&copy, &world.err), 0); /* no veth: left alone */
	CHECK(link_exists("lo"));
	container_done(&container);
	close(netns);
	leave_world(&world);
}

TEST(a_gateway_outside_of_the_subnet)
{
	struct world world;
	struct container container;
	struct network network;
	int netns;

	enter_world(&world);
	make_bridge(&world);
	make_container(&world, &container, "web",
	               "[network.eth0]\nbridge = syscbr0\naddress = 192.0.2.9/32\n"
	               "gateway = 10.83.0.1\nroute = 198.51.100.0/24 10.83.0.1\n");
	netns = make_namespace();
	CHECK_INT(attach(&world, &container, netns, &network), 0);
	/* no way back to 192.0.2.9 from here, but one for what is sent: no ENETUNREACH */
	CLEAN_FD int fd = udp_socket(netns, AF_INET);
	struct sockaddr_in far = {.sin_family = AF_INET, .sin_port = htons(9)};

	CHECK_INT(inet_pton(AF_INET, "203.0.113.1", &far.sin_addr), 1);
	CHECK_INT(sendto(fd, "x", 1, 0, (struct sockaddr *)&far, sizeof(far)), 1);
	fd_close(&fd);
	CHECK_INT(network_detach(&network, &world.err), 0);
	container_done(&container);
	close(netns);
	leave_world(&world);
}

TEST(without_networks_only_the_loopback_is_up)
{
	struct world world;
	struct container container;
	struct network network;
	struct strings addresses = {0};
	int netns;

	enter_world(&world);
	make_container(&world, &container, "web", "[network.eth0]\ntype = none\n");
	netns = make_namespace();
	CHECK_INT(attach(&world, &container, netns, &network), 0);
	exchange(netns, netns, "127.0.0.1");
	CHECK_INT(network_addresses(netns, &addresses, &world.err), 0);
	CHECK_INT(addresses.count, 0);
	CHECK_INT(network_detach(&network, &world.err), 0);
	container_done(&container);
	close(netns);
	leave_world(&world);
}

TEST(a_left_over_is_replaced_and_a_stranger_is_not)
{
	CLEAN_NETLINK struct netlink netlink = NETLINK_NONE;
	static const unsigned char mac[LINK_MAC_SIZE] = {0x10, 0x66, 0x6a, 0, 0, 2};
	struct world world;
	struct container one, two;
	struct network first, second;
	int netns, other;

	enter_world(&world);
	make_bridge(&world);
	make_container(&world, &one, "one", "[network.eth0]\nbridge = syscbr0\nhost_name = vx\n");
	make_container(&world, &two, "two", "[network.eth0]\nbridge = syscbr0\nhost_name = vx\n");
	netns = make_namespace();
	other = make_namespace();
	CHECK_INT(attach(&world, &one, netns, &first), 0);
	/* its own, as a crash leaves it: replaced */
	CHECK_INT(attach(&world, &one, other, &second), 0);
	CHECK(second.links[0].host_index != first.links[0].host_index);
	/* another container's: told with its owner, and left */
	close(netns);
	netns = make_namespace();
	CHECK_INT(attach(&world, &two, netns, &first), -EEXIST);
	CHECK(strstr(world.err.text, "'vx' exists already"));
	CHECK(strstr(world.err.text, "sysc container one of "));
	CHECK_INT(first.count, 0);
	CHECK(link_exists("vx"));
	CHECK_INT(network_detach(&second, &world.err), 0);
	/* no veth at all */
	CHECK_INT(netlink_open(&netlink, &world.err), 0);
	CHECK(link_make_bridge(&netlink, "vx", mac, &world.err) > 0);
	CHECK_INT(attach(&world, &one, netns, &first), -EEXIST);
	CHECK(strstr(world.err.text, "'vx' exists already"));
	CHECK(link_exists("vx"));
	netlink_close(&netlink);
	container_done(&one);
	container_done(&two);
	close(netns);
	close(other);
	leave_world(&world);
}

TEST(a_failed_attach_leaves_no_link)
{
	struct world world;
	struct container container;
	struct network network;
	int netns;

	enter_world(&world);
	make_bridge(&world);
	/* the kernel has no way to that gateway */
	make_container(&world, &container, "web",
	               "[network.eth0]\nbridge = syscbr0\naddress = 192.0.2.9/24\n"
	               "route = 198.51.100.0/24 203.0.113.1\n");
	netns = make_namespace();
	CHECK(attach(&world, &container, netns, &network) < 0);
	CHECK(strstr(world.err.text, "network.eth0: route '198.51.100.0/24' by '203.0.113.1'"));
	CHECK(strstr(world.err.text, "gateway")); /* the kernel's own words */
	CHECK(!link_exists("ve-web"));
	CHECK_INT(network.count, 0);
	container_done(&container);
	close(netns);
	leave_world(&world);
}
