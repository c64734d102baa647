/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table of configuration keys, one row each, and looking one up. Read from top to bottom it is
 * the list of what a configuration can say.
 */
#include "container/keys.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "container/check.h"
#include "container/config.h"

#include <errno.h>
#include <string.h>

#define FIELD(field)   .offset = offsetof(struct config, field)
#define NETWORK(field) .offset = offsetof(struct network_config, field)

/* in the order of enum network_type */
static const char *const network_types[] = {"veth", "none", NULL};
/* in the order of enum boot_restart, enum health_action */
static const char *const restart_policies[] = {"no", "on-failure", "always", NULL};
static const char *const health_actions[] = {"none", "restart", NULL};

/* clang-format off */
const struct key keys_table[] = {
	{.section = "container", .name = "description", .type = KEY_STRING, .flags = KEY_AT_REST, FIELD(description),
	 .form = "TEXT", .help = "what the container is for"},
	{.section = "container", .name = "arch", .type = KEY_STRING, FIELD(arch),
	 .check = check_word,
	 .form = "NAME",
	 .help = "machine that the container sees (uname -m), such as i686 on x86_64"},
	{.section = "container", .name = "hostname", .type = KEY_STRING, FIELD(hostname),
	 .check = check_host_name,
	 .form = "NAME", .help = "host name of the container; its own name when not set"},
	{.section = "container", .name = "uuid", .type = KEY_STRING, FIELD(uuid),
	 .check = check_uuid,
	 .form = "UUID", .help = "identity of the container, made at create"},
	{.section = "container", .name = "include", .type = KEY_INCLUDE, .flags = KEY_ADMIN_ONLY,
	 .form = "FILE|FOLDER",
	 .help = "reads this file, or the *.conf files of a folder, where it stands"},
	{.section = "container", .name = "groups", .type = KEY_LIST, .flags = KEY_AT_REST, FIELD(groups),
	 .check = check_word,
	 .form = "GROUP", .help = "group that the container belongs to, for --group"},
	{.section = "container", .name = "environment", .type = KEY_LIST, FIELD(environment),
	 .check = check_environment,
	 .form = "NAME=VALUE",
	 .help = "variable in the environment of init and of attached commands"},
	{.section = "container", .name = "init", .type = KEY_STRING, .flags = KEY_ADMIN_ONLY,
	 FIELD(init), .check = check_command, .fallback = "/sbin/init",
	 .form = "COMMAND", .help = "program that becomes process 1, with its arguments"},
	{.section = "container", .name = "privileged", .type = KEY_BOOL, .flags = KEY_ADMIN_ONLY,
	 FIELD(privileged), .fallback = "no",
	 .form = "BOOL", .help = "runs without a user namespace: root inside is root outside"},
	{.section = "container", .name = "ephemeral", .type = KEY_BOOL, FIELD(ephemeral),
	 .fallback = "no",
	 .form = "BOOL", .help = "is destroyed when it stops"},
	{.section = "container", .name = "nesting", .type = KEY_BOOL, .flags = KEY_ADMIN_ONLY,
	 FIELD(nesting), .fallback = "no",
	 .form = "BOOL", .help = "allows containers inside the container"},
	{.section = "boot", .name = "autostart", .type = KEY_BOOL, .flags = KEY_AT_REST, FIELD(boot.autostart),
	 .fallback = "no",
	 .form = "BOOL", .help = "is started when the host boots"},
	{.section = "boot", .name = "order", .type = KEY_NUMBER, .flags = KEY_AT_REST, FIELD(boot.order), .most = 1000000,
	 .fallback = "0",
	 .form = "NUMBER", .help = "place among those that start at boot, lower ones first"},
	{.section = "boot", .name = "delay", .type = KEY_DURATION, .flags = KEY_AT_REST, FIELD(boot.delay_ms),
	 .fallback = "0s",
	 .form = "DURATION", .help = "wait after it is ready at boot, before the next order"},
	{.section = "boot", .name = "after", .type = KEY_LIST, .flags = KEY_AT_REST, FIELD(boot.after),
	 .check = check_container_name,
	 .form = "NAME", .help = "container that must be ready before this one starts at boot"},
	{.section = "boot", .name = "ready", .type = KEY_STRING, FIELD(boot.ready),
	 .check = check_ready, .fallback = "running",
	 .form = "running|network|notify|command COMMAND", .help = "what counts as ready"},
	{.section = "boot", .name = "ready_timeout", .type = KEY_DURATION,
	 FIELD(boot.ready_timeout_ms), .fallback = "60s",
	 .form = "DURATION", .help = "longest wait for ready"},
	{.section = "boot", .name = "restart", .type = KEY_ENUM, .flags = KEY_LIVE,
	 FIELD(boot.restart), .choices = restart_policies, .fallback = "no",
	 .form = "no|on-failure|always", .help = "when it is started again after it ended by itself"},
	{.section = "boot", .name = "restart_delay", .type = KEY_DURATION, .flags = KEY_LIVE,
	 FIELD(boot.restart_delay_ms), .fallback = "1s",
	 .form = "DURATION",
	 .help = "wait before it is started again; doubled each time, up to 5min"},
	{.section = "boot", .name = "restart_limit", .type = KEY_NUMBER,
	 .flags = KEY_LIVE | KEY_LIMIT, FIELD(boot.restart_limit), .fallback = "5",
	 .form = "NUMBER|none",
	 .help = "how often it is started again before it has run for ten minutes"},
	{.section = "stop", .name = "halt_signal", .type = KEY_SIGNAL, FIELD(halt_signal),
	 .fallback = "auto",
	 .form = "SIGNAL|auto",
	 .help = "signal that asks init to power off; auto: by the init found in the guest"},
	{.section = "stop", .name = "reboot_signal", .type = KEY_SIGNAL, FIELD(reboot_signal),
	 .fallback = "auto",
	 .form = "SIGNAL|auto", .help = "signal that asks init to reboot"},
	{.section = "stop", .name = "kill_signal", .type = KEY_SIGNAL, FIELD(kill_signal),
	 .fallback = "auto",
	 .form = "SIGNAL|auto",
	 .help = "signal that ends init when the time is over; auto: SIGKILL"},
	{.section = "stop", .name = "timeout", .type = KEY_DURATION, FIELD(stop_timeout_ms),
	 .fallback = "60s",
	 .form = "DURATION", .help = "longest wait for init to end before it is killed"},
	{.section = "rootfs", .name = "path", .type = KEY_STRING, .flags = KEY_ADMIN_ONLY,
	 FIELD(rootfs_path), .check = check_rootfs,
	 .form = "[BACKEND:]PATH", .help = "root file system, BACKEND:PATH"},
	{.section = "rootfs", .name = "backend", .type = KEY_STRING, .flags = KEY_ADMIN_ONLY | KEY_AT_REST,
	 FIELD(rootfs_backend), .check = check_backend, .fallback = "dir",
	 .form = "dir|overlay|btrfs|loop|lvm|zfs|best",
	 .help = "backing store that create uses"},
	{.section = "rootfs", .name = "options", .type = KEY_STRING, .flags = KEY_ADMIN_ONLY,
	 FIELD(rootfs_options),
	 .form = "OPTIONS",
	 .help = "options of the backing store and the mount, separated by commas"},
	{.section = "rootfs", .name = "readonly", .type = KEY_BOOL, .flags = KEY_ADMIN_ONLY,
	 FIELD(rootfs_readonly), .fallback = "no",
	 .form = "BOOL", .help = "mounts the root file system read-only"},
	{.section = "rootfs", .name = "size", .type = KEY_SIZE, .flags = KEY_ADMIN_ONLY | KEY_LIMIT | KEY_LIVE,
	 FIELD(rootfs_size), .least = 1 << 20, .fallback = "none",
	 .form = "SIZE|none", .help = "quota of the root file system"},
	{.section = "rootfs", .name = "managed", .type = KEY_BOOL, .flags = KEY_ADMIN_ONLY | KEY_AT_REST,
	 FIELD(rootfs_managed), .fallback = "yes",
	 .form = "BOOL", .help = "destroy removes the root file system too"},
	{.section = "idmap", .name = "map", .type = KEY_LIST, .flags = KEY_ADMIN_ONLY, FIELD(idmap),
	 .check = check_idmap,
	 .form = "u|g|b INSIDE OUTSIDE COUNT|auto",
	 .help = "range of user and group ids; auto: chosen at create"},
	{.section = "network", .name = "type", .type = KEY_ENUM, .flags = KEY_NETWORK,
	 NETWORK(type), .check = check_network_type, .choices = network_types, .fallback = "veth",
	 .form = "veth|none", .help = "kind of interface; none leaves it out"},
	{.section = "network", .name = "bridge", .type = KEY_STRING,
	 .flags = KEY_NETWORK | KEY_ADMIN_ONLY, NETWORK(bridge), .check = check_interface,
	 .form = "BRIDGE", .help = "bridge of the host that the interface is plugged into"},
	{.section = "network", .name = "link", .type = KEY_STRING, .flags = KEY_NETWORK | KEY_LATER,
	 .form = "INTERFACE",
	 .help = "interface of the host below a macvlan, ipvlan, vlan or phys one"},
	{.section = "network", .name = "mac", .type = KEY_STRING, .flags = KEY_NETWORK,
	 NETWORK(mac), .check = check_mac,
	 .form = "MAC", .help = "hardware address; each x is chosen at create"},
	{.section = "network", .name = "mtu", .type = KEY_NUMBER, .flags = KEY_NETWORK,
	 NETWORK(mtu), .least = 68, .most = 65535,
	 .form = "BYTES", .help = "largest packet; the bridge's when not set"},
	{.section = "network", .name = "address", .type = KEY_LIST, .flags = KEY_NETWORK,
	 NETWORK(address), .check = check_address,
	 .form = "CIDR|auto|dhcp",
	 .help = "address; auto: taken from the bridge's subnet and kept, dhcp: left to the guest"},
	{.section = "network", .name = "gateway", .type = KEY_STRING, .flags = KEY_NETWORK,
	 NETWORK(gateway), .check = check_gateway, .fallback = "auto",
	 .form = "ADDRESS|auto|none", .help = "default route; auto: the bridge's address"},
	{.section = "network", .name = "dns", .type = KEY_LIST, .flags = KEY_NETWORK, NETWORK(dns),
	 .check = check_dns,
	 .form = "ADDRESS|auto", .help = "name server; auto: the bridge's address"},
	{.section = "network", .name = "vlan", .type = KEY_STRING, .flags = KEY_NETWORK | KEY_LATER,
	 .form = "ID", .help = "VLAN of the interface"},
	{.section = "network", .name = "vlan_tagged", .type = KEY_STRING,
	 .flags = KEY_NETWORK | KEY_LATER,
	 .form = "ID", .help = "VLAN that passes tagged"},
	{.section = "network", .name = "mode", .type = KEY_STRING, .flags = KEY_NETWORK | KEY_LATER,
	 .form = "MODE", .help = "mode of a macvlan or ipvlan interface"},
	{.section = "network", .name = "host_name", .type = KEY_STRING,
	 .flags = KEY_NETWORK | KEY_ADMIN_ONLY, NETWORK(host_name), .check = check_interface,
	 .form = "INTERFACE", .help = "name of the end on the host"},
	{.section = "network", .name = "isolated", .type = KEY_STRING,
	 .flags = KEY_NETWORK | KEY_LATER,
	 .form = "BOOL", .help = "does not reach other isolated ports of the bridge"},
	{.section = "network", .name = "route", .type = KEY_LIST, .flags = KEY_NETWORK,
	 NETWORK(route), .check = check_route,
	 .form = "CIDR [GATEWAY]", .help = "further route inside the container"},
	{.section = "network", .name = "rate_in", .type = KEY_STRING,
	 .flags = KEY_NETWORK | KEY_LATER | KEY_LIVE,
	 .form = "RATE", .help = "most bits a second into the container"},
	{.section = "network", .name = "rate_out", .type = KEY_STRING,
	 .flags = KEY_NETWORK | KEY_LATER | KEY_LIVE,
	 .form = "RATE", .help = "most bits a second out of the container"},
	{.section = "network", .name = "forward", .type = KEY_STRING,
	 .flags = KEY_NETWORK | KEY_LATER | KEY_LIVE,
	 .form = "tcp|udp [ADDRESS:]PORT PORT",
	 .help = "port of the host that leads into the container"},
	{.section = "limits", .name = "memory", .type = KEY_SIZE, .flags = KEY_LIVE | KEY_LIMIT,
	 FIELD(limits.memory), .least = 1U << 20, .fallback = "max",
	 .form = "SIZE|max", .help = "most memory; above it the container runs out of memory"},
	{.section = "limits", .name = "memory_high", .type = KEY_SIZE,
	 .flags = KEY_LIVE | KEY_LIMIT, FIELD(limits.memory_high), .least = 1U << 20,
	 .fallback = "max",
	 .form = "SIZE|max", .help = "memory above which the container is slowed down"},
	{.section = "limits", .name = "memory_low", .type = KEY_SIZE, .flags = KEY_LIVE | KEY_LIMIT,
	 FIELD(limits.memory_low), .fallback = "none",
	 .form = "SIZE|none", .help = "memory that is not taken away while others have some"},
	{.section = "limits", .name = "swap", .type = KEY_SIZE, .flags = KEY_LIVE | KEY_LIMIT,
	 FIELD(limits.swap), .fallback = "max",
	 .form = "SIZE|max", .help = "most swap space beside memory"},
	{.section = "limits", .name = "cpus", .type = KEY_CPUS, .flags = KEY_LIVE | KEY_LIMIT,
	 FIELD(limits.millicpus), .fallback = "max",
	 .form = "NUMBER|max", .help = "most processor time, in cpus (1.5)"},
	{.section = "limits", .name = "cpu_weight", .type = KEY_NUMBER,
	 .flags = KEY_LIVE | KEY_LIMIT, FIELD(limits.cpu_weight), .least = 1, .most = 10000,
	 .fallback = "none",
	 .form = "1-10000|none",
	 .help = "share of processor time among containers; the kernel uses 100"},
	{.section = "limits", .name = "cpuset", .type = KEY_STRING, .flags = KEY_LIVE,
	 FIELD(limits.cpuset), .check = check_cpuset,
	 .form = "0-3,6", .help = "cpus that the container may run on"},
	{.section = "limits", .name = "pids", .type = KEY_NUMBER, .flags = KEY_LIVE | KEY_LIMIT,
	 FIELD(limits.pids), .least = 1, .fallback = "max",
	 .form = "NUMBER|max", .help = "most processes and threads"},
	{.section = "limits", .name = "io_weight", .type = KEY_NUMBER,
	 .flags = KEY_LIVE | KEY_LIMIT, FIELD(limits.io_weight), .least = 1, .most = 10000,
	 .fallback = "none",
	 .form = "1-10000|none",
	 .help = "share of disk time among containers; the kernel uses 100"},
	{.section = "limits", .name = "io", .type = KEY_LIST, .flags = KEY_LIVE, FIELD(limits.io),
	 .check = check_io,
	 .form = "DEVICE LIMIT=VALUE…",
	 .help = "limits of a block device: rbps= wbps= riops= wiops="},
	{.section = "limits", .name = "hugetlb", .type = KEY_STRING, .flags = KEY_LATER,
	 .form = "PAGESIZE SIZE", .help = "most memory in huge pages"},
	{.section = "cgroup", .name = "*", .type = KEY_PAIRS, .flags = KEY_ADMIN_ONLY,
	 FIELD(cgroup), .check = check_cgroup,
	 .form = "VALUE",
	 .help = "file of the container's cgroup, written as it is (v1:FILE for cgroup v1)"},
	{.section = "rlimits", .name = "*", .type = KEY_PAIRS, FIELD(rlimits),
	 .check = check_rlimit,
	 .form = "SOFT[:HARD]", .help = "resource limit by its name in prlimit(1)"},
	{.section = "sysctl", .name = "*", .type = KEY_PAIRS, FIELD(sysctl), .check = check_sysctl,
	 .form = "VALUE", .help = "kernel setting that a namespace has of its own"},
	{.section = "mounts", .name = "entry", .type = KEY_LIST, .flags = KEY_ADMIN_ONLY,
	 FIELD(mounts), .check = check_mount,
	 .form = "SOURCE TARGET TYPE OPTIONS",
	 .help = "mount as in fstab(5); also optional, create=dir|file, idmap"},
	{.section = "mounts", .name = "tmpfs", .type = KEY_STRING, .flags = KEY_LATER,
	 .form = "PATH SIZE", .help = "tmpfs inside the container"},
	{.section = "mounts", .name = "proc", .type = KEY_STRING, .flags = KEY_ADMIN_ONLY,
	 FIELD(mount_proc), .check = check_mount_mode, .fallback = "auto",
	 .form = "auto|rw|ro|mixed", .help = "how /proc is mounted"},
	{.section = "mounts", .name = "sys", .type = KEY_STRING, .flags = KEY_ADMIN_ONLY,
	 FIELD(mount_sys), .check = check_mount_mode, .fallback = "auto",
	 .form = "auto|rw|ro|mixed", .help = "how /sys is mounted"},
	{.section = "devices", .name = "allow", .type = KEY_LIST, .flags = KEY_ADMIN_ONLY,
	 FIELD(device_allow), .check = check_device,
	 .form = "DEVICE ACCESS", .help = "device that may be used: /dev/fuse rwm, c 10:229 rwm"},
	{.section = "devices", .name = "node", .type = KEY_LIST, .flags = KEY_ADMIN_ONLY,
	 FIELD(device_node), .check = check_node,
	 .form = "PATH [MODE [UID:GID]]",
	 .help = "device of the host that is put into the container's /dev; it may be used (rw)"},
	{.section = "devices", .name = "gpu", .type = KEY_STRING, .flags = KEY_LATER,
	 .form = "nvidia|dri", .help = "graphics processors"},
	{.section = "security", .name = "keep_capabilities", .type = KEY_LIST,
	 .flags = KEY_ADMIN_ONLY, FIELD(keep_capabilities), .check = check_capability,
	 .form = "CAPABILITY", .help = "capability to keep; when given, all others are dropped"},
	{.section = "security", .name = "drop_capabilities", .type = KEY_LIST,
	 .flags = KEY_ADMIN_ONLY, FIELD(drop_capabilities), .check = check_capability,
	 .form = "CAPABILITY", .help = "capability to drop beside the default ones"},
	{.section = "security", .name = "seccomp", .type = KEY_STRING, .flags = KEY_ADMIN_ONLY,
	 FIELD(seccomp), .check = check_seccomp, .fallback = "default",
	 .form = "default|none|PATH", .help = "system call filter"},
	{.section = "security", .name = "apparmor", .type = KEY_STRING, .flags = KEY_ADMIN_ONLY,
	 FIELD(apparmor), .check = check_apparmor, .fallback = "auto",
	 .form = "auto|NAME|unconfined", .help = "AppArmor profile"},
	{.section = "security", .name = "selinux", .type = KEY_STRING, .flags = KEY_LATER,
	 .form = "CONTEXT", .help = "SELinux context"},
	{.section = "security", .name = "no_new_privileges", .type = KEY_BOOL,
	 .flags = KEY_ADMIN_ONLY, FIELD(no_new_privileges), .fallback = "no",
	 .form = "BOOL", .help = "set-user-id programs gain nothing inside"},
	{.section = "console", .name = "ttys", .type = KEY_NUMBER, FIELD(ttys), .most = 64,
	 .fallback = "4",
	 .form = "NUMBER", .help = "terminals beside the console"},
	{.section = "console", .name = "log", .type = KEY_BOOL, FIELD(console_log),
	 .fallback = "yes",
	 .form = "BOOL", .help = "keeps what the console prints in a file"},
	{.section = "console", .name = "log_size", .type = KEY_SIZE, FIELD(console_log_size),
	 .least = 4096, .fallback = "10M",
	 .form = "SIZE", .help = "size at which that file is rotated"},
	{.section = "console", .name = "buffer", .type = KEY_SIZE, FIELD(console_buffer),
	 .least = 4096, .most = 64U << 20, .fallback = "128K",
	 .form = "SIZE", .help = "what of the console is kept in memory to be shown again"},
	{.section = "hooks", .name = "pre_start", .type = KEY_STRING,
	 .flags = KEY_LATER | KEY_ADMIN_ONLY,
	 .form = "COMMAND", .help = "command that runs before anything is made"},
	{.section = "hooks", .name = "pre_mount", .type = KEY_STRING,
	 .flags = KEY_LATER | KEY_ADMIN_ONLY,
	 .form = "COMMAND", .help = "command that runs before the root file system is mounted"},
	{.section = "hooks", .name = "mount", .type = KEY_STRING,
	 .flags = KEY_LATER | KEY_ADMIN_ONLY,
	 .form = "COMMAND", .help = "command that runs when the mounts are made"},
	{.section = "hooks", .name = "autodev", .type = KEY_STRING,
	 .flags = KEY_LATER | KEY_ADMIN_ONLY,
	 .form = "COMMAND", .help = "command that runs when /dev is made"},
	{.section = "hooks", .name = "start_host", .type = KEY_STRING,
	 .flags = KEY_LATER | KEY_ADMIN_ONLY,
	 .form = "COMMAND", .help = "command that runs on the host, before init runs"},
	{.section = "hooks", .name = "start", .type = KEY_STRING,
	 .flags = KEY_LATER | KEY_ADMIN_ONLY,
	 .form = "COMMAND", .help = "command that runs in the container, before init runs"},
	{.section = "hooks", .name = "stop", .type = KEY_STRING,
	 .flags = KEY_LATER | KEY_ADMIN_ONLY,
	 .form = "COMMAND", .help = "command that runs when init has ended"},
	{.section = "hooks", .name = "post_stop", .type = KEY_STRING,
	 .flags = KEY_LATER | KEY_ADMIN_ONLY,
	 .form = "COMMAND", .help = "command that runs when all is undone"},
	{.section = "hooks", .name = "clone", .type = KEY_STRING,
	 .flags = KEY_LATER | KEY_ADMIN_ONLY,
	 .form = "COMMAND", .help = "command that runs when it was copied"},
	{.section = "hooks", .name = "destroy", .type = KEY_STRING,
	 .flags = KEY_LATER | KEY_ADMIN_ONLY,
	 .form = "COMMAND", .help = "command that runs when it is destroyed"},
	{.section = "snapshots", .name = "schedule", .type = KEY_STRING, .flags = KEY_AT_REST,
	 FIELD(snapshots.schedule), .check = check_calendar,
	 .form = "CALENDAR",
	 .help = "when snapshots are made, in the calendar form of systemd.time(7)"},
	{.section = "snapshots", .name = "keep", .type = KEY_STRING, .flags = KEY_AT_REST,
	 FIELD(snapshots.keep), .check = check_keep,
	 .form = "hourly 6, daily 7 …",
	 .help = "which of the scheduled snapshots are kept; all when not set"},
	{.section = "snapshots", .name = "freeze", .type = KEY_BOOL, .flags = KEY_AT_REST,
	 FIELD(snapshots.freeze), .fallback = "yes",
	 .form = "BOOL", .help = "freezes the container while a snapshot is made"},
	{.section = "health", .name = "command", .type = KEY_STRING, FIELD(health.command),
	 .check = check_inside_command,
	 .form = "COMMAND", .help = "command inside that tells whether it is well"},
	{.section = "health", .name = "interval", .type = KEY_DURATION, FIELD(health.interval_ms),
	 .fallback = "30s",
	 .form = "DURATION", .help = "time between two checks"},
	{.section = "health", .name = "timeout", .type = KEY_DURATION, FIELD(health.timeout_ms),
	 .fallback = "10s",
	 .form = "DURATION", .help = "longest time of a check"},
	{.section = "health", .name = "retries", .type = KEY_NUMBER, FIELD(health.retries),
	 .least = 1, .most = 1000, .fallback = "3",
	 .form = "NUMBER", .help = "failed checks in a row that count"},
	{.section = "health", .name = "on_failure", .type = KEY_ENUM, FIELD(health.on_failure),
	 .choices = health_actions, .fallback = "none",
	 .form = "none|restart", .help = "what is done then"},
	{0},
};
/* clang-format on */

