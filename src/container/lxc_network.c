/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lxc.net.N.* and lxc.network.*: the lines of an interface are gathered, since its type, its name and whether it has
 * addresses decide what each of them is; then [network.NAME] is made of them.
 */
#include "base/cleanup.h"
#include "base/error.h"
#include "container/check.h"
#include "container/lxc_translate.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define NEW "lxc.net."
#define OLD "lxc.network."

#define NETS_MAX 64 /* interfaces of one container */

/* --- gathering --- */

/* NULL: there are too many. */
static struct lxc_net *net_of(struct lxc_translation *t, const char *index)
{
	for (size_t i = 0; i < t->net_count; i++)
		if (text_is(t->nets[i].index, index))
			return &t->nets[i];
	if (t->net_count == NETS_MAX)
		return NULL;
	t->nets = must_realloc(t->nets, (t->net_count + 1) * sizeof(*t->nets));
	t->nets[t->net_count] = (struct lxc_net){.index = lxc_keep(t, must_dup(index))};
	return &t->nets[t->net_count++];
}

static void clear_nets(struct lxc_translation *t)
{
	for (size_t i = 0; i < t->net_count; i++)
		lxc_lines_done(&t->nets[i].lines);
	t->net_count = 0;
}

/* Version 2 has no numbers, but begins an interface by its type; both are "lxc.net.INDEX.…" from here on. */
static void number(struct lxc_translation *t, struct lxc_line *line)
{
	const char *rest = line->name + strlen(OLD);

	if (isdigit((unsigned char)*rest)) {
		line->name = lxc_keep(t, must_printf(NEW "%s", rest));
		return;
	}
	if (text_is(rest, "type"))
		t->old_nets++;
	line->name = lxc_keep(t, must_printf(NEW "old%u.%s", t->old_nets, rest));
}

void lxc_network_take(struct lxc_translation *t, struct lxc_line *line)
{
	CLEAN_FREE char *index = NULL, *star = NULL;
	struct lxc_net *net;
	const char *at;

	if (text_is(line->name, "lxc.net") || text_is(line->name, "lxc.network")) {
		if (*line->value)
			lxc_leave(t, line, "it takes no value");
		clear_nets(t);
		return;
	}
	if (text_starts(line->name, OLD))
		number(t, line);
	line->row = lxc_row_find(line->name, &star);
	at = line->name + strlen(NEW);
	index = must_printf("%.*s", (int)strcspn(at, "."), at);
	net = net_of(t, index);
	if (!net)
		lxc_leave(t, line, "a container has at most %d interfaces", NETS_MAX);
	else if (at[strlen(index)])
		lxc_lines_add(&net->lines, line);
	else if (!*line->value) /* "lxc.net.0 =" */
		lxc_lines_done(&net->lines);
	else
		lxc_leave(t, line, "it takes no value");
}

/* --- one interface --- */

/* The value of its key, the last that counts; NULL: none. */
static const char *value_of(const struct lxc_net *net, const char *key)
{
	const char *value = NULL;

	for (size_t i = 0; i < net->lines.count; i++) {
		const char *name = strchr(net->lines.items[i].name + strlen(NEW), '.') + 1;

		if (text_is(name, key))
			value = net->lines.items[i].value;
	}
	return value && *value ? value : NULL;
}

static bool has_address(const struct lxc_net *net)
{
	return value_of(net, "ipv4.address") || value_of(net, "ipv6.address") ||
	       value_of(net, "ipv4") || value_of(net, "ipv6");
}

static void copy(struct lxc_translation *t, const struct lxc_row *row, const struct lxc_line *line,
                 const char *section)
{
	const char *name = strchr(row->to, '.') + 1;

	if (*line->value)
		(void)lxc_set(t, section, name, line->value, line);
	else
		lxc_clear(t, section, name);
}

static void take_mac(struct lxc_translation *t, const struct lxc_row *row,
                     const struct lxc_line *line, const char *section)
{
	CLEAN_FREE char *value = must_dup(line->value);

	(void)row;
	for (char *at = value; *at; at++)
		*at = (char)tolower((unsigned char)*at);
	if (*value)
		(void)lxc_set(t, section, "mac", value, line);
	else
		lxc_clear(t, section, "mac");
}

/* Without a prefix length LXC takes that of the address's class. */
static unsigned int old_prefix(const char *address)
{
	int first = 0;

	if (strchr(address, ':'))
		return 64;
	for (const char *at = address; isdigit((unsigned char)*at) && first < 1000; at++)
		first = first * 10 + (*at - '0');
	return first < 128 ? 8 : first < 192 ? 16 : 24;
}

