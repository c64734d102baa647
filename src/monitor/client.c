/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The client side of the command socket; see the header. */
#include "monitor/client.h"

#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/process.h"
#include "base/socket.h"
#include "base/text.h"
#include "cgroup/cgroup.h"
#include "container/container.h"
#include "container/state.h"
#include "monitor/adopt.h"
#include "monitor/restart.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define REPLY_MS        10000 /* a supervisor that does not answer by then is stuck */
/* for a supervisor between two runs, which cleans up and starts anew */
#define CONNECT_MS      5000
#define CONNECT_STEP_MS 20
#define KILL_MS         10000 /* after SIGKILL: the kernel's and the cleaning's time */
#define FREEZE_MS       10000
#define TRIES           10 /* to be heard by a container or a supervisor that begins anew again and again */
#define GONE_MS         200 /* for the keeper, which has only to exit */

/* The pidfd of the process of that birth, -1 when it is gone. */
static int open_process(pid_t pid, uint64_t birth)
{
	CLEAN_FD int fd = pid > 0 ? sys_pidfd_open(pid, 0) : -1;

	return fd >= 0 && state_process_birth(pid) == birth ? fd_take(&fd) : -1;
}

/*
 * The socket is not there between the end of a run and STOPPED, and between the two runs of a reboot.
 * True when it is worth another look, after some time or when the supervisor ended.
 */
static bool is_between(const struct state *state, int64_t deadline)
{
	CLEAN_FD int keeper = open_process(state->keeper_pid, state->keeper_birth);
	/* without its supervisor an init is ending, too */
	CLEAN_FD int init = keeper >= 0 ? -1 : open_process(state->init_pid, state->init_birth);

	if (process_clock_ms() >= deadline)
		return false;
	if (keeper >= 0 || init >= 0) /* either way: look again */
		(void)process_wait(keeper >= 0 ? keeper : init, CONNECT_STEP_MS);
	return true;
}

bool client_goes_on(const struct container *container, const struct state *run)
{
	struct state state;

	return state_read(container->run_dir, &state, NULL, NULL) == 0 &&
	       state.phase != STATE_STOPPED && state.phase != STATE_STARTING &&
	       state.init_pid == run->init_pid && state.init_birth == run->init_birth;
}

/* Whether the state tells of an init that has ended: whoever looks after it is about to clean up. */
static bool is_ending(const struct state *state)
{
	CLEAN_FD int init = -1;

	if (state->phase == STATE_STOPPED || state->phase == STATE_STARTING)
		return false;
	init = open_process(state->init_pid, state->init_birth);
	return init < 0 || process_wait(init, 0) != 0;
}

int client_settled_state(const struct container *container, struct state *state, struct error *err)
{
	int64_t deadline = process_clock_ms() + CONNECT_MS;
	bool is_stale = false;
	int r;

	do
		r = state_read(container->run_dir, state, &is_stale, err);
	while (r == 0 && is_ending(state) && !state_is_orphan(state) &&
	       is_between(state, deadline));
	if (r < 0 || (!is_stale && !state_is_orphan(state)))
		return r;
	r = adopt_container(container, err);
	return r < 0 ? r : state_read(container->run_dir, state, NULL, err);
}

int client_connect(const struct container *container, struct error *err)
{
	CLEAN_FREE char *path = must_printf("%s/socket", container->run_dir);
	int64_t deadline = process_clock_ms() + CONNECT_MS;
	struct state state;
	int fd;

	do {
		int r = state_read(container->run_dir, &state, NULL, err);

		if (r < 0)
			return r;
		if (state.phase == STATE_STOPPED)
			return fail_plain(err, ESRCH, "not running");
		fd = socket_connect(path, err);
		if (fd != -ECONNREFUSED && fd != -ENOENT)
			return fd;
		if (state_is_orphan(&state)) {
			r = adopt_container(container, err);
			if (r < 0)
				return r;
		}
	} while (is_between(&state, deadline));
	return fail_plain(err, EIO, "its supervisor (pid %d) does not listen on '%s'",
	                  state.monitor_pid, path);
}

