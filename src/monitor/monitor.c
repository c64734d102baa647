/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Looking after one container, and what is to be done when it ends; see the header. */
#include "monitor/monitor.h"

#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/log.h"
#include "base/parse.h"
#include "cgroup/cgroup.h"
#include "monitor/ask.h"
#include "monitor/protocol.h"
#include "monitor/server.h"
#include "network/network.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#define TTY_RING_BYTES   8192
#define REMOVE_CGROUP_MS 10000

int monitor_set_phase(struct monitor *monitor, enum state_phase phase, struct error *err)
{
	monitor->state.phase = phase;
	monitor->state.since_ms = 0; /* now */
	return state_write(monitor->handover.run_dir, &monitor->state, err);
}

enum state_phase monitor_awake_phase(const struct monitor *monitor)
{
	return monitor->no_reboot ? STATE_STOPPING : STATE_RUNNING;
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

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		int r;

		if (kinds[i].how != how)
			continue;
		(void)snprintf(monitor->state.stop_who, sizeof(monitor->state.stop_who), "%s, %s",
		               kinds[i].name, who);
		monitor->no_reboot = how != PROTOCOL_REBOOT;
		log_line(LOG_LEVEL_INFO, "%s, signal %d", monitor->state.stop_who, kinds[i].signal);
		r = ask_init(monitor, kinds[i].signal, err);
		return r < 0 ? r : monitor_set_phase(monitor, monitor_awake_phase(monitor), err);
	}
	return fail(err, EINVAL, "stop of kind %d", how);
}

/* Who ended it, when nobody asked us: reboot(2) in a pid namespace ends init by one of two signals. */
static void note_reason(struct monitor *monitor, int status)
{
	struct state *state = &monitor->state;

	state->stop_status = status;
	state->stopped_ms = state_now_ms();
	if (state->stop_who[0])
		return;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGHUP)
		(void)snprintf(state->stop_who, sizeof(state->stop_who), "the guest (reboot)");
	else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGINT)
		(void)snprintf(state->stop_who, sizeof(state->stop_who),
		               "the guest (poweroff or halt)");
	else
		(void)snprintf(state->stop_who, sizeof(state->stop_who), "the guest (init ended)");
}

static int reap(struct monitor *monitor)
{
	siginfo_t info = {0};

	if (waitid(P_PIDFD, (id_t)monitor->handover.pidfd, &info, WEXITED) < 0)
		return -1;
	if (info.si_code == CLD_EXITED)
		return (info.si_status & 0xff) << 8;
	return info.si_status & 0x7f;
}

static void remove_links(struct monitor *monitor)
{
	struct network network = {.count = monitor->state.link_count};
	struct error err = {0};

	for (unsigned int i = 0; i < network.count; i++)
		(void)snprintf(network.links[i].host_name, sizeof(network.links[i].host_name), "%s",
		               monitor->state.links[i]);
	if (network_detach(&network, &err) < 0)
		log_line(LOG_LEVEL_WARN, "%s", err.text);
}

/* The counter goes with the cgroup. */
static void note_oom_kills(struct monitor *monitor, const struct cgroup *cgroup)
{
	struct cgroup_usage usage = {.oom_kills = LIMIT_UNSET};

	/* without a memory controller it stays unknown */
	(void)cgroup_usage_of(&cgroup->host, cgroup->path, CGROUP_PART_MORE, &usage);
	monitor->state.stop_oom_kills = usage.oom_kills;
	if (usage.oom_kills != LIMIT_UNSET && usage.oom_kills)
		log_line(LOG_LEVEL_WARN, "out of memory: %llu processes were killed",
		         (unsigned long long)usage.oom_kills);
}

static void remove_cgroup(struct monitor *monitor)
{
	struct error err = {0};
	CLEAN(cgroup_close) struct cgroup cgroup;
	int r;

	cgroup_init(&cgroup);
	monitor->state.stop_oom_kills = LIMIT_UNSET;
	r = cgroup_open(&cgroup, monitor->state.cgroup, &err);
	if (r == 0)
		note_oom_kills(monitor, &cgroup);
	if (r == 0)
		r = cgroup_remove(&cgroup, REMOVE_CGROUP_MS, &err);
	if (r < 0)
		log_line(LOG_LEVEL_WARN, "%s", err.text);
}

/* Everything that the start made outside of the container. */
static void clean_up(struct monitor *monitor)
{
	for (unsigned int i = 0; i < monitor->handover.tty_count; i++)
		terminal_drain(&monitor->terminals[i]);
	server_flush(monitor);
	remove_links(monitor);
	remove_cgroup(monitor);
}

static bool wants_reboot(const struct monitor *monitor, int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGHUP && !monitor->no_reboot;
}

/* The same process goes on as sysc, which starts the container anew and hands over to us again. */
static void become_sysc(struct monitor *monitor, const char *verb, const char *option)
{
	struct handover *handover = &monitor->handover;
	char *argv[] = {handover->program,
	                (char *)(uintptr_t)verb,
	                (char *)(uintptr_t)option,
	                (char *)(uintptr_t) "-P",
	                handover->store,
	                handover->name,
	                NULL};
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)execv(handover->program, argv);
	log_line(LOG_LEVEL_ERROR, "run '%s %s': %s", handover->program, verb,
	         strerrordesc_np(errno));
}

