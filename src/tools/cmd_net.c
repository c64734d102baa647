/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sysc net: the default bridge. `up` makes what is not there yet and records what it made (net_record.h);
 * `down` undoes that. DHCP and DNS: net_dhcp.h, NAT: net_nat.h.
 */
#include "base/cleanup.h"
#include "base/file.h"
#include "base/table.h"
#include "base/text.h"
#include "network/address.h"
#include "network/bridge.h"
#include "tools/command.h"
#include "tools/net_dhcp.h"
#include "tools/net_nat.h"
#include "tools/net_record.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define DEFAULT_ADDRESS "10.83.0.1/20"
#define FORWARDING      "/proc/sys/net/ipv4/ip_forward"

static const char *bridge_option, *address_option;
static bool without_dhcp, without_nat, force;

/* One run of the command. */
struct net {
	const struct call *call;
	const char *bridge;
	struct address address;
	struct net_record record; /* as it is to be written */
};

/* Stable for a bridge of that name, so that neighbours know it again. */
static void make_mac(const char *bridge, char out[18])
{
	unsigned long long hash = text_hash(bridge);

	(void)snprintf(out, 18, "10:66:6a:%02x:%02x:%02x", (unsigned int)(hash & 0xff),
	               (unsigned int)(hash >> 8 & 0xff), (unsigned int)(hash >> 16 & 0xff));
}

static bool forwarding_is_on(void)
{
	char text[16];

	return file_read_small(AT_FDCWD, FORWARDING, text, sizeof(text)) > 0 && text_is(text, "1");
}

static int save(struct net *net, struct error *err)
{
	return net_record_write(&net->call->paths, net->bridge, &net->record, err);
}

static int bridge_step(struct net *net, struct error *err)
{
	struct bridge_status status;
	char mac[18], address[ADDRESS_TEXT_MAX];
	int r = bridge_status(net->bridge, &status, err);

	if (r < 0)
		return r;
	make_mac(net->bridge, mac);
	r = bridge_up(net->bridge, address_format(&net->address, address), mac, err);
	if (r < 0)
		return r;
	if (!status.exists)
		net->record.bridge = true;
	(void)snprintf(net->record.address, sizeof(net->record.address), "%s", address);
	return 0;
}

static int forwarding_step(struct net *net, struct error *err)
{
	if (forwarding_is_on())
		return 0;
	if (file_write(AT_FDCWD, FORWARDING, "1", err) < 0) {
		output_note(net->call, "%s: containers reach this host only", err->text);
		error_clear(err);
		return 0;
	}
	net->record.forwarding = true;
	return 0;
}

static int dhcp_step(struct net *net, struct error *err)
{
	int r;

	if (without_dhcp || net_dhcp_is_alive(&net->record))
		return 0;
	r = net_dhcp_start(&net->call->paths, net->bridge, &net->address, &net->record, err);
	if (r == -ENOENT) {
		output_note(net->call, "%s: no DHCP and no DNS on '%s'", err->text, net->bridge);
		error_clear(err);
		return 0;
	}
	return r < 0 ? fail_hint(err, "or leave it out: --no-dhcp") : 0;
}

static int nat_step(struct net *net, struct error *err)
{
	int r;

	if (without_nat)
		return 0;
	r = net_nat_status(net->bridge, err);
	if (r == -ENOENT || r == -EOPNOTSUPP) {
		output_note(net->call, "%s: no NAT for '%s'", err->text, net->bridge);
		error_clear(err);
		return 0;
	}
	if (r < 0 || (r > 0 && net->record.nat))
		return r < 0 ? r : 0;
	r = net_nat_load(net->bridge, &net->address, err);
	if (r < 0)
		return fail_hint(err, "or leave it out: --no-nat");
	net->record.nat = true;
	return 0;
}

/* Undoes what record says beyond what kept says; the first failure is told, the rest still done. */
static int undo(struct net *net, const struct net_record *kept, bool use_force, struct error *err)
{
	const struct paths *paths = &net->call->paths;
	struct net_record *record = &net->record;
	struct error said = {0};
	int result = 0, r;

	if (record->dhcp_pid && record->dhcp_pid != kept->dhcp_pid) {
		r = net_dhcp_stop(paths, net->bridge, record, err);
		result = r < 0 ? r : result;
	}
	if (record->nat && !kept->nat) {
		r = net_nat_remove(net->bridge, result < 0 ? &said : err);
		record->nat = r < 0;
		result = result < 0 ? result : r;
	}
	if (record->forwarding && !kept->forwarding) {
		r = net_record_pass_forwarding(paths, net->bridge, result < 0 ? &said : err);
		if (r == 0)
			r = file_write(AT_FDCWD, FORWARDING, "0", result < 0 ? &said : err);
		record->forwarding = r < 0;
		result = result < 0 || r > 0 ? result : r;
	}
	if (record->bridge && !kept->bridge) {
		r = bridge_down(net->bridge, use_force, result < 0 ? &said : err);
		record->bridge = r < 0;
		result = result < 0 ? result : r;
	}
	return result;
}

