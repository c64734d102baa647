/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "storage/identity.h"

#include "../lib/folder.h"
#include "base/error.h"
#include "base/process.h"
#include "base/text.h"
#include "container/config.h"
#include "container/paths.h"

#include <errno.h>
#include <sys/stat.h>

static bool host_becomes(const char *text, const char *want)
{
	CLEAN(text_done) struct text out = {0};

	(void)identity_replace_host(text, "web1", "web2", &out);
	return text_is(out.data ? out.data : "", want);
}

TEST(names_are_replaced_as_whole_words)
{
	CHECK(host_becomes("web1\n", "web2\n"));
	CHECK(host_becomes("127.0.1.1\tweb1.example.org web1\n",
	                   "127.0.1.1\tweb2.example.org web2\n"));
	CHECK(host_becomes("10.0.0.1 web11 myweb1 web1-old a.web1 web1_x",
	                   "10.0.0.1 web11 myweb1 web1-old a.web1 web1_x"));
	CHECK(host_becomes("hostname=\"web1\"\nweb1=x\n", "hostname=\"web2\"\nweb1=x\n"));
	CHECK(host_becomes("", ""));
}

TEST(localhost_stays_localhost)
{
	CLEAN(text_done) struct text out = {0};

	CHECK(!identity_replace_host("127.0.0.1 localhost", "localhost", "web2", &out));
	CHECK(text_is(out.data, "127.0.0.1 localhost"));
}

TEST(paths_are_moved)
{
	CLEAN(text_done) struct text out = {0};

	CHECK(identity_replace_folder(
		"path = dir:/s/web1/rootfs:/s/web1/a\nx = /s/web1/x /s/web11/y "
		"/t/s/web1/z a=/s/web1/q\n",
		"/s/web1", "/s/web2", &out));
	CHECK(text_is(out.data, "path = dir:/s/web2/rootfs:/s/web2/a\nx = /s/web2/x /s/web11/y "
	                        "/t/s/web1/z a=/s/web2/q\n"));
}

TEST(words_of_keep)
{
	for (size_t i = 0; identity_words[i]; i++)
		CHECK(identity_parse(identity_words[i]));
	CHECK_INT(identity_parse("mac"), IDENTITY_MAC);
	CHECK_INT(identity_parse("all"), IDENTITY_ALL);
	CHECK_INT(identity_parse("macs"), 0);
}

struct notes {
	struct strings texts;
};

static void add_note(const char *text, void *user)
{
	strings_add(&((struct notes *)user)->texts, text);
}

#define CONFIG                                                                                  \
	"; web1: mine\n[container]\nuuid = 6f6b0f5e-0000-4000-8000-000000000000\nhostname = "   \
	"web1.example.org\n[rootfs]\npath = dir:%s/web1/rootfs\n[idmap]\nmap = b 0 1048576 "    \
	"65536\n[network.eth0]\ntype = veth\nmac = 02:11:22:33:44:55\naddress = 10.0.0.5/24\n"  \
	"host_name = vethweb1\n[network.eth1]\ntype = veth\naddress = auto\n[mounts]\nentry = " \
	"%s/web1/data srv none bind\n"

/* A store in the folder with a web1, and the configuration of its copy. */
static char *make_store(struct paths *paths, const char *folder)
{
	CLEAN_FREE char *store = must_printf("%s/store", folder);
	CLEAN_FREE char *text = must_printf(CONFIG, store, store);
	CLEAN_FREE char *old = folder_write(folder, "store/web1/config", text);

	CHECK_INT(paths_init(paths, store, NULL), 0);
	return folder_write(folder, "store/.web2.creating/config", text);
}

