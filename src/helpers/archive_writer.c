/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing an archive with libarchive; see the header. */
#include "helpers/archive_writer.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/text.h"
#include "helpers/archive_gzip.h"
#include "helpers/archive_work.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const struct method {
	const char *name;
	int (*add)(struct archive *writer); /* its filter */
	bool has_options;                   /* level and threads */
} methods[] = {
	[METHOD_ZSTD] = {"zstd", archive_write_add_filter_zstd, true },
	[METHOD_GZIP] = {"gzip", archive_write_add_filter_none, false}, /* archive_gzip.h */
	[METHOD_XZ] = {"xz",   archive_write_add_filter_xz,   true },
	[METHOD_NONE] = {"none", archive_write_add_filter_none, false},
};

int writer_parse_method(const char *word, enum writer_method *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		if (!text_is(methods[i].name, word))
			continue;
		*out = (enum writer_method)i;
		return 0;
	}
	return -EINVAL;
}

/* What comes on the belt. */
enum {
	ITEM_ENTRY,
	ITEM_BYTES,
	ITEM_ZEROS /* offset: how many */
};

static int fail_archive(struct archive *archive, struct error *err)
{
	const char *text = archive_error_string(archive);
	int code = archive_errno(archive);

	return fail_plain(err, code > 0 ? code : EIO, "write the archive: %s",
	                  text ? text : "failed");
}

static int write_output(void *user, const void *bytes, size_t count, struct error *err)
{
	const struct writer_options *options = user;
	int r = file_write_all(options->output_fd, bytes, count);

	if (r < 0)
		return fail_plain(err, -r, "%s", strerrordesc_np(-r));
	atomic_fetch_add(&options->counters->output, count);
	return 0;
}

/* What libarchive has ready. */
static la_ssize_t take_output(struct archive *archive, void *data, const void *bytes, size_t count)
{
	const struct writer *writer = data;
	struct error err = {0};
	int r = writer->gzip ? gzip_write(writer->gzip, bytes, count, &err)
	                     : write_output((void *)(uintptr_t)writer->options, bytes, count, &err);

	if (r == 0)
		return (la_ssize_t)count;
	archive_set_error(archive, err.code, "%s", err.text);
	return -1;
}

static int write_bytes(struct archive *archive, const char *bytes, size_t count, struct error *err)
{
	return archive_write_data(archive, bytes, count) < (la_ssize_t)count
	               ? fail_archive(archive, err)
	               : 0;
}

static int write_zeros(struct archive *archive, uint64_t count, struct error *err)
{
	static const char zeros[65536];
	int r = 0;

	while (count && r == 0) {
		size_t part = count < sizeof(zeros) ? (size_t)count : sizeof(zeros);

		r = write_bytes(archive, zeros, part, err);
		count -= part;
	}
	return r;
}

static int write_item(struct archive *archive, const struct belt_item *item, struct error *err)
{
	switch (item->kind) {
	case ITEM_ENTRY:
		return archive_write_header(archive, item->entry) < ARCHIVE_WARN
		               ? fail_archive(archive, err)
		               : 0;
	case ITEM_BYTES:
		return write_bytes(archive, item->bytes, item->count, err);
	default:
		return write_zeros(archive, item->offset, err);
	}
}

/* The second thread. */
static int write_items(void *user, struct error *err)
{
	struct writer *writer = user;
	const struct belt_item *item;
	int r = 0;

	while (r == 0 && (item = belt_next(&writer->belt, err)))
		r = write_item(writer->archive, item, err);
	return r;
}

static int open_gzip(struct writer *writer, struct error *err)
{
	const struct writer_options *options = writer->options;
	uint64_t level = 0;

	if (options->level && parse_uint(options->level, GZIP_LEVEL_MOST, &level) < 0)
		return fail_plain(err, EINVAL, "gzip has no level %s", options->level);
	writer->gzip = gzip_open(options->level ? (int)level : GZIP_LEVEL_DEFAULT, options->threads,
	                         write_output, (void *)(uintptr_t)options, err);
	return writer->gzip ? 0 : -err->code;
}

static int set_options(struct archive *archive, const struct writer_options *options)
{
	const char *filter = methods[options->method].name;
	char threads[16];

	(void)snprintf(threads, sizeof(threads), "%u", options->threads);
	/* an older libarchive has none */
	(void)archive_write_set_filter_option(archive, filter, "threads", threads);
	return options->level ? archive_write_set_filter_option(archive, filter,
	                                                        "compression-level", options->level)
	                      : ARCHIVE_OK;
}

