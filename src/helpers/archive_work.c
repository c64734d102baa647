/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The loop over the entries of an archive; see the header. */
#include "helpers/archive_work.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "helpers/archive_list.h"
#include "helpers/archive_verify.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define READ_BLOCK 131072

struct work {
	const struct archive_job *job;
	struct archive_rules rules;
	struct archive *reader, *writer;
	struct verify verify;
	struct list_content content; /* of the entry that is read */
	bool has_root;
	struct stat root;        /* its owner, mode and time */
	char buffer[READ_BLOCK]; /* libarchive reads from it */
	char name[ARCHIVE_NAME_MAX + 1], target[ARCHIVE_NAME_MAX + 1];
};

static la_ssize_t read_input(struct archive *reader, void *data, const void **out)
{
	struct work *work = data;
	ssize_t n;

	do
		n = read(work->job->input_fd, work->buffer, sizeof(work->buffer));
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		archive_set_error(reader, errno, "read: %s", strerrordesc_np(errno));
		return ARCHIVE_FATAL;
	}
	atomic_fetch_add(&work->job->counters->input, (uint64_t)n);
	*out = work->buffer;
	return n;
}

int work_fail(struct archive *archive, struct error *err)
{
	const char *text = archive_error_string(archive);
	int code = archive_errno(archive);
	char shown[512];

	archive_escape(text ? text : "not understood", shown, sizeof(shown));
	return fail_plain(err, code > 0 ? code : EINVAL, "%s", shown);
}

static int open_reader(struct work *work, struct error *err)
{
	work->reader = archive_read_new();
	if (!work->reader)
		return fail(err, ENOMEM, "start reading");
	/* only what root file systems come in: less code for a hostile file to reach */
	(void)archive_read_support_filter_gzip(work->reader);
	(void)archive_read_support_filter_bzip2(work->reader);
	(void)archive_read_support_filter_xz(work->reader);
	(void)archive_read_support_filter_lzma(work->reader);
	(void)archive_read_support_filter_lz4(work->reader);
	(void)archive_read_support_filter_zstd(work->reader);
	(void)archive_read_support_format_tar(work->reader);
	if (archive_read_open(work->reader, work, NULL, read_input, NULL) != ARCHIVE_OK) {
		(void)work_fail(work->reader, err);
		return fail_hint(err, "expected a tar file, plain or packed by gzip, bzip2, xz, "
		                      "lz4 or zstd");
	}
	return 0;
}

static int open_writer(struct work *work, struct error *err)
{
	int flags = ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_ACL |
	            ARCHIVE_EXTRACT_XATTR | ARCHIVE_EXTRACT_SECURE_SYMLINKS |
	            ARCHIVE_EXTRACT_SECURE_NODOTDOT | ARCHIVE_EXTRACT_SECURE_NOABSOLUTEPATHS;

	if (work->job->keep_ids)
		flags |= ARCHIVE_EXTRACT_OWNER;
	work->writer = archive_write_disk_new();
	if (!work->writer || archive_write_disk_set_options(work->writer, flags) != ARCHIVE_OK)
		return fail(err, ENOMEM, "start writing");
	return 0;
}

/* A file system without ACLs or xattrs is no reason to refuse; all else that was not done is. */
static int judge(struct archive *archive, int result, struct error *err)
{
	if (result == ARCHIVE_OK)
		return 0;
	if (result == ARCHIVE_WARN && archive_errno(archive) == ENOTSUP)
		return 0;
	return work_fail(archive, err);
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
		r = archive_rules_bytes(&work->rules, size,
		                        (uint64_t)archive_filter_bytes(work->reader, -1), err);
		if (r < 0)
			return r;
		atomic_store(&work->job->counters->bytes, work->rules.bytes);
		if (work->job->exported)
			list_content_add(&work->content, (uint64_t)offset, block, size);
		if (!work->writer)
			continue;
		if (archive_write_data_block(work->writer, block, size, offset) < ARCHIVE_OK)
			return work_fail(work->writer, err);
	}
}

static int write_entry(struct work *work, struct archive_entry *entry, bool is_link,
                       struct error *err)
{
	int r;