TEST(the_configuration_is_another_machines)
{
	FOLDER(folder);
	CLEAN(paths_done) struct paths paths = {0};
	CLEAN_FREE char *file = make_store(&paths, folder);
	CLEAN_FREE char *path = must_printf("dir:%s/web2/rootfs", paths.store);
	CLEAN_FREE char *mount = must_printf("%s/web2/data srv none bind", paths.store);
	CLEAN(config_done) struct config config = {0};
	CLEAN(text_done) struct text text = {0};
	struct notes notes = {0};
	struct identity identity = {.paths = &paths,
	                            .old_name = "web1",
	                            .new_name = "web2",
	                            .note = add_note,
	                            .user = &notes};
	struct error err = {0};

	CHECK_INT(identity_renew_config(&identity, file, &err), 0);
	config_init(&config);
	CHECK_INT(config_load(&config, file, NULL, &err), 0);
	CHECK(!text_is(config.uuid, "6f6b0f5e-0000-4000-8000-000000000000"));
	CHECK(text_is(config.hostname, "web2.example.org"));
	CHECK(text_is(config.rootfs_path, path));
	CHECK(text_is(config.mounts.items[0], mount));
	CHECK_INT(config.idmap.count, 1);
	CHECK(!text_is(config.idmap.items[0], "b 0 1048576 65536"));
	CHECK_INT(strlen(config.networks[0].mac), 17);
	CHECK(text_starts(config.networks[0].mac, "02:11:22:"));
	CHECK(!text_is(config.networks[0].mac, "02:11:22:33:44:55"));
	CHECK(!config.networks[0].host_name && !config.networks[1].mac);
	CHECK_INT(notes.texts.count, 1);
	CHECK(strstr(notes.texts.items[0], "network.eth0.address 10.0.0.5/24"));
	CHECK(text_is(identity.old_host, "web1.example.org"));
	CHECK(text_is(identity.new_host, "web2.example.org"));
	/* comments stay */
	CHECK_INT(file_read(AT_FDCWD, file, 65536, &text, NULL), 0);
	CHECK(text_starts(text.data, "; web1: mine\n"));
	strings_done(&notes.texts);
}

TEST(what_is_to_be_kept_is_kept)
{
	FOLDER(folder);
	CLEAN(paths_done) struct paths paths = {0};
	CLEAN_FREE char *file = make_store(&paths, folder);
	CLEAN(config_done) struct config config = {0};
	struct identity identity = {
		.paths = &paths, .old_name = "web1", .new_name = "web2", .keep = IDENTITY_ALL};

	CHECK_INT(identity_renew_config(&identity, file, NULL), 0);
	config_init(&config);
	CHECK_INT(config_load(&config, file, NULL, NULL), 0);
	CHECK(text_is(config.uuid, "6f6b0f5e-0000-4000-8000-000000000000"));
	CHECK(text_is(config.hostname, "web1.example.org"));
	CHECK(text_is(config.networks[0].mac, "02:11:22:33:44:55"));
	/* ids are never shared */
	CHECK(!text_is(config.idmap.items[0], "b 0 1048576 65536"));
}

static void write_file(const char *folder, const char *path, const char *content)
{
	free(folder_write(folder, path, content));
}

static void make_tree(const char *folder)
{
	write_file(folder, "tree/etc/hostname", "web1\n");
	write_file(folder, "tree/etc/hosts", "127.0.1.1 web1.local web1\n");
	write_file(folder, "tree/etc/machine-id", "0123456789abcdef0123456789abcdef\n");
	write_file(folder, "tree/var/lib/dbus/machine-id", "0123456789abcdef0123456789abcdef\n");
	write_file(folder, "tree/var/lib/systemd/random-seed", "seed");
	write_file(folder, "tree/var/lib/dhcp/dhclient.eth0.leases", "lease");
	write_file(folder, "tree/var/lib/dhcp/keep", "mine");
	write_file(folder, "tree/etc/ssh/sshd_config", "Port 22\n");
	write_file(folder, "tree/etc/ssh/ssh_host_ed25519_key", "old");
	write_file(folder, "tree/etc/ssh/ssh_host_ed25519_key.pub", "old");
	write_file(folder, "tree/etc/ssh/ssh_host_none_key", "old");
}

static const struct identity renamed = {
	.old_name = "web1", .new_name = "web2", .old_host = "web1", .new_host = "web2"};

static bool holds(const char *folder, const char *path, const char *content)
{
	CLEAN_FREE char *whole = must_printf("%s/tree/%s", folder, path);

	return folder_holds(whole, content);
}

