/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The keeper; see the header. It reads the handover when it needs it and keeps nothing of it. */
#include "monitor/keeper.h"

#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/log.h"
#include "base/process.h"
#include "base/text.h"
#include "container/state.h"
#include "monitor/handover.h"
#include "monitor/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

/* A worker that dies again and again is made anew after longer and longer pauses. */
#define PAUSE_FIRST_MS 10
#define PAUSE_LAST_MS  5000
/* one that lived so long, and so many times its pause, was well */
#define STEADY_MS      1000
#define STEADY_PAUSES  10

#define GO_ON (-1) /* the keeper's life is not at its end; otherwise its exit code */

struct keeper {
	int handover_fd;
	int init_fd;     /* pidfd, -1: its end was told, or will be found by the worker */
	int init_status; /* of the wait, when it was ours to reap; -1 */
	bool init_ended;
	int signals;
	int worker_fd, pipe_fd; /* -1: there is no worker */
	int64_t started_ms;     /* CLOCK_MONOTONIC: of the worker, or when the next one is due */
	int pause_ms;
	struct signalfd_siginfo kept; /* a signal that no worker has heard yet; ssi_signo 0 none */
	struct error upgrade;         /* why the last one could not be done */
};

static void tell(struct keeper *keeper, const struct keeper_message *message)
{
	/* it may have died just now: then the next one is told */
	if (keeper->pipe_fd >= 0)
		(void)!write(keeper->pipe_fd, message, sizeof(*message));
}

static void tell_end(struct keeper *keeper)
{
	struct keeper_message message = {.kind = KEEPER_INIT_ENDED, .value = keeper->init_status};

	if (keeper->init_ended)
		tell(keeper, &message);
}

static void tell_signal(struct keeper *keeper)
{
	struct keeper_message message = {.kind = KEEPER_SIGNAL,
	                                 .value = (int32_t)keeper->kept.ssi_signo,
	                                 .uid = keeper->kept.ssi_uid,
	                                 .pid = (int32_t)keeper->kept.ssi_pid};

	if (!keeper->kept.ssi_signo || keeper->pipe_fd < 0)
		return;
	tell(keeper, &message);
	keeper->kept.ssi_signo = 0;
}

/* The worker's life, in a fork of the keeper. */
static void run_worker(struct keeper *keeper, int pipe_fd, pid_t parent)
{
	fd_close(&keeper->signals);
	_exit(monitor_run(keeper->handover_fd, pipe_fd, parent, &keeper->upgrade));
}

static int start_worker(struct keeper *keeper)
{
	pid_t parent = getpid(), pid;
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	pid = fork();
	if (pid == 0) {
		close(ends[1]);
		run_worker(keeper, ends[0], parent);
	}
	close(ends[0]);
	keeper->pipe_fd = ends[1];
	keeper->worker_fd = pid < 0 ? -1 : sys_pidfd_open(pid, 0);
	if (keeper->worker_fd < 0) {
		int code = errno;

		fd_close(&keeper->pipe_fd); /* its end tells the worker that it has no keeper */
		return -code;
	}
	keeper->started_ms = process_clock_ms();
	tell_end(keeper);
	tell_signal(keeper);
	return 0;
}

/* Puts the next worker off, the longer the shorter the last one lived. */
static void plan_worker(struct keeper *keeper)
{
	int64_t now = process_clock_ms(), lived = now - keeper->started_ms;

	if (lived >= STEADY_MS && lived >= (int64_t)keeper->pause_ms * STEADY_PAUSES)
		keeper->pause_ms = 0;
	keeper->started_ms = now + keeper->pause_ms;
	if (keeper->pause_ms)
		log_line(LOG_LEVEL_WARN, "the next worker is started in %d ms", keeper->pause_ms);
	keeper->pause_ms = keeper->pause_ms ? keeper->pause_ms * 2 : PAUSE_FIRST_MS;
	if (keeper->pause_ms > PAUSE_LAST_MS)
		keeper->pause_ms = PAUSE_LAST_MS;
}

/* For a command that cannot even be run: there is nobody else to say so. */
static void note_stopped(const struct handover *handover, const struct error *cause)
{
	struct error err = {0};
	struct state state;

	log_line(LOG_LEVEL_ERROR, "%s", cause->text);
	if (state_read(handover->run_dir, &state, NULL, &err) < 0 || state.phase == STATE_STOPPED)
		return;
	state.phase = STATE_STOPPED;
	state.since_ms = 0;
	state.failed_ms = state_now_ms();
	(void)snprintf(state.failure, sizeof(state.failure), "%s", cause->text);
	if (state_write(handover->run_dir, &state, &err) < 0)
		log_line(LOG_LEVEL_ERROR, "%s", err.text);
}

/* This process goes on as sysc. Returns only on failure. */
static void become_sysc(const struct handover *handover, const char *verb, const char *option)
{
	char *argv[] = {handover->program,
	                (char *)(uintptr_t)verb,
	                (char *)(uintptr_t)option,
	                (char *)(uintptr_t) "-P",
	                handover->store,
	                handover->name,
	                NULL};
	struct error err = {0};
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)execv(handover->program, argv);
	(void)fail(&err, errno, "run '%s %s'", handover->program, verb);
	note_stopped(handover, &err);
}