static int send_frame(int fd, struct protocol_frame *frame)
{
	frame->version = PROTOCOL_VERSION;
	return socket_send(fd, frame, PROTOCOL_SIZE(frame), NULL, 0);
}

/* Sends a request and waits for its REPLY. -ECONNRESET: it may not have been heard; to be asked again. */
static int ask(int fd, struct protocol_frame *frame, struct error *err)
{
	bool is_upgrade = frame->kind == PROTOCOL_UPGRADE;
	struct pollfd p = {.fd = fd, .events = POLLIN};
	ssize_t n;
	int r = send_frame(fd, frame);

	if (r == -EPIPE || r == -ECONNRESET)
		return fail_plain(err, ECONNRESET, "the supervisor ended before it answered");
	if (r < 0)
		return fail(err, -r, "ask the supervisor");
	do {
		r = poll(&p, 1, REPLY_MS);
	} while (r < 0 && errno == EINTR);
	if (r == 0)
		return fail_plain(err, ETIMEDOUT, "the supervisor does not answer for %d s",
		                  REPLY_MS / 1000);
	n = socket_receive(fd, frame, sizeof(*frame), NULL, NULL);
	if (n == 0 || n == -ECONNRESET)
		return fail_plain(err, ECONNRESET, "the supervisor ended before it answered");
	if (n >= (ssize_t)offsetof(struct protocol_frame, bytes) &&
	    frame->version != PROTOCOL_VERSION) {
		if (!is_upgrade)
			return fail_plain(err, EPROTO,
			                  "its supervisor is of another version "
			                  "(sysc-restart --supervisor exchanges it)");
		frame->version = PROTOCOL_VERSION; /* these two have one form for ever */
	}
	if (n < 0 || protocol_check(frame, (long)n) < 0 || frame->kind != PROTOCOL_REPLY)
		return fail(err, EBADMSG, "read the supervisor's answer");
	if (frame->code)
		return fail_plain(err, frame->code, "%.*s", (int)frame->length, frame->bytes);
	return 0;
}

int client_stop(int fd, int how, struct error *err)
{
	struct protocol_frame frame = {.kind = PROTOCOL_STOP, .code = how};

	return ask(fd, &frame, err);
}

int client_wait_end(int fd, int64_t timeout_ms)
{
	/* nothing more is sent on this connection: readable is its end */
	return process_wait(fd, timeout_ms);
}

static int freeze_once(const struct container *container, bool frozen, int64_t timeout_ms,
                       struct error *err)
{
	struct protocol_frame frame = {.kind = PROTOCOL_FROZEN, .code = frozen};
	CLEAN_FD int fd = client_connect(container, err);
	CLEAN(cgroup_close) struct cgroup cgroup;
	struct state state;
	int r;

	cgroup_init(&cgroup);
	if (fd < 0)
		return fd;
	r = state_read(container->run_dir, &state, NULL, err);
	if (r == 0)
		r = cgroup_open(&cgroup, state.cgroup, err);
	if (r < 0)
		return r;
	if (frozen && state.phase == STATE_FROZEN && cgroup_is_frozen(&cgroup))
		return 0;
	/*
	 * What looks thawed may be about to freeze: a command was killed before the kernel was done, or its
	 * request, ahead of this one, waits at the supervisor.
	 */
	r = cgroup_freeze(&cgroup, frozen, timeout_ms, err);
	return r < 0 ? r : ask(fd, &frame, err);
}

int client_freeze(const struct container *container, bool frozen, int64_t timeout_ms,
                  struct error *err)
{
	int r = -ECONNRESET;

	for (int tries = 0; tries < TRIES && r == -ECONNRESET; tries++)
		r = freeze_once(container, frozen, timeout_ms, err);
	return r;
}

/* A frozen container hears no signal. */
static int thaw(const struct container *container, const struct state *state, struct error *err)
{
	return state->phase == STATE_FROZEN ? client_freeze(container, false, FREEZE_MS, err) : 0;
}

