/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Restoring a snapshot, and ending what killed commands left.
 *
 * A restore makes the snapshot of what was there, .BEFORE.restoring, with the new tree in the place of the old
 * one. Where the container's tree is one entry of a folder (dir, btrfs, loop) the two are exchanged by one
 * rename; elsewhere (overlay, volumes) config.new names the new tree, and replacing the configuration is the
 * exchange. Then the configuration is replaced, then .BEFORE.restoring gets its name. Its file info has the
 * number of the new tree, so that a later command sees how far it came: before the exchange all is dropped,
 * after it the rest is done.
 */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "container/container.h"
#include "container/lock.h"
#include "container/state.h"
#include "storage/backend.h"
#include "storage/copy.h"
#include "storage/remove.h"
#include "storage/snapshot_parts.h"
#include "storage/subvolume.h"
#include "storage/sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct restoring {
	const struct container *container;
	const struct snapshot_restore *restore;
	int all_fd, folder_fd;
	char *hidden;            /* ".BEFORE.restoring" */
	struct storage now;      /* the container's tree */
	struct storage snapshot; /* what is restored */
	struct storage next; /* the container's tree afterwards; as now where they are exchanged */
	struct storage before; /* the old one as a snapshot, with its paths under the final name */
	bool by_exchange, is_made;
};

static void restoring_done(struct restoring *restoring)
{
	fd_close(&restoring->all_fd);
	fd_close(&restoring->folder_fd);
	free(restoring->hidden);
	storage_done(&restoring->now);
	storage_done(&restoring->snapshot);
	storage_done(&restoring->next);
	storage_done(&restoring->before);
}

/* What tells a tree from every other one of its file system; 0: it is not there. */
static uint64_t identity_of(const char *path)
{
	CLEAN_FD int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return 0;
	return subvolume_is(fd) ? subvolume_id(fd) : st.st_ino;
}

static bool is_place(const struct storage *storage)
{
	return !storage_is_volume(storage) && storage->backend != &storage_overlay;
}

static int read_trees(struct restoring *restoring, struct error *err)
{
	const struct container *container = restoring->container;
	int r = storage_of(&restoring->now, &container->config, err);

	if (r == 0)
		r = snapshot_storage(container, restoring->restore->name, &restoring->snapshot,
		                     err);
	if (r < 0)
		return r;
	restoring->by_exchange =
		is_place(&restoring->now) && restoring->now.backend == restoring->snapshot.backend;
	return 0;
}

/* A volume beside the container's: what is behind the first name and its own mark. */
static char *new_volume(const struct restoring *restoring)
{
	const char *now = storage_place(&restoring->now);
	char mark = restoring->now.backend == &storage_lvm ? '+' : ':';
	const char *end = strchr(now, mark);

	return must_printf("%.*s%c%s", end ? (int)(end - now) : (int)strlen(now), now, mark,
	                   restoring->restore->before.name);
}

/* Where the new tree is to be. */
static int plan_next(struct restoring *restoring, struct error *err)
{
	const struct container *container = restoring->container;
	const struct storage *snapshot = &restoring->snapshot;
	CLEAN_FREE char *folder = snapshot_free_layer(container);
	struct storage *next = &restoring->next;
	size_t last = snapshot->parts.count - 1;

	storage_copy(next, restoring->by_exchange ? &restoring->now : snapshot);
	next->size_bytes = restoring->now.size_bytes;
	if (restoring->by_exchange)
		return 0;
	if (snapshot->backend == &storage_overlay) {
		free(next->parts.items[last]);
		next->parts.items[last] = ptr_take(folder);
		return 0;
	}
	strings_done(&next->parts);
	if (storage_is_volume(snapshot) && restoring->now.backend == snapshot->backend)
		strings_give(&next->parts, new_volume(restoring));
	else if (is_place(snapshot)) /* the container has become an overlay since */
		strings_give(&next->parts, must_printf("%s/rootfs.%s", container->dir,
		                                       restoring->restore->before.name));
	else
		return fail_plain(err, EOPNOTSUPP, "a snapshot of backend %s cannot replace %s",
		                  storage_name(snapshot), storage_name(&restoring->now));
	return 0;
}

/* What is there, as a snapshot. */
static int plan_before(struct restoring *restoring, struct error *err)
{
	const struct snapshot *before = &restoring->restore->before;

	if (restoring->now.backend == &storage_overlay)
		return snapshot_seal(restoring->container, &restoring->now, before->name,
		                     &restoring->before, err);
	if (restoring->by_exchange) {
		snapshot_place(restoring->container, &restoring->now, before->name,
		               &restoring->before);
		return 0;
	}
	storage_copy(&restoring->before, &restoring->now); /* it stays where it is */
	restoring->before.size_bytes = 0;
	return 0;
}

