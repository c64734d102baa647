/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The content of a file on its way into an archive; see the header. */
#include "helpers/archive_content.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "helpers/archive_list.h"
#include "helpers/archive_work.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int content_describe_holes(struct archive_entry *entry, int fd, const struct stat *st,
                           struct error *err)
{
	off_t at = 0, end = 0;
	bool any = false;

	if (fd < 0 || (uint64_t)st->st_blocks * 512 >= (uint64_t)st->st_size)
		return 0;
	for (;;) {
		at = lseek(fd, end, SEEK_DATA);
		if (at < 0 && errno == ENXIO)
			break;
		end = at < 0 ? -1 : lseek(fd, at, SEEK_HOLE);
		if (end < 0)
			return fail(err, errno, "look for holes");
		if (end > st->st_size) /* it grows meanwhile */
			end = st->st_size;
		if (at >= end)
			break;
		archive_entry_sparse_add_entry(entry, at, end - at);
		any = true;
	}
	if (!any)
		archive_entry_sparse_add_entry(entry, 0, 0);
	return 0;
}

/* Bytes of the file from offset on; what is not there any more is zeros. */
static int read_block(struct content *content, int fd, uint64_t offset, size_t count,
                      struct error *err)
{
	size_t have = 0;

	while (have < count) {
		ssize_t n = pread(fd, content->buffer + have, count - have, (off_t)(offset + have));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(err, errno, "read it");
		if (n == 0)
			break;
		have += (size_t)n;
	}
	content->is_short |= have < count;
	memset(content->buffer + have, 0, count - have);
	return 0;
}

/* One piece of a file with data, or (fd -1) a hole, which libarchive wants to be given as zeros. */
static int write_piece(struct content *content, int fd, uint64_t from, uint64_t to,
                       struct list_content *list, struct error *err)
{
	struct archive_counters *counters = content->writer->options->counters;

	if (fd < 0)
		memset(content->buffer, 0, sizeof(content->buffer));
	while (from < to) {
		size_t count = to - from < WRITER_BLOCK ? (size_t)(to - from) : WRITER_BLOCK;
		int r = fd < 0 ? 0 : read_block(content, fd, from, count, err);

		if (r == 0)
			r = writer_write(content->writer, content->buffer, count, err);
		if (r < 0)
			return r;
		if (fd >= 0) {
			list_content_add(list, from, content->buffer, count);
			atomic_fetch_add(&counters->bytes, count);
			atomic_fetch_add(&counters->input, count);
		}
		from += count;
	}
	return 0;
}

int content_write(struct content *content, struct archive_entry *entry, int fd, uint64_t size,
                  char digest[65], struct error *err)
{
	struct list_content list;
	la_int64_t offset, length;
	uint64_t at = 0;
	int r = 0;

	content->is_short = false;
	list_content_start(&list);
	if (archive_entry_sparse_reset(entry) == 0)
		r = write_piece(content, fd, 0, at = size, &list, err);
	while (r == 0 && archive_entry_sparse_next(entry, &offset, &length) == ARCHIVE_OK) {
		uint64_t from = (uint64_t)offset, to = from + (uint64_t)length;

		r = write_piece(content, -1, at, from, &list, err);
		if (r == 0)
			r = write_piece(content, fd, from, to, &list, err);
		at = to;
	}
	if (r == 0)
		r = write_piece(content, -1, at, size, &list, err);
	list_content_end(&list, size, digest);
	return r;
}
