/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The entries of an archive that is packed, and its list; see the header. */
#include "helpers/archive_pack.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "container/idmap.h"
#include "helpers/archive_content.h"
#include "helpers/archive_links.h"
#include "helpers/archive_list.h"
#include "helpers/archive_tree.h"
#include "helpers/archive_work.h"
#include "storage/manifest.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

struct pack {
	const struct pack_job *job;
	struct tree tree;
	struct writer writer;
	struct archive *disk;
	struct archive_entry *entry;
	struct links links;
	struct text line;
	struct sha256 sum;
	uint64_t entries;
	struct content content;
};

/* Said and gone on: a socket, what went away under a walk that did not freeze. */
static void note(const struct pack *pack, const char *what)
{
	struct archive_counters *counters = pack->job->output.counters;
	unsigned int at = atomic_fetch_add(&counters->note_count, 1);

	if (at < ARCHIVE_NOTES) {
		char shown[ARCHIVE_NOTE_MAX - 64];

		archive_escape(pack->tree.path.data, shown, sizeof(shown));
		(void)snprintf(counters->notes[at], ARCHIVE_NOTE_MAX, "'%s': %s", shown, what);
	}
}

static int open_disk(struct pack *pack, struct error *err)
{
	pack->disk = archive_read_disk_new();
	pack->entry = archive_entry_new();
	if (!pack->disk || !pack->entry)
		return fail(err, ENOMEM, "start reading");
	(void)archive_read_disk_set_behavior(pack->disk, ARCHIVE_READDISK_NO_FFLAGS |
	                                                         ARCHIVE_READDISK_NO_SPARSE);
	return 0;
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
	name = text_is(pack->tree.path.data, ".")
	               ? must_dup(MANIFEST_TREE)
	               : must_printf(MANIFEST_TREE "/%s", pack->tree.path.data);
	archive_entry_copy_pathname(entry, name);
	archive_entry_copy_sourcepath(entry, pack->tree.path.data);
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
	atomic_store(&pack->job->output.counters->entries, pack->entries);
	if (fwrite(line->data, 1, line->length, pack->job->list) != line->length)
		return fail(err, errno, "keep the list");
	return 0;
}

static int pack_entry(struct pack *pack, struct stat *st, struct error *err)
{
	CLEAN_FD int fd = -1;
	struct manifest_entry what;
	const char *link = links_first(&pack->links, pack->tree.path.data, st);
	char digest[65];
	int r;

	if (S_ISREG(st->st_mode) && !link) {
		fd = open(pack->tree.path.data, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (fd < 0)
			return fail(err, errno, "open it");
		if (fstat(fd, st) < 0 || !S_ISREG(st->st_mode))
			return fail_plain(err, ESTALE, "it was replaced while it was read");
	}
	r = fill_entry(pack, fd, st, link, err);
	if (r == 0)
		r = content_describe_holes(pack->entry, fd, st, err);
	if (r < 0)
		return r;
	list_describe(pack->entry, pack->tree.path.data, link, &what);
	archive_entry_unset_atime(pack->entry);
	archive_entry_unset_ctime(pack->entry);
	archive_entry_unset_birthtime(pack->entry);
	r = writer_begin(&pack->writer, pack->entry, err);
	if (r == 0 && fd >= 0 && st->st_size > 0) {
		r = content_write(&pack->content, pack->entry, fd, (uint64_t)st->st_size, digest,
		                  err);
		memcpy(what.content, digest, sizeof(digest));
		if (pack->content.is_short)
			note(pack, "it became shorter while it was read");
	}
	return r < 0 ? r : add_line(pack, &what, err);
}

static int count_one(struct tree *tree, struct stat *st, struct error *err)
{
	const struct pack *pack = tree->user;

	(void)err; /* a look at a tree that is read in earnest afterwards */
	if (S_ISREG(st->st_mode))
		atomic_fetch_add(&pack->job->output.counters->total,
		                 (uint64_t)(st->st_blocks * 512 < st->st_size ? st->st_blocks * 512
		                                                              : st->st_size));
	return 0;
}

static int pack_one(struct tree *tree, struct stat *st, struct error *err)
{
	struct pack *pack = tree->user;

	if (S_ISSOCK(st->st_mode)) {
		note(pack, "a socket, left out");
		return 0;
	}
	return pack_entry(pack, st, err);
}

static void note_gone(struct tree *tree)
{
	note(tree->user, "it went away while the tree was read");
}

static int walk_all(struct pack *pack,
                    int (*visit)(struct tree *tree, struct stat *st, struct error *err),
                    struct error *err)
{
	int r;

	pack->tree.visit = visit;
	pack->tree.gone = note_gone;
	pack->tree.user = pack;
	r = tree_walk(&pack->tree, err);
	if (r < 0 && err->code && !pack->writer.failed) {
		char shown[512];

		archive_escape(pack->tree.path.data, shown, sizeof(shown));
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
	r = writer_begin_member(&pack->writer, MANIFEST_LIST, (uint64_t)size, err);
	while (r == 0 && size > 0) {
		char *block = writer_take(&pack->writer, err);

		if (!block)
			return -err->code;
		n = fread(block, 1, WRITER_BLOCK, list);
		if (n == 0)
			return fail(err, errno, "keep the list");
		writer_give(&pack->writer, n);
		size -= (long)n;
	}
	return r;
}

static int pack_all(struct pack *pack, struct error *err)
{
	const struct pack_job *job = pack->job;
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct writer *writer = &pack->writer;
	int r = writer_open(writer, &job->output, err);

	/* who reads the archive went away: an error, not a signal */
	(void)sigaction(SIGPIPE, &ignore, NULL);
	sha256_init(&pack->sum);
	if (r == 0)
		r = open_disk(pack, err);
	if (r == 0 && job->count)
		r = walk_all(pack, count_one, err);
	if (r == 0)
		r = writer_add_member(writer, MANIFEST_MEMBER, job->manifest, job->manifest_length,
		                      err);
	if (r == 0)
		r = writer_add_member(writer, MANIFEST_CONFIG, job->config, job->config_length,
		                      err);
	if (r == 0)
		r = walk_all(pack, pack_one, err);
	if (r == 0)
		r = add_list(pack, err);
	return r;
}

int pack_work(const struct pack_job *job, struct error *err)
{
	struct pack *pack = must_alloc(sizeof(*pack));
	int r, closed;

	pack->job = job;
	pack->content.writer = &pack->writer;
	r = pack_all(pack, err);
	closed = writer_close(&pack->writer, r == 0, err);
	archive_read_free(pack->disk);
	archive_entry_free(pack->entry);
	links_done(&pack->links);
	text_done(&pack->tree.path);
	text_done(&pack->line);
	free(pack);
	return r < 0 ? r : closed;
}
