/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Loading and removing an nftables table; see the header. */
#include "tools/net_nat.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/process.h"
#include "base/text.h"
#include "network/address.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define NFT_TIMEOUT_MS 60000 /* at boot the kernel loads its modules, beside all else that starts */
#define OUTPUT_MOST    65536 /* bytes of what nft says */

char *net_nat_table(const char *bridge)
{
	struct text name = {0};

	text_add(&name, "sysc_");
	for (const char *at = bridge; *at; at++) {
		if (isalnum((unsigned char)*at))
			text_add_bytes(&name, at, 1);
		else /* nft takes no other characters of interface names */
			text_addf(&name, "_%02x", (unsigned char)*at);
	}
	return text_take(&name);
}

/* The first line that nft said. */
static const char *first_words(struct text *output)
{
	char *words = output->data ? text_trim(output->data) : NULL;
	char *end = words ? strchr(words, '\n') : NULL;

	if (end)
		*end = '\0';
	return words && *words ? words : "no reason given";
}

static int run(const char *const *arguments, int input_fd, struct text *output, struct error *err)
{
	struct process_options options = {
		.argv = (char *const *)(uintptr_t)arguments,
		.input_fd = input_fd,
		.output_fd = -1,
		.error_fd = -1,
		.output = output,
		.output_most = OUTPUT_MOST,
		.timeout_ms = NFT_TIMEOUT_MS,
	};

	return process_run(&options, err);
}

/* Gives nft a ruleset on its standard input: all of it is applied, or nothing. */
static int apply(const char *rules, struct error *err)
{
	static const char *const arguments[] = {"nft", "-f", "-", NULL};
	CLEAN(text_done) struct text output = {0};
	CLEAN_FD int fd = memfd_create("rules", MFD_CLOEXEC);
	int r;

	if (fd < 0)
		return fail(err, errno, "make a memory file");
	r = file_write_all(fd, rules, strlen(rules));
	if (r < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return fail(err, r < 0 ? -r : errno, "write the rules for nft");
	r = run(arguments, fd, &output, err);
	if (r > 0)
		return fail_plain(err, EIO, "nft refuses the rules: %s", first_words(&output));
	return r;
}

int net_nat_status(const char *bridge, struct error *err)
{
	static const char *const arguments[] = {"nft", "list", "tables", NULL};
	CLEAN_FREE char *program = process_find("nft"), *table = net_nat_table(bridge);
	CLEAN_FREE char *line = must_printf("table ip %s", table);
	CLEAN(text_done) struct text output = {0};
	CLEAN(strings_done) struct strings lines = {0};
	int r;

	if (!program)
		return fail_plain(err, ENOENT, "nft is not installed");
	r = run(arguments, -1, &output, err);
	if (r < 0)
		return r;
	if (r > 0)
		return fail_plain(err, EOPNOTSUPP, "nft does not work here: %s",
		                  first_words(&output));
	strings_split(&lines, output.data ? output.data : "", "\n");
	return strings_has(&lines, line);
}

int net_nat_load(const char *bridge, const struct address *address, struct error *err)
{
	CLEAN_FREE char *table = net_nat_table(bridge), *rules = NULL;
	const struct address subnet = address_from_number(address_first(address), address->prefix);
	char net[ADDRESS_TEXT_MAX];

	(void)address_format(&subnet, net);
	/* the empty table first, so that "delete" finds one; all in one transaction */
	rules = must_printf("table ip %1$s\n"
	                    "delete table ip %1$s\n"
	                    "table ip %1$s {\n"
	                    "\tchain postrouting {\n"
	                    "\t\ttype nat hook postrouting priority 100; policy accept;\n"
	                    "\t\tip saddr %2$s ip daddr != %2$s masquerade\n"
	                    "\t}\n"
	                    "\tchain input {\n"
	                    "\t\ttype filter hook input priority 0; policy accept;\n"
	                    "\t\tiifname \"%3$s\" udp dport { 53, 67 } accept\n"
	                    "\t\tiifname \"%3$s\" tcp dport 53 accept\n"
	                    "\t}\n"
	                    "\tchain forward {\n"
	                    "\t\ttype filter hook forward priority 0; policy accept;\n"
	                    "\t\tiifname \"%3$s\" accept\n"
	                    "\t\toifname \"%3$s\" accept\n"
	                    "\t}\n"
	                    "}\n",
	                    table, net, bridge);
	return apply(rules, err);
}

int net_nat_remove(const char *bridge, struct error *err)
{
	CLEAN_FREE char *table = net_nat_table(bridge), *rules = NULL;
	int r = net_nat_status(bridge, err);

	if (r <= 0)
		return r;
	rules = must_printf("delete table ip %s\n", table);
	return apply(rules, err);
}
