/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A conveyor belt between two threads; see the header. */
#include "helpers/archive_belt.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <archive_entry.h>
#include <stdlib.h>

#define BATCH_COUNT 32 /* on a busy host either end may wait for a processor for a while */
#define BATCH_BYTES (512 << 10)
#define ALIGN       16 /* of items */

struct belt_batch {
	struct belt_batch *next;
	size_t used;
	_Alignas(ALIGN) char bytes[BATCH_BYTES];
};

static size_t item_size(size_t count)
{
	return (sizeof(struct belt_item) + count + ALIGN - 1) / ALIGN * ALIGN;
}

static struct belt_item *item_at(struct belt_batch *batch, size_t at)
{
	return (struct belt_item *)(void *)(batch->bytes + at);
}

/* What was loaded goes on its way. The lock is held. */
static void send_batch(struct belt *belt)
{
	struct belt_batch *batch = ptr_take(belt->loading);

	if (!batch)
		return;
	batch->next = NULL;
	*belt->full_end = batch;
	belt->full_end = &batch->next;
	(void)pthread_cond_signal(&belt->filled);
}

/* The first thread gets to know that nothing more comes, or that nothing more is taken. */
static void *run_work(void *data)
{
	struct belt *belt = data;
	struct error err = {0};

	(void)belt->work(belt->user, &err);
	(void)pthread_mutex_lock(&belt->lock); /* cannot fail: neither recursive nor robust */
	belt->error = err;
	if (belt->loads) {
		send_batch(belt);
		belt->is_closed = true;
		(void)pthread_cond_signal(&belt->filled);
	} else {
		atomic_store(&belt->is_stopped, true);
		(void)pthread_cond_signal(&belt->emptied);
	}
	(void)pthread_mutex_unlock(&belt->lock);
	return NULL;
}

int belt_start(struct belt *belt, bool loads, int (*work)(void *user, struct error *err),
               void *user, struct error *err)
{
	int r;

	(void)pthread_mutex_init(&belt->lock, NULL); /* none of these can fail in Linux */
	(void)pthread_cond_init(&belt->filled, NULL);
	(void)pthread_cond_init(&belt->emptied, NULL);
	belt->loads = loads;
	belt->work = work;
	belt->user = user;
	belt->full_end = &belt->full;
	for (int i = 0; i < BATCH_COUNT; i++) {
		struct belt_batch *batch = must_alloc(sizeof(*batch));

		batch->next = belt->empty;
		belt->empty = batch;
	}
	r = pthread_create(&belt->thread, NULL, run_work, belt);
	belt->is_running = r == 0;
	return r == 0 ? 0 : fail(err, r, "start a thread");
}

/* Sends what was loaded, and waits for an empty batch. */
static bool change_batch(struct belt *belt, struct error *err)
{
	bool is_stopped;

	(void)pthread_mutex_lock(&belt->lock);
	send_batch(belt);
	while (!belt->empty && !atomic_load(&belt->is_stopped))
		(void)pthread_cond_wait(&belt->emptied, &belt->lock);
	is_stopped = atomic_load(&belt->is_stopped);
	if (!is_stopped) {
		belt->loading = belt->empty;
		belt->empty = belt->loading->next;
	} else if (!belt->loads) {
		*err = belt->error;
	}
	(void)pthread_mutex_unlock(&belt->lock);
	return !is_stopped;
}

struct belt_item *belt_take(struct belt *belt, size_t most, struct error *err)
{
	struct belt_batch *batch = belt->loading;
	struct belt_item *item;

	if (!batch || BATCH_BYTES - batch->used < item_size(most)) {
		if (!change_batch(belt, err))
			return NULL;
		batch = belt->loading;
	}
	item = item_at(batch, batch->used);
	*item = (struct belt_item){.kind = 0};
	return item;
}

void belt_give(struct belt *belt, struct belt_item *item)
{
	belt->loading->used += item_size(item->count);
}

void belt_flush(struct belt *belt)
{
	(void)pthread_mutex_lock(&belt->lock);
	if (belt->loading && belt->loading->used)
		send_batch(belt);
	(void)pthread_mutex_unlock(&belt->lock);
}

/* The item that was unloaded last is done with. */
static void leave_item(struct belt *belt)
{
	struct belt_item *item = item_at(belt->unloading, belt->at);

	archive_entry_free(item->entry);
	belt->at += item_size(item->count);
}

/* Gives an emptied batch back, and waits for a full one. */
static bool fetch_batch(struct belt *belt, struct error *err)
{
	struct belt_batch *done = ptr_take(belt->unloading);

	(void)pthread_mutex_lock(&belt->lock);
	if (done) {
		done->used = 0;
		done->next = belt->empty;
		belt->empty = done;
		(void)pthread_cond_signal(&belt->emptied);
	}
	while (!belt->full && !belt->is_closed)
		(void)pthread_cond_wait(&belt->filled, &belt->lock);
	if (belt->full) {
		belt->unloading = belt->full;
		belt->full = belt->unloading->next;
		if (!belt->full)
			belt->full_end = &belt->full;
		belt->at = 0;
	} else if (belt->loads && belt->error.code) {
		*err = belt->error;
	}
	(void)pthread_mutex_unlock(&belt->lock);
	return belt->unloading != NULL;
}

bool belt_is_bare(struct belt *belt)
{
	struct belt_batch *batch = belt->unloading;
	bool is_bare =
		!batch || belt->at + item_size(item_at(batch, belt->at)->count) >= batch->used;

	(void)pthread_mutex_lock(&belt->lock);
	is_bare = is_bare && !belt->full && !belt->is_closed;
	(void)pthread_mutex_unlock(&belt->lock);
	return is_bare;
}

const struct belt_item *belt_next(struct belt *belt, struct error *err)
{
	if (belt->unloading)
		leave_item(belt);
	while (!belt->unloading || belt->at >= belt->unloading->used)
		if (!fetch_batch(belt, err))
			return NULL;
	return atomic_load(&belt->is_stopped) ? NULL : item_at(belt->unloading, belt->at);
}

static void free_batches(struct belt_batch *batch)
{
	while (batch) {
		struct belt_batch *next = batch->next;

		free(batch);
		batch = next;
	}
}

/* What nobody unloaded. */
static void free_all(struct belt *belt)
{
	while (belt->unloading && belt->at < belt->unloading->used)
		leave_item(belt);
	for (struct belt_batch *batch = belt->full; batch; batch = batch->next)
		for (size_t at = 0; at < batch->used; at += item_size(item_at(batch, at)->count))
			archive_entry_free(item_at(batch, at)->entry);
	free(ptr_take(belt->unloading));
	free_batches(ptr_take(belt->full));
	free_batches(ptr_take(belt->empty));
}

int belt_end(struct belt *belt, bool is_good, struct error *err)
{
	if (!belt->is_running) {
		free_all(belt);
		return 0;
	}
	(void)pthread_mutex_lock(&belt->lock);
	if (!is_good)
		atomic_store(&belt->is_stopped, true);
	if (!belt->loads)
		send_batch(belt);
	belt->is_closed = true;
	(void)pthread_cond_signal(&belt->filled);
	(void)pthread_cond_signal(&belt->emptied);
	(void)pthread_mutex_unlock(&belt->lock);
	(void)pthread_join(belt->thread, NULL);
	belt->is_running = false;
	free_all(belt);
	if (!is_good || !belt->error.code)
		return 0;
	*err = belt->error;
	return -err->code;
}
