/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which unit a container is in, from captured /proc/self/cgroup; asking systemd itself is tests/vm. */
#include "cgroup/systemd.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "cgroup/tree.h"
#include "tests/lib/folder.h"
#include "tests/lib/tap.h"

#include <fcntl.h>
#include <sys/stat.h>

static const struct systemd_request web1 = {.name = "web1", .tag = ""};

/* What is found in one of the captured files; unit and cgroup are "" when it is no place of the container. */
static int find(const char *file, const struct systemd_request *request, struct systemd_place *out)
{
	const char *source = secure_getenv("top_srcdir");
	CLEAN_FREE char *path =
		must_printf("%s/tests/data/cgroup/systemd/%s", source ? source : "..", file);
	CLEAN(text_done) struct text text = {0};

	*out = (struct systemd_place){.unit = ""};
	CHECK_INT(file_read(AT_FDCWD, path, 65536, &text, NULL), 0);
	return systemd_find_place(text.data, request, out);
}

TEST(a_login_session_is_no_place)
{
	struct systemd_place place;

	CHECK_INT(find("session", &web1, &place), 0);
	CHECK(!*place.unit && !*place.cgroup);
}

TEST(its_scope_is_found_in_the_scope_and_in_the_leaf)
{
	struct systemd_place place;

	CHECK_INT(find("scope", &web1, &place), 1);
	CHECK(text_is(place.unit, "sysc-web1.scope"));
	CHECK(text_is(place.cgroup, "sysc.slice/sysc-web1.scope/container"));
	CHECK_INT(find("scope-monitor", &web1, &place), 1);
	CHECK(text_is(place.unit, "sysc-web1.scope"));
	CHECK(text_is(place.cgroup, "sysc.slice/sysc-web1.scope/container"));
}

TEST(its_service_is_found_on_hybrid_and_legacy_hosts_too)
{
	struct systemd_place place;

	CHECK_INT(find("service", &web1, &place), 1);
	CHECK(text_is(place.unit, "sysc@web1.service"));
	CHECK(text_is(place.cgroup, "sysc.slice/sysc@web1.service/container"));
	CHECK_INT(find("service-hybrid", &web1, &place), 1);
	CHECK(text_is(place.unit, "sysc@web1.service"));
	CHECK_INT(find("service-legacy", &web1, &place), 1);
	CHECK(text_is(place.cgroup, "sysc.slice/sysc@web1.service/container"));
}

TEST(the_unit_of_another_container_is_no_place)
{
	const struct systemd_request others[] = {
		{.name = "web",   .tag = ""       },
		{.name = "web11", .tag = ""       },
		{.name = "web1",  .tag = "-abc123"},
		{.name = "eb1",   .tag = ""       },
	};
	struct systemd_place place;

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		CHECK_INT(find("scope", &others[i], &place), 0);
		/* the units of the template are those of the default store */
		CHECK_INT(find("service", &others[i], &place), 0);
	}
}

TEST(names_with_a_dash_are_found_as_written_and_as_escaped)
{
	const struct systemd_request request = {.name = "db-1.a", .tag = ""};
	const struct systemd_request tagged = {.name = "db-1", .tag = "-0a1b2c"};
	struct systemd_place place;

	CHECK_INT(systemd_find_place("0::/sysc.slice/sysc@db-1.a.service\n", &request, &place), 1);
	CHECK_INT(systemd_find_place("0::/sysc.slice/sysc@db\\x2d1.a.service\n", &request, &place),
	          1);
	CHECK(text_is(place.cgroup, "sysc.slice/sysc@db\\x2d1.a.service/container"));
	CHECK_INT(systemd_find_place("0::/sysc.slice/sysc-db-1-0a1b2c.scope/monitor\n", &tagged,
	                             &place),
	          1);
	CHECK(text_is(place.unit, "sysc-db-1-0a1b2c.scope"));
}

TEST(what_is_not_of_the_form_is_no_place)
{
	const char *const texts[] = {
		"",
		"0::/\n",
		"0::\n",
		"sysc-web1.scope",
		"5:memory:/sysc.slice/sysc-web1.scope\n", /* not the hierarchy that systemd keeps */
		"0::/sysc.slice/sysc-web1.scope/container/payload\n",
	};
	struct systemd_place place;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		CHECK_INT(systemd_find_place(texts[i], &web1, &place), 0);
}

TEST(systemd_runs_where_its_folder_is)
{
	FOLDER(root);

	CHECK(dir >= 0 && !systemd_is_running(root));
	CHECK(mkdirat(dir, "run", 0755) == 0 && mkdirat(dir, "run/systemd", 0755) == 0);
	CHECK(!systemd_is_running(root));
	CHECK(mkdirat(dir, "run/systemd/system", 0755) == 0);
	CHECK(systemd_is_running(root));
}

TEST(the_part_of_a_path_that_is_a_unit)
{
	CHECK_INT(tree_unit_length("sysc/web1"), 0);
	CHECK_INT(tree_unit_length("sysc.slice/sysc-web1.scope/container"),
	          strlen("sysc.slice/sysc-web1.scope"));
	CHECK_INT(tree_unit_length("a.slice/b.service"), strlen("a.slice/b.service"));
	/* of one in another the inner one */
	CHECK_INT(tree_unit_length("user@0.service/app.slice/a.scope/container"),
	          strlen("user@0.service/app.slice/a.scope"));
	CHECK_INT(tree_unit_length(""), 0);
}

TEST(a_cgroup_without_a_unit_has_no_leaf_to_join)
{
	CHECK_INT(systemd_rejoin("sysc/web1", NULL), 0);
	CHECK_INT(systemd_rejoin("", NULL), 0);
}