static void describe_status(int status, char *out, size_t room)
{
	char name[24];

	if (!WIFSIGNALED(status)) {
		(void)snprintf(out, room, "exit code %d", WEXITSTATUS(status));
		return;
	}
	format_signal(WTERMSIG(status), name);
	(void)snprintf(out, room, "ended by %s", name);
}

/*
 * Before STOPPED is written: then the socket of that name may be the next supervisor's. Who has connected
 * already hears the end after it was written.
 */
static void remove_socket(struct monitor *monitor)
{
	CLEAN_FREE char *path = must_printf("%s/socket", monitor->handover.run_dir);

	(void)unlink(path); /* the next start replaces it all the same */
}

static void end(struct monitor *monitor)
{
	struct error err = {0};
	int status = reap(monitor);
	bool reboot = wants_reboot(monitor, status);
	char ending[64];

	note_reason(monitor, status);
	clean_up(monitor);
	describe_status(status, ending, sizeof(ending));
	log_line(LOG_LEVEL_INFO, "%s: %s, init %s", reboot ? "rebooting" : "stopped",
	         monitor->state.stop_who, ending);
	remove_socket(monitor);
	if (monitor_set_phase(monitor, reboot ? STATE_STARTING : STATE_STOPPED, &err) < 0)
		log_line(LOG_LEVEL_ERROR, "%s", err.text);
	server_close(monitor);
	if (reboot)
		become_sysc(monitor, "start", "--supervise");
	else if (monitor->handover.ephemeral)
		become_sysc(monitor, "destroy", "--quiet");
	if (reboot && monitor_set_phase(monitor, STATE_STOPPED, &err) < 0)
		log_line(LOG_LEVEL_ERROR, "%s", err.text);
}

static void init_ready(struct loop_source *source, uint32_t events)
{
	struct monitor *monitor =
		(struct monitor *)((char *)source - offsetof(struct monitor, init));

	(void)events; /* a pidfd has only one */
	monitor->loop.done = true;
}

/* A service manager that ends us wants the container to end well. */
static void signal_ready(struct loop_source *source, uint32_t events)
{
	struct monitor *monitor =
		(struct monitor *)((char *)source - offsetof(struct monitor, signals));
	struct signalfd_siginfo info;
	struct error err = {0};
	char who[48];

	(void)events;
	if (read(source->fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo != SIGTERM && info.ssi_signo != SIGINT)
		return;
	(void)snprintf(who, sizeof(who), "signal %u from uid %u pid %u", info.ssi_signo,
	               info.ssi_uid, info.ssi_pid);
	if (monitor_stop(monitor, PROTOCOL_HALT, who, &err) < 0)
		log_line(LOG_LEVEL_ERROR, "%s", err.text);
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

static int open_terminals(struct monitor *monitor)
{
	struct handover *handover = &monitor->handover;

	for (unsigned int i = 0; i < handover->tty_count; i++) {
		struct terminal *terminal = &monitor->terminals[i];
		int r = terminal_open(terminal, &monitor->loop, handover->ttys[i],
		                      i ? TTY_RING_BYTES : (size_t)handover->console_buffer);

		if (r < 0)
			return r;
		terminal->changed = server_terminal_changed;
	}
	if (handover->console_log && *handover->console_log)
		terminal_log_to(&monitor->terminals[0], handover->console_log,
		                handover->console_log_size);
	return 0;
}

static int open_all(struct monitor *monitor)
{
	int r = loop_open(&monitor->loop);

	if (r == 0)
		r = open_signals(monitor);
	monitor->init = (struct loop_source){.fd = monitor->handover.pidfd, .ready = init_ready};
	if (r == 0)
		r = loop_add(&monitor->loop, &monitor->init, EPOLLIN);
	if (r == 0)
		r = open_terminals(monitor);
	if (r == 0)
		r = server_open(monitor);
	if (r == 0 && monitor->handover.client_fd >= 0)
		r = server_adopt(monitor, monitor->handover.client_fd);
	return r;
}

int monitor_run(int handover_fd)
{
	static struct monitor monitor;
	struct error err = {0};
	int r;

	handover_init(&monitor.handover);
	r = handover_read(handover_fd, &monitor.handover, &err);
	if (r == 0)
		r = state_read(monitor.handover.run_dir, &monitor.state, NULL, &err);
	if (r < 0) {
		(void)fprintf(stderr, "sysc-monitor: %s\n", err.text);
		return 1;
	}
	log_open(monitor.handover.log, LOG_LEVEL_INFO);
	r = open_all(&monitor);
	if (r < 0)
		log_line(LOG_LEVEL_ERROR, "look after the container: %s", strerrordesc_np(-r));
	while (r == 0 && !monitor.loop.done) {
		r = loop_run_once(&monitor.loop, ask_timeout_ms(&monitor));
		ask_again(&monitor);
	}
	end(&monitor);
	return r < 0;
}
