/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Printing values as JSON and as aligned columns. Nothing here writes to a stream: callers do. */
#include "base/table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/*
 * The length of the UTF-8 sequence at s (RFC 3629: shortest form, no surrogates, at most U+10FFFF);
 * 0 when there is none.
 */
static size_t sequence_length(const unsigned char *s)
{
	size_t length;
	unsigned char low = 0x80, high = 0xbf;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 0;
	length = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	/* the second byte has narrower bounds after some first bytes */
	if (s[0] == 0xe0)
		low = 0xa0;
	if (s[0] == 0xed)
		high = 0x9f;
	if (s[0] == 0xf0)
		low = 0x90;
	if (s[0] == 0xf4)
		high = 0x8f;
	if (s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if (s[i] < 0x80 || s[i] > 0xbf)
			return 0;
	return length;
}

/* A quoted JSON string (RFC 8259). What is not UTF-8 becomes U+FFFD, so that parsers take the rest. */
static void add_quoted(struct text *out, const char *string)
{
	static const char short_escapes[] = "\b\f\n\r\t\"\\", short_letters[] = "bfnrt\"\\";
	const unsigned char *s = (const unsigned char *)string;

	text_add(out, "\"");
	while (*s) {
		size_t length = sequence_length(s);
		const char *escape = strchr(short_escapes, *s);

		if (length == 0)
			text_add(out, "\xef\xbf\xbd");
		else if (escape)
			text_addf(out, "\\%c", short_letters[escape - short_escapes]);
		else if (*s < 32 || *s == 127)
			text_addf(out, "\\u%04x", *s);
		else
			text_add_bytes(out, s, length);
		s += length ? length : 1;
	}
	text_add(out, "\"");
}

static void new_line(struct json *json)
{
	if (json->is_flat) {
		text_add(&json->text, text_ends(json->text.data, ",") ? " " : "");
		return;
	}
	text_add(&json->text, "\n");
	for (unsigned int i = 0; i < json->depth; i++)
		text_add(&json->text, "  ");
}

/* What stands before a value: the comma, the line, the key. */
static void begin_value(struct json *json, const char *key)
{
	if (json->need_comma)
		text_add(&json->text, ",");
	if (json->depth)
		new_line(json);
	if (key) {
		add_quoted(&json->text, key);
		text_add(&json->text, ": ");
	}
	json->need_comma = true;
}

static void open_group(struct json *json, const char *key, const char *bracket)
{
	begin_value(json, key);
	text_add(&json->text, bracket);
	json->depth++;
	json->need_comma = false;
}

static void close_group(struct json *json, const char *bracket)
{
	json->depth--;
	if (json->need_comma) /* otherwise it is empty: [] */
		new_line(json);
	text_add(&json->text, bracket);
	json->need_comma = json->depth > 0;
	if (json->depth == 0)
		text_add(&json->text, "\n");
}

void json_done(struct json *json)
{
	text_done(&json->text);
	*json = (struct json){0};
}

void json_object(struct json *json, const char *key)
{
	open_group(json, key, "{");
}

void json_array(struct json *json, const char *key)
{
	open_group(json, key, "[");
}

void json_end_object(struct json *json)
{
	close_group(json, "}");
}

void json_end_array(struct json *json)
{
	close_group(json, "]");
}

void json_string(struct json *json, const char *key, const char *value)
{
	begin_value(json, key);
	if (value)
		add_quoted(&json->text, value);
	else
		text_add(&json->text, "null");
}

void json_number(struct json *json, const char *key, int64_t value)
{
	begin_value(json, key);
	text_addf(&json->text, "%" PRId64, value);
}

void json_unsigned(struct json *json, const char *key, uint64_t value)
{
	begin_value(json, key);
	text_addf(&json->text, "%" PRIu64, value);
}

void json_decimal(struct json *json, const char *key, uint64_t value, unsigned int places)
{
	uint64_t unit = 1;

	for (unsigned int i = 0; i < places; i++)
		unit *= 10;
	begin_value(json, key);
	text_addf(&json->text, "%" PRIu64 ".%0*" PRIu64, value / unit, (int)places, value % unit);
}

void json_bool(struct json *json, const char *key, bool value)
{
	begin_value(json, key);
	text_add(&json->text, value ? "true" : "false");
}

void json_null(struct json *json, const char *key)
{
	json_string(json, key, NULL);
}

void table_done(struct table *table)
{
	strings_done(&table->cells);
}

void table_cell(struct table *table, const char *value)
{
	char *cell = must_dup(value && *value ? value : "-");

	/* what came out of a guest or a file must not steer the terminal, nor break the lines */
	for (char *c = cell; *c; c++)
		if ((unsigned char)*c < 32 || *c == 127)
			*c = '?';
	strings_give(&table->cells, cell);
}

/* Characters, one column each: the bytes that do not continue a UTF-8 sequence. */
static size_t width(const char *string)
{
	size_t n = 0;

	for (; *string; string++)
		n += ((unsigned char)*string & 0xc0) != 0x80;
	return n;
}

static size_t column_count(const struct table *table)
{
	size_t n = 0;

	while (table->columns[n])
		n++;
	return n;
}

/* The widest of a column; a title counts only where titles are printed. */
static size_t column_width(const struct table *table, size_t column, size_t count, bool with_titles)
{
	size_t widest = with_titles ? width(table->columns[column]) : 0;

	for (size_t i = column; i < table->cells.count; i += count) {
		size_t w = width(table->cells.items[i]);

		if (w > widest)
			widest = w;
	}
	return widest;
}

static void print_row(const char *const *cells, size_t given, size_t count, const size_t *widths,
                      struct text *out)
{
	for (size_t i = 0; i < given; i++) {
		text_add(out, cells[i]);
		if (i + 1 < given && i + 1 < count)
			text_addf(out, "%*s", (int)(widths[i] - width(cells[i]) + 2), "");
	}
	text_add(out, "\n");
}

void table_print(const struct table *table, bool with_titles, struct text *out)
{
	size_t count = column_count(table), total = table->cells.count;
	size_t *widths = must_alloc(count * sizeof(*widths));

	for (size_t i = 0; i < count; i++)
		widths[i] = column_width(table, i, count, with_titles);
	if (with_titles)
		print_row(table->columns, count, count, widths, out);
	for (size_t i = 0; count && i < total; i += count) {
		size_t given = total - i < count ? total - i : count;

		print_row((const char *const *)table->cells.items + i, given, count, widths, out);
	}
	free(widths);
}
