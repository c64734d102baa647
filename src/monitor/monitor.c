/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Looking after one container, and what is to be done when it ends; see the header. */
#include "monitor/monitor.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/text.h"
#include "cgroup/cgroup.h"
#include "monitor/ask.h"
#include "monitor/leftovers.h"
#include "monitor/notify.h"
#include "monitor/pair.h"
#include "monitor/protocol.h"
#include "monitor/server.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define TTY_RING_BYTES 8192
#define THAW_MS        5000
#define STOP_MARGIN_MS 10000 /* for the clean-up, in what a service manager is told */

int monitor_set_phase(struct monitor *monitor, enum state_phase phase, struct error *err)
{
	monitor->state.phase = phase;
	monitor->state.since_ms = 0; /* now */
	return state_write(monitor->handover.run_dir, &monitor->state, err);
}

enum state_phase monitor_awake_phase(const struct monitor *monitor)
{
	return monitor->handover.no_reboot ? STATE_STOPPING : STATE_RUNNING;
}

void monitor_write_state(struct monitor *monitor)
{
	struct error err = {0};

	if (state_write(monitor->handover.run_dir, &monitor->state, &err) < 0)
		log_line(LOG_LEVEL_ERROR, "%s", err.text);
}

bool monitor_is_stopping(const struct monitor *monitor)
{
	return monitor->handover.is_asked || monitor->handover.is_unhealthy;
}

void monitor_tell_host(const struct monitor *monitor, const char *text)
{
	pid_t keeper = monitor->state.keeper_pid;
	int r = notify_host(keeper > 0 ? keeper : getpid(), text);

	if (r < 0)
		log_line(LOG_LEVEL_WARN, "tell the service manager: %s", strerrordesc_np(-r));
}

int monitor_remember(struct monitor *monitor, struct error *err)
{
	return handover_update(monitor->handover_fd, &monitor->handover, err);
}

/* What the stop before was is forgotten: this one will have its own end. */
static void note_asked(struct monitor *monitor, const char *what, const char *who)
{
	struct state *state = &monitor->state;

	(void)snprintf(state->stop_who, sizeof(state->stop_who), "%s, %s", what, who);
	state->stop_status = -1;
	state->stopped_ms = 0;
	state->stop_oom_kills = UINT64_MAX;
	state->stop_reason[0] = state->stop_decision[0] = state->stop_health[0] = '\0';
}

/* What the service manager kills cannot be cleaned up after: it is told how long this may take. */
static void tell_stopping(struct monitor *monitor)
{
	int64_t most_ms = monitor->state.stop_timeout_ms;
	char text[96] = "STOPPING=1\nSTATUS=Stopping";

	if (most_ms >= 0)
		(void)snprintf(text, sizeof(text),
		               "STOPPING=1\nSTATUS=Stopping\nEXTEND_TIMEOUT_USEC=%lld",
		               (long long)(most_ms + STOP_MARGIN_MS) * 1000);
	monitor_tell_host(monitor, text);
}

int monitor_stop(struct monitor *monitor, int how, const char *who, struct error *err)
{
	const struct {
		int how, signal;
		const char *name;
	} kinds[] = {
		{PROTOCOL_HALT,   monitor->state.halt_signal,   "stop"        },
		{PROTOCOL_REBOOT, monitor->state.reboot_signal, "sysc-stop -r"},
		{PROTOCOL_KILL,   monitor->state.kill_signal,   "kill"        },
	};

	if (monitor->waiting.is_on) {
		waiting_asked(monitor, how, who);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		int r;

		if (kinds[i].how != how)
			continue;
		note_asked(monitor, kinds[i].name, who);
		monitor->handover.is_asked = true;
		monitor->handover.no_reboot = how != PROTOCOL_REBOOT;
		monitor->handover.is_unhealthy = false; /* whoever asks has the last word */
		log_line(LOG_LEVEL_INFO, "%s, signal %d", monitor->state.stop_who, kinds[i].signal);
		if (how != PROTOCOL_REBOOT)
			tell_stopping(monitor);
		/* before init hears of it: neither who asked nor the request is lost with us */
		r = monitor_set_phase(monitor, monitor_awake_phase(monitor), err);
		return r < 0 ? r : ask_init(monitor, kinds[i].signal, err);
	}
	return fail(err, EINVAL, "stop of kind %d", how);
}

static void kill_late(struct loop_timer *timer)
{
	struct monitor *monitor =
		(struct monitor *)((char *)timer - offsetof(struct monitor, deadline));
	struct error err = {0};

	log_line(LOG_LEVEL_WARN, "it does not stop in time, signal %d", monitor->state.kill_signal);
	if (ask_init(monitor, monitor->state.kill_signal, &err) < 0)
		log_line(LOG_LEVEL_ERROR, "%s", err.text);
}