/* "10.0.3.5/24 10.0.3.255": the broadcast address follows from the first. */
static void take_address(struct lxc_translation *t, const struct lxc_row *row,
                         const struct lxc_line *line, const char *section)
{
	CLEAN_FREE char *address =
		must_printf("%.*s", (int)strcspn(line->value, " \t"), line->value);
	CLEAN_FREE char *whole = NULL;

	(void)row;
	if (!*address) {
		lxc_clear(t, section, "address");
		return;
	}
	whole = strchr(address, '/') ? must_dup(address)
	                             : must_printf("%s/%u", address, old_prefix(address));
	(void)lxc_set(t, section, "address", whole, line);
}

/* One of each family; "gateway" has room for one, the other is a route. "dev": out, whoever answers. */
static void take_gateway(struct lxc_translation *t, const struct lxc_row *row,
                         const struct lxc_line *line, const char *section)
{
	const char *all = strstr(row->key, "ipv6") ? "::/0" : "0.0.0.0/0";
	const struct lxc_value *other = lxc_find(t, section, "gateway");
	CLEAN_FREE char *route = NULL;

	if (!*line->value)
		return;
	if (!other && !text_is(line->value, "dev")) {
		(void)lxc_set(t, section, "gateway", line->value, line);
		return;
	}
	if (text_is(line->value, "auto")) {
		if (!other || !text_is(other->value, "auto"))
			lxc_leave(t, line,
			          "only one gateway can be found by itself: write a route");
		return;
	}
	route = text_is(line->value, "dev") ? must_dup(all)
	                                    : must_printf("%s %s", all, line->value);
	(void)lxc_set(t, section, "route", route, line);
}

static void take_flags(struct lxc_translation *t, const struct lxc_row *row,
                       const struct lxc_line *line, const char *section)
{
	(void)row, (void)section;
	if (*line->value && !text_is(line->value, "up"))
		lxc_note(t, line, "an interface is always up here");
}

static void take_type(struct lxc_translation *t, const struct lxc_row *row,
                      const struct lxc_line *line, const char *section)
{
	(void)row;
	(void)lxc_set(t, section, "type", "veth", line);
}

/* Known when the section was chosen. */
static void take_name(struct lxc_translation *t, const struct lxc_row *row,
                      const struct lxc_line *line, const char *section)
{
	(void)t, (void)row, (void)line, (void)section;
}

static void take_mode(struct lxc_translation *t, const struct lxc_row *row,
                      const struct lxc_line *line, const char *section)
{
	(void)row, (void)section;
	if (*line->value && !text_is(line->value, "bridge"))
		lxc_leave(t, line, "only interfaces in a bridge are known");
}

/* --- all of them --- */

/* Why there is no such interface here; NULL: there is. */
static const char *why_not(const char *type)
{
	static const struct {
		const char *type, *text;
	} others[] = {
		{"none",    "a container always has a network of its own, not the host's"     },
		{"empty",   "not needed: without an interface there is only the loopback"     },
		{"phys",    "an interface of the host's in the container is not supported yet"},
		{"macvlan", "macvlan is not supported yet"                                    },
		{"ipvlan",  "ipvlan is not supported yet"                                     },
		{"vlan",    "vlan is not supported yet"                                       },
	};

	if (!type)
		return "its interface has no type";
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (text_is(others[i].type, type))
			return others[i].text;
	return text_is(type, "veth") ? NULL : "its interface is of no type of LXC";
}

static bool is_taken(const struct lxc_translation *t, const char *section)
{
	for (size_t i = 0; i < t->value_count; i++)
		if (text_is(t->values[i].section, section))
			return true;
	return false;
}

/* Another interface asks for the name: one without a name does not take it away. */
static bool is_wanted(const struct lxc_translation *t, const char *name)
{
	for (size_t i = 0; i < t->net_count; i++)
		if (text_is(value_of(&t->nets[i], "name"), name))
			return true;
	return false;
}

/* "network.eth0": as it is called, or the first eth that is free. */
static char *choose_section(const struct lxc_translation *t, const struct lxc_net *net)
{
	const char *name = value_of(net, "name");

	if (name)
		return must_printf("network.%s", name);
	for (unsigned int i = 0;; i++) {
		CLEAN_FREE char *section = must_printf("network.eth%u", i);

		if (!is_taken(t, section) && !is_wanted(t, section + strlen("network.")))
			return ptr_take(section);
	}
}

static void leave_net(struct lxc_translation *t, const struct lxc_net *net, const char *text)
{
	for (size_t i = 0; i < net->lines.count; i++)
		if (*net->lines.items[i].value)
			lxc_leave(t, &net->lines.items[i], "%s", text);
}

