/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How the root file system of a container is kept, and how big it is, for sysc-info. */
#ifndef SYSC_TOOLS_STORAGE_ROWS_H
#define SYSC_TOOLS_STORAGE_ROWS_H

#include <stdbool.h>

struct config;
struct json;
struct text;

/* "Storage:" and, where that is known without a walk, "Disk use:"; is_raw: bytes, without the limit. */
void storage_rows_print(const struct config *config, bool is_raw, struct text *out);
/* The object "storage"; null where there is none, members null that are not known. */
void storage_rows_json(const struct config *config, struct json *json);

#endif
