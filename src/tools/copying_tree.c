/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a copy's root file system is, and how it comes about; see the header. */
#include "tools/copying_tree.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/process.h"
#include "container/idmap.h"
#include "storage/copy.h"
#include "storage/identity.h"
#include "tools/command.h"
#include "tools/copying.h"
#include "tools/output.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#define LAYERS_MOST 64 /* of one container; more would slow it down */
#define SHOW_MS     200
#define FILE_MOST   (16U << 20) /* bytes of a file of the administrator's in the folder */

static bool is_backend(const struct storage *storage, const char *name)
{
	return text_is(storage_name(storage), name);
}

/* --- choosing --- */

static const char *own_folder(const struct storage *overlay)
{
	return overlay->parts.items[overlay->parts.count - 1];
}

/* Whether anything is in the overlay's own folder; true when that cannot be told. */
static bool has_written(const struct storage *overlay)
{
	CLEAN_FREE char *path = must_printf("%s/upper", own_folder(overlay));
	CLEAN_DIR DIR *dir = opendir(path);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (!text_is(entry->d_name, ".") && !text_is(entry->d_name, ".."))
			return true;
	return !dir;
}

/* A folder of the source's that is not there yet. */
static char *free_layer(const struct container *source)
{
	CLEAN_FREE char *first = must_printf("%s/delta", source->dir);

	if (!file_exists(AT_FDCWD, first))
		return ptr_take(first);
	for (unsigned int i = 1;; i++) {
		CLEAN_FREE char *path = must_printf("%s/delta.%u", source->dir, i);

		if (!file_exists(AT_FDCWD, path))
			return ptr_take(path);
	}
}

/* The same layers, with another folder on top. */
static void share_layers(struct copying *copying, const char *folder)
{
	storage_copy(&copying->to, &copying->from);
	free(copying->to.parts.items[copying->to.parts.count - 1]);
	copying->to.parts.items[copying->to.parts.count - 1] = must_dup(folder);
}

/* What the source has written until now becomes a layer under both. */
static int share_sealed(struct copying *copying, const char *folder, struct error *err)
{
	CLEAN_FREE char *onward = free_layer(copying->source);
	int r;

	if (copying->from.parts.count >= LAYERS_MOST) {
		(void)fail_plain(err, E2BIG, "'%s' stands on %zu layers already",
		                 copying->source->name, copying->from.parts.count);
		return fail_hint(err, "make a full copy, and copies of that");
	}
	r = storage_seal(&copying->from, folder, &copying->to, err);
	return r < 0 ? r : storage_seal(&copying->from, onward, &copying->onward, err);
}

static int choose_overlay(struct copying *copying, struct error *err)
{
	CLEAN_FREE char *folder = must_printf("%s/delta", copying->target.dir);

	if (is_backend(&copying->from, "overlay") &&
	    (copying->source_runs || !has_written(&copying->from))) {
		/* what a mounted overlay has written is copied, its layers are shared */
		share_layers(copying, folder);
		return 0;
	}
	if (!copying->source_runs)
		return share_sealed(copying, folder, err);
	(void)fail_plain(err, EOPNOTSUPP,
	                 "'%s' runs, and its tree can be shared only while it does not",
	                 copying->source->name);
	return fail_hint(err, "stop it for that moment, or make a full copy");
}

static bool is_shifted(const struct copying *copying)
{
	return storage_option(&copying->from, "shifted") != NULL;
}

/* Whether files in the store can share their blocks: two that never had a name. */
static bool can_share_blocks(const struct copying *copying)
{
	struct storage try = {.backend = NULL};
	CLEAN_FREE char *from_place = must_printf("%s/reflink", copying->dir);
	CLEAN_FREE char *to_place = must_printf("%s/reflink2", copying->dir);
	CLEAN_FREE char *from_text = must_printf("dir:%s", from_place);
	CLEAN_FREE char *to_text = must_printf("dir:%s", to_place);
	struct storage to = {.backend = NULL};
	bool can = false;

	/* an empty folder is asked for: whether it works is known before the first file */
	if (storage_parse(&try, from_text, NULL, NULL) == 0 &&
	    storage_parse(&to, to_text, NULL, NULL) == 0 && storage_make(&try, NULL) == 0) {
		can = storage_clone(&try, &to, NULL) == 0;
		(void)storage_remove(&to, NULL); /* what is left goes with the hidden folder */
		(void)storage_remove(&try, NULL);
	}
	storage_done(&try);
	storage_done(&to);
	return can;
}

static int choose_backend(struct copying *copying, const char *backend, struct error *err)
{
	const struct config *config = &copying->target.config;
	const struct storage_request request = {
		.paths = &copying->call->paths,
		.name = copying->name,
		.backend = backend,
		.options = config->rootfs_options,
		.size_bytes = config->rootfs_size == LIMIT_UNSET ? 0 : config->rootfs_size,
		.owner = config->uuid,
	};

	return storage_choose(&request, &copying->to, err);
}

