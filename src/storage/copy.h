/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Copying a tree, by several threads: shared blocks where the file system can (FICLONE), otherwise inside
 * the kernel (copy_file_range(2)). Everything is kept: hard links, holes, owners, modes, times to the
 * nanosecond, extended attributes with ACLs and file capabilities, device nodes, fifos, symlinks. Sockets
 * are left out: they mean nothing without the program that made them.
 */
#ifndef SYSC_STORAGE_COPY_H
#define SYSC_STORAGE_COPY_H

#include "base/progress.h"

#include <stdbool.h>
#include <stdint.h>

struct copy_seen;
struct error;

/* What was done so far, or in all. */
struct copy_totals {
	uint64_t files, folders, others; /* others: symlinks, devices, fifos */
	uint64_t links;                  /* further names of files */
	uint64_t sockets;                /* left out */
	uint64_t bytes;                  /* of content, holes not counted */
	uint64_t shared_bytes;           /* of them by shared blocks */
	uint64_t kept, kept_bytes;       /* what an earlier copy has already (seen) */
	/* there are to copy, for progress only: estimates, 0 until they are known */
	uint64_t all_bytes, all_entries;
};

struct copy_options {
	unsigned int workers; /* threads; 0: as many as pay */
	/*
	 * The caller waits for the disk next: what is big begins to be written there while the rest is still
	 * copied.
	 */
	bool write_out;
	/*
	 * Called by the calling thread every 200 ms or so; < 0 (with err filled) ends the copy. May be
	 * NULL, as may note, which hears what was left out, one call at a time, from any thread.
	 */
	int (*progress)(const struct copy_totals *done, void *user, struct error *err);
	/* progress is told all_bytes and all_entries too, which takes a walk over the tree beside the copy */
	bool count;
	void (*note)(const char *path, const char *what, void *user);
	void *user;
	/*
	 * The new tree may be an earlier copy (not only an empty folder), of which seen knows what is still right;
	 * copy_seen_begin() was called. It becomes what an empty one would. NULL: none.
	 */
	struct copy_seen *seen;
	bool is_changing; /* what vanishes or changes its type meanwhile is left out */
};

/* done as base/progress.h has it. */
struct progress_amount copy_amount(const struct copy_totals *done);

/*
 * Copies what is in the folder from_fd, and the folder's own owner, mode, times and attributes, into the
 * empty folder to_fd. Both may be detached mounts, and O_PATH. Never follows a symlink; a mount inside the tree is an
 * error that names it (-EXDEV). The tree must not change meanwhile (a frozen guest's does not), or is_changing;
 * what is found changed is an error or the state of that moment, never something outside. Nothing is synced: the
 * caller does syncfs(2) once, before the rename that makes the copy visible. After an error the
 * half copy is the caller's to remove. options and out may be NULL.
 */
int copy_tree(int from_fd, int to_fd, const struct copy_options *options, struct copy_totals *out,
              struct error *err);

/*
 * The same for the one entry name of the folder from_fd, a folder with all in it or anything else, into to_fd,
 * which has none of that name.
 */
int copy_name(int from_fd, const char *name, int to_fd, const struct copy_options *options,
              struct error *err);

#endif
