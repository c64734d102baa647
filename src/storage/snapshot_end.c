/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ending what killed commands left of snapshots: a restore is finished when its exchange was done (how that is seen:
 * snapshot_restore.c), and everything else that has no name yet, or none any more, goes.
 */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "container/container.h"
#include "container/lock.h"
#include "container/state.h"
#include "storage/backend.h"
#include "storage/remove.h"
#include "storage/snapshot_parts.h"
#include "storage/subvolume.h"
#include "storage/sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

uint64_t snapshot_tree_number(const char *path)
{
	CLEAN_FD int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return 0;
	return subvolume_is(fd) ? subvolume_id(fd) : st.st_ino;
}

void snapshot_hide_place(const struct container *container, const char *name, const char *hidden,
                         const struct storage *before, struct storage *out)
{
	CLEAN_FREE char *last = snapshot_dir(container, name);
	CLEAN_FREE char *now = snapshot_dir(container, hidden);

	storage_copy(out, before);
	storage_move(out, last, now);
}

int snapshot_finish_restore(const struct container *container, int all_fd, int folder_fd,
                            const char *hidden, const struct storage *before, const char *name,
                            struct error *err)
{
	int r = snapshot_install_config(container, folder_fd, err);

	if (r == 0 && text_is(storage_name(before), "btrfs"))
		r = storage_set_readonly(before, true, err);
	if (r < 0)
		return r;
	if (fsync(folder_fd) < 0 || renameat2(all_fd, hidden, all_fd, name, RENAME_NOREPLACE) < 0 ||
	    fsync(all_fd) < 0)
		return fail(err, errno, "rename 'snapshots/%s'", hidden);
	return 0;
}

/*
 * A restore: 1 when the new tree is in its place, 0: nothing has changed. old: what the folder dir has, or is to have.
 * What cannot be read is an error, since the only copy of what was there may be in that folder.
 */
static int is_exchanged(const struct container *container, const char *dir,
                        const struct storage *old, uint64_t identity, struct storage *next,
                        struct error *err)
{
	CLEAN_FREE char *file = must_printf("%s/config.new", dir);
	CLEAN(storage_done) struct storage now = {.backend = NULL};
	CLEAN_FREE char *one = NULL, *other = NULL;
	uint64_t held = identity ? snapshot_tree_number(storage_place(old)) : 0;
	int r;

	/* not by what the container's file names: that may have been changed since */
	if (identity)
		return held && held != identity;
	/* written before anything was made, gone since it is in force */
	if (!file_exists(AT_FDCWD, file))
		return 1;
	r = snapshot_storage_of(container->file, NULL, &now, err);
	if (r == 0)
		r = snapshot_storage_of(file, container->config.uuid, next, err);
	if (r < 0)
		return r;
	one = storage_text(&now);
	other = storage_text(next);
	return text_is(one, other);
}

/* "before" of ".before.restoring". */
static char *name_of(const char *hidden)
{
	return must_printf("%.*s", (int)(strrchr(hidden, '.') - hidden - 1), hidden + 1);
}

/* As is_exchanged(), which fills next, and old. Before both files are there nothing is exchanged. */
static int look_at_restore(const struct container *container, const char *hidden,
                           struct storage *old, struct storage *next, struct error *err)
{
	CLEAN_FREE char *dir = snapshot_dir(container, hidden), *name = name_of(hidden);
	CLEAN_FREE char *info = must_printf("%s/info", dir), *file = must_printf("%s/config", dir);
	CLEAN(snapshot_done) struct snapshot what = {0};
	CLEAN(storage_done) struct storage before = {.backend = NULL};
	uint64_t identity = 0;
	int r;

	if (!file_exists(AT_FDCWD, info) || !file_exists(AT_FDCWD, file))
		return 0;
	r = snapshot_read_info(dir, &what, &identity, err);
	if (r == 0)
		r = snapshot_storage_of(file, container->config.uuid, &before, err);
	if (r < 0)
		return r;
	snapshot_hide_place(container, name, hidden, &before, old);
	return is_exchanged(container, dir, old, identity, next, err);
}

int snapshot_drop_restoring(int all_fd, int folder_fd, const char *hidden, struct error *err)
{
	if (unlinkat(folder_fd, "info", 0) < 0 && errno != ENOENT)
		return fail(err, errno, "remove 'snapshots/%s/info'", hidden);
	return remove_tree(all_fd, hidden, err);
}

