/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Running the programs of lvm and zfs. Private to src/storage. */
#ifndef SYSC_STORAGE_VOLUME_H
#define SYSC_STORAGE_VOLUME_H

#include <stdarg.h>

struct error;
struct text;

/*
 * Runs a program with its words, ended by NULL, at most five minutes. Its standard output is put into
 * out (may be NULL). An exit code other than 0 is -EIO with what it said last.
 */
int volume_run(struct text *out, struct error *err, const char *program, ...)
	__attribute__((sentinel));
/* -EOPNOTSUPP with what to install when the program is not there. */
int volume_need(const char *program, const char *package, struct error *err);

#endif