/* Copy-on-write: by the backend itself, or by layers. */
static int choose_shared(struct copying *copying, struct error *err)
{
	bool is_dir = is_backend(&copying->from, "dir");
	const char *own = storage_name(&copying->from);

	/* a clone of a volume gets ids of its own like a copy of it */
	if (is_shifted(copying) && !storage_is_volume(&copying->from)) {
		(void)fail_plain(err, EOPNOTSUPP,
		                 "the tree of '%s' has the ids of that container on disk (its file "
		                 "system cannot be id-mapped), so it cannot be shared",
		                 copying->source->name);
		return fail_hint(err, "make a full copy");
	}
	if (copying->memory && !is_dir && !is_backend(&copying->from, "overlay"))
		return fail_plain(err, EOPNOTSUPP,
		                  "only copies of backends dir and overlay can write into memory, "
		                  "not of %s",
		                  own);
	if (copying->backend && !text_is(copying->backend, own) &&
	    !(is_dir && text_is(copying->backend, "overlay"))) {
		(void)fail_plain(err, EOPNOTSUPP,
		                 "a copy-on-write copy of backend %s cannot be of backend %s", own,
		                 copying->backend);
		return fail_hint(err, "leave -s out for a full one");
	}
	if (is_backend(&copying->from, "overlay") ||
	    (is_dir && copying->backend && text_is(copying->backend, "overlay")) ||
	    copying->memory || (is_dir && !can_share_blocks(copying)))
		return choose_overlay(copying, err);
	return choose_backend(copying, own, err);
}

int copying_choose(struct copying *copying, struct error *err)
{
	int r = storage_of(&copying->from, &copying->source->config, err);

	if (r < 0)
		return r;
	if (copying->is_shared)
		return choose_shared(copying, err);
	return choose_backend(
		copying, copying->backend ? copying->backend : storage_name(&copying->from), err);
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

static void show(struct copying *copying, const struct copy_totals *done)
{
	int64_t now = process_clock_ms();

	if (copying->call->quiet || !isatty(STDERR_FILENO) || now - copying->shown_ms < SHOW_MS)
		return;
	copying->shown_ms = now;
	(void)dprintf(STDERR_FILENO, "\r\033[K%s: %llu files, %llu MiB", copying->name,
	              (unsigned long long)done->files, (unsigned long long)(done->bytes >> 20));
}

/* Nothing but the result line stays on the terminal. */
static void show_end(const struct copying *copying)
{
	if (copying->shown_ms)
		(void)dprintf(STDERR_FILENO, "\r\033[K");
}

static int on_progress(const struct copy_totals *done, void *user, struct error *err)
{
	struct copying *copying = user;
	struct signalfd_siginfo info;

	if (read(copying->signals_fd, &info, sizeof(info)) == sizeof(info))
		return fail_plain(err, EINTR, "interrupted");
	show(copying, done);
	return 0;
}

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

	if (!is_shifted(copying))
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

static int copy_all(struct copying *copying, struct error *err)
{
	const struct copy_options options = {
		.write_out = true, .progress = on_progress, .user = copying};
	CLEAN_FD int source = storage_visit(&copying->from, 0, err), target = -1;
	struct copy_totals totals = {0};
	int r = source < 0 ? source : storage_make(&copying->to, err);

	if (r < 0)
		return r;
	copying->is_made = true;
	target = open_target(copying, err);
	if (target < 0)
		return target;
	/* mkfs(8) made it; e2fsck(8) makes it again when it needs it */
	(void)unlinkat(target, "lost+found", AT_REMOVEDIR);
	r = copy_tree(source, target, &options, &totals, err);
	show_end(copying);
	return r;
}

/* Sharing without a difference: where it works a full copy is one too. Clones of zfs depend on theirs. */
static bool may_clone(const struct copying *copying)
{
	return is_backend(&copying->from, storage_name(&copying->to)) &&
	       (copying->is_shared ||
	        (!is_backend(&copying->to, "overlay") && !is_backend(&copying->to, "zfs") &&
	         copying->from.size_bytes == copying->to.size_bytes));
}

static int clone_or_copy(struct copying *copying, struct error *err)
{
	int r;

	if (copying->onward.backend || (copying->is_shared && is_backend(&copying->to, "overlay") &&
	                                !has_written(&copying->from))) {
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
	return copy_all(copying, err);
}

/* What the container has not written to the disk of its own yet, an image reads from there. */
static int take(struct copying *copying, struct error *err)
{
	struct error second = {0};
	int r, end;

	if (!copying->source_runs)
		return clone_or_copy(copying, err);
	r = hold_change(true, &copying->hold, err);
	if (r == 0)
		r = clone_or_copy(copying, err);
	end = hold_change(false, &copying->hold, r < 0 ? &second : err);
	return r < 0 ? r : end;
}

static int renew(struct copying *copying, struct error *err)
{
	CLEAN_FD int tree = storage_visit(&copying->to, STORAGE_WRITE, err), top = -1;
	int r;

	if (tree < 0)
		return tree;
	r = identity_renew_tree(&copying->identity, tree, err);
	if (r < 0)
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
	r = take(copying, err);
	if (r == 0)
		r = move_ids(copying, err);
	if (r == 0 && !copying->is_shared)
		r = storage_finish(&copying->to, err);
	return r < 0 ? r : renew(copying, err);
}
