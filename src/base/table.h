/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rows of named values that print as an aligned table, as JSON or as plain lines, from one description.
 */
#ifndef SYSC_BASE_TABLE_H
#define SYSC_BASE_TABLE_H

#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

/* A JSON writer: commas, quotes and indentation are its business. Every value takes the key of the
 * object it is in, NULL inside an array and for the outermost one, behind which a line ends. What is
 * not UTF-8 is printed as U+FFFD. */
struct json {
	struct text text;
	unsigned int depth;
	bool need_comma;
	bool is_flat; /* all on one line: set before the first value */
};

void json_done(struct json *json);
void json_object(struct json *json, const char *key);
void json_array(struct json *json, const char *key);
void json_end_object(struct json *json);
void json_end_array(struct json *json);
void json_string(struct json *json, const char *key, const char *value); /* NULL: null */
void json_number(struct json *json, const char *key, int64_t value);
void json_unsigned(struct json *json, const char *key, uint64_t value);
/* value / 10^places, with that many places: 125 and 2 print 1.25 */
void json_decimal(struct json *json, const char *key, uint64_t value, unsigned int places);
void json_bool(struct json *json, const char *key, bool value);
void json_null(struct json *json, const char *key);

/* A table of text cells; every row has as many cells as there are columns. */
struct table {
	const char *const *columns; /* titles, ended by NULL */
	struct strings cells;
};

void table_done(struct table *table);
void table_cell(struct table *table, const char *value); /* "" and NULL: "-"; controls: "?" */
/* Left-aligned, two blanks between columns, no blanks at the end of a line. Width counts UTF-8. */
void table_print(const struct table *table, bool with_titles, struct text *out);

#endif
