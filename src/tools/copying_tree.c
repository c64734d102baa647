/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How the folder and the root file system of a copy come about; see the header. */
#include "tools/copying_tree.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "container/idmap.h"
#include "storage/copy.h"
#include "storage/identity.h"
#include "storage/snapshot.h"
#include "tools/command.h"
#include "tools/copying.h"
#include "tools/making.h"
#include "tools/tree_progress.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MOST (16U << 20) /* bytes of a file of the administrator's in the folder */

static bool is_backend(const struct storage *storage, const char *name)
{
	return text_is(storage_name(storage), name);
}

/* --- the folder --- */

/* What is seen to elsewhere, or belongs to the source alone. */
static bool is_own(const struct copying *copying, const char *name)
{
	static const char *const names[] = {"config", "addresses",  "snapshots",
	                                    "rootfs", "rootfs.img", "delta"};
	CLEAN_FREE char *path = must_printf("%s/%s/", copying->source->dir, name);

	if (name[0] == '.' || text_starts(name, "delta."))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (text_is(name, names[i]))
			return true;
	for (size_t i = 0; i < copying->from.parts.count; i++) {
		CLEAN_FREE char *part = must_printf("%s/", copying->from.parts.items[i]);

		if (text_starts(part, path))
			return true;
	}
	return false;
}

static int copy_file(const struct copying *copying, int from, const char *name,
                     const struct stat *st, struct error *err)
{
	CLEAN(text_done) struct text text = {0};
	int r = file_read(from, name, FILE_MOST, &text, err);

	return r < 0 ? r
	             : file_replace_volatile(copying->folder_fd, name, text.data ? text.data : "",
	                                     text.length, st->st_mode & 0777, err);
}