TEST(the_tree_is_another_machines)
{
	FOLDER(folder);
	CLEAN_FD int tree = -1;
	CLEAN_FREE char *program = process_find("ssh-keygen");
	struct error err = {0};
	struct stat st;

	make_tree(folder);
	write_file(folder, "tree/usr/lib/systemd/systemd", "");
	tree = openat(dir, "tree", O_PATH | O_DIRECTORY | O_CLOEXEC);
	CHECK_INT(identity_renew_tree(&renamed, tree, &err), 0);
	CHECK(holds(folder, "etc/hostname", "web2\n"));
	CHECK(holds(folder, "etc/hosts", "127.0.1.1 web2.local web2\n"));
	CHECK(holds(folder, "etc/machine-id", ""));
	CHECK(!file_exists(tree, "var/lib/dbus/machine-id"));
	CHECK(!file_exists(tree, "var/lib/systemd/random-seed"));
	CHECK(!file_exists(tree, "var/lib/dhcp/dhclient.eth0.leases"));
	CHECK(holds(folder, "var/lib/dhcp/keep", "mine"));
	CHECK(holds(folder, "etc/ssh/sshd_config", "Port 22\n"));
	CHECK(!file_exists(tree, "etc/ssh/ssh_host_none_key.pub"));
	if (!program)
		SKIP("no ssh-keygen is here");
	CHECK(fstatat(tree, "etc/ssh/ssh_host_ed25519_key", &st, 0) == 0);
	CHECK_INT(st.st_mode & 0777, 0600);
	CHECK(st.st_size > 100);
	CHECK(fstatat(tree, "etc/ssh/ssh_host_ed25519_key.pub", &st, 0) == 0);
	CHECK_INT(st.st_mode & 0777, 0644);
}

TEST(other_inits_make_a_machine_id_where_none_is)
{
	FOLDER(folder);
	CLEAN_FD int tree = -1;
	struct identity identity = renamed;

	make_tree(folder);
	tree = openat(dir, "tree", O_PATH | O_DIRECTORY | O_CLOEXEC);
	identity.keep = IDENTITY_SSH | IDENTITY_LEASES;
	CHECK_INT(identity_renew_tree(&identity, tree, NULL), 0);
	CHECK(!file_exists(tree, "etc/machine-id"));
	CHECK(holds(folder, "etc/ssh/ssh_host_ed25519_key", "old"));
	CHECK(holds(folder, "var/lib/dhcp/dhclient.eth0.leases", "lease"));
}

TEST(a_hostile_tree_is_never_left)
{
	FOLDER(folder);
	CLEAN_FREE char *out = must_printf("%s/out", folder);
	CLEAN_FREE char *id = must_printf("%s/out/machine-id", folder);
	CLEAN_FD int tree = -1;

	write_file(folder, "out/machine-id", "mine");
	write_file(folder, "out/hostname", "web1\n");
	write_file(folder, "out/ssh_host_rsa_key", "mine");
	write_file(folder, "tree/usr/lib/systemd/systemd", "");
	CHECK(mkdirat(dir, "tree/etc", 0755) == 0);
	tree = openat(dir, "tree", O_PATH | O_DIRECTORY | O_CLOEXEC);
	CHECK(symlinkat(id, tree, "etc/machine-id") == 0);
	CHECK(symlinkat("../../out/hostname", tree, "etc/hostname") == 0);
	CHECK(symlinkat(out, tree, "etc/ssh") == 0);
	CHECK(mkfifoat(tree, "etc/hosts", 0600) == 0);
	CHECK(mkdirat(tree, "etc/mailname", 0755) == 0);
	CHECK(symlinkat("mailname", tree, "etc/HOSTNAME") == 0);
	CHECK_INT(identity_renew_tree(&renamed, tree, NULL), 0);
	CHECK(folder_holds(id, "mine"));
	free(id);
	id = must_printf("%s/out/hostname", folder);
	CHECK(folder_holds(id, "web1\n"));
	free(id);
	id = must_printf("%s/out/ssh_host_rsa_key", folder);
	CHECK(folder_holds(id, "mine"));
}