static const struct lxc_line *line_of(const struct lxc_net *net, const char *key)
{
	for (size_t i = 0; i < net->lines.count; i++)
		if (text_is(strchr(net->lines.items[i].name + strlen(NEW), '.') + 1, key))
			return &net->lines.items[i];
	return NULL;
}

static void finish_net(struct lxc_translation *t, const struct lxc_net *net)
{
	const char *why = why_not(value_of(net, "type"));
	CLEAN_FREE char *section = why ? NULL : choose_section(t, net);
	const struct lxc_line *type = line_of(net, "type");
	struct error err = {0};

	if (section && check_interface(section + strlen("network."), &err) < 0)
		why = err.text;
	else if (section && is_taken(t, section))
		why = "another interface has this name";
	if (why) {
		leave_net(t, net, why);
		return;
	}
	for (size_t i = 0; i < net->lines.count; i++) {
		const struct lxc_line *line = &net->lines.items[i];
		const struct lxc_row *row = line->row;

		if (row)
			row->take(t, row, line, section);
		else
			lxc_leave(t, line, "LXC has no such key");
	}
	/* LXC leaves the interface to the guest, or sets no route */
	if (!has_address(net))
		(void)lxc_set(t, section, "address", "dhcp", type);
	else if (!lxc_find(t, section, "gateway"))
		(void)lxc_set(t, section, "gateway", "none", type);
}

void lxc_network_finish(struct lxc_translation *t)
{
	for (size_t i = 0; i < t->net_count; i++)
		if (t->nets[i].lines.count)
			finish_net(t, &t->nets[i]);
	clear_nets(t);
	free(ptr_take(t->nets));
}

/* --- the table --- */

static const char no_scripts[] = "hooks are not run yet";
static const char no_vlan[] = "VLANs are not supported yet";
static const char no_routes[] =
	"routes of the host are not made; network.route is inside the container";
static const char no_such_type[] = "interfaces of this type are not supported yet";

/* clang-format off */
const struct lxc_row lxc_rows_network[] = {
	{"lxc.net.*.type", NULL, "network.type", take_type, NULL},
	{"lxc.net.*.name", NULL, "network.IFNAME", take_name, NULL},
	{"lxc.net.*.link", NULL, "network.bridge", copy, NULL},
	{"lxc.net.*.flags", NULL, NULL, take_flags, NULL},
	{"lxc.net.*.hwaddr", NULL, "network.mac", take_mac, NULL},
	{"lxc.net.*.mtu", NULL, "network.mtu", copy, NULL},
	{"lxc.net.*.ipv4.address", "lxc.net.*.ipv4", "network.address", take_address, NULL},
	{"lxc.net.*.ipv6.address", "lxc.net.*.ipv6", "network.address", take_address, NULL},
	{"lxc.net.*.ipv4.gateway", NULL, "network.gateway", take_gateway, NULL},
	{"lxc.net.*.ipv6.gateway", NULL, "network.gateway", take_gateway, NULL},
	{"lxc.net.*.veth.pair", NULL, "network.host_name", copy, NULL},
	{"lxc.net.*.veth.mode", NULL, NULL, take_mode, NULL},
	{"lxc.net.*.veth.ipv4.route", NULL, NULL, lxc_take_none, no_routes},
	{"lxc.net.*.veth.ipv6.route", NULL, NULL, lxc_take_none, no_routes},
	{"lxc.net.*.veth.vlan.id", NULL, NULL, lxc_take_none, no_vlan},
	{"lxc.net.*.veth.vlan.tagged.id", NULL, NULL, lxc_take_none, no_vlan},
	{"lxc.net.*.veth.n_rxqueues", NULL, NULL, lxc_take_none, "the kernel chooses the queues"},
	{"lxc.net.*.veth.n_txqueues", NULL, NULL, lxc_take_none, "the kernel chooses the queues"},
	{"lxc.net.*.vlan.id", NULL, NULL, lxc_take_none, no_vlan},
	{"lxc.net.*.macvlan.mode", NULL, NULL, lxc_take_none, no_such_type},
	{"lxc.net.*.ipvlan.mode", NULL, NULL, lxc_take_none, no_such_type},
	{"lxc.net.*.ipvlan.isolation", NULL, NULL, lxc_take_none, no_such_type},
	{"lxc.net.*.l2proxy", NULL, NULL, lxc_take_none, "neighbours are not answered for"},
	{"lxc.net.*.script.up", NULL, NULL, lxc_take_none, no_scripts},
	{"lxc.net.*.script.down", NULL, NULL, lxc_take_none, no_scripts},
	{0},
};
/* clang-format on */
