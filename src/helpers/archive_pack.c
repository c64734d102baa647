/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The entries of an archive that is packed, and its list; see the header. */
#include "helpers/archive_pack.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "helpers/archive_content.h"
#include "helpers/archive_describe.h"
#include "helpers/archive_fit.h"
#include "helpers/archive_links.h"
#include "helpers/archive_list.h"
#include "helpers/archive_notes.h"
#include "helpers/archive_since.h"
#include "helpers/archive_tree.h"
#include "helpers/archive_work.h"
#include "storage/manifest_list.h"

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
	struct describer describer;
	struct links links;
	struct list_writer list;
	struct since since;
	struct notes notes;
	struct fit fit;
	struct content content;
};

/* What the file is, and where it has data. */
static int open_file(struct pack *pack, struct stat *st, int *out, struct error *err)
{
	CLEAN_FD int fd =
		open(pack->tree.path.data, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return fail(err, errno, "open it");
	if (fstat(fd, st) < 0 || !S_ISREG(st->st_mode))
		return fail_plain(err, ESTALE, "it was replaced while it was read");
	*out = fd_take(&fd);
	describe_owner(&pack->describer, st);
	return 0;
}

/* It may be as it was, or its content may be: then all of what is complete. */
static int compare_content(struct pack *pack, int fd, struct manifest_entry *what, bool *is_same,
                           struct error *err)
{
	const struct manifest_entry *was = since_entry(&pack->since, what->path);
	int r;

	*is_same = false;
	if (fd < 0 || !was || was->type != 'f' || was->size != what->size)
		return 0;
	if (what->size) {
		r = content_digest(pack->describer.entry, fd, what->size, what->content, err);
		if (r < 0)
			return r;
	}
	*is_same = text_is(what->content, was->content);
	return 0;
}

/* Puts it into the archive; has_content: the file is there, and only the rest of it is new. */
static int write_entry(struct pack *pack, int fd, struct manifest_entry *what, bool has_content,
                       struct error *err)
{
	struct archive_entry *entry = pack->describer.entry;
	int r;

	archive_entry_unset_atime(entry);
	archive_entry_unset_ctime(entry);
	archive_entry_unset_birthtime(entry);
	if (has_content) {
		CLEAN_FREE char *name = must_dup(archive_entry_pathname(entry));

		archive_entry_sparse_clear(entry);
		archive_entry_copy_hardlink(entry, name);
		archive_entry_set_size(entry, 0);
		return writer_begin(&pack->writer, entry, err);
	}
	r = writer_begin(&pack->writer, entry, err);
	if (r < 0 || fd < 0 || !what->size)
		return r;
	r = content_write(&pack->content, entry, fd, what->size, what->content, err);
	if (pack->content.is_short)
		notes_add(&pack->notes, pack->tree.path.data,
		          "it became shorter while it was read");
	return r;
}

/* What is as it was. */
static int keep_entry(struct pack *pack, const struct manifest_entry *was, const struct stat *st,
                      struct error *err)
{
	const struct manifest_entry what = *was;

	atomic_fetch_add(&pack->job->output.counters->input, file_share(st));
	return since_add(&pack->since, &what, true, err);
}

static int pack_entry(struct pack *pack, struct stat *st, struct error *err)
{
	CLEAN_FD int fd = -1;
	const char *path = pack->tree.path.data;
	struct linked *names = links_find(&pack->links, path, st);
	const char *link = names && !text_is(names->path, path) ? names->path : NULL;
	/* unpacking makes the file anew: its other names go with it */
	bool must_link = link && names->is_packed, has_content = false;
	struct manifest_entry what;
	int r = since_reach(&pack->since, path, err);

	describe_owner(&pack->describer, st);
	if (r == 0 && !must_link && since_is_untouched(&pack->since, path, st, link))
		return keep_entry(pack, since_entry(&pack->since, path), st, err);
	if (r == 0 && S_ISREG(st->st_mode) && !link)
		r = open_file(pack, st, &fd, err);
	if (r == 0)
		r = describe_entry(&pack->describer, path, fd, st, link, err);
	if (r == 0)
		r = content_describe_holes(pack->describer.entry, fd, st, err);
	if (r < 0)
		return r;
	list_describe(pack->describer.entry, path, link, &what);
	r = compare_content(pack, fd, &what, &has_content, err);
	if (r == 0 && !must_link && since_is_same(&pack->since, &what))
		return keep_entry(pack, &what, st, err);
	if (r == 0)
		r = write_entry(pack, fd, &what, has_content && what.size, err);
	if (r == 0 && names && !link)
		names->is_packed = true;
	return r < 0 ? r : since_add(&pack->since, &what, false, err);
}

static int count_one(struct tree *tree, struct stat *st, struct error *err)
{
	const struct pack *pack = tree->user;
	struct archive_counters *counters = pack->job->output.counters;

	(void)err; /* a look at a tree that is read in earnest afterwards */
	if (S_ISSOCK(st->st_mode))
		return 0;
	atomic_fetch_add(&counters->total, file_share(st));
	atomic_fetch_add(&counters->total_entries, 1);
	return 0;
}

/* chattr(1): what a tar file of any reader's has no place for. */
static void note_flags(const struct pack *pack)
{
	static const struct {
		uint64_t flag;
		const char *what;
	} rows[] = {
		{STATX_ATTR_IMMUTABLE, "it is immutable, which is not kept"           },
		{STATX_ATTR_APPEND,    "it can only be appended to, which is not kept"},
	};
	const char *path = pack->tree.path.data;
	struct statx st;

	if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC, 0, &st) < 0)
		return; /* it went away, and that is said elsewhere */
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (st.stx_attributes & rows[i].flag)
			notes_add(&pack->notes, path, rows[i].what);
}

