/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The lines of an archive's list (storage/manifest.h) for its entries, the same ones when it is written and
 * when it is read: what libarchive knows of an entry, and the digests of its content and attributes.
 */
#ifndef SYSC_HELPERS_ARCHIVE_LIST_H
#define SYSC_HELPERS_ARCHIVE_LIST_H

#include "base/sha256.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct archive_entry;
struct manifest_entry;
struct notes;

/* Content as it comes, in blocks with holes between them, which count as such. Zeroed by list_content_start(). */
struct list_content {
	struct sha256 sum;
	uint64_t end; /* of the last block */
};

void list_content_start(struct list_content *content);
void list_content_add(struct list_content *content, uint64_t offset, const void *bytes,
                      size_t count);
void list_content_end(struct list_content *content, uint64_t size, char out[65]);

/* Keeps user.*, trusted.*, file capabilities and ACLs. The rest is of the host it came from (security.selinux). */
bool list_is_kept(const char *attribute);
/* The same without trusted.*: a user namespace does not let it be set (user_namespaces(7)). */
bool list_is_plain(const char *attribute);
/* Takes the attributes that are not kept out of an entry, and counts them. */
void list_choose_xattrs(struct archive_entry *entry, bool (*is_kept)(const char *attribute),
                        struct notes *notes);
/* What stands for it in a line; not for a further name of a file. */
char list_type(mode_t mode);
/*
 * All of a line but the content's digest, which is "-". path and target are borrowed: clean ones below the
 * root. ctime is the entry's, 0 where it has none.
 */
void list_describe(struct archive_entry *entry, const char *path, const char *link,
                   struct manifest_entry *out);

#endif