static void tell_up(const struct net *net)
{
	CLEAN(text_done) struct text line = {0};
	char address[ADDRESS_TEXT_MAX];
	uint32_t first, last;

	text_addf(&line, "bridge '%s' is up: %s, forwarding %s", net->bridge,
	          address_format(&net->address, address), forwarding_is_on() ? "on" : "off");
	if (net->record.dhcp_pid && address_dhcp_range(&net->address, &first, &last)) {
		struct address from = address_from_number(first, 32);
		struct address to = address_from_number(last, 32);

		text_addf(&line, ", DHCP %s", address_format_host(&from, address));
		text_addf(&line, " to %s", address_format_host(&to, address));
	}
	if (net->record.nat)
		text_add(&line, ", NAT");
	output_line(net->call, "%s", line.data);
}

static int up(struct net *net, struct error *err)
{
	static int (*const steps[])(struct net *, struct error *) = {bridge_step, forwarding_step,
	                                                             dhcp_step, nat_step};
	const struct net_record before = net->record;
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(steps) && r >= 0; i++) {
		r = steps[i](net, err);
		/* after each one: if we are killed, `down` knows what there is */
		if (r >= 0)
			r = save(net, err);
	}
	if (r < 0) {
		struct error ignored = {0}; /* the cause is what is told */

		(void)undo(net, &before, true, &ignored);
		(void)save(net, &ignored);
		return output_error(net->call, NULL, err);
	}
	tell_up(net);
	return EXIT_DONE;
}

static int down(struct net *net, struct error *err)
{
	const struct net_record nothing = {.bridge = false};
	struct bridge_status status;
	int r = bridge_status(net->bridge, &status, err);

	if (r < 0)
		return output_error(net->call, NULL, err);
	if (net_record_is_empty(&net->record)) {
		if (!status.exists) {
			output_line(net->call, "bridge '%s' is not up", net->bridge);
			return EXIT_DONE;
		}
		(void)fail_plain(err, EPERM,
		                 "bridge '%s' was not made by sysc-net up: left as it is",
		                 net->bridge);
		return output_error(net->call, NULL, err);
	}
	if (status.ports > 0 && !force) {
		(void)fail_plain(err, EBUSY, "bridge '%s' is in use: %d %s attached", net->bridge,
		                 status.ports, status.ports == 1 ? "port is" : "ports are");
		(void)fail_hint(err, "-f takes it away from them");
		return output_error(net->call, NULL, err);
	}
	r = undo(net, &nothing, force, err);
	if (r < 0) {
		struct error ignored = {0};

		(void)save(net, &ignored);
		return output_error(net->call, NULL, err);
	}
	if (save(net, err) < 0)
		return output_error(net->call, NULL, err);
	output_line(net->call, "bridge '%s' is down", net->bridge);
	return EXIT_DONE;
}

static int print_json(const struct net *net, const struct bridge_status *status, int nat)
{
	CLEAN(json_done) struct json json = {0};
	CLEAN_FREE char *table = net_nat_table(net->bridge);
	bool alive = net_dhcp_is_alive(&net->record);

	output_json_begin(&json);
	json_string(&json, "bridge", net->bridge);
	json_bool(&json, "exists", status->exists);
	json_bool(&json, "is_bridge", status->is_bridge);
	json_bool(&json, "up", status->is_up);
	json_string(&json, "address", status->address[0] ? status->address : NULL);
	json_number(&json, "ports", status->ports);
	json_bool(&json, "made", net->record.bridge);
	json_bool(&json, "forwarding", forwarding_is_on());
	json_object(&json, "dhcp");
	if (net->record.dhcp_pid)
		json_number(&json, "pid", net->record.dhcp_pid);
	else
		json_null(&json, "pid");
	json_bool(&json, "alive", alive);
	json_end_object(&json);
	json_object(&json, "nat");
	json_string(&json, "table", table);
	json_bool(&json, "present", nat > 0);
	json_end_object(&json);
	json_end_object(&json);
	return output_json(net->call, &json);
}

