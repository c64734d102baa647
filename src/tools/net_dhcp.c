/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Running dnsmasq(8) for a bridge; see the header. */
#include "tools/net_dhcp.h"

#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/process.h"
#include "base/text.h"
#include "container/paths.h"
#include "container/state.h"
#include "network/address.h"
#include "tools/net_record.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>

#define START_TIMEOUT_MS 30000
#define STOP_TIMEOUT_MS  5000
#define OUTPUT_MOST      16384 /* bytes of what dnsmasq says when it does not start */
#define LEASE_TIME       "1h"

/* The account that dnsmasq changes to: ours where it was made, or that of dnsmasq's own package. */
static void add_account(struct strings *arguments)
{
	static const char *const names[] = {"sysc-dnsmasq", "dnsmasq", "nobody"};
	const struct passwd *account = NULL;
	const struct group *group;

	for (size_t i = 0; i < ARRAY_SIZE(names) && !account; i++)
		account = getpwnam(names[i]);
	if (!account)
		return; /* dnsmasq knows what to do */
	strings_give(arguments, must_printf("--user=%s", account->pw_name));
	group = getgrgid(account->pw_gid);
	if (group) /* dnsmasq would take "dip", which may dial */
		strings_give(arguments, must_printf("--group=%s", group->gr_name));
}

/* Nothing of the host's own dnsmasq configuration is used, and only the bridge is served. */
static void make_arguments(const struct paths *paths, const char *bridge,
                           const struct address *address, struct strings *arguments)
{
	CLEAN_FREE char *pid_file = net_record_path(paths, bridge, "@pid");
	CLEAN_FREE char *lease_file = net_record_path(paths, bridge, "@leases");
	const struct address all_ones = address_from_number(UINT32_MAX, address->prefix);
	char first_text[ADDRESS_TEXT_MAX], last_text[ADDRESS_TEXT_MAX], mask_text[ADDRESS_TEXT_MAX];
	struct address first_address, last_address, mask;
	uint32_t first, last;

	strings_add(arguments, "dnsmasq");
	strings_add(arguments, "--conf-file=/dev/null");
	strings_add(arguments, "--bind-interfaces");
	strings_add(arguments, "--except-interface=lo");
	strings_give(arguments, must_printf("--interface=%s", bridge));
	strings_give(arguments, must_printf("--pid-file=%s", pid_file));
	add_account(arguments);
	if (!address_dhcp_range(address, &first, &last))
		return; /* too small for DHCP: names only */
	first_address = address_from_number(first, address->prefix);
	last_address = address_from_number(last, address->prefix);
	mask = address_from_number(address_first(&all_ones), address->prefix);
	strings_give(arguments, must_printf("--dhcp-range=%s,%s,%s," LEASE_TIME,
	                                    address_format_host(&first_address, first_text),
	                                    address_format_host(&last_address, last_text),
	                                    address_format_host(&mask, mask_text)));
	strings_give(arguments, must_printf("--dhcp-leasefile=%s", lease_file));
	strings_give(arguments,
	             must_printf("--dhcp-lease-max=%llu", (unsigned long long)last - first + 1));
	strings_add(arguments, "--dhcp-authoritative");
	strings_add(arguments, "--dhcp-no-override");
	strings_add(arguments,
	            "--no-ping"); /* a lease at once; nobody else gives addresses there */
}

/* The last line that dnsmasq said, without its name. */
static const char *last_words(struct text *output)
{
	char *words = output->data ? text_trim(output->data) : NULL;
	const char *line = words ? strrchr(words, '\n') : NULL;

	line = line ? line + 1 : words;
	while (line && text_starts(line, "dnsmasq: "))
		line += strlen("dnsmasq: ");
	return line && *line ? line : "no reason given";
}

/* dnsmasq's first process ends when the last one is ready, its pid file written. */
static int find_process(const struct paths *paths, const char *bridge, struct net_record *record,
                        struct error *err)
{
	CLEAN_FREE char *pid_file = net_record_path(paths, bridge, "@pid");
	char text[32];
	int64_t pid = 0;
	int r = file_read_small(AT_FDCWD, pid_file, text, sizeof(text));

	if (r < 0)
		return fail(err, -r, "read '%s'", pid_file);
	if (parse_int(text, 2, INT_MAX, &pid) < 0)
		return fail_plain(err, EINVAL, "'%s' has no process id in it", pid_file);
	record->dhcp_pid = (pid_t)pid;
	record->dhcp_birth = state_process_birth((pid_t)pid);
	if (!net_dhcp_is_alive(record)) {
		record->dhcp_pid = 0;
		return fail_plain(err, ESRCH, "dnsmasq ended at once");
	}
	return 0;
}

int net_dhcp_start(const struct paths *paths, const char *bridge, const struct address *address,
                   struct net_record *record, struct error *err)
{
	CLEAN_FREE char *program = process_find("dnsmasq");
	CLEAN(strings_done) struct strings arguments = {0};
	CLEAN(text_done) struct text output = {0};
	struct process_options options = {
		.input_fd = -1,
		.output_fd = -1,
		.error_fd = -1,
		.output = &output,
		.output_most = OUTPUT_MOST,
		.timeout_ms = START_TIMEOUT_MS,
	};
	int r;

	if (!program)
		return fail_plain(err, ENOENT, "dnsmasq is not installed");
	make_arguments(paths, bridge, address, &arguments);
	options.argv = arguments.items;
	r = process_run(&options, err);
	if (r > 0)
		r = fail_plain(err, EIO, "dnsmasq does not start: %s", last_words(&output));
	else if (r == 0)
		r = find_process(paths, bridge, record, err);
	if (r < 0)
		(void)net_dhcp_stop(paths, bridge, record, NULL); /* what it left: files */
	return r;
}

/* A pidfd of the recorded process, -1 when it is gone or its number belongs to another one. */
static int open_process(const struct net_record *record)
{
	CLEAN_FD int pidfd = -1;

	if (record->dhcp_pid <= 0)
		return -1;
	pidfd = sys_pidfd_open(record->dhcp_pid, 0);
	if (pidfd < 0 || process_wait(pidfd, 0) != 0 ||
	    state_process_birth(record->dhcp_pid) != record->dhcp_birth)
		return -1;
	return fd_take(&pidfd);
}

bool net_dhcp_is_alive(const struct net_record *record)
{
	CLEAN_FD int pidfd = open_process(record);

	return pidfd >= 0;
}

int net_dhcp_stop(const struct paths *paths, const char *bridge, struct net_record *record,
                  struct error *err)
{
	CLEAN_FREE char *pid_file = net_record_path(paths, bridge, "@pid");
	CLEAN_FREE char *lease_file = net_record_path(paths, bridge, "@leases");
	CLEAN_FD int pidfd = open_process(record);

	if (pidfd >= 0) {
		(void)sys_pidfd_send_signal(pidfd, SIGTERM); /* it may have ended by now */
		if (process_wait(pidfd, STOP_TIMEOUT_MS) == 0)
			(void)sys_pidfd_send_signal(pidfd, SIGKILL);
		if (process_wait(pidfd, STOP_TIMEOUT_MS) <= 0)
			return fail_plain(err, ETIMEDOUT, "dnsmasq (pid %d) does not end",
			                  (int)record->dhcp_pid);
	}
	(void)unlinkat(AT_FDCWD, pid_file, 0); /* dnsmasq removes it itself when it can */
	(void)unlinkat(AT_FDCWD, lease_file, 0);
	record->dhcp_pid = 0;
	record->dhcp_birth = 0;
	return 0;
}
