/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "storage/diff.h"

#include "../lib/folder.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* The folders "a" and "b" in a temporary one. */
struct trees {
	char *folder;
	int dir, a, b;
	struct text told;                           /* "~ /path content,mode" lines */
	void (*meanwhile)(const struct trees *all); /* called once, when something is told */
};

static void trees_init(struct trees *trees)
{
	*trees = (struct trees){.folder = folder_make()};
	trees->dir = open(trees->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(mkdirat(trees->dir, "a", 0755) == 0 && mkdirat(trees->dir, "b", 0755) == 0);
	trees->a = openat(trees->dir, "a", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	trees->b = openat(trees->dir, "b", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(trees->a >= 0 && trees->b >= 0);
}

static void trees_done(struct trees *trees)
{
	close(trees->a);
	close(trees->b);
	close(trees->dir);
	text_done(&trees->told);
	folder_drop(&trees->folder);
}

static int note(const char *path, enum diff_change change, unsigned int ways, void *user,
                struct error *err)
{
	struct trees *trees = user;
	const char *name;

	CHECK(strlen(path) < PATH_MAX);
	text_addf(&trees->told, "%c %s", "+-~"[change], path);
	for (unsigned int way = 1; (name = diff_way_name(way)); way <<= 1)
		if (ways & way)
			text_addf(&trees->told, " %s", name);
	text_add(&trees->told, "\n");
	if (trees->meanwhile)
		trees->meanwhile(trees);
	trees->meanwhile = NULL;
	return text_is(path, "/stop") ? fail_plain(err, ENOSPC, "no more") : 0;
}

static void check_told(struct trees *trees, const char *expected)
{
	struct error err = {0};
	int r;

	text_done(&trees->told);
	r = diff_trees(trees->a, trees->b, note, trees, &err);
	if (r < 0)
		printf("# %s\n", err.text);
	CHECK_INT(r, 0);
	if (!text_is(trees->told.data ? trees->told.data : "", expected))
		printf("# told:\n%s\n", trees->told.data);
	CHECK(text_is(trees->told.data ? trees->told.data : "", expected));
}

static void write_file(int folder, const char *name, const char *content)
{
	CLEAN_FD int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	CHECK(fd >= 0 && write(fd, content, strlen(content)) == (ssize_t)strlen(content));
}

static void make_both(const struct trees *trees, const char *name)
{
	CHECK(mkdirat(trees->a, name, 0755) == 0 && mkdirat(trees->b, name, 0755) == 0);
}

TEST(each_difference_is_told_in_the_order_of_names)
{
	struct trees trees;

	trees_init(&trees);
	check_told(&trees, "");
	make_both(&trees, "both");
	write_file(trees.a, "both/same", "x");
	write_file(trees.b, "both/same", "x");
	write_file(trees.a, "both/content", "x");
	write_file(trees.b, "both/content", "another");
	write_file(trees.a, "both.file", "x");
	write_file(trees.b, "both.file", "x");
	CHECK(fchmodat(trees.b, "both.file", 0600, 0) == 0);
	CHECK(mkdirat(trees.a, "old", 0755) == 0 && mkdirat(trees.a, "old/in", 0755) == 0);
	write_file(trees.b, "new", "x");
	CHECK(symlinkat("/etc", trees.a, "link") == 0 && symlinkat("/usr", trees.b, "link") == 0);
	/* a folder that became a symlink to one is not followed */
	CHECK(mkdirat(trees.a, "folder", 0755) == 0 && symlinkat("both", trees.b, "folder") == 0);
	write_file(trees.a, "folder/in", "x");
	check_told(&trees, "~ /both/content content\n~ /both.file mode\n~ /folder type\n"
	                   "- /folder/in\n~ /link content\n+ /new\n- /old\n- /old/in\n");
	trees_done(&trees);
}

TEST(a_failure_of_who_listens_ends_it)
{
	struct error err = {0};
	struct trees trees;

	trees_init(&trees);
	for (const char *name = "azs"; *name; name++)
		write_file(trees.a, (char[]){*name, '\0'}, "");
	write_file(trees.a, "stop", "");
	CHECK_INT(diff_trees(trees.a, trees.b, note, &trees, &err), -ENOSPC);
	CHECK(text_is(trees.told.data, "- /a\n- /s\n- /stop\n") && text_is(err.text, "no more"));
	trees_done(&trees);
}

/* Both trees go down by "d", beside which there is what comes after it: each level is come back to. */
static int make_deep(int tree, int levels)
{
	int at = dup(tree);

	for (int i = 0; i < levels; i++) {
		int next;

		CHECK(mkdirat(at, "d", 0755) == 0 && mkdirat(at, "e", 0755) == 0);
		next = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		CHECK(next >= 0);
		close(at);
		at = next;
	}
	return at;
}

/* It would need as many fds, or take minutes if each folder were opened from the root. */
TEST(a_tree_as_deep_as_a_guest_likes)
{
	const struct rlimit few = {24, 24};
	struct trees trees;
	int a, b;

	trees_init(&trees);
	a = make_deep(trees.a, 6000);
	b = make_deep(trees.b, 6000);
	CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
	check_told(&trees, "");
	write_file(trees.b, "z", "comes last");
	check_told(&trees, "+ /z\n");
	close(a);
	close(b);
	trees_done(&trees);
}

TEST(what_no_path_can_name_is_told_of_the_folder_above_once)
{
	CLEAN(text_done) struct text expected = {0};
	struct trees trees;
	int a, b;

	trees_init(&trees);
	a = make_deep(trees.a, 3000);
	b = make_deep(trees.b, 3000);
	write_file(a, "at the bottom", "x");
	for (int i = 0; i < 10; i++)
		CHECK(mkdirat(b, (char[]){(char)('0' + i), '\0'}, 0755) == 0);
	write_file(trees.b, "d/f", "beside");
	text_add(&expected, "~ ");
	for (int i = 0; i < (PATH_MAX - 1) / 2; i++)
		text_add(&expected, "/d");
	text_add(&expected, " below\n+ /d/f\n");
	check_told(&trees, expected.data);
	close(a);
	close(b);
	trees_done(&trees);
}

TEST(a_whole_deep_tree_is_told_without_paths_that_grow_and_grow)
{
	struct trees trees;
	struct error err = {0};

	trees_init(&trees);
	close(make_deep(trees.b, 6000));
	CHECK_INT(diff_trees(trees.a, trees.b, note, &trees, &err), 0);
	CHECK(text_starts(trees.told.data, "+ /d\n+ /d/d\n") &&
	      text_ends(trees.told.data, "\n+ /e\n"));
	CHECK(trees.told.length < (size_t)PATH_MAX * PATH_MAX);
	trees_done(&trees);
}

/* --- a tree that changes meanwhile --- */

static void make_changing(struct trees *trees)
{
	static const char *const folders[] = {"f", "f/g", "f/g/h"};

	trees_init(trees);
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		make_both(trees, folders[i]);
	write_file(trees->a, "f/g/h/told", "x");
	write_file(trees->b, "f/g/h/told", "another");
	write_file(trees->a, "f/g/i", "x");
	write_file(trees->b, "f/g/i", "another");
	write_file(trees->b, "z", "y");
}

/* Where the walk is comes to another place: ".." of it is a folder with other names in it. */
static void move_away(const struct trees *trees)
{
	CHECK(mkdirat(trees->dir, "elsewhere", 0755) == 0);
	write_file(trees->dir, "elsewhere/i", "host");
	CHECK(renameat(trees->b, "f/g/h", trees->dir, "elsewhere/h") == 0);
}

TEST(a_folder_that_is_moved_away_leads_nowhere)
{
	struct trees trees;

	make_changing(&trees);
	trees.meanwhile = move_away;
	check_told(&trees, "~ /f/g/h/told content\n~ /f/g/i content\n+ /z\n");
	trees_done(&trees);
}

static void remove_above(const struct trees *trees)
{
	CHECK(renameat(trees->b, "f", trees->dir, "gone") == 0);
	CHECK(renameat(trees->dir, "gone/g/h", trees->dir, "h") == 0);
}

TEST(what_vanishes_is_as_if_it_had_never_been_there)
{
	struct trees trees;

	make_changing(&trees);
	trees.meanwhile = remove_above;
	check_told(&trees, "~ /f/g/h/told content\n- /f/g/i\n+ /z\n");
	trees_done(&trees);
}
