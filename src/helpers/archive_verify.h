/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an archive of sysc-export must be (storage/manifest.h): its members in their order, and its list the
 * same as what was unpacked. Runs in the confined child only.
 */
#ifndef SYSC_HELPERS_ARCHIVE_VERIFY_H
#define SYSC_HELPERS_ARCHIVE_VERIFY_H

#include "base/sha256.h"
#include "base/text.h"
#include "storage/manifest.h"

#include <stdbool.h>

struct archive;
struct archive_entry;
struct archive_item;
struct error;

#define VERIFY_BLOCK 131072

/* What must come next. */
enum verify_stage {
	STAGE_MANIFEST,
	STAGE_CONFIG,
	STAGE_TREE,
	STAGE_OVER
};

/* Zeroed but for reader and head_fd, then verify_init(). Pair: verify_done(). */
struct verify {
	struct archive *reader;
	int head_fd; /* not -1: manifest and configuration are written here */
	enum verify_stage stage;
	struct manifest manifest;
	struct sha256 sum; /* of the lines of all entries that were unpacked */
	uint64_t listed;   /* how many */
	struct text line;
	char block[VERIFY_BLOCK]; /* of a member that is no file of the tree */
};

void verify_init(struct verify *verify, struct archive *reader, int head_fd);
void verify_done(struct verify *verify);

/*
 * Which of the members this is, and whether it may stand here. 1: it is of the tree, and item->path and
 * item->hard_link are below its root now; 0: it was another, and was read. -ENOMSG: no archive of sysc-export.
 */
int verify_member(struct verify *verify, struct archive_entry *entry, struct archive_item *item,
                  struct error *err);
/* Adds what was unpacked to what the list must come to. */
void verify_count(struct verify *verify, const struct manifest_entry *what);
/* At the end of the archive: whether all of it was there. */
int verify_end(const struct verify *verify, struct error *err);

#endif
