/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The loop over the entries of an archive; see the header. */
#include "helpers/archive_work.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "helpers/archive_list.h"
#include "storage/manifest.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define READ_BLOCK 131072
#define CONFIG_MAX (1 << 20) /* bytes of a configuration, as INI_FILE_MAX */

/* What an exported archive must have next. */
enum stage {
	STAGE_MANIFEST,
	STAGE_CONFIG,
	STAGE_TREE,
	STAGE_OVER
};

struct work {
	const struct archive_job *job;
	struct archive_rules rules;
	struct archive *reader, *writer;
	enum stage stage;
	struct manifest manifest;
	struct list_content content; /* of the entry that is read */
	struct sha256 sum;           /* of the lines of all entries */
	struct text line;
	uint64_t listed;
	bool has_root;
	struct stat root;        /* its owner, mode and time */
	char buffer[READ_BLOCK]; /* libarchive reads from it */
	char member[READ_BLOCK]; /* what is read of a member that is no file of the tree */
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

	if (work->job->exported)
		list_content_start(&work->content);
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
		if (work->job->exported)
			list_content_add(&work->content, (uint64_t)offset, block, size);
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
	list_choose_xattrs(entry);
	r = judge(work->writer, archive_write_header(work->writer, entry), err);
	if (r == 0 && (!is_link || archive_entry_size(entry) > 0))
		r = copy_content(work, err);
	if (r == 0)
		r = judge(work->writer, archive_write_finish_entry(work->writer), err);
	return r;
}

/* A member that is no file of the tree: all of it, at most most bytes. */
static int read_member(struct work *work, struct archive_entry *entry, size_t most,
                       struct text *out, struct error *err)
{
	la_ssize_t n;

	if (archive_entry_filetype(entry) != S_IFREG || archive_entry_hardlink(entry))
		return fail_plain(err, EINVAL, "it is not a plain file");
	while ((n = archive_read_data(work->reader, work->member, sizeof(work->member))) > 0) {
		text_add_bytes(out, work->member, (size_t)n);
		if (out->length > most)
			return fail_plain(err, EFBIG, "it is longer than %zu bytes", most);
	}
	return n < 0 ? fail_archive(work->reader, err) : 0;
}

static int take_manifest(struct work *work, struct archive_entry *entry, struct error *err)
{
	CLEAN(text_done) struct text text = {0};
	int r = read_member(work, entry, MANIFEST_MAX, &text, err);

	if (r == 0)
		r = manifest_parse(&work->manifest, text.data ? text.data : "", text.length, err);
	if (r == 0 && work->job->head_fd >= 0) {
		text_add(&text, "\n");
		r = file_write_all(work->job->head_fd, text.data, text.length);
		r = r < 0 ? fail(err, -r, "hand it on") : 0;
	}
	work->stage = STAGE_CONFIG;
	return r;
}

static int take_config(struct work *work, struct archive_entry *entry, struct error *err)
{
	CLEAN(text_done) struct text text = {0};
	struct sha256 sum;
	char digest[65];
	int r = read_member(work, entry, CONFIG_MAX, &text, err);

	if (r < 0)
		return r;
	sha256_init(&sum);
	sha256_add(&sum, text.data ? text.data : "", text.length);
	sha256_end(&sum, digest);
	if (!text_is(digest, work->manifest.config_sha256))
		return fail_plain(err, EBADMSG, "it is damaged: its digest is not the manifest's");
	if (work->job->head_fd >= 0 && text.length) {
		r = file_write_all(work->job->head_fd, text.data, text.length);
		if (r < 0)
			return fail(err, -r, "hand it on");
	}
	work->stage = STAGE_TREE;
	return 0;
}

/* One line of the list, against what was unpacked; 1 for the last. */
static int check_line(struct work *work, struct sha256 *sum, uint64_t *count, char *line,
                      struct error *err)
{
	struct manifest_entry entry;
	uint64_t total;
	char digest[65], found[65];
	size_t counted, length = strlen(line);
	CLEAN_FREE char *copy = must_dup(line);
	int r = manifest_end_parse(line, &total, digest, err);

	if (r == -ENOENT) {
		r = manifest_entry_parse(copy, &entry, &counted, err);
		if (r < 0)
			return r;
		sha256_add(sum, line + counted, length - counted);
		sha256_add(sum, "\n", 1);
		++*count;
		return 0;
	}
	if (r < 0)
		return r;
	sha256_end(sum, found);
	if (total != *count || !text_is(found, digest))
		return fail_plain(err, EBADMSG, "the list of its entries is damaged");
	sha256_end(&work->sum, found);
	if (total != work->listed || !text_is(found, digest))
		return fail_plain(err, EBADMSG, "what is in it is not what was packed");
	return 1;
}

