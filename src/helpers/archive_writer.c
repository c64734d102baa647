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

static int fail_writer(struct writer *writer, struct error *err)
{
	const char *text = archive_error_string(writer->archive);
	int code = archive_errno(writer->archive);

	writer->failed = true;
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

int writer_open(struct writer *writer, const struct writer_options *options, struct error *err)
{
	const struct method *method = &methods[options->method];
	struct archive *archive = archive_write_new();
	char threads[16];
	int r;

	*writer = (struct writer){.options = options, .archive = archive};
	if (!archive)
		return fail(err, ENOMEM, "start writing");
	r = method->add(archive);
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
	return r == ARCHIVE_OK ? 0 : fail_writer(writer, err);
}

int writer_close(struct writer *writer, bool is_good, struct error *err)
{
	struct archive *archive = ptr_take(writer->archive);
	int r = 0;

	if (!archive)
		return 0;
	if (!is_good)
		(void)archive_write_fail(archive); /* nothing more is to be written */
	else if (archive_write_close(archive) != ARCHIVE_OK)
		r = fail_writer(&(struct writer){.archive = archive}, err);
	archive_write_free(archive);
	return r;
}

int writer_begin(struct writer *writer, struct archive_entry *entry, struct error *err)
{
	return archive_write_header(writer->archive, entry) < ARCHIVE_WARN
	               ? fail_writer(writer, err)
	               : 0;
}

int writer_write(struct writer *writer, const void *bytes, size_t count, struct error *err)
{
	return archive_write_data(writer->archive, bytes, count) < (la_ssize_t)count
	               ? fail_writer(writer, err)
	               : 0;
}

int writer_begin_member(struct writer *writer, const char *name, uint64_t size, struct error *err)
{
	struct archive_entry *entry = archive_entry_new();
	int r;

	if (!entry)
		return fail(err, ENOMEM, "start an entry");
	archive_entry_copy_pathname(entry, name);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0600);
	archive_entry_set_mtime(entry, time(NULL), 0);
	archive_entry_set_size(entry, (la_int64_t)size);
	r = archive_write_header(writer->archive, entry) == ARCHIVE_OK ? 0
	                                                               : fail_writer(writer, err);
	archive_entry_free(entry);
	return r;
}

int writer_add_member(struct writer *writer, const char *name, const char *bytes, size_t length,
                      struct error *err)
{
	int r = writer_begin_member(writer, name, length, err);

	return r == 0 && length ? writer_write(writer, bytes, length, err) : r;
}
