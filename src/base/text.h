/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Growing strings, lists of strings, and comparing names. Out of memory ends in a clean abort(). */
#ifndef SYSC_BASE_TEXT_H
#define SYSC_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* A growing string: zeroed is empty; data is NULL or terminated; free with text_done(). */
struct text {
	char *data;
	size_t length, room;
};

void text_done(struct text *text);
void text_add(struct text *text, const char *string);
void text_add_bytes(struct text *text, const void *bytes, size_t count);
/* Removes that many bytes at its start. */
void text_drop(struct text *text, size_t count);
void text_addf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Hands the string out ("" when empty); the caller frees it, the text is empty again. */
char *text_take(struct text *text);

/* A list of owned strings, always ended by NULL (items itself is NULL while nothing was added). */
struct strings {
	char **items;
	size_t count;
};

void strings_done(struct strings *list);
void strings_add(struct strings *list, const char *string);
/* The list takes ownership of string. */
void strings_give(struct strings *list, char *string);
bool strings_has(const struct strings *list, const char *string);
void strings_sort(struct strings *list);
/* Splits at any of the characters in separators, drops empty parts, adds the rest. */
void strings_split(struct strings *list, const char *string, const char *separators);
/*
 * Splits a command line: blanks separate, '…' and "…" keep blanks, backslash keeps the next
 * character (not inside '…'). No variables, no globs. -EINVAL when a quote is not closed.
 */
int strings_split_command(struct strings *list, const char *line);

/* As malloc/strdup/asprintf, but never NULL. */
void *must_alloc(size_t size); /* zeroed */
void *must_realloc(void *pointer, size_t size);
char *must_dup(const char *string);
char *must_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

bool text_is(const char *a, const char *b); /* equal; NULL equals nothing */
bool text_starts(const char *string, const char *prefix);
bool text_ends(const char *string, const char *suffix);
/* Whether path is in the folder, at any depth, and not the folder itself; both absolute, without "." and "..". */
bool text_is_below(const char *path, const char *folder);
/* True when string holds a control character (below 32, but for tab when tabs are allowed; 127). */
bool text_has_control(const char *string, bool allow_tab);
/* Cuts blanks at both ends, in place; returns the first character kept. */
char *text_trim(char *string);
/*
 * The name in candidates (ended by NULL) most like word, when it is like enough to suggest
 * ("did you mean"); otherwise NULL. Distance counts insert, delete, replace and swap.
 */
const char *text_nearest(const char *word, const char *const *candidates);
/* FNV-1a, 64 bit: for stable short names, never for security. */
unsigned long long text_hash(const char *string);

#endif
