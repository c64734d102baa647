/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The loop over the entries of an archive; see the header. */
#include "helpers/archive_work.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "helpers/archive_apply.h"
#include "helpers/archive_compare.h"
#include "helpers/archive_disk.h"
#include "helpers/archive_fit.h"
#include "helpers/archive_input.h"
#include "helpers/archive_list.h"
#include "helpers/archive_notes.h"
#include "helpers/archive_verify.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

struct work {
	const struct archive_job *job;
	struct archive_rules rules;
	struct input *input;
	struct archive *reader;
	struct disk disk;
	struct notes notes;
	struct fit fit;
	struct verify verify;
	struct list_content content; /* of the entry that is read */
	char name[ARCHIVE_NAME_MAX + 1], target[ARCHIVE_NAME_MAX + 1];
};

static la_ssize_t read_input(struct archive *reader, void *data, const void **out)
{
	struct work *work = data;
	struct error err;
	ssize_t n;

	if (work->job->write && input_must_wait(work->input))
		disk_flush(&work->disk);
	n = input_next(work->input, out, &err);
	if (n >= 0)
		return n;
	archive_set_error(reader, err.code, "%s", err.text);
	return ARCHIVE_FATAL;
}

int work_fail(struct archive *archive, struct error *err)
{
	const char *text = archive_error_string(archive);
	int code = archive_errno(archive);
	/* libarchive's own numbers stand for what its text says; those of the kernel add to it */
	const char *why =
		code > 0 && code != EILSEQ && code != EINVAL ? strerrordesc_np(code) : NULL;
	char shown[512];

	archive_escape(text ? text : "not understood", shown, sizeof(shown));
	if (why && !strstr(shown, why))
		return fail_plain(err, code, "%s: %s", shown, why);
	return fail_plain(err, code > 0 ? code : EINVAL, "%s", shown);
}

static int open_reader(struct work *work, struct error *err)
{
	work->input = input_open(work->job->input_fd, work->job->counters, err);
	if (!work->input)
		return -err->code;
	work->reader = archive_read_new();
	if (!work->reader)
		return fail(err, ENOMEM, "start reading");
	(void)archive_read_support_format_tar(work->reader);
	if (work->job->exported)
		(void)archive_read_set_format_option(work->reader, "tar",
		                                     "read_concatenated_archives", "1");
	if (archive_read_open(work->reader, work, NULL, read_input, NULL) != ARCHIVE_OK) {
		(void)work_fail(work->reader, err);
		return fail_hint(err, "expected a tar file, plain or packed by gzip, bzip2, xz, "
		                      "lz4 or zstd");
	}
	return 0;
}

static int copy_content(struct work *work, struct error *err)
{
	const void *block;
	la_int64_t offset;
	size_t size;

	if (work->job->exported)
		list_content_start(&work->content);
	for (;;) {
		int r = archive_read_data_block(work->reader, &block, &size, &offset);

		if (r == ARCHIVE_EOF)
			return 0;
		if (r != ARCHIVE_OK)
			return work_fail(work->reader, err);
		r = archive_rules_bytes(&work->rules, size, work->job->counters->input, err);
		if (r < 0)
			return r;
		atomic_store(&work->job->counters->bytes, work->rules.bytes);
		if (work->job->exported)
			list_content_add(&work->content, (uint64_t)offset, block, size);
		if (work->job->write)
			r = disk_write(&work->disk, (uint64_t)offset, block, size, err);
		if (r < 0)
			return r;
	}
}

/* Whether it is unpacked over a tree that stands there already. */
static bool is_over_tree(const struct work *work)
{
	return work->job->exported && work->job->exported->base;
}

/* has_content: of an increment, whose file stands there, and only the rest of it is new. */
static int write_entry(struct work *work, struct archive_entry *entry, bool is_link,
                       bool has_content, struct error *err)
{
	int r;

	archive_entry_set_pathname(entry, work->name);
	if (is_link)
		archive_entry_set_hardlink(entry, has_content ? NULL : work->target);
	if (has_content)
		archive_entry_set_filetype(entry, AE_IFREG);
	fit_entry(&work->fit, work->name, entry);
	if (has_content && is_over_tree(work))
		return disk_rewrite(&work->disk, entry, err);
	r = disk_begin(&work->disk, entry, err);
	if (r == 0 && (!is_link || archive_entry_size(entry) > 0))
		r = copy_content(work, err);
	return r == 0 ? disk_finish(&work->disk, err) : r;
}

