/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../lib/folder.h"
#include "../lib/tap.h"
#include "base/error.h"
#include "container/config.h"

#include <errno.h>
#include <sys/stat.h>

static const char before[] = "; web1\n"
			     "[container]\n"
			     "\n"
			     "groups = a\n"
			     "# between\n"
			     "groups = b ; second\n"
			     "\n"
			     "; of the limits\n"
			     "[limits]\n"
			     "  memory   =  512M   ; why\n"
			     "memory = 1G\n"
			     "cpus =\n";

/* Runs set (value given) or unset on a file with content before; it must hold after then. */
static void check_edit(const char *section, const char *key, const char *value, bool replace,
                       const char *after)
{
	FOLDER(folder);
	CLEAN_FREE char *file = folder_write(folder, "config", before);
	struct error err = {0};
	int r = config_edit_set(file, section, key, value, replace, &err);

	if (r < 0)
		printf("# %s\n", err.text);
	CHECK_INT(r, 0);
	CHECK(folder_holds(file, after));
}

TEST(a_scalar_is_changed_in_place_once)
{
	check_edit("limits", "memory", "2G", false,
	           "; web1\n[container]\n\ngroups = a\n# between\ngroups = b ; second\n\n"
	           "; of the limits\n[limits]\nmemory = 2G\ncpus =\n");
}

TEST(an_empty_value_is_filled)
{
	check_edit("limits", "cpus", "1.5", false,
	           "; web1\n[container]\n\ngroups = a\n# between\ngroups = b ; second\n\n"
	           "; of the limits\n[limits]\n  memory   =  512M   ; why\nmemory = 1G\n"
	           "cpus = 1.5\n");
}

TEST(a_list_gets_a_further_line)
{
	check_edit("container", "groups", "c", false,
	           "; web1\n[container]\n\ngroups = a\n# between\ngroups = b ; second\n"
	           "groups = c\n\n; of the limits\n[limits]\n  memory   =  512M   ; why\n"
	           "memory = 1G\ncpus =\n");
}

TEST(a_list_is_replaced)
{
	check_edit("container", "groups", "c", true,
	           "; web1\n[container]\n\ngroups = c\n# between\n\n; of the limits\n[limits]\n"
	           "  memory   =  512M   ; why\nmemory = 1G\ncpus =\n");
}

TEST(a_new_key_stands_at_the_end_of_its_section)
{
	check_edit("container", "hostname", "x", false,
	           "; web1\n[container]\n\ngroups = a\n# between\ngroups = b ; second\n"
	           "hostname = x\n\n; of the limits\n[limits]\n  memory   =  512M   ; why\n"
	           "memory = 1G\ncpus =\n");
}

TEST(a_preview_is_what_the_edit_gives_and_writes_nothing)
{
	FOLDER(folder);
	CLEAN_FREE char *file = folder_write(folder, "config", before);
	const struct config_edit set = {"limits", "pids", "7", .unset = false};
	const struct config_edit unset = {"container", "groups", "b", .unset = true};
	const struct config_edit absent = {"limits", "swap", NULL, .unset = true};
	const struct config_edit wrong = {"limits", "pids", "many", .unset = false};
	CLEAN(text_done) struct text text = {0}, other = {0};
	struct error err = {0};

	CHECK_INT(config_edit_preview(file, &set, &text, &err), 0);
	CHECK(strstr(text.data, "cpus =\npids = 7\n"));
	CHECK_INT(config_edit_preview(file, &unset, &other, &err), 0);
	CHECK(strstr(other.data, "groups = a") && !strstr(other.data, "groups = b"));
	CHECK_INT(config_edit_preview(file, &absent, &other, &err), -ENOENT);
	CHECK_INT(config_edit_preview(file, &wrong, &other, &err), -EINVAL);
	CHECK(folder_holds(file, before));
	CHECK_INT(config_edit_set(file, "limits", "pids", "7", false, &err), 0);
	CHECK(folder_holds(file, text.data));
}

TEST(a_new_section_stands_at_the_end)
{
	check_edit("network.eth0", "bridge", "br0", false,
	           "; web1\n[container]\n\ngroups = a\n# between\ngroups = b ; second\n\n"
	           "; of the limits\n[limits]\n  memory   =  512M   ; why\nmemory = 1G\ncpus =\n"
	           "\n[network.eth0]\nbridge = br0\n");
}

TEST(comments_and_columns_of_a_changed_line_stay)
{
	FOLDER(folder);
	CLEAN_FREE char *file = folder_write(folder, "config", "[limits]\n\tpids   =  1   ; why=1");

	CHECK_INT(config_edit_set(file, "limits", "pids", "20", false, NULL), 0);
	CHECK(folder_holds(file, "[limits]\n\tpids   =  20   ; why=1\n"));
	CHECK_INT(config_edit_set(file, "limits", "pids", "", false, NULL), 0);
	CHECK(folder_holds(file, "[limits]\n\tpids   =     ; why=1\n"));
	CHECK_INT(config_edit_set(file, "limits", "pids", "3", false, NULL), 0);
	CHECK(folder_holds(file, "[limits]\n\tpids   = 3     ; why=1\n"));
}

