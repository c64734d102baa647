/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Restoring a snapshot; snapshot_end.c ends one that was killed.
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
#include "storage/backend.h"
#include "storage/remove.h"
#include "storage/snapshot_parts.h"

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
	CLEAN_FREE char *folder = storage_free_layer(container->dir);
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
	r = snapshot_write_config(restoring->folder_fd, "config.new",
	                          restoring->restore->config ? old : container->file,
	                          &restoring->next, err);
	return r == 0 && restoring->restore->config ? snapshot_keep_identity(container, file, err)
	                                            : r;
}

/* Whole and on disk, but not in its place. */
static int make_tree(struct restoring *restoring, struct storage *made, struct error *err)
{
	const struct snapshot_restore *restore = restoring->restore;
	const struct container *container = restoring->container;
	CLEAN(storage_done) struct storage hidden = {.backend = NULL};
	int r;

	snapshot_hide_place(container, restore->before.name, restoring->hidden, &restoring->before,
	                    &hidden);
	storage_copy(made, restoring->by_exchange ? &hidden : &restoring->next);
	made->size_bytes = restoring->now.size_bytes;
	made->readonly = false;
	if (restoring->now.backend == &storage_overlay) {
		r = storage_make(&hidden, err);
		if (r < 0)
			return r;
	}
	r = made->backend == &storage_overlay
	            ? storage_make(made, err)
	            : storage_duplicate(&restoring->snapshot, made, restore->copy, restore->slow,
	                                err);
	restoring->is_made = r >= 0;
	return r < 0 ? r : 0;
}

static int exchange(const struct restoring *restoring, const struct storage *made,
                    struct error *err)
{
	const char *one = storage_place(&restoring->now), *other = storage_place(made);

	if (!restoring->by_exchange) /* the configuration is */
		return snapshot_install_config(restoring->container, restoring->folder_fd, err);
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
		r = storage_announce(&restoring->next, restoring->folder_fd, err);
	if (r == 0)
		r = make_tree(restoring, made, err);
	if (r == 0)
		r = snapshot_write_config(restoring->folder_fd, "config",
		                          restoring->container->file, &restoring->before, err);
	if (r == 0)
		r = snapshot_write_info(
			restoring->folder_fd, &restore->before,
			restoring->by_exchange ? snapshot_tree_number(storage_place(made)) : 0,
			err);
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
	(void)snapshot_drop_restoring(restoring->all_fd, restoring->folder_fd, restoring->hidden,
	                              NULL);
	(void)snapshot_drop_layers(restoring->container, NULL);
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
	snapshot_hide_place(container, restore->before.name, restoring.hidden, &restoring.before,
	                    &hidden);
	r = sync_exchange(&restoring, err);
	if (r == 0)
		r = snapshot_finish_restore(container, restoring.all_fd, restoring.folder_fd,
		                            restoring.hidden, &hidden, restore->before.name, err);
	return r;
}
