/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What went wrong, as a number and as text. An error lives on the stack or in a message: it has no
 * heap, so the child of a clone may fill it and send it. Functions that can fail take it last.
 */
#ifndef SYSC_BASE_ERROR_H
#define SYSC_BASE_ERROR_H

#include <stddef.h>

#define ERROR_TEXT_MAX 1024

/* code: a positive errno; 0 while nothing failed. text: one line, lower case, no full stop. */
struct error {
	int code;
	char text[ERROR_TEXT_MAX];
};

/*
 * Fills err with "<text>: <strerror(code)>" and returns -code. code is a positive errno; 0 counts
 * as EIO. err may be NULL. errno is left alone.
 */
int fail(struct error *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* As fail(), but the text is the whole story: no strerror() is added. */
int fail_plain(struct error *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "<text>: " in front of what err says already (where it happened); returns -err->code. */
int fail_in(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Adds " (<text>)" behind what err says (how to mend it); returns -err->code. */
int fail_hint(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Forgets what was said. */
void error_clear(struct error *err);

#endif
