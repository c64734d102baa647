/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../lib/tap.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "helpers/archive_gzip.h"

#include <errno.h>
#include <stdint.h>
#include <zlib.h>

#define BLOCK (1 << 18) /* as the file has it: what is cut is of interest at its ends */

/* What is packed: a part that repeats itself across blocks, and one that cannot be made smaller. */
static char *make_bytes(size_t count)
{
	char *bytes = must_alloc(count);
	uint32_t noise = 1;

	for (size_t i = 0; i < count; i++) {
		noise = noise * 1664525 + 1013904223;
		bytes[i] = (char)(i / BLOCK % 2 ? noise >> 24 : i % 1000 % 251);
	}
	return bytes;
}

struct sink {
	struct text packed;
	size_t most; /* bytes that it takes */
};

static int take(void *user, const void *bytes, size_t count, struct error *err)
{
	struct sink *sink = user;

	if (sink->packed.length + count > sink->most)
		return fail(err, ENOSPC, "write");
	text_add_bytes(&sink->packed, bytes, count);
	return 0;
}

/* In pieces of step bytes. */
static int pack(struct sink *sink, int level, unsigned int threads, const char *bytes, size_t count,
                size_t step, struct error *err)
{
	struct gzip *gzip = gzip_open(level, threads, take, sink, err);
	int r = gzip ? 0 : -err->code;

	for (size_t at = 0; at < count && r == 0; at += step)
		r = gzip_write(gzip, bytes + at, count - at < step ? count - at : step, err);
	return gzip_close(gzip, r == 0, err) < 0 ? -err->code : r;
}

/* One member and nothing behind it, which zlib unpacks and finds whole. */
static void check_unpacks(const struct text *packed, const char *bytes, size_t count)
{
	CLEAN_FREE char *out = must_alloc(count + 1);
	z_stream stream = {.next_in = (unsigned char *)packed->data,
	                   .avail_in = (uInt)packed->length,
	                   .next_out = (unsigned char *)out,
	                   .avail_out = (uInt)count + 1};

	CHECK_INT(inflateInit2(&stream, 16 + MAX_WBITS), Z_OK);
	CHECK_INT(inflate(&stream, Z_FINISH), Z_STREAM_END);
	CHECK_INT(stream.avail_in, 0);
	CHECK_INT(stream.total_out, count);
	CHECK(memcmp(out, bytes, count) == 0);
	(void)inflateEnd(&stream);
}

TEST(all_sizes_and_levels)
{
	static const size_t sizes[] = {0,         1,         BLOCK - 1,     BLOCK,
	                               BLOCK + 1, 2 * BLOCK, 5 * BLOCK + 7, 17 * BLOCK};
	static const int levels[] = {GZIP_LEVEL_DEFAULT, 0, 1, GZIP_LEVEL_MOST};
	CLEAN_FREE char *bytes = make_bytes(17 * BLOCK);

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		for (size_t l = 0; l < ARRAY_SIZE(levels); l++) {
			struct sink sink = {.most = SIZE_MAX};
			struct error err = {0};

			CHECK_INT(pack(&sink, levels[l], 3, bytes, sizes[i], 100000, &err), 0);
			check_unpacks(&sink.packed, bytes, sizes[i]);
			text_done(&sink.packed);
		}
}

/* Who compares archives by their digest must not see on which machine they were made. */
TEST(threads_and_pieces_make_no_difference)
{
	static const struct {
		unsigned int threads;
		size_t step;
	} rows[] = {
		{1,  9 * BLOCK},
                {2,  BLOCK    },
                {16, 4097     }
        };
	const size_t count = 9 * BLOCK - 3;
	CLEAN_FREE char *bytes = make_bytes(count);
	struct sink first = {.most = SIZE_MAX};
	struct error err = {0};

	CHECK_INT(pack(&first, 6, 4, bytes, count, 65536, &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct sink sink = {.most = SIZE_MAX};

		CHECK_INT(pack(&sink, 6, rows[i].threads, bytes, count, rows[i].step, &err), 0);
		CHECK_INT(sink.packed.length, first.packed.length);
		CHECK(memcmp(sink.packed.data, first.packed.data, first.packed.length) == 0);
		text_done(&sink.packed);
	}
	text_done(&first.packed);
}

/* What repeats itself in the next block is found there. */
TEST(blocks_know_what_was_before)
{
	const size_t period = 30000, count = 8 * BLOCK;
	CLEAN_FREE char *bytes = must_alloc(count);
	struct sink sink = {.most = SIZE_MAX};
	struct error err = {0};
	uint32_t noise = 1;

	for (size_t i = 0; i < count; i++) {
		noise = noise * 1664525 + 1013904223;
		bytes[i] = i < period ? (char)(noise >> 24) : bytes[i - period];
	}
	CHECK_INT(pack(&sink, 6, 4, bytes, count, count, &err), 0);
	CHECK(sink.packed.length < 2 * period);
	text_done(&sink.packed);
}

TEST(a_full_disk_is_told_wherever_it_comes)
{
	const size_t count = 6 * BLOCK;
	CLEAN_FREE char *bytes = make_bytes(count);
	struct sink whole = {.most = SIZE_MAX};
	struct error err = {0};
	size_t length;

	CHECK_INT(pack(&whole, 1, 2, bytes, count, BLOCK, &err), 0);
	length = whole.packed.length;
	text_done(&whole.packed);
	for (size_t i = 0; i < 10; i++) { /* the last one has no room for the last byte */
		struct sink sink = {.most = i * (length - 1) / 9};

		error_clear(&err);
		CHECK_INT(pack(&sink, 1, 2, bytes, count, BLOCK, &err), -ENOSPC);
		CHECK_INT(err.code, ENOSPC);
		text_done(&sink.packed);
	}
}
