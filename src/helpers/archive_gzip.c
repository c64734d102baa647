/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gzip by several threads; see the header. */
#include "helpers/archive_gzip.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"

#include <endian.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#define ZLIB_CONST
#include <zlib.h>

#define WINDOW    32768     /* bytes that deflate looks back (RFC 1951) */
#define BLOCK     (1 << 18) /* a dictionary, and a few bytes at its end, cost little of it */
#define FLUSH_MAX 64        /* what ends a block, beside what deflateBound() counts */
#define RAW_BITS  (-15) /* the whole window, and neither head nor end (zlib.h, deflateInit2()) */
#define MEMORY    8     /* as zlib.h has it where nothing is said */

struct block {
	bool is_done, is_last;
	size_t before; /* bytes in front of input's WINDOW that are there: the dictionary */
	size_t count, packed;
	uint32_t sum;
	unsigned char input[WINDOW + BLOCK];
	unsigned char *output; /* gzip->room bytes */
};

struct worker {
	struct gzip *gzip;
	pthread_t thread;
	z_stream stream;
	bool is_started;
};

/* Blocks are a ring. Those from written on are given, of them those from next on are not taken, up to filled. */
struct gzip {
	gzip_output *output;
	void *user;
	struct block *blocks;
	struct worker *workers;
	size_t block_count, worker_count, room;
	uint32_t sum;
	uint64_t total;
	uint64_t written; /* who calls only */
	pthread_mutex_t lock;
	pthread_cond_t given, done;
	/* under the lock */
	uint64_t next, filled;
	bool is_over;
	int failed; /* what zlib said */
};

static struct block *block_at(const struct gzip *gzip, uint64_t number)
{
	return &gzip->blocks[number % gzip->block_count];
}

/* --- the workers --- */

static int pack_block(z_stream *stream, struct block *block, size_t room)
{
	const unsigned char *input = block->input + WINDOW;
	int r = deflateReset(stream);

	if (r == Z_OK && block->before)
		r = deflateSetDictionary(stream, input - block->before, (uInt)block->before);
	if (r != Z_OK)
		return r;
	stream->next_in = input;
	stream->avail_in = (uInt)block->count;
	stream->next_out = block->output;
	stream->avail_out = (uInt)room;
	/* one that is flushed ends with a byte of its own, where the next can begin */
	r = deflate(stream, block->is_last ? Z_FINISH : Z_SYNC_FLUSH);
	if (r != (block->is_last ? Z_STREAM_END : Z_OK) || stream->avail_in || !stream->avail_out)
		return r < 0 ? r : Z_BUF_ERROR;
	block->packed = room - stream->avail_out;
	block->sum = (uint32_t)crc32(0, input, (uInt)block->count);
	return Z_OK;
}

/* The next that was given; NULL: there will be none. The lock is held. */
static struct block *take_block(struct gzip *gzip)
{
	while (gzip->next == gzip->filled && !gzip->is_over)
		(void)pthread_cond_wait(&gzip->given, &gzip->lock);
	return gzip->is_over ? NULL : block_at(gzip, gzip->next++);
}

static void *run_worker(void *data)
{
	struct worker *worker = data;
	struct gzip *gzip = worker->gzip;
	struct block *block;

	(void)pthread_mutex_lock(&gzip->lock); /* cannot fail: neither recursive nor robust */
	while ((block = take_block(gzip))) {
		int r;

		(void)pthread_mutex_unlock(&gzip->lock);
		r = pack_block(&worker->stream, block, gzip->room);
		(void)pthread_mutex_lock(&gzip->lock);
		block->is_done = true;
		if (r != Z_OK)
			gzip->failed = r;
		(void)pthread_cond_signal(&gzip->done);
	}
	(void)pthread_mutex_unlock(&gzip->lock);
	return NULL;
}

/* --- who calls --- */

/* Whether the oldest block can be put out. wait: until it can. */
static bool is_ready(struct gzip *gzip, bool wait, struct error *err)
{
	const struct block *block = block_at(gzip, gzip->written);
	bool is_ready;
	int failed;

	(void)pthread_mutex_lock(&gzip->lock);
	while (wait && !block->is_done)
		(void)pthread_cond_wait(&gzip->done, &gzip->lock);
	is_ready = gzip->written < gzip->filled && block->is_done;
	failed = gzip->failed;
	(void)pthread_mutex_unlock(&gzip->lock);
	if (failed)
		(void)fail_plain(err, EIO, "gzip: %s", zError(failed));
	return is_ready && !failed;
}

/* The oldest block, which is ready. */
static int put_out(struct gzip *gzip, struct error *err)
{
	struct block *block = block_at(gzip, gzip->written);
	int r = gzip->output(gzip->user, block->output, block->packed, err);

	if (r < 0)
		return r;
	gzip->sum = (uint32_t)crc32_combine(gzip->sum, block->sum, (z_off_t)block->count);
	gzip->total += block->count;
	block->is_done = false;
	gzip->written++;
	return 0;
}

/* Puts out what is ready, and then waits for as many as it takes until at most most are given and not put out. */
static int put_out_all(struct gzip *gzip, size_t most, struct error *err)
{
	error_clear(err);
	while (gzip->written < gzip->filled) {
		if (!is_ready(gzip, gzip->filled - gzip->written > most, err))
			return -err->code;
		if (put_out(gzip, err) < 0)
			return -err->code;
	}
	return 0;
}

