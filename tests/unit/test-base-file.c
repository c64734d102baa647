/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/file.h"

#include "../lib/tap.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* A folder of this test; removed by the code under test. */
static char *make_folder(void)
{
	char *path = must_dup("/tmp/sysc-test-file.XXXXXX");

	CHECK(mkdtemp(path));
	return path;
}

static void drop_folder(char *const *path)
{
	(void)file_remove_tree(AT_FDCWD, *path, NULL);
	free(*path);
}

#define FOLDER(name)                                   \
	CLEAN(drop_folder) char *name = make_folder(); \
	CLEAN_FD int dir = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)

static bool holds(int dir, const char *path, const char *content)
{
	CLEAN(text_done) struct text text = {0};

	return file_read(dir, path, 1 << 20, &text, NULL) == 0 &&
	       text_is(text.data ? text.data : "", content);
}

TEST(replace_makes_and_replaces)
{
	FOLDER(folder);
	struct error err = {0};
	struct stat st;

	CHECK_INT(file_replace(dir, "a", "one", 3, 0640, &err), 0);
	CHECK(holds(dir, "a", "one"));
	CHECK_INT(file_replace(dir, "a", "", 0, 0600, &err), 0);
	CHECK(holds(dir, "a", ""));
	CHECK_INT(file_replace_volatile(dir, "a", "two", 3, 0604, &err), 0);
	CHECK(holds(dir, "a", "two"));
	CHECK_INT(fstatat(dir, "a", &st, 0), 0);
	CHECK_INT(st.st_mode & 07777, 0604);
	CHECK_INT(file_replace(dir, "no/a", "x", 1, 0600, &err), -ENOENT);
}

