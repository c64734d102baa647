/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../lib/tap.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "storage/manifest_list.h"

#include <errno.h>
#include <string.h>

static struct manifest_entry make_entry(char type, const char *path)
{
	return (struct manifest_entry){.type = type,
	                               .mode = 0644,
	                               .content = "-",
	                               .attributes = "-",
	                               .path = path,
	                               .target = type == 'l' ? "x y" : NULL};
}

/* The list of "TYPE PATH" words, ended by NULL. */
static FILE *write_list(const char *const *words)
{
	struct list_writer list;
	FILE *file = tmpfile();

	CHECK(file != NULL);
	list_writer_init(&list, file);
	for (; *words; words++) {
		struct manifest_entry entry = make_entry(**words, *words + 2);

		CHECK_INT(list_writer_add(&list, &entry, NULL), 0);
	}
	CHECK_INT(list_writer_end(&list, NULL), 0);
	list_writer_done(&list);
	rewind(file);
	return file;
}

TEST(what_is_written_is_read)
{
	static const char *const words[] = {"d .",        "d etc",   "x etc/gone",
	                                    "l etc/link", "f etc b", NULL};
	CLEAN_FILE FILE *file = write_list(words);
	CLEAN_FREE struct list_reader *all = list_reader_new(file, false);
	CLEAN_FREE struct list_reader *kept = NULL;

	for (size_t i = 0; words[i]; i++) {
		CHECK_INT(list_reader_next(all, NULL), 0);
		CHECK(all->has_entry && all->entry.type == *words[i] &&
		      text_is(all->entry.path, words[i] + 2) && *all->counted == *words[i]);
	}
	CHECK_INT(list_reader_next(all, NULL), 0);
	CHECK(!all->has_entry && all->count == 5 && strlen(all->digest) == 64);
	rewind(file);
	kept = list_reader_new(file, true);
	for (size_t i = 0; words[i]; i++) {
		if (*words[i] == 'x')
			continue;
		CHECK_INT(list_reader_next(kept, NULL), 0);
		CHECK(kept->has_entry && text_is(kept->entry.path, words[i] + 2));
	}
	CHECK_INT(list_reader_next(kept, NULL), 0);
	CHECK(!kept->has_entry && text_is(kept->digest, all->digest));
}

/* Reads it to its end: 0, or the error. */
static int read_all(FILE *file, struct error *err)
{
	CLEAN_FREE struct list_reader *list = list_reader_new(file, false);
	int r;

	rewind(file);
	do
		r = list_reader_next(list, err);
	while (r == 0 && list->has_entry);
	return r;
}

TEST(order)
{
	static const struct {
		const char *const words[5];
		bool is_good;
	} rows[] = {
		{{NULL},			 true },
		{{"d .", "x a", "d a", "f a/b"}, true },
		{{"d .", "f b", "f a"},          false},
		{{"d .", "f a", "f a"},          false},
		{{"d .", "f a", "x a"},          false},
		{{"d .", "x a", "x a"},          false},
		{{"f a", "d ."},                 false},
		{{"d .", "f a b", "f a/b"},      false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEAN_FILE FILE *file = write_list(rows[i].words);
		struct error err = {0};

		CHECK_INT(read_all(file, &err), rows[i].is_good ? 0 : -EINVAL);
		CHECK(rows[i].is_good || strstr(err.text, "out of order"));
	}
}

TEST(a_cut_or_damaged_list)
{
	static const char *const words[] = {"d .", "f a", "f b", NULL};
	CLEAN_FILE FILE *file = write_list(words);
	CLEAN(text_done) struct text text = {0};
	char buffer[4096];
	size_t length = fread(buffer, 1, sizeof(buffer), file);

	for (size_t cut = 0; cut < length; cut++) {
		CLEAN_FILE FILE *broken = tmpfile();

		CHECK(fwrite(buffer, 1, cut, broken) == cut);
		CHECK(read_all(broken, NULL) < 0);
	}
	for (size_t at = 0, word = 0; at < length; at++) {
		CLEAN_FILE FILE *broken = tmpfile();
		char was = buffer[at];
		bool is_ctime;

		word = was == '\n' ? 0 : word + (was == ' ');
		/* times of changes of inodes are not counted, if they are times */
		is_ctime = !word && was == '0' && at < length - 80;
		buffer[at] = was == '1' ? '2' : '1';
		CHECK(fwrite(buffer, 1, length, broken) == length);
		buffer[at] = was;
		CHECK((read_all(broken, NULL) == 0) == is_ctime);
	}
	CHECK_INT(fputs("more\n", file), 1);
	CHECK_INT(read_all(file, NULL), -EINVAL);
}

TEST(long_lines)
{
	CLEAN_FREE char *path = must_alloc(MANIFEST_LINE_MAX + 1);
	struct manifest_entry entry;
	struct list_writer list;
	struct error err = {0};
	CLEAN_FILE FILE *file = tmpfile();
	CLEAN_FREE struct list_reader *reader = list_reader_new(file, false);

	memset(path, 'a', MANIFEST_LINE_MAX);
	entry = make_entry('f', path);
	list_writer_init(&list, file);
	CHECK_INT(list_writer_add(&list, &entry, &err), -ENAMETOOLONG);
	list_writer_done(&list);
	CHECK(fprintf(file, "%s%s", path, path) > 0);
	rewind(file);
	CHECK_INT(list_reader_next(reader, &err), -EFBIG);
}

TEST(a_kept_list_has_its_manifest)
{
	struct manifest manifest = {.name = "web1",
	                            .date = "2026-11-22T06:30:00Z",
	                            .version = "0.1.0",
	                            .arch = "x86_64",
	                            .backend = "dir"};
	CLEAN(text_done) struct text text = {0};
	CLEAN_FILE FILE *file = tmpfile();
	struct manifest read;

	memset(manifest.config_sha256, 'a', 64);
	manifest_format(&manifest, &text);
	CHECK(fprintf(file, "%s\n", text.data) > 0);
	CHECK(fputs("0.000000000", file) >= 0);
	rewind(file);
	CHECK_INT(list_read_manifest(file, &read, NULL), 0);
	CHECK(memcmp(&read, &manifest, sizeof(read)) == 0 && fgetc(file) == '0');
	rewind(file);
	CHECK(fputs("tar", file) >= 0);
	rewind(file);
	CHECK_INT(list_read_manifest(file, &read, NULL), -EINVAL);
}