/* The block that was filled goes to the workers; the next begins with its end. */
static int give_block(struct gzip *gzip, bool is_last, struct error *err)
{
	struct block *block = block_at(gzip, gzip->filled), *next;
	int r;

	block->is_last = is_last;
	(void)pthread_mutex_lock(&gzip->lock);
	gzip->filled++;
	(void)pthread_cond_signal(&gzip->given);
	(void)pthread_mutex_unlock(&gzip->lock);
	r = put_out_all(gzip, is_last ? 0 : gzip->block_count - 1, err);
	if (r < 0 || is_last)
		return r;
	next = block_at(gzip, gzip->filled);
	memcpy(next->input, block->input + BLOCK, WINDOW); /* this one is full */
	next->before = WINDOW;
	next->count = 0;
	return 0;
}

int gzip_write(struct gzip *gzip, const void *bytes, size_t count, struct error *err)
{
	const unsigned char *from = bytes;

	while (count) {
		struct block *block = block_at(gzip, gzip->filled);
		size_t room = BLOCK - block->count, part = count < room ? count : room;

		memcpy(block->input + WINDOW + block->count, from, part);
		block->count += part;
		from += part;
		count -= part;
		if (block->count == BLOCK && give_block(gzip, false, err) < 0)
			return -err->code;
	}
	return 0;
}

/* RFC 1952, 2.3: no name and no time, so that the same bytes become the same file; by Unix. */
static int put_head(const struct gzip *gzip, struct error *err)
{
	static const unsigned char head[] = {0x1f, 0x8b, Z_DEFLATED, 0, 0, 0, 0, 0, 0, 3};

	return gzip->output(gzip->user, head, sizeof(head), err);
}

static int put_end(struct gzip *gzip, struct error *err)
{
	uint32_t end[2];
	int r = give_block(gzip, true, err);

	if (r < 0)
		return r;
	end[0] = htole32(gzip->sum);
	end[1] = htole32((uint32_t)gzip->total); /* of its length the lower half is kept */
	return gzip->output(gzip->user, end, sizeof(end), err);
}

static int start_worker(struct gzip *gzip, struct worker *worker, int level, struct error *err)
{
	int r = deflateInit2(&worker->stream, level, Z_DEFLATED, RAW_BITS, MEMORY,
	                     Z_DEFAULT_STRATEGY);

	if (r != Z_OK)
		return fail_plain(err, r == Z_MEM_ERROR ? ENOMEM : EINVAL, "start gzip: %s",
		                  zError(r));
	worker->gzip = gzip;
	if (!gzip->room)
		gzip->room = deflateBound(&worker->stream, BLOCK) + FLUSH_MAX;
	r = pthread_create(&worker->thread, NULL, run_worker, worker);
	worker->is_started = r == 0;
	gzip->worker_count++;
	return r == 0 ? 0 : fail(err, r, "start a thread");
}

static void stop_workers(struct gzip *gzip)
{
	(void)pthread_mutex_lock(&gzip->lock);
	gzip->is_over = true;
	(void)pthread_cond_broadcast(&gzip->given);
	(void)pthread_mutex_unlock(&gzip->lock);
	for (size_t i = 0; i < gzip->worker_count; i++) {
		if (gzip->workers[i].is_started)
			(void)pthread_join(gzip->workers[i].thread, NULL);
		(void)deflateEnd(&gzip->workers[i].stream); /* tells of bytes that nobody wants */
	}
}

int gzip_close(struct gzip *gzip, bool is_good, struct error *err)
{
	int r = gzip && is_good ? put_end(gzip, err) : 0;

	if (!gzip)
		return 0;
	stop_workers(gzip);
	for (size_t i = 0; i < gzip->block_count; i++)
		free(gzip->blocks[i].output);
	free(gzip->blocks);
	free(gzip->workers);
	free(gzip);
	return r;
}

struct gzip *gzip_open(int level, unsigned int threads, gzip_output *output, void *user,
                       struct error *err)
{
	struct gzip *gzip = must_alloc(sizeof(*gzip));
	int r = 0;

	gzip->output = output;
	gzip->user = user;
	gzip->block_count = 2 * threads + 1; /* a thread finds the next where it gives one back */
	gzip->blocks = must_alloc(gzip->block_count * sizeof(*gzip->blocks));
	gzip->workers = must_alloc(threads * sizeof(*gzip->workers));
	(void)pthread_mutex_init(&gzip->lock, NULL); /* none of these can fail in Linux */
	(void)pthread_cond_init(&gzip->given, NULL);
	(void)pthread_cond_init(&gzip->done, NULL);
	for (unsigned int i = 0; i < threads && r == 0; i++)
		r = start_worker(gzip, &gzip->workers[i], level, err);
	for (size_t i = 0; i < gzip->block_count && r == 0; i++)
		gzip->blocks[i].output = must_alloc(gzip->room);
	if (r == 0)
		r = put_head(gzip, err);
	if (r == 0)
		return gzip;
	(void)gzip_close(gzip, false, err);
	return NULL;
}
