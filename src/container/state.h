/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The state of a container, kept in RUN/NAME/state as "key value" lines, replaced as a whole by
 * the only writer (the supervisor) and read by everybody without asking anybody.
 */
#ifndef SYSC_CONTAINER_STATE_H
#define SYSC_CONTAINER_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct container;
struct error;

enum state_phase {
	STATE_STOPPED,
	STATE_STARTING,
	STATE_RUNNING,
	STATE_FREEZING,
	STATE_FROZEN,
	STATE_STOPPING
};

#define STATE_TEXT_MAX  512
#define STATE_LINKS_MAX 16

struct state {
	enum state_phase phase;
	pid_t init_pid, monitor_pid;
	uint64_t init_birth, monitor_birth; /* field 22 of /proc/PID/stat: tells a reused pid */
	int64_t since_ms;                   /* CLOCK_REALTIME of the last change of phase */
	int64_t started_ms;                 /* CLOCK_REALTIME of RUNNING */
	int64_t ready_ms;                   /* CLOCK_REALTIME of ready ([boot] ready), 0: not yet */
	pid_t keeper_pid; /* holds the fds and starts a new monitor when that dies, 0: none */
	uint64_t keeper_birth;
	char not_ready
		[128]; /* ready_timeout is over: what is missing; "" ready, or still in time */
	char guest_status[128]; /* what init says of itself (STATUS= of sd_notify(3)) */
	uint64_t restarts;      /* by [boot] restart, in a row */
	uint64_t restart_limit; /* as in force, UINT64_MAX: none */
	int64_t restart_at_ms; /* CLOCK_REALTIME; while STARTING: waiting for that moment, else 0 */
	char health[128];      /* "" unknown, "healthy", "unhealthy: why" */
	char unit[128];        /* of systemd: "sysc-web1.scope", "" without systemd */
	char init_kind[16];    /* systemd busybox sysvinit openrc runit other */
	int halt_signal, reboot_signal, kill_signal;
	int64_t stop_timeout_ms;
	char cgroup[256];                /* below each hierarchy: sysc/web1 */
	char id_map[STATE_TEXT_MAX];     /* "b 0 1048576 65536"; "" when privileged */
	char links[STATE_LINKS_MAX][16]; /* host side names, in the order of the config */
	unsigned int link_count;
	/* the last stop and the last failed start, kept until the next one */
	char stop_who
		[160]; /* "stop, uid 0 pid 123 (sysc stop web1)", "the guest (poweroff or halt)" */
	char stop_reason[16];    /* asked poweroff reboot exited killed oom unhealthy; "" unknown */
	char stop_decision[160]; /* what [boot] restart made of it */
	char stop_health[128];   /* health at that moment */
	int stop_status;         /* wait status of init, -1 unknown */
	int64_t stopped_ms;
	uint64_t
		stop_oom_kills; /* processes that the kernel killed for memory, UINT64_MAX unknown */
	char failure[1024];     /* "" or the text of the failed start */
	int64_t failed_ms;
};

/* STOPPED with nothing known. */
void state_init(struct state *state);

/*
 * Reads RUN/NAME/state. Absent is STOPPED, not an error. When the file says that it runs but both processes
 * of the supervisor and init are gone (killed, host reboot), phase is STOPPED, *stale (may be NULL) is true,
 * and stop_who or failure says so; stopped_ms is 0 then, since nobody saw it.
 */
int state_read(const char *run_dir, struct state *state, bool *stale, struct error *err);
/* Replaces RUN/NAME/state; makes the folder (0700) when it is absent. Changes since_ms if the phase
 * changed against what the caller passed in state->since_ms = 0. */
int state_write(const char *run_dir, struct state *state, struct error *err);

/* True when it is not STOPPED, but neither process of the supervisor lives: init does, with nobody to ask. */
bool state_is_orphan(const struct state *state);

const char *state_name(enum state_phase phase); /* "RUNNING" */
/* -EINVAL for an unknown word; any case. */
int state_parse(const char *word, enum state_phase *out);

/* Field 22 (starttime) of /proc/PID/stat; 0 when there is no such process. */
uint64_t state_process_birth(pid_t pid);
int64_t state_now_ms(void); /* CLOCK_REALTIME */

#endif
