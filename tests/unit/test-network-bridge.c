/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bridges, each case in a network namespace of its own. */
#include "../lib/need.h"
#include "base/error.h"
#include "base/text.h"
#include "network/bridge.h"
#include "network/link.h"
#include "network/netlink.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>

static const char mac[] = "10:66:6a:00:00:01";

static void enter(void)
{
	NEED("root", geteuid() == 0, "needs root");
	NEED("netns", unshare(CLONE_NEWNET) == 0, "network namespaces cannot be made here");
}

TEST(up_twice_and_down_twice)
{
	struct bridge_status status;
	struct error err = {0};

	enter();
	CHECK_INT(bridge_status("br-test", &status, &err), 0);
	CHECK(!status.exists);
	for (int i = 0; i < 2; i++) {
		CHECK_INT(bridge_up("br-test", "192.0.2.1/24", mac, &err), 0);
		CHECK_INT(bridge_status("br-test", &status, &err), 0);
		CHECK(status.exists && status.is_bridge && status.is_up);
		CHECK(text_is(status.address, "192.0.2.1/24"));
		CHECK_INT(status.ports, 0);
	}
	for (int i = 0; i < 2; i++)
		CHECK_INT(bridge_down("br-test", false, &err), 0);
	CHECK_INT(bridge_status("br-test", &status, &err), 0);
	CHECK(!status.exists);
}

TEST(another_address_is_refused)
{
	struct bridge_status status;
	struct error err = {0};

	enter();
	CHECK_INT(bridge_up("br-test", "192.0.2.1/24", mac, &err), 0);
	CHECK_INT(bridge_up("br-test", "192.0.2.1/25", mac, &err), -EADDRINUSE);
	CHECK(text_is(err.text,
	              "bridge 'br-test' has address 192.0.2.1/24 already, not 192.0.2.1/25"));
	CHECK_INT(bridge_status("br-test", &status, &err), 0);
	CHECK(text_is(status.address, "192.0.2.1/24"));
}

TEST(what_is_no_bridge_is_left_alone)
{
	struct bridge_status status;
	struct error err = {0};

	enter();
	CHECK_INT(bridge_up("lo", "192.0.2.1/24", mac, &err), -EEXIST);
	CHECK(text_is(err.text, "interface 'lo' exists already and is not a bridge"));
	CHECK_INT(bridge_down("lo", true, &err), -ENOTSUP);
	CHECK_INT(bridge_status("lo", &status, &err), 0);
	CHECK(status.exists && !status.is_bridge);
}

TEST(wrong_names_and_addresses)
{
	struct error err = {0};

	enter();
	CHECK_INT(bridge_up("", "192.0.2.1/24", mac, &err), -EINVAL);
	CHECK_INT(bridge_up("a-name-of-16-chr", "192.0.2.1/24", mac, &err), -EINVAL);
	CHECK_INT(bridge_up("br-test", "192.0.2.1/33", mac, &err), -EINVAL);
	CHECK_INT(bridge_up("br-test", "192.0.2.1/24", "10:66", &err), -EINVAL);
	CHECK(bridge_up("br/test", "192.0.2.1/24", mac, &err) < 0);
}

TEST(a_port_keeps_it_unless_forced)
{
	struct link_veth veth = {.host_name = "port", .peer_name = "eth0"};
	struct netlink netlink = NETLINK_NONE;
	struct bridge_status status;
	struct error err = {0};

	enter();
	CHECK_INT(bridge_up("br-test", "192.0.2.1/24", mac, &err), 0);
	CHECK_INT(netlink_open(&netlink, &err), 0);
	veth.master = netlink_link_index(&netlink, "br-test");
	CHECK(veth.master > 0);
	veth.netns_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	CHECK(link_make_veth(&netlink, &veth, &err) > 0);
	CHECK_INT(bridge_status("br-test", &status, &err), 0);
	CHECK_INT(status.ports, 1);
	CHECK_INT(bridge_down("br-test", false, &err), -EBUSY);
	CHECK(text_is(err.text, "bridge 'br-test' is in use: 1 port is attached"));
	CHECK_INT(bridge_down("br-test", true, &err), 0);
	CHECK(netlink_link_index(&netlink, "port") > 0);
	close(veth.netns_fd);
	netlink_close(&netlink);
}
