/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From what was asked for (names, globs, --all, --group) to containers, and running one per child. */
#ifndef SYSC_TOOLS_NAMES_H
#define SYSC_TOOLS_NAMES_H

#include <stdbool.h>
#include <stddef.h>

struct call;
struct error;
struct strings;

/*
 * The containers that call asks for. Without names: all of them (--all, --group, COMMAND_LOWER). One
 * plain name is taken as it is, whether it exists or not; of several each must exist (-ENOENT, err names
 * it); a glob may match nothing.
 */
int names_expand(const struct call *call, struct strings *names, struct error *err);
/* Prints what names_expand() failed with; returns the exit code. */
int names_error(const struct call *call, const struct error *err);
/* True for *, ? and [. */
bool names_is_glob(const char *pattern);
/* True when name matches one of the patterns, or there is none. */
bool names_match(const struct strings *patterns, const char *name);

/* True when name is in all groups that call asks for; a broken configuration is in none. */
bool names_in_groups(const struct call *call, const char *name);

/* How many containers to work on side by side: --jobs, or as many as the machine does well. */
unsigned int names_jobs(const struct call *call);

/* Runs a COMMAND_MANY command on what call asks for; returns the exit code. */
int names_run(struct call *call);

#endif
