/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The system calls that unpacking takes. */
#ifndef SYSC_HELPERS_ARCHIVE_FILTER_H
#define SYSC_HELPERS_ARCHIVE_FILTER_H

struct error;

/*
 * Allows those, and threads, and answers EPERM to all others, for good (seccomp(2)). no_new_privs must be set.
 */
int archive_filter_load(struct error *err);

#endif
