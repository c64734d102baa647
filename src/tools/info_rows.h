/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lines of sysc-info and the members of its JSON document. */
#ifndef SYSC_TOOLS_INFO_ROWS_H
#define SYSC_TOOLS_INFO_ROWS_H

#include <stdbool.h>

struct inspect;
struct json;
struct text;

/* Everything that is known, in lines "Label:          value"; is_raw: numbers as bytes and ns. */
void info_rows_print(const struct inspect *inspect, bool is_raw, struct text *out);
/* Only use and limits, io, network counters (-S). */
void info_rows_print_stats(const struct inspect *inspect, bool is_raw, struct text *out);
/* As members of the object that json is in. */
void info_rows_json(const struct inspect *inspect, struct json *json);
/* One line in the same form. */
void info_rows_line(struct text *out, const char *label, const char *value);

#endif
