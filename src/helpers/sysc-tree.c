/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sysc-tree: makes, copies and removes root file systems for the templates, by storage/copy.h and
 * storage/remove.h; see sysc-template(7).
 */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/parse.h"
#include "base/text.h"
#include "storage/copy.h"
#include "storage/remove.h"
#include "storage/subvolume.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char usage[] =
	"Usage: sysc-tree new DIR\n"
	"       sysc-tree copy [--bar] [--write-out] FROM DIR\n"
	"       sysc-tree remove DIR…\n"
	"\n"
	"For root file systems: new makes the empty directory DIR, a subvolume where the\n"
	"file system has them. copy copies what is in FROM into the empty directory DIR\n"
	"with everything that belongs to it, sharing blocks or as a snapshot where the\n"
	"file system can; with --write-out it begins to be written to the disk at once,\n"
	"for who waits for that next. remove removes whole trees and never leaves them: no\n"
	"symlink is followed, a mount is an error.\n";

/* Of the command line, for the words that know them. */
enum flag {
	BAR = 1,
	WRITE_OUT = 2,
};

static const struct {
	const char *name;
	enum flag flag;
} flag_names[] = {
	{"--bar",       BAR      },
	{"--write-out", WRITE_OUT},
};

/* A path taken apart: the open folder that it is in, and its last part. */
static int open_above(char *path, const char **name, struct error *err)
{
	char *slash;
	int fd;

	while ((slash = strrchr(path, '/')) && !slash[1] && slash != path)
		*slash = '\0';
	*name = slash ? slash + 1 : path;
	if (slash)
		*slash = '\0';
	fd = open(!slash ? "." : *path ? path : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? fail(err, errno, "open '%s'", !slash ? "." : path) : fd;
}

static int make(char *const operands[], unsigned int flags, struct error *err)
{
	CLEAN_FREE char *path = must_dup(operands[0]);
	const char *name;
	CLEAN_FD int above = open_above(path, &name, err);
	int r;

	(void)flags;
	if (above < 0)
		return above;
	if (subvolume_can(above) && subvolume_make(above, name) == 0)
		return 0;
	r = mkdirat(above, name, 0755) < 0 ? -errno : 0;
	return r < 0 ? fail(err, -r, "make directory '%s'", operands[0]) : 0;
}

static int show(const struct copy_totals *done, void *user, struct error *err)
{
	char size[24];

	(void)user;
	(void)err;
	format_size(done->bytes, size);
	(void)fprintf(
		stderr, "\r\033[Kcopy: %llu entries, %s",
		(unsigned long long)(done->files + done->folders + done->others + done->links),
		size);
	return 0;
}

/*
 * Where both are subvolumes of one file system the new one becomes a snapshot of the old one: it takes
 * the place of the empty one by its own name. 1: done.
 */
static int try_snapshot(int from, int to, char *path)
{
	const char *name;
	CLEAN_FD int above = -1;
	struct error err;

	if (!subvolume_is(from) || !subvolume_is(to))
		return 0;
	above = open_above(path, &name, &err);
	/* one that is not empty stays: rmdir(2) refuses */
	if (above < 0 || unlinkat(above, name, AT_REMOVEDIR) < 0)
		return 0;
	if (subvolume_snapshot(from, above, name, false) == 0)
		return 1;
	(void)subvolume_make(above, name); /* as it was, for the copy; its open tells a failure */
	return 0;
}

static int copy(char *const operands[], unsigned int flags, struct error *err)
{
	const struct copy_options options = {
		.progress = flags & BAR ? show : NULL,
		.write_out = flags & WRITE_OUT,
	};
	CLEAN_FREE char *path = must_dup(operands[1]);
	CLEAN_FD int from = open(operands[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN_FD int to = -1;
	int r;

	if (from < 0)
		return fail(err, errno, "open '%s'", operands[0]);
	to = open(operands[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (to < 0)
		return fail(err, errno, "open '%s'", operands[1]);
	if (try_snapshot(from, to, path))
		return 0;
	fd_close(&to);
	to = open(operands[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (to < 0)
		return fail(err, errno, "open '%s'", operands[1]);
	r = copy_tree(from, to, &options, NULL, err);
	if (flags & BAR)
		(void)fputs("\r\033[K", stderr);
	return r < 0 ? fail_in(err, "copy '%s' to '%s'", operands[0], operands[1]) : 0;
}

static int remove_all(char *const operands[], unsigned int flags, struct error *err)
{
	int r = 0;

	(void)flags;
	for (; *operands && r == 0; operands++) {
		CLEAN_FREE char *path = must_dup(*operands);
		const char *name;
		CLEAN_FD int above = open_above(path, &name, err);

		r = above < 0 ? above : remove_tree(above, name, err);
	}
	return r;
}

static const struct word {
	const char *name;
	int least, most; /* operands */
	unsigned int flags;
	int (*run)(char *const operands[], unsigned int flags, struct error *err);
} words[] = {
	{"new",    1, 1,    0,               make      },
	{"copy",   2, 2,    BAR | WRITE_OUT, copy      },
	{"remove", 1, 4096, 0,               remove_all},
};

static unsigned int find_flag(const struct word *word, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(flag_names); i++)
		if (text_is(flag_names[i].name, name))
			return flag_names[i].flag & word->flags;
	return 0;
}

static int use(const char *what)
{
	(void)fprintf(stderr, "sysc-tree: %s\n%s", what, usage);
	return 2;
}

int main(int argc, char *argv[])
{
	const struct word *word = NULL;
	struct error err = {0};
	unsigned int flags = 0;
	int first = 2;

	if (argc > 1 && (text_is(argv[1], "--help") || text_is(argv[1], "-h"))) {
		(void)fputs(usage, stdout);
		return 0;
	}
	for (size_t i = 0; argc > 1 && i < ARRAY_SIZE(words); i++)
		if (text_is(words[i].name, argv[1]))
			word = &words[i];
	if (!word)
		return use("new, copy or remove?");
	for (unsigned int flag; first < argc && (flag = find_flag(word, argv[first])); first++)
		flags |= flag;
	if (argc > first && text_is(argv[first], "--"))
		first++;
	if (argc - first < word->least || argc - first > word->most)
		return use("wrong number of names");
	if (word->run(argv + first, flags, &err) == 0)
		return 0;
	(void)fprintf(stderr, "sysc-tree: %s\n", err.text);
	return 1;
}
