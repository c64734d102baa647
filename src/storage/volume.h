/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Running the programs of lvm and zfs, and names of volumes. Private to src/storage. */
#ifndef SYSC_STORAGE_VOLUME_H
#define SYSC_STORAGE_VOLUME_H

#include <stdarg.h>
#include <stdbool.h>

struct error;
struct storage;
struct text;

/*
 * Runs a program with its words, ended by NULL, at most five minutes. Its standard output is put into
 * out (may be NULL). An exit code other than 0 is -EIO with what it said.
 */
int volume_run(struct text *out, struct error *err, const char *program, ...)
	__attribute__((sentinel));
/* -EOPNOTSUPP with what to install when the program is not there. */
int volume_need(const char *program, const char *package, struct error *err);

/* Whose a volume is, by the mark that it carries. */
enum volume_owner {
	VOLUME_ABSENT,
	VOLUME_OWN,     /* of this container */
	VOLUME_OTHER,   /* of another container */
	VOLUME_FOREIGN, /* no mark of ours */
};

/*
 * Gives storage its only part: base, or base-2, base-3 … where another container has that name, as one that was
 * renamed has. look tells whose a place is, < 0 with err when that cannot be told. -EEXIST: base is
 * somebody else's.
 */
int volume_choose(struct storage *storage, const char *base,
                  int (*look)(const struct storage *storage, struct error *err), struct error *err);

#endif
