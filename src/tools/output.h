/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a command says: results on stdout, errors and notes on stderr, and the exit code that fits an
 * error. Each call is one write(2), so that lines of commands that run side by side stay whole.
 */
#ifndef SYSC_TOOLS_OUTPUT_H
#define SYSC_TOOLS_OUTPUT_H

#include <stddef.h>

struct call;
struct error;
struct json;
struct strings;
struct text;

/*
 * "PROGRAM: [NAME: ]text" on stderr; returns the exit code that fits err->code: ENOENT while the
 * container name is not defined is 3, EBUSY and ESRCH 4, ETIMEDOUT 5, all else 1. A command that
 * knows better returns its own.
 */
int output_error(const struct call *call, const char *name, const struct error *err);
/* As output_error(), but every line of errors where there are any (those of a configuration). */
int output_errors(const struct call *call, const char *name, const struct strings *errors,
                  const struct error *err);
/* "PROGRAM: text (see PROGRAM --help)" on stderr; returns EXIT_USAGE. */
int output_usage(const struct call *call, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* One line on stdout unless -q. */
void output_line(const struct call *call, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* "PROGRAM: text" on stderr unless -q. */
void output_note(const struct call *call, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Data on stdout, -q or not. EXIT_DONE, or EXIT_FAILED when it cannot be written (said on stderr). */
int output_text(const struct call *call, const struct text *text);
/* A finished document. */
int output_json(const struct call *call, const struct json *json);

/* Where a line of progress is drawn (base/progress.h): -1 with -q and --json, and where several work side by side. */
int output_progress_fd(const struct call *call);

/* Starts the one document of --json: an object that has "schema": 1. */
void output_json_begin(struct json *json);

#endif
