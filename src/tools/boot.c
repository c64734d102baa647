/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Starting a container and waiting for it to be ready; see the header. */
#include "tools/boot.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/process.h"
#include "base/text.h"
#include "container/container.h"
#include "container/lock.h"
#include "container/state.h"
#include "monitor/client.h"
#include "monitor/supervisor.h"
#include "storage/snapshot.h"
#include "tools/ending.h"
#include "tools/watch.h"

#include <errno.h>

#define STOP_MS 60000 /* of a container whose own time is not known */
#define KILL_MS 10000 /* what a stop may take longer than the time it gives */

/* 0 when it has ended by the deadline. */
static int wait_for_stop(const struct container *container, int64_t deadline, struct error *err)
{
	CLEAN_FD int fd = client_connect(container, err);
	int64_t left = deadline - process_clock_ms();
	int r;

	if (fd == -ESRCH) {
		error_clear(err);
		return 0;
	}
	if (fd < 0)
		return fd;
	r = client_wait_end(fd, left > 0 ? left : 0);
	if (r < 0)
		return fail(err, -r, "wait for its stop");
	return r ? 0 : fail_plain(err, ETIMEDOUT, "it is stopping and does not come to an end");
}

int boot_settle(const struct container *container, int64_t patience_ms, struct state *state,
                struct error *err)
{
	int64_t deadline = -1;

	for (;;) {
		int r = client_settled_state(container, state, err);

		if (r < 0 || state->phase != STATE_STOPPING)
			return r;
		if (container->config.ephemeral)
			return fail_plain(err, EBUSY,
			                  "it is stopping, and is removed then (ephemeral)");
		if (patience_ms < 0)
			patience_ms =
				(state->stop_timeout_ms > 0 ? state->stop_timeout_ms : STOP_MS) +
				KILL_MS;
		if (deadline < 0)
			deadline = process_clock_ms() + patience_ms;
		r = wait_for_stop(container, deadline, err);
		if (r < 0)
			return r;
	}
}

int boot_check_current(const struct container *container, struct error *err)
{
	/* a restore that was killed half way may have its configuration to write yet */
	if (snapshot_is_pending(container) && snapshot_sweep(container, true, err) < 0)
		return -err->code;
	if (config_is_current(&container->config))
		return 0;
	return fail_plain(err, ESTALE, "its configuration was changed at this moment (try again)");
}

static int judge_start(const struct state *state, void *data)
{
	const int64_t *began_ms = data;

	if (state->phase == STATE_STOPPED || (state->restart_at_ms && state->failed_ms > *began_ms))
		return -ECANCELED;
	return state->phase != STATE_STARTING;
}

int boot_start_now(const struct container *container, struct error *err)
{
	int64_t began_ms = state_now_ms();
	struct state state;
	int r = client_start_now(container, err);

	if (r == 0)
		r = watch_until(container->run_dir, -1, judge_start, &began_ms, &state, err);
	if (r == -ECANCELED)
		return fail_plain(err, ECANCELED, "%s",
		                  state.failure[0] ? state.failure : "stopped by somebody else");
	return r < 0 ? r : 0;
}

int boot_start(const struct container *container, int64_t patience_ms, struct error *err)
{
	CLEAN_FD int lock = lock_container(
		container,
		patience_ms < 0 || patience_ms > BOOT_LOCK_MS ? BOOT_LOCK_MS : patience_ms, err);
	struct state state;
	int r = lock < 0 ? lock : boot_settle(container, patience_ms, &state, err);

	if (r < 0)
		return r;
	if (state.phase == STATE_STARTING && state.restart_at_ms)
		return boot_start_now(container, err);
	if (state.phase != STATE_STOPPED)
		return 1;
	r = boot_check_current(container, err);
	return r < 0 ? r : supervisor_start(container, NULL, err);
}

bool boot_is_ready(const struct state *state)
{
	/* while STARTING the moment may be that of the run before */
	return state->ready_ms && state->phase != STATE_STOPPED && state->phase != STATE_STARTING &&
	       state->phase != STATE_STOPPING;
}

/* What boot.ready waits for. */
static void add_wish(const struct config *config, struct text *out)
{
	const char *command = NULL;

	switch (config_ready(config, &command)) {
	case READY_NETWORK:
		text_add(out, ", waits for its network");
		break;
	case READY_NOTIFY:
		text_add(out, ", waits for its init to say that it is ready");
		break;
	case READY_COMMAND:
		text_addf(out, ", waits for '%s' to succeed", command);
		break;
	case READY_RUNNING:
		break;
	}
}

/* Text that the guest chose must do nothing to a terminal. */
static void add_harmless(struct text *out, const char *string)
{
	for (; *string; string++)
		text_add_bytes(out, (unsigned char)*string < 32 || *string == 127 ? "?" : string,
		               1);
}

void boot_describe(const struct state *state, const struct config *config, struct text *out)
{
	text_add(out, state_name(state->phase));
	if (state->phase == STATE_RUNNING && state->not_ready[0]) {
		text_add(out, ", ");
		add_harmless(out, state->not_ready);
	} else if (state->phase == STATE_RUNNING && config) {
		add_wish(config, out);
	}
	if (state->phase != STATE_STOPPED && state->guest_status[0]) {
		text_add(out, " (its init says: ");
		add_harmless(out, state->guest_status);
		text_add(out, ")");
	}
}

/* What boot_wait_ready() knows between two looks. */
struct wait {
	int64_t began_ms; /* CLOCK_REALTIME */
	bool has_run;
};

static int judge(const struct state *state, void *data)
{
	struct wait *wait = data;

	if (boot_is_ready(state))
		return 1;
	if (state->phase != STATE_STOPPED) {
		wait->has_run = true;
		return 0;
	}
	/* a run that was too short to be seen has left its end */
	return wait->has_run || state->stopped_ms > wait->began_ms ||
	                       state->failed_ms > wait->began_ms
	               ? -ESRCH
	               : 0;
}

int boot_wait_ready(const struct container *container, const struct config *config,
                    int64_t timeout_ms, bool must_run, struct error *err)
{
	int64_t deadline = timeout_ms < 0 ? -1 : process_clock_ms() + timeout_ms;
	struct wait wait = {.began_ms = state_now_ms(), .has_run = must_run};
	CLEAN(text_done) struct text why = {0};
	struct state state;
	int r;

	state_init(&state);
	r = watch_until(container->run_dir, deadline, judge, &wait, &state, err);
	if (r == -ESRCH) {
		ending_describe(&state, &why);
		return fail_plain(err, ESRCH, "stopped before it was ready%s%s",
		                  why.length ? ": " : "", why.length ? why.data : "");
	}
	if (r != -ETIMEDOUT)
		return r < 0 ? r : 0;
	boot_describe(&state, config, &why);
	return fail_plain(err, ETIMEDOUT, "not ready after %lld ms: %s", (long long)timeout_ms,
	                  why.data);
}
