/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What differs between two trees, in the order of the names, a folder before what is in it. Nothing is followed and
 * no mount is crossed. The time is that of one look at each entry, however deep it is; two folders are open at a time,
 * and of those above only the names that are still to come are kept.
 */
#ifndef SYSC_STORAGE_DIFF_H
#define SYSC_STORAGE_DIFF_H

struct error;

enum diff_change {
	DIFF_ADDED,
	DIFF_REMOVED,
	DIFF_CHANGED,
};

/* In which ways something changed; bits. */
enum diff_way {
	DIFF_TYPE = 1, /* then nothing else is compared */
	DIFF_CONTENT = 2,
	DIFF_OWNER = 4,
	DIFF_MODE = 8,
	DIFF_XATTR = 16,
	DIFF_BELOW = 32, /* of a folder: something whose path nobody can name (PATH_MAX) */
};

/* "content"; of a single bit. NULL: there is no such way. */
const char *diff_way_name(unsigned int way);

/*
 * Calls tell for each difference from the tree a to the tree b: path is "/etc/motd", ways are 0 but for
 * DIFF_CHANGED. What is added or removed is told with all that is in it. A failure of tell ends it. Files of the
 * same size and time of change have the same content, others are read. A tree may change meanwhile: what vanishes
 * is as if it had never been there.
 */
int diff_trees(int a_fd, int b_fd,
               int (*tell)(const char *path, enum diff_change change, unsigned int ways, void *user,
                           struct error *err),
               void *user, struct error *err);

#endif
