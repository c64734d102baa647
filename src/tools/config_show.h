/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sysc config show: the values in force and where each comes from. */
#ifndef SYSC_TOOLS_CONFIG_SHOW_H
#define SYSC_TOOLS_CONFIG_SHOW_H

#include <stdbool.h>

struct config;
struct json;
struct text;

/* As an INI file whose comments tell file and line; with_defaults: the keys that no line sets too. */
void config_show_print(const struct config *config, bool with_defaults, struct text *out);
/* The same as members of an array. */
void config_show_json(const struct config *config, bool with_defaults, struct json *json);

#endif
