/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Entries of a tree in the words of libarchive; see the header. */
#include "helpers/archive_describe.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "container/idmap.h"
#include "helpers/archive_list.h"
#include "storage/manifest.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>

int describe_init(struct describer *describer, const struct idmap *shift, struct error *err)
{
	describer->shift = shift;
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

static int plain_id(const struct idmap *map, bool group, uint32_t id, uint32_t *out,
                    struct error *err)
{
	for (unsigned int i = 0; i < map->count; i++) {
		const struct id_range *range = &map->ranges[i];

		if ((group ? range->groups : range->users) && id >= range->outside &&
		    id - range->outside < range->count) {
			*out = range->inside + (id - range->outside);
			return 0;
		}
	}
	return fail_plain(err, ERANGE, "it belongs to %s %u, which is none of the container's",
	                  group ? "group" : "user", id);
}

int describe_owner(const struct describer *describer, struct stat *st, struct error *err)
{
	int r;

	if (!describer->shift)
		return 0;
	r = plain_id(describer->shift, false, st->st_uid, &st->st_uid, err);
	return r < 0 ? r : plain_id(describer->shift, true, st->st_gid, &st->st_gid, err);
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
	list_choose_xattrs(entry);
	archive_entry_set_nlink(entry, 1);
	archive_entry_set_ino64(entry, 0);
	archive_entry_set_dev(entry, 0);
	if (link) {
		archive_entry_copy_hardlink(entry, target);
		archive_entry_set_size(entry, 0);
		archive_entry_xattr_clear(entry);
		archive_entry_acl_clear(entry);
	} else if (!S_ISREG(st->st_mode)) {
		archive_entry_set_size(entry, 0);
	}
	return 0;
}