static int handle_tree_entry(struct work *work, struct archive_entry *entry,
                             const struct archive_item *item, struct error *err)
{
	struct manifest_entry what;
	bool has_content = false;
	int r = archive_rules_entry(&work->rules, item, work->name, work->target, err);

	if (r < 0)
		return r;
	if (work->job->exported) {
		has_content = item->hard_link && text_is(work->name, work->target);
		list_choose_xattrs(entry, list_is_kept, &work->notes);
		list_describe(entry, work->name,
		              item->hard_link && !has_content ? work->target : NULL, &what);
	}
	if (r == 0)
		notes_add(&work->notes, work->name, "a device node, left out");
	else
		r = work->job->write
		            ? write_entry(work, entry, item->hard_link != NULL, has_content, err)
		            : copy_content(work, err);
	if (r < 0 || !work->job->exported)
		return r;
	if (has_content)
		memcpy(what.content, COMPARE_SAME, sizeof(COMPARE_SAME));
	else if (what.type == 'f' && what.size)
		list_content_end(&work->content, what.size, what.content);
	return verify_count(&work->verify, &what, err);
}

static int handle_entry(struct work *work, struct archive_entry *entry, struct error *err)
{
	struct archive_item item = {
		.path = archive_entry_pathname(entry),
		.hard_link = archive_entry_hardlink(entry),
		.type = archive_entry_filetype(entry),
		.is_whiteout = archive_entry_rdev(entry) == 0,
		.uid = archive_entry_uid(entry),
		.gid = archive_entry_gid(entry),
	};
	CLEAN_FREE char *name = NULL;
	int r;

	if (!item.path)
		return fail_plain(err, EILSEQ, "a name that is not UTF-8 though it says so");
	name = must_dup(item.path); /* of the archive; the entry's is changed on the way */
	r = work->job->exported ? verify_member(&work->verify, entry, &item, err) : 1;
	if (r > 0)
		r = handle_tree_entry(work, entry, &item, err);
	if (r < 0 && !work->disk.failed) {
		char shown[512];

		archive_escape(name, shown, sizeof(shown));
		return fail_in(err, "entry '%s'", shown);
	}
	atomic_store(&work->job->counters->entries, work->rules.entries);
	return r;
}

static int remove_gone(void *user, const char *path, struct error *err)
{
	struct work *work = user;

	return disk_remove(&work->disk, path, err);
}

/* What an increment made of the tree. */
static int check_result(const struct work *work, struct error *err)
{
	const struct apply_check check = {
		.skips_devices = work->job->limits.devices == ARCHIVE_DEVICES_SKIP,
		.ignores_attributes = work->disk.has_no_attributes || work->notes.kinds[0].count,
		.is_host_root = work->job->is_host_root,
	};

	return apply_check_tree(&check, work->job->exported->save, err);
}

static int walk(struct work *work, struct error *err)
{
	struct archive_entry *entry;
	int r = open_reader(work, err);

	if (work->job->exported)
		verify_init(&work->verify, work->reader, work->job->exported);
	work->verify.remove = work->job->write ? remove_gone : NULL;
	work->verify.user = work;
	if (r == 0 && work->job->write)
		r = disk_open(&work->disk, work->job->keep_ids, is_over_tree(work), err);
	while (r == 0) {
		int got = archive_read_next_header(work->reader, &entry);

		if (got == ARCHIVE_EOF)
			break;
		/* a warning is a name in another character set: its bytes are kept */
		if (got != ARCHIVE_OK && got != ARCHIVE_WARN)
			return work_fail(work->reader, err);
		r = handle_entry(work, entry, err);
		if (r == 0 && work->job->exported && verify_is_done(&work->verify))
			return 0;
	}
	if (r == 0 && work->job->exported)
		r = verify_end(&work->verify, err);
	if (r == 0 && !work->rules.entries && !*work->verify.manifest.since)
		r = fail_plain(err, EINVAL, "it is empty");
	return r;
}

int archive_work(const struct archive_job *job, struct error *err)
{
	struct work *work = must_alloc(sizeof(*work));
	int r, closed;

	work->job = job;
	work->notes.counters = job->counters;
	work->fit = (struct fit){.is_overlay = job->limits.skip_whiteouts,
	                         .is_host_root = job->is_host_root,
	                         .notes = &work->notes};
	fit_look(&work->fit);
	work->rules.limits = job->limits;
	r = walk(work, err);
	notes_end(&work->notes);
	closed = disk_close(&work->disk, r == 0, err);
	if (r == 0 && closed == 0 && job->write && is_over_tree(work))
		r = check_result(work, err);
	archive_read_free(work->reader);
	archive_rules_done(&work->rules);
	verify_done(&work->verify);
	free(work);
	return r < 0 ? r : closed;
}
