/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A copy of the running program that nobody can write to. Root of a privileged container is root of the
 * host's files: through /proc/PID/exe of a process of ours that is inside it could write to the sysc
 * binary. So commands that put a process into such a container run from a sealed copy in memory.
 */
#ifndef SYSC_TOOLS_SEAL_H
#define SYSC_TOOLS_SEAL_H

struct call;
struct error;
struct strings;

/* Begins an argv for seal_program(): "sysc", the verb, and the options of call that all commands have. */
void seal_begin(struct strings *argv, const struct call *call, const char *verb);

/*
 * Goes on as argv (argv[0] "sysc", then the verb and all its words) from a sealed memfd (memfd_create(2)),
 * unless this process runs from one already: then it returns 0 at once. Otherwise returns only on failure.
 */
int seal_program(const struct strings *argv, struct error *err);

/* The same with the words of call, for a command that works on one container. */
int seal_call(const struct call *call, struct error *err);

#endif
