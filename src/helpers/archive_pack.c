/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The walk over a tree that becomes an archive; see the header. */
#include "helpers/archive_pack.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "container/idmap.h"
#include "helpers/archive_list.h"
#include "storage/manifest.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <search.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define BLOCK 262144

/* The first name of a file that has several. */
struct named {
	dev_t device;
	ino_t number;
	char path[];
};

struct pack {
	const struct pack_job *job;
	struct archive *writer, *disk;
	struct archive_entry *entry;
	struct text path; /* where the walk is, "." first */
	struct text line;
	void *links; /* a tree of tsearch(3) */
	struct sha256 sum;
	uint64_t entries;
	char buffer[BLOCK];
};

static const struct method {
	const char *name, *filter; /* the filter's name for its options */
	int (*add)(struct archive *writer);
	bool has_threads;
} methods[] = {
	[PACK_ZSTD] = {"zstd", "zstd", archive_write_add_filter_zstd, true },
	[PACK_GZIP] = {"gzip", "gzip", archive_write_add_filter_gzip, false},
	[PACK_XZ] = {"xz",   "xz",   archive_write_add_filter_xz,   true },
	[PACK_NONE] = {"none", NULL,   archive_write_add_filter_none, false},
};

int pack_parse_method(const char *word, enum pack_method *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		if (!text_is(methods[i].name, word))
			continue;
		*out = (enum pack_method)i;
		return 0;
	}
	return -EINVAL;
}

static int fail_writer(const struct pack *pack, struct error *err)
{
	const char *text = archive_error_string(pack->writer);
	int code = archive_errno(pack->writer);

	return fail_plain(err, code > 0 ? code : EIO, "write the archive: %s",
	                  text ? text : "failed");
}

static la_ssize_t write_output(struct archive *writer, void *data, const void *bytes, size_t count)
{
	const struct pack *pack = data;
	ssize_t n;

	do
		n = write(pack->job->output_fd, bytes, count);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		archive_set_error(writer, errno, "%s", strerrordesc_np(errno));
	else
		atomic_fetch_add(&pack->job->counters->output, (uint64_t)n);
	return n;
}

static int open_writer(struct pack *pack, struct error *err)
{
	const struct pack_job *job = pack->job;
	const struct method *method = &methods[job->method];
	char threads[16];
	int r;

	pack->writer = archive_write_new();
	pack->disk = archive_read_disk_new();
	pack->entry = archive_entry_new();
	if (!pack->writer || !pack->disk || !pack->entry)
		return fail(err, ENOMEM, "start writing");
	(void)archive_read_disk_set_behavior(pack->disk, ARCHIVE_READDISK_NO_FFLAGS |
	                                                         ARCHIVE_READDISK_NO_SPARSE);
	r = method->add(pack->writer);
	if (r == ARCHIVE_OK)
		r = archive_write_set_format_pax(pack->writer);
	if (r == ARCHIVE_OK && job->level)
		r = archive_write_set_filter_option(pack->writer, method->filter,
		                                    "compression-level", job->level);
	(void)snprintf(threads, sizeof(threads), "%u", job->threads);
	if (method->has_threads) /* an older libarchive has none */
		(void)archive_write_set_filter_option(pack->writer, method->filter, "threads",
		                                      threads);
	if (r == ARCHIVE_OK)
		r = archive_write_set_bytes_per_block(pack->writer, BLOCK);
	if (r == ARCHIVE_OK)
		r = archive_write_set_bytes_in_last_block(pack->writer, 1);
	if (r == ARCHIVE_OK)
		r = archive_write_open(pack->writer, pack, NULL, write_output, NULL);
	return r == ARCHIVE_OK ? 0 : fail_writer(pack, err);
}

/* A member that is not of the tree. */
static int begin_member(struct pack *pack, const char *name, uint64_t size, struct error *err)
{
	struct archive_entry *entry = archive_entry_clear(pack->entry);

	archive_entry_copy_pathname(entry, name);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0600);
	archive_entry_set_mtime(entry, time(NULL), 0);
	archive_entry_set_size(entry, (la_int64_t)size);
	return archive_write_header(pack->writer, entry) == ARCHIVE_OK ? 0 : fail_writer(pack, err);
}