/* Counts anew after the death of a worker: that is rare, and the container no worse for it. */
static void set_deadline(struct monitor *monitor)
{
	monitor->deadline.ready = kill_late;
	if (monitor->state.stop_timeout_ms >= 0)
		loop_set_timer(&monitor->loop, &monitor->deadline, monitor->state.stop_timeout_ms);
}

void monitor_restart(struct monitor *monitor, const char *why)
{
	struct error err = {0};
	int r;

	note_asked(monitor, "health check", why);
	monitor->handover.is_unhealthy = monitor->handover.has_deadline = true;
	log_line(LOG_LEVEL_WARN, "restart: %s, signal %d", monitor->state.stop_who,
	         monitor->state.halt_signal);
	set_deadline(monitor);
	r = monitor_set_phase(monitor, STATE_STOPPING, &err);
	if (r == 0)
		r = ask_init(monitor, monitor->state.halt_signal, &err);
	if (r < 0)
		log_line(LOG_LEVEL_ERROR, "%s", err.text);
}

/* Who ended it, when nobody asked us: reboot(2) in a pid namespace ends init by one of two signals. */
static void note_reason(struct monitor *monitor, int status)
{
	struct state *state = &monitor->state;

	state->stop_status = status;
	state->stopped_ms = state_now_ms();
	if (monitor_is_stopping(monitor))
		return;
	if (status < 0)
		(void)snprintf(state->stop_who, sizeof(state->stop_who), "the guest");
	else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGHUP)
		(void)snprintf(state->stop_who, sizeof(state->stop_who), "the guest (reboot)");
	else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGINT)
		(void)snprintf(state->stop_who, sizeof(state->stop_who),
		               "the guest (poweroff or halt)");
	else
		(void)snprintf(state->stop_who, sizeof(state->stop_who), "the guest (init ended)");
}

static void clean_up(struct monitor *monitor)
{
	for (unsigned int i = 0; i < monitor->handover.tty_count; i++)
		terminal_drain(&monitor->terminals[i]);
	server_flush(monitor);
	leftovers_remove(&monitor->state);
}

static bool wants_reboot(const struct monitor *monitor, int status)
{
	return status >= 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGHUP &&
	       !monitor->handover.no_reboot && !monitor->handover.is_unhealthy;
}

static void describe_status(int status, char *out, size_t room)
{
	char name[24];

	if (status < 0) {
		(void)snprintf(out, room, "ended unseen");
		return;
	}
	if (!WIFSIGNALED(status)) {
		(void)snprintf(out, room, "exit code %d", WEXITSTATUS(status));
		return;
	}
	format_signal(WTERMSIG(status), name);
	(void)snprintf(out, room, "ended by %s", name);
}

static bool ended_well(const struct state *state, enum restart_reason reason)
{
	return reason == RESTART_ASKED || reason == RESTART_POWEROFF || reason == RESTART_REBOOT ||
	       (reason == RESTART_EXITED && WEXITSTATUS(state->stop_status) == 0);
}

/* Whether it is started again; *code: how it went, for who waits for our end. */
static bool decide(struct monitor *monitor, uint64_t *code)
{
	struct state *state = &monitor->state;
	enum restart_reason reason =
		restart_reason_of(state->stop_status, monitor->handover.is_asked,
	                          monitor->handover.is_unhealthy, state->stop_oom_kills);
	bool again = restart_decide(&monitor->handover.policy, reason, state);

	*code = !ended_well(state, reason);
	if (*code || again || state->failure[0])
		log_line(LOG_LEVEL_WARN, "%s",
		         state->failure[0] ? state->failure : state->stop_decision);
	return again;
}

static void go_on(struct monitor *monitor, bool start)
{
	struct error err = {0};

	monitor->state.restart_at_ms = 0;
	leftovers_remove_socket(monitor->handover.run_dir);
	/* before STOPPED: from then on the container may be another one's */
	monitor->handover.next = start                         ? HANDOVER_NEXT_START
	                         : monitor->handover.ephemeral ? HANDOVER_NEXT_DESTROY
	                                                       : HANDOVER_NEXT_END;
	if (monitor_remember(monitor, &err) < 0)
		log_line(LOG_LEVEL_ERROR, "%s", err.text);
	if (!start)
		monitor_tell_host(monitor, "STOPPING=1\nSTATUS=Stopped");
	if (monitor_set_phase(monitor, start ? STATE_STARTING : STATE_STOPPED, &err) < 0)
		log_line(LOG_LEVEL_ERROR, "%s", err.text);
	server_close(monitor);
}

