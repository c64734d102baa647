/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the supervisor knows besides the state file: text in a memfd ("key value" lines), with the numbers
 * of the fds that stay open. Made by the start, read by the sysc-monitor that it becomes, and from then on
 * the memory of the pair keeper and worker (keeper.h): what must outlive either of them is written there.
 * Keys that are not known are skipped, those that are missing keep their default, so that a newer or older
 * sysc-monitor reads it too.
 */
#ifndef SYSC_MONITOR_HANDOVER_H
#define SYSC_MONITOR_HANDOVER_H

#include "monitor/restart.h"
#include "runtime/console.h"

#include <stdbool.h>
#include <stdint.h>

struct error;

/* What the keeper does when the worker is gone. Numbers of the text: never given anew. */
enum handover_next {
	HANDOVER_NEXT_WORKER = 0, /* a new worker: the last one died */
	HANDOVER_NEXT_END = 1,    /* the container ended and was cleaned up */
	HANDOVER_NEXT_START = 2,  /* it is started anew, by the same process */
	HANDOVER_NEXT_DESTROY = 3,
	HANDOVER_NEXT_UPGRADE = 4, /* the program is exchanged for the installed one */
};

struct handover {
	char *name, *store, *run_dir; /* container */
	char *log;                    /* LOG/NAME.log */
	char *console_log;            /* "" when nothing is to be kept */
	char *program;                /* sysc itself, for a reboot */
	char *monitor;                /* sysc-monitor as it is installed, for an upgrade */
	uint64_t console_log_size, console_buffer;
	uint64_t asked_signal; /* what init has yet to hear (ask.h), 0: nothing */
	uint64_t next;         /* enum handover_next */
	uint64_t exit_code;    /* of the keeper with HANDOVER_NEXT_END */
	uint64_t ready;        /* enum boot_ready */
	char *ready_command;   /* READY_COMMAND */
	uint64_t ready_timeout_ms;
	bool ready_wants_route;       /* READY_NETWORK */
	struct restart_policy policy; /* [boot] restart… */
	char *health_command;         /* "": no checks */
	uint64_t health_interval_ms, health_timeout_ms, health_retries;
	uint64_t health_action; /* enum health_action */
	bool is_asked;     /* somebody on the host wants it to stop or reboot: state.stop_who */
	bool is_unhealthy; /* it is being stopped to be started again */
	bool has_deadline; /* we kill it ourselves after stop.timeout: nobody else waits for it */
	bool no_reboot;    /* a stop or kill was asked for: a reboot inside is a stop */
	bool ephemeral;
	int pidfd; /* of init, -1: it is yet to be started again (state.restart_at_ms) */
	int listen_fd;
	int ready_fd; /* READY_NETWORK: netlink, READY_NOTIFY: the socket that init writes to; -1 none */
	int client_fd; /* a client of the console that is there from the start; -1 none */
	int memory_fd; /* what the terminals hold (terminal.h), -1 none */
	int ttys[1 + CONSOLE_TTYS_MAX];
	unsigned int tty_count;
};

void handover_init(struct handover *handover);
/* Frees the texts; the fds are the caller's business. */
void handover_done(struct handover *handover);
/* Puts it into a new memfd and lets it and every fd named pass an exec. Returns the memfd. */
int handover_write(const struct handover *handover, struct error *err);
/* Replaces what is in the memfd, by one write: a process that is killed leaves the old or the new. */
int handover_update(int fd, const struct handover *handover, struct error *err);
/*
 * Reads it; handover must be empty. From now on the memfd and every fd named are closed by an exec.
 * Does not move the file's offset, which all who hold the memfd share.
 */
int handover_read(int fd, struct handover *handover, struct error *err);
/* Before an exec that is to take all fds along: takes close-on-exec off them. */
int handover_pass(int fd, const struct handover *handover, struct error *err);

#endif
