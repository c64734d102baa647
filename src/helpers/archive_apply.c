/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* An increment over the tree that it is to; see the header. */
#include "helpers/archive_apply.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "helpers/archive_describe.h"
#include "helpers/archive_fit.h"
#include "helpers/archive_links.h"
#include "helpers/archive_list.h"
#include "helpers/archive_notes.h"
#include "helpers/archive_rules.h"
#include "helpers/archive_tree.h"
#include "helpers/archive_work.h"
#include "storage/manifest_list.h"

#include <archive.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#define BLOCK (1 << 18)

/* --- making room --- */

static int clear_attributes(const char *path, struct error *err)
{
	CLEAN_FREE char *names = must_alloc(XATTR_LIST_MAX);
	ssize_t length = llistxattr(path, names, XATTR_LIST_MAX);

	if (length < 0 && errno != ENOTSUP)
		return fail(err, errno, "look at its attributes");
	for (char *name = names; length > 0 && name < names + length; name += strlen(name) + 1)
		if ((text_starts(name, "user.") || text_starts(name, "system.posix_acl_")) &&
		    lremovexattr(path, name) < 0)
			return fail(err, errno, "remove its attribute '%s'", name);
	return 0;
}

int apply_make_way(const char *path, mode_t type, struct error *err)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : fail(err, errno, "look at it");
	if (S_ISDIR(st.st_mode) && S_ISDIR(type))
		return clear_attributes(path, err);
	return S_ISDIR(st.st_mode) || S_ISDIR(type) ? file_remove_tree(AT_FDCWD, path, err) : 0;
}

int apply_remove(const char *path, struct error *err)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : fail(err, errno, "look at it");
	return file_remove_tree(AT_FDCWD, path, err);
}

static int copy_piece(struct archive *writer, int fd, off_t from, off_t to, char *buffer,
                      struct error *err)
{
	while (from < to) {
		ssize_t n =
			pread(fd, buffer, to - from < BLOCK ? (size_t)(to - from) : BLOCK, from);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return fail(err, n < 0 ? errno : EIO, "read what it was");
		if (archive_write_data_block(writer, buffer, (size_t)n, from) < ARCHIVE_OK)
			return work_fail(writer, err);
		from += n;
	}
	return 0;
}

int apply_copy(struct archive *writer, int fd, struct error *err)
{
	CLEAN_FREE char *buffer = must_alloc(BLOCK);
	off_t at, end = 0;

	while ((at = lseek(fd, end, SEEK_DATA)) >= 0) {
		int r;

		end = lseek(fd, at, SEEK_HOLE);
		r = end < 0 ? fail(err, errno, "look for holes")
		            : copy_piece(writer, fd, at, end, buffer, err);
		if (r < 0)
			return r;
	}
	return errno == ENXIO ? 0 : fail(err, errno, "look for holes");
}

/* --- looking at the result --- */

struct check {
	const struct apply_check *options;
	struct tree tree;
	struct describer describer;
	struct links links;
	struct list_reader *list;
	struct notes notes; /* nobody's: all was said when it was written */
	struct fit fit;
};

static int fail_path(const char *path, const char *what, struct error *err)
{
	char shown[512];

	archive_escape(path, shown, sizeof(shown));
	return fail_plain(err, EBADMSG, "'%s' %s", shown, what);
}

/* What the list has and the tree cannot have. */
static int pass_devices(struct check *check, const char *path, struct error *err)
{
	struct list_reader *list = check->list;
	int r = 0;

	while (r == 0 && check->options->skips_devices && list->has_entry &&
	       (list->entry.type == 'c' || list->entry.type == 'b') &&
	       (!path || !text_is(path, list->entry.path)))
		r = list_reader_next(list, err);
	return r;
}

static int set_time(const char *path, const struct manifest_entry *wanted, struct stat *st,
                    struct error *err)
{
	const struct timespec times[] = {
		{.tv_nsec = UTIME_OMIT       },
                { .tv_sec = wanted->mtime_s, .tv_nsec = wanted->mtime_ns}
        };

	if (!S_ISDIR(st->st_mode) || wanted->type != 'd' ||
	    (st->st_mtim.tv_sec == wanted->mtime_s && st->st_mtim.tv_nsec == wanted->mtime_ns))
		return 0;
	if (utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW) < 0 || lstat(path, st) < 0)
		return fail(err, errno, "set its time");
	return 0;
}

static int compare_entry(struct check *check, const char *path, struct stat *st, struct error *err)
{
	const struct manifest_entry *wanted = &check->list->entry;
	struct linked *names = links_find(&check->links, path, st);
	const char *link = names && !text_is(names->path, path) ? names->path : NULL;
	struct manifest_entry found;
	CLEAN(text_done) struct text line = {0};
	size_t counted;
	int r = set_time(path, wanted, st, err);

	if (r == 0)
		r = describe_entry(&check->describer, path, -1, st, link, err);
	if (r < 0)
		return r;
	list_describe(check->describer.entry, path, link, &found);
	memcpy(found.content, wanted->content, sizeof(found.content));
	if (check->options->ignores_attributes)
		memcpy(found.attributes, wanted->attributes, sizeof(found.attributes));
	if (!found.mtime_ns) /* the file system may keep whole seconds */
		found.mtime_ns = wanted->mtime_ns;
	manifest_entry_format(&found, &line, &counted);
	return text_is(line.data + counted, check->list->counted)
	               ? 0
	               : fail_path(path, "did not become what was packed", err);
}

static int check_one(struct tree *tree, struct stat *st, struct error *err)
{
	struct check *check = tree->user;
	const char *path = tree->path.data;
	int r = pass_devices(check, path, err);

	if (r == 0 && (!check->list->has_entry || !text_is(check->list->entry.path, path)))
		r = fail_path(path, "is in the tree, and should not be", err);
	if (r == 0)
		r = compare_entry(check, path, st, err);
	return r < 0 ? r : list_reader_next(check->list, err);
}

/* Nobody else is at work in it. */
static void ignore_gone(struct tree *tree)
{
	(void)tree;
}

static int check_all(struct check *check, FILE *list, struct error *err)
{
	struct manifest manifest;
	int r;

	rewind(list);
	r = list_read_manifest(list, &manifest, err);
	check->list = list_reader_new(list, true);
	if (r == 0)
		r = list_reader_next(check->list, err);
	if (r == 0)
		r = describe_init(&check->describer, NULL, &check->fit, err);
	if (r == 0)
		r = tree_walk(&check->tree, err);
	if (r == 0)
		r = pass_devices(check, NULL, err);
	if (r == 0 && check->list->has_entry)
		r = fail_path(check->list->entry.path, "is missing in the tree", err);
	return r;
}

int apply_check_tree(const struct apply_check *options, FILE *list, struct error *err)
{
	struct check check = {
		.options = options,
		.tree = {.visit = check_one, .gone = ignore_gone, .user = &check},
		.fit = {.is_host_root = options->is_host_root,                  .notes = &check.notes},
	};
	int r = check_all(&check, list, err);

	describe_done(&check.describer);
	links_done(&check.links);
	text_done(&check.tree.path);
	free(check.list);
	return r;
}
