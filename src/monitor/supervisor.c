/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The process between the command and sysc-monitor; see the header. */
#include "monitor/supervisor.h"

#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/log.h"
#include "base/socket.h"
#include "base/text.h"
#include "container/container.h"
#include "monitor/place.h"
#include "monitor/restart.h"
#include "monitor/supervisor_parts.h"
#include "runtime/machined.h"
#include "runtime/plan.h"
#include "runtime/start.h"
#include "runtime/sync.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

void supervisor_done(struct supervisor *supervisor)
{
	running_done(&supervisor->running);
	fd_close(&supervisor->listen_fd);
	fd_close(&supervisor->console_fd);
	fd_close(&supervisor->memory_fd);
	fd_close(&supervisor->ready_fd);
}

int supervisor_listen(struct supervisor *supervisor, struct error *err)
{
	CLEAN_FREE char *path = must_printf("%s/socket", supervisor->container->run_dir);

	supervisor->listen_fd = socket_listen(path, err);
	return supervisor->listen_fd < 0 ? supervisor->listen_fd : 0;
}

/* Both of the pair, until we become the keeper and make a worker. */
void supervisor_name(struct state *state)
{
	state->monitor_pid = state->keeper_pid = getpid();
	state->monitor_birth = state->keeper_birth = state_process_birth(getpid());
}

/* STARTING, with us as the one to ask; what the last stop and failure were stays readable. */
static int begin(struct supervisor *supervisor, struct error *err)
{
	struct state *state = &supervisor->state;
	int r = state_read(supervisor->container->run_dir, state, NULL, err);

	if (r < 0)
		return r;
	state->phase = STATE_STARTING;
	state->since_ms = 0;
	supervisor_name(state);
	state->init_pid = 0;
	state->cgroup[0] = '\0';
	state->link_count = 0;
	state->ready_ms = state->restart_at_ms = 0;
	if (!supervisor->is_again)
		state->restarts = 0;
	state->not_ready[0] = state->guest_status[0] = state->health[0] = '\0';
	r = state_write(supervisor->container->run_dir, state, err);
	if (r == 0)
		r = supervisor_listen(supervisor, err);
	return r;
}

/* The socket is gone before anybody may start the container again. */
static void stop_listening(struct supervisor *supervisor)
{
	CLEAN_FREE char *path = must_printf("%s/socket", supervisor->container->run_dir);

	if (supervisor->listen_fd < 0)
		return;
	fd_close(&supervisor->listen_fd);
	(void)unlink(path); /* the next start replaces it all the same */
}

static void remove_notify(const struct supervisor *supervisor)
{
	CLEAN_FREE char *path = must_printf("%s/notify", supervisor->container->run_dir);

	(void)unlink(path); /* there is none but for boot.ready = notify */
}

static void note_failure(struct supervisor *supervisor, const struct error *cause)
{
	struct state *state = &supervisor->state;
	struct error err = {0};

	log_line(LOG_LEVEL_ERROR, "start failed: %s", cause->text);
	stop_listening(supervisor);
	remove_notify(supervisor);
	state->phase = STATE_STOPPED;
	state->since_ms = 0;
	state->init_pid = state->monitor_pid = state->keeper_pid = 0;
	if (!supervisor->is_again || !state->failed_ms) {
		state->failed_ms = state_now_ms();
		(void)snprintf(state->failure, sizeof(state->failure), "%s", cause->text);
	}
	if (state_write(supervisor->container->run_dir, state, &err) < 0)
		log_line(LOG_LEVEL_ERROR, "%s", err.text);
}

/*
 * Everything that stop, attach and list need. Written while still STARTING, before the child may go on alone: when
 * we are killed after that, the next command can take over what we made.
 */
static int note_made(const struct start_note *note, const struct running *running,
                     struct error *err)
{
	struct supervisor *supervisor = (struct supervisor *)(uintptr_t)note;
	const struct config *config = &supervisor->container->config;
	struct state *state = &supervisor->state;

	state->init_pid = running->pid;
	state->init_birth = state_process_birth(running->pid);
	state->halt_signal = running->halt_signal;
	state->reboot_signal = running->reboot_signal;
	state->kill_signal = running->kill_signal;
	state->stop_timeout_ms = config->stop_timeout_ms;
	(void)snprintf(state->init_kind, sizeof(state->init_kind), "%s", running->init_kind);
	(void)snprintf(state->cgroup, sizeof(state->cgroup), "%s", running->cgroup);
	(void)snprintf(state->id_map, sizeof(state->id_map), "%s",
	               config->privileged || !config->idmap.count ? "" : config->idmap.items[0]);
	state->link_count = running->network.count;
	for (unsigned int i = 0; i < running->network.count && i < STATE_LINKS_MAX; i++)
		(void)snprintf(state->links[i], sizeof(state->links[i]), "%s",
		               running->network.links[i].host_name);
	return state_write(supervisor->container->run_dir, state, err);
}

