/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Starting and stopping many containers in their order, the parts of sysc autostart: which containers
 * (autostart_set.c), doing it (autostart_run.c, one forked child per container: autostart_work.c) and
 * telling it (autostart_report.c). The order itself is autostart_order.h.
 */
#ifndef SYSC_TOOLS_AUTOSTART_H
#define SYSC_TOOLS_AUTOSTART_H

#include "container/container.h"
#include "container/state.h"
#include "tools/autostart_order.h"

#include <stdbool.h>
#include <stdint.h>

struct call;
struct error;
struct text;

enum autostart_action {
	AUTOSTART_START,
	AUTOSTART_STOP,
	AUTOSTART_KILL
};

enum autostart_result {
	RESULT_NONE,
	RESULT_READY,
	RESULT_STOPPED,
	RESULT_KILLED, /* it did not stop in its time */
	RESULT_FAILED,
	RESULT_TIMED_OUT, /* it runs, but is not ready */
	RESULT_NOT_DONE,  /* nothing was tried */
	RESULT_LEFT       /* begun, but not waited for */
};

/* One defined container. */
struct autostart_member {
	struct container container; /* its configuration as far as it could be read */
	struct state state;         /* when the set was made */
	char *broken;               /* why it cannot start, NULL: its configuration is fine */
	bool is_wanted;
	const char *why; /* it is wanted, or is not */

	enum autostart_result result;
	char *reason; /* of a result that is not what was asked for; NULL: none */
	bool was_running;
	int64_t took_ms;
};

struct autostart_set {
	struct autostart_member *members; /* by name; nodes of order have the same numbers */
	size_t count;
	struct order order;
};

struct autostart_choice {
	enum autostart_action action;
	bool all; /* also without autostart = yes */
};

/*
 * All containers of the store, those wanted that call (names, groups) and choice ask for, and their
 * order. -ENOENT for a name that is not defined. Pair: autostart_set_done().
 */
int autostart_set_open(struct autostart_set *set, const struct call *call,
                       const struct autostart_choice *choice, struct error *err);
void autostart_set_done(struct autostart_set *set);
/* The order anew, after is_wanted changed. */
void autostart_set_plan(struct autostart_set *set, enum autostart_action action);
/* What is wrong with after of a node, with file:line (heap); NULL: nothing. */
char *autostart_set_problem(const struct autostart_set *set, size_t index);

struct autostart_options {
	enum autostart_action action;
	unsigned int jobs; /* so many children at a time */
	unsigned int
		unsettled; /* so many between their beginning and their end (ready), 0: any number */
	int64_t timeout_ms; /* for all, -1: none */
};

/*
 * Starts (stops) what is included, side by side where the order lets it, and tells each result as it
 * comes. Ends early on SIGINT and SIGTERM. Results are in the members; 0, or -errno when it could not
 * work at all.
 */
int autostart_run(const struct call *call, struct autostart_set *set,
                  const struct autostart_options *options, bool *was_interrupted,
                  struct error *err);

/* What a child of autostart_work_begin() found out. */
struct autostart_report {
	int code;      /* 0, or a positive errno */
	bool is_other; /* start: it ran already; stop: it was killed */
	char text[1024];
};

/* A child at work on one container. */
struct autostart_work {
	int pid, pidfd, pipe_fd;
};

/* Forks a child that does action; timeout_ms is what a stop may take. */
int autostart_work_begin(struct autostart_work *work, const struct container *container,
                         enum autostart_action action, int64_t timeout_ms, struct error *err);
/* Reaps it, which has ended (or is killed now, with kill_it), and reads what it reported. */
void autostart_work_end(struct autostart_work *work, bool kill_it, struct autostart_report *report);

#define AUTOSTART_SECONDS_ROOM 32
/* "0.04 s", "1.2 s". Returns out. */
const char *autostart_report_seconds(int64_t ms, char out[AUTOSTART_SECONDS_ROOM]);
/* The line of one result. */
void autostart_report_line(const struct call *call, const struct autostart_member *member,
                           enum autostart_action action);
/* The document of all results. */
int autostart_report_json(const struct call *call, const struct autostart_set *set,
                          const char *action);
/* The list of -L, as a table or as JSON. */
int autostart_report_list(const struct call *call, const struct autostart_set *set,
                          enum autostart_action action);
/* 0, 1, 5 or 6, by the results. */
int autostart_report_code(const struct autostart_set *set);

#endif
