/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The archives of one import: the first has all of a container, each that follows is an increment to the one before
 * (sysc-export --since). Without --then there is only the first.
 */
#ifndef SYSC_TOOLS_IMPORT_CHAIN_H
#define SYSC_TOOLS_IMPORT_CHAIN_H

#include "base/text.h"
#include "storage/manifest.h"
#include "tools/import_input.h"

#include <stdbool.h>
#include <stddef.h>

struct archiver_counts;
struct call;
struct error;
struct strings;

struct import_link {
	struct import_input input;
	bool is_export; /* manifest and config are its own */
	struct manifest manifest;
	struct text config;
};

struct import_chain {
	const struct call *call;
	struct import_link *links;
	size_t count;
};

/* The first FILE and those that follow. Pair: import_chain_done(). */
void import_chain_init(struct import_chain *chain, const struct call *call, const char *first,
                       const struct strings *then);
void import_chain_done(struct import_chain *chain);

/* Opens all of them and reads what they say of themselves. Errors name the file. */
int import_chain_open(struct import_chain *chain, struct error *err);
/*
 * Whether they belong together, as far as they tell: the first is no increment (is_alone: one that stands alone
 * may be), each of the others is one to that before it, all are of one container. What is missing is named.
 */
int import_chain_check(const struct import_chain *chain, bool is_alone, struct error *err);

/*
 * Gives them to sysc-archive one after the other, each with the list of what it is to; words are what it is told.
 * counts (may be NULL) has room for what it counted of each.
 */
int import_chain_run(struct import_chain *chain, const char *name, const struct strings *words,
                     int signals_fd, struct archiver_counts *counts, struct error *err);

#endif
