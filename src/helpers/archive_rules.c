/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rules for entries of an archive; see the header. */
#include "helpers/archive_rules.h"

#include "base/error.h"
#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void forget_names(void **names)
{
	while (*names) {
		char *name = *(char **)*names;

		(void)tdelete(name, names, compare_names);
		free(name);
	}
}

void archive_rules_done(struct archive_rules *rules)
{
	forget_names(&rules->symlinks);
	forget_names(&rules->left_out);
}

void archive_escape(const char *name, char *out, size_t room)
{
	size_t used = 0;

	for (const unsigned char *c = (const unsigned char *)name; *c && used + 5 < room; c++) {
		if (*c >= 32 && *c != 127 && *c != '\\')
			out[used++] = (char)*c;
		else
			used += (size_t)snprintf(out + used, room - used, "\\x%02x", *c);
	}
	out[used] = '\0';
}

int archive_clean_path(const char *path, char *out, struct error *err)
{
	size_t used = 0;

	if (!*path)
		return fail_plain(err, EINVAL, "an entry without a name");
	if (*path == '/')
		return fail_plain(err, EINVAL, "an absolute path");
	if (strnlen(path, ARCHIVE_NAME_MAX + 1) > ARCHIVE_NAME_MAX)
		return fail_plain(err, EINVAL, "a path longer than %d bytes", ARCHIVE_NAME_MAX);
	while (*path) {
		size_t length = strcspn(path, "/");

		if (length == 2 && path[0] == '.' && path[1] == '.')
			return fail_plain(err, EINVAL, "'..' in its path");
		if (length && !(length == 1 && path[0] == '.')) {
			if (used)
				out[used++] = '/';
			memcpy(out + used, path, length);
			used += length;
		}
		path += length;
		path += *path == '/';
	}
	if (!used)
		out[used++] = '.';
	out[used] = '\0';
	return 0;
}

/* Whether a part of name before the last is a symlink of this archive; *end is where it ends. */
static bool passes_symlink(const struct archive_rules *rules, char *name, size_t *end)
{
	for (char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
		bool found;

		*slash = '\0';
		found = tfind(name, &rules->symlinks, compare_names) != NULL;
		*slash = '/';
		if (found) {
			*end = (size_t)(slash - name);
			return true;
		}
	}
	return false;
}

static void remember_name(void **names, const char *name)
{
	if (!tfind(name, names, compare_names) && !tsearch(must_dup(name), names, compare_names))
		abort(); /* out of memory, as must_alloc() */
}

static int check_place(const struct archive_rules *rules, char *name, const char *what,
                       struct error *err)
{
	size_t end = 0;
	char shown[256];

	if (!passes_symlink(rules, name, &end))
		return 0;
	name[end] = '\0';
	archive_escape(name, shown, sizeof(shown));
	return fail_plain(err, EINVAL, "%s goes through the symlink '%s'", what, shown);
}

static int check_type(const struct archive_rules *rules, const struct archive_item *item,
                      struct error *err)
{
	switch (item->type) {
	case S_IFREG:
	case S_IFDIR:
	case S_IFLNK:
	case S_IFIFO:
		return 1;
	case S_IFCHR:
	case S_IFBLK:
		if (item->type == S_IFCHR && item->is_whiteout)
			return !rules->limits.skip_whiteouts;
		if (rules->limits.devices == ARCHIVE_DEVICES_SKIP)
			return 0;
		if (rules->limits.devices == ARCHIVE_DEVICES_ALLOW)
			return 1;
		return fail_plain(err, EINVAL, "a device node, which is not allowed");
	default:
		return fail_plain(err, EINVAL, "a type of file that is not allowed");
	}
}

static int check_owner(const struct archive_rules *rules, const struct archive_item *item,
                       struct error *err)
{
	if (rules->limits.any_owner && item->uid >= 0 && item->gid >= 0)
		return 0;
	/* who may make devices has the host's ids, all of them */
	if (rules->limits.devices == ARCHIVE_DEVICES_ALLOW && item->uid >= 0 && item->gid >= 0 &&
	    item->uid <= UINT32_MAX && item->gid <= UINT32_MAX)
		return 0;
	if (item->uid < 0 || item->uid >= ARCHIVE_ID_COUNT || item->gid < 0 ||
	    item->gid >= ARCHIVE_ID_COUNT)
		return fail_plain(err, ERANGE,
		                  "owner %" PRId64 ":%" PRId64
		                  " is not among the ids of a container (0-%d)",
		                  item->uid, item->gid, ARCHIVE_ID_COUNT - 1);
	return 0;
}

static int check_hard_link(const struct archive_rules *rules, const char *link, char *target,
                           struct error *err)
{
	int r = archive_clean_path(link, target, err);

	if (r < 0)
		return fail_in(err, "a hard link to a place outside");
	return check_place(rules, target, "what it links to", err);
}

int archive_rules_entry(struct archive_rules *rules, const struct archive_item *item, char *name,
                        char *target, struct error *err)
{
	int r;

	if (++rules->entries > rules->limits.entries)
		return fail_plain(err, EFBIG, "more than %" PRIu64 " entries",
		                  rules->limits.entries);
	r = archive_clean_path(item->path, name, err);
	if (r == 0)
		r = check_place(rules, name, "its path", err);
	if (r == 0)
		r = check_owner(rules, item, err);
	if (r < 0)
		return r;
	if (item->hard_link) {
		r = check_hard_link(rules, item->hard_link, target, err);
		return r < 0 ? r : !tfind(target, &rules->left_out, compare_names);
	}
	r = check_type(rules, item, err);
	if (r == 0)
		remember_name(&rules->left_out, name);
	if (r <= 0)
		return r;
	if (item->type != S_IFDIR && text_is(name, "."))
		return fail_plain(err, EINVAL, "the root is not a directory");
	if (item->type == S_IFLNK)
		remember_name(&rules->symlinks, name);
	return 1;
}

int archive_rules_bytes(struct archive_rules *rules, uint64_t count, uint64_t input,
                        struct error *err)
{
	if (__builtin_add_overflow(rules->bytes, count, &rules->bytes) ||
	    rules->bytes > rules->limits.bytes)
		return fail_plain(err, EFBIG, "more than %" PRIu64 " bytes of content",
		                  rules->limits.bytes);
	if (rules->bytes > ARCHIVE_RATIO_FROM && rules->bytes / rules->limits.ratio > input)
		return fail_plain(err, EFBIG,
		                  "it grows more than %" PRIu64 " times, as an archive bomb does",
		                  rules->limits.ratio);
	return 0;
}
