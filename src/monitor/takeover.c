/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A new supervisor for a container whose supervisor was killed, keeper and worker; called by adopt.c. */
#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "container/container.h"
#include "monitor/place.h"
#include "monitor/supervisor.h"
#include "monitor/supervisor_parts.h"
#include "runtime/sync.h"

#include <errno.h>
#include <sys/wait.h>

#define ADOPT_MS 20000 /* the helper for the console has its own limit */

/* The ptys ended with who held them; the guest goes on without any where new ones cannot be made. */
static void renew_console(struct supervisor *supervisor)
{
	struct running *running = &supervisor->running;
	uint64_t ttys = supervisor->container->config.ttys;
	struct error err = {0};

	if (console_renew(running->pidfd, supervisor->state.id_map[0] != '\0', ttys, running->ttys,
	                  &err) == 0)
		running->tty_count = (unsigned int)(1 + ttys);
	else
		log_line(LOG_LEVEL_WARN, "no console: %s", err.text);
}

static int open_orphan(struct supervisor *supervisor, struct error *err)
{
	struct running *running = &supervisor->running;
	const struct state *state = &supervisor->state;

	running->pid = state->init_pid;
	running->pidfd = sys_pidfd_open(state->init_pid, 0);
	if (running->pidfd < 0 || state_process_birth(state->init_pid) != state->init_birth)
		return fail_plain(err, ESRCH, "the container ended just now");
	return 0;
}

/* Back to where the one was that is gone; elsewhere it may end with the session of who made it. */
static void rejoin(const struct state *state)
{
	struct error err = {0};

	if (systemd_rejoin(state->cgroup, &err) < 0)
		log_line(LOG_LEVEL_WARN, "%s", err.text);
}

/* The life of a process that takes over, up to the exec. */
static int adopt(const struct container *container, const void *data, int reply_fd,
                 struct error *err)
{
	const struct state *state = data;
	CLEAN(supervisor_done)
	struct supervisor supervisor = {.container = container,
	                                .state = *state,
	                                .listen_fd = -1,
	                                .console_fd = -1,
	                                .memory_fd = -1,
	                                .ready_fd = -1,
	                                .is_execute = text_is(state->init_kind, "sysc-init")};
	CLEAN_FD int handover_fd = -1;
	int r;

	running_init(&supervisor.running);
	r = supervisor_detach(err);
	if (r < 0)
		return r;
	r = open_orphan(&supervisor, err);
	if (r < 0)
		return r;
	rejoin(state);
	renew_console(&supervisor);
	if (supervisor.state.phase == STATE_STARTING)
		supervisor_set_running(&supervisor);
	r = supervisor_listen(&supervisor, err);
	if (r == 0 && !supervisor.state.ready_ms)
		r = supervisor_watch_network(&supervisor, err);
	if (r == 0)
		r = handover_fd = supervisor_write_handover(&supervisor, err);
	supervisor_name(&supervisor.state);
	if (r >= 0)
		r = state_write(container->run_dir, &supervisor.state, err);
	if (r < 0)
		return r;
	log_line(LOG_LEVEL_WARN, "the supervisor was gone: process %d takes over", getpid());
	(void)sync_send(reply_fd, SYNC_READY, NULL, 0); /* gone: it is taken over all the same */
	r = supervisor_become_monitor(&supervisor, handover_fd, err);
	log_line(LOG_LEVEL_ERROR, "%s", err->text);
	return r;
}

int supervisor_adopt(const struct container *container, const struct state *state,
                     struct error *err)
{
	pid_t pid;
	CLEAN_FD int answer_fd = supervisor_fork(container, adopt, state, &pid, err);
	int r;

	if (answer_fd < 0)
		return answer_fd;
	r = sync_expect(answer_fd, SYNC_READY, NULL, NULL, ADOPT_MS, err);
	if (r < 0)
		(void)waitpid(pid, NULL, WNOHANG); /* it exits by itself after its message */
	return r;
}
