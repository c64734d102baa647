/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is mounted where: /proc/PID/mountinfo (proc(5)), read once as a whole. */
#ifndef SYSC_BASE_MOUNTINFO_H
#define SYSC_BASE_MOUNTINFO_H

#include "base/text.h"

#include <stddef.h>
#include <stdint.h>

struct error;

/* One line; the strings are parts of the text that was read, with blanks and the like as they are. */
struct mountinfo_line {
	uint64_t id, parent;
	const char *device, *root, *point, *type, *options; /* options: of the superblock */
};

/* Mounts in the order in which they were made; a line of a form that is not known is not among them. */
struct mountinfo {
	struct text text;
	struct mountinfo_line *items;
	size_t count;
};

/* path: NULL for one's own. Returns 0 or -errno; done is to be called either way. */
int mountinfo_read(struct mountinfo *mounts, const char *path, struct error *err);
void mountinfo_done(struct mountinfo *mounts);

#endif
