/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The loop of sysc autostart: begins what the order lets begin, then sleeps until a child ends, a state
 * changes (inotify), a supervisor dies (pidfd), a time is over or a signal comes. Nothing is polled.
 */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/process.h"
#include "base/text.h"
#include "tools/autostart.h"
#include "tools/autostart_job.h"
#include "tools/boot.h"
#include "tools/command.h"
#include "tools/ending.h"
#include "tools/watch.h"

#include <errno.h>
#include <poll.h>
#include <sys/inotify.h>

void autostart_run_settle(struct autostart_loop *run, struct autostart_job *job,
                          enum autostart_result result, char *reason)
{
	struct autostart_member *member = job->member;
	int64_t now = process_clock_ms(), past_ms;

	run->waiting -= job->phase == JOB_WAITING;
	fd_close(&job->process_fd);
	job->phase = JOB_DONE;
	job->free_ms = now;
	member->took_ms = job->began_ms ? now - job->began_ms : 0;
	free(member->reason);
	member->reason = reason;
	member->result = result;
	if (result == RESULT_READY) {
		past_ms = member->was_running ? state_now_ms() - member->state.ready_ms : 0;
		if (past_ms < member->container.config.boot.delay_ms)
			job->free_ms += member->container.config.boot.delay_ms -
			                (past_ms > 0 ? past_ms : 0);
	}
	autostart_report_line(run->call, member, run->options->action);
}

/* Why nothing begins any more. */
static char *why_over(const struct autostart_loop *run)
{
	char time[AUTOSTART_SECONDS_ROOM];

	return run->was_interrupted
	               ? must_dup("interrupted")
	               : must_printf("the time of %s was over",
	                             autostart_report_seconds(run->options->timeout_ms, time));
}

/* Looks whether a job that WAITs is ready, or never will be. */
static void look(struct autostart_loop *run, struct autostart_job *job)
{
	struct autostart_member *member = job->member;
	const struct container *container = &member->container;
	CLEAN(text_done) struct text why = {0};
	struct error err = {0};
	bool is_there = false;

	job->is_touched = false;
	fd_close(&job->process_fd);
	/* a first look may spare the watch; the second is behind it, so that no change falls in between */
	if (state_read(container->run_dir, &member->state, NULL, &err) == 0 &&
	    boot_is_ready(&member->state)) {
		autostart_run_settle(run, job, RESULT_READY, NULL);
		return;
	}
	job->wd = watch_folder(run->inotify_fd, container->run_dir, &is_there, &err);
	if (job->wd >= 0)
		(void)state_read(container->run_dir, &member->state, NULL, &err);
	job->process_fd = err.code ? -1 : watch_process(&member->state);
	if (job->process_fd >= 0)
		(void)state_read(container->run_dir, &member->state, NULL, &err);
	if (err.code) {
		autostart_run_settle(run, job, RESULT_FAILED, must_dup(err.text));
	} else if (boot_is_ready(&member->state)) {
		autostart_run_settle(run, job, RESULT_READY, NULL);
	} else if (member->state.phase == STATE_STOPPED) {
		text_add(&why, "stopped before it was ready: ");
		ending_describe(&member->state, &why);
		autostart_run_settle(run, job, RESULT_FAILED, text_take(&why));
	}
}

static void time_out(struct autostart_loop *run, struct autostart_job *job, const char *what)
{
	CLEAN(text_done) struct text why = {0};

	text_addf(&why, "%s: ", what);
	boot_describe(&job->member->state, &job->member->container.config, &why);
	autostart_run_settle(run, job, RESULT_TIMED_OUT, text_take(&why));
}

/* The child of a start ended well: the container runs, and counts when it is ready. */
static void begin_waiting(struct autostart_loop *run, struct autostart_job *job, bool was_running)
{
	struct autostart_member *member = job->member;
	int64_t now = process_clock_ms(), runs_ms = 0;
	int64_t limit_ms = member->container.config.boot.ready_timeout_ms; /* 0: none */

	job->phase = JOB_WAITING;
	run->waiting++;
	member->was_running = was_running;
	look(run, job);
	if (job->phase == JOB_WAITING && run->is_over)
		autostart_run_settle(run, job, RESULT_LEFT, why_over(run));
	if (job->phase != JOB_WAITING)
		return;
	/* one that has been running for long has had its time */
	if (was_running && member->state.phase != STATE_STARTING)
		runs_ms = state_now_ms() - member->state.started_ms;
	job->deadline_ms = limit_ms ? now + limit_ms - (runs_ms > 0 ? runs_ms : 0) : INT64_MAX;
}

