/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a guest wrote, made fit for a terminal: it must not move the cursor, set titles, answer
 * queries or load keys.
 */
#ifndef SYSC_TOOLS_HARMLESS_H
#define SYSC_TOOLS_HARMLESS_H

#include <stddef.h>

struct text;

/* Zeroed at the beginning of a stream; carries a sequence from one chunk to the next. */
struct harmless {
	enum {
		HARMLESS_PLAIN,
		HARMLESS_ESCAPE,  /* after ESC */
		HARMLESS_CONTROL, /* in ESC [ … */
		HARMLESS_STRING,  /* in ESC ] …, ESC P … and the like, up to BEL or ESC \ */
		HARMLESS_STRING_END,
	} state;
	unsigned char utf8[4];
	size_t have, need; /* bytes of a UTF-8 sequence */
};

/*
 * Adds count bytes to out without escape sequences; carriage returns go, other control characters
 * are shown as ^X, what is not UTF-8 (8-bit controls are not) as '?'. Newlines and tabs stay.
 */
void harmless_add(struct harmless *harmless, const char *bytes, size_t count, struct text *out);

#endif
