/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Addresses that are given away, in stores made for the test. */
#include "../lib/tap.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "container/container.h"
#include "network/reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

/* A store with one container in it, "web"; nothing but what reserve.c looks at. */
struct store {
	char root[32], dir[64];
	struct paths paths;
	struct container web;
};

static void make_container(const struct store *store, const char *name, const char *addresses)
{
	CLEAN_FREE char *dir = must_printf("%s/%s", store->root, name);
	CLEAN_FREE char *file = must_printf("%s/addresses", dir);

	CHECK_INT(mkdir(dir, 0700), 0);
	if (addresses)
		CHECK_INT(file_replace_volatile(AT_FDCWD, file, addresses, strlen(addresses), 0644,
		                                NULL),
		          0);
}

static void make_store(struct store *store, const char *addresses)
{
	static char name[] = "web", uuid[] = "6f6b0000-0000-4000-8000-000000000001";
	struct error err = {0};

	snprintf(store->root, sizeof(store->root), "/tmp/sysc-reserve-XXXXXX");
	CHECK(mkdtemp(store->root));
	snprintf(store->dir, sizeof(store->dir), "%s/web", store->root);
	CHECK(paths_init(&store->paths, store->root, &err) == 0);
	store->web = (struct container){
		.paths = &store->paths, .name = name, .dir = store->dir, .config = {.uuid = uuid}};
	make_container(store, "web", addresses);
}

static void remove_store(struct store *store)
{
	CHECK_INT(file_remove_tree(AT_FDCWD, store->root, NULL), 0);
	paths_done(&store->paths);
}

static int reserve(const struct store *store, const char *subnet, const struct reserve_taken *extra,
                   char out[ADDRESS_TEXT_MAX], struct error *err)
{
	static const struct reserve_taken none;
	struct address network, address;
	int r;

	CHECK_INT(address_parse(subnet, &network), 0);
	r = reserve_address(&store->web, "eth0", &network, extra ? extra : &none, &address, err);
	if (r == 0)
		(void)address_format(&address, out);
	return r;
}

static bool recorded(const struct store *store, const char *line)
{
	CLEAN(text_done) struct text text = {0};
	CLEAN(strings_done) struct strings lines = {0};
	CLEAN_FREE char *file = must_printf("%s/addresses", store->dir);

	if (file_read(AT_FDCWD, file, 4096, &text, NULL) < 0 || !text.data)
		return false;
	strings_split(&lines, text.data, "\n");
	return strings_has(&lines, line);
}

TEST(a_first_address_is_in_the_lower_half_and_recorded)
{
	struct store store = {0};
	struct error err = {0};
	struct address subnet, address;
	char text[ADDRESS_TEXT_MAX], again[ADDRESS_TEXT_MAX], line[128];

	make_store(&store, NULL);
	CHECK_INT(reserve(&store, "10.83.0.1/20", NULL, text, &err), 0);
	CHECK_INT(address_parse(text, &address), 0);
	CHECK_INT(address_parse("10.83.0.0/21", &subnet), 0);
	CHECK(address_in(&subnet, &address));
	CHECK_INT(address.prefix, 20);
	snprintf(line, sizeof(line), "eth0 %s", text);
	CHECK(recorded(&store, line));
	CHECK_INT(reserve(&store, "10.83.0.1/20", NULL, again, &err), 0);
	CHECK(text_is(text, again));
	remove_store(&store);
}

TEST(a_record_is_kept_while_it_fits)
{
	struct store store = {0};
	struct error err = {0};
	char text[ADDRESS_TEXT_MAX];

	/* not where the search would begin; another interface's line stays */
	make_store(&store, "eth1 192.0.2.9/24\neth0 10.83.9.9/20\n");
	CHECK_INT(reserve(&store, "10.83.0.1/20", NULL, text, &err), 0);
	CHECK(text_is(text, "10.83.9.9/20"));
	CHECK_INT(reserve(&store, "10.83.0.1/16", NULL, text, &err), 0);
	CHECK(text_is(text, "10.83.9.9/16"));
	CHECK(recorded(&store, "eth0 10.83.9.9/20"));
	CHECK_INT(reserve(&store, "10.99.0.1/20", NULL, text, &err), 0);
	CHECK(text_starts(text, "10.99."));
	CHECK(!recorded(&store, "eth0 10.83.9.9/20"));
	CHECK(recorded(&store, "eth1 192.0.2.9/24"));
	remove_store(&store);
}