TEST(what_a_killed_replace_left_is_used_by_the_next)
{
	FOLDER(folder);
	int old;

	CHECK_INT(file_replace(dir, "a", "one", 3, 0640, NULL), 0);
	CHECK_INT(file_replace(dir, "other", "other", 5, 0600, NULL), 0);
	old = openat(dir, ".a.sysc-new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	CHECK_INT(file_write_all(old, "half of a long one", 18), 0);
	close(old);
	CHECK_INT(file_replace(dir, "a", "two", 3, 0640, NULL), 0);
	CHECK(holds(dir, "a", "two") && !file_exists(dir, ".a.sysc-new"));
	/* what somebody else put there is not written to */
	CHECK_INT(symlinkat("other", dir, ".a.sysc-new"), 0);
	CHECK_INT(file_replace(dir, "a", "three", 5, 0640, NULL), 0);
	CHECK_INT(linkat(dir, "other", dir, ".a.sysc-new", 0), 0);
	CHECK_INT(file_replace(dir, "a", "four", 4, 0640, NULL), 0);
	CHECK_INT(mkfifoat(dir, ".a.sysc-new", 0600), 0);
	CHECK_INT(file_replace(dir, "a", "five", 4, 0640, NULL), 0);
	CHECK(holds(dir, "a", "five") && holds(dir, "other", "other"));
	CHECK(!file_exists(dir, ".a.sysc-new"));
}

TEST(several_replace_a_file_at_once_and_each_does_it_whole)
{
	FOLDER(folder);
	pid_t pids[4];

	for (int i = 0; i < 4; i++) {
		char text[10000];

		memset(text, 'a' + i, sizeof(text));
		pids[i] = fork();
		for (int times = 0; pids[i] == 0 && times < 200; times++)
			if (file_replace_volatile(dir, "a", text, sizeof(text), 0600, NULL) < 0)
				_exit(1);
		if (pids[i] == 0)
			_exit(0);
	}
	for (int i = 0; i < 4; i++) {
		int status;

		CHECK_INT(waitpid(pids[i], &status, 0), pids[i]);
		CHECK_INT(status, 0);
	}
	{
		CLEAN(text_done) struct text text = {0};

		CHECK_INT(file_read(dir, "a", 1 << 20, &text, NULL), 0);
		CHECK_INT(text.length, 10000);
		CHECK(strspn(text.data, (char[]){text.data[0], '\0'}) == 10000);
	}
	CHECK(!file_exists(dir, ".a.sysc-new"));
}

TEST(a_failed_replace_leaves_the_old_file_and_nothing_beside_it)
{
	FOLDER(folder);
	CLEAN_DIR DIR *list = NULL;
	int entries = 0;

	CHECK_INT(mkdirat(dir, "d", 0700), 0);
	CHECK_INT(mkdirat(dir, "d/e", 0700), 0);
	CHECK(file_replace(dir, "d", "x", 1, 0600, NULL) < 0);
	CHECK(file_is_dir(dir, "d/e"));
	list = opendir(folder);
	while (readdir(list))
		entries++;
	CHECK_INT(entries, 3);
}

TEST(reading_is_bounded)
{
	FOLDER(folder);
	CLEAN(text_done) struct text text = {0};
	struct error err = {0};
	char small[4];

	CHECK_INT(file_replace(dir, "a", "12345\n", 6, 0600, &err), 0);
	CHECK_INT(file_read(dir, "a", 5, &text, &err), -EFBIG);
	text_done(&text);
	CHECK_INT(file_read(dir, "a", 6, &text, &err), 0);
	CHECK_INT(file_read(dir, "none", 6, &text, &err), -ENOENT);
	CHECK(strcmp(err.text, "open 'none': No such file or directory") == 0);
	CHECK_INT(file_read_small(dir, "a", small, sizeof(small)), 3);
	CHECK(strcmp(small, "123") == 0);
	CHECK_INT(file_read_small(dir, "none", small, sizeof(small)), -ENOENT);
}

TEST(folders_are_made_with_their_parents)
{
	FOLDER(folder);
	CLEAN_FREE char *deep = must_printf("%s/a/b/c", folder);
	struct stat st;

	CHECK_INT(file_make_dirs(deep, 0700, NULL), 0);
	CHECK_INT(file_make_dirs(deep, 0700, NULL), 0);
	CHECK_INT(stat(deep, &st), 0);
	CHECK_INT(st.st_mode & 0777, 0700);
	CHECK_INT(file_replace(dir, "file", "", 0, 0600, NULL), 0);
	free(deep);
	deep = must_printf("%s/file/x", folder);
	CHECK_INT(file_make_dirs(deep, 0700, NULL), -ENOTDIR);
}

TEST(nothing_leaves_a_root)
{
	FOLDER(folder);
	CLEAN_FD int in = -1;
	int fd;

	CHECK_INT(file_replace(dir, "outside", "o", 1, 0600, NULL), 0);
	CHECK_INT(mkdirat(dir, "root", 0700), 0);
	in = openat(dir, "root", O_PATH | O_CLOEXEC);
	CHECK_INT(symlinkat("/outside", in, "absolute"), 0);
	CHECK_INT(symlinkat("../outside", in, "relative"), 0);
	CHECK_INT(file_open_in_root(in, "absolute", O_RDONLY, 0), -ENOENT);
	CHECK_INT(file_open_in_root(in, "relative", O_RDONLY, 0), -ENOENT);
	CHECK_INT(file_open_in_root(in, "../outside", O_RDONLY, 0), -ENOENT);
	CHECK_INT(file_replace(in, "outside", "i", 1, 0600, NULL), 0);
	fd = file_open_in_root(in, "absolute", O_RDONLY, 0);
	CHECK(fd >= 0);
	CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	CHECK_INT(file_open_beneath(in, "absolute", O_RDONLY, 0), -ELOOP);
	CHECK_INT(file_open_beneath(in, "../outside", O_RDONLY, 0), -EXDEV);
	fd = file_open_beneath(in, "new", O_WRONLY | O_CREAT | O_EXCL, 0640);
	CHECK(fd >= 0);
	close(fd);
}

TEST(a_tree_is_removed_but_no_link_followed)
{
	FOLDER(folder);

	CHECK_INT(file_replace(dir, "keep", "k", 1, 0600, NULL), 0);
	CHECK_INT(mkdirat(dir, "tree", 0700), 0);
	CHECK_INT(mkdirat(dir, "tree/a", 0700), 0);
	CHECK_INT(file_replace(dir, "tree/a/f", "k", 1, 0, NULL), 0);
	CHECK_INT(mkfifoat(dir, "tree/a/fifo", 0600), 0);
	CHECK_INT(symlinkat("../../keep", dir, "tree/a/link"), 0);
	CHECK_INT(symlinkat("..", dir, "tree/up"), 0);
	CHECK_INT(symlinkat("keep", dir, "link"), 0);
	CHECK_INT(file_remove_tree(dir, "tree", NULL), 0);
	CHECK(!file_exists(dir, "tree"));
	CHECK_INT(file_remove_tree(dir, "link", NULL), 0);
	CHECK(holds(dir, "keep", "k"));
	CHECK_INT(file_remove_tree(dir, "keep", NULL), 0);
	CHECK_INT(file_remove_tree(dir, "keep", NULL), 0);
	CHECK(!file_exists(dir, "keep"));
}

TEST(a_tree_deeper_than_there_are_fds_is_removed)
{
	FOLDER(folder);
	struct rlimit few = {.rlim_cur = 256, .rlim_max = 256};
	struct error err = {0};
	int at = fcntl(dir, F_DUPFD_CLOEXEC, 3);

	CHECK_INT(setrlimit(RLIMIT_NOFILE, &few), 0);
	for (int i = 0; i < 1500; i++) {
		int next;

		/* names that the removal itself would choose are in the way */
		CHECK_INT(mkdirat(at, i % 2 ? "d" : ".deep.0", 0700), 0);
		next = openat(at, i % 2 ? "d" : ".deep.0", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		CHECK(next >= 0);
		close(at);
		at = next;
	}
	close(at);
	CHECK_INT(file_remove_tree(dir, ".deep.0", &err), 0);
	CHECK(!file_exists(dir, ".deep.0"));
}

TEST(kinds_of_files)
{
	FOLDER(folder);
	CLEAN_FD int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	CLEAN_FD int proc = open("/proc", O_RDONLY | O_CLOEXEC);

	CHECK(file_is_char_device(null_fd, 1, 3));
	CHECK(!file_is_char_device(null_fd, 1, 5) && !file_is_char_device(dir, 1, 3));
	CHECK(file_system_of(proc) == PROC_SUPER_MAGIC);
	CHECK_INT(symlinkat(".", dir, "link"), 0);
	CHECK(file_is_dir(AT_FDCWD, folder) && !file_is_dir(dir, "link"));
	CHECK(file_exists(dir, "link") && !file_exists(dir, "none"));
}
