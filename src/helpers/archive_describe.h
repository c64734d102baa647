/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Entries of the tree that is the current root, in the words of libarchive. Runs in the confined child only. */
#ifndef SYSC_HELPERS_ARCHIVE_DESCRIBE_H
#define SYSC_HELPERS_ARCHIVE_DESCRIBE_H

#include <sys/stat.h>

struct archive;
struct archive_entry;
struct error;
struct idmap;

struct describer {
	const struct idmap *shift; /* owners on disk are the host's of this map; NULL: plain */
	struct archive *reader;
	struct archive_entry *entry; /* the one that was looked at last */
};

/* Pair: describe_done(). */
int describe_init(struct describer *describer, const struct idmap *shift, struct error *err);
void describe_done(struct describer *describer);

/* The owner that the guest sees, in st. -ERANGE: it is none of the container's. */
int describe_owner(const struct describer *describer, struct stat *st, struct error *err);
/*
 * Makes describer->entry what path is, without its content; its name is that of the archive. st has the owner that the
 * guest sees. fd: of a file that is open; -1. link: the first name of the file, NULL: this is it.
 */
int describe_entry(struct describer *describer, const char *path, int fd, const struct stat *st,
                   const char *link, struct error *err);

#endif
