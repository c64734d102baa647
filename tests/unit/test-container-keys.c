/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of keys is well-formed, whoever adds a row. */
#include "container/keys.h"

#include "../lib/tap.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "container/config.h"
#include "container/ini_file.h"

#include <errno.h>

TEST(rows_are_whole)
{
	for (const struct key *key = keys_table; key->section; key++) {
		bool later = key->flags & KEY_LATER;

		printf("# %s.%s\n", key->section, key->name);
		CHECK(key->name && *key->name && key->form && *key->form);
		CHECK(key->help && strlen(key->help) > 10 && !text_ends(key->help, "."));
		CHECK(strlen(key->name) <= INI_NAME_MAX);
		CHECK(key->type != KEY_ENUM || key->choices);
		CHECK(!(key->flags & KEY_NETWORK) == !text_is(key->section, "network"));
		CHECK(!(key->flags & KEY_LIMIT) || key->type == KEY_NUMBER ||
		      key->type == KEY_SIZE || key->type == KEY_CPUS);
		CHECK(key->offset < (key->flags & KEY_NETWORK ? sizeof(struct network_config)
		                                              : sizeof(struct config)));
		CHECK(!later || !key->check);
		CHECK(*key->name != '*' || key->type == KEY_PAIRS);
	}
}

TEST(no_key_and_no_field_twice)
{
	for (const struct key *a = keys_table; a->section; a++)
		for (const struct key *b = keys_table; b < a; b++) {
			bool same_struct = !((a->flags ^ b->flags) & KEY_NETWORK);
			bool stored = !((a->flags | b->flags) & KEY_LATER) &&
			              a->type != KEY_INCLUDE && b->type != KEY_INCLUDE;

			CHECK(!text_is(a->section, b->section) || !text_is(a->name, b->name));
			CHECK(!same_struct || !stored || a->offset != b->offset);
		}
}

TEST(sections_stand_together)
{
	for (const struct key *a = keys_table; a->section; a++)
		for (const struct key *b = keys_table; b < a; b++)
			CHECK(!text_is(a->section, b->section) ||
			      text_is(a->section, a[-1].section));
}

TEST(defaults_pass_their_own_checks)
{
	for (const struct key *key = keys_table; key->section; key++) {
		CLEAN_FREE char *section =
			must_printf("%s%s", key->section, key->flags & KEY_NETWORK ? ".e" : "");
		struct error err = {0};

		if (!key->fallback)
			continue;
		printf("# %s.%s = %s\n", key->section, key->name, key->fallback);
		CHECK_INT(config_check_value(section, key->name, key->fallback, &err), 0);
	}
}

TEST(looking_up)
{
	struct error err;

	CHECK(keys_find("limits", "memory") && !keys_find("limits", "hostname"));
	CHECK(keys_find("network.eth0", "mtu") && keys_find("network", "mtu"));
	CHECK(!keys_find("limits.x", "memory") && !keys_find("limit", "memory"));
	CHECK(text_is(keys_find("sysctl", "net.x")->name, "*"));
	CHECK(keys_has_section("network.eth0.5") && !keys_has_section("") &&
	      !keys_has_section("lim"));
	CHECK_INT(keys_unknown("", "x", &err), -EINVAL);
	CHECK(strstr(err.text, "before the first section"));
	CHECK_INT(keys_unknown("container", "x", NULL), -EINVAL);
}