static int copy_entry(struct copying *copying, int from, const char *name, struct error *err)
{
	CLEAN_FD int folder = -1, new = -1;
	struct stat st;

	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : fail(err, errno, "look at '%s'", name);
	if (S_ISREG(st.st_mode))
		return copy_file(copying, from, name, &st, err);
	if (!S_ISDIR(st.st_mode))
		return 0;
	folder = openat(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder < 0 || mkdirat(copying->folder_fd, name, 0700) < 0)
		return fail(err, errno, "copy '%s'", name);
	new = openat(copying->folder_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (new < 0)
		return fail(err, errno, "copy '%s'", name);
	return copy_tree(folder, new, NULL, NULL, err);
}

int copying_folder(struct copying *copying, struct error *err)
{
	const char *dir = copying->source->dir;
	CLEAN_FD int from = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN_DIR DIR *all = opendir(dir);
	const struct dirent *entry;
	int r = 0;

	if (from < 0 || !all)
		return fail(err, errno, "open '%s'", dir);
	while (r == 0 && (entry = readdir(all)))
		if (!is_own(copying, entry->d_name))
			r = copy_entry(copying, from, entry->d_name, err);
	return r < 0 ? fail_in(err, "copy what else is in '%s'", dir) : 0;
}

/* --- the tree --- */

/* Where a full copy goes: an overlay's is its lower folder. */
static int open_target(const struct copying *copying, struct error *err)
{
	CLEAN_FREE char *rootfs = must_printf("%s/rootfs", copying->dir);

	if (file_is_dir(AT_FDCWD, rootfs)) {
		int fd = open(rootfs, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		return fd < 0 ? fail(err, errno, "open '%s'", rootfs) : fd;
	}
	return storage_visit(&copying->to, STORAGE_WRITE, err);
}

/* The tree of a shifted source has its ids on disk, the copy's has its own. */
static int move_ids(struct copying *copying, struct error *err)
{
	CLEAN_FREE char *rootfs = must_printf("%s/rootfs", copying->dir);
	struct idmap old = {0}, new = {0}, change = {0};
	CLEAN_FD int tree = -1;
	int r;

	if (!copying_is_shifted(copying))
		return 0;
	r = idmap_parse(&old, &copying->source->config.idmap, err);
	if (r == 0)
		r = idmap_parse(&new, &copying->target.config.idmap, err);
	if (r < 0)
		return r;
	if (old.count != 1 || new.count != 1)
		return fail_plain(err, EOPNOTSUPP,
		                  "the tree of '%s' has the ids of that container on disk, in more "
		                  "than one range",
		                  copying->source->name);
	change = new;
	change.ranges[0].inside = old.ranges[0].outside;
	if (file_is_dir(AT_FDCWD, rootfs)) /* of an overlay the lower one */
		return storage_shift(rootfs, &change, err);
	tree = storage_visit(&copying->to, STORAGE_WRITE, err);
	return tree < 0 ? tree : storage_shift_at(tree, copying->name, &change, err);
}

/* What a copy of every byte is told. Pair: full_done(). */
struct full {
	struct tree_progress progress;
	struct copy_options options;
	int source, target; /* -1: not visited yet */
	/* of a source that runs: what is copied before it is held, or what is copied in its place */
	struct storage_live *live;
	struct snapshot_moment *moment;
};

static void full_init(struct full *full, const struct copying *copying)
{
	*full = (struct full){
		.options = {.write_out = true,
	                    .progress = tree_progress_copied,
	                    .user = &full->progress},
		.source = -1,
		.target = -1,
	};
	tree_progress_begin(&full->progress, copying->call, copying->name, copying->signals_fd);
	full->options.count = full->progress.line.form != PROGRESS_NONE;
}

static void full_done(struct full *full)
{
	progress_clear(&full->progress.line);
	storage_live_free(full->live);
	fd_close(&full->source);
	fd_close(&full->target);
	snapshot_moment_drop(full->moment);
}

/* The new file system, empty, and both trees. */
static int make_target(struct copying *copying, struct full *full, struct error *err)
{
	const struct storage *from =
		full->moment ? snapshot_moment_storage(full->moment) : &copying->from;
	int r = full->source = storage_visit(from, 0, err);

	if (r >= 0)
		r = storage_make(&copying->to, err);
	if (r < 0)
		return r;
	copying->is_made = true;
	full->target = open_target(copying, err);
	/* mkfs(8) made it; e2fsck(8) makes it again when it needs it */
	if (full->target >= 0)
		(void)unlinkat(full->target, "lost+found", AT_REMOVEDIR);
	return full->target < 0 ? full->target : 0;
}

static int copy_all(struct copying *copying, struct full *full, struct error *err)
{
	struct copy_totals totals = {0};
	int r = full->target < 0 ? make_target(copying, full, err) : 0;

	return r < 0 ? r : copy_tree(full->source, full->target, &full->options, &totals, err);
}

/* Sharing without a difference: where it works a full copy is one too. Clones of zfs depend on theirs. */
static bool may_clone(const struct copying *copying)
{
	return is_backend(&copying->from, storage_name(&copying->to)) &&
	       (copying->is_shared ||
	        (!is_backend(&copying->to, "overlay") && !is_backend(&copying->to, "zfs") &&
	         copying->from.size_bytes == copying->to.size_bytes));
}

static int clone_or_copy(struct copying *copying, struct full *full, struct error *err)
{
	int r;

	if (copying->onward.backend || (copying->is_shared && is_backend(&copying->to, "overlay") &&
	                                !storage_has_written(&copying->from))) {
		r = storage_make(&copying->to, err);
		copying->is_made = r == 0;
		if (r == 0 && copying->onward.backend) {
			r = storage_make(&copying->onward, err);
			copying->onward_is_made = r == 0;
		}
		return r;
	}
	if (may_clone(copying)) {
		r = storage_clone(&copying->from, &copying->to, err);
		copying->is_made = r == 0;
		if (r != -EOPNOTSUPP || copying->is_shared)
			return r;
		error_clear(err);
	}
	return copy_all(copying, full, err);
}

/*
 * What can be copied while the source goes on, so that it is held for the rest only: of an overlay that is shared
 * what it wrote itself, of a folder all where no blocks can be shared.
 */
static int copy_before(struct copying *copying, struct full *full, struct error *err)
{
	int r;

	if (copying->is_shared)
		return is_backend(&copying->to, "overlay") && storage_has_written(&copying->from)
		               ? storage_live_begin(&copying->from, &copying->to, &full->options,
		                                    &full->live, err)
		               : 0;
	if (!is_backend(&copying->from, "dir"))
		return 0;
	if (may_clone(copying) && copying_can_share(copying))
		return 0;
	r = make_target(copying, full, err);
	return r < 0 ? r
	             : storage_live_begin_at(full->source, full->target, &full->options,
	                                     &full->live, err);
}

/*
 * A source that cannot be copied so, into what is no clone of it: what it has at one moment is kept for that long, and
 * read while it goes on. Nothing is where that cannot be.
 */
static int keep_moment(struct copying *copying, struct full *full, struct error *err)
{
	struct snapshot_options options = {.copy = &full->options,
	                                   .hold = hold_change,
	                                   .frozen_us = hold_frozen_us,
	                                   .user = &copying->hold};
	CLEAN_FD int root = -1;

	if (full->live || copying->is_shared || may_clone(copying) ||
	    hold_open_root(copying->source, &root, NULL) < 0 || root < 0)
		return 0;
	options.root_fd = root;
	return snapshot_moment_take(copying->source, &options, &full->moment, err);
}

static int take_held(struct copying *copying, struct full *full, struct error *err)
{
	struct error second = {0};
	int r = hold_change(true, &copying->hold, err), end;

	if (r == 0)
		r = full->live ? storage_live_end(full->live, true, err)
		               : clone_or_copy(copying, full, err);
	end = hold_change(false, &copying->hold, r < 0 ? &second : err);
	return r < 0 ? r : end;
}

static int take(struct copying *copying, struct error *err)
{
	CLEAN(full_done) struct full full;
	int r;

	full_init(&full, copying);
	if (!copying->source_runs)
		return clone_or_copy(copying, &full, err);
	r = copy_before(copying, &full, err);
	if (r == 0)
		r = making_check_signals(copying->signals_fd, err);
	if (r == 0)
		r = keep_moment(copying, &full, err);
	if (r < 0)
		return r;
	return full.moment ? copy_all(copying, &full, err) : take_held(copying, &full, err);
}

/* On the file system of the folder, which is written to disk before it gets its name; what an overlay writes is too. */
static bool is_written_with(const struct copying *copying, int tree)
{
	struct stat a, b;

	if (is_backend(&copying->to, "overlay"))
		return true;
	return fstat(tree, &a) == 0 && fstat(copying->folder_fd, &b) == 0 && a.st_dev == b.st_dev;
}

static int renew(struct copying *copying, struct error *err)
{
	CLEAN_FD int tree = storage_visit(&copying->to, STORAGE_WRITE, err), top = -1;
	int r;

	if (tree < 0)
		return tree;
	r = identity_renew_tree(&copying->identity, tree, err);
	if (r < 0 || is_written_with(copying, tree))
		return r;
	top = openat(tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (top < 0 || syncfs(top) < 0)
		return fail(err, errno, "write the copy to disk");
	return 0;
}

int copying_tree(struct copying *copying, struct error *err)
{
	int r;

	/* its paths where it is made; a lower folder of the source's stays where it is */
	storage_move(&copying->to, copying->target.dir, copying->dir);
	r = storage_announce(&copying->to, copying->folder_fd, err);
	if (r == 0)
		r = take(copying, err);
	if (r == 0)
		r = move_ids(copying, err);
	if (r == 0 && !copying->is_shared)
		r = storage_finish(&copying->to, err);
	return r < 0 ? r : renew(copying, err);
}
