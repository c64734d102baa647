/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A command inside a running container:
 *
 *   caller      -- clone -->  helper: its cgroups, its namespaces (setns(2) by init's pidfd)
 *                             -- clone, same parent -->  command: pty, user, capabilities, seccomp, exec
 *
 * The caller stays outside and never has a namespace of the container; the command is its child.
 */
#ifndef SYSC_RUNTIME_ATTACH_H
#define SYSC_RUNTIME_ATTACH_H

#include "base/text.h"

#include <stdbool.h>
#include <sys/types.h>

struct container;
struct error;

struct attach_options {
	char *const *argv;       /* NULL or empty: the user's shell */
	const char *user;        /* name or number; NULL: root */
	const char *cwd;         /* NULL: the user's home, or / */
	struct strings env;      /* NAME=value, on top of the clean environment */
	char *const *caller_env; /* --keep-env: what to start from instead; else NULL */
	const char *term;        /* TERM of the clean environment, NULL: none */
	unsigned int namespaces; /* CLONE_NEW… to enter, 0: all */
	bool keep_capabilities, keep_cgroup, no_seccomp, no_label; /* --elevated */
	bool no_new_privileges;
	bool keep_group; /* without a terminal: stays in the caller's session and process group */
	bool stream_is_tty[3]; /* these get a pty of the container instead of the caller's fd */
};

struct attached {
	pid_t pid; /* the command, a child of the caller */
	int pidfd;
	int ptx_fd; /* -1 when no stream is a tty */
};

/*
 * Returns when the command was executed. err->code tells apart ESRCH (not running) and, with *is_exec
 * true, why exec failed (ENOENT: no such command, others: not executable).
 */
int attach_start(const struct container *container, const struct attach_options *options,
                 struct attached *out, bool *is_exec, struct error *err);

#endif
