/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The container's half of a start: from clone to exec, a straight line that carries out the plan. */
#ifndef SYSC_RUNTIME_CHILD_H
#define SYSC_RUNTIME_CHILD_H

struct cgroup;
struct plan;

/*
 * Runs in the child of clone3(2), ends in init's exec or in a FAIL message on sync_fd and _exit(1).
 * Order of losing power: cgroups, ids, mounts, bounding set, no_new_privs, seccomp last.
 */
void child_run(struct plan *plan, const struct cgroup *cgroup, int sync_fd)
	__attribute__((noreturn));

#endif
