/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Growing strings and lists of strings. Used everywhere but between clone and exec. */
#include "base/text.h"

#include "base/cleanup.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD_MAX 64 /* names longer than this are never suggested */

void *must_alloc(size_t size)
{
	void *pointer = calloc(1, size ? size : 1);

	if (!pointer)
		abort();
	return pointer;
}

void *must_realloc(void *pointer, size_t size)
{
	pointer = realloc(pointer, size);
	if (!pointer)
		abort();
	return pointer;
}

char *must_dup(const char *string)
{
	char *copy = strdup(string);

	if (!copy)
		abort();
	return copy;
}

char *must_printf(const char *format, ...)
{
	char *string = NULL;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vasprintf(&string, format, ap);
	va_end(ap);
	if (n < 0)
		abort();
	return string;
}

void text_done(struct text *text)
{
	free(text->data);
	*text = (struct text){0};
}

static void make_room(struct text *text, size_t more)
{
	size_t want = text->length + more + 1;

	if (want <= text->room)
		return;
	if (want < text->room * 2)
		want = text->room * 2;
	if (want < 64)
		want = 64;
	text->data = must_realloc(text->data, want);
	text->room = want;
}

void text_add_bytes(struct text *text, const void *bytes, size_t count)
{
	make_room(text, count);
	memcpy(text->data + text->length, bytes, count);
	text->length += count;
	text->data[text->length] = '\0';
}

void text_add(struct text *text, const char *string)
{
	text_add_bytes(text, string, strlen(string));
}

void text_drop(struct text *text, size_t count)
{
	if (!count)
		return;
	assert(count <= text->length);
	text->length -= count;
	memmove(text->data, text->data + count, text->length + 1);
}

void text_addf(struct text *text, const char *format, ...)
{
	char *string = NULL;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vasprintf(&string, format, ap);
	va_end(ap);
	if (n < 0)
		abort();
	text_add_bytes(text, string, (size_t)n);
	free(string);
}

char *text_take(struct text *text)
{
	char *string = text->data ? text->data : must_dup("");

	*text = (struct text){0};
	return string;
}

void strings_done(struct strings *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct strings){0};
}

void strings_give(struct strings *list, char *string)
{
	list->items = must_realloc(list->items, (list->count + 2) * sizeof(*list->items));
	list->items[list->count++] = string;
	list->items[list->count] = NULL;
}

void strings_add(struct strings *list, const char *string)
{
	strings_give(list, must_dup(string));
}

bool strings_has(const struct strings *list, const char *string)
{
	for (size_t i = 0; i < list->count; i++)
		if (text_is(list->items[i], string))
			return true;
	return false;
}

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strings_sort(struct strings *list)
{
	if (list->count > 1)
		qsort(list->items, list->count, sizeof(*list->items), compare_strings);
}

void strings_split(struct strings *list, const char *string, const char *separators)
{
	while (*string) {
		size_t length = strcspn(string, separators);

		if (length)
			strings_give(list, must_printf("%.*s", (int)length, string));
		string += length;
		string += strspn(string, separators);
	}
}

/* Reads one word of a command line into word; returns what follows it, NULL for an open quote. */
static const char *take_word(const char *at, struct text *word)
{
	char quote = '\0';

	for (; *at; at++) {
		if (quote ? *at == quote : (*at == '\'' || *at == '"')) {
			quote = quote ? '\0' : *at;
			continue;
		}
		if (!quote && (*at == ' ' || *at == '\t'))
			break;
		if (*at == '\\' && quote != '\'' && at[1])
			at++;
		text_add_bytes(word, at, 1);
	}
	return quote ? NULL : at;
}

int strings_split_command(struct strings *list, const char *line)
{
	for (;;) {
		CLEAN(text_done) struct text word = {0};

		line += strspn(line, " \t");
		if (!*line)
			return 0;
		line = take_word(line, &word);
		if (!line)
			return -EINVAL;
		strings_give(list, text_take(&word));
	}
}

bool text_is(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

bool text_starts(const char *string, const char *prefix)
{
	return strncmp(string, prefix, strlen(prefix)) == 0;
}

bool text_is_below(const char *path, const char *folder)
{
	size_t length = folder[1] ? strlen(folder) : 0;

	return text_starts(path, folder) && path[length] == '/' && path[length + 1];
}

bool text_ends(const char *string, const char *suffix)
{
	size_t length = strlen(string), tail = strlen(suffix);

	return length >= tail && strcmp(string + length - tail, suffix) == 0;
}

bool text_has_control(const char *string, bool allow_tab)
{
	for (; *string; string++) {
		unsigned char c = (unsigned char)*string;

		if ((c < 32 && !(c == '\t' && allow_tab)) || c == 127)
			return true;
	}
	return false;
}

char *text_trim(char *string)
{
	char *end;

	string += strspn(string, " \t\r\n");
	end = string + strlen(string);
	while (end > string && strchr(" \t\r\n", end[-1]))
		end--;
	*end = '\0';
	return string;
}

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/* Optimal string alignment distance; both words are shorter than WORD_MAX. */
static unsigned int distance(const char *a, const char *b)
{
	unsigned int rows[3][WORD_MAX + 1];
	size_t m = strlen(a), n = strlen(b);

	for (size_t j = 0; j <= n; j++)
		rows[0][j] = (unsigned int)j;
	for (size_t i = 1; i <= m; i++) {
		unsigned int *now = rows[i % 3], *last = rows[(i + 2) % 3];
		const unsigned int *before = rows[(i + 1) % 3];

		now[0] = (unsigned int)i;
		for (size_t j = 1; j <= n; j++) {
			now[j] = least(last[j - 1] + (a[i - 1] != b[j - 1]),
			               least(last[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = least(now[j], before[j - 2] + 1);
		}
	}
	return rows[m % 3][n];
}

const char *text_nearest(const char *word, const char *const *candidates)
{
	size_t length = strlen(word);
	unsigned int best = length < 4 ? 2 : length < 9 ? 3 : 4; /* must be below this */
	const char *found = NULL;

	if (length >= WORD_MAX)
		return NULL;
	for (; *candidates; candidates++) {
		unsigned int d;

		if (strlen(*candidates) >= WORD_MAX)
			continue;
		d = distance(word, *candidates);
		if (d < best) {
			best = d;
			found = *candidates;
		}
	}
	return found;
}

unsigned long long text_hash(const char *string)
{
	uint64_t hash = 0xcbf29ce484222325ULL;

	for (; *string; string++)
		hash = (hash ^ (unsigned char)*string) * 0x100000001b3ULL;
	return hash;
}
