/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Extended attributes that hold ids: file capabilities and POSIX ACLs. Private to src/storage. */
#ifndef SYSC_STORAGE_ATTRIBUTES_H
#define SYSC_STORAGE_ATTRIBUTES_H

#include <stddef.h>
#include <stdint.h>

struct error;
struct idmap;

#define ATTRIBUTE_MOST \
	8192 /* bytes of an ACL or capability that is rewritten; longer is an error */

struct attribute_value {
	size_t size; /* 0: absent */
	unsigned char bytes[ATTRIBUTE_MOST];
};

/*
 * The capability of a file (security.capability), read through its magic link proc_path. It must be
 * read before the owner changes, since chown(2) removes it. 0 or -errno.
 */
int attribute_read_capability(const char *proc_path, struct attribute_value *out);
/*
 * Rewrites it for root of the map (version 3, capabilities(7)) and writes it back. Nothing when size
 * is 0. -EINVAL for a form that no kernel writes, -ENOENT for a root that the map lacks.
 */
int attribute_shift_capability(const char *proc_path, const struct idmap *map,
                               struct attribute_value *value);
/* Rewrites the user and group ids of an ACL's value in place (acl(5)). As above. */
int attribute_shift_acl_value(const struct idmap *map, struct attribute_value *value);
/* Both ACLs of a file or folder; absent ones and file systems without ACLs are fine. */
int attribute_shift_acls(const char *proc_path, const struct idmap *map);

#endif