static int status(struct net *net, struct error *err)
{
	CLEAN(text_done) struct text text = {0};
	CLEAN_FREE char *table = net_nat_table(net->bridge);
	struct bridge_status found;
	struct error said = {0};
	int nat;

	if (bridge_status(net->bridge, &found, err) < 0)
		return output_error(net->call, NULL, err);
	nat = net_nat_status(net->bridge, &said);
	if (net->call->json)
		return print_json(net, &found, nat);
	text_addf(&text, "bridge      %s (%s)\n", net->bridge,
	          !found.exists      ? "absent"
	          : !found.is_bridge ? "not a bridge"
	          : found.is_up      ? "up"
	                             : "down");
	text_addf(&text, "address     %s\n", found.address[0] ? found.address : "-");
	text_addf(&text, "ports       %d\n", found.ports);
	text_addf(&text, "forwarding  %s\n", forwarding_is_on() ? "on" : "off");
	if (net->record.dhcp_pid)
		text_addf(&text, "dnsmasq     pid %d%s\n", (int)net->record.dhcp_pid,
		          net_dhcp_is_alive(&net->record) ? "" : ", has ended");
	else
		text_add(&text, "dnsmasq     -\n");
	text_addf(&text, "NAT         %s%s\n", nat > 0 ? "table ip " : "",
	          nat > 0   ? table
	          : nat < 0 ? said.text
	                    : "-");
	return output_text(net->call, &text);
}

/* nft and dnsmasq read patterns and quotes in a name: only what is neither is taken. */
static bool is_plain_name(const char *name)
{
	if (!*name || strlen(name) >= IFNAMSIZ || *name == '.' || *name == '-')
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && !strchr("_.-", *name))
			return false;
	return true;
}

static int choose_address(struct net *net)
{
	const char *given = address_option ? address_option : DEFAULT_ADDRESS;
	struct address *address = &net->address;
	uint32_t number;

	if (address_parse(given, address) < 0 || address->family != AF_INET ||
	    !strchr(given, '/') || address->prefix < 8 || address->prefix > 30)
		return output_usage(net->call,
		                    "option '--address': '%s' is not an IPv4 address with a prefix "
		                    "length from 8 to 30",
		                    given);
	number = address_number(address);
	if (number == address_first(address) || number == address_last(address))
		return output_usage(net->call,
		                    "option '--address': '%s' is not the address of a host", given);
	return 0;
}

/* An address that was recorded is kept when none is asked for. */
static void use_recorded_address(struct net *net)
{
	struct address recorded;

	if (!address_option && net->record.address[0] &&
	    address_parse(net->record.address, &recorded) == 0)
		net->address = recorded;
}

static int run(struct call *call)
{
	static const struct {
		const char *verb;
		int (*run)(struct net *, struct error *);
	} verbs[] = {
		{"up",     up    },
                {"down",   down  },
                {"status", status}
        };
	struct net net = {.call = call,
	                  .bridge = bridge_option ? bridge_option : call->paths.bridge};
	CLEAN_FD int lock = -1;
	struct error err = {0};
	int r;

	if (call->names.count > 1)
		return output_usage(call, "'%s' is one word too many", call->names.items[1]);
	if (!is_plain_name(net.bridge))
		return output_usage(call,
		                    "'%s' is no name for a bridge (at most %d letters, digits, "
		                    "'_', '.', '-')",
		                    net.bridge, IFNAMSIZ - 1);
	r = choose_address(&net);
	if (r != 0)
		return r;
	lock = net_record_lock(&call->paths, &err);
	if (lock < 0 || net_record_read(&call->paths, net.bridge, &net.record, &err) < 0)
		return output_error(call, NULL, &err);
	use_recorded_address(&net);
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (text_is(call->names.items[0], verbs[i].verb))
			return verbs[i].run(&net, &err);
	return output_usage(call, "unknown verb '%s'", call->names.items[0]);
}

static const struct option_row options[] = {
	{0,		"bridge", OPTION_STRING, &bridge_option, "NAME", "bridge instead of the default one"},
	{0,   "address", OPTION_STRING, &address_option, "CIDR",
         "up: its address and subnet, default " DEFAULT_ADDRESS},
	{0,          "no-dhcp", OPTION_FLAG, &without_dhcp, NULL, "up: start no dnsmasq"},
	{0,		"no-nat", OPTION_FLAG, &without_nat, NULL, "up: load no nftables table"},
	{'f',     "force", OPTION_FLAG, &force, NULL, "down: even while interfaces are attached"},
	{0}
};

static const char *const net_verbs[] = {"up", "down", "status", NULL};

const struct command cmd_net = {
	.name = "net",
	.operands = "up|down|status",
	.summary = "Make, remove or show the bridge that containers are plugged into",
	.details =
		"up makes the bridge with its address, turns forwarding on, starts DHCP and DNS\n"
		"by dnsmasq and loads NAT by nft, each where the program is installed.\n"
		"down undoes what up did. A second up changes nothing.\n",
	.options = options,
	.needs = NEEDS_NONE,
	.flags = COMMAND_VERBS | COMMAND_JSON | COMMAND_ROOT,
	.verbs = net_verbs,
	.run = run,
};
