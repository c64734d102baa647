/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One import: what cmd_import.c shares with the kinds of input there are (import_archive.h, import_plain.h,
 * import_lxc.h).
 * Each has a prepare function, which sets up a creation (creation.h) before anything is made.
 */
#ifndef SYSC_TOOLS_IMPORT_H
#define SYSC_TOOLS_IMPORT_H

#include "base/text.h"
#include "container/idmap.h"
#include "container/lxc_config.h"
#include "tools/import_chain.h"
#include "tools/import_config.h"
#include "tools/import_lxc_source.h"

#include <stdbool.h>
#include <stdint.h>

struct call;

/* import_lxc.c only */
struct import_lxc {
	char *folder; /* of the container, without symlinks */
	struct lxc_config config;
	struct idmap map; /* of config */
	struct import_lxc_source source;
	struct strings snapshots; /* their names */
	uint64_t stray_count;     /* entries of the tree that belong to nobody in the map */
};

struct import {
	const struct call *call;
	struct import_chain chain;
	const char *base; /* -f: the configuration instead of what comes with it; NULL: none */
	bool trust, keep, no_snapshots; /* the options */
	char *own_name; /* what it is called where it comes from; NULL: it does not say */

	struct import_link *last;    /* of the chain: what the container was at last; NULL: none */
	struct import_lxc lxc;       /* with --lxc, in place of a chain */
	struct strings overrides;    /* of default.conf and the command line */
	const struct text *settings; /* the configuration that comes with it */
	struct import_config taken;
	char *origin, *snippet, *program; /* what the creation only points to */
};

#endif
