/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "storage/own.h"

#include "../lib/folder.h"
#include "../lib/need.h"
#include "base/cleanup.h"
#include "base/error.h"

#include <errno.h>
#include <sys/stat.h>

#define MEBIBYTE 1048576

/* A mebibyte of content at the beginning, and nothing up to the end. */
static void write_file(int folder, const char *name, off_t size)
{
	CLEAN_FD int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	static char content[65536];

	memset(content, 'x', sizeof(content));
	for (int i = 0; i < MEBIBYTE / (int)sizeof(content); i++)
		CHECK(write(fd, content, sizeof(content)) == sizeof(content));
	CHECK(ftruncate(fd, size) == 0 && fsync(fd) == 0);
}

static uint64_t count(int folder)
{
	struct error err = {0};
	uint64_t bytes = 0;
	int r = own_tree(folder, &bytes, &err);

	if (r < 0)
		printf("# %s\n", err.text);
	CHECK_INT(r, 0);
	return bytes;
}

TEST(a_file_counts_once_and_holes_do_not)
{
	FOLDER(folder);

	NEED("root", geteuid() == 0, "not root");
	CHECK_INT(count(dir), 0);
	write_file(dir, "file", 1LL << 30);
	CHECK(count(dir) >= MEBIBYTE && count(dir) < 2 * MEBIBYTE);
	CHECK(mkdirat(dir, "in", 0755) == 0);
	for (int i = 0; i < 100; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "in/%d", i);
		CHECK(linkat(dir, "file", dir, name, 0) == 0);
	}
	CHECK(count(dir) >= MEBIBYTE && count(dir) < 2 * MEBIBYTE);
	write_file(dir, "in/another", MEBIBYTE);
	CHECK(count(dir) >= 2 * MEBIBYTE && count(dir) < 3 * MEBIBYTE);
}

TEST(a_symlink_or_a_fifo_leads_nowhere)
{
	FOLDER(folder);
	CLEAN_FD int tree = -1;

	NEED("root", geteuid() == 0, "not root");
	CHECK(mkdirat(dir, "tree", 0755) == 0 && mkdirat(dir, "beside", 0755) == 0);
	write_file(dir, "beside/file", MEBIBYTE);
	CHECK(symlinkat("../beside", dir, "tree/folder") == 0);
	CHECK(symlinkat("../beside/file", dir, "tree/file") == 0);
	CHECK(mkfifoat(dir, "tree/fifo", 0600) == 0);
	tree = openat(dir, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(count(tree) < MEBIBYTE);
}

TEST(a_tree_as_deep_as_a_guest_likes)
{
	FOLDER(folder);
	int at;

	NEED("root", geteuid() == 0, "not root");
	at = dup(dir);
	for (int i = 0; i < 5000; i++) {
		int next;

		CHECK(mkdirat(at, "deeper", 0755) == 0 && mkdirat(at, "x", 0755) == 0);
		next = openat(at, "deeper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		CHECK(next >= 0);
		close(at);
		at = next;
	}
	write_file(at, "file", MEBIBYTE);
	close(at);
	CHECK(count(dir) >= MEBIBYTE);
}
