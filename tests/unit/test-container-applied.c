/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Comparing configurations, copying values, and the file that keeps what a container runs with. */
#include "container/applied.h"

#include "../lib/folder.h"
#include "../lib/tap.h"
#include "base/error.h"
#include "container/keys.h"

#include <errno.h>
#include <sys/stat.h>

static void load(struct config *config, const char *text)
{
	FOLDER(folder);
	CLEAN_FREE char *file = folder_write(folder, "config", text);
	struct error err = {0};

	config_init(config);
	if (config_load(config, file, NULL, &err) < 0)
		printf("# %s\n", err.text);
	CHECK_INT(err.code, 0);
}

static void note(const struct key *key, const char *section, const char *name, void *user)
{
	CHECK(key && key->section);
	text_addf(user, "%s.%s ", section, name ? name : "*");
}

/* The keys that differ, in the order of the table. */
static void check_differs(const char *a_text, const char *b_text, const char *keys)
{
	CLEAN(config_done) struct config a, b;
	CLEAN(text_done) struct text found = {0}, other = {0};

	load(&a, a_text);
	load(&b, b_text);
	config_compare(&a, &b, note, &found);
	if (!text_is(found.data ? found.data : "", keys))
		printf("# %s\n", found.data ? found.data : "none");
	CHECK(text_is(found.data ? found.data : "", keys));
	/* the order of pairs and interfaces may be another one, what differs is not */
	config_compare(&b, &a, note, &other);
	CHECK_INT(other.length, found.length);
}

TEST(values_are_compared_by_meaning)
{
	check_differs("", "", "");
	check_differs("[limits]\nmemory = 1G\ncpus = 1.5\npids = max\n",
	              "[limits]\nmemory = 1024M\ncpus = 1.500\nmemory_low = none\n", "");
	check_differs("[stop]\ntimeout = 60s\nhalt_signal = SIGTERM\n",
	              "[stop]\ntimeout = 1min\nhalt_signal = 15\n", "");
	check_differs(
		"[boot]\nrestart = no\n[container]\nprivileged = off\n[health]\nretries = 3\n", "",
		"");
	check_differs("[network.eth0]\ntype = veth\n", "[network.eth0]\ngateway = auto\n", "");
}

TEST(each_type_of_key_differs)
{
	check_differs("[container]\nhostname = a\nprivileged = yes\ngroups = x\n",
	              "[container]\ngroups = x\ngroups = y\n",
	              "container.hostname container.groups container.privileged ");
	check_differs("[limits]\nmemory = 1G\nio = /dev/a rbps=1\nio = /dev/b rbps=1\n",
	              "[limits]\nmemory = 2G\nio = /dev/b rbps=1\nio = /dev/a rbps=1\n",
	              "limits.memory limits.io ");
	check_differs("[boot]\nrestart = always\n[stop]\ntimeout = 1s\nkill_signal = 9\n", "",
	              "boot.restart stop.kill_signal stop.timeout ");
}

TEST(free_keys_and_interfaces_are_compared_by_name)
{
	check_differs("[sysctl]\nnet.a = 1\nnet.b = 2\n", "[sysctl]\nnet.b = 2\nnet.a = 1\n", "");
	check_differs("[sysctl]\nnet.a = 1\nnet.b = 2\n", "[sysctl]\nnet.b = 3\nnet.c = 1\n",
	              "sysctl.net.a sysctl.net.b sysctl.net.c ");
	check_differs("[network.eth0]\nmtu = 1400\n[network.eth1]\nmac = 02:00:00:00:00:01\n",
	              "[network.eth0]\n[network.eth2]\n",
	              "network.eth0.mtu network.eth1.* network.eth2.* ");
}

static const char started[] = "[container]\ngroups = a\ngroups = b\n[limits]\nmemory = 1G\n"
			      "[sysctl]\nnet.ipv4.ip_forward = 1\n[network.eth0]\n"
			      "[network.eth1.5]\nmtu = 1400\ntype = none\n";

TEST(what_is_kept_is_what_was_in_force)
{
	FOLDER(folder);
	CLEAN(config_done) struct config config;
	CLEAN(applied_done) struct applied applied;
	CLEAN(text_done) struct text found = {0};
	CLEAN_FREE char *path = must_printf("%s/applied", folder);
	struct error err = {0};
	struct stat st;

	load(&config, started);
	CHECK_INT(config_override(&config, "limits.memory=2G", "option -s", &err), 0);
	CHECK_INT(applied_open(&applied, folder, false, &err), -ENOENT);
	CHECK(strstr(err.text, "restart it once"));
	CHECK_INT(applied_write(folder, &config, &err), 0);
	CHECK(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600);
	applied_done(&applied);
	CHECK_INT(applied_open(&applied, folder, false, &err), 0);
	config_compare(&applied.config, &config, note, &found);
	CHECK(!found.length);
	CHECK_INT(applied.config.network_count, 2);
	CHECK(applied.config.limits.memory == UINT64_C(2) << 30);
}

