/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Two stacks of jobs and the threads that work them off; see the header. */
#include "storage/work.h"

#include "base/cleanup.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <time.h>

/* The kernel's locks on folders and the journal leave nothing to gain for more. */
#define WORKERS_LEAST 4 /* on one or two cpus too: a thread that waits for the disk costs nothing */
#define WORKERS_MOST  8

static unsigned int choose_workers(unsigned int wanted)
{
	cpu_set_t cpus;
	int count;

	if (wanted)
		return wanted;
	count = sched_getaffinity(0, sizeof(cpus), &cpus) == 0 ? CPU_COUNT(&cpus) : 1;
	if (count < WORKERS_LEAST)
		return WORKERS_LEAST;
	return count > WORKERS_MOST ? WORKERS_MOST : (unsigned int)count;
}

void work_init(struct work *work)
{
	pthread_condattr_t clock;

	*work = (struct work){.run = NULL};
	(void)pthread_mutex_init(&work->lock, NULL); /* none of these can fail in Linux */
	(void)pthread_cond_init(&work->more, NULL);
	(void)pthread_condattr_init(&clock);
	(void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&work->over, &clock);
	(void)pthread_condattr_destroy(&clock);
}

void work_done(struct work *work)
{
	(void)pthread_mutex_destroy(&work->lock);
	(void)pthread_cond_destroy(&work->more);
	(void)pthread_cond_destroy(&work->over);
}

void work_push(struct work *work, struct work_job *job, bool urgent)
{
	struct work_job **stack = urgent ? &work->urgent : &work->others;

	(void)pthread_mutex_lock(&work->lock); /* cannot fail: neither recursive nor robust */
	job->next = *stack;
	*stack = job;
	(void)pthread_cond_signal(&work->more);
	(void)pthread_mutex_unlock(&work->lock);
}

bool work_is_stopped(const struct work *work)
{
	return atomic_load_explicit(&work->stop, memory_order_relaxed);
}

static struct work_job *pop(struct work *work)
{
	struct work_job **stack = work->urgent ? &work->urgent : &work->others;
	struct work_job *job = *stack;

	if (job)
		*stack = job->next;
	return job;
}

/* With the lock held. */
static void note_error(struct work *work, const struct error *err)
{
	if (!work->error.code)
		work->error = *err;
	work->stop = true;
	(void)pthread_cond_broadcast(&work->more);
}

/* Until there is nothing to do and nobody who could push something. */
static void work_off(struct work *work)
{
	(void)pthread_mutex_lock(&work->lock);
	while (!work->stop) {
		struct work_job *job = pop(work);
		struct error err = {0};
		int r;

		if (!job && !work->busy)
			break;
		if (!job) {
			(void)pthread_cond_wait(&work->more, &work->lock);
			continue;
		}
		work->busy++;
		(void)pthread_mutex_unlock(&work->lock);
		r = work->run(work, job, &err);
		(void)pthread_mutex_lock(&work->lock);
		work->busy--;
		if (r < 0)
			note_error(work, &err);
	}
	(void)pthread_cond_broadcast(&work->more);
	(void)pthread_mutex_unlock(&work->lock);
}

static void *run_thread(void *argument)
{
	struct work *work = argument;

	work_off(work);
	(void)pthread_mutex_lock(&work->lock);
	work->threads--;
	(void)pthread_cond_signal(&work->over);
	(void)pthread_mutex_unlock(&work->lock);
	return NULL;
}

/* Waits for the threads; the tick is called without the lock. */
static void watch(struct work *work)
{
	(void)pthread_mutex_lock(&work->lock);
	while (work->threads) {
		struct error err = {0};
		struct timespec until;

		if (!work->tick) {
			(void)pthread_cond_wait(&work->over, &work->lock);
			continue;
		}
		(void)clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += work->tick_ms % 1000 * 1000000;
		until.tv_sec += work->tick_ms / 1000 + until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		if (pthread_cond_timedwait(&work->over, &work->lock, &until) != ETIMEDOUT)
			continue;
		(void)pthread_mutex_unlock(&work->lock);
		if (work->tick(work, &err) < 0) {
			(void)pthread_mutex_lock(&work->lock);
			note_error(work, &err);
			(void)pthread_mutex_unlock(&work->lock);
		}
		(void)pthread_mutex_lock(&work->lock);
	}
	(void)pthread_mutex_unlock(&work->lock);
}

/* Starts them with every signal blocked: those are the caller's. */
static unsigned int start_threads(struct work *work, pthread_t threads[], unsigned int count)
{
	sigset_t all, old;
	unsigned int started = 0;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	(void)pthread_mutex_lock(&work->lock);
	while (started < count && pthread_create(&threads[started], NULL, run_thread, work) == 0)
		started++;
	work->threads = started;
	(void)pthread_mutex_unlock(&work->lock);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return started;
}

int work_run(struct work *work, unsigned int workers, struct error *err)
{
	pthread_t threads[WORKERS_MOST];
	unsigned int count = choose_workers(workers), started;
	struct work_job *job;

	if (count > WORKERS_MOST)
		count = WORKERS_MOST;
	started = start_threads(work, threads, count);
	if (!started) /* none can be had: alone */
		work_off(work);
	watch(work);
	for (unsigned int i = 0; i < started; i++)
		(void)pthread_join(threads[i], NULL);
	while ((job = pop(work)))
		work->drop(work, job);
	if (!work->stop)
		return 0;
	if (err)
		*err = work->error;
	return -work->error.code;
}
