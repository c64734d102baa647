/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The process that attach leaves in the container, from its birth to its exec. */
#ifndef SYSC_RUNTIME_ATTACH_COMMAND_H
#define SYSC_RUNTIME_ATTACH_COMMAND_H

#include "security/lsm.h"
#include "security/seccomp.h"

#include <stdint.h>
#include <sys/types.h>

struct attach_options;

struct attach_command {
	const struct attach_options *options;
	pid_t init_pid; /* as seen outside: its resource limits are taken over */
	uint64_t keep_capabilities;
	struct seccomp_program seccomp;
	char label[LSM_LABEL_MAX]; /* of AppArmor; "": none */
	int proc_fd;               /* the host's /proc, -1 without a label */
};

void attach_command_done(struct attach_command *command);

/* Ends in exec, or in a FAIL message and _exit(). */
void attach_command_run(const struct attach_command *command, int sync_fd)
	__attribute__((noreturn));

#endif
