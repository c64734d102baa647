/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which init a guest has, and what that init wants: signals, a read-only /sys. */
#ifndef SYSC_RUNTIME_INIT_H
#define SYSC_RUNTIME_INIT_H

#include <stdbool.h>

struct error;

struct init_kind {
	const char *name;    /* "systemd" */
	const char *program; /* last part of the path that init resolves to; NULL: any other */
	int halt_signal, reboot_signal;
	bool sys_readonly; /* udevd gets no events in a user namespace: keep it from starting */
	bool wants_ttys;   /* reads container_ttys= */
};

/*
 * Finds the kind of the program at path (absolute, as PID 1 would run it) below root_fd, following
 * symlinks inside it. -ENOENT, -EACCES (not executable) with a text that names the path and what to do.
 */
int init_detect(int root_fd, const char *path, const struct init_kind **out, struct error *err);

#endif