static void end(struct monitor *monitor)
{
	int status = pair_init_status(monitor);
	bool reboot = wants_reboot(monitor, status);
	char ending[64];

	ready_close(monitor);
	health_close(monitor);
	loop_stop_timer(&monitor->deadline);
	note_reason(monitor, status);
	clean_up(monitor);
	describe_status(status, ending, sizeof(ending));
	log_line(LOG_LEVEL_INFO, "%s: %s, init %s", reboot ? "rebooting" : "stopped",
	         monitor->state.stop_who, ending);
	if (reboot)
		restart_note_reboot(&monitor->state);
	else if (decide(monitor, &monitor->handover.exit_code))
		reboot = waiting_run(monitor);
	go_on(monitor, reboot);
}

static void init_ready(struct loop_source *source, uint32_t events)
{
	struct monitor *monitor =
		(struct monitor *)((char *)source - offsetof(struct monitor, init));

	(void)events; /* a pidfd has only one */
	pair_init_ended(monitor);
	monitor->loop.done = true;
}

/* Frozen processes hear nothing; sysc-stop thaws by itself, a service manager cannot. */
static void thaw(struct monitor *monitor)
{
	CLEAN(cgroup_close) struct cgroup cgroup;
	struct error err = {0};
	int r;

	cgroup_init(&cgroup);
	r = cgroup_open(&cgroup, monitor->state.cgroup, &err);
	if (r == 0 && cgroup_is_frozen(&cgroup))
		r = cgroup_freeze(&cgroup, false, THAW_MS, &err);
	if (r < 0)
		log_line(LOG_LEVEL_WARN, "thaw it for its stop: %s", err.text);
}

/*
 * A service manager that ends us wants the container to end well. Nobody waits who would kill it after
 * stop.timeout, so we do.
 */
void monitor_signal(struct monitor *monitor, int signal, uid_t uid, pid_t pid)
{
	struct error err = {0};
	char who[48];

	/*
	 * systemd that stops the unit signals the guest's processes too: by one that does nothing to them
	 * (cgroup/systemd.c). The keeper gets it as well and passes it on: once is enough.
	 */
	if (signal == SIGCONT && (pid != 1 || monitor->handover.no_reboot))
		return;
	if (signal != SIGTERM && signal != SIGINT && signal != SIGCONT)
		return;
	(void)snprintf(who, sizeof(who), "signal %d from uid %u pid %d", signal, uid, pid);
	monitor->handover.has_deadline = true;
	if (!monitor->waiting.is_on)
		thaw(monitor);
	if (monitor_stop(monitor, PROTOCOL_HALT, who, &err) < 0)
		log_line(LOG_LEVEL_ERROR, "%s", err.text);
	if (!monitor->waiting.is_on)
		set_deadline(monitor);
}

static void signal_ready(struct loop_source *source, uint32_t events)
{
	struct monitor *monitor =
		(struct monitor *)((char *)source - offsetof(struct monitor, signals));
	struct signalfd_siginfo info;

	(void)events;
	if (read(source->fd, &info, sizeof(info)) == sizeof(info))
		monitor_signal(monitor, (int)info.ssi_signo, info.ssi_uid, (pid_t)info.ssi_pid);
}

static int open_signals(struct monitor *monitor)
{
	sigset_t all;

	(void)sigfillset(&all);
	if (sigprocmask(SIG_SETMASK, &all, NULL) < 0)
		return -errno;
	monitor->signals = (struct loop_source){
		.fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK), .ready = signal_ready};
	if (monitor->signals.fd < 0)
		return -errno;
	return loop_add(&monitor->loop, &monitor->signals, EPOLLIN);
}

static size_t ring_size(const struct handover *handover, unsigned int tty)
{
	return tty ? TTY_RING_BYTES : (size_t)handover->console_buffer;
}

size_t monitor_memory_size(unsigned int ttys, uint64_t console_buffer)
{
	return terminal_memory_size((size_t)console_buffer) +
	       (ttys ? ttys - 1 : 0) * terminal_memory_size(TTY_RING_BYTES);
}

