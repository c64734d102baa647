/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "container/paths.h"

#include "../lib/folder.h"
#include "../lib/need.h"
#include "../lib/tap.h"
#include "base/error.h"
#include "base/process.h"

#include <errno.h>

/* No variable of the caller's, and an /etc/sysc of our own. */
static void clean_environment(const char *etc)
{
	static const char *const names[] = {"SYSC_PATH", "SYSC_RUN",    "SYSC_CACHE",
	                                    "SYSC_LOG",  "SYSC_CGROUP", "SYSC_ETC"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		(void)unsetenv(names[i]);
	CHECK_INT(setenv("SYSC_ETC", etc, 1), 0);
}

TEST(defaults_of_root)
{
	CLEAN(paths_done) struct paths paths = {0};
	struct error err = {0};

	NEED("root", geteuid() == 0, "needs root: other users have other folders");
	clean_environment("/nonexistent");
	CHECK_INT(paths_init(&paths, NULL, &err), 0);
	CHECK(text_is(paths.store, LOCALSTATEDIR "/lib/sysc") && text_is(paths.run, "/run/sysc"));
	CHECK(text_is(paths.cache, LOCALSTATEDIR "/cache/sysc"));
	CHECK(text_is(paths.log, LOCALSTATEDIR "/log/sysc"));
	CHECK(text_is(paths.cgroup, "sysc") && text_is(paths.bridge, "syscbr0"));
	CHECK(text_is(paths.tag, "") && text_is(paths.etc, "/nonexistent"));
	CHECK_INT(paths.idmap_base, 1048576);
	CHECK_INT(paths.idmap_count, 1000000000);
	CHECK(*paths.program == '/');
	CHECK(text_is(paths.libexec, PKGLIBEXECDIR));
	CHECK(text_is(paths.templates, PKGDATADIR "/templates"));
}

TEST(folders_of_a_user)
{
	CLEAN(paths_done) struct paths paths = {0};
	struct error err = {0};

	clean_environment("/nonexistent");
	NEED("root", geteuid() != 0 || setresuid(65534, 65534, 65534) == 0,
	     "cannot become another user");
	CHECK_INT(setenv("HOME", "/home/u", 1), 0);
	CHECK_INT(setenv("XDG_RUNTIME_DIR", "/run/user/7", 1), 0);
	(void)unsetenv("XDG_DATA_HOME");
	(void)unsetenv("XDG_CACHE_HOME");
	CHECK_INT(paths_init(&paths, NULL, &err), 0);
	CHECK(text_is(paths.store, "/home/u/.local/share/sysc"));
	CHECK(text_is(paths.run, "/run/user/7/sysc"));
	CHECK(text_is(paths.cache, "/home/u/.cache/sysc"));
}

TEST(options_before_environment_before_file)
{
	FOLDER(folder);
	CLEAN(paths_done) struct paths paths = {0};
	CLEAN_FREE char *file = folder_write(folder, "sysc.conf",
	                                     "[sysc]\n"
	                                     "path = /srv/file\n"
	                                     "run = /srv/run/\n"
	                                     "cache = /srv//cache\n"
	                                     "bridge = br7 ; x\n"
	                                     "idmap_base = 200000\n");
	struct error err = {0};

	clean_environment(folder);
	CHECK_INT(paths_init(&paths, NULL, &err), 0);
	CHECK(text_is(paths.store, "/srv/file") && text_is(paths.run, "/srv/run"));
	CHECK(text_is(paths.cache, "/srv/cache") && text_is(paths.bridge, "br7"));
	CHECK(text_is(paths.tag, ""));
	CHECK_INT(paths.idmap_base, 200000);
	paths_done(&paths);
	CHECK_INT(setenv("SYSC_PATH", "/srv/env", 1), 0);
	CHECK_INT(setenv("SYSC_LOG", "/srv/log", 1), 0);
	CHECK_INT(paths_init(&paths, NULL, &err), 0);
	CHECK(text_is(paths.store, "/srv/env") && text_is(paths.log, "/srv/log"));
	paths_done(&paths);
	CHECK_INT(paths_init(&paths, "/srv/option", &err), 0);
	CHECK(text_is(paths.store, "/srv/option") && text_is(paths.log, "/srv/log"));
}

TEST(another_store_meets_no_other)
{
	CLEAN(paths_done) struct paths one = {0}, two = {0}, same = {0};
	CLEAN_FREE char *hash = NULL;
	struct error err = {0};

	clean_environment("/nonexistent");
	CHECK_INT(setenv("SYSC_RUN", "", 1), 0); /* empty is not set */
	CHECK_INT(paths_init(&one, "/srv/one", &err), 0);
	CHECK_INT(paths_init(&two, "/srv/two", &err), 0);
	CHECK_INT(paths_init(&same, "/srv/./one/", &err), 0);
	hash = must_printf("/sysc/.at/%016llx", text_hash("/srv/one"));
	CHECK(text_ends(one.run, hash) && text_ends(one.log, hash));
	CHECK(strlen(one.tag) == 7 && *one.tag == '-');
	CHECK(!text_is(one.tag, two.tag) && !text_is(one.run, two.run));
	CHECK(!text_is(one.cgroup, two.cgroup) && text_starts(one.cgroup, "sysc-"));
	CHECK(text_is(one.run, same.run) && text_is(one.tag, same.tag));
	paths_done(&same);
	CHECK_INT(setenv("SYSC_RUN", "/srv/run", 1), 0);
	CHECK_INT(setenv("SYSC_CGROUP", "a/b", 1), 0);
	CHECK_INT(paths_init(&same, "/srv/one", &err), 0);
	CHECK(text_is(same.run, "/srv/run") && text_is(same.cgroup, "a/b"));
	CHECK(text_is(same.tag, one.tag));
}

TEST(a_relative_store_is_made_absolute)
{
	FOLDER(folder);
	CLEAN(paths_done) struct paths paths = {0};
	CLEAN_FREE char *want = must_printf("%s/here", folder);
	struct error err = {0};

	clean_environment("/nonexistent");
	CHECK_INT(chdir(folder), 0);
	CHECK_INT(paths_init(&paths, "here", &err), 0);
	CHECK(text_is(paths.store, want));
	CHECK_INT(chdir("/"), 0);
	paths_done(&paths);
	CHECK_INT(paths_init(&paths, "", &err), -EINVAL);
	CHECK(!paths.store);
}

TEST(a_wrong_file_or_variable)
{
	FOLDER(folder);
	CLEAN(paths_done) struct paths paths = {0};
	CLEAN_FREE char *file = folder_write(folder, "sysc.conf",
	                                     "[sysc]\nbrigde = x\nidmap_count = 5\n[other]\na=b\n");
	CLEAN_FREE char *want = must_printf("%s:2: sysc.brigde: unknown key (did you mean "
	                                    "'bridge'?) (and 2 more)",
	                                    file);
	struct error err = {0};

	clean_environment(folder);
	CHECK_INT(paths_init(&paths, NULL, &err), -EINVAL);
	printf("# %s\n", err.text);
	CHECK(text_is(err.text, want));
	CHECK_INT(setenv("SYSC_ETC", "/nonexistent", 1), 0);
	CHECK_INT(setenv("SYSC_CGROUP", "../x", 1), 0);
	CHECK_INT(paths_init(&paths, NULL, &err), -EINVAL);
	CHECK(text_starts(err.text, "SYSC_CGROUP: "));
}

/* A copy of this program, started as the test below does, says what it finds. */
__attribute__((constructor)) static void say_paths(void)
{
	CLEAN(paths_done) struct paths paths = {0};

	if (!secure_getenv("SYSC_TEST_SAY_PATHS"))
		return;
	if (paths_init(&paths, NULL, NULL) < 0)
		_exit(1);
	printf("%s\n%s\n%s\n%s\n", paths.program, paths.templates, paths.config, paths.libexec);
	(void)fflush(stdout);
	_exit(0);
}

TEST(a_program_in_its_build_tree)
{
	FOLDER(folder);
	CLEAN(text_done) struct text self = {0}, output = {0};
	CLEAN_FREE char *program = must_printf("%s/program", folder);
	CLEAN_FREE char *mark = folder_write(folder, "build-tree", "/the/source\n");
	CLEAN_FREE char *want =
		must_printf("%s\n/the/source/templates\n/the/source/config\n%s\n", program, folder);
	char name[] = "SYSC_TEST_SAY_PATHS=1", etc[] = "SYSC_ETC=/nonexistent";
	char *argv[] = {program, NULL}, *env[] = {name, etc, NULL};
	struct process_options options = {.argv = argv,
	                                  .env = env,
	                                  .input_fd = -1,
	                                  .output_fd = -1,
	                                  .error_fd = -1,
	                                  .output = &output};
	struct error err = {0};

	CHECK_INT(file_read(AT_FDCWD, "/proc/self/exe", 64 << 20, &self, &err), 0);
	CHECK_INT(file_replace_volatile(dir, "program", self.data, self.length, 0700, &err), 0);
	CHECK_INT(process_run(&options, &err), 0);
	CHECK(text_is(output.data, want));
}