void supervisor_set_running(struct supervisor *supervisor)
{
	const struct config *config = &supervisor->container->config;
	struct state *state = &supervisor->state;

	state->phase = STATE_RUNNING;
	state->since_ms = 0;
	state->started_ms = state_now_ms();
	if (config_ready(config, NULL) == READY_RUNNING || supervisor->is_execute)
		state->ready_ms = state->started_ms;
	state->failure[0] = '\0';
	state->failed_ms = 0;
}

/*
 * A start that nobody asked for has failed: by [boot] restart it is tried again later, which a sysc-monitor
 * without an init waits for. Returns only when it is not.
 */
static void try_later(struct supervisor *supervisor, const struct error *cause)
{
	struct restart_policy policy = restart_policy_of(&supervisor->container->config);
	struct state *state = &supervisor->state;
	CLEAN_FD int handover_fd = -1;
	struct error err = {0};
	int r;

	if (!supervisor->is_again || !restart_decide_failed(&policy, cause->text, state))
		return;
	log_line(LOG_LEVEL_ERROR, "start failed: %s", cause->text);
	remove_notify(supervisor);
	fd_close(&supervisor->ready_fd);
	state->since_ms = 0;
	r = supervisor->listen_fd < 0 ? supervisor_listen(supervisor, &err) : 0;
	if (r == 0) {
		handover_fd = supervisor_write_handover(supervisor, &err);
		r = handover_fd < 0 ? handover_fd
		                    : state_write(supervisor->container->run_dir, state, &err);
	}
	if (r == 0)
		(void)supervisor_become_monitor(supervisor, handover_fd, &err);
	log_line(LOG_LEVEL_ERROR, "%s", err.text);
}

/*
 * In a process of its own, nobody's child: neither the caller nor the monitor waits for machined. It holds
 * none of the container's fds, whose ends must not depend on it.
 */
static void register_machine(const struct supervisor *supervisor)
{
	const struct container *container = supervisor->container;
	struct error err = {0};
	pid_t pid;
	int r;

	if (!supervisor->state.unit[0]) /* no systemd, or it does not know of the container */
		return;
	pid = fork();
	if (pid > 0)
		(void)waitpid(pid, NULL, 0); /* at once */
	if (pid != 0)
		return; /* without a process the container is not in the list, but runs */
	if (fork() != 0)
		_exit(0);
	log_close();
	(void)sys_close_range(3, ~0U, 0); /* any kernel that runs containers has it */
	log_open(container->log, LOG_LEVEL_INFO);
	r = machined_register(container, &supervisor->running, &err);
	if (r < 0 && r != -ENXIO)
		log_line(LOG_LEVEL_WARN, "%s", err.text);
	_exit(0);
}

/* The whole life of the process up to the exec; reply_fd (-1: none) hears how the start went. */
static int supervise(const struct container *container, const struct supervisor_options *options,
                     int reply_fd, struct error *err)
{
	CLEAN(supervisor_done)
	struct supervisor supervisor = {.note = {.run = note_made},
	                                .container = container,
	                                .listen_fd = -1,
	                                .console_fd = options->console_fd,
	                                .memory_fd = -1,
	                                .ready_fd = -1,
	                                .is_again = options->is_again,
	                                .is_execute = options->execute != NULL};
	CLEAN_FD int handover_fd = -1;
	struct systemd_place place = {0};
	int r;

	running_init(&supervisor.running);
	r = begin(&supervisor, err);
	if (r == 0)
		r = supervisor_bind_notify(&supervisor, err);
	if (r == 0)
		r = place_choose(container, &place, err);
	(void)snprintf(supervisor.state.unit, sizeof(supervisor.state.unit), "%s", place.unit);
	if (r == 0)
		r = start_container(container, place.cgroup, options->execute, &supervisor.note,
		                    &supervisor.running, err);
	if (r < 0) {
		try_later(&supervisor, err);
		note_failure(&supervisor, err);
		return r;
	}
	supervisor_set_running(&supervisor);
	r = supervisor_watch_network(&supervisor, err);
	if (r == 0)
		r = handover_fd = supervisor_write_handover(&supervisor, err);
	if (r >= 0)
		r = state_write(container->run_dir, &supervisor.state, err);
	if (r == 0) {
		if (supervisor.running.note[0])
			log_line(LOG_LEVEL_WARN, "%s", supervisor.running.note);
		log_line(LOG_LEVEL_INFO, "running, init %d (%s)", supervisor.running.pid,
		         supervisor.running.init_kind);
		if (reply_fd >= 0)
			(void)sync_send(reply_fd, SYNC_READY, NULL,
			                0); /* gone: it runs all the same */
		register_machine(&supervisor);
		r = supervisor_become_monitor(&supervisor, handover_fd, err);
	}
	/* nobody looks after it: it must not go on */
	(void)sys_pidfd_send_signal(supervisor.running.pidfd, SIGKILL);
	(void)waitpid(supervisor.running.pid, NULL, 0);
	note_failure(&supervisor, err);
	return r;
}

