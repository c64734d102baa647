/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sysc monitor: a line for each change of state of each container, by inotify on the state files and
 * by pidfds of the supervisors (so that one that is killed is told too). Ends on SIGINT and SIGTERM.
 */
#include "base/cleanup.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/table.h"
#include "base/text.h"
#include "container/container.h"
#include "container/state.h"
#include "tools/command.h"
#include "tools/ending.h"
#include "tools/moment.h"
#include "tools/names.h"
#include "tools/watch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/wait.h>

/* One folder of RUN. */
struct subject {
	char *name, *dir;
	int wd;         /* watch of dir, -1 gone */
	int process_fd; /* its supervisor, -1 */
	struct state last;
};

struct monitor {
	const struct call *call;
	int inotify_fd, signal_fd;
	struct subject *subjects;
	size_t count;
	bool is_settled; /* what was there at the beginning has been read: changes are told */
};

static void monitor_done(struct monitor *monitor)
{
	for (size_t i = 0; i < monitor->count; i++) {
		free(monitor->subjects[i].name);
		free(monitor->subjects[i].dir);
		fd_close(&monitor->subjects[i].process_fd);
	}
	free(monitor->subjects);
	fd_close(&monitor->inotify_fd);
	fd_close(&monitor->signal_fd);
}

/* What is worth saying beside the state; "" for nothing. */
static void describe(const struct state *state, const struct state *last, struct text *out)
{
	if (state->phase == STATE_RUNNING && last->phase != STATE_FROZEN)
		text_addf(out, "pid %d", (int)state->init_pid);
	if (state->phase == STATE_STOPPED)
		ending_describe(state, out);
}

/* What happens beside changes of the phase. */
static void describe_ready(const struct state *state, struct text *out)
{
	char span[MOMENT_ROOM];

	text_addf(out, "after %s", moment_format_span(state->ready_ms - state->started_ms, span));
}

static bool is_ready(const struct state *state, const struct state *last)
{
	return state->ready_ms && state->ready_ms != last->ready_ms;
}

static void describe_missing(const struct state *state, struct text *out)
{
	text_add(out, state->not_ready);
}

static bool is_missing(const struct state *state, const struct state *last)
{
	return state->not_ready[0] && !last->not_ready[0];
}

static void describe_health(const struct state *state, struct text *out)
{
	text_add(out, state->health);
}

static bool has_health(const struct state *state, const struct state *last)
{
	return state->health[0] && strcmp(state->health, last->health) != 0;
}

static void describe_oom(const struct state *state, struct text *out)
{
	text_addf(out, "%llu processes killed", (unsigned long long)state->stop_oom_kills);
}

static bool had_oom(const struct state *state, const struct state *last)
{
	return state->stop_oom_kills != UINT64_MAX && state->stop_oom_kills &&
	       state->stopped_ms != last->stopped_ms;
}

static bool will_restart(const struct state *state, const struct state *last)
{
	return state->restart_at_ms && state->restart_at_ms != last->restart_at_ms;
}

static void describe_restart(const struct state *state, struct text *out)
{
	CLEAN(text_done) struct text text = {0};

	ending_describe_restart(state, &text);
	if (text.length)
		text_add(out, text.data + strlen("restart "));
	text_addf(out, ", last run: ");
	ending_describe(state, out);
}

static const struct event {
	const char *name, *title;
	bool (*has_happened)(const struct state *state, const struct state *last);
	void (*describe)(const struct state *state, struct text *out);
} events[] = {
	{"ready",     "READY",     is_ready,     describe_ready  },
	{"not_ready", "NOT-READY", is_missing,   describe_missing},
	{"health",    "HEALTH",    has_health,   describe_health },
	{"oom",       "OOM",       had_oom,      describe_oom    },
	{"restart",   "RESTART",   will_restart, describe_restart},
};

