/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the supervisor hands to the sysc-monitor that it becomes: text in a memfd ("key value" lines),
 * with the numbers of the fds that stay open. The rest is in the state file.
 */
#ifndef SYSC_MONITOR_HANDOVER_H
#define SYSC_MONITOR_HANDOVER_H

#include "runtime/console.h"

#include <stdbool.h>
#include <stdint.h>

struct error;

struct handover {
	char *name, *store, *run_dir; /* container */
	char *log;                    /* LOG/NAME.log */
	char *console_log;            /* "" when nothing is to be kept */
	char *program;                /* sysc itself, for a reboot */
	uint64_t console_log_size, console_buffer;
	bool ephemeral;
	int pidfd, listen_fd;
	int client_fd; /* a client of the console that is there from the start; -1 none */
	int ttys[1 + CONSOLE_TTYS_MAX];
	unsigned int tty_count;
};

void handover_init(struct handover *handover);
/* Frees the texts; the fds are the caller's business. */
void handover_done(struct handover *handover);
/* Puts it into a memfd without close-on-exec and takes that flag off every fd named. Returns the memfd. */
int handover_write(const struct handover *handover, struct error *err);
/* Reads it back in the new program and puts close-on-exec on again; closes fd. */
int handover_read(int fd, struct handover *handover, struct error *err);

#endif
