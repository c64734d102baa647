/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sysc-tree: makes, copies and removes root file systems for the templates, by storage/copy.h and
 * storage/remove.h, and writes single files of them; see sysc-template(7). No library but libc: a template
 * calls it for each file.
 */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/parse.h"
#include "base/progress.h"
#include "base/text.h"
#include "helpers/tree_guest.h"
#include "storage/copy.h"
#include "storage/remove.h"
#include "storage/subvolume.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char usage[] =
	"Usage: sysc-tree new DIR\n"
	"       sysc-tree copy [--progress] [--write-out] FROM DIR\n"
	"       sysc-tree remove DIR…\n"
	"       sysc-tree put --root DIR [--mode MODE] PATH\n"
	"       sysc-tree link --root DIR TARGET PATH\n"
	"       sysc-tree remove --root DIR PATH…\n"
	"\n"
	"For root file systems: new makes the empty directory DIR, a subvolume where the\n"
	"file system has them. copy copies what is in FROM into the empty directory DIR\n"
	"with everything that belongs to it, sharing blocks or as a snapshot where the\n"
	"file system can; with --write-out it begins to be written to the disk at once,\n"
	"for who waits for that next; --progress writes records of the progress to\n"
	"standard error, see sysc-template(7). remove removes whole trees and never leaves\n"
	"them: no symlink is followed, a mount is an error.\n"
	"\n"
	"With --root, single files of a root file system that somebody else wrote: put\n"
	"writes standard input to PATH (0644), link makes it a symlink to TARGET, remove\n"
	"removes it; no PATH leads out of the root DIR.\n";

/* Of the command line, for the words that know them. */
enum flag {
	PROGRESS = 1,
	WRITE_OUT = 2,
	ROOT = 4,
	MODE = 8,
};

struct options {
	unsigned int flags;
	const char *root;
	unsigned int mode;
};

static const struct flag_row {
	const char *name;
	enum flag flag;
	bool has_value;
} flag_rows[] = {
	{"--progress",  PROGRESS,  false},
	{"--write-out", WRITE_OUT, false},
	{"--root",      ROOT,      true },
	{"--mode",      MODE,      true },
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

static int make(char *const operands[], const struct options *options, struct error *err)
{
	CLEAN_FREE char *path = must_dup(operands[0]);
	const char *name;
	CLEAN_FD int above = open_above(path, &name, err);
	int r;

	(void)options;
	if (above < 0)
		return above;
	if (subvolume_can(above) && subvolume_make(above, name) == 0)
		return 0;
	r = mkdirat(above, name, 0755) < 0 ? -errno : 0;
	return r < 0 ? fail(err, -r, "make directory '%s'", operands[0]) : 0;
}

static int show(const struct copy_totals *done, void *user, struct error *err)
{
	const struct progress_amount amount = copy_amount(done);

	(void)err; /* it cannot fail */
	progress_show(user, &amount);
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

static int copy(char *const operands[], const struct options *given, struct error *err)
{
	struct progress progress;
	const struct copy_options options = {
		.progress = given->flags & PROGRESS ? show : NULL,
		.count = true,
		.user = &progress,
		.write_out = given->flags & WRITE_OUT,
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
	progress_begin_records(&progress, STDERR_FILENO);
	r = copy_tree(from, to, &options, NULL, err);
	return r < 0 ? fail_in(err, "copy '%s' to '%s'", operands[0], operands[1]) : 0;
}

static int remove_all(char *const operands[], const struct options *options, struct error *err)
{
	int r = 0;

	if (options->root)
		return guest_remove(options->root, operands, err);
	for (; *operands && r == 0; operands++) {
		CLEAN_FREE char *path = must_dup(*operands);
		const char *name;
		CLEAN_FD int above = open_above(path, &name, err);

		r = above < 0 ? above : remove_tree(above, name, err);
	}
	return r;
}

static int put(char *const operands[], const struct options *options, struct error *err)
{
	return guest_put(options->root, operands[0], options->mode, err);
}

static int make_link(char *const operands[], const struct options *options, struct error *err)
{
	return guest_link(options->root, operands[0], operands[1], err);
}

static const struct word {
	const char *name;
	int least, most; /* operands */
	unsigned int flags, needs;
	int (*run)(char *const operands[], const struct options *options, struct error *err);
} words[] = {
	{"new",    1, 1,    0,                    0,    make      },
	{"copy",   2, 2,    PROGRESS | WRITE_OUT, 0,    copy      },
	{"remove", 1, 4096, ROOT,                 0,    remove_all},
	{"put",    1, 1,    ROOT | MODE,          ROOT, put       },
	{"link",   2, 2,    ROOT,                 ROOT, make_link },
};

static int use(const char *what)
{
	(void)fprintf(stderr, "sysc-tree: %s\n%s", what, usage);
	return 2;
}

/* How many words of argv, which ends with NULL, it takes: 0, it is none of the word's; -EINVAL. */
static int take_option(const struct word *word, char *const argv[], struct options *options)
{
	const struct flag_row *row = NULL;

	for (size_t i = 0; argv[0] && i < ARRAY_SIZE(flag_rows); i++)
		if (text_is(flag_rows[i].name, argv[0]) && flag_rows[i].flag & word->flags)
			row = &flag_rows[i];
	if (!row)
		return 0;
	options->flags |= row->flag;
	if (!row->has_value)
		return 1;
	if (!argv[1] || (row->flag == MODE && parse_mode(argv[1], &options->mode) < 0))
		return -EINVAL;
	if (row->flag == ROOT)
		options->root = argv[1];
	return 2;
}

/* The words behind the options; NULL: they are wrong, and what is, is printed. */
static char *const *take_options(const struct word *word, char *const argv[],
                                 struct options *options)
{
	int taken, count = 0;

	while ((taken = take_option(word, argv, options)) > 0)
		argv += taken;
	if (taken < 0) {
		(void)use("an option has no value, or a wrong one");
		return NULL;
	}
	if (argv[0] && text_is(argv[0], "--"))
		argv++;
	while (argv[count])
		count++;
	if (count < word->least || count > word->most || word->needs & ~options->flags) {
		(void)use("wrong number of names");
		return NULL;
	}
	return argv;
}

int main(int argc, char *argv[])
{
	struct options options = {.mode = 0644};
	const struct word *word = NULL;
	char *const *operands;
	struct error err = {0};

	if (argc > 1 && (text_is(argv[1], "--help") || text_is(argv[1], "-h"))) {
		(void)fputs(usage, stdout);
		return 0;
	}
	for (size_t i = 0; argc > 1 && i < ARRAY_SIZE(words); i++)
		if (text_is(words[i].name, argv[1]))
			word = &words[i];
	if (!word)
		return use("new, copy, remove, put or link?");
	operands = take_options(word, argv + 2, &options);
	if (!operands)
		return 2;
	if (word->run(operands, &options, &err) == 0)
		return 0;
	(void)fprintf(stderr, "sysc-tree: %s\n", err.text);
	return 1;
}
