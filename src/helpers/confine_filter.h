/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The system calls that unpacking takes, or a program that only computes. */
#ifndef SYSC_HELPERS_CONFINE_FILTER_H
#define SYSC_HELPERS_CONFINE_FILTER_H

#include <stdbool.h>

struct error;

/*
 * Allows those, and threads; runs: and to become a program, which inherits all of this. Answers EPERM to all
 * others, for good (seccomp(2)). no_new_privs must be set.
 */
int confine_filter_load(bool runs, struct error *err);

#endif
