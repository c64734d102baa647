/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The loop over the entries of an archive; see the header. */
#include "helpers/archive_work.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define READ_BLOCK 131072

struct work {
	const struct archive_job *job;
	struct archive_rules rules;
	struct archive *reader, *writer;
	char buffer[READ_BLOCK];
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

/* What libarchive says, with names that it quotes made harmless. */
static int fail_archive(struct archive *archive, struct error *err)
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
		(void)fail_archive(work->reader, err);
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

/*
 * Keeps user.* and file capabilities. The rest means something to the host it came from only
 * (security.selinux, trusted.*) and cannot be set from within a user namespace.
 */
static void choose_xattrs(struct archive_entry *entry)
{
	struct pair {
		char *name;
		void *value;
		size_t size;
	} *kept = NULL;
	size_t count = 0, size;
	const char *name;
	const void *value;

	if (archive_entry_xattr_reset(entry) == 0)
		return;
	while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
		if (!text_starts(name, "user.") && !text_is(name, "security.capability"))
			continue;
		kept = must_realloc(kept, (count + 1) * sizeof(*kept));
		kept[count] = (struct pair){must_dup(name), must_alloc(size + 1), size};
		memcpy(kept[count++].value, value, size);
	}
	archive_entry_xattr_clear(entry);
	for (size_t i = 0; i < count; i++) {
		archive_entry_xattr_add_entry(entry, kept[i].name, kept[i].value, kept[i].size);
		free(kept[i].name);
		free(kept[i].value);
	}
	free(kept);
}

/* A file system without ACLs or xattrs is no reason to refuse; all else that was not done is. */
static int judge(struct archive *archive, int result, struct error *err)
{
	if (result == ARCHIVE_OK)
		return 0;
	if (result == ARCHIVE_WARN && archive_errno(archive) == ENOTSUP)
		return 0;
	return fail_archive(archive, err);
}

static int copy_content(struct work *work, struct error *err)
{
	const void *block;
	la_int64_t offset;
	size_t size;

	for (;;) {
		int r = archive_read_data_block(work->reader, &block, &size, &offset);

		if (r == ARCHIVE_EOF)
			return 0;
		if (r != ARCHIVE_OK)
			return fail_archive(work->reader, err);
		r = archive_rules_bytes(&work->rules, size,
		                        (uint64_t)archive_filter_bytes(work->reader, -1), err);
		if (r < 0)
			return r;
		atomic_store(&work->job->counters->bytes, work->rules.bytes);
		if (!work->writer)
			continue;
		if (archive_write_data_block(work->writer, block, size, offset) < ARCHIVE_OK)
			return fail_archive(work->writer, err);
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
	choose_xattrs(entry);
	r = judge(work->writer, archive_write_header(work->writer, entry), err);
	if (r == 0 && (!is_link || archive_entry_size(entry) > 0))
		r = copy_content(work, err);
	if (r == 0)
		r = judge(work->writer, archive_write_finish_entry(work->writer), err);
	return r;
}

static int handle_entry(struct work *work, struct archive_entry *entry, struct error *err)
{
	struct archive_item item = {
		.path = archive_entry_pathname(entry),
		.hard_link = archive_entry_hardlink(entry),
		.type = archive_entry_filetype(entry),
		.uid = archive_entry_uid(entry),
		.gid = archive_entry_gid(entry),
	};
	int r;

	if (!item.path)
		return fail_plain(err, EILSEQ, "a name that is not UTF-8 though it says so");
	r = archive_rules_entry(&work->rules, &item, work->name, work->target, err);
	if (r > 0)
		r = work->writer ? write_entry(work, entry, item.hard_link != NULL, err)
		                 : copy_content(work, err);
	if (r < 0) {
		char shown[512];

		archive_escape(item.path, shown, sizeof(shown));
		return fail_in(err, "entry '%s'", shown);
	}
	atomic_store(&work->job->counters->entries, work->rules.entries);
	return 0;
}

static int walk(struct work *work, struct error *err)
{
	struct archive_entry *entry;
	int r = open_reader(work, err);

	if (r == 0 && work->job->write)
		r = open_writer(work, err);
	while (r == 0) {
		int got = archive_read_next_header(work->reader, &entry);

		if (got == ARCHIVE_EOF)
			break;
		/* a warning is a name in another character set: its bytes are kept */
		if (got != ARCHIVE_OK && got != ARCHIVE_WARN)
			return fail_archive(work->reader, err);
		r = handle_entry(work, entry, err);
	}
	if (r == 0 && !work->rules.entries)
		r = fail_plain(err, EINVAL, "it is empty");
	/* here directories get their times and modes */
	if (r == 0 && work->writer)
		r = judge(work->writer, archive_write_close(work->writer), err);
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
	free(work);
	return r;
}
