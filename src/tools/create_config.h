/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The configuration file that sysc-create leaves. */
#ifndef SYSC_TOOLS_CREATE_CONFIG_H
#define SYSC_TOOLS_CREATE_CONFIG_H

#include "base/text.h"
#include "container/config.h"

#include <stdbool.h>

struct error;
struct paths;

struct create_config {
	const struct paths *paths;
	const char *name;
	const char *origin;           /* "sysc-create -t alpine", for the first line */
	const char *snippet;          /* file of the distribution to include, NULL: none */
	const char *uuid;             /* NULL: a new one */
	const char *base;             /* option -f, NULL: default.conf */
	const struct text *base_text; /* what base says, where it is no file; base names it */
	const struct strings *overrides;
	bool has_tree; /* something fills a new root file system */

	struct config
		merged;  /* base and overrides: what the container will be, but for paths and ids */
	char *base_file; /* what merged was read from; NULL: nothing */
};

void create_config_done(struct create_config *create);

/* Reads and checks base and overrides before anything is made. errors as config_load(). */
int create_config_read(struct create_config *create, struct strings *errors, struct error *err);

/* Whether ids must be chosen: the container is unprivileged and brings no map of its own. */
bool create_config_needs_ids(const struct create_config *create);

/*
 * Writes the file into the folder dir (which becomes STORE/NAME): rootfs is rootfs.path where that is not
 * chosen by the user, map the line of [idmap] or NULL.
 */
int create_config_write(const struct create_config *create, const char *dir, const char *rootfs,
                        const char *map, struct error *err);

#endif
