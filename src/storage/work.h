/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Jobs worked off by a few threads, for the walks over whole trees (copy.c, remove.c). The only place
 * with threads: they live from work_run() to its return, take no signals, and touch nothing but the
 * jobs and what those lock. Private to src/storage.
 */
#ifndef SYSC_STORAGE_WORK_H
#define SYSC_STORAGE_WORK_H

#include "base/error.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Embedded in what a job knows. */
struct work_job {
	struct work_job *next;
};

struct work {
	/* Does the job and frees it; may push others. The first error stops all. */
	int (*run)(struct work *work, struct work_job *job, struct error *err);
	/* Frees a job that is not done any more. */
	void (*drop)(struct work *work, struct work_job *job);
	/* Called every tick_ms (may be NULL) by the thread that called work_run(); < 0 stops all. */
	int (*tick)(struct work *work, struct error *err);
	int64_t tick_ms;

	/* work.c only */
	pthread_mutex_t lock;
	pthread_cond_t more, over;
	struct work_job *urgent, *others;
	unsigned int busy, threads;
	atomic_bool stop;
	struct error error;
};

/* Before all others; the fields above are the caller's to set after it. Pair: work_done(). */
void work_init(struct work *work);
void work_done(struct work *work);

/*
 * The last pushed comes first, urgent ones before all others. From within run(), or before
 * work_run().
 */
void work_push(struct work *work, struct work_job *job, bool urgent);
/* Whether the work failed elsewhere: a long job looks now and then. */
bool work_is_stopped(const struct work *work);
/* Works off all that was pushed (at least one job) with workers threads; 0: as many as pay. */
int work_run(struct work *work, unsigned int workers, struct error *err);

#endif