static int add_member(struct pack *pack, const char *name, const char *bytes, size_t length,
                      struct error *err)
{
	int r = begin_member(pack, name, length, err);

	if (r == 0 && length &&
	    archive_write_data(pack->writer, bytes, length) != (la_ssize_t)length)
		r = fail_writer(pack, err);
	return r;
}

/* Said and gone on: a socket, what went away under a walk that did not freeze. */
static void note(const struct pack *pack, const char *what)
{
	struct archive_counters *counters = pack->job->counters;
	unsigned int at = atomic_fetch_add(&counters->note_count, 1);

	if (at < ARCHIVE_NOTES) {
		char shown[ARCHIVE_NOTE_MAX - 64];

		archive_escape(pack->path.data, shown, sizeof(shown));
		(void)snprintf(counters->notes[at], ARCHIVE_NOTE_MAX, "'%s': %s", shown, what);
	}
}

static int compare_named(const void *a, const void *b)
{
	const struct named *left = a, *right = b;

	if (left->number != right->number)
		return left->number < right->number ? -1 : 1;
	return left->device < right->device ? -1 : left->device > right->device;
}

/* The name that the file has in the archive already, NULL: this is its first. */
static const char *first_name(struct pack *pack, const struct stat *st)
{
	size_t length = strlen(pack->path.data) + 1;
	struct named *item, **found;

	if (S_ISDIR(st->st_mode) || st->st_nlink < 2)
		return NULL;
	item = must_alloc(sizeof(*item) + length);
	item->device = st->st_dev;
	item->number = st->st_ino;
	memcpy(item->path, pack->path.data, length);
	found = tsearch(item, &pack->links, compare_named);
	if (!found)
		abort(); /* out of memory, as must_alloc() */
	if (*found == item)
		return NULL;
	free(item);
	return (*found)->path;
}

static void free_links(struct pack *pack)
{
	while (pack->links) {
		struct named *item = *(struct named **)pack->links;

		(void)tdelete(item, &pack->links, compare_named);
		free(item);
	}
}

/* Where a file has data: what the archive's map of it says. */
static int describe_holes(struct pack *pack, int fd, const struct stat *st, struct error *err)
{
	off_t at = 0, end = 0;
	bool any = false;

	if (fd < 0 || (uint64_t)st->st_blocks * 512 >= (uint64_t)st->st_size)
		return 0;
	for (;;) {
		at = lseek(fd, end, SEEK_DATA);
		if (at < 0 && errno == ENXIO)
			break;
		end = at < 0 ? -1 : lseek(fd, at, SEEK_HOLE);
		if (end < 0)
			return fail(err, errno, "look for holes");
		if (end > st->st_size) /* it grows meanwhile */
			end = st->st_size;
		if (at >= end)
			break;
		archive_entry_sparse_add_entry(pack->entry, at, end - at);
		any = true;
	}
	if (!any)
		archive_entry_sparse_add_entry(pack->entry, 0, 0);
	return 0;
}

/* Bytes of the file from offset on; what is not there any more is zeros. */
static int read_block(struct pack *pack, int fd, uint64_t offset, size_t count, bool *is_short,
                      struct error *err)
{
	size_t have = 0;

	while (have < count) {
		ssize_t n = pread(fd, pack->buffer + have, count - have, (off_t)(offset + have));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(err, errno, "read it");
		if (n == 0)
			break;
		have += (size_t)n;
	}
	*is_short |= have < count;
	memset(pack->buffer + have, 0, count - have);
	return 0;
}

