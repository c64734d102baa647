/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The first names of files that have several: what later names become links to in an archive. */
#ifndef SYSC_HELPERS_ARCHIVE_LINKS_H
#define SYSC_HELPERS_ARCHIVE_LINKS_H

#include <stdbool.h>
#include <sys/stat.h>

/* A file that has several names. */
struct linked {
	dev_t device;
	ino_t number;
	bool is_packed; /* the caller's: the file is in this archive */
	char path[];    /* its first name */
};

/* Zeroed is empty; links_done() frees. */
struct links {
	void *names; /* a tree of tsearch(3), by inode */
};

void links_done(struct links *links);
/* Whose name path is, which becomes its first when none was seen; NULL: the file has no other. */
struct linked *links_find(struct links *links, const char *path, const struct stat *st);

#endif