/* Own session, no streams or other fds of the caller, every signal for later. */
int supervisor_detach(struct error *err)
{
	CLEAN_FD int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t all;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
	if (null_fd < 0)
		return fail(err, errno, "open '/dev/null'");
	for (int i = 0; i < 3; i++)
		if (dup2(null_fd, i) < 0)
			return fail(err, errno, "let go of the terminal");
	/* the caller's fds are not for sysc-monitor; what is handed over is marked again */
	if (sys_close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return fail(err, errno, "mark the fds of the caller");
	if (setsid() < 0 || chdir("/") < 0)
		return fail(err, errno, "leave the session");
	return 0;
}

/* In a process of its own. */
static int run_supervisor(const struct container *container, const void *data, int reply_fd,
                          struct error *err)
{
	const struct supervisor_options *options = data;
	const struct plan_execute *execute = options->execute;
	struct plan_execute own = {0};
	struct supervisor_options own_options = {.execute = execute ? &own : NULL,
	                                         .console_fd = options->console_fd};
	int stdio[3], r;

	if (execute) { /* numbers above the streams, which are about to change */
		own.argv = execute->argv;
		for (int i = 0; i < 3; i++)
			stdio[i] = execute->stdio[i] < 0
			                   ? -1
			                   : fcntl(execute->stdio[i], F_DUPFD_CLOEXEC, 3);
		own.stdio = stdio;
	}
	r = supervisor_detach(err);
	/* it is the service of whoever started it, not of us */
	(void)unsetenv("NOTIFY_SOCKET");
	return r == 0 ? supervise(container, &own_options, reply_fd, err) : r;
}

static const struct supervisor_options plain = {.execute = NULL, .console_fd = -1};
static const struct supervisor_options again = {
	.execute = NULL, .console_fd = -1, .is_again = true};

int supervisor_fork(const struct container *container, supervisor_life life, const void *data,
                    pid_t *pid, struct error *err)
{
	CLEAN_FD int ours = -1, theirs = -1;
	struct error own = {0};
	int ends[2];
	int r = sync_pair(ends, err);

	if (r < 0)
		return r;
	ours = ends[0];
	theirs = ends[1];
	*pid = place_fork(container);
	if (*pid < 0)
		return fail(err, errno, "fork the supervisor");
	if (*pid == 0) {
		fd_close(&ours);
		if (life(container, data, theirs, &own) < 0)
			sync_send_error(theirs, &own);
		_exit(1);
	}
	return fd_take(&ours);
}

int supervisor_start(const struct container *container, const struct supervisor_options *options,
                     struct error *err)
{
	CLEAN_FD int answer_fd = -1;
	pid_t pid;
	int r;

	log_open(container->log, LOG_LEVEL_INFO);
	answer_fd =
		supervisor_fork(container, run_supervisor, options ? options : &plain, &pid, err);
	if (answer_fd < 0)
		return answer_fd;
	r = sync_expect(answer_fd, SYNC_READY, NULL, NULL, -1, err);
	if (r == -EPIPE)
		(void)fail_plain(err, EPIPE, "the supervisor died during the start (see '%s')",
		                 container->log);
	if (r < 0)
		(void)waitpid(pid, NULL, 0); /* it exits by itself after its message */
	return r;
}

static void hold_signals(void)
{
	sigset_t all;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL); /* cannot fail with a valid set */
}

int supervisor_continue(const struct container *container, struct error *err)
{
	log_open(container->log, LOG_LEVEL_INFO);
	hold_signals();
	return supervise(container, &again, -1, err);
}

int supervisor_serve(const struct container *container, struct error *err)
{
	log_open(container->log, LOG_LEVEL_INFO);
	hold_signals();
	/* what the caller holds, the lock too, ends with the exec; the streams are the service's */
	if (sys_close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return fail(err, errno, "mark the fds of the caller");
	if (chdir("/") < 0)
		return fail(err, errno, "enter '/'");
	return supervise(container, &plain, -1, err);
}

void supervisor_give_up(const struct container *container, const struct error *cause)
{
	struct supervisor supervisor = {.container = container,
	                                .listen_fd = -1,
	                                .console_fd = -1,
	                                .memory_fd = -1,
	                                .ready_fd = -1};

	log_open(container->log, LOG_LEVEL_INFO);
	if (state_read(container->run_dir, &supervisor.state, NULL, NULL) == 0)
		note_failure(&supervisor, cause);
}