/* One piece of a file with data, or (fd -1) a hole, which libarchive wants to be given as zeros. */
static int write_piece(struct pack *pack, int fd, uint64_t from, uint64_t to,
                       struct list_content *content, bool *is_short, struct error *err)
{
	if (fd < 0)
		memset(pack->buffer, 0, sizeof(pack->buffer));
	while (from < to) {
		size_t count = to - from < BLOCK ? (size_t)(to - from) : BLOCK;
		int r = fd < 0 ? 0 : read_block(pack, fd, from, count, is_short, err);

		if (r < 0)
			return r;
		if (archive_write_data(pack->writer, pack->buffer, count) < (la_ssize_t)count)
			return fail_writer(pack, err);
		if (fd >= 0) {
			list_content_add(content, from, pack->buffer, count);
			atomic_fetch_add(&pack->job->counters->bytes, count);
			atomic_fetch_add(&pack->job->counters->input, count);
		}
		from += count;
	}
	return 0;
}

static int write_content(struct pack *pack, int fd, uint64_t size, char digest[65],
                         struct error *err)
{
	struct list_content content;
	la_int64_t offset, length;
	uint64_t at = 0;
	bool is_short = false;
	int r = 0;

	list_content_start(&content);
	if (archive_entry_sparse_reset(pack->entry) == 0)
		r = write_piece(pack, fd, 0, at = size, &content, &is_short, err);
	while (r == 0 && archive_entry_sparse_next(pack->entry, &offset, &length) == ARCHIVE_OK) {
		uint64_t from = (uint64_t)offset, to = from + (uint64_t)length;

		r = write_piece(pack, -1, at, from, &content, &is_short, err);
		if (r == 0)
			r = write_piece(pack, fd, from, to, &content, &is_short, err);
		at = to;
	}
	if (r == 0)
		r = write_piece(pack, -1, at, size, &content, &is_short, err);
	if (is_short)
		note(pack, "it became shorter while it was read");
	list_content_end(&content, size, digest);
	return r;
}

static int plain_id(const struct idmap *map, bool group, uint32_t id, uint32_t *out,
                    struct error *err)
{
	for (unsigned int i = 0; i < map->count; i++) {
		const struct id_range *range = &map->ranges[i];

		if ((group ? range->groups : range->users) && id >= range->outside &&
		    id - range->outside < range->count) {
			*out = range->inside + (id - range->outside);
			return 0;
		}
	}
	return fail_plain(err, ERANGE, "it belongs to %s %u, which is none of the container's",
	                  group ? "group" : "user", id);
}

/* What the entry is without its content. */
static int fill_entry(struct pack *pack, int fd, struct stat *st, const char *link,
                      struct error *err)
{
	struct archive_entry *entry = archive_entry_clear(pack->entry);
	CLEAN_FREE char *name = NULL, *target = NULL;
	int r = 0;

	if (pack->job->shift) {
		r = plain_id(pack->job->shift, false, st->st_uid, &st->st_uid, err);
		if (r == 0)
			r = plain_id(pack->job->shift, true, st->st_gid, &st->st_gid, err);
		if (r < 0)
			return r;
	}
	name = text_is(pack->path.data, ".") ? must_dup(MANIFEST_TREE)
	                                     : must_printf(MANIFEST_TREE "/%s", pack->path.data);
	archive_entry_copy_pathname(entry, name);
	archive_entry_copy_sourcepath(entry, pack->path.data);
	if (archive_read_disk_entry_from_file(pack->disk, entry, fd, st) < ARCHIVE_WARN)
		return fail_plain(err, EIO, "look at it: %s", archive_error_string(pack->disk));
	list_choose_xattrs(entry);
	archive_entry_set_nlink(entry, 1);
	archive_entry_set_ino64(entry, 0);
	archive_entry_set_dev(entry, 0);
	if (link) {
		target = must_printf(MANIFEST_TREE "/%s", link);
		archive_entry_copy_hardlink(entry, target);
		archive_entry_set_size(entry, 0);
		archive_entry_xattr_clear(entry);
		archive_entry_acl_clear(entry);
	} else if (!S_ISREG(st->st_mode)) {
		archive_entry_set_size(entry, 0);
	}
	return 0;
}

