/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a tree was when an earlier archive of it was made: that archive's list (storage/manifest_list.h), read side
 * by side with the walk over the tree, which has the same order. Runs in the confined child only.
 */
#ifndef SYSC_HELPERS_ARCHIVE_SINCE_H
#define SYSC_HELPERS_ARCHIVE_SINCE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct archive_counters;
struct error;
struct list_reader;
struct list_writer;
struct manifest_entry;
struct stat;

/* Zeroed: there is no earlier archive, and all is new. Pair: since_done(). */
struct since {
	struct list_reader *list;
	struct list_writer *out; /* of the increment */
	int64_t doubt_s; /* what changed from this second on may have changed after it was listed */
	bool is_met;     /* what stands next in the list is in the tree still */
	struct archive_counters *counters;
};

/* file: the kept list; borrowed, as the others. */
int since_open(struct since *since, FILE *file, struct list_writer *out,
               struct archive_counters *counters, struct error *err);
void since_done(struct since *since);

/* The walk is at path: what the list has before that is gone, and gets its line. NULL: at its end. */
int since_reach(struct since *since, const char *path, struct error *err);
/* What was at the path that was reached; NULL: nothing. */
const struct manifest_entry *since_entry(const struct since *since, const char *path);
/*
 * Adds the line of what is at that path now. is_kept: it is not in the archive, since it is as it was. What
 * became another type gets the line of what is gone before that.
 */
int since_add(struct since *since, const struct manifest_entry *what, bool is_kept,
              struct error *err);

/*
 * Whether nobody touched it since it was listed: not its content nor anything else of it, by the times that its
 * inode has. link: the first name of the file, or NULL. False is no sign of the contrary.
 */
bool since_is_untouched(const struct since *since, const char *path, const struct stat *st,
                        const char *link);
/* Whether its line is the same as it was, but for the time when the inode changed. */
bool since_is_same(const struct since *since, const struct manifest_entry *what);

#endif
