/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A tree and the list of an earlier archive of it, side by side; see the header. */
#include "helpers/archive_since.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "helpers/archive_list.h"
#include "helpers/archive_work.h"
#include "storage/manifest_list.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

int since_open(struct since *since, FILE *file, struct list_writer *out,
               struct archive_counters *counters, struct error *err)
{
	struct manifest manifest;
	int r;

	*since = (struct since){.out = out, .counters = counters};
	if (!file)
		return 0;
	r = list_read_manifest(file, &manifest, err);
	if (r < 0)
		return fail_in(err, "the earlier list");
	/* the clock of a file system is coarse: what was read in the second of its change is not told apart */
	since->doubt_s = manifest_seconds(manifest.date);
	if (since->doubt_s != INT64_MIN)
		since->doubt_s--;
	since->list = list_reader_new(file, true);
	return list_reader_next(since->list, err);
}

void since_done(struct since *since)
{
	free(since->list);
}

static int add_gone(struct since *since, const char *path, struct error *err)
{
	const struct manifest_entry gone = {
		.type = 'x', .content = "-", .attributes = "-", .path = path};

	return list_writer_add(since->out, &gone, err);
}

int since_reach(struct since *since, const char *path, struct error *err)
{
	struct list_reader *list = since->list;
	int r = 0;

	while (r == 0 && list && list->has_entry &&
	       (!path || manifest_compare_paths(list->entry.path, path) < 0)) {
		if (!since->is_met) {
			r = add_gone(since, list->entry.path, err);
			atomic_fetch_add(&since->counters->removed, 1);
		}
		since->is_met = false;
		if (r == 0)
			r = list_reader_next(list, err);
	}
	return r;
}

const struct manifest_entry *since_entry(const struct since *since, const char *path)
{
	const struct list_reader *list = since->list;

	return list && list->has_entry && text_is(list->entry.path, path) ? &list->entry : NULL;
}

static bool is_file(const struct manifest_entry *entry)
{
	return entry->type == 'f' || entry->type == 'h';
}

int since_add(struct since *since, const struct manifest_entry *what, bool is_kept,
              struct error *err)
{
	const struct manifest_entry *was = since_entry(since, what->path);
	int r = 0;

	if (was && was->type != what->type && !(is_file(was) && is_file(what)))
		r = add_gone(since, what->path, err);
	if (r == 0)
		r = list_writer_add(since->out, what, err);
	since->is_met = was != NULL;
	if (is_kept) {
		atomic_fetch_add(&since->counters->kept, 1);
		atomic_fetch_add(&since->counters->kept_bytes, what->size);
	}
	atomic_fetch_add(&since->counters->entries, 1);
	return r;
}

bool since_is_untouched(const struct since *since, const char *path, const struct stat *st,
                        const char *link)
{
	const struct manifest_entry *was = since_entry(since, path);
	bool is_device = S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode);

	return was && was->type == (link ? 'h' : list_type(st->st_mode)) &&
	       was->ctime_s < since->doubt_s && was->ctime_s == st->st_ctim.tv_sec &&
	       was->ctime_ns == st->st_ctim.tv_nsec && was->mtime_s == st->st_mtim.tv_sec &&
	       was->mtime_ns == st->st_mtim.tv_nsec && was->mode == (st->st_mode & 07777) &&
	       was->uid == st->st_uid && was->gid == st->st_gid &&
	       (was->type != 'f' || was->size == (uint64_t)st->st_size) &&
	       (was->type != 'h' || text_is(was->target, link)) &&
	       (link || !is_device ||
	        (was->major == major(st->st_rdev) && was->minor == minor(st->st_rdev)));
}

bool since_is_same(const struct since *since, const struct manifest_entry *what)
{
	CLEAN(text_done) struct text line = {0};
	size_t counted;

	if (!since_entry(since, what->path))
		return false;
	manifest_entry_format(what, &line, &counted);
	return text_is(line.data + counted, since->list->counted);
}
