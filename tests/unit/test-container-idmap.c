/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "container/idmap.h"

#include "../lib/folder.h"
#include "../lib/need.h"
#include "../lib/tap.h"
#include "base/error.h"
#include "container/paths.h"

#include <errno.h>
#include <sys/stat.h>

TEST(ranges_are_checked)
{
	static const char *const bad[] = {
		"",
		"b 0 1048576",
		"b 0 1048576 65536 1",
		"x 0 1048576 65536",
		"b -1 1048576 65536",
		"b 0 0x100000 65536",
		"b 0 1048576 0",
		"b 0 4294967295 1",
		"b 4294967295 0 1",
		"b 0 4294900000 68000",
		"b 0 99999999999999999999 1",
	};
	struct idmap map = {0};
	struct error err = {0};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_INT(idmap_add(&map, bad[i], &err), -EINVAL);
	CHECK_INT(map.count, 0);
	CHECK_INT(idmap_add(&map, "b 0 4294901759 65536", &err), 0);
}

TEST(overlaps_are_refused)
{
	struct idmap map = {0};
	struct error err = {0};

	CHECK_INT(idmap_add(&map, "u 0 100000 1000", &err), 0);
	CHECK_INT(idmap_add(&map, "g 0 100000 1000", &err), 0);
	CHECK_INT(idmap_add(&map, "u 999 200000 1", &err), -EINVAL);
	CHECK(strstr(err.text, "overlaps the range 0 100000 1000"));
	CHECK_INT(idmap_add(&map, "b 1000 100999 1", &err), -EINVAL);
	CHECK_INT(idmap_add(&map, "b 1000 101000 5", &err), 0);
	CHECK_INT(map.count, 3);
}

TEST(no_more_ranges_than_there_is_room_for)
{
	struct idmap map = {0};
	struct error err = {0};

	for (int i = 0; i < IDMAP_RANGES_MAX; i++) {
		CLEAN_FREE char *text = must_printf("b %d %d 1", i, 5000 + i);

		CHECK_INT(idmap_add(&map, text, &err), 0);
	}
	CHECK_INT(idmap_add(&map, "b 1000 9000 1", &err), -E2BIG);
}

TEST(the_kernels_form)
{
	CLEAN(strings_done) struct strings lines = {0};
	struct idmap map = {0};
	char out[64];

	strings_add(&lines, "b 0 1048576 65536");
	strings_add(&lines, "g 65536 44 1");
	CHECK_INT(idmap_parse(&map, &lines, NULL), 0);
	CHECK_INT(idmap_format(&map, false, out, sizeof(out)), 0);
	CHECK(text_is(out, "0 1048576 65536\n"));
	CHECK_INT(idmap_format(&map, true, out, sizeof(out)), 0);
	CHECK(text_is(out, "0 1048576 65536\n65536 44 1\n"));
	CHECK_INT(idmap_format(&map, true, out, 27), -ENOSPC);
	CHECK_INT(idmap_format(&map, true, out, 28), 0);
	CHECK_INT(idmap_to_host(&map, false, 1000), 1049576);
	CHECK_INT(idmap_to_host(&map, false, 65536), -ENOENT);
	CHECK_INT(idmap_to_host(&map, true, 65536), 44);
}

TEST(a_wrong_line_leaves_the_map_alone)
{
	CLEAN(strings_done) struct strings lines = {0};
	struct idmap map = {.count = 1, .ranges = {{true, true, 1, 2, 3}}};

	strings_add(&lines, "b 0 1048576 65536");
	strings_add(&lines, "nonsense");
	CHECK_INT(idmap_parse(&map, &lines, NULL), -EINVAL);
	CHECK(map.count == 1 && map.ranges[0].outside == 2);
}

/* A block that nothing on the host has: what the choice finds in an empty store. */
static uint64_t first_free(struct paths *paths, const char *folder)
{
	CLEAN(strings_done) struct strings words = {0};
	char out[64];
	struct error err = {0};

	*paths = (struct paths){.store = must_printf("%s/store", folder),
	                        .etc = must_dup("/etc/sysc"),
	                        .idmap_base = 3000000000,
	                        .idmap_count = 1000000000};
	CHECK_INT(idmap_choose(paths, NULL, out, &err), 0);
	strings_split(&words, out, " ");
	CHECK(words.count == 4 && text_is(words.items[0], "b") && text_is(words.items[1], "0"));
	CHECK(text_is(words.items[3], "65536"));
	return strtoull(words.items[2], NULL, 10);
}

