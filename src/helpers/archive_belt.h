/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A conveyor belt between two threads: what reads goes on while what writes is at it. Items arrive in their
 * order; the belt holds some megabytes, in batches, so that no thread is woken for each item. Used in both
 * directions, in the confined child only (confine.h), where the second thread may be at either end.
 */
#ifndef SYSC_HELPERS_ARCHIVE_BELT_H
#define SYSC_HELPERS_ARCHIVE_BELT_H

#include "base/error.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct archive_entry;

#define BELT_MOST 262144 /* bytes of an item */

/* A piece of work; what it is, is between the two ends. */
struct belt_item {
	unsigned int kind;
	uint32_t count;              /* of bytes */
	uint64_t offset;             /* of them in their file */
	struct archive_entry *entry; /* the item's own; or NULL */
	char bytes[];
};

struct belt_batch;

/* archive_belt.c only. Zeroed is one that was not started. */
struct belt {
	int (*work)(void *user, struct error *err);
	void *user;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t filled, emptied;
	struct belt_batch *full, **full_end, *empty;
	struct belt_batch *loading, *unloading; /* of either end */
	size_t at;                              /* in unloading */
	bool loads;                             /* the second thread is the end that loads */
	bool is_running;
	bool is_closed;         /* nothing more comes */
	atomic_bool is_stopped; /* nobody wants what is on it any more */
	struct error error;     /* of the second thread */
};

/* Starts the second thread, which does work(user) at the end that loads the belt or the other. Pair: belt_end(). */
int belt_start(struct belt *belt, bool loads, int (*work)(void *user, struct error *err),
               void *user, struct error *err);

/*
 * Room for an item of up to most (BELT_MOST) bytes, to fill in; it is on the belt once it was given. NULL: the
 * other end does not want it. err then has the second thread's error if it is the other end.
 */
struct belt_item *belt_take(struct belt *belt, size_t most, struct error *err);
/* Puts it on the belt, with as many bytes as its count says. */
void belt_give(struct belt *belt, struct belt_item *item);

/* Sends what was given even if it is little: for who is about to wait for something else. */
void belt_flush(struct belt *belt);

/* Whether belt_next() would wait now. */
bool belt_is_bare(struct belt *belt);
/*
 * The next item, good until the next call. NULL: there is none any more. err then has the second thread's error
 * if it is the other end and failed.
 */
const struct belt_item *belt_next(struct belt *belt, struct error *err);

/*
 * Waits for the second thread, which deals with what is still on the belt, or (is_good false) does not. Its
 * error; err is left alone where is_good is false. A belt that was not started is fine, and so is a second call.
 */
int belt_end(struct belt *belt, bool is_good, struct error *err);

#endif