static void end_of_child(struct autostart_loop *run, struct autostart_job *job, bool kill_it)
{
	struct autostart_report report;

	autostart_work_end(&job->work, kill_it, &report);
	run->working--;
	if (kill_it && report.code)
		autostart_run_settle(run, job,
		                     run->was_interrupted ? RESULT_LEFT : RESULT_TIMED_OUT,
		                     why_over(run));
	else if (report.code)
		autostart_run_settle(run, job, RESULT_FAILED, must_dup(report.text));
	else if (run->is_start)
		begin_waiting(run, job, report.is_other);
	else if (job->action != run->options->action) /* it never had its turn */
		autostart_run_settle(run, job, RESULT_KILLED, why_over(run));
	else
		autostart_run_settle(run, job, report.is_other ? RESULT_KILLED : RESULT_STOPPED,
		                     NULL);
}

/*
 * Nothing begins any more. A start that is under way comes to its end, since it takes little and half of
 * it would be left; readiness is not waited for. A stop that was asked for stays asked for.
 */
static void give_up(struct autostart_loop *run)
{
	run->is_over = true;
	for (size_t i = 0; i < run->count; i++) {
		struct autostart_job *job = &run->jobs[i];

		if (job->phase == JOB_WORKING && (!run->is_start || !run->was_interrupted))
			end_of_child(run, job, true);
		if (job->phase == JOB_WAITING && run->was_interrupted) {
			autostart_run_settle(run, job, RESULT_LEFT, why_over(run));
		} else if (job->phase == JOB_WAITING) {
			CLEAN_FREE char *why = why_over(run);

			time_out(run, job, why);
		}
	}
	for (size_t i = 0; i < run->count; i++)
		if (run->jobs[i].phase == JOB_PENDING)
			autostart_run_settle(run, &run->jobs[i], RESULT_NOT_DONE, why_over(run));
}

/* The time of a stop is over: what did not have its turn yet is killed, all at once. */
static void kill_rest(struct autostart_loop *run)
{
	run->is_over = true;
	run->action = AUTOSTART_KILL;
	autostart_turn_stops(run);
}

static void check_times(struct autostart_loop *run)
{
	int64_t now = process_clock_ms();
	char time[AUTOSTART_SECONDS_ROOM];

	for (size_t i = 0; i < run->count; i++) {
		struct autostart_job *job = &run->jobs[i];
		CLEAN_FREE char *what = NULL;

		if (job->phase != JOB_WAITING || now < job->deadline_ms)
			continue;
		what = must_printf(
			"not ready within %s",
			autostart_report_seconds(
				job->member->container.config.boot.ready_timeout_ms, time));
		time_out(run, job, what);
	}
	if (run->is_over || run->deadline_ms < 0 || now < run->deadline_ms)
		return;
	if (run->is_start)
		give_up(run);
	else
		kill_rest(run);
}

static void earlier(int64_t *next, int64_t when)
{
	if (*next < 0 || when < *next)
		*next = when;
}

/* Milliseconds until a time is over, -1: none will be. */
static int sleep_time(const struct autostart_loop *run)
{
	int64_t next = run->is_over ? -1 : run->deadline_ms;
	bool has_turns = run->is_start && !run->is_over; /* a stop waits for no delay */

	for (size_t i = 0; i < run->count; i++) {
		const struct autostart_job *job = &run->jobs[i];

		if (job->phase == JOB_WAITING)
			earlier(&next, job->deadline_ms);
		/* since the last turns something may have become free: then there is no time to sleep */
		if (has_turns && job->phase == JOB_DONE && job->free_ms > run->turn_ms)
			earlier(&next, job->free_ms);
	}
	if (next < 0)
		return -1;
	next -= process_clock_ms();
	return next < 0 ? 0 : next > INT32_MAX ? INT32_MAX : (int)next;
}

static void read_events(struct autostart_loop *run)
{
	char buffer[8192] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n;

	while ((n = read(run->inotify_fd, buffer, sizeof(buffer))) > 0) {
		for (char *at = buffer; at < buffer + n;) {
			const struct inotify_event *event = (const void *)at;

			for (size_t i = 0; i < run->count; i++)
				if (run->jobs[i].wd == event->wd || event->mask & IN_Q_OVERFLOW)
					run->jobs[i].is_touched = true;
			at += sizeof(*event) + event->len;
		}
	}
}