TEST(the_bridges_own_address_is_not_kept)
{
	struct store store = {0};
	struct error err = {0};
	char text[ADDRESS_TEXT_MAX];

	make_store(&store, "eth0 10.83.0.1/20\n");
	CHECK_INT(reserve(&store, "10.83.0.1/20", NULL, text, &err), 0);
	CHECK(!text_is(text, "10.83.0.1/20"));
	remove_store(&store);
}

TEST(a_broken_record_is_replaced)
{
	struct store store = {0};
	struct error err = {0};
	char text[ADDRESS_TEXT_MAX];

	make_store(&store, "eth0\neth0 rubbish\n\neth0 10.83.0.0/20\n\x01\x02 10.83.0.5/20");
	CHECK_INT(reserve(&store, "10.83.0.1/20", NULL, text, &err), 0);
	CHECK(!recorded(&store, "eth0 rubbish"));
	remove_store(&store);
}

TEST(taken_addresses_are_not_given)
{
	struct store store = {0};
	struct error err = {0};
	struct address neighbour;
	uint32_t number;
	struct reserve_taken extra = {.numbers = &number, .count = 1};
	char text[ADDRESS_TEXT_MAX];

	/* a /28 has .1 to .7 for us; .1 is the bridge, .7 a neighbour, one is left */
	make_store(&store, NULL);
	make_container(&store, "a", "eth0 192.0.2.2/28\neth1 192.0.2.3/28\n");
	make_container(&store, "b", "eth0 192.0.2.4/28\n");
	make_container(&store, "c", "eth0 192.0.2.6/28\n");
	make_container(&store, "d", NULL);
	CHECK_INT(address_parse("192.0.2.7", &neighbour), 0);
	number = address_number(&neighbour);
	CHECK_INT(reserve(&store, "192.0.2.1/28", &extra, text, &err), 0);
	CHECK(text_is(text, "192.0.2.5/28"));
	remove_store(&store);
}

TEST(a_full_subnet_says_so)
{
	struct store store = {0};
	struct error err = {0};
	char text[ADDRESS_TEXT_MAX];

	make_store(&store, NULL);
	make_container(&store, "a", "eth0 192.0.2.2/29\neth1 192.0.2.3/29\n");
	CHECK_INT(reserve(&store, "192.0.2.1/29", NULL, text, &err), -ENOSPC);
	CHECK(text_is(err.text, "no free address in the lower half of 192.0.2.1/29"));
	CHECK(!recorded(&store, "eth0 192.0.2.2/29"));
	remove_store(&store);
}

TEST(every_address_of_the_half_is_given_once)
{
	struct store store = {0};
	struct error err = {0};
	static bool seen[65536];
	char text[ADDRESS_TEXT_MAX], line[128], name[16];

	make_store(&store, NULL);
	for (int i = 0; i < 300; i++) {
		CLEAN_FREE char *path = must_printf("%s/addresses", store.dir);
		struct address address;

		/* moves what web got to a container of its own, so that the next one differs */
		CHECK_INT(reserve(&store, "10.83.0.1/23", NULL, text, &err), 0);
		CHECK_INT(address_parse(text, &address), 0);
		CHECK(!seen[address_number(&address) & 0xffff]);
		seen[address_number(&address) & 0xffff] = true;
		if (i == 253) { /* 255 of the lower half, less the bridge's */
			CHECK_INT(unlink(path), 0);
			break;
		}
		snprintf(name, sizeof(name), "c%d", i);
		snprintf(line, sizeof(line), "eth0 %s\n", text);
		make_container(&store, name, line);
		CHECK_INT(unlink(path), 0);
	}
	snprintf(line, sizeof(line), "eth0 %s\n", text);
	make_container(&store, "last", line);
	CHECK_INT(reserve(&store, "10.83.0.1/23", NULL, text, &err), -ENOSPC);
	remove_store(&store);
}