/* A stop under way. */
struct stop {
	const struct container *container;
	const struct client_stop_options *options;
	struct state run; /* what it was when the supervisor heard it */
	bool is_heard, is_killed;
	int how;
	int64_t deadline; /* CLOCK_MONOTONIC, -1 never */
};

static int64_t deadline_of(int64_t timeout_ms)
{
	return timeout_ms < 0 ? -1 : process_clock_ms() + timeout_ms;
}

static int64_t time_left(const struct stop *stop)
{
	int64_t left = stop->deadline - process_clock_ms();

	if (stop->deadline < 0)
		return -1;
	return left > 0 ? left : 0;
}

/* Over time: a kill, or an error. */
static int escalate(struct stop *stop, struct error *err)
{
	if (stop->how == PROTOCOL_KILL && stop->is_killed)
		return fail_plain(err, ETIMEDOUT, "still there %d s after SIGKILL", KILL_MS / 1000);
	if (stop->options->no_kill || stop->how == PROTOCOL_KILL)
		return fail_plain(err, ETIMEDOUT, "still running after %lld s",
		                  (long long)(stop->options->timeout_ms / 1000));
	stop->how = PROTOCOL_KILL;
	stop->is_killed = true;
	stop->deadline = deadline_of(KILL_MS);
	return 1;
}

/*
 * Asks once and waits. 0: it is done, 1: once more, with or without a change of plan; -ECONNRESET: the
 * supervisor was between two runs of a reboot, or died, and did not hear it.
 */
static int stop_once(struct stop *stop, struct error *err)
{
	CLEAN_FD int fd = client_connect(stop->container, err);
	struct state now;
	int r = fd < 0 ? fd : state_read(stop->container->run_dir, &now, NULL, err);

	if (r < 0)
		return r;
	if (stop->is_heard && !client_goes_on(stop->container, &stop->run))
		return 0;
	r = thaw(stop->container, &now, err);
	if (r < 0)
		return r;
	r = client_stop(fd, stop->how, err);
	if (r == -ECONNRESET && stop->how == PROTOCOL_REBOOT &&
	    !client_goes_on(stop->container, &now))
		return 0; /* it reboots by itself */
	if (r < 0)
		return r;
	stop->is_heard = true;
	stop->run = now;
	if (stop->options->no_wait)
		return 0;
	r = client_wait_end(fd, time_left(stop));
	if (r < 0)
		return fail(err, -r, "wait for the end");
	if (r == 0)
		return escalate(stop, err);
	return client_goes_on(stop->container, &stop->run) ? -ECONNRESET : 0;
}

/* The keeper has nothing left to do: so that nothing of it is there when we say that it stopped. */
static void wait_for_keeper(const struct state *run)
{
	CLEAN_FD int fd = open_process(run->keeper_pid, run->keeper_birth);

	if (fd >= 0)
		(void)process_wait(fd, GONE_MS); /* it may be a `destroy` by now */
}

int client_stop_container(const struct container *container,
                          const struct client_stop_options *options, bool *killed,
                          struct error *err)
{
	struct stop stop = {.container = container, .options = options, .how = options->how};
	int tries = 0, r;

	stop.deadline = deadline_of(options->how == PROTOCOL_KILL ? KILL_MS : options->timeout_ms);
	do {
		r = stop_once(&stop, err);
		if (r == -ECONNRESET && ++tries < TRIES)
			r = 1;
	} while (r == 1);
	if (killed)
		*killed = stop.is_killed && (r == 0 || r == -ESRCH);
	if (r < 0 && r != -ESRCH)
		return r;
	error_clear(err);
	if (stop.is_heard && !options->no_wait && options->how != PROTOCOL_REBOOT)
		wait_for_keeper(&stop.run);
	return 0;
}

int client_wait_stopped(const struct container *container, struct error *err)
{
	int r;

	do {
		CLEAN_FD int fd = client_connect(container, err);

		r = fd < 0 ? fd : client_wait_end(fd, -1);
	} while (r > 0);
	if (r != -ESRCH)
		return r < 0 && !err->code ? fail(err, -r, "wait for the end") : r;
	error_clear(err);
	return 0;
}

