/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The content of a file on its way into an archive: its holes, its bytes, their digest. */
#ifndef SYSC_HELPERS_ARCHIVE_CONTENT_H
#define SYSC_HELPERS_ARCHIVE_CONTENT_H

#include "helpers/archive_writer.h"

#include <stdbool.h>

struct stat;

struct content {
	struct writer *writer;
	bool is_short; /* set when a file became shorter while it was read */
};

/* Where the file has data, in its entry: what the archive's map of it says. */
int content_describe_holes(struct archive_entry *entry, int fd, const struct stat *st,
                           struct error *err);
/* Writes size bytes of the file, whose entry was begun; what is not there any more is zeros. */
int content_write(struct content *content, struct archive_entry *entry, int fd, uint64_t size,
                  char digest[65], struct error *err);
/* The same digest without writing. */
int content_digest(struct archive_entry *entry, int fd, uint64_t size, char digest[65],
                   struct error *err);

#endif