/* The list is read line by line: it may be longer than memory is wide. */
static int check_list(struct work *work, struct archive_entry *entry, struct error *err)
{
	CLEAN(text_done) struct text line = {0};
	struct sha256 sum;
	uint64_t count = 0;
	la_ssize_t n;
	int r = 0;

	if (archive_entry_filetype(entry) != S_IFREG || archive_entry_hardlink(entry))
		return fail_plain(err, EINVAL, "it is not a plain file");
	work->stage = STAGE_OVER;
	sha256_init(&sum);
	text_add(&line, "");
	while ((n = archive_read_data(work->reader, work->member, sizeof(work->member))) > 0) {
		for (la_ssize_t i = 0; i < n; i++) {
			if (r > 0)
				return fail_plain(err, EINVAL, "something follows its end");
			if (work->member[i] != '\n') {
				text_add_bytes(&line, work->member + i, 1);
				if (line.length > MANIFEST_LINE_MAX)
					return fail_plain(err, EFBIG, "a line is too long");
				continue;
			}
			r = check_line(work, &sum, &count, line.data, err);
			if (r < 0)
				return r;
			line.length = 0;
			line.data[0] = '\0';
		}
	}
	if (n < 0)
		return fail_archive(work->reader, err);
	return r > 0 ? 0 : fail_plain(err, EBADMSG, "its end is missing");
}

/* Below the root of the tree: NULL when the name is not of it. */
static const char *tree_name(const char *name)
{
	size_t length = strlen(MANIFEST_TREE);

	if (strncmp(name, MANIFEST_TREE, length) != 0 || (name[length] && name[length] != '/'))
		return NULL;
	return name[length] && name[length + 1] ? name + length + 1 : ".";
}

/* Adds what was unpacked to the digest that the list must come to. */
static void count_entry(struct work *work, struct manifest_entry *what)
{
	size_t counted;

	if (what->type == 'f' && what->size)
		list_content_end(&work->content, what->size, what->content);
	work->line.length = 0;
	manifest_entry_format(what, &work->line, &counted);
	text_add(&work->line, "\n");
	sha256_add(&work->sum, work->line.data + counted, work->line.length - counted);
	work->listed++;
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
	if (r == 0 && work->job->exported)
		count_entry(work, &what);
	return r;
}

/* Which of an exported archive's members this is, and whether it may stand here. */
static int handle_member(struct work *work, struct archive_entry *entry, struct archive_item *item,
                         struct error *err)
{
	static const char *const wanted[] = {MANIFEST_MEMBER, MANIFEST_CONFIG, MANIFEST_TREE,
	                                     "nothing more"};

	if (work->stage == STAGE_MANIFEST && text_is(item->path, MANIFEST_MEMBER))
		return take_manifest(work, entry, err);
	if (work->stage == STAGE_CONFIG && text_is(item->path, MANIFEST_CONFIG))
		return take_config(work, entry, err);
	if (work->stage == STAGE_TREE && text_is(item->path, MANIFEST_LIST))
		return check_list(work, entry, err);
	if (work->stage != STAGE_TREE || !tree_name(item->path)) {
		if (work->stage == STAGE_MANIFEST && !text_is(item->path, MANIFEST_CONFIG) &&
		    !text_is(item->path, MANIFEST_LIST))
			return fail_plain(err, ENOMSG, "it is no archive of sysc-export");
		return fail_plain(err, EINVAL, "%s was expected in this place",
		                  wanted[work->stage]);
	}
	item->path = tree_name(item->path);
	if (item->hard_link) {
		item->hard_link = tree_name(item->hard_link);
		if (!item->hard_link)
			return fail_plain(err, EINVAL, "a hard link to a place outside");
	}
	return handle_tree_entry(work, entry, item, err);
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
	r = work->job->exported ? handle_member(work, entry, &item, err)
	                        : handle_tree_entry(work, entry, &item, err);
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
		if (r == 0 && work->job->head_fd >= 0 && work->stage == STAGE_TREE)
			return 0; /* that was all that was asked for */
	}
	if (r == 0 && work->job->exported && work->stage != STAGE_OVER)
		r = fail_plain(err, EBADMSG, "it ends too early");
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
	sha256_init(&work->sum);
	work->rules.limits = job->limits;
	r = walk(work, err);
	archive_read_free(work->reader);
	archive_write_free(work->writer);
	archive_rules_done(&work->rules);
	text_done(&work->line);
	free(work);
	return r;
}