static int pack_one(struct tree *tree, struct stat *st, struct error *err)
{
	struct pack *pack = tree->user;

	if (S_ISSOCK(st->st_mode)) {
		notes_add(&pack->notes, pack->tree.path.data, "a socket, left out");
		return 0;
	}
	if (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode))
		note_flags(pack);
	return pack_entry(pack, st, err);
}

static void note_gone(struct tree *tree)
{
	const struct pack *pack = tree->user;

	notes_add(&pack->notes, tree->path.data, "it went away while the tree was read");
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

/* A block of the list into the archive, and into what keeps it. */
static int copy_list(struct pack *pack, size_t *count, struct error *err)
{
	FILE *save = pack->job->save;
	char *block = writer_take(&pack->writer, err);

	if (!block)
		return -err->code;
	*count = fread(block, 1, WRITER_BLOCK, pack->job->list);
	if (!*count || (save && fwrite(block, 1, *count, save) != *count))
		return fail(err, errno, "keep the list");
	writer_give(&pack->writer, *count);
	return 0;
}

/* The list that was gathered, and the digest over all of it. */
static int add_list(struct pack *pack, struct error *err)
{
	FILE *list = pack->job->list;
	long size = 0;
	size_t count = 0;
	int r = list_writer_end(&pack->list, err);

	if (r == 0 && ((size = ftell(list)) < 0 || fseek(list, 0, SEEK_SET) < 0))
		r = fail(err, errno, "keep the list");
	if (r == 0)
		r = writer_begin_member(&pack->writer, MANIFEST_LIST, (uint64_t)size, err);
	for (; r == 0 && size > 0; size -= (long)count)
		r = copy_list(pack, &count, err);
	if (r == 0 && pack->job->save && fflush(pack->job->save) != 0)
		r = fail(err, errno, "keep the list");
	return r;
}

static int add_head(struct pack *pack, struct error *err)
{
	const struct pack_job *job = pack->job;
	int r = writer_add_member(&pack->writer, MANIFEST_MEMBER, job->manifest,
	                          job->manifest_length, err);

	if (r == 0 && job->save && fprintf(job->save, "%s\n", job->manifest) < 0)
		r = fail(err, errno, "keep the list");
	if (r == 0)
		r = writer_add_member(&pack->writer, MANIFEST_CONFIG, job->config,
		                      job->config_length, err);
	return r;
}

static int pack_all(struct pack *pack, struct error *err)
{
	const struct pack_job *job = pack->job;
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	int r = writer_open(&pack->writer, &job->output, err);

	/* who reads the archive went away: an error, not a signal */
	(void)sigaction(SIGPIPE, &ignore, NULL);
	if (r == 0)
		r = describe_init(&pack->describer, job->shift, &pack->fit, err);
	if (r == 0)
		r = since_open(&pack->since, job->base, &pack->list, job->output.counters, err);
	if (r == 0 && job->count)
		r = walk_all(pack, count_one, err);
	if (r == 0)
		r = add_head(pack, err);
	if (r == 0)
		r = walk_all(pack, pack_one, err);
	if (r == 0)
		r = since_reach(&pack->since, NULL, err);
	notes_end(&pack->notes);
	return r < 0 ? r : add_list(pack, err);
}

int pack_work(const struct pack_job *job, struct error *err)
{
	struct pack *pack = must_alloc(sizeof(*pack));
	int r, closed;

	pack->job = job;
	pack->content.writer = &pack->writer;
	list_writer_init(&pack->list, job->list);
	pack->notes.counters = job->output.counters;
	pack->fit = (struct fit){.is_host_root = job->is_privileged, .notes = &pack->notes};
	r = pack_all(pack, err);
	closed = writer_close(&pack->writer, r == 0, err);
	describe_done(&pack->describer);
	links_done(&pack->links);
	since_done(&pack->since);
	list_writer_done(&pack->list);
	text_done(&pack->tree.path);
	free(pack);
	return r < 0 ? r : closed;
}
