/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Entries of a tree in the words of libarchive; see the header. */
#include "helpers/archive_describe.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "container/idmap.h"
#include "helpers/archive_fit.h"
#include "helpers/archive_notes.h"
#include "helpers/archive_rules.h"
#include "storage/manifest.h"

#include <archive.h>
#include <archive_entry.h>
#include <endian.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>

int describe_init(struct describer *describer, const struct idmap *shift, const struct fit *fit,
                  struct error *err)
{
	describer->shift = shift;
	describer->fit = fit;
	describer->reader = archive_read_disk_new();
	describer->entry = archive_entry_new();
	if (!describer->reader || !describer->entry)
		return fail(err, ENOMEM, "start reading");
	(void)archive_read_disk_set_behavior(describer->reader, ARCHIVE_READDISK_NO_FFLAGS |
	                                                                ARCHIVE_READDISK_NO_SPARSE);
	return 0;
}

void describe_done(struct describer *describer)
{
	archive_read_free(describer->reader);
	archive_entry_free(describer->entry);
}

/* false: it is none of the container's, and nobody's for the guest. */
static bool plain_id(const struct describer *describer, bool group, uint32_t id, uint32_t *out)
{
	const struct idmap *map = describer->shift;

	for (unsigned int i = 0; map && i < map->count; i++) {
		const struct id_range *range = &map->ranges[i];

		if ((group ? range->groups : range->users) && id >= range->outside &&
		    id - range->outside < range->count) {
			*out = range->inside + (id - range->outside);
			return true;
		}
	}
	*out = id;
	if (!map && (describer->fit->is_host_root || id < ARCHIVE_ID_COUNT))
		return true;
	*out = FIT_NOBODY;
	return false;
}

void describe_owner(struct describer *describer, struct stat *st)
{
	bool has_user = plain_id(describer, false, st->st_uid, &st->st_uid);

	describer->is_foreign = !plain_id(describer, true, st->st_gid, &st->st_gid) || !has_user;
}

/* The users and groups that an ACL names; foreign ones are what fit_entry() leaves out. */
static void unshift_acl(const struct describer *describer, struct archive_entry *entry)
{
	struct acl_entry {
		int type, rights, tag, id;
	} * list;
	const int wanted = ARCHIVE_ENTRY_ACL_TYPE_POSIX1E;
	size_t room = (size_t)archive_entry_acl_reset(entry, wanted), count = 0;
	const char *name;

	list = must_alloc((room + 1) * sizeof(*list));
	while (count < room &&
	       archive_entry_acl_next(entry, wanted, &list[count].type, &list[count].rights,
	                              &list[count].tag, &list[count].id, &name) == ARCHIVE_OK)
		count++;
	archive_entry_acl_clear(entry);
	for (size_t i = 0; i < count; i++) {
		bool is_group = list[i].tag == ARCHIVE_ENTRY_ACL_GROUP;
		uint32_t id = (uint32_t)list[i].id;

		if ((is_group || list[i].tag == ARCHIVE_ENTRY_ACL_USER) &&
		    !plain_id(describer, is_group, id, &id))
			id = UINT32_MAX;
		(void)archive_entry_acl_add_entry(entry, list[i].type, list[i].rights, list[i].tag,
		                                  (int)id, NULL);
	}
	free(list);
}

/* The root that a capability of version 3 is of, its last word (capabilities(7), "Namespaced file capabilities"). */
static void unshift_capability(const struct describer *describer, struct archive_entry *entry)
{
	const char *name;
	const void *value;
	size_t size;
	uint32_t root;

	(void)archive_entry_xattr_reset(entry);
	while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
		unsigned char *last = (unsigned char *)(uintptr_t)value + size - sizeof(root);

		if (!text_is(name, "security.capability") || size != sizeof(struct vfs_ns_cap_data))
			continue;
		memcpy(&root, last, sizeof(root));
		(void)plain_id(describer, false, le32toh(root), &root);
		root = htole32(root);
		memcpy(last, &root, sizeof(root)); /* the entry's own memory */
	}
}

int describe_entry(struct describer *describer, const char *path, int fd, const struct stat *st,
                   const char *link, struct error *err)
{
	struct archive_entry *entry = archive_entry_clear(describer->entry);
	CLEAN_FREE char *name = text_is(path, ".") ? must_dup(MANIFEST_TREE)
	                                           : must_printf(MANIFEST_TREE "/%s", path);
	CLEAN_FREE char *target = link ? must_printf(MANIFEST_TREE "/%s", link) : NULL;

	archive_entry_copy_pathname(entry, name);
	archive_entry_copy_sourcepath(entry, path);
	if (archive_read_disk_entry_from_file(describer->reader, entry, fd, st) < ARCHIVE_WARN)
		return fail_plain(err, EIO, "look at it: %s",
		                  archive_error_string(describer->reader));
	archive_entry_set_nlink(entry, 1);
	archive_entry_set_ino64(entry, 0);
	archive_entry_set_dev(entry, 0);
	if (link) {
		archive_entry_copy_hardlink(entry, target);
		archive_entry_set_size(entry, 0);
		archive_entry_xattr_clear(entry);
		archive_entry_acl_clear(entry);
		return 0; /* all else was said of its first name */
	}
	if (!S_ISREG(st->st_mode))
		archive_entry_set_size(entry, 0);
	if (describer->shift) {
		unshift_acl(describer, entry);
		unshift_capability(describer, entry);
	}
	fit_entry(describer->fit, path, entry);
	if (describer->is_foreign)
		notes_add(describer->fit->notes, path, FIT_OWNER_NOTE);
	return 0;
}
