/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the walk of a copy (copy.c) and the copy of one entry (copy_entry.c) share. Private to them. */
#ifndef SYSC_STORAGE_COPY_PARTS_H
#define SYSC_STORAGE_COPY_PARTS_H

#include "storage/copy_file.h"
#include "storage/copy_links.h"
#include "storage/walk.h"
#include "storage/work.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/stat.h>

struct copy_count;
struct copy_options;
struct copy_seen;

struct copy_counts {
	atomic_ullong files, folders, others, links, sockets, bytes, shared_bytes, kept, kept_bytes;
};

struct copy {
	struct work work; /* first: a job finds its copy by it */
	struct walk_root from, to;
	const struct copy_options *options;
	struct copy_seen *seen; /* of options; NULL: none */
	bool is_changing;       /* of options */
	struct copy_counts totals;
	struct copy_ways ways;
	struct copy_links links;
	pthread_mutex_t note_lock;
	struct copy_count *count; /* what there is to do; NULL: nobody asked yet */
};

/* A folder that is being filled. */
struct copy_folder {
	struct walk_node *node;
	struct stat st;
	int from, to;
	bool is_fresh;       /* nothing was in it */
	atomic_uint holders; /* the job that lists it, and its batches */
};

/*
 * Makes one entry of the folder, which is no folder itself, in the new tree; another name of a file that is
 * there already becomes a link. is_regular: the folder's list said so.
 */
int copy_entry(struct copy *copy, const struct copy_folder *folder, const char *name,
               bool is_regular, struct error *err);
/* "WHAT 'usr/lib/name'"; name NULL: the folder itself. */
int copy_fail(const struct copy_folder *folder, const char *name, const char *what, int code,
              struct error *err);
/* Whether it is what a tree that changes may say of a name that was there a moment ago. */
bool copy_is_fleeting(const struct copy *copy, int code);

#endif