static int add_line(struct pack *pack, const struct manifest_entry *what, struct error *err)
{
	struct text *line = &pack->line;
	size_t counted;

	line->length = 0;
	manifest_entry_format(what, line, &counted);
	if (line->length >= MANIFEST_LINE_MAX)
		return fail_plain(err, ENAMETOOLONG, "its line in the list would be too long");
	text_add(line, "\n");
	sha256_add(&pack->sum, line->data + counted, line->length - counted);
	pack->entries++;
	atomic_store(&pack->job->counters->entries, pack->entries);
	if (fwrite(line->data, 1, line->length, pack->job->list) != line->length)
		return fail(err, errno, "keep the list");
	return 0;
}

static int pack_entry(struct pack *pack, struct stat *st, struct error *err)
{
	CLEAN_FD int fd = -1;
	struct manifest_entry what;
	const char *link = first_name(pack, st);
	char digest[65];
	int r;

	if (S_ISREG(st->st_mode) && !link) {
		fd = open(pack->path.data, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (fd < 0)
			return fail(err, errno, "open it");
		if (fstat(fd, st) < 0 || !S_ISREG(st->st_mode))
			return fail_plain(err, ESTALE, "it was replaced while it was read");
	}
	r = fill_entry(pack, fd, st, link, err);
	if (r == 0)
		r = describe_holes(pack, fd, st, err);
	if (r < 0)
		return r;
	list_describe(pack->entry, pack->path.data, link, &what);
	archive_entry_unset_atime(pack->entry);
	archive_entry_unset_ctime(pack->entry);
	archive_entry_unset_birthtime(pack->entry);
	if (archive_write_header(pack->writer, pack->entry) < ARCHIVE_WARN)
		return fail_writer(pack, err);
	if (fd >= 0 && st->st_size > 0) {
		r = write_content(pack, fd, (uint64_t)st->st_size, digest, err);
		memcpy(what.content, digest, sizeof(digest));
	}
	return r < 0 ? r : add_line(pack, &what, err);
}

static int list_folder(const char *path, struct strings *names, struct error *err)
{
	CLEAN_DIR DIR *dir = opendir(path);
	const struct dirent *entry;

	if (!dir)
		return fail(err, errno, "open it");
	while ((errno = 0, entry = readdir(dir)))
		if (!text_is(entry->d_name, ".") && !text_is(entry->d_name, ".."))
			strings_add(names, entry->d_name);
	if (errno)
		return fail(err, errno, "read it");
	strings_sort(names); /* the same tree makes the same archive */
	return 0;
}

static int walk(struct pack *pack,
                int (*visit)(struct pack *pack, struct stat *st, struct error *err),
                struct error *err);

static int walk_folder(struct pack *pack,
                       int (*visit)(struct pack *pack, struct stat *st, struct error *err),
                       struct error *err)
{
	CLEAN(strings_done) struct strings names = {0};
	size_t length = pack->path.length;
	bool is_root = text_is(pack->path.data, ".");
	int r = list_folder(pack->path.data, &names, err);

	for (size_t i = 0; i < names.count && r == 0; i++) {
		if (is_root)
			pack->path.length = 0;
		text_addf(&pack->path, is_root ? "%s" : "/%s", names.items[i]);
		r = pack->path.length > ARCHIVE_NAME_MAX - 16
		            ? fail_plain(err, ENAMETOOLONG, "its path is too long for an archive")
		            : walk(pack, visit, err);
		if (r < 0)
			return r;
		pack->path.length = length;
		if (is_root)
			memcpy(pack->path.data, ".", 2);
		else
			pack->path.data[length] = '\0';
	}
	return r;
}

/* What is at pack->path, and what is in it. The path stays where it is on an error. */
static int walk(struct pack *pack,
                int (*visit)(struct pack *pack, struct stat *st, struct error *err),
                struct error *err)
{
	struct stat st;
	bool is_folder;
	int r;

	if (lstat(pack->path.data, &st) < 0) {
		if (errno != ENOENT)
			return fail(err, errno, "look at it");
		note(pack, "it went away while the tree was read");
		return 0;
	}
	is_folder = S_ISDIR(st.st_mode);
	r = visit(pack, &st, err);
	if (r == -ENOENT || r == -ESTALE) {
		error_clear(err);
		note(pack, "it went away while the tree was read");
		return 0;
	}
	return r == 0 && is_folder ? walk_folder(pack, visit, err) : r;
}

static int count_one(struct pack *pack, struct stat *st, struct error *err)
{
	(void)err; /* a look at a tree that is read in earnest afterwards */
	if (S_ISREG(st->st_mode))
		atomic_fetch_add(&pack->job->counters->total,
		                 (uint64_t)(st->st_blocks * 512 < st->st_size ? st->st_blocks * 512
		                                                              : st->st_size));
	return 0;
}

static int pack_one(struct pack *pack, struct stat *st, struct error *err)
{
	if (S_ISSOCK(st->st_mode)) {
		note(pack, "a socket, left out");
		return 0;
	}
	return pack_entry(pack, st, err);
}

static int walk_all(struct pack *pack,
                    int (*visit)(struct pack *pack, struct stat *st, struct error *err),
                    struct error *err)
{
	int r;

	pack->path.length = 0;
	text_add(&pack->path, ".");
	r = walk(pack, visit, err);
	if (r < 0 && err->code && archive_errno(pack->writer) == 0) {
		char shown[512];

		archive_escape(pack->path.data, shown, sizeof(shown));
		return fail_in(err, "'%s'", shown);
	}
	return r;
}

/* The list that was gathered, and the digest over all of it. */
static int add_list(struct pack *pack, struct error *err)
{
	FILE *list = pack->job->list;
	char digest[65];
	size_t n;
	long size;
	int r;

	sha256_end(&pack->sum, digest);
	pack->line.length = 0;
	manifest_end_format(pack->entries, digest, &pack->line);
	text_add(&pack->line, "\n");
	if (fwrite(pack->line.data, 1, pack->line.length, list) != pack->line.length ||
	    fflush(list) != 0 || (size = ftell(list)) < 0 || fseek(list, 0, SEEK_SET) < 0)
		return fail(err, errno, "keep the list");
	r = begin_member(pack, MANIFEST_LIST, (uint64_t)size, err);
	while (r == 0 && (n = fread(pack->buffer, 1, BLOCK, list)) > 0)
		if (archive_write_data(pack->writer, pack->buffer, n) != (la_ssize_t)n)
			r = fail_writer(pack, err);
	if (r == 0 && ferror(list))
		r = fail(err, errno, "keep the list");
	return r;
}

static int pack_all(struct pack *pack, struct error *err)
{
	const struct pack_job *job = pack->job;
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	int r = open_writer(pack, err);

	/* who reads the archive went away: an error, not a signal */
	(void)sigaction(SIGPIPE, &ignore, NULL);
	sha256_init(&pack->sum);
	if (r == 0 && job->count)
		r = walk_all(pack, count_one, err);
	if (r == 0)
		r = add_member(pack, MANIFEST_MEMBER, job->manifest, job->manifest_length, err);
	if (r == 0)
		r = add_member(pack, MANIFEST_CONFIG, job->config, job->config_length, err);
	if (r == 0)
		r = walk_all(pack, pack_one, err);
	if (r == 0)
		r = add_list(pack, err);
	if (r == 0 && archive_write_close(pack->writer) != ARCHIVE_OK)
		r = fail_writer(pack, err);
	return r;
}

int pack_work(const struct pack_job *job, struct error *err)
{
	struct pack *pack = must_alloc(sizeof(*pack));
	int r;

	pack->job = job;
	r = pack_all(pack, err);
	if (r < 0 && pack->writer)
		(void)archive_write_fail(pack->writer); /* nothing more is to be written */
	archive_write_free(pack->writer);
	archive_read_free(pack->disk);
	archive_entry_free(pack->entry);
	free_links(pack);
	text_done(&pack->path);
	text_done(&pack->line);
	free(pack);
	return r;
}