/* event NULL: a change of the phase. */
static int tell(const struct monitor *monitor, const struct subject *subject,
                const struct state *state, const struct event *event)
{
	CLEAN(text_done) struct text line = {0}, detail = {0};
	CLEAN(json_done) struct json json = {.is_flat = true};
	int64_t when_ms = state->since_ms && !event ? state->since_ms : state_now_ms();
	char when[MOMENT_ROOM];

	if (event)
		event->describe(state, &detail);
	else
		describe(state, &subject->last, &detail);
	for (char *c = detail.data; c && *c; c++)
		if ((unsigned char)*c < 32 || *c == 127)
			*c = '?';
	moment_format(when_ms, when);
	if (!monitor->call->json) {
		text_addf(&line, "%s %s %s%s%s\n", when, subject->name,
		          event ? event->title : state_name(state->phase), detail.length ? " " : "",
		          detail.length ? detail.data : "");
		return output_text(monitor->call, &line);
	}
	output_json_begin(&json);
	json_string(&json, "time", when);
	json_string(&json, "name", subject->name);
	json_string(&json, "event", event ? event->name : "state");
	json_string(&json, "state", state_name(state->phase));
	json_string(&json, "previous", state_name(subject->last.phase));
	if (state->phase != STATE_STOPPED && state->init_pid > 0)
		json_number(&json, "pid", state->init_pid);
	json_string(&json, "detail", detail.length ? detail.data : NULL);
	json_end_object(&json);
	return output_json(monitor->call, &json);
}

/* A phase that came back to itself within one event (a restart) is told by its time. */
static bool has_changed(const struct state *a, const struct state *b)
{
	return a->phase != b->phase || (a->phase == STATE_RUNNING && a->init_pid != b->init_pid) ||
	       (a->phase == STATE_STOPPED && b->phase == STATE_STOPPED &&
	        (a->stopped_ms != b->stopped_ms || a->failed_ms != b->failed_ms));
}

static int refresh(struct monitor *monitor, struct subject *subject)
{
	struct state state;
	int code = EXIT_DONE;

	if (state_read(subject->dir, &state, NULL, NULL) < 0)
		return EXIT_DONE; /* going away, or not ours to read */
	if (monitor->is_settled && has_changed(&subject->last, &state))
		code = tell(monitor, subject, &state, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(events) && monitor->is_settled && !code; i++)
		if (events[i].has_happened(&state, &subject->last))
			code = tell(monitor, subject, &state, &events[i]);
	subject->last = state;
	fd_close(&subject->process_fd);
	if (state.phase != STATE_STOPPED)
		subject->process_fd = watch_process(&state);
	return code;
}

static struct subject *subject_of(struct monitor *monitor, const char *name)
{
	struct subject *subject;

	for (size_t i = 0; i < monitor->count; i++)
		if (text_is(monitor->subjects[i].name, name))
			return &monitor->subjects[i];
	monitor->subjects =
		must_realloc(monitor->subjects, (monitor->count + 1) * sizeof(*subject));
	subject = &monitor->subjects[monitor->count++];
	*subject = (struct subject){.wd = -1, .process_fd = -1};
	state_init(&subject->last);
	subject->name = must_dup(name);
	subject->dir = must_printf("%s/%s", monitor->call->paths.run, name);
	return subject;
}

/* Takes up a folder of RUN, old or new. */
static int take_up(struct monitor *monitor, const char *name)
{
	struct subject *subject;
	bool is_there = false;

	if (container_check_name(name, NULL) < 0 || !names_match(&monitor->call->names, name) ||
	    !names_in_groups(monitor->call, name))
		return EXIT_DONE;
	subject = subject_of(monitor, name);
	if (subject->wd < 0) {
		subject->wd = inotify_add_watch(monitor->inotify_fd, subject->dir,
		                                IN_MOVED_TO | IN_CLOSE_WRITE | IN_ONLYDIR);
		is_there = subject->wd >= 0;
	}
	return is_there ? refresh(monitor, subject) : EXIT_DONE;
}

static int handle_event(struct monitor *monitor, const struct inotify_event *event)
{
	if (event->mask & IN_Q_OVERFLOW) {
		int code = EXIT_DONE;

		for (size_t i = 0; i < monitor->count && !code; i++)
			code = refresh(monitor, &monitor->subjects[i]);
		return code;
	}
	for (size_t i = 0; i < monitor->count; i++) {
		struct subject *subject = &monitor->subjects[i];

		if (subject->wd != event->wd)
			continue;
		if (event->mask & IN_IGNORED)
			subject->wd = -1; /* the folder is gone; a new one is taken up again */
		else if (!event->len || !text_is(event->name, "state"))
			return EXIT_DONE;
		return refresh(monitor, subject);
	}
	return event->len && (event->mask & IN_ISDIR) ? take_up(monitor, event->name) : EXIT_DONE;
}

