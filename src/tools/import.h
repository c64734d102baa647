/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One import: what cmd_import.c shares with the kinds of input there are (import_archive.h, import_plain.h).
 * Each has a prepare function, which sets up a creation (creation.h) before anything is made.
 */
#ifndef SYSC_TOOLS_IMPORT_H
#define SYSC_TOOLS_IMPORT_H

#include "tools/import_chain.h"
#include "tools/import_config.h"

#include <stdbool.h>

struct call;

struct import {
	const struct call *call;
	struct import_chain chain;
	const char *base; /* -f: the configuration instead of what comes with it; NULL: none */
	bool trust, keep; /* the options */

	struct import_link *last; /* of the chain: what the container was at last */
	struct import_config taken;
	char *origin, *snippet, *program; /* what the creation only points to */
};

#endif
