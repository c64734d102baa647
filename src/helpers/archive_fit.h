/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a tree cannot take of an entry: taken out before it is written, and said (archive_notes.h). */
#ifndef SYSC_HELPERS_ARCHIVE_FIT_H
#define SYSC_HELPERS_ARCHIVE_FIT_H

#include <stdbool.h>

struct archive_entry;
struct notes;

#define FIT_NOBODY     65534 /* an owner without a place in the map, from inside (user_namespaces(7)) */
#define FIT_OWNER_NOTE "its owner is none of the container's, and is nobody now"

struct fit {
	bool is_overlay;         /* the tree is a layer: it would take user.overlay.* for its own */
	bool is_host_root;       /* not in a user namespace: all owners, and trusted.* */
	bool no_acls, no_xattrs; /* the file system has none */
	struct notes *notes;
};

/* Looks what the file system of the current root has. */
void fit_look(struct fit *fit);
/*
 * Flags of inodes (they would be in the way of whoever removes the tree), attributes of the host it came from,
 * owners and entries of ACLs that a container has not; name is the entry's.
 */
void fit_entry(const struct fit *fit, const char *name, struct archive_entry *entry);

#endif
