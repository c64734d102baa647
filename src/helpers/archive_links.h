/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The first names of files that have several: what later names become links to in an archive. */
#ifndef SYSC_HELPERS_ARCHIVE_LINKS_H
#define SYSC_HELPERS_ARCHIVE_LINKS_H

#include <sys/stat.h>

/* Zeroed is empty; links_done() frees. */
struct links {
	void *names; /* a tree of tsearch(3), by inode */
};

void links_done(struct links *links);
/* The name that the file has in the archive already; NULL: this is its first, or it has no other. */
const char *links_first(struct links *links, const char *path, const struct stat *st);

#endif
