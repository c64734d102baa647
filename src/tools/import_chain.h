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

/* An archive, or one of the parts of it (storage/manifest.h), which are a chain themselves. */
struct import_link {
	struct import_input *input; /* one of the chain's */
	uint64_t part;              /* of that file, from 0 */
	bool is_export;             /* manifest and config are its own */
	struct manifest manifest;
	struct text config;
};

struct import_chain {
	const struct call *call;
	struct import_input *inputs;
	size_t input_count;
	struct import_link *links; /* none before import_chain_open() */
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

struct import_run {
	const char *name;            /* in front of what is noted */
	const struct strings *words; /* what sysc-archive is told */
	int signals_fd;
	struct archiver_counts *counts; /* room for those of each link; may be NULL */
	/* Called after each link; may be NULL. */
	int (*done)(void *user, const struct import_link *link, struct error *err);
	void *user;
};

/* Gives them to sysc-archive one after the other, each with the list of what it is to. */
int import_chain_run(struct import_chain *chain, const struct import_run *run, struct error *err);

#endif
