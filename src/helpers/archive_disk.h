/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The tree that is unpacked: entries into the current root, with libarchive, by a thread of its own
 * (archive_belt.h), so an error may come out at a later call, at the latest by disk_close(). Which entries are
 * fit to be written is archive_rules.c's business.
 */
#ifndef SYSC_HELPERS_ARCHIVE_DISK_H
#define SYSC_HELPERS_ARCHIVE_DISK_H

#include "helpers/archive_belt.h"
#include "helpers/archive_rules.h"

#include <stdbool.h>

struct archive;

struct disk {
	struct archive *writer; /* the second thread's until disk_close(); so is what follows */
	bool keep_ids;
	bool is_over;                       /* it is unpacked over a tree that stands there */
	bool has_no_attributes;             /* the file system does not */
	struct archive_entry *root;         /* NULL: it was not met */
	char current[ARCHIVE_NAME_MAX + 1]; /* the entry that is written */
	struct belt belt;
	bool failed; /* an error is the second thread's and names its entry already */
};

/* keep_ids: set owners; is_over: a tree stands there. disk starts zeroed. Pair: disk_close(), also after an error. */
int disk_open(struct disk *disk, bool keep_ids, bool is_over, struct error *err);
/* Begins an entry, which is copied: a clean path below the root, or "." for the root itself. */
int disk_begin(struct disk *disk, struct archive_entry *entry, struct error *err);
/* Content of it, copied; what lies between two pieces is a hole. */
int disk_write(struct disk *disk, uint64_t offset, const void *bytes, size_t count,
               struct error *err);
int disk_finish(struct disk *disk, struct error *err);
/* An entry, whole, whose content is that of the file that stands there. */
int disk_rewrite(struct disk *disk, struct archive_entry *entry, struct error *err);
/* Removes what is there; nothing is fine. */
int disk_remove(struct disk *disk, const char *path, struct error *err);
/* What was given is written now, however little: the next may be long in coming. */
void disk_flush(struct disk *disk);
/* Folders get their modes and times, which is_good false leaves. Once, also where nothing was opened. */
int disk_close(struct disk *disk, bool is_good, struct error *err);

#endif
