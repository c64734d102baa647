/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * An increment is unpacked over the tree that it is to, which is the current root: what has to go for that, and
 * whether the tree is what the increment's list says when all is done. Runs in the confined child only.
 */
#ifndef SYSC_HELPERS_ARCHIVE_APPLY_H
#define SYSC_HELPERS_ARCHIVE_APPLY_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct archive;
struct error;

/*
 * Before an entry of this type is written: nothing of another type is in its way, and a folder that stays has no
 * attributes that the new one does not have.
 */
int apply_make_way(const char *path, mode_t type, struct error *err);
/* Gone already is fine. */
int apply_remove(const char *path, struct error *err);
/* Gives writer, which has begun an entry, the content of a file. */
int apply_copy(struct archive *writer, int fd, struct error *err);

struct apply_check {
	bool skips_devices;      /* there are no device nodes, though the list has some */
	bool ignores_attributes; /* the file system has none, or not all came over */
	bool is_host_root;       /* as of struct fit */
};
/*
 * Holds the whole tree against a kept list: types, modes, owners, sizes, times, attributes, names of one file.
 * Folders get their times, which what was done in them changed. Content is not read again.
 */
int apply_check_tree(const struct apply_check *check, FILE *list, struct error *err);

#endif