TEST(a_change_is_added_and_taken_back)
{
	FOLDER(folder);
	CLEAN(config_done) struct config config, wanted;
	CLEAN(applied_done) struct applied applied, again;
	CLEAN(text_done) struct text lines = {0}, found = {0};
	struct error err = {0};

	load(&config, started);
	load(&wanted, "[container]\ngroups = c\n[limits]\npids = 7\n");
	CHECK_INT(applied_write(folder, &config, &err), 0);
	CHECK_INT(applied_open(&applied, folder, true, &err), 0);
	applied_line(&lines, &wanted, "container", "groups");
	applied_line(&lines, &wanted, "limits", "pids");
	applied_line(&lines, &wanted, "limits", "memory"); /* back to its default */
	CHECK_INT(applied_add(&applied, &lines, &err), 0);
	CHECK_INT(applied_open(&again, folder, false, &err), 0);
	config_compare(&config, &again.config, note, &found);
	CHECK(text_is(found.data, "container.groups limits.memory limits.pids "));
	CHECK(again.config.limits.memory == LIMIT_UNSET && again.config.limits.pids == 7);
	CHECK(again.config.groups.count == 1 && text_is(again.config.groups.items[0], "c"));
	applied_done(&again);
	text_done(&found);
	applied_take_back(&applied);
	CHECK_INT(applied_open(&again, folder, false, &err), 0);
	config_compare(&config, &again.config, note, &found);
	CHECK(!found.length);
}

TEST(a_change_belongs_to_the_run_that_it_was_made_for)
{
	FOLDER(folder);
	CLEAN(config_done) struct config config, next;
	CLEAN(applied_done) struct applied applied, again;
	CLEAN(text_done) struct text lines = {0};
	struct error err = {0};

	load(&config, "[limits]\npids = 1\n");
	load(&next, "[limits]\npids = 2\n");
	CHECK_INT(applied_write(folder, &config, &err), 0);
	CHECK_INT(applied_open(&applied, folder, true, &err), 0);
	CHECK_INT(applied_write(folder, &next, &err), 0); /* it rebooted at this moment */
	text_add(&lines, "limits.pids=3\n");
	CHECK_INT(applied_add(&applied, &lines, &err), 0);
	CHECK_INT(applied_open(&again, folder, false, &err), 0);
	CHECK_INT(again.config.limits.pids, 2);
}

TEST(a_value_is_copied_with_its_place)
{
	CLEAN(config_done) struct config config, from, copy;
	struct error err = {0};
	char place[256];

	load(&config, "[limits]\npids = 1\nmemory = 1G\nio = /dev/a rbps=1\n");
	load(&from, "[limits]\n\npids = 2\nio = /dev/b rbps=1\nio = /dev/c rbps=1\n");
	CHECK_INT(config_copy_value(&config, &from, "limits", "pids", &err), 0);
	CHECK_INT(config_copy_value(&config, &from, "limits", "memory", &err), 0);
	CHECK_INT(config_copy_value(&config, &from, "limits", "io", &err), 0);
	CHECK(config.limits.pids == 2 && config.limits.memory == LIMIT_UNSET);
	CHECK(config.limits.io.count == 2 && text_is(config.limits.io.items[1], "/dev/c rbps=1"));
	CHECK(text_ends(config_where(&config, "limits", "pids", 0, place, sizeof(place)),
	                "config:3)"));
	config_init(&copy);
	CHECK_INT(config_copy(&copy, &config, &err), 0);
	CHECK(copy.limits.pids == 2 && copy.limits.io.count == 2);
}

TEST(a_file_that_was_written_since_is_noticed)
{
	FOLDER(folder);
	CLEAN(config_done) struct config config;
	CLEAN_FREE char *other = folder_write(folder, "other.conf", "[limits]\npids = 1\n");
	CLEAN_FREE char *file = folder_write(
		folder, "config", "[container]\ninclude = other.conf\ninclude = other.conf\n");
	struct error err = {0};

	config_init(&config);
	CHECK(config_is_current(&config));
	CHECK_INT(config_load(&config, file, NULL, &err), 0);
	CHECK_INT(config_override(&config, "limits.pids=2", "option -s", &err), 0);
	CHECK(config_is_current(&config));
	CHECK_INT(config_edit_set(other, "limits", "pids", "3", false, &err), 0);
	CHECK(!config_is_current(&config));
	config_done(&config);
	config_init(&config);
	CHECK_INT(config_load(&config, file, NULL, &err), 0);
	CHECK(config_is_current(&config));
	CHECK(unlink(other) == 0);
	CHECK(!config_is_current(&config));
}

TEST(a_text_stands_for_the_file)
{
	FOLDER(folder);
	CLEAN(config_done) struct config config;
	CLEAN_FREE char *other = folder_write(folder, "other.conf", "[limits]\npids = 1\n");
	CLEAN_FREE char *file = folder_write(folder, "config", "[limits]\npids = 9\n");
	CLEAN(text_done) struct text text = {0};
	struct error err = {0};

	text_add(&text, "[container]\ninclude = other.conf\n[limits]\nmemory = 1G\n");
	config_init(&config);
	CHECK_INT(config_load_text(&config, file, &text, NULL, &err), 0);
	CHECK(config.limits.pids == 1 && config.limits.memory == UINT64_C(1) << 30);
}
