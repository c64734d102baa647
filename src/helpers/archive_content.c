/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The content of a file on its way into an archive; see the header. */
#include "helpers/archive_content.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
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

/* Up to count bytes of the file from offset on; fewer at its end. */
static int read_block(int fd, uint64_t offset, char *out, size_t count, size_t *have,
                      struct error *err)
{
	*have = 0;
	while (*have < count) {
		ssize_t n = pread(fd, out + *have, count - *have, (off_t)(offset + *have));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(err, errno, "read it");
		if (n == 0)
			break;
		*have += (size_t)n;
	}
	return 0;
}

/* One piece of a file that has data; what is not there any more is zeros. */
static int write_piece(struct content *content, int fd, uint64_t from, uint64_t to,
                       struct list_content *list, struct error *err)
{
	struct archive_counters *counters = content->writer->options->counters;

	while (from < to) {
		size_t count = to - from < WRITER_BLOCK ? (size_t)(to - from) : WRITER_BLOCK, have;
		char *block = writer_take(content->writer, err);

		if (!block)
			return -err->code;
		if (read_block(fd, from, block, count, &have, err) < 0)
			return -err->code;
		content->is_short |= have < count;
		memset(block + have, 0, count - have);
		list_content_add(list, from, block, count);
		writer_give(content->writer, count);
		atomic_fetch_add(&counters->bytes, count);
		atomic_fetch_add(&counters->input, count);
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

		r = writer_write_zeros(content->writer, from - at, err);
		if (r == 0)
			r = write_piece(content, fd, from, to, &list, err);
		at = to;
	}
	if (r == 0)
		r = writer_write_zeros(content->writer, size - at, err);
	list_content_end(&list, size, digest);
	return r;
}

static int digest_piece(int fd, uint64_t from, uint64_t to, struct list_content *list,
                        struct error *err)
{
	CLEAN_FREE char *block = must_alloc(WRITER_BLOCK);

	while (from < to) {
		size_t count = to - from < WRITER_BLOCK ? (size_t)(to - from) : WRITER_BLOCK, have;
		int r = read_block(fd, from, block, count, &have, err);

		if (r < 0)
			return r;
		memset(block + have, 0, count - have);
		list_content_add(list, from, block, count);
		from += count;
	}
	return 0;
}

int content_digest(struct archive_entry *entry, int fd, uint64_t size, char digest[65],
                   struct error *err)
{
	struct list_content list;
	la_int64_t offset, length;
	int r = 0;

	list_content_start(&list);
	if (archive_entry_sparse_reset(entry) == 0)
		r = digest_piece(fd, 0, size, &list, err);
	while (r == 0 && archive_entry_sparse_next(entry, &offset, &length) == ARCHIVE_OK)
		r = digest_piece(fd, (uint64_t)offset, (uint64_t)(offset + length), &list, err);
	list_content_end(&list, size, digest);
	return r;
}
