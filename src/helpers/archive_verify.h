/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an archive of sysc-export must be (storage/manifest.h): its members in their order, and its list the
 * same as what was unpacked. Runs in the confined child only.
 */
#ifndef SYSC_HELPERS_ARCHIVE_VERIFY_H
#define SYSC_HELPERS_ARCHIVE_VERIFY_H

#include "storage/manifest_list.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct archive;
struct archive_entry;
struct archive_item;
struct error;

#define VERIFY_BLOCK 131072

#define VERIFY_LAST UINT64_MAX

/* What must come next. */
enum verify_stage {
	STAGE_MANIFEST,
	STAGE_CONFIG,
	STAGE_TREE,
	STAGE_OVER
};

/* What it is held against; the files are the caller's. */
struct verify_files {
	FILE *base;     /* the kept list of what an increment is to; NULL: none */
	FILE *unpacked; /* empty: the lines of what is unpacked are gathered here */
	FILE *save;     /* gets manifest and list, as they are kept */
	int head_fd; /* not -1: manifest and configuration of each part are written here, and that is all */
	bool is_first_only; /* of the first part */
	uint64_t part;      /* which of its parts is wanted, from 0; VERIFY_LAST */
	bool is_alone;      /* an increment is taken without what it is to: nothing is written */
};

/* Zeroed, then verify_init(). Pair: verify_done(). */
struct verify {
	struct archive *reader;
	const struct verify_files *files;
	/* Told of what an increment says is gone; NULL. */
	int (*remove)(void *user, const char *path, struct error *err);
	void *user;
	enum verify_stage stage;
	uint64_t part;            /* that is read */
	bool is_skipped;          /* it is not the one that is wanted */
	struct manifest manifest; /* of that part */
	size_t handed;            /* bytes of heads; they are kept in memory */
	struct list_writer unpacked;
	char block[VERIFY_BLOCK]; /* of a member that is no file of the tree */
};

void verify_init(struct verify *verify, struct archive *reader, const struct verify_files *files);
void verify_done(struct verify *verify);

/*
 * Which of the members this is, and whether it may stand here. 1: it is of the tree, and item->path and
 * item->hard_link are below its root now; 0: it was another, and was read. -ENOMSG: no archive of sysc-export.
 */
int verify_member(struct verify *verify, struct archive_entry *entry, struct archive_item *item,
                  struct error *err);
/* Adds what was unpacked to what the list must come to. */
int verify_count(struct verify *verify, const struct manifest_entry *what, struct error *err);
/* Whether all that is wanted was read, though more may follow. */
bool verify_is_done(const struct verify *verify);
/* At the end of the archive: whether all of it was there. */
int verify_end(const struct verify *verify, struct error *err);

#endif