static int end_restore(const struct container *container, int all_fd, const char *hidden,
                       struct error *err)
{
	CLEAN_FREE char *dir = snapshot_dir(container, hidden), *name = name_of(hidden);
	CLEAN_FREE char *next_file = must_printf("%s/config.new", dir);
	CLEAN(storage_done) struct storage old = {.backend = NULL}, next = {.backend = NULL};
	CLEAN_FD int folder = openat(all_fd, hidden, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (folder < 0)
		return fail(err, errno, "open 'snapshots/%s'", hidden);
	r = look_at_restore(container, hidden, &old, &next, err);
	if (r < 0)
		return r;
	if (r > 0)
		return snapshot_finish_restore(container, all_fd, folder, hidden, &old, name, err);
	/* a tree of its own outside of the folder; never the one that the container has */
	if (!next.backend)
		(void)snapshot_storage_of(next_file, container->config.uuid, &next, NULL);
	if (next.backend && next.backend != &storage_overlay) {
		CLEAN(storage_done) struct storage now = {.backend = NULL};

		if (snapshot_storage_of(container->file, NULL, &now, err) < 0)
			return -err->code;
		if (!text_is(storage_place(&now), storage_place(&next)) &&
		    storage_remove(&next, err) < 0)
			return -err->code;
	}
	return snapshot_drop_restoring(all_fd, folder, hidden, err);
}

static int end_one(const struct container *container, int all_fd, const char *hidden,
                   bool is_stopped, struct error *err)
{
	CLEAN_FREE char *dir = snapshot_dir(container, hidden);
	CLEAN_FREE char *file = must_printf("%s/config", dir), *name = name_of(hidden);
	CLEAN(snapshot_done) struct snapshot before = {0};
	bool is_begun = text_ends(hidden, ".restoring"), is_kept = text_ends(hidden, ".exchanging");
	int r;

	if (text_is(hidden, SNAPSHOT_FOLD_MARK))
		return is_stopped ? snapshot_end_fold(container, all_fd, err) : 0;
	r = is_begun || is_kept ? snapshot_read_info(dir, &before, NULL, is_kept ? err : NULL) : 0;
	if (r < 0 && is_kept)
		return r;
	if (is_kept || before.paths.count)
		return snapshot_end_paths(container, all_fd, hidden, name, &before.paths, err);
	if (is_begun)
		return end_restore(container, all_fd, hidden, err);
	r = sweep_volume(file, err);
	return r < 0 ? r : remove_tree(all_fd, hidden, err);
}

static bool is_leftover(const char *name)
{
	static const char *const ends[] = {".creating", ".deleting", ".restoring", ".exchanging"};

	for (size_t i = 0; name[0] == '.' && i < ARRAY_SIZE(ends); i++)
		if (text_ends(name, ends[i]))
			return true;
	return false;
}

static void list_leftovers(const struct container *container, struct strings *names)
{
	CLEAN_FREE char *path = must_printf("%s/snapshots", container->dir);
	CLEAN_DIR DIR *dir = opendir(path);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (is_leftover(entry->d_name))
			strings_add(names, entry->d_name);
}

bool snapshot_find_begun(const struct container *container, struct snapshot *out)
{
	CLEAN(strings_done) struct strings names = {0};

	list_leftovers(container, &names);
	for (size_t i = 0; i < names.count; i++) {
		CLEAN_FREE char *dir = snapshot_dir(container, names.items[i]);
		CLEAN(snapshot_done) struct snapshot before = {0};

		if (!text_ends(names.items[i], ".restoring") ||
		    snapshot_read_info(dir, &before, NULL, NULL) < 0 || before.paths.count)
			continue;
		free(before.name);
		before.name = name_of(names.items[i]);
		*out = before;
		before = (struct snapshot){.name = NULL};
		return true;
	}
	return false;
}

bool snapshot_is_pending(const struct container *container)
{
	CLEAN(strings_done) struct strings names = {0};

	list_leftovers(container, &names);
	return names.count > 0;
}

int snapshot_sweep(const struct container *container, bool is_stopped, struct error *err)
{
	CLEAN(strings_done) struct strings names = {0};
	CLEAN_FD int all = -1;
	int ended = 0, r;

	list_leftovers(container, &names);
	if (names.count) {
		all = snapshot_open_all(container, false, err);
		if (all < 0)
			return all;
	}
	for (size_t i = 0; i < names.count; i++, ended++) {
		r = end_one(container, all, names.items[i], is_stopped, err);
		if (r < 0)
			return fail_in(err, "end what a killed command left of a snapshot");
	}
	r = is_stopped ? snapshot_drop_layers(container, err) : 0;
	return r < 0 ? r : ended;
}

int snapshot_lock(const struct container *container, int64_t timeout_ms, struct error *err)
{
	CLEAN_FD int lock = lock_container(container, timeout_ms, err);
	struct state state;
	int r = lock < 0 ? lock : 0;

	if (r < 0 || !snapshot_is_pending(container))
		return r < 0 ? r : fd_take(&lock);
	r = state_read(container->run_dir, &state, NULL, err);
	if (r == 0)
		r = snapshot_sweep(container, state.phase == STATE_STOPPED, err);
	return r < 0 ? r : fd_take(&lock);
}