/* True when section, as written in a file, is that of the row. */
static bool is_section(const struct key *key, const char *section)
{
	size_t length = strlen(key->section);

	if (strncmp(section, key->section, length) != 0)
		return false;
	return !section[length] || (section[length] == '.' && key->flags & KEY_NETWORK);
}

const struct key *keys_find(const char *section, const char *name)
{
	for (const struct key *key = keys_table; key->section; key++)
		if (is_section(key, section) && (text_is(key->name, name) || *key->name == '*'))
			return key;
	return NULL;
}

bool keys_has_section(const char *section)
{
	for (const struct key *key = keys_table; key->section; key++)
		if (is_section(key, section))
			return true;
	return false;
}

static int unknown_section(const char *section, struct error *err)
{
	const char *names[64];
	size_t count = 0;
	const char *near;

	for (const struct key *key = keys_table; key->section; key++)
		if (!count || !text_is(names[count - 1], key->section))
			if (count < ARRAY_SIZE(names) - 1)
				names[count++] = key->section;
	names[count] = NULL;
	near = text_nearest(section, names);
	if (!*section)
		return fail_plain(err, EINVAL, "a key before the first section");
	(void)fail_plain(err, EINVAL, "unknown section '%s'", section);
	return near ? fail_hint(err, "did you mean '%s'?", near) : -EINVAL;
}

int keys_unknown(const char *section, const char *name, struct error *err)
{
	const char *names[64];
	const struct key *other = NULL;
	size_t count = 0;
	const char *near;

	if (!keys_has_section(section))
		return unknown_section(section, err);
	for (const struct key *key = keys_table; key->section; key++) {
		if (is_section(key, section) && count < ARRAY_SIZE(names) - 1)
			names[count++] = key->name;
		else if (text_is(key->name, name))
			other = key;
	}
	names[count] = NULL;
	near = text_nearest(name, names);
	(void)fail_plain(err, EINVAL, "unknown key '%s' in section '%s'", name, section);
	if (near)
		return fail_hint(err, "did you mean '%s'?", near);
	return other ? fail_hint(err, "it belongs to section '%s'", other->section) : -EINVAL;
}
