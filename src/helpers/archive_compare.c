/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Three lists side by side; see the header. */
#include "helpers/archive_compare.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "helpers/archive_rules.h"
#include "storage/manifest_list.h"

#include <errno.h>
#include <string.h>

struct lists {
	const struct compare *compare;
	struct list_reader *now, *before, *unpacked; /* before may be NULL */
};

static int fail_entry(const char *path, const char *what, struct error *err)
{
	char shown[512];

	archive_escape(path, shown, sizeof(shown));
	return fail_plain(err, EBADMSG, "'%s' %s", shown, what);
}

static int next_unpacked(struct lists *lists, struct error *err)
{
	if (list_reader_next(lists->unpacked, err) < 0)
		return fail_plain(err, EBADMSG,
		                  "what is in it is not what was packed: out of order");
	return 0;
}

static bool stands_next(const struct list_reader *list, const char *path)
{
	return list && list->has_entry && text_is(list->entry.path, path);
}

/* The other two must not have anything that the list passes over. path NULL: that is its end. */
static int check_passed(const struct lists *lists, const char *path, struct error *err)
{
	const struct list_reader *unpacked = lists->unpacked, *before = lists->before;

	if (unpacked->has_entry &&
	    (!path || manifest_compare_paths(unpacked->entry.path, path) < 0))
		return fail_entry(unpacked->entry.path, "is in it and not what was packed", err);
	if (before && before->has_entry &&
	    (!path || manifest_compare_paths(before->entry.path, path) < 0))
		return fail_entry(before->entry.path,
		                  "was there before, and it does not tell of it", err);
	return 0;
}

/* With the content of what was there, where that was left as it was. */
static int check_unpacked(const struct lists *lists, struct error *err)
{
	const struct manifest_entry *from =
		lists->before && stands_next(lists->before, lists->now->entry.path)
			? &lists->before->entry
			: &lists->now->entry;
	struct manifest_entry found = lists->unpacked->entry;
	CLEAN(text_done) struct text line = {0};
	size_t counted;

	if (text_is(found.content, COMPARE_SAME)) {
		if (from->type != 'f' || (!lists->before && !lists->compare->is_alone))
			return fail_entry(found.path, "has no content, and was not there before",
			                  err);
		memcpy(found.content, from->content, sizeof(found.content));
		found.size = from->size;
	}
	manifest_entry_format(&found, &line, &counted);
	if (!text_is(line.data + counted, lists->now->counted))
		return fail_entry(found.path, "is not what was packed", err);
	return 0;
}

static int check_removed(struct lists *lists, struct error *err)
{
	const char *path = lists->now->entry.path;

	if (lists->before && !stands_next(lists->before, path))
		return fail_entry(path, "is gone, it says, and was not there before", err);
	if (!lists->before && !lists->compare->is_alone)
		return fail_entry(path, "is gone, it says, though it is no increment", err);
	/* one of another type took its place when it was unpacked */
	if (stands_next(lists->unpacked, path) || !lists->compare->remove)
		return 0;
	return lists->compare->remove(lists->compare->user, path, err);
}

/* One line of the list; each of the others that has it goes on. */
static int check_line(struct lists *lists, struct error *err)
{
	const char *path = lists->now->entry.path;
	bool is_gone = lists->now->entry.type == 'x';
	bool is_unpacked = !is_gone && stands_next(lists->unpacked, path);
	bool was_there = stands_next(lists->before, path);
	int r = check_passed(lists, path, err);

	if (r == 0 && is_gone)
		r = check_removed(lists, err);
	else if (r == 0 && is_unpacked)
		r = check_unpacked(lists, err);
	else if (r == 0 && was_there && !text_is(lists->before->counted, lists->now->counted))
		r = fail_entry(path, "is not what was there before", err);
	else if (r == 0 && !was_there && !lists->compare->is_alone)
		r = fail_entry(path, "is not in it", err);
	if (r == 0 && is_unpacked)
		r = next_unpacked(lists, err);
	if (r == 0 && was_there)
		r = list_reader_next(lists->before, err);
	return r;
}

static int start(struct lists *lists, struct error *err)
{
	FILE *before = lists->compare->before;
	struct manifest manifest;
	int r = 0;

	if (before) {
		rewind(before);
		r = list_read_manifest(before, &manifest, err);
		lists->before = list_reader_new(before, true);
		if (r == 0)
			r = list_reader_next(lists->before, err);
	}
	return r < 0 ? r : next_unpacked(lists, err);
}

int compare_lists(const struct compare *compare, FILE *list, struct error *err)
{
	CLEAN_FREE struct list_reader *now = list_reader_new(list, false);
	CLEAN_FREE struct list_reader *unpacked = list_reader_new(compare->unpacked, false);
	struct lists lists = {.compare = compare, .now = now, .unpacked = unpacked};
	int r = start(&lists, err);

	if (r == 0)
		r = list_reader_next(now, err);
	while (r == 0 && now->has_entry) {
		r = check_line(&lists, err);
		if (r == 0)
			r = list_reader_next(now, err);
	}
	if (r == 0)
		r = check_passed(&lists, NULL, err);
	free(lists.before);
	return r;
}
