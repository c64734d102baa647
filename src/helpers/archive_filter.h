/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The system calls that unpacking takes. */
#ifndef SYSC_HELPERS_ARCHIVE_FILTER_H
#define SYSC_HELPERS_ARCHIVE_FILTER_H

#include <stdbool.h>

struct error;

/*
 * Allows those, and threads where it is asked for, and answers EPERM to all others, for good (seccomp(2)).
 * no_new_privs must be set.
 */
int archive_filter_load(bool threads, struct error *err);

#endif
