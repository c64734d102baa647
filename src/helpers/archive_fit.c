/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a tree cannot take of an entry; see the header. */
#include "helpers/archive_fit.h"

#include "base/text.h"
#include "helpers/archive_list.h"
#include "helpers/archive_notes.h"
#include "helpers/archive_rules.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/xattr.h>

struct acl_entry {
	int type, rights, tag, id;
	char *name;
};

static bool lacks(const char *attribute)
{
	return getxattr("/", attribute, NULL, 0) < 0 && errno == EOPNOTSUPP;
}

void fit_look(struct fit *fit)
{
	fit->no_acls = lacks("system.posix_acl_access");
	fit->no_xattrs = lacks("user.sysc");
}

static bool is_foreign(int64_t id)
{
	return id < 0 || id >= ARCHIVE_ID_COUNT;
}

static void fit_owner(const struct fit *fit, const char *name, struct archive_entry *entry)
{
	if (!is_foreign(archive_entry_uid(entry)) && !is_foreign(archive_entry_gid(entry)))
		return;
	if (is_foreign(archive_entry_uid(entry)))
		archive_entry_set_uid(entry, FIT_NOBODY);
	if (is_foreign(archive_entry_gid(entry)))
		archive_entry_set_gid(entry, FIT_NOBODY);
	notes_add(fit->notes, name, FIT_OWNER_NOTE);
}

/* 0: all of its ACLs' entries are fit; otherwise how many are not, and those that are in *out. */
static size_t sort_acl(struct archive_entry *entry, struct acl_entry **out, size_t *kept)
{
	int wanted = ARCHIVE_ENTRY_ACL_TYPE_POSIX1E;
	size_t room = (size_t)archive_entry_acl_reset(entry, wanted), unfit = 0;
	struct acl_entry *list = must_alloc((room + 1) * sizeof(*list)), now;
	const char *name;

	*kept = 0;
	while (*kept < room && archive_entry_acl_next(entry, wanted, &now.type, &now.rights,
	                                              &now.tag, &now.id, &name) == ARCHIVE_OK) {
		bool has_id =
			now.tag == ARCHIVE_ENTRY_ACL_USER || now.tag == ARCHIVE_ENTRY_ACL_GROUP;

		if (has_id && is_foreign(now.id)) {
			unfit++;
			continue;
		}
		now.name = name ? must_dup(name) : NULL;
		list[(*kept)++] = now;
	}
	*out = list;
	return unfit;
}

static void fit_acl(const struct fit *fit, const char *name, struct archive_entry *entry)
{
	struct acl_entry *list;
	size_t kept, unfit;

	if (!(archive_entry_acl_types(entry) & ARCHIVE_ENTRY_ACL_TYPE_POSIX1E))
		return;
	if (fit->no_acls)
		notes_count(fit->notes, "the ACL");
	if (fit->is_host_root)
		return;
	unfit = sort_acl(entry, &list, &kept);
	if (unfit) {
		notes_add(fit->notes, name,
		          "what its ACL gives to ids that are none of the container's, left out");
		archive_entry_acl_clear(entry);
	}
	for (size_t i = 0; i < kept; i++) {
		if (unfit)
			(void)archive_entry_acl_add_entry(entry, list[i].type, list[i].rights,
			                                  list[i].tag, list[i].id, list[i].name);
		free(list[i].name);
	}
	free(list);
}

static bool fits_overlay(const char *attribute)
{
	return list_is_plain(attribute) && !text_starts(attribute, "user.overlay.");
}

static bool fits_nowhere(const char *attribute)
{
	(void)attribute; /* the file system has none at all */
	return false;
}

void fit_entry(const struct fit *fit, const char *name, struct archive_entry *entry)
{
	archive_entry_set_fflags(entry, 0, 0);
	list_choose_xattrs(entry,
	                   fit->no_xattrs      ? fits_nowhere
	                   : fit->is_overlay   ? fits_overlay
	                   : fit->is_host_root ? list_is_kept
	                                       : list_is_plain,
	                   fit->notes);
	if (!fit->is_host_root)
		fit_owner(fit, name, entry);
	fit_acl(fit, name, entry);
}
