/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the translation has found until now: values, and remarks; see lxc_translate.h. */
#include "base/cleanup.h"
#include "base/error.h"
#include "container/config.h"
#include "container/ini_file.h"
#include "container/keys.h"
#include "container/lxc_translate.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define REMARK_MAX 300 /* bytes of a foreign value in a remark */

void lxc_lines_done(struct lxc_lines *lines)
{
	free(lines->items);
	*lines = (struct lxc_lines){0};
}

void lxc_lines_add(struct lxc_lines *lines, const struct lxc_line *line)
{
	lines->items = must_realloc(lines->items, (lines->count + 1) * sizeof(*lines->items));
	lines->items[lines->count++] = *line;
}

const char *lxc_keep(struct lxc_translation *t, char *string)
{
	return lxc_reader_keep(&t->reader, string);
}

/* --- remarks --- */

/* Nothing that a terminal obeys, and not a whole page. */
static char *harmless(const char *string)
{
	size_t length = strlen(string);
	bool is_long = length > REMARK_MAX;
	char *copy;

	if (is_long)
		for (length = REMARK_MAX; length && ((unsigned char)string[length] & 0xc0) == 0x80;)
			length--; /* no half of a character */
	copy = must_printf("%.*s%s", (int)length, string, is_long ? "…" : "");
	for (char *at = copy; *at; at++)
		if ((unsigned char)*at < ' ' || *at == 127)
			*at = '?';
	return copy;
}

static void add_remark(struct lxc_remarks *remarks, const struct lxc_line *line, char *text)
{
	remarks->items =
		must_realloc(remarks->items, (remarks->count + 1) * sizeof(*remarks->items));
	remarks->items[remarks->count++] = (struct lxc_remark){
		.file = harmless(line->file),
		.line = line->number,
		.key = harmless(line->key),
		.value = harmless(line->value),
		.text = text,
		.order = line->order,
		.row = line->row,
	};
}

static char *format_text(const char *format, va_list arguments)
{
	char text[ERROR_TEXT_MAX];

	(void)vsnprintf(text, sizeof(text), format, arguments);
	return harmless(text);
}

void lxc_leave(struct lxc_translation *t, const struct lxc_line *line, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	add_remark(&t->out->left, line, format_text(format, arguments));
	va_end(arguments);
}

void lxc_note(struct lxc_translation *t, const struct lxc_line *line, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	add_remark(&t->out->notes, line, format_text(format, arguments));
	va_end(arguments);
}

static int by_order(const void *a, const void *b)
{
	const struct lxc_remark *left = a, *right = b;

	if (left->order != right->order)
		return left->order < right->order ? -1 : 1;
	return strcmp(left->text, right->text);
}

void lxc_remarks_sort(struct lxc_remarks *remarks)
{
	if (remarks->count)
		qsort(remarks->items, remarks->count, sizeof(*remarks->items), by_order);
}

static void free_remark(struct lxc_remark *remark)
{
	free(remark->file);
	free(remark->key);
	free(remark->value);
	free(remark->text);
}

void lxc_forget(struct lxc_translation *t, const struct lxc_row *row)
{
	struct lxc_remarks *left = &t->out->left;
	size_t kept = 0;

	for (size_t i = 0; i < left->count; i++) {
		if (left->items[i].row == row)
			free_remark(&left->items[i]);
		else
			left->items[kept++] = left->items[i];
	}
	left->count = kept;
}

static void remarks_done(struct lxc_remarks *remarks)
{
	for (size_t i = 0; i < remarks->count; i++)
		free_remark(&remarks->items[i]);
	free(remarks->items);
}

void lxc_config_done(struct lxc_config *config)
{
	text_done(&config->text);
	remarks_done(&config->left);
	remarks_done(&config->notes);
	free(config->rootfs);
	strings_done(&config->map);
	free(config->hostname);
	free(config->snippet);
	*config = (struct lxc_config){.text = {0}};
}

/* --- values --- */

void lxc_drop(struct lxc_translation *t, size_t nth)
{
	t->value_count--;
	memmove(&t->values[nth], &t->values[nth + 1], (t->value_count - nth) * sizeof(*t->values));
}

void lxc_clear(struct lxc_translation *t, const char *section, const char *name)
{
	for (size_t i = t->value_count; i-- > 0;)
		if (text_is(t->values[i].section, section) &&
		    (!name || text_is(t->values[i].name, name)))
			lxc_drop(t, i);
}

const struct lxc_value *lxc_find(const struct lxc_translation *t, const char *section,
                                 const char *name)
{
	for (size_t i = 0; i < t->value_count; i++)
		if (text_is(t->values[i].section, section) && text_is(t->values[i].name, name))
			return &t->values[i];
	return NULL;
}

/* An INI file says it as it is: not all that LXC takes can be written there. */
static bool can_be_written(const char *name, const char *value)
{
	CLEAN_FREE char *text = must_printf("%s = %s", name, value);
	CLEAN_FREE struct ini_line *line = must_alloc(sizeof(*line));

	return ini_line_parse(line, text, strlen(text)) == INI_VALUE && text_is(line->name, name) &&
	       text_is(line->value, value);
}

bool lxc_set(struct lxc_translation *t, const char *section, const char *name, const char *value,
             const struct lxc_line *line)
{
	const struct key *key = keys_find(section, name);
	struct error err = {0};

	if (!can_be_written(name, value)) {
		lxc_leave(t, line,
		          "it cannot be written into an INI file (a blank and ';', or too long)");
		return false;
	}
	if (!*value || config_check_value(section, name, value, &err) < 0) {
		lxc_leave(t, line, "%s.%s: %s", section, name, *value ? err.text : "empty");
		return false;
	}
	if (!key || key->type != KEY_LIST)
		lxc_clear(t, section, name);
	t->values = must_realloc(t->values, (t->value_count + 1) * sizeof(*t->values));
	t->values[t->value_count++] = (struct lxc_value){
		.section = lxc_keep(t, must_dup(section)),
		.name = lxc_keep(t, must_dup(name)),
		.value = lxc_keep(t, must_dup(value)),
		.from = *line,
	};
	return true;
}

void lxc_format_size(uint64_t bytes, char out[LXC_SIZE_ROOM])
{
	static const char units[] = "\0KMGT";
	unsigned int unit = 0;

	for (; bytes && bytes % 1024 == 0 && unit < sizeof(units) - 2; unit++)
		bytes /= 1024;
	(void)snprintf(out, LXC_SIZE_ROOM, "%llu%.1s", (unsigned long long)bytes, &units[unit]);
}

bool lxc_set_row(struct lxc_translation *t, const struct lxc_row *row, const char *value,
                 const struct lxc_line *line)
{
	const char *dot = strchr(row->to, '.');
	CLEAN_FREE char *section = must_printf("%.*s", (int)(dot - row->to), row->to);

	return lxc_set(t, section, dot + 1, value, line);
}