TEST(what_an_include_says_is_replaced_too)
{
	FOLDER(folder);
	CLEAN_FREE char *other = folder_write(folder, "o", "[container]\ngroups = from-include\n");
	CLEAN_FREE char *file = folder_write(folder, "config", "[container]\ninclude = o\n");
	CLEAN(config_done) struct config config;

	CHECK_INT(config_edit_set(file, "container", "groups", "x", true, NULL), 0);
	CHECK(folder_holds(file, "[container]\ninclude = o\ngroups =\ngroups = x\n"));
	CHECK_INT(config_edit_set(file, "container", "groups", "y", true, NULL), 0);
	CHECK(folder_holds(file, "[container]\ninclude = o\ngroups =\ngroups = y\n"));
	config_init(&config);
	CHECK_INT(config_load(&config, file, NULL, NULL), 0);
	CHECK_INT(config.groups.count, 1);
	CHECK(text_is(config.groups.items[0], "y"));
}

TEST(unset_removes_only_what_is_meant)
{
	FOLDER(folder);
	CLEAN_FREE char *file = folder_write(folder, "config", before);
	struct error err = {0};

	CHECK_INT(config_edit_unset(file, "container", "groups", "b", &err), 0);
	CHECK_INT(config_edit_unset(file, "limits", "memory", NULL, &err), 0);
	CHECK(folder_holds(file, "; web1\n[container]\n\ngroups = a\n# between\n\n"
	                         "; of the limits\n[limits]\ncpus =\n"));
	CHECK_INT(config_edit_unset(file, "limits", "memory", NULL, &err), -ENOENT);
	CHECK_INT(config_edit_unset(file, "container", "groups", "b", &err), -ENOENT);
	CHECK(strstr(err.text, "does not set container.groups to 'b'"));
	CHECK_INT(config_edit_unset(file, "limits", "memoyr", NULL, &err), -EINVAL);
	CHECK_INT(config_edit_unset(file, "limits", NULL, NULL, &err), 0);
	CHECK_INT(config_edit_unset(file, "limits", NULL, NULL, &err), -ENOENT);
	CHECK(folder_holds(file, "; web1\n[container]\n\ngroups = a\n# between\n\n"
	                         "; of the limits\n"));
}

TEST(wrong_values_change_nothing)
{
	FOLDER(folder);
	CLEAN_FREE char *file = folder_write(folder, "config", before);
	CLEAN_FREE char *big = must_alloc(5000);
	static const char *const rows[][3] = {
		{"limits",    "memory",      "x"          },
		{"limits",    "memroy",      "1G"         },
		{"container", "description", "a ; b"      },
		{"container", "description", " a"         },
		{"container", "description", "a\n[limits]"},
		{"container", "description", "a\x1b"      },
		{"sysctl",    "a=b",         "1"          },
		{"network",   "type",        "veth"       },
		{"limits",    "hugetlb",     "2M 1G"      },
	};
	struct error err = {0};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		CHECK_INT(config_edit_set(file, rows[i][0], rows[i][1], rows[i][2], false, &err),
		          -EINVAL);
	memset(big, 'x', 4999);
	CHECK_INT(config_edit_set(file, "container", "description", big, false, &err), -EINVAL);
	CHECK(strstr(err.text, "longer than 4096"));
	CHECK(folder_holds(file, before));
}

TEST(owner_mode_and_a_link_stay)
{
	FOLDER(folder);
	CLEAN_FREE char *file = folder_write(folder, "real", "[limits]\n");
	CLEAN_FREE char *link = must_printf("%s/link", folder);
	struct stat st;

	CHECK_INT(symlink("real", link), 0);
	CHECK_INT(chmod(file, 0604), 0);
	if (geteuid() == 0)
		CHECK_INT(chown(file, 0, 4711), 0);
	CHECK_INT(chmod(file, 0604), 0);
	CHECK_INT(config_edit_set(link, "limits", "pids", "5", false, NULL), 0);
	CHECK(folder_holds(file, "[limits]\npids = 5\n"));
	CHECK_INT(lstat(link, &st), 0);
	CHECK(S_ISLNK(st.st_mode));
	CHECK_INT(stat(file, &st), 0);
	CHECK_INT(st.st_mode & 07777, 0604);
	if (geteuid() == 0)
		CHECK_INT(st.st_gid, 4711);
}

TEST(an_edited_file_is_read_back)
{
	FOLDER(folder);
	CLEAN_FREE char *file = folder_write(folder, "config", "");
	CLEAN_FREE char *value = must_alloc(3001);
	CLEAN(config_done) struct config config;

	memset(value, 'x', 3000);
	CHECK_INT(config_edit_set(file, "container", "description", value, false, NULL), 0);
	CHECK_INT(config_edit_set(file, "cgroup", "v1:memory.swappiness", "7", false, NULL), 0);
	CHECK_INT(config_edit_set(file, "cgroup", "v1:memory.swappiness", "8", false, NULL), 0);
	CHECK_INT(config_edit_set(file, "network.eth0", "address", "10.0.0.2/24", false, NULL), 0);
	CHECK_INT(config_edit_set(file, "network.eth0", "address", "fd00::2/64", false, NULL), 0);
	config_init(&config);
	CHECK_INT(config_load(&config, file, NULL, NULL), 0);
	CHECK(text_is(config.description, value));
	CHECK_INT(config.cgroup.names.count, 1);
	CHECK(text_is(config.cgroup.values.items[0], "8"));
	CHECK_INT(config.networks[0].address.count, 2);
}