static int handle_events(struct monitor *monitor)
{
	char buffer[8192] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n;

	while ((n = read(monitor->inotify_fd, buffer, sizeof(buffer))) > 0) {
		for (char *at = buffer; at < buffer + n;) {
			const struct inotify_event *event = (const void *)at;
			int code = handle_event(monitor, event);

			if (code)
				return code;
			at += sizeof(*event) + event->len;
		}
	}
	return EXIT_DONE;
}

/* The watch of RUN itself, then all that is there already. */
static int begin(struct monitor *monitor, struct error *err)
{
	const char *run_dir = monitor->call->paths.run;
	CLEAN_DIR DIR *dir = NULL;
	const struct dirent *entry;

	monitor->signal_fd = watch_signals(err);
	if (monitor->signal_fd < 0)
		return monitor->signal_fd;
	monitor->inotify_fd = watch_open(err);
	if (monitor->inotify_fd < 0)
		return monitor->inotify_fd;
	if (!file_is_dir(AT_FDCWD, run_dir) && file_make_dirs(run_dir, 0700, err) < 0)
		return -err->code;
	if (inotify_add_watch(monitor->inotify_fd, run_dir, IN_CREATE | IN_MOVED_TO | IN_ONLYDIR) <
	    0)
		return fail(err, errno, "watch '%s'", run_dir);
	dir = opendir(run_dir);
	if (!dir)
		return fail(err, errno, "open directory '%s'", run_dir);
	while ((entry = readdir(dir)))
		(void)take_up(monitor, entry->d_name); /* nothing is told yet */
	monitor->is_settled = true;
	return 0;
}

static int poll_once(struct monitor *monitor, bool *is_over)
{
	size_t count = monitor->count + 2;
	CLEAN_FREE struct pollfd *polls = must_alloc(count * sizeof(*polls));
	int code = EXIT_DONE;

	polls[0] = (struct pollfd){.fd = monitor->signal_fd, .events = POLLIN};
	polls[1] = (struct pollfd){.fd = monitor->inotify_fd, .events = POLLIN};
	for (size_t i = 2; i < count; i++)
		polls[i] = (struct pollfd){.fd = monitor->subjects[i - 2].process_fd,
		                           .events = POLLIN};
	if (poll(polls, count, -1) < 0)
		return errno == EINTR ? EXIT_DONE : EXIT_FAILED;
	*is_over = polls[0].revents != 0;
	/* the supervisor's last word first: its end is told by the file where it could write it */
	if (polls[1].revents)
		code = handle_events(monitor);
	for (size_t i = 2; i < count && !code; i++)
		if (polls[i].revents && monitor->subjects[i - 2].process_fd == polls[i].fd)
			code = refresh(monitor, &monitor->subjects[i - 2]);
	return code;
}

static int run(struct call *call)
{
	CLEAN(monitor_done)
	struct monitor monitor = {.call = call, .inotify_fd = -1, .signal_fd = -1};
	struct error err = {0};
	bool is_over = false;
	int code = EXIT_DONE;

	if (begin(&monitor, &err) < 0)
		return output_error(call, NULL, &err);
	if (call->verbose)
		output_note(call, "watching %zu containers", monitor.count);
	while (!is_over && !code)
		code = poll_once(&monitor, &is_over);
	return code;
}

const struct command cmd_monitor = {
	.name = "monitor",
	.operands = "[NAME…]",
	.summary = "Print changes of state as they happen",
	.details = "Lines are TIME NAME STATE [DETAIL]; with --json one object per line.\n"
		   "READY, NOT-READY, HEALTH, OOM and RESTART stand in the place of STATE too.\n"
		   "NAME may be a glob, and need not exist yet. Ends on SIGINT or SIGTERM.\n",
	.needs = NEEDS_DEFINED,
	.flags = COMMAND_LOWER | COMMAND_JSON,
	.run = run,
};
