/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the loop of sysc autostart (autostart_run.c) and whose turn it is (autostart_turn.c) share. */
#ifndef SYSC_TOOLS_AUTOSTART_JOB_H
#define SYSC_TOOLS_AUTOSTART_JOB_H

#include "tools/autostart.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum autostart_phase {
	JOB_PENDING,
	JOB_WORKING, /* its child is at work */
	JOB_WAITING, /* it was started, and is not ready yet */
	JOB_DONE
};

struct autostart_job {
	struct autostart_member *member;
	const struct order_node *node;
	enum autostart_phase phase;
	enum autostart_action action; /* of its child */
	struct autostart_work work;
	int wd, process_fd;  /* while WAITING; wd may be that of a folder above */
	bool is_touched;     /* its folder changed */
	int64_t began_ms;    /* CLOCK_MONOTONIC, as all times here */
	int64_t deadline_ms; /* of WAITING */
	int64_t free_ms;     /* DONE: when what comes behind may begin */
};

struct autostart_loop {
	const struct call *call;
	struct autostart_set *set;
	const struct autostart_options *options;
	struct autostart_job *jobs; /* in the order of the sequence */
	size_t count;
	size_t *job_of; /* by node */
	int inotify_fd, signal_fd;
	int64_t deadline_ms;
	int64_t turn_ms; /* when turns were given last: what became free since has not been seen */
	unsigned int working, waiting;
	bool is_start;                 /* as options->action says */
	bool is_over, was_interrupted; /* nothing begins any more */
	enum autostart_action action;  /* as it is now: the end of a stop is a kill */
};

/* The end of a job: notes it and prints its line. reason: heap, or NULL; it is taken over. */
void autostart_run_settle(struct autostart_loop *run, struct autostart_job *job,
                          enum autostart_result result, char *reason);

/* Begins every start whose turn it is. Those of a rank wait for all of the lower ones. */
void autostart_turn_starts(struct autostart_loop *run);
/*
 * The same backwards: what needs others goes first, and a failure holds nobody up. Once run is over all that
 * is left begins at once.
 */
void autostart_turn_stops(struct autostart_loop *run);

#endif
