/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How differences of live.h are told: for plan and apply. */
#ifndef SYSC_TOOLS_LIVE_ROWS_H
#define SYSC_TOOLS_LIVE_ROWS_H

struct config;
struct json;
struct live;
struct live_difference;
struct table;
struct text;

/* "limits.memory"; "network.eth1" for a whole interface. The caller frees it. */
char *live_rows_key(const struct live_difference *item);
/* "512M", the values of a list with commas between; of an interface its keys; "-" for none. To be freed. */
char *live_rows_value(const struct config *config, const struct live_difference *item);

/* Cells NAME KEY RUNNING CONFIGURED APPLIES, a row for each difference. */
void live_rows_print(const struct live *live, const struct config *wanted, struct table *table);
/* The same as members of an array. */
void live_rows_json(const struct live *live, const struct config *wanted, struct json *json);

#endif
