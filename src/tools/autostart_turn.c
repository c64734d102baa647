/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whose turn it is to start or to stop, and how long a stop may take; see the header. */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/process.h"
#include "base/text.h"
#include "tools/autostart.h"
#include "tools/autostart_job.h"

#define STOP_MS      60000 /* of a container whose own time is not known */
#define STOP_LEAST   10000 /* what a stop leaves for each of those after it */
#define WATCHES_MOST 400   /* containers waited for at a time: each takes a descriptor */

static bool has_failed(const struct autostart_job *job)
{
	return job->member->result != RESULT_READY;
}

/*
 * What a stop may take: its own time, but never what the containers that are to stop after it (of the
 * lower steps) need: ten seconds a step, or as much as there is for each.
 */
static int64_t stop_time_of(const struct autostart_loop *run, const struct autostart_job *job)
{
	int64_t own = job->member->state.stop_timeout_ms, left, kept;
	int64_t behind = (int64_t)job->node->step - 1;

	if (!own)
		own = STOP_MS;
	if (run->deadline_ms < 0)
		return own;
	left = run->deadline_ms - process_clock_ms();
	if (left < 0)
		left = 0;
	kept = left / (behind + 1);
	if (kept > STOP_LEAST)
		kept = STOP_LEAST;
	left -= behind * kept;
	return own < 0 || own > left ? left : own;
}

static void begin(struct autostart_loop *run, struct autostart_job *job)
{
	struct error err = {0};
	int64_t time = run->is_start ? -1 : stop_time_of(run, job);

	job->began_ms = process_clock_ms();
	job->action = run->action;
	if (autostart_work_begin(&job->work, &job->member->container, run->action, time, &err) <
	    0) {
		autostart_run_settle(run, job, RESULT_FAILED, must_dup(err.text));
		return;
	}
	job->phase = JOB_WORKING;
	run->working++;
}

static bool has_room(const struct autostart_loop *run)
{
	const struct autostart_options *options = run->options;

	if (options->unsettled && run->working + run->waiting >= options->unsettled)
		return false;
	return run->working < options->jobs && run->working + run->waiting < WATCHES_MOST;
}

static bool is_free(const struct autostart_job *job, int64_t now)
{
	return job->phase == JOB_DONE && now >= job->free_ms;
}

/* What a start waits for is free; sets *failed to one of it that never will be ready. */
static bool needs_are_free(const struct autostart_loop *run, const struct autostart_job *job,
                           int64_t now, const struct autostart_job **failed)
{
	bool free = true;

	for (size_t i = 0; i < job->node->need_count; i++) {
		const struct autostart_job *other = &run->jobs[run->job_of[job->node->needs[i]]];

		if (other->phase == JOB_DONE && has_failed(other))
			*failed = other;
		free = free && is_free(other, now);
	}
	return free;
}

static void skip_after(struct autostart_loop *run, struct autostart_job *job,
                       const struct autostart_job *failed)
{
	const char *how = failed->member->result == RESULT_TIMED_OUT  ? "was not ready in time"
	                  : failed->member->result == RESULT_NOT_DONE ? "was not started"
	                                                              : "failed";

	autostart_run_settle(run, job, RESULT_NOT_DONE,
	                     must_printf("after %s, which %s", failed->node->name, how));
}

void autostart_turn_starts(struct autostart_loop *run)
{
	int64_t now = process_clock_ms();
	uint64_t rank = UINT64_MAX; /* the lowest that is not over */

	run->turn_ms = now;
	for (size_t i = 0; i < run->count; i++) {
		struct autostart_job *job = &run->jobs[i];
		const struct autostart_job *failed = NULL;
		bool is_turn;

		if (job->phase != JOB_PENDING) {
			if (!is_free(job, now) && job->node->rank < rank)
				rank = job->node->rank;
			continue;
		}
		is_turn = needs_are_free(run, job, now, &failed) && job->node->rank <= rank;
		if (failed)
			skip_after(run, job, failed);
		else if (is_turn && has_room(run))
			begin(run, job);
		if (!is_free(job, now) && job->node->rank < rank)
			rank = job->node->rank;
	}
}

void autostart_turn_stops(struct autostart_loop *run)
{
	CLEAN_FREE bool *is_needed = must_alloc(run->set->count * sizeof(*is_needed));
	uint64_t rank = 0; /* the highest that is not over */

	for (size_t i = run->count; i-- > 0;) {
		struct autostart_job *job = &run->jobs[i];
		bool is_turn = run->is_over ||
		               (!is_needed[run->set->order.sequence[i]] && job->node->rank >= rank);

		if (job->phase == JOB_PENDING && is_turn && (run->is_over || has_room(run)))
			begin(run, job);
		if (job->phase == JOB_DONE)
			continue;
		if (job->node->rank > rank)
			rank = job->node->rank;
		for (size_t j = 0; j < job->node->need_count; j++)
			is_needed[job->node->needs[j]] = true;
	}
}
