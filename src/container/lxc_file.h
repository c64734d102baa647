/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The lines of LXC's configuration files, which may be somebody else's. Private to the lxc_*.c. */
#ifndef SYSC_CONTAINER_LXC_FILE_H
#define SYSC_CONTAINER_LXC_FILE_H

#include "base/text.h"

#include <stdbool.h>
#include <sys/types.h>

struct error;

#define LXC_DEPTH_MAX 16         /* of includes */
#define LXC_FILES_MAX 256        /* in all */
#define LXC_LINE_MAX  4096       /* bytes of a line */
#define LXC_FILE_MAX  (1U << 20) /* bytes of a file */
#define LXC_LINES_MAX 4096       /* in all */

/* "key = value" of a file; the strings live as long as the reader. */
struct lxc_line {
	const char *file;
	int number;
	const char *key, *value; /* as written, without blanks and quotes; key NULL: no line */
	const char *name;        /* key by the one spelling that the table has */
	unsigned int order;      /* of reading, over all files */
	const void *row;         /* of the table, for the translation */
};

struct lxc_reader {
	/* the caller's to set */
	void (*line)(void *user, const struct lxc_line *line);
	/* What is no line at all, or cannot be read; line has what there is of it. */
	void (*problem)(void *user, const struct lxc_line *line, const char *text);
	void *user;

	struct strings kept; /* what lines point to */
	uid_t owner;         /* of the first file: what it could not read, it does not include */
	bool has_owner;
	unsigned int files, lines, depth;
	struct {
		dev_t device;
		ino_t inode;
	} open[LXC_DEPTH_MAX]; /* those that are being read */
};

void lxc_reader_done(struct lxc_reader *reader);
/* The string is kept as long as the reader. */
const char *lxc_reader_keep(struct lxc_reader *reader, char *string);

/* All lines of a file, or of the *.conf of a folder by name. -errno: nothing was read. */
int lxc_reader_read(struct lxc_reader *reader, const char *path, struct error *err);
/* All lines of a text that came from path. */
void lxc_reader_parse(struct lxc_reader *reader, const char *path, struct text *text);
/* What a file says that is no configuration (an fstab): regular, and readable for the owner. */
int lxc_reader_text(struct lxc_reader *reader, const char *path, struct text *out,
                    struct error *err);

#endif
