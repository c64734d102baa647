/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "container/container.h"

#include "../lib/folder.h"
#include "../lib/tap.h"
#include "base/error.h"

#include <errno.h>
#include <sys/stat.h>

static const char plain[] = "[rootfs]\npath = dir:/srv/x\n[idmap]\nmap = b 0 1048576 65536\n";

static struct paths make_store(const char *folder, const char *const *names)
{
	for (; *names; names++) {
		CLEAN_FREE char *path = must_printf("store/%s/config", *names);
		CLEAN_FREE char *file = folder_write(folder, path, plain);
	}
	return (struct paths){
		.store = must_printf("%s/store", folder),
		.run = must_printf("%s/run", folder),
		.log = must_printf("%s/log", folder),
	};
}

TEST(names)
{
	static const char *const good[] = {"a", "0", "web-1.example_x", NULL};
	static const char *const bad[] = {"",    ".",    "..",       ".hidden", "-a", "a b",
	                                  "a/b", "a\nb", "\xc3\xa4", "_a",      "a*", NULL};
	char longest[65];
	struct error err = {0};

	for (size_t i = 0; good[i]; i++)
		CHECK_INT(container_check_name(good[i], &err), 0);
	for (size_t i = 0; bad[i]; i++) {
		CHECK_INT(container_check_name(bad[i], &err), -EINVAL);
		CHECK(!text_has_control(err.text, false));
	}
	memset(longest, 'a', 64);
	longest[63] = '\0';
	CHECK_INT(container_check_name(longest, &err), 0);
	longest[63] = 'a';
	longest[64] = '\0';
	CHECK_INT(container_check_name(longest, &err), -EINVAL);
}

TEST(an_absent_store_is_empty)
{
	struct paths paths = {.store = (char[]){"/nonexistent/store"}};
	CLEAN(strings_done) struct strings names = {0};

	CHECK_INT(container_list(&paths, &names, NULL), 0);
	CHECK_INT(names.count, 0);
}

TEST(listing_and_globs)
{
	FOLDER(folder);
	static const char *const all[] = {"web2", "web1", "db1", ".web3.creating", NULL};
	CLEAN(paths_done) struct paths paths = make_store(folder, all);
	CLEAN(strings_done) struct strings names = {0}, patterns = {0};
	struct error err = {0};

	CHECK_INT(mkdirat(dir, "store/no-config", 0700), 0);
	CHECK_INT(container_list(&paths, &names, &err), 0);
	CHECK_INT(names.count, 3);
	CHECK(text_is(names.items[0], "db1") && text_is(names.items[2], "web2"));
	strings_done(&names);
	strings_add(&patterns, "web*");
	strings_add(&patterns, "web1");
	CHECK_INT(container_match(&paths, &patterns, &names, &err), 0);
	CHECK_INT(names.count, 2);
	strings_add(&patterns, "wbe1");
	CHECK_INT(container_match(&paths, &patterns, &names, &err), -ENOENT);
	CHECK(strstr(err.text, "no such container 'wbe1'"));
	CHECK(strstr(err.text, "did you mean 'web1'?"));
	strings_add(&patterns, "x*");
	CHECK_INT(names.count, 2);
}

TEST(opening)
{
	FOLDER(folder);
	static const char *const all[] = {"web1", NULL};
	CLEAN(paths_done) struct paths paths = make_store(folder, all);
	CLEAN(container_done) struct container container = {0};
	CLEAN(strings_done) struct strings errors = {0};
	CLEAN_FREE char *bad = NULL, *log = must_printf("%s/log/web1.log", folder);
	struct error err = {0};

	CHECK_INT(container_open(&container, &paths, "web1", &errors, &err), 0);
	CHECK(container_exists(&container));
	CHECK(text_is(container.config.hostname, "web1"));
	CHECK(text_is(container.config.rootfs_path, "dir:/srv/x"));
	CHECK(text_is(container.log, log));
	container_done(&container);
	CHECK_INT(container_open(&container, &paths, "web2", &errors, &err), -ENOENT);
	CHECK(strstr(err.text, "did you mean 'web1'?"));
	CHECK_INT(container_open(&container, &paths, "../x", &errors, &err), -EINVAL);
	CHECK_INT(errors.count, 0);
	bad = folder_write(folder, "store/bad/config", "[limits]\npids = x\ncpus = y\n");
	CHECK_INT(container_open(&container, &paths, "bad", &errors, &err), -EINVAL);
	CHECK_INT(errors.count, 2);
	CHECK(!container.name);
}