static int make_folder(struct restoring *restoring, struct error *err)
{
	restoring->hidden = must_printf(".%s.restoring", restoring->restore->before.name);
	restoring->all_fd = snapshot_open_all(restoring->container, false, err);
	if (restoring->all_fd < 0)
		return restoring->all_fd;
	if (mkdirat(restoring->all_fd, restoring->hidden, 0700) < 0)
		return fail(err, errno, "make directory 'snapshots/%s'", restoring->hidden);
	restoring->folder_fd = openat(restoring->all_fd, restoring->hidden,
	                              O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return restoring->folder_fd < 0 ? fail(err, errno, "open 'snapshots/%s'", restoring->hidden)
	                                : 0;
}

static int write_text(int folder_fd, const char *name, const char *file,
                      const struct storage *storage, struct error *err)
{
	CLEAN(text_done) struct text text = {0};
	mode_t mode = 0;
	int r = snapshot_config_text(file, storage, &text, &mode, err);

	return r < 0 ? r
	             : file_replace_volatile(folder_fd, name, text.data, text.length, mode, err);
}

/*
 * What must not go back: the ids, which another container may have by now, and who it is. The tree has plain ids,
 * so that any map fits; one with changed owners fits its own only.
 */
static int keep_identity(const struct container *container, const char *file, struct error *err)
{
	CLEAN(config_done) struct config old = {0};
	const struct config *now = &container->config;
	CLEAN_FREE char *maps = NULL;
	int r = 0;

	config_init(&old);
	(void)config_load(&old, file, NULL,
	                  NULL); /* what is wrong with it is said when it is used */
	if (now->uuid && !text_is(now->uuid, old.uuid))
		r = config_edit_set(file, "container", "uuid", now->uuid, true, err);
	if (r < 0 || old.privileged || now->privileged)
		return r < 0 ? r : 0;
	for (size_t i = 0; i < now->idmap.count || i < old.idmap.count; i++)
		if (i >= now->idmap.count || i >= old.idmap.count ||
		    !text_is(now->idmap.items[i], old.idmap.items[i])) {
			maps = must_dup("");
			break;
		}
	if (!maps)
		return 0;
	if (now->rootfs_options && strstr(now->rootfs_options, "shifted"))
		return fail_plain(
			err, EOPNOTSUPP,
			"the snapshot has other ids (idmap.map) than the container, and its "
			"tree was shifted to them");
	for (size_t i = 0; i < now->idmap.count && r == 0; i++)
		r = config_edit_set(file, "idmap", "map", now->idmap.items[i], i == 0, err);
	return r;
}

/* .BEFORE.restoring/config.new: what the container's configuration is to be; nothing where that stays. */
static int write_next_config(struct restoring *restoring, struct error *err)
{
	const struct container *container = restoring->container;
	const char *name = restoring->restore->name;
	CLEAN_FREE char *old = must_printf("%s/snapshots/%s/config", container->dir, name);
	CLEAN_FREE char *file =
		must_printf("%s/snapshots/%s/config.new", container->dir, restoring->hidden);
	int r;

	if (!restoring->restore->config && restoring->by_exchange)
		return 0;
	r = write_text(restoring->folder_fd, "config.new",
	               restoring->restore->config ? old : container->file, &restoring->next, err);
	return r == 0 && restoring->restore->config ? keep_identity(container, file, err) : r;
}

/* Whole and on disk, but not in its place. */
static int make_tree(struct restoring *restoring, struct storage *made, struct error *err)
{
	const struct snapshot_restore *restore = restoring->restore;
	const struct container *container = restoring->container;
	CLEAN_FREE char *last = snapshot_dir(container, restore->before.name);
	CLEAN_FREE char *now = snapshot_dir(container, restoring->hidden);
	CLEAN(storage_done) struct storage hidden = {.backend = NULL};
	int r;

	storage_copy(&hidden, &restoring->before);
	storage_move(&hidden, last, now);
	storage_copy(made, restoring->by_exchange ? &hidden : &restoring->next);
	made->size_bytes = restoring->now.size_bytes;
	if (restoring->now.backend == &storage_overlay) {
		r = storage_make(&hidden, err);
		if (r < 0)
			return r;
	}
	r = made->backend == &storage_overlay
	            ? storage_make(made, err)
	            : storage_duplicate(&restoring->snapshot, made, restore->copy, restore->slow,
	                                err);
	restoring->is_made = r == 0;
	return r < 0 ? r : storage_set_readonly(made, false, err);
}

/* By a rename, which needs no room: there is no way back when the tree is exchanged. */
static int install_config(const struct container *container, int folder_fd, struct error *err)
{
	CLEAN_FD int dir = open(container->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return fail(err, errno, "open '%s'", container->dir);
	if (renameat(folder_fd, "config.new", dir, "config") < 0)
		return errno == ENOENT ? 0 : fail(err, errno, "replace '%s'", container->file);
	return fsync(dir) < 0 ? fail(err, errno, "write '%s' to disk", container->file) : 0;
}

/* Everything behind the exchange. */
static int finish(const struct container *container, int all_fd, int folder_fd, const char *hidden,
                  const struct storage *before, const char *name, struct error *err)
{
	int r = install_config(container, folder_fd, err);

	if (r == 0 && text_is(storage_name(before), "btrfs"))
		r = storage_set_readonly(before, true, err);
	if (r < 0)
		return r;
	if (fsync(folder_fd) < 0 || renameat2(all_fd, hidden, all_fd, name, RENAME_NOREPLACE) < 0 ||
	    fsync(all_fd) < 0)
		return fail(err, errno, "rename 'snapshots/%s'", hidden);
	return 0;
}

/* The place of the old tree while the folder is hidden. */
static void hide_path(const struct container *container, const char *name, const char *hidden,
                      const struct storage *before, struct storage *out)
{
	CLEAN_FREE char *last = snapshot_dir(container, name);
	CLEAN_FREE char *now = snapshot_dir(container, hidden);

	storage_copy(out, before);
	storage_move(out, last, now);
}

static int exchange(const struct restoring *restoring, const struct storage *made,
                    struct error *err)
{
	const char *one = storage_place(&restoring->now), *other = storage_place(made);

	if (!restoring->by_exchange) /* the configuration is */
		return install_config(restoring->container, restoring->folder_fd, err);
	if (renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE) < 0)
		return fail(err, errno, "exchange '%s' and '%s'", one, other);
	return 0;
}

/* From here on there is no way back: a failure is ended by the next command. */
static int sync_exchange(const struct restoring *restoring, struct error *err)
{
	CLEAN_FD int above = -1;
	const char *name;

	if (!restoring->by_exchange)
		return 0;
	above = storage_open_above(storage_place(&restoring->now), &name, err);
	if (above < 0)
		return above;
	return fsync(above) < 0 ? fail(err, errno, "write the new tree to disk") : 0;
}

static int prepare(struct restoring *restoring, struct storage *made, struct error *err)
{
	const struct snapshot_restore *restore = restoring->restore;
	int r = make_folder(restoring, err);

	if (r == 0) /* first: a sweep finds by it what was made elsewhere */
		r = write_next_config(restoring, err);
	if (r == 0)
		r = make_tree(restoring, made, err);
	if (r == 0)
		r = write_text(restoring->folder_fd, "config", restoring->container->file,
		               &restoring->before, err);
	if (r == 0)
		r = snapshot_write_info(
			restoring->folder_fd, &restore->before,
			restoring->by_exchange ? identity_of(storage_place(made)) : 0, err);
	if (r == 0 && syncfs(restoring->folder_fd) < 0)
		r = fail(err, errno, "write 'snapshots/%s' to disk", restoring->hidden);
	return r < 0 ? r : snapshot_go_on(restore->copy, err);
}

/* What was made goes; the failure before is the one to tell. */
static void drop(const struct restoring *restoring, const struct storage *made)
{
	if (restoring->folder_fd < 0)
		return;
	if (!restoring->by_exchange && restoring->is_made)
		(void)storage_remove(made, NULL);
	(void)remove_tree(restoring->all_fd, restoring->hidden, NULL);
	(void)snapshot_drop_layers(restoring->container, NULL);
}

/* A restore: 1 when the new tree is in its place. */
static int is_exchanged(const struct container *container, const char *dir, struct storage *next)
{
	CLEAN_FREE char *file = must_printf("%s/config.new", dir);
	CLEAN(snapshot_done) struct snapshot before = {0};
	CLEAN(storage_done) struct storage now = {.backend = NULL};
	CLEAN_FREE char *one = NULL, *other = NULL;
	uint64_t identity = 0;

	if (snapshot_read_info(dir, &before, &identity, NULL) < 0 ||
	    snapshot_storage_of(container->file, NULL, &now, NULL) < 0)
		return 0;
	if (identity)
		return identity_of(storage_place(&now)) == identity;
	/* written before anything was made, gone since it is in force */
	if (!file_exists(AT_FDCWD, file))
		return 1;
	if (snapshot_storage_of(file, container->config.uuid, next, NULL) < 0)
		return 0;
	one = storage_text(&now);
	other = storage_text(next);
	return text_is(one, other);
}

/* By the rename of two trees, or of the configuration. False: nothing has changed. */
static bool is_in_force(const struct restoring *restoring, int result)
{
	return result == 0 ||
	       (!restoring->by_exchange && !file_exists(restoring->folder_fd, "config.new"));
}

int snapshot_restore(const struct container *container, const struct snapshot_restore *restore,
                     struct error *err)
{
	CLEAN(restoring_done)
	struct restoring restoring = {
		.container = container, .restore = restore, .all_fd = -1, .folder_fd = -1};
	CLEAN(storage_done) struct storage made = {.backend = NULL}, hidden = {.backend = NULL};
	bool begun = false;
	int r = read_trees(&restoring, err);

	if (r == 0)
		r = plan_next(&restoring, err);
	if (r == 0)
		r = plan_before(&restoring, err);
	if (r == 0)
		r = prepare(&restoring, &made, err);
	if (r == 0) {
		r = exchange(&restoring, &made, err);
		begun = is_in_force(&restoring, r);
	}
	if (r < 0) {
		if (!begun)
			drop(&restoring, &made);
		return r;
	}
	hide_path(container, restore->before.name, restoring.hidden, &restoring.before, &hidden);
	r = sync_exchange(&restoring, err);
	if (r == 0)
		r = finish(container, restoring.all_fd, restoring.folder_fd, restoring.hidden,
		           &hidden, restore->before.name, err);
	return r;
}

int snapshot_restore_config(const struct container *container, const char *name, struct error *err)
{
	CLEAN_FREE char *old = must_printf("%s/snapshots/%s/config", container->dir, name);
	CLEAN_FREE char *kept = must_printf("%s.before-restore", container->file);
	CLEAN_FREE char *next = must_printf("%s/.config.restoring", container->dir);
	CLEAN(storage_done) struct storage now = {.backend = NULL};
	CLEAN_FD int dir = open(container->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool has_kept = file_exists(AT_FDCWD, kept);
	int r = storage_of(&now, &container->config, err);

	if (r == 0)
		r = write_text(AT_FDCWD, next, old, &now, err);
	if (r == 0)
		r = keep_identity(container, next, err);
	if (r == 0) /* replaces what an earlier one kept, so not before it must */
		r = write_text(AT_FDCWD, kept, container->file, &now, err);
	if (r == 0 && (dir < 0 || syncfs(dir) < 0))
		r = fail(err, errno, "write '%s' to disk", next);
	if (r == 0 && rename(next, container->file) < 0)
		r = fail(err, errno, "rename '%s' to '%s'", next, container->file);
	if (r < 0) {
		(void)unlink(next); /* the failure is the one to tell */
		if (!has_kept)
			(void)unlink(kept);
		return r;
	}
	return fsync(dir) < 0 ? fail(err, errno, "write '%s' to disk", container->file) : 0;
}

/* --- what killed commands left --- */

static int end_restore(const struct container *container, int all_fd, const char *hidden,
                       struct error *err)
{
	CLEAN_FREE char *dir = snapshot_dir(container, hidden);
	CLEAN_FREE char *file = must_printf("%s/config", dir);
	CLEAN_FREE char *next_file = must_printf("%s/config.new", dir);
	CLEAN_FREE char *name =
		must_printf("%.*s", (int)(strrchr(hidden, '.') - hidden - 1), hidden + 1);
	CLEAN(storage_done) struct storage before = {.backend = NULL}, next = {.backend = NULL};
	CLEAN(storage_done) struct storage old = {.backend = NULL};
	CLEAN_FD int folder = openat(all_fd, hidden, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (folder < 0)
		return fail(err, errno, "open 'snapshots/%s'", hidden);
	if (is_exchanged(container, dir, &next) &&
	    snapshot_storage_of(file, container->config.uuid, &before, NULL) == 0) {
		hide_path(container, name, hidden, &before, &old);
		return finish(container, all_fd, folder, hidden, &old, name, err);
	}
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
	return remove_tree(all_fd, hidden, err);
}

static int end_one(const struct container *container, int all_fd, const char *hidden,
                   bool is_stopped, struct error *err)
{
	CLEAN_FREE char *file = must_printf("%s/snapshots/%s/config", container->dir, hidden);
	CLEAN_FREE char *dir = snapshot_dir(container, hidden);
	CLEAN(snapshot_done) struct snapshot before = {0};
	int r;

	if (text_is(hidden, SNAPSHOT_FOLD_MARK))
		return is_stopped ? snapshot_end_fold(container, all_fd, err) : 0;
	if (text_ends(hidden, ".restoring") && snapshot_read_info(dir, &before, NULL, NULL) == 0 &&
	    before.paths.count)
		return snapshot_end_paths(container, all_fd, hidden, &before, err);
	if (text_ends(hidden, ".restoring"))
		return end_restore(container, all_fd, hidden, err);
	r = sweep_volume(file, err);
	return r < 0 ? r : remove_tree(all_fd, hidden, err);
}

static bool is_leftover(const char *name)
{
	return name[0] == '.' && (text_ends(name, ".creating") || text_ends(name, ".deleting") ||
	                          text_ends(name, ".restoring"));
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
