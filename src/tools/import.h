/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One import: what cmd_import.c shares with the kinds of input there are (import_archive.h, import_plain.h).
 * Each has a prepare function, which sets up a creation (creation.h) before anything is made.
 */
#ifndef SYSC_TOOLS_IMPORT_H
#define SYSC_TOOLS_IMPORT_H

#include "base/text.h"
#include "storage/manifest.h"
#include "tools/import_config.h"
#include "tools/import_input.h"

#include <stdbool.h>

struct call;

struct import {
	const struct call *call;
	struct import_input input;
	const char *base; /* -f: the configuration instead of what comes with it; NULL: none */
	bool trust, keep; /* the options */

	bool is_export; /* manifest and config are its own */
	struct manifest manifest;
	struct text config;
	struct import_config taken;
	char *origin, *snippet, *program; /* what the creation only points to */
};

#endif
