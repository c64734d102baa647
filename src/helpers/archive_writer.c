/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing an archive with libarchive; see the header. */
#include "helpers/archive_writer.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "helpers/archive_work.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const struct method {
	const char *name, *filter; /* the filter's name for its options */
	int (*add)(struct archive *writer);
	bool has_threads;
} methods[] = {
	[METHOD_ZSTD] = {"zstd", "zstd", archive_write_add_filter_zstd, true },
	[METHOD_GZIP] = {"gzip", "gzip", archive_write_add_filter_gzip, false},
	[METHOD_XZ] = {"xz",   "xz",   archive_write_add_filter_xz,   true },
	[METHOD_NONE] = {"none", NULL,   archive_write_add_filter_none, false},
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

static la_ssize_t write_output(struct archive *archive, void *data, const void *bytes, size_t count)
{
	const struct writer_options *options = data;
	ssize_t n;

	do
		n = write(options->output_fd, bytes, count);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		archive_set_error(archive, errno, "%s", strerrordesc_np(errno));
	else
		atomic_fetch_add(&options->counters->output, (uint64_t)n);
	return n;
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

static int open_archive(struct archive *archive, const struct writer_options *options,
                        struct error *err)
{
	const struct method *method = &methods[options->method];
	char threads[16];
	int r = method->add(archive);

	if (r == ARCHIVE_OK)
		r = archive_write_set_format_pax(archive);
	if (r == ARCHIVE_OK && options->level)
		r = archive_write_set_filter_option(archive, method->filter, "compression-level",
		                                    options->level);
	(void)snprintf(threads, sizeof(threads), "%u", options->threads);
	if (method->has_threads) /* an older libarchive has none */
		(void)archive_write_set_filter_option(archive, method->filter, "threads", threads);
	if (r == ARCHIVE_OK)
		r = archive_write_set_bytes_per_block(archive, WRITER_BLOCK);
	if (r == ARCHIVE_OK)
		r = archive_write_set_bytes_in_last_block(archive, 1);
	if (r == ARCHIVE_OK)
		r = archive_write_open(archive, (void *)(uintptr_t)options, NULL, write_output,
		                       NULL);
	return r == ARCHIVE_OK ? 0 : fail_archive(archive, err);
}

int writer_open(struct writer *writer, const struct writer_options *options, struct error *err)
{
	int r;

	*writer = (struct writer){.options = options, .archive = archive_write_new()};
	if (!writer->archive)
		return fail(err, ENOMEM, "start writing");
	r = open_archive(writer->archive, options, err);
	return r < 0 ? r : belt_start(&writer->belt, false, write_items, writer, err);
}

int writer_close(struct writer *writer, bool is_good, struct error *err)
{
	struct archive *archive = writer->archive;
	int r = belt_end(&writer->belt, is_good, err);

	if (!archive)
		return r;
	if (!is_good || r < 0)
		(void)archive_write_fail(archive); /* nothing more is to be written */
	else if (archive_write_close(archive) != ARCHIVE_OK)
		r = fail_archive(archive, err);
	archive_write_free(archive);
	writer->archive = NULL;
	return r;
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