/* Shared with the keeper; our own where there is none or another layout. */
static char *map_memory(const struct handover *handover)
{
	size_t size = monitor_memory_size(handover->tty_count, handover->console_buffer);
	struct stat st;
	bool is_shared = handover->memory_fd >= 0 && fstat(handover->memory_fd, &st) == 0 &&
	                 st.st_size >= (off_t)size;
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
	                    is_shared ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS,
	                    is_shared ? handover->memory_fd : -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static int open_terminals(struct monitor *monitor)
{
	struct handover *handover = &monitor->handover;
	char *memory = map_memory(handover); /* for the life of the process */

	if (!memory)
		return -ENOMEM;
	for (unsigned int i = 0; i < handover->tty_count; i++) {
		struct terminal *terminal = &monitor->terminals[i];
		size_t size = ring_size(handover, i);
		int r = terminal_open(terminal, &monitor->loop, handover->ttys[i],
		                      (struct terminal_memory *)(void *)memory, size);

		if (r < 0)
			return r;
		memory += terminal_memory_size(size);
		terminal->changed = server_terminal_changed;
	}
	if (handover->tty_count && handover->console_log && *handover->console_log)
		terminal_log_to(&monitor->terminals[0], handover->console_log,
		                handover->console_log_size);
	return 0;
}

/* There is no init: its run is over, the next one is due some time. */
static bool is_waiting(const struct monitor *monitor)
{
	return monitor->state.restart_at_ms != 0;
}

static int open_all(struct monitor *monitor, int pipe_fd, pid_t keeper)
{
	int r = loop_open(&monitor->loop);

	if (r == 0)
		r = pair_open(monitor, pipe_fd, keeper);
	if (r == 0)
		r = open_signals(monitor);
	monitor->init = (struct loop_source){.fd = monitor->handover.pidfd, .ready = init_ready};
	if (r == 0 && !is_waiting(monitor))
		r = loop_add(&monitor->loop, &monitor->init, EPOLLIN);
	if (r == 0 && !is_waiting(monitor))
		r = open_terminals(monitor);
	if (r == 0)
		r = server_open(monitor);
	health_open(monitor);
	if (r == 0 && !is_waiting(monitor))
		r = ready_open(monitor);
	if (monitor->handover.has_deadline && !is_waiting(monitor))
		set_deadline(monitor);
	if (r == 0 && monitor->handover.client_fd >= 0 && !is_waiting(monitor))
		r = server_adopt(monitor, monitor->handover.client_fd);
	return r;
}

/* What waits for a time rather than for an fd. */
static const struct timer {
	int (*timeout_ms)(const struct monitor *monitor); /* -1: nothing is due */
	void (*run)(struct monitor *monitor);             /* what is due now, if anything */
} timers[] = {
	{ask_timeout_ms,  ask_again },
	{pair_timeout_ms, pair_again},
};

int monitor_run_once(struct monitor *monitor)
{
	int timeout = -1, r;

	for (size_t i = 0; i < ARRAY_SIZE(timers); i++) {
		int ms = timers[i].timeout_ms(monitor);

		if (ms >= 0 && (timeout < 0 || ms < timeout))
			timeout = ms;
	}
	r = loop_run_once(&monitor->loop, timeout);
	for (size_t i = 0; i < ARRAY_SIZE(timers); i++)
		timers[i].run(monitor);
	return r;
}

/* From the handover and the state file, where an earlier worker may have written. */
static int load(struct monitor *monitor, struct error *err)
{
	int r;

	handover_init(&monitor->handover);
	r = handover_read(monitor->handover_fd, &monitor->handover, err);
	if (r == 0)
		r = state_read(monitor->handover.run_dir, &monitor->state, NULL, err);
	return r;
}

/* The next program finds everything in the handover, the state file and the memory. */
static void leave(struct monitor *monitor)
{
	struct error err = {0};

	log_line(LOG_LEVEL_INFO, "the supervisor is exchanged for '%s'", monitor->handover.monitor);
	ready_close(monitor);
	health_close(monitor);
	server_leave(monitor);
	monitor->handover.next = HANDOVER_NEXT_UPGRADE;
	if (monitor_remember(monitor, &err) < 0)
		log_line(LOG_LEVEL_ERROR, "%s", err.text);
}

int monitor_run(int handover_fd, int pipe_fd, pid_t keeper, const struct error *upgrade_error)
{
	static struct monitor monitor;
	struct error err = {0};
	int r;

	monitor.upgrade_error = upgrade_error;
	monitor.handover_fd = handover_fd;
	r = load(&monitor, &err);
	if (r < 0) {
		log_line(LOG_LEVEL_ERROR, "%s", err.text);
		return 1;
	}
	r = open_all(&monitor, pipe_fd, keeper);
	if (r == 0 && is_waiting(&monitor)) {
		go_on(&monitor, waiting_run(&monitor));
		return 0;
	}
	while (r == 0 && !monitor.loop.done)
		r = monitor_run_once(&monitor);
	if (r < 0) {
		log_line(LOG_LEVEL_ERROR, "look after the container: %s", strerrordesc_np(-r));
		return 1; /* the keeper tries again */
	}
	if (monitor.is_leaving)
		leave(&monitor);
	else
		end(&monitor);
	return 0;
}
