/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One value of the configuration: from text into its field by its row of the table. For config*.c. */
#ifndef SYSC_CONTAINER_CONFIG_VALUE_H
#define SYSC_CONTAINER_CONFIG_VALUE_H

#include "container/config.h"

struct key;

#define CONFIG_NETWORKS_MAX 16
#define CONFIG_ITEMS_MAX    8192 /* values of one container, includes and all */

/* Sets every field of the row type to its default. */
void config_value_defaults(struct config *config);
/* Frees all fields of the rows, and the items. */
void config_value_done(struct config *config);

/*
 * Checks and stores a value of section.name and notes where it came from (file is owned by
 * config->files). An empty value clears a list, brings back the default of anything else. The error
 * says why, without the place.
 */
int config_value_set(struct config *config, const char *section, const char *name,
                     const char *value, const char *file, int line, struct error *err);

/* The interface of that name, NULL when there is none. */
struct network_config *config_value_network(const struct config *config, const char *section);
/* The same, added with its defaults when absent; NULL and err for a wrong name or too many. */
struct network_config *config_value_add_network(struct config *config, const char *section,
                                                struct error *err);

#endif
