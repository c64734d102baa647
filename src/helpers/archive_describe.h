/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Entries of the tree that is the current root, in the words of libarchive. Runs in the confined child only. */
#ifndef SYSC_HELPERS_ARCHIVE_DESCRIBE_H
#define SYSC_HELPERS_ARCHIVE_DESCRIBE_H

#include <stdbool.h>
#include <sys/stat.h>

struct archive;
struct archive_entry;
struct error;
struct fit;
struct idmap;

struct describer {
	const struct idmap *shift; /* owners on disk are the host's of this map; NULL: plain */
	const struct fit *fit;     /* what a container can have */
	bool is_foreign; /* the owner that was looked at last was none of the container's */
	struct archive *reader;
	struct archive_entry *entry; /* the one that was looked at last */
};

/* Pair: describe_done(). */
int describe_init(struct describer *describer, const struct idmap *shift, const struct fit *fit,
                  struct error *err);
void describe_done(struct describer *describer);

/* The owner that the guest sees, in st. */
void describe_owner(struct describer *describer, struct stat *st);
/*
 * Makes describer->entry what path is, without its content; its name is that of the archive. st has the owner that the
 * guest sees. fd: of a file that is open; -1. link: the first name of the file, NULL: this is it.
 */
int describe_entry(struct describer *describer, const char *path, int fd, const struct stat *st,
                   const char *link, struct error *err);

#endif