/* Asks on a connection of its own; a supervisor that begins anew is asked again. */
static int ask_once(const struct container *container, struct protocol_frame *frame,
                    struct error *err)
{
	CLEAN_FD int fd = client_connect(container, err);

	return fd < 0 ? fd : ask(fd, frame, err);
}

static int ask_until_heard(const struct container *container, const struct protocol_frame *request,
                           struct error *err)
{
	int r = -ECONNRESET;

	for (int tries = 0; tries < TRIES && r == -ECONNRESET; tries++) {
		struct protocol_frame frame = *request; /* takes the answer */

		r = ask_once(container, &frame, err);
	}
	return r;
}

int client_start_now(const struct container *container, struct error *err)
{
	struct protocol_frame frame = {.kind = PROTOCOL_START};

	return ask_until_heard(container, &frame, err);
}

int client_reload(const struct container *container, const struct config *config, struct error *err)
{
	struct protocol_frame frame = {.kind = PROTOCOL_RELOAD};
	struct restart_policy policy = restart_policy_of(config);

	restart_format(&policy, frame.bytes);
	frame.length = (uint32_t)strlen(frame.bytes);
	return ask_until_heard(container, &frame, err);
}

/* Asks for a version; returns when the connection has ended, where wait is set. */
static int ask_version(const struct container *container, int kind, bool wait, char out[32],
                       struct error *err)
{
	struct protocol_frame frame = {.kind = (uint16_t)kind};
	CLEAN_FD int fd = client_connect(container, err);
	int r = fd < 0 ? fd : ask(fd, &frame, err);

	if (r < 0)
		return r;
	(void)snprintf(out, 32, "%.*s", (int)frame.length, frame.bytes);
	if (wait && client_wait_end(fd, REPLY_MS) == 0)
		return fail_plain(err, ETIMEDOUT, "the supervisor does not end for %d s",
		                  REPLY_MS / 1000);
	return 0;
}

int client_upgrade(const struct container *container, char from[32], char to[32], struct error *err)
{
	int r = -ECONNRESET;

	for (int tries = 0; tries < TRIES && r == -ECONNRESET; tries++)
		r = ask_version(container, PROTOCOL_UPGRADE, true, from, err);
	if (r < 0)
		return r;
	r = -ECONNRESET;
	for (int tries = 0; tries < TRIES && r == -ECONNRESET; tries++)
		r = ask_version(container, PROTOCOL_ABOUT, false, to, err);
	return r < 0 && r != -ECONNRESET ? fail_in(err, "the old supervisor goes on") : r;
}

int client_console(int fd, int tty, uint32_t position, struct error *err)
{
	struct protocol_frame frame = {.kind = PROTOCOL_CONSOLE, .code = tty, .columns = position};

	return ask(fd, &frame, err);
}

int client_send_data(int fd, const char *bytes, uint32_t count)
{
	struct protocol_frame frame = {.kind = PROTOCOL_DATA, .length = count};

	if (count > sizeof(frame.bytes))
		return -EMSGSIZE;
	memcpy(frame.bytes, bytes, count);
	return send_frame(fd, &frame);
}

int client_send_size(int fd, unsigned int rows, unsigned int columns)
{
	struct protocol_frame frame = {
		.kind = PROTOCOL_RESIZE, .code = (int32_t)rows, .columns = columns};

	return send_frame(fd, &frame);
}

long client_receive_data(int fd, char out[PROTOCOL_BYTES_MAX], uint32_t *position)
{
	struct protocol_frame frame;
	ssize_t n = socket_receive(fd, &frame, sizeof(frame), NULL, NULL);

	if (n == 0 || n == -ECONNRESET)
		return 0;
	if (n < 0)
		return (long)n;
	if (protocol_check(&frame, (long)n) < 0 || frame.kind != PROTOCOL_DATA)
		return -EBADMSG;
	memcpy(out, frame.bytes, frame.length);
	*position = frame.columns;
	return (long)frame.length;
}
