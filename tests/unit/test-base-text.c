/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/text.h"

#include "../lib/tap.h"
#include "base/cleanup.h"

#include <errno.h>

TEST(a_text_grows_and_is_handed_out)
{
	CLEAN(text_done) struct text text = {0};
	CLEAN_FREE char *taken = NULL;

	for (int i = 0; i < 1000; i++)
		text_addf(&text, "%d,", i);
	CHECK_INT(text.length, 10 * 2 + 90 * 3 + 900 * 4);
	CHECK(text_ends(text.data, ",998,999,"));
	taken = text_take(&text);
	CHECK(text_starts(taken, "0,1,2,"));
	CHECK(!text.data && !text.length);
	free(taken);
	taken = text_take(&text);
	CHECK(text_is(taken, ""));
}

TEST(a_path_is_below_a_folder_by_whole_names)
{
	CHECK(text_is_below("/a/b", "/a"));
	CHECK(text_is_below("/a/b/c", "/a"));
	CHECK(text_is_below("/a", "/"));
	CHECK(!text_is_below("/a", "/a"));
	CHECK(!text_is_below("/a/", "/a"));
	CHECK(!text_is_below("/ab", "/a"));
	CHECK(!text_is_below("/", "/"));
	CHECK(!text_is_below("/a", "/a/b"));
}

TEST(lists_keep_order_and_end_with_null)
{
	CLEAN(strings_done) struct strings list = {0};

	CHECK(!list.items);
	strings_add(&list, "b");
	strings_give(&list, must_dup("a"));
	CHECK_INT(list.count, 2);
	CHECK(text_is(list.items[0], "b") && !list.items[2]);
	CHECK(strings_has(&list, "a") && !strings_has(&list, "c"));
	strings_sort(&list);
	CHECK(text_is(list.items[0], "a") && text_is(list.items[1], "b"));
}

TEST(split_drops_empty_parts)
{
	CLEAN(strings_done) struct strings list = {0};

	strings_split(&list, "::a:b: c::", ":");
	CHECK_INT(list.count, 3);
	CHECK(text_is(list.items[2], " c"));
	strings_split(&list, "", ":");
	CHECK_INT(list.count, 3);
}

TEST(command_lines_with_quotes)
{
	CLEAN(strings_done) struct strings list = {0};

	CHECK_INT(strings_split_command(&list,
	                                " /bin/sh  -c 'echo \"$1\" \\n' \"a \\\" b\" x\\ y ''"),
	          0);
	CHECK_INT(list.count, 6);
	CHECK(text_is(list.items[0], "/bin/sh"));
	CHECK(text_is(list.items[2], "echo \"$1\" \\n"));
	CHECK(text_is(list.items[3], "a \" b"));
	CHECK(text_is(list.items[4], "x y"));
	CHECK(text_is(list.items[5], ""));
	CHECK_INT(strings_split_command(&list, "a 'b"), -EINVAL);
}

TEST(trim_and_control_characters)
{
	char line[] = " \t a b \r\n";

	CHECK(text_is(text_trim(line), "a b"));
	CHECK(text_has_control("a\tb", false) && !text_has_control("a\tb", true));
	CHECK(text_has_control("\x1b[31m", true) && text_has_control("\x7f", true));
	CHECK(!text_has_control("gr\xc3\xbc\xc3\x9f", false));
}

TEST(near_words_are_suggested_far_ones_not)
{
	static const char *const words[] = {"memory", "memory_high", "swap", "cpus", NULL};

	CHECK(text_is(text_nearest("memroy", words), "memory"));
	CHECK(text_is(text_nearest("cpu", words), "cpus"));
	CHECK(text_is(text_nearest("memory_hig", words), "memory_high"));
	CHECK(!text_nearest("address", words));
	CHECK(!text_nearest("x", words));
	CHECK(!text_nearest("a word that is much longer than any name that there is in the table",
	                    words));
}

TEST(hash_is_fnv_1a)
{
	CHECK(text_hash("") == 0xcbf29ce484222325ULL);
	CHECK(text_hash("a") == 0xaf63dc4c8601ec8cULL);
	CHECK(text_hash("foobar") == 0x85944171f73967e8ULL);
}
