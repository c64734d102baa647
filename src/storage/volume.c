/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Programs of volume managers; see the header. */
#include "storage/volume.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/process.h"
#include "base/text.h"
#include "storage/backend.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LIMIT_MS   300000
#define SAYS_MOST  (1 << 20)
#define STORY_MOST 600 /* of what goes into an error */

int volume_need(const char *program, const char *package, struct error *err)
{
	CLEAN_FREE char *path = process_find(program);

	if (path)
		return 0;
	(void)fail_plain(err, EOPNOTSUPP, "the program %s is not installed", program);
	return fail_hint(err, "install %s, or use another backend", package);
}

/* What it complained about, in one line. */
static void read_story(int fd, struct text *out)
{
	CLEAN(strings_done) struct strings lines = {0};
	char story[STORY_MOST + 1];
	ssize_t n = pread(fd, story, STORY_MOST, 0);

	story[n > 0 ? n : 0] = '\0';
	strings_split(&lines, story, "\n");
	for (size_t i = 0; i < lines.count; i++)
		text_addf(out, "%s%s", i ? "; " : "", text_trim(lines.items[i]));
}

/* All that was written into a file in memory. */
static int read_output(int fd, struct text *out, struct error *err)
{
	char buffer[4096];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(fd, buffer, sizeof(buffer), at)) > 0) {
		text_add_bytes(out, buffer, (size_t)n);
		at += n;
		if (at > SAYS_MOST)
			return fail_plain(err, EFBIG, "it prints more than %d bytes", SAYS_MOST);
	}
	text_add(out, ""); /* data is there, too, when it printed nothing */
	return n < 0 ? fail(err, errno, "read what a program printed") : 0;
}

/*
 * A program that is killed between suspending a volume and resuming it leaves one that nobody can use: whatever
 * ends us leaves it alone, and no pipe breaks. The next command finds our lock held until it has ended, so that no
 * volume appears behind a sweep. Warnings are not to be taken for what was asked.
 */
static int run(char *const *argv, struct text *out, struct error *err)
{
	CLEAN_FD int says = memfd_create("sysc-volume", MFD_CLOEXEC);
	CLEAN_FD int complaints = memfd_create("sysc-volume", MFD_CLOEXEC);
	CLEAN(text_done) struct text story = {0};
	struct process_options options = {
		.argv = argv,
		.input_fd = -1,
		.output_fd = says,
		.error_fd = complaints,
		.timeout_ms = LIMIT_MS,
		.outlives_us = true,
	};
	int r = says < 0 || complaints < 0 ? fail(err, errno, "make a file in memory")
	                                   : process_run(&options, err);

	if (r < 0)
		return r;
	if (r > 0) {
		(void)fail_plain(err, EIO, "%s %s failed with code %d", argv[0],
		                 argv[1] ? argv[1] : "", r);
		read_story(complaints, &story);
		return story.length ? fail_hint(err, "%s", story.data) : -EIO;
	}
	return out ? read_output(says, out, err) : 0;
}

int volume_run(struct text *out, struct error *err, const char *program, ...)
{
	CLEAN(strings_done) struct strings argv = {0};
	const char *word;
	va_list words;

	strings_add(&argv, program);
	va_start(words, program);
	while ((word = va_arg(words, const char *)))
		strings_add(&argv, word);
	va_end(words);
	return run(argv.items, out, err);
}

int volume_choose(struct storage *storage, const char *base,
                  int (*look)(const struct storage *storage, struct error *err), struct error *err)
{
	for (unsigned int i = 1;; i++) {
		int r;

		strings_done(&storage->parts);
		strings_give(&storage->parts,
		             i == 1 ? must_dup(base) : must_printf("%s-%u", base, i));
		r = look(storage, err);
		if (r == VOLUME_FOREIGN)
			return fail_plain(err, EEXIST, "the volume '%s' is there already",
			                  storage_place(storage));
		if (r < 0 || r == VOLUME_ABSENT)
			return r;
	}
}