/* This process goes on as the installed sysc-monitor, or as it was. */
static void upgrade(struct keeper *keeper, struct handover *handover)
{
	char number[16];
	char *argv[] = {(char *)(uintptr_t) "sysc-monitor", handover->name, number, NULL};
	struct error *err = &keeper->upgrade;
	int r;

	error_clear(err);
	(void)snprintf(number, sizeof(number), "%d", keeper->handover_fd);
	handover->next = HANDOVER_NEXT_WORKER;
	r = handover_update(keeper->handover_fd, handover, err);
	if (r == 0)
		r = handover_pass(keeper->handover_fd, handover, err);
	if (r == 0) {
		(void)execv(handover->monitor, argv);
		(void)fail(err, errno, "run '%s'", handover->monitor);
	}
	log_line(LOG_LEVEL_ERROR, "the supervisor is not exchanged: %s", err->text);
	keeper->pause_ms =
		0; /* a new worker at once; reading the handover closes the fds on exec again */
}

/* After the worker: what it asked for, or another worker. GO_ON or the exit code. */
static int follow(struct keeper *keeper)
{
	CLEAN(handover_done) struct handover handover;
	struct error err = {0};

	handover_init(&handover);
	if (handover_read(keeper->handover_fd, &handover, &err) < 0) {
		log_line(LOG_LEVEL_ERROR, "%s", err.text);
		plan_worker(keeper);
		return GO_ON;
	}
	switch (handover.next) {
	case HANDOVER_NEXT_END:
		return (int)handover.exit_code;
	case HANDOVER_NEXT_START:
		become_sysc(&handover, "start", "--supervise");
		return 1;
	case HANDOVER_NEXT_DESTROY:
		become_sysc(&handover, "destroy", "--quiet");
		return 1;
	case HANDOVER_NEXT_UPGRADE:
		upgrade(keeper, &handover);
		break;
	default:
		log_line(LOG_LEVEL_WARN, "the worker of the supervisor died");
	}
	plan_worker(keeper);
	return GO_ON;
}

static void worker_ended(struct keeper *keeper)
{
	siginfo_t info;

	/* ECHILD: it was another's child */
	(void)waitid(P_PIDFD, (id_t)keeper->worker_fd, &info, WEXITED);
	fd_close(&keeper->worker_fd);
	fd_close(&keeper->pipe_fd);
}

static void init_ended(struct keeper *keeper)
{
	siginfo_t info = {0};

	keeper->init_ended = true;
	if (waitid(P_PIDFD, (id_t)keeper->init_fd, &info, WEXITED) == 0)
		keeper->init_status = info.si_code == CLD_EXITED ? (info.si_status & 0xff) << 8
		                                                 : info.si_status & 0x7f;
	tell_end(keeper);
}

static void take_signal(struct keeper *keeper)
{
	struct signalfd_siginfo info;

	if (read(keeper->signals, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo != SIGTERM && info.ssi_signo != SIGINT && info.ssi_signo != SIGCONT)
		return;
	keeper->kept = info;
	tell_signal(keeper);
}

static int due_ms(const struct keeper *keeper)
{
	int64_t left = keeper->started_ms - process_clock_ms();

	if (keeper->worker_fd >= 0)
		return -1;
	return left > 0 ? (int)left : 0;
}

/* GO_ON or the exit code. */
static int turn(struct keeper *keeper)
{
	struct pollfd polls[] = {
		{.fd = -1,					.events = POLLIN},
		{.fd = keeper->init_ended ? -1 : keeper->init_fd, .events = POLLIN},
		{.fd = keeper->signals,                           .events = POLLIN},
	};

	if (due_ms(keeper) == 0) {
		int r = start_worker(keeper);

		if (r < 0) {
			log_line(LOG_LEVEL_ERROR, "start a worker: %s", strerrordesc_np(-r));
			plan_worker(keeper);
			return GO_ON;
		}
	}
	polls[0].fd = keeper->worker_fd;
	if (poll(polls, ARRAY_SIZE(polls), due_ms(keeper)) < 0)
		return GO_ON; /* EINTR of a stop and continue */
	if (polls[1].revents)
		init_ended(keeper);
	if (polls[2].revents)
		take_signal(keeper);
	if (polls[0].revents) {
		worker_ended(keeper);
		return follow(keeper);
	}
	return GO_ON;
}

static int open_keeper(struct keeper *keeper, pid_t worker, struct error *err)
{
	CLEAN(handover_done) struct handover handover;
	sigset_t all;
	int r;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL); /* cannot fail with a valid set */
	handover_init(&handover);
	r = handover_read(keeper->handover_fd, &handover, err);
	if (r < 0)
		return r;
	log_open(handover.log, LOG_LEVEL_INFO);
	keeper->init_fd = handover.pidfd;
	keeper->signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	if (keeper->signals < 0)
		return fail(err, errno, "make a signalfd");
	if (worker <= 0)
		return 0;
	keeper->worker_fd = sys_pidfd_open(worker, 0);
	if (keeper->worker_fd >= 0 && getppid() != worker) /* it died, the number is another's */
		fd_close(&keeper->worker_fd);
	if (keeper->worker_fd < 0)
		fd_close(&keeper->pipe_fd);
	else
		(void)fcntl(keeper->pipe_fd, F_SETFD, FD_CLOEXEC); /* cannot fail */
	return 0;
}

int keeper_run(int handover_fd, pid_t worker, int pipe_fd)
{
	struct keeper keeper = {
		.handover_fd = handover_fd, .init_status = -1, .worker_fd = -1, .pipe_fd = pipe_fd};
	struct error err = {0};
	int r = open_keeper(&keeper, worker, &err);

	if (r < 0) {
		(void)fprintf(stderr, "sysc-monitor: %s\n", err.text);
		log_line(LOG_LEVEL_ERROR, "%s", err.text);
		return 1;
	}
	r = GO_ON;
	if (worker > 0) {
		log_line(LOG_LEVEL_INFO, "the keeper of the supervisor is now process %d",
		         getpid());
		if (keeper.worker_fd < 0)
			r = follow(&keeper);
	}
	while (r == GO_ON)
		r = turn(&keeper);
	return r;
}
