/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing and reading lists of archives; see the header. */
#include "storage/manifest_list.h"

#include "base/cleanup.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int list_open_temporary(void)
{
	int fd = open("/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0)
		fd = memfd_create("list", MFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

void list_writer_init(struct list_writer *list, FILE *file)
{
	*list = (struct list_writer){.file = file};
	sha256_init(&list->sum);
}

void list_writer_done(struct list_writer *list)
{
	text_done(&list->line);
}

static int write_line(struct list_writer *list, struct error *err)
{
	text_add(&list->line, "\n");
	if (fwrite(list->line.data, 1, list->line.length, list->file) != list->line.length)
		return fail(err, errno, "keep the list");
	return 0;
}

int list_writer_add(struct list_writer *list, const struct manifest_entry *entry, struct error *err)
{
	size_t counted;
	int r;

	list->line.length = 0;
	manifest_entry_format(entry, &list->line, &counted);
	if (list->line.length >= MANIFEST_LINE_MAX)
		return fail_plain(err, ENAMETOOLONG, "its line in the list would be too long");
	r = write_line(list, err);
	if (r < 0)
		return r;
	sha256_add(&list->sum, list->line.data + counted, list->line.length - counted);
	list->count++;
	return 0;
}

int list_writer_end(struct list_writer *list, struct error *err)
{
	char digest[65];
	int r;

	sha256_end(&list->sum, digest);
	list->line.length = 0;
	manifest_end_format(list->count, digest, &list->line);
	r = write_line(list, err);
	return r == 0 && fflush(list->file) != 0 ? fail(err, errno, "keep the list") : r;
}

struct list_reader *list_reader_new(FILE *file, bool skips_removed)
{
	struct list_reader *list = must_alloc(sizeof(*list));

	list->file = file;
	list->skips_removed = skips_removed;
	sha256_init(&list->sum);
	return list;
}

/* One line without its newline into list->line. */
static int read_line(struct list_reader *list, struct error *err)
{
	size_t length;

	if (!fgets(list->line, sizeof(list->line), list->file))
		return ferror(list->file) ? fail(err, errno, "read the list")
		                          : fail_plain(err, EBADMSG, "its end is missing");
	length = strlen(list->line);
	if (!length || list->line[length - 1] != '\n')
		return length + 1 == sizeof(list->line)
		               ? fail_plain(err, EFBIG, "a line is too long")
		               : fail_plain(err, EBADMSG, "its end is missing");
	list->line[length - 1] = '\0';
	return 0;
}

static int take_end(struct list_reader *list, uint64_t total, const char *digest, struct error *err)
{
	char found[65];

	sha256_end(&list->sum, found);
	if (total != list->count || !text_is(found, digest))
		return fail_plain(err, EBADMSG, "the list of its entries is damaged");
	if (fgetc(list->file) != EOF)
		return fail_plain(err, EINVAL, "something follows its end");
	if (ferror(list->file))
		return fail(err, errno, "read the list");
	memcpy(list->digest, found, sizeof(found));
	return 0;
}

/* Only what is gone may have a second line, which says what stands there now. */
static int check_order(const struct list_reader *list, struct error *err)
{
	int order = list->count ? manifest_compare_paths(list->previous, list->entry.path) : -1;

	if (order < 0 || (order == 0 && list->previous_type == 'x' && list->entry.type != 'x'))
		return 0;
	return fail_plain(err, EINVAL, "the list of its entries is out of order");
}

static int take_entry(struct list_reader *list, struct error *err)
{
	size_t offset;
	int r;

	memcpy(list->parts, list->line, strlen(list->line) + 1);
	r = manifest_entry_parse(list->parts, &list->entry, &offset, err);
	if (r == 0)
		r = check_order(list, err);
	if (r < 0)
		return r;
	list->counted = list->line + offset;
	sha256_add(&list->sum, list->counted, strlen(list->counted));
	sha256_add(&list->sum, "\n", 1);
	list->count++;
	list->previous_type = list->entry.type;
	memcpy(list->previous, list->entry.path, strlen(list->entry.path) + 1);
	list->has_entry = true;
	return 0;
}

int list_reader_next(struct list_reader *list, struct error *err)
{
	uint64_t total;
	char digest[65];

	do {
		int r = read_line(list, err);

		list->has_entry = false;
		if (r < 0)
			return r;
		r = manifest_end_parse(list->line, &total, digest, err);
		if (r != -ENOENT)
			return r < 0 ? r : take_end(list, total, digest, err);
		r = take_entry(list, err);
		if (r < 0)
			return r;
	} while (list->skips_removed && list->entry.type == 'x');
	return 0;
}

int list_reader_finish(struct list_reader *list, struct error *err)
{
	int r;

	do
		r = list_reader_next(list, err);
	while (r == 0 && list->has_entry);
	return r;
}

int list_read_manifest(FILE *file, struct manifest *out, struct error *err)
{
	CLEAN(text_done) struct text text = {0};
	char line[512];

	while (fgets(line, sizeof(line), file) && !text_is(line, "\n")) {
		text_add(&text, line);
		if (text.length > MANIFEST_MAX)
			break;
	}
	return manifest_parse(out, text.data ? text.data : "", text.length, err);
}
