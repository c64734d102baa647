/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is taken of the configuration that an archive brings. It is somebody else's text: keys that reach out of
 * the container (KEY_ADMIN_ONLY) only come with it when the administrator trusts it.
 */
#ifndef SYSC_TOOLS_IMPORT_CONFIG_H
#define SYSC_TOOLS_IMPORT_CONFIG_H

#include "base/text.h"

#include <stdbool.h>

struct error;
struct paths;

struct import_config {
	/* the caller's to set */
	const struct paths *paths;
	const char *name;     /* of the new container */
	const char *old_name; /* that it had */
	const char *snippet;  /* "alpine": of the distribution, included already; "" none */
	bool trust;           /* admin keys, too */
	bool keep;            /* a UUID or MAC address that another container has is an error */

	/* what comes out; import_config_done() frees */
	struct text text;     /* the configuration that is taken */
	char *uuid;           /* NULL: it needs a new one */
	bool is_twin;         /* another container here has its UUID */
	struct strings left;  /* "mounts.entry = …": left out */
	struct strings notes; /* what was changed */
};

void import_config_done(struct import_config *import);
/*
 * Goes through what the archive brought; may be called again. What other containers have is only sure while the store
 * lock is held.
 */
int import_config_take(struct import_config *import, const struct text *from, struct error *err);

#endif
