/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Deciding what becomes of a container without a supervisor; see the header. supervisor.c makes the new one. */
#include "monitor/adopt.h"

#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/process.h"
#include "container/applied.h"
#include "container/container.h"
#include "container/lock.h"
#include "container/state.h"
#include "monitor/leftovers.h"
#include "monitor/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOCK_MS      20000
#define EXEC_MS      5000 /* for a child that its supervisor has let go on: it has only to exec */
#define EXEC_STEP_MS 5
#define FORKED_ONLY \
	0x40UL /* PF_FORKNOEXEC of linux/sched.h in field 9 of /proc/PID/stat, proc(5) */

/* Whether the process has executed a program since it was forked. */
static bool has_executed(pid_t pid)
{
	char path[64], text[1024], *at;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (file_read_small(AT_FDCWD, path, text, sizeof(text)) <= 0)
		return false;
	at = strrchr(text, ')');
	for (int field = 2; at && field < 9; field++)
		at = strchr(at + 1, ' ');
	return at && !(strtoul(at + 1, NULL, 10) & FORKED_ONLY);
}

/*
 * A supervisor that is killed during the start ends its child, or has let it go on alone: then everything
 * outside is made, and it becomes init. Returns when either has happened.
 */
static void finish_start(const struct state *state)
{
	CLEAN_FD int pidfd = sys_pidfd_open(state->init_pid, 0);
	int64_t deadline = process_clock_ms() + EXEC_MS;

	if (pidfd < 0 || state_process_birth(state->init_pid) != state->init_birth)
		return;
	while (process_wait(pidfd, EXEC_STEP_MS) == 0 && !has_executed(state->init_pid)) {
		if (process_clock_ms() < deadline)
			continue;
		(void)sys_pidfd_send_signal(pidfd, SIGKILL);
		(void)process_wait(pidfd, EXEC_MS);
		return;
	}
}

static int clean(const struct container *container, struct state *state, struct error *err)
{
	log_line(LOG_LEVEL_WARN, "%s",
	         state->failure[0] ? state->failure : "stopped: nobody saw it end");
	leftovers_remove(state);
	leftovers_remove_socket(container->run_dir);
	state->since_ms = 0;
	state->init_pid = state->monitor_pid = state->keeper_pid = 0;
	return state_write(container->run_dir, state, err);
}

/* With what it was started with; without that nobody must be kept from stopping it. */
static int take_over(const struct container *container, const struct state *state,
                     struct error *err)
{
	CLEAN(container_done) struct container own = {0};
	struct applied applied;
	struct error problem = {0};
	int r = container_init(&own, container->paths, container->name, err);

	if (r < 0)
		return r;
	if (applied_open(&applied, own.run_dir, false, &problem) < 0) {
		log_line(LOG_LEVEL_WARN, "%s", problem.text);
	} else {
		config_done(&own.config);
		own.config = applied.config;
		config_init(&applied.config); /* its fields are ours */
	}
	applied_done(&applied);
	return supervisor_adopt(&own, state, err);
}

int adopt_container(const struct container *container, struct error *err)
{
	CLEAN_FD int lock = lock_takeover(container, LOCK_MS, err);
	struct state state;
	bool is_stale = false;
	int r;

	if (lock < 0)
		return lock;
	r = state_read(container->run_dir, &state, &is_stale, err);
	if (r == 0 && state.phase == STATE_STARTING && state_is_orphan(&state)) {
		finish_start(&state);
		r = state_read(container->run_dir, &state, &is_stale, err);
	}
	if (r < 0)
		return r;
	if (is_stale || state_is_orphan(&state))
		log_open(container->log, LOG_LEVEL_INFO);
	if (is_stale)
		return clean(container, &state, err);
	return state_is_orphan(&state) ? take_over(container, &state, err) : 0;
}
