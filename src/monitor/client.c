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

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#define REPLY_MS        10000 /* a supervisor that does not answer by then is stuck */
/* for a supervisor between two runs, which cleans up and starts anew */
#define CONNECT_MS      5000
#define CONNECT_STEP_MS 20
#define KILL_MS         10000 /* after SIGKILL: the kernel's and the cleaning's time */
#define FREEZE_MS       10000
#define STOP_TRIES      10 /* to be heard by a container that reboots and reboots */

/*
 * The socket is not there between the end of a run and STOPPED, and between the two runs of a reboot.
 * True when it is worth another look, after some time or when the supervisor ended.
 */
static bool is_between(const struct state *state, int64_t deadline)
{
	bool has_monitor = state_process_birth(state->monitor_pid) == state->monitor_birth;
	/* without its supervisor an init is ending, too */
	CLEAN_FD int pidfd = sys_pidfd_open(has_monitor ? state->monitor_pid : state->init_pid, 0);

	if (process_clock_ms() >= deadline)
		return false;
	if (pidfd >= 0)
		(void)process_wait(pidfd, CONNECT_STEP_MS); /* either way: look again */
	return true;
}

int client_settled_state(const struct container *container, struct state *state, struct error *err)
{
	int r = state_read(container->run_dir, state, NULL, err);
	CLEAN_FD int init = -1;

	if (r < 0 || state->phase == STATE_STOPPED ||
	    state_process_birth(state->monitor_pid) == state->monitor_birth)
		return r;
	init = sys_pidfd_open(state->init_pid, 0);
	if (init >= 0 && state_process_birth(state->init_pid) == state->init_birth &&
	    process_wait(init, CONNECT_MS) == 0)
		return fail_plain(err, EBUSY,
		                  "its supervisor is gone, its init (pid %d) does not end",
		                  state->init_pid);
	return state_read(container->run_dir, state, NULL, err);
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
	} while (is_between(&state, deadline));
	return fail_plain(err, EIO, "its supervisor (pid %d) does not listen on '%s'",
	                  state.monitor_pid, path);
}

static int send_frame(int fd, struct protocol_frame *frame)
{
	frame->version = PROTOCOL_VERSION;
	return socket_send(fd, frame, PROTOCOL_SIZE(frame), NULL, 0);
}

/* Sends a request and waits for its REPLY. */
static int ask(int fd, struct protocol_frame *frame, struct error *err)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	ssize_t n;
	int r = send_frame(fd, frame);

	if (r == -EPIPE || r == -ECONNRESET)
		return fail_plain(err, ESRCH, "the container ended just now");
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
		return fail_plain(err, ESRCH, "the container ended just now");
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

int client_freeze(const struct container *container, bool frozen, int64_t timeout_ms,
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
	if (cgroup_is_frozen(&cgroup) == frozen && (state.phase == STATE_FROZEN) == frozen)
		return 0;
	r = cgroup_freeze(&cgroup, frozen, timeout_ms, err);
	return r < 0 ? r : ask(fd, &frame, err);
}

/* A frozen container hears no signal. */
static int thaw(const struct container *container, struct error *err)
{
	struct state state;
	int r = state_read(container->run_dir, &state, NULL, err);

	if (r < 0 || state.phase != STATE_FROZEN)
		return r;
	return client_freeze(container, false, FREEZE_MS, err);
}

static int wait_or_kill(int fd, const struct client_stop_options *options, bool *killed,
                        struct error *err)
{
	int64_t timeout = options->how == PROTOCOL_KILL ? KILL_MS : options->timeout_ms;
	int r = client_wait_end(fd, timeout);

	if (r != 0)
		return r < 0 ? fail(err, -r, "wait for the end") : 0;
	if (options->no_kill || options->how == PROTOCOL_KILL)
		return fail_plain(err, ETIMEDOUT, "still running after %lld s",
		                  (long long)(timeout / 1000));
	r = client_stop(fd, PROTOCOL_KILL, err);
	if (r < 0 && r != -ESRCH)
		return r;
	if (killed)
		*killed = true;
	if (client_wait_end(fd, KILL_MS) == 0)
		return fail_plain(err, ETIMEDOUT, "still there %d s after SIGKILL", KILL_MS / 1000);
	return 0;
}

/*
 * One try: the connection on which the stop was heard, -ESRCH when the container is not running (any more),
 * -ECONNRESET when its supervisor was between two runs of a reboot and did not hear it.
 */
static int ask_to_stop(const struct container *container, int how, struct error *err)
{
	CLEAN_FD int fd = client_connect(container, err);
	int r = fd < 0 ? fd : thaw(container, err);

	if (r < 0)
		return r;
	r = client_stop(fd, how, err);
	if (r == -ESRCH)
		return how == PROTOCOL_REBOOT ? -ESRCH : -ECONNRESET; /* it reboots by itself */
	return r < 0 ? r : fd_take(&fd);
}

int client_stop_container(const struct container *container,
                          const struct client_stop_options *options, bool *killed,
                          struct error *err)
{
	CLEAN_FD int fd = -ECONNRESET;

	if (killed)
		*killed = false;
	for (int tries = 0; tries < STOP_TRIES && fd == -ECONNRESET; tries++)
		fd = ask_to_stop(container, options->how, err);
	if (fd == -ESRCH) {
		error_clear(err);
		return 0;
	}
	if (fd < 0 || options->no_wait)
		return fd < 0 ? fd : 0;
	return wait_or_kill(fd, options, killed, err);
}

int client_console(int fd, int tty, struct error *err)
{
	struct protocol_frame frame = {.kind = PROTOCOL_CONSOLE, .code = tty};

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

long client_receive_data(int fd, char out[PROTOCOL_BYTES_MAX])
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
	return (long)frame.length;
}