static int sleep_once(struct autostart_loop *run, struct error *err)
{
	CLEAN_FREE struct pollfd *polls = must_alloc((run->count + 2) * sizeof(*polls));

	/* one signal is enough: it is not read, and would wake us again and again */
	polls[0] =
		(struct pollfd){.fd = run->was_interrupted ? -1 : run->signal_fd, .events = POLLIN};
	polls[1] = (struct pollfd){.fd = run->inotify_fd, .events = POLLIN};
	for (size_t i = 0; i < run->count; i++) {
		const struct autostart_job *job = &run->jobs[i];

		polls[i + 2] = (struct pollfd){.fd = -1, .events = POLLIN};
		if (job->phase == JOB_WORKING)
			polls[i + 2].fd = job->work.pidfd;
		if (job->phase == JOB_WAITING)
			polls[i + 2].fd = job->process_fd;
	}
	if (poll(polls, run->count + 2, sleep_time(run)) < 0 && errno != EINTR)
		return fail(err, errno, "wait for an event");
	if (polls[1].revents)
		read_events(run);
	for (size_t i = 0; i < run->count; i++) {
		struct autostart_job *job = &run->jobs[i];

		if (job->phase == JOB_WORKING && polls[i + 2].revents)
			end_of_child(run, job, false);
		else if (job->phase == JOB_WAITING && (polls[i + 2].revents || job->is_touched))
			look(run, job);
	}
	if (polls[0].revents) {
		run->was_interrupted = true;
		give_up(run);
	}
	return 0;
}

/* Those of which it is known before anything starts that they cannot. */
static void settle_hopeless(struct autostart_loop *run)
{
	for (size_t i = 0; i < run->count; i++) {
		struct autostart_job *job = &run->jobs[i];
		char *problem = autostart_set_problem(run->set, run->set->order.sequence[i]);

		if (job->member->broken) {
			free(problem);
			problem = must_dup(job->member->broken);
		}
		if (problem)
			autostart_run_settle(run, job, RESULT_FAILED, problem);
	}
}

static bool is_done(const struct autostart_loop *run)
{
	for (size_t i = 0; i < run->count; i++)
		if (run->jobs[i].phase != JOB_DONE)
			return false;
	return true;
}

static int work_through(struct autostart_loop *run, struct error *err)
{
	int r = 0;

	if (run->is_start)
		settle_hopeless(run);
	while (r == 0) {
		if (!run->is_over && run->is_start)
			autostart_turn_starts(run);
		else if (!run->is_over)
			autostart_turn_stops(run);
		if (is_done(run))
			return 0;
		r = sleep_once(run, err);
		check_times(run);
	}
	return r;
}

static void run_done(struct autostart_loop *run)
{
	for (size_t i = 0; i < run->count; i++)
		fd_close(&run->jobs[i].process_fd);
	free(run->jobs);
	free(run->job_of);
	fd_close(&run->inotify_fd);
	fd_close(&run->signal_fd);
}

int autostart_run(const struct call *call, struct autostart_set *set,
                  const struct autostart_options *options, bool *was_interrupted, struct error *err)
{
	CLEAN(run_done)
	struct autostart_loop run = {.call = call,
	                             .set = set,
	                             .options = options,
	                             .count = set->order.sequence_count,
	                             .action = options->action,
	                             .is_start = options->action == AUTOSTART_START,
	                             .inotify_fd = -1,
	                             .deadline_ms = -1};
	int r;

	if (options->timeout_ms >= 0)
		run.deadline_ms = process_clock_ms() + options->timeout_ms;
	run.jobs = must_alloc(run.count * sizeof(*run.jobs));
	run.job_of = must_alloc(set->count * sizeof(*run.job_of));
	for (size_t i = 0; i < run.count; i++) {
		size_t node = set->order.sequence[i];

		run.job_of[node] = i;
		run.jobs[i] = (struct autostart_job){.member = &set->members[node],
		                                     .node = &set->order.nodes[node],
		                                     .wd = -1,
		                                     .process_fd = -1};
	}
	run.signal_fd = watch_signals(err);
	if (run.signal_fd < 0)
		return run.signal_fd;
	run.inotify_fd = watch_open(err);
	if (run.inotify_fd < 0)
		return run.inotify_fd;
	r = work_through(&run, err);
	*was_interrupted = run.was_interrupted;
	return r;
}