static void check_choice_is(const struct paths *paths, uint64_t first)
{
	CLEAN_FREE char *want = must_printf("b 0 %llu 65536", (unsigned long long)first);
	struct error err = {0};
	char out[64];
	int r = idmap_choose(paths, NULL, out, &err);

	if (r < 0 || !text_is(out, want))
		printf("# %s, not %s\n", r < 0 ? err.text : out, want);
	CHECK(r == 0 && text_is(out, want));
}

TEST(the_lowest_free_block_is_chosen)
{
	FOLDER(folder);
	CLEAN(paths_done) struct paths paths;
	uint64_t first = first_free(&paths, folder);
	CLEAN_FREE char *one = NULL, *two = NULL, *three = NULL, *text = NULL;

	CHECK_INT(first % 65536, 0);
	CHECK(first >= 3000000000);
	check_choice_is(&paths, first);
	text = must_printf("[idmap]\n  map =  b 0 %llu 65536 ; x\n", (unsigned long long)first);
	one = folder_write(folder, "store/web1/config", text);
	check_choice_is(&paths, first + 65536);
	/* one that is being made, and the last id of it reaches into the next block */
	free(text);
	text = must_printf("[idmap]\nmap=u 0 %llu 2\n", (unsigned long long)first + 3 * 65536 - 1);
	two = folder_write(folder, "store/.web2.creating/config", text);
	check_choice_is(&paths, first + 65536);
	free(text);
	text = must_printf("[idmap]\nmap=g 0 %llu 1\n", (unsigned long long)first + 65536 + 5);
	three = folder_write(folder, "store/web3/config", text);
	check_choice_is(&paths, first + 4 * 65536);
	CHECK_INT(unlink(one), 0);
	check_choice_is(&paths, first);
}

TEST(a_full_range_says_where_to_get_more)
{
	FOLDER(folder);
	CLEAN(paths_done) struct paths paths;
	uint64_t first = first_free(&paths, folder);
	struct error err = {0};
	char out[64];

	paths.idmap_base = first + 1;
	paths.idmap_count = 65536;
	CHECK_INT(idmap_choose(&paths, NULL, out, &err), -ENOSPC);
	CHECK(strstr(err.text, "idmap_base"));
	paths.idmap_base = first;
	CHECK_INT(idmap_choose(&paths, NULL, out, &err), 0);
}

TEST(a_namespace_without_a_process)
{
	CLEAN_FD int fd = -1;
	struct idmap map = {0};
	struct error err = {0};
	struct stat mine, other;

	CHECK_INT(idmap_add(&map, "b 0 1048576 65536", &err), 0);
	fd = idmap_namespace(&map, &err);
	NEED("root", fd != -EPERM, "needs root: writes a map of a user namespace");
	printf("# %s\n", err.text);
	CHECK(fd >= 0);
	CHECK_INT(fstat(fd, &other), 0);
	CHECK_INT(stat("/proc/self/ns/user", &mine), 0);
	CHECK(mine.st_ino != other.st_ino);
	CHECK(waitpid(-1, NULL, WNOHANG | __WALL) < 0 && errno == ECHILD);
}

TEST(a_map_without_groups_makes_no_namespace)
{
	struct idmap map = {0};
	struct error err = {0};

	CHECK_INT(idmap_add(&map, "u 0 1048576 65536", &err), 0);
	CHECK(idmap_namespace(&map, &err) < 0);
	CHECK(*err.text);
	CHECK(waitpid(-1, NULL, WNOHANG | __WALL) < 0 && errno == ECHILD);
}

TEST(the_way_back)
{
	struct idmap map = {0}, back;
	struct error err = {0};

	CHECK_INT(idmap_add(&map, "u 0 100000 1000", &err), 0);
	CHECK_INT(idmap_add(&map, "u 1000 1000 1", &err), 0);
	CHECK_INT(idmap_add(&map, "g 0 200000 65536", &err), 0);
	idmap_invert(&map, &back);
	CHECK_INT(idmap_to_host(&back, false, 100000), 0);
	CHECK_INT(idmap_to_host(&back, false, 100999), 999);
	CHECK_INT(idmap_to_host(&back, false, 1000), 1000);
	CHECK_INT(idmap_to_host(&back, true, 200044), 44);
	CHECK(idmap_has(&back, false, 1000) && !idmap_has(&back, true, 1000));
	/* nobody's, as in the container; the map itself has none of them */
	CHECK_INT(idmap_to_host(&back, false, 0), IDMAP_NOBODY);
	CHECK_INT(idmap_to_host(&back, true, 100000), IDMAP_NOBODY);
	CHECK_INT(idmap_to_host(&map, false, 5000), -ENOENT);
}