	archive_entry_set_pathname(entry, work->name);
	if (is_link)
		archive_entry_set_hardlink(entry, work->target);
	/* flags of inodes (immutable …) would be in the way of whoever removes the tree */
	archive_entry_set_fflags(entry, 0, 0);
	list_choose_xattrs(entry);
	r = judge(work->writer, archive_write_header(work->writer, entry), err);
	if (r == 0 && (!is_link || archive_entry_size(entry) > 0))
		r = copy_content(work, err);
	if (r == 0)
		r = judge(work->writer, archive_write_finish_entry(work->writer), err);
	return r;
}

/* Said by the tool; the archive is none the worse for it. */
static void note_left_out(struct work *work)
{
	struct archive_counters *counters = work->job->counters;
	unsigned int at = atomic_fetch_add(&counters->note_count, 1);

	if (at < ARCHIVE_NOTES) {
		char shown[ARCHIVE_NOTE_MAX - 64];

		archive_escape(work->name, shown, sizeof(shown));
		(void)snprintf(counters->notes[at], ARCHIVE_NOTE_MAX,
		               "'%s': a device node, left out", shown);
	}
}

static void remember_root(struct work *work, struct archive_entry *entry)
{
	work->has_root = true;
	work->root = *archive_entry_stat(entry);
}

/* The root itself, which libarchive takes for a folder that is none of its business. */
static int finish_root(const struct work *work, struct error *err)
{
	const struct timespec times[] = {{.tv_nsec = UTIME_OMIT}, work->root.st_mtim};

	if (!work->has_root)
		return 0;
	if (work->job->keep_ids && chown("/", work->root.st_uid, work->root.st_gid) < 0)
		return fail(err, errno, "change the owner of the root");
	if (chmod("/", work->root.st_mode & 07777) < 0 || utimensat(AT_FDCWD, "/", times, 0) < 0)
		return fail(err, errno, "set mode and time of the root");
	return 0;
}

static int handle_tree_entry(struct work *work, struct archive_entry *entry,
                             const struct archive_item *item, struct error *err)
{
	struct manifest_entry what;
	int r = archive_rules_entry(&work->rules, item, work->name, work->target, err);

	if (r < 0)
		return r;
	if (work->job->exported) {
		list_choose_xattrs(entry);
		list_describe(entry, work->name, item->hard_link ? work->target : NULL, &what);
	}
	if (r > 0 && work->writer && text_is(work->name, "."))
		remember_root(work, entry);
	if (r == 0)
		note_left_out(work);
	else
		r = work->writer ? write_entry(work, entry, item->hard_link != NULL, err)
		                 : copy_content(work, err);
	if (r < 0 || !work->job->exported)
		return r;
	if (what.type == 'f' && what.size)
		list_content_end(&work->content, what.size, what.content);
	verify_count(&work->verify, &what);
	return 0;
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
	if (r < 0) {
		char shown[512];

		archive_escape(name, shown, sizeof(shown));
		return fail_in(err, "entry '%s'", shown);
	}
	atomic_store(&work->job->counters->entries, work->rules.entries);
	return 0;
}

static int walk(struct work *work, struct error *err)
{
	struct archive_entry *entry;
	int r = open_reader(work, err);

	verify_init(&work->verify, work->reader, work->job->head_fd);
	if (r == 0 && work->job->write)
		r = open_writer(work, err);
	while (r == 0) {
		int got = archive_read_next_header(work->reader, &entry);

		if (got == ARCHIVE_EOF)
			break;
		/* a warning is a name in another character set: its bytes are kept */
		if (got != ARCHIVE_OK && got != ARCHIVE_WARN)
			return work_fail(work->reader, err);
		r = handle_entry(work, entry, err);
		if (r == 0 && work->job->head_fd >= 0 && work->verify.stage == STAGE_TREE)
			return 0; /* that was all that was asked for */
	}
	if (r == 0 && work->job->exported)
		r = verify_end(&work->verify, err);
	if (r == 0 && !work->rules.entries)
		r = fail_plain(err, EINVAL, "it is empty");
	/* here directories get their times and modes */
	if (r == 0 && work->writer)
		r = judge(work->writer, archive_write_close(work->writer), err);
	if (r == 0 && work->writer)
		r = finish_root(work, err);
	return r;
}

int archive_work(const struct archive_job *job, struct error *err)
{
	struct work *work = must_alloc(sizeof(*work));
	int r;

	work->job = job;
	work->rules.limits = job->limits;
	r = walk(work, err);
	archive_read_free(work->reader);
	archive_write_free(work->writer);
	archive_rules_done(&work->rules);
	verify_done(&work->verify);
	free(work);
	return r;
}