static int open_archive(struct writer *writer, struct error *err)
{
	const struct method *method = &methods[writer->options->method];
	struct archive *archive = writer->archive;
	int r = method->add(archive);

	if (r == ARCHIVE_OK)
		r = archive_write_set_format_pax(archive);
	if (r == ARCHIVE_OK && method->has_options)
		r = set_options(archive, writer->options);
	if (r == ARCHIVE_OK)
		r = archive_write_set_bytes_per_block(archive, WRITER_BLOCK);
	if (r == ARCHIVE_OK)
		r = archive_write_set_bytes_in_last_block(archive, 1);
	if (r == ARCHIVE_OK)
		r = archive_write_open(archive, writer, NULL, take_output, NULL);
	return r == ARCHIVE_OK ? 0 : fail_archive(archive, err);
}

int writer_open(struct writer *writer, const struct writer_options *options, struct error *err)
{
	int r = 0;

	*writer = (struct writer){.options = options, .archive = archive_write_new()};
	if (!writer->archive)
		return fail(err, ENOMEM, "start writing");
	if (options->method == METHOD_GZIP)
		r = open_gzip(writer, err);
	if (r == 0)
		r = open_archive(writer, err);
	return r < 0 ? r : belt_start(&writer->belt, false, write_items, writer, err);
}

static int close_archive(struct archive *archive, bool is_good, struct error *err)
{
	int r = 0;

	if (!is_good)
		(void)archive_write_fail(archive); /* nothing more is to be written */
	else if (archive_write_close(archive) != ARCHIVE_OK)
		r = fail_archive(archive, err);
	archive_write_free(archive);
	return r;
}

int writer_close(struct writer *writer, bool is_good, struct error *err)
{
	int r = belt_end(&writer->belt, is_good, err), closed;

	if (writer->archive && close_archive(ptr_take(writer->archive), is_good && r == 0, err) < 0)
		r = -err->code;
	closed = gzip_close(ptr_take(writer->gzip), is_good && r == 0, err);
	return closed < 0 ? fail_in(err, "write the archive") : r;
}

static struct belt_item *take_item(struct writer *writer, unsigned int kind, size_t most,
                                   struct error *err)
{
	struct belt_item *item = belt_take(&writer->belt, most, err);

	if (item)
		item->kind = kind;
	else
		writer->failed = true;
	return item;
}

static int give_entry(struct writer *writer, struct archive_entry *entry, struct error *err)
{
	struct belt_item *item = take_item(writer, ITEM_ENTRY, 0, err);

	if (!item) {
		archive_entry_free(entry);
		return -err->code;
	}
	item->entry = entry;
	belt_give(&writer->belt, item);
	return 0;
}

int writer_begin(struct writer *writer, struct archive_entry *entry, struct error *err)
{
	struct archive_entry *copy = archive_entry_clone(entry);

	return copy ? give_entry(writer, copy, err) : fail(err, ENOMEM, "start an entry");
}

char *writer_take(struct writer *writer, struct error *err)
{
	writer->taken = take_item(writer, ITEM_BYTES, WRITER_BLOCK, err);
	return writer->taken ? writer->taken->bytes : NULL;
}

void writer_give(struct writer *writer, size_t count)
{
	writer->taken->count = (uint32_t)count;
	belt_give(&writer->belt, ptr_take(writer->taken));
}

int writer_write(struct writer *writer, const void *bytes, size_t count, struct error *err)
{
	const char *from = bytes;

	while (count) {
		size_t part = count < WRITER_BLOCK ? count : WRITER_BLOCK;
		struct belt_item *item = take_item(writer, ITEM_BYTES, part, err);

		if (!item)
			return -err->code;
		memcpy(item->bytes, from, part);
		item->count = (uint32_t)part;
		belt_give(&writer->belt, item);
		from += part;
		count -= part;
	}
	return 0;
}

int writer_write_zeros(struct writer *writer, uint64_t count, struct error *err)
{
	struct belt_item *item = count ? take_item(writer, ITEM_ZEROS, 0, err) : NULL;

	if (!item)
		return count ? -err->code : 0;
	item->offset = count;
	belt_give(&writer->belt, item);
	return 0;
}

int writer_begin_member(struct writer *writer, const char *name, uint64_t size, struct error *err)
{
	struct archive_entry *entry = archive_entry_new();

	if (!entry)
		return fail(err, ENOMEM, "start an entry");
	archive_entry_copy_pathname(entry, name);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0600);
	archive_entry_set_mtime(entry, time(NULL), 0);
	archive_entry_set_size(entry, (la_int64_t)size);
	return give_entry(writer, entry, err);
}

int writer_add_member(struct writer *writer, const char *name, const char *bytes, size_t length,
                      struct error *err)
{
	int r = writer_begin_member(writer, name, length, err);

	return r == 0 ? writer_write(writer, bytes, length, err) : r;
}
