/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Describing entries for the list of an archive; see the header. */
#include "helpers/archive_list.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "helpers/archive_notes.h"
#include "storage/manifest.h"

#include <archive.h>
#include <archive_entry.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

void list_content_start(struct list_content *content)
{
	sha256_init(&content->sum);
	content->end = 0;
}

/* A hole is a word of its own in what is digested: terabytes of nothing need not be gone through. */
static void add_hole(struct list_content *content, uint64_t to)
{
	char text[64];
	int length =
		snprintf(text, sizeof(text), "hole %" PRIu64 " %" PRIu64 "\n", content->end, to);

	sha256_add(&content->sum, text, (size_t)length);
}

void list_content_add(struct list_content *content, uint64_t offset, const void *bytes,
                      size_t count)
{
	if (!count)
		return;
	if (offset > content->end)
		add_hole(content, offset);
	sha256_add(&content->sum, bytes, count);
	content->end = offset + count;
}

void list_content_end(struct list_content *content, uint64_t size, char out[65])
{
	if (size > content->end)
		add_hole(content, size);
	sha256_end(&content->sum, out);
}

struct pair {
	char *name;
	void *value;
	size_t size;
};

bool list_is_plain(const char *attribute)
{
	return text_starts(attribute, "user.") || text_is(attribute, "security.capability");
}

bool list_is_kept(const char *attribute)
{
	return list_is_plain(attribute) || text_starts(attribute, "trusted.");
}

/* A tar file may have each attribute twice, in the words of two programs. */
static bool has_pair(const struct pair *pairs, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (text_is(pairs[i].name, name))
			return true;
	return false;
}

void list_choose_xattrs(struct archive_entry *entry, bool (*is_kept)(const char *attribute),
                        struct notes *notes)
{
	struct pair *pairs = NULL;
	size_t count = 0, size;
	const char *name;
	const void *value;

	if (archive_entry_xattr_reset(entry) == 0)
		return;
	while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
		if (has_pair(pairs, count, name))
			continue;
		pairs = must_realloc(pairs, (count + 1) * sizeof(*pairs));
		pairs[count] = (struct pair){must_dup(name), must_alloc(size + 1), size};
		memcpy(pairs[count++].value, value, size);
	}
	archive_entry_xattr_clear(entry);
	for (size_t i = 0; i < count; i++) {
		if (is_kept(pairs[i].name))
			archive_entry_xattr_add_entry(entry, pairs[i].name, pairs[i].value,
			                              pairs[i].size);
		else
			notes_count(notes, pairs[i].name);
		free(pairs[i].name);
		free(pairs[i].value);
	}
	free(pairs);
}

static void add_acl(struct archive_entry *entry, int type, struct strings *lines)
{
	int kind, rights, tag, id;
	const char *name;

	if (archive_entry_acl_reset(entry, type) <= 0)
		return;
	/* the first three repeat the mode, and a reader may leave them out */
	while (archive_entry_acl_next(entry, type, &kind, &rights, &tag, &id, &name) == ARCHIVE_OK)
		if (type == ARCHIVE_ENTRY_ACL_TYPE_DEFAULT || tag == ARCHIVE_ENTRY_ACL_USER ||
		    tag == ARCHIVE_ENTRY_ACL_GROUP || tag == ARCHIVE_ENTRY_ACL_MASK)
			strings_give(lines,
			             must_printf("acl %d %d %d %d", kind, rights, tag,
			                         tag == ARCHIVE_ENTRY_ACL_USER ||
			                                         tag == ARCHIVE_ENTRY_ACL_GROUP
			                                 ? id
			                                 : -1));
}

static void add_xattrs(struct archive_entry *entry, struct strings *lines)
{
	const char *name;
	const void *value;
	size_t size;

	(void)archive_entry_xattr_reset(entry);
	while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
		char digest[65];
		struct sha256 sum;

		sha256_init(&sum);
		sha256_add(&sum, value, size);
		sha256_end(&sum, digest);
		strings_give(lines, must_printf("xattr %s %s", name, digest));
	}
}

static void digest_attributes(struct archive_entry *entry, char out[65])
{
	CLEAN(strings_done) struct strings lines = {0};
	struct sha256 sum;

	add_acl(entry, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, &lines);
	add_acl(entry, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, &lines);
	add_xattrs(entry, &lines);
	memcpy(out, "-", 2);
	if (!lines.count)
		return;
	strings_sort(&lines);
	sha256_init(&sum);
	/* a tar file may say each twice, in the words of two programs */
	for (size_t i = 0; i < lines.count; i++)
		if (i == 0 || !text_is(lines.items[i], lines.items[i - 1]))
			sha256_add(&sum, lines.items[i], strlen(lines.items[i]) + 1);
	sha256_end(&sum, out);
}

char list_type(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return 'd';
	case S_IFLNK:
		return 'l';
	case S_IFCHR:
		return 'c';
	case S_IFBLK:
		return 'b';
	case S_IFIFO:
		return 'p';
	default:
		return 'f';
	}
}

void list_describe(struct archive_entry *entry, const char *path, const char *link,
                   struct manifest_entry *out)
{
	bool is_device = !link && (archive_entry_filetype(entry) == S_IFCHR ||
	                           archive_entry_filetype(entry) == S_IFBLK);

	*out = (struct manifest_entry){
		.type = link ? 'h' : list_type(archive_entry_filetype(entry)),
		.mode = archive_entry_perm(entry),
		.uid = (uint64_t)archive_entry_uid(entry),
		.gid = (uint64_t)archive_entry_gid(entry),
		.mtime_s = archive_entry_mtime(entry),
		.mtime_ns = (uint32_t)archive_entry_mtime_nsec(entry),
		.ctime_s = archive_entry_ctime(entry),
		.ctime_ns = (uint32_t)archive_entry_ctime_nsec(entry),
		.major = is_device ? (unsigned int)archive_entry_rdevmajor(entry) : 0,
		.minor = is_device ? (unsigned int)archive_entry_rdevminor(entry) : 0,
		.content = "-",
		.attributes = "-",
		.path = path,
		.target = link,
	};
	if (out->type == 'f')
		out->size = (uint64_t)archive_entry_size(entry);
	if (out->type == 'l')
		out->target = archive_entry_symlink(entry);
	if (!link)
		digest_attributes(entry, out->attributes);
}
