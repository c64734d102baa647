/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Use and limits of a container as lines of sysc-info and as members of JSON documents. */
#ifndef SYSC_TOOLS_USAGE_ROWS_H
#define SYSC_TOOLS_USAGE_ROWS_H

#include <stdbool.h>
#include <stdint.h>

struct cgroup_pressure;
struct cgroup_usage;
struct json;
struct text;

/* What is known, in lines as those of info_rows.h; is_raw: numbers as bytes and ns, without limits. */
void usage_rows_print(const struct cgroup_usage *usage, bool is_raw, struct text *out);
/* The object "usage". */
void usage_rows_json(const struct cgroup_usage *usage, struct json *json);

/* {"some": {"avg10": 1.25, "avg60": 0.10, "total_us": 123}, "full": {…}}, null when it is not known. */
void usage_json_pressure(const struct cgroup_pressure *pressure, const char *key,
                         struct json *json);
/* A number, null for LIMIT_UNSET. */
void usage_json_amount(struct json *json, const char *key, uint64_t value);

/* A line with a number; nothing for LIMIT_UNSET. */
void usage_rows_number(struct text *out, const char *label, uint64_t number);
/* "1.5M", or the bytes when is_raw; into out. */
const char *usage_rows_size(uint64_t bytes, bool is_raw, char out[24]);

#endif
