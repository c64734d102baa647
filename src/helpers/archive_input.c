/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bytes of an archive, unpacked by a thread of its own; see the header. */
#include "helpers/archive_input.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "helpers/archive_belt.h"
#include "helpers/archive_work.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>

#define READ_BLOCK 131072

struct input {
	int fd;
	struct archive_counters *counters;
	struct belt belt;
	char buffer[READ_BLOCK]; /* libarchive reads from it */
};

static la_ssize_t read_file(struct archive *reader, void *data, const void **out)
{
	struct input *input = data;
	ssize_t n = file_read_some(input->fd, input->buffer, sizeof(input->buffer));

	if (n < 0) {
		archive_set_error(reader, errno, "read: %s", strerrordesc_np(errno));
		return ARCHIVE_FATAL;
	}
	atomic_fetch_add(&input->counters->input, (uint64_t)n);
	*out = input->buffer;
	return n;
}

/* 0, 1: nobody wants it. */
static int give_bytes(struct input *input, const char *bytes, size_t count)
{
	while (count) {
		size_t part = count < BELT_MOST ? count : BELT_MOST;
		struct belt_item *item = belt_take(&input->belt, part, NULL);

		if (!item)
			return 1;
		memcpy(item->bytes, bytes, part);
		item->count = (uint32_t)part;
		belt_give(&input->belt, item);
		bytes += part;
		count -= part;
	}
	return 0;
}

static int unpack(struct input *input, struct archive *reader, struct error *err)
{
	struct archive_entry *entry;
	const void *block;
	la_int64_t offset;
	size_t size;
	int r = archive_read_open(reader, input, NULL, read_file, NULL);

	if (r == ARCHIVE_OK)
		r = archive_read_next_header(reader, &entry);
	while (r == ARCHIVE_OK) {
		r = archive_read_data_block(reader, &block, &size, &offset);
		if (r == ARCHIVE_OK && give_bytes(input, block, size) > 0)
			return 0;
	}
	return r == ARCHIVE_EOF ? 0 : work_fail(reader, err);
}

/* The second thread. */
static int read_all(void *user, struct error *err)
{
	struct archive *reader = archive_read_new();
	int r;

	if (!reader)
		return fail(err, ENOMEM, "start reading");
	/* only what root file systems come in: less code for a hostile file to reach */
	(void)archive_read_support_filter_gzip(reader);
	(void)archive_read_support_filter_bzip2(reader);
	(void)archive_read_support_filter_xz(reader);
	(void)archive_read_support_filter_lzma(reader);
	(void)archive_read_support_filter_lz4(reader);
	(void)archive_read_support_filter_zstd(reader);
	(void)archive_read_support_format_raw(reader);
	(void)archive_read_support_format_empty(reader);
	r = unpack(user, reader, err);
	archive_read_free(reader);
	return r;
}

struct input *input_open(int fd, struct archive_counters *counters, struct error *err)
{
	struct input *input = must_alloc(sizeof(*input));

	input->fd = fd;
	input->counters = counters;
	return belt_start(&input->belt, true, read_all, input, err) < 0 ? NULL : input;
}

bool input_must_wait(struct input *input)
{
	return belt_is_bare(&input->belt);
}

ssize_t input_next(struct input *input, const void **out, struct error *err)
{
	const struct belt_item *item;

	error_clear(err);
	item = belt_next(&input->belt, err);
	if (!item)
		return err->code ? -err->code : 0;
	*out = item->bytes;
	return item->count;
}
