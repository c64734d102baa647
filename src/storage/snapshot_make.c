/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making a snapshot: in a hidden folder, on disk, then under its name by one rename; see snapshot.h. */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "container/container.h"
#include "container/state.h"
#include "storage/backend.h"
#include "storage/remove.h"
#include "storage/snapshot_parts.h"
#include "storage/subvolume.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

struct making {
	const struct container *container;
	struct snapshot *what;
	const struct snapshot_options *options;
	int all_fd;              /* STORE/NAME/snapshots */
	char *hidden;            /* ".SNAP.creating" */
	int folder_fd;           /* that; -1: not made yet */
	bool is_made;            /* the volume, where it is one */
	bool is_lasting;         /* the tree is on disk */
	bool is_moment;          /* it gets no name, and no tree is copied as a whole for it */
	struct storage from, to; /* to: with its paths under the final name */
	struct storage
		container_to; /* overlay at rest: what the container goes on with; else no backend */
	struct storage layer;      /* running overlay: the copy of what it wrote; else no backend */
	struct storage_live *live; /* what was copied before the moment; NULL: nothing */
};

static void making_done(struct making *making)
{
	fd_close(&making->all_fd);
	fd_close(&making->folder_fd);
	free(making->hidden);
	storage_done(&making->from);
	storage_done(&making->to);
	storage_done(&making->container_to);
	storage_done(&making->layer);
	storage_live_free(making->live);
}

static bool is_overlay(const struct making *making)
{
	return making->from.backend == &storage_overlay;
}

static int make_folder(struct making *making, struct error *err)
{
	const char *name = making->what->name;

	making->all_fd = snapshot_open_all(making->container, true, err);
	if (making->all_fd < 0)
		return making->all_fd;
	if (file_exists(making->all_fd, name))
		return fail_plain(err, EEXIST, "snapshot '%s' is there already", name);
	making->hidden = must_printf(".%s.creating", name);
	if (mkdirat(making->all_fd, making->hidden, 0700) < 0)
		return fail(err, errno, "make directory 'snapshots/%s'", making->hidden);
	making->folder_fd = openat(making->all_fd, making->hidden,
	                           O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return making->folder_fd < 0 ? fail(err, errno, "open 'snapshots/%s'", making->hidden) : 0;
}

/* The same layers with another folder of its own. */
static void with_folder(const struct storage *from, char *folder, struct storage *out)
{
	storage_copy(out, from);
	free(out->parts.items[out->parts.count - 1]);
	out->parts.items[out->parts.count - 1] = folder;
}

static int plan_overlay(struct making *making, struct error *err)
{
	const struct container *container = making->container;
	const char *name = making->what->name;
	bool is_running = making->options->root_fd >= 0;
	CLEAN_FREE char *folder = storage_free_layer(container->dir);
	CLEAN_FREE char *empty = must_printf("%s/snapshots/%s/delta", container->dir, name);
	int r;

	/* the layers of a mounted overlay stay what they are, and a long chain gets no longer: a copy */
	if (storage_has_written(&making->from) &&
	    (is_running || making->from.parts.count > STORAGE_LAYERS_MOST)) {
		with_folder(&making->from, must_dup(folder), &making->layer);
		making->layer.size_bytes = 0;
		return storage_seal(&making->layer, empty, &making->to, err);
	}
	r = snapshot_seal(container, &making->from, name, &making->to, err);
	if (r == 0 && storage_has_written(&making->from))
		r = storage_seal(&making->from, folder, &making->container_to, err);
	return r;
}

static int plan(struct making *making, struct error *err)
{
	int r = storage_of(&making->from, &making->container->config, err);

	if (r < 0)
		return r;
	if (is_overlay(making)) {
		r = plan_overlay(making, err);
		making->to.size_bytes = 0;
		return r;
	}
	snapshot_place(making->container, &making->from, making->what->name, &making->to);
	return 0;
}

static int sync_container(const struct making *making, struct error *err)
{
	CLEAN_FD int root = -1;

	if (making->options->root_fd < 0 || text_is(storage_name(&making->from), "dir") ||
	    text_is(storage_name(&making->from), "btrfs") || is_overlay(making))
		return 0; /* read through the same page cache */
	root = openat(making->options->root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0 || syncfs(root) < 0)
		return fail(err, errno, "write the container's file system to disk");
	return 0;
}

/* The moment itself. storage: to with its paths in the hidden folder. */
static int take(struct making *making, const struct storage *hidden, struct error *err)
{
	const struct snapshot_options *options = making->options;
	int r = sync_container(making, err);

	if (r < 0)
		return r;
	if (making->live)
		return storage_live_end(making->live, options->hold != NULL, err);
	if (making->layer.backend)
		return storage_clone(&making->from, &making->layer, err);
	if (is_overlay(making))
		return 0; /* nothing is changed by anybody */
	r = making->is_moment
	            ? storage_clone(&making->from, hidden, err)
	            : storage_duplicate(&making->from, hidden, options->copy, options->slow, err);
	making->is_made = r >= 0;
	making->is_lasting = r == 0 && storage_clone_lasts(hidden);
	return r < 0 ? r : 0;
}

/* What can be copied before the moment, so that the container rests as short as can be. */
static int take_before(struct making *making, const struct storage *hidden, struct error *err)
{
	const struct snapshot_options *options = making->options;

	if (options->root_fd < 0 || (is_overlay(making) && !making->layer.backend) ||
	    (making->is_moment && !is_overlay(making)))
		return 0;
	return storage_live_begin(&making->from, making->layer.backend ? &making->layer : hidden,
	                          options->copy, &making->live, err);
}

static int hold_and_take(struct making *making, const struct storage *hidden, struct error *err)
{
	const struct snapshot_options *options = making->options;
	struct error second = {0};
	int r, end;

	if (!options->hold)
		return take(making, hidden, err);
	r = snapshot_go_on(options->copy, err);
	if (r < 0)
		return r;
	r = options->hold(true, options->user, err);
	making->what->created_ms = state_now_ms();
	if (r == 0)
		r = take(making, hidden, err);
	end = options->hold(false, options->user, r < 0 ? &second : err);
	return r < 0 ? r : end;
}

/* A journal that was open is closed, so that the image can be looked at without writing. */
static int settle(const struct making *making, const struct storage *hidden, struct error *err)
{
	int fd;

	if (making->options->root_fd < 0 ||
	    (!text_is(storage_name(hidden), "loop") && !text_is(storage_name(hidden), "lvm")))
		return 0;
	fd = storage_visit(hidden, STORAGE_WRITE, err);
	if (fd < 0)
		return fail_in(err, "look at the snapshot");
	close(fd);
	return 0;
}

static int make_tree(struct making *making, struct error *err)
{
	CLEAN(storage_done) struct storage hidden = {.backend = NULL};
	int r;

	snapshot_hide_place(making->container, making->what->name, making->hidden, &making->to,
	                    &hidden);
	r = storage_announce(&hidden, making->folder_fd, err);
	if (r == 0)
		r = take_before(making, &hidden, err);
	if (r == 0)
		r = hold_and_take(making, &hidden, err);
	/* an empty folder on top of the layers, that of the container first: it may be one of them */
	if (r == 0 && is_overlay(making))
		r = storage_make(&hidden, err);
	if (r == 0 && making->container_to.backend)
		r = storage_make(&making->container_to, err);
	if (r == 0)
		r = settle(making, &hidden, err);
	return r < 0 ? r : storage_set_readonly(&hidden, true, err);
}

static int settle_file(int folder_fd, const char *name)
{
	CLEAN_FD int fd = openat(folder_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : subvolume_settle(fd);
}

/*
 * All that was made until here is on disk before the rename is. What a layer or a folder holds may have been written
 * long before, and anywhere in it: there is no other way to know it there than to wait for the file system as
 * a whole. The tree that is a new subvolume is there; the two files go with the rename, in one transaction.
 */
static int write_out(const struct making *making, struct error *err)
{
	int r = 0;

	if (making->is_lasting) {
		r = settle_file(making->folder_fd, "config");
		if (r == 0)
			r = settle_file(making->folder_fd, "info");
	}
	if ((r < 0 || !making->is_lasting) && syncfs(making->folder_fd) < 0)
		return fail(err, errno, "write snapshot '%s' to disk", making->what->name);
	return 0;
}

static int give_name(const struct making *making, struct error *err)
{
	int all = making->all_fd, r;

	if (renameat2(all, making->hidden, all, making->what->name, RENAME_NOREPLACE) < 0)
		return fail(err, errno, "rename 'snapshots/%s'", making->hidden);
	if ((making->is_lasting && subvolume_commit(all) == 0) || fsync(all) == 0)
		return 0;
	r = fail(err, errno, "write the name of snapshot '%s' to disk", making->what->name);
	/* undo() takes it with all that was made for it; one that keeps its name keeps that */
	(void)renameat2(all, making->what->name, all, making->hidden, RENAME_NOREPLACE);
	return r;
}

static int publish(struct making *making, struct error *err)
{
	int r = snapshot_write_info(making->folder_fd, making->what, 0, err);

	if (r == 0 && making->container_to.backend)
		r = snapshot_write_config(making->folder_fd, "config.new", making->container->file,
		                          &making->container_to, err);
	if (r == 0)
		r = write_out(making, err);
	if (r == 0)
		r = snapshot_go_on(making->options->copy, err);
	/*
	 * The container goes on in its new folder before the snapshot is there: whatever comes between, nobody
	 * writes into what a snapshot stands on.
	 */
	if (r == 0 && making->container_to.backend)
		r = snapshot_install_config(making->container, making->folder_fd, err);
	return r < 0 ? r : give_name(making, err);
}

/* All of it, whatever is there; the failure before is the one to tell. */
static void undo(struct making *making)
{
	CLEAN_FREE char *all = must_printf("%s/snapshots", making->container->dir);

	if (making->folder_fd >= 0 && file_exists(making->all_fd, making->hidden)) {
		if (making->is_made && storage_is_volume(&making->to))
			(void)storage_remove(&making->to, NULL);
		(void)remove_tree(making->all_fd, making->hidden, NULL);
		if (making->layer.backend)
			(void)storage_remove(&making->layer, NULL);
		/* one that runs may stand on what its file does not name any more */
		if (making->options->root_fd < 0)
			(void)snapshot_drop_layers(making->container, NULL);
	}
	if (making->all_fd >= 0)
		(void)rmdir(all); /* unless there are others */
}

int snapshot_make(const struct container *container, struct snapshot *what,
                  const struct snapshot_options *options, struct error *err)
{
	CLEAN(making_done)
	struct making making = {.container = container,
	                        .what = what,
	                        .options = options,
	                        .all_fd = -1,
	                        .folder_fd = -1};
	int r = snapshot_check_name(what->name, err);

	if (r == 0)
		r = plan(&making, err);
	if (r == 0)
		r = make_folder(&making, err);
	if (r == 0) /* before the tree: a sweep finds a volume by it */
		r = snapshot_write_config(making.folder_fd, "config", container->file, &making.to,
		                          err);
	if (r == 0)
		r = make_tree(&making, err);
	if (!options->keeps_facts) {
		what->was_running = options->root_fd >= 0;
		what->frozen_us = options->frozen_us ? options->frozen_us(options->user) : -1;
	}
	if (r == 0)
		r = publish(&making, err);
	if (r < 0)
		undo(&making);
	return r;
}

/* --- without a name --- */

/* No name of a snapshot begins so, and no two are made at once: the container's lock is held. */
#define MOMENT_NAME ".moment"

struct snapshot_moment {
	struct snapshot what;
	struct snapshot_options options;
	struct making making;
	struct storage storage; /* where it is */
};

static void moment_free(struct snapshot_moment *moment)
{
	making_done(&moment->making);
	storage_done(&moment->storage);
	snapshot_done(&moment->what);
	free(moment);
}

/* Where that is known before the container is held; of others storage_clone() tells. */
static bool can_clone(const struct making *making)
{
	CLEAN_FD int tree = -1;

	if (making->from.backend != &storage_dir)
		return true;
	tree = storage_visit(&making->from, 0, NULL);
	return tree >= 0 && storage_can_share(tree, making->folder_fd);
}

static int make_moment(struct making *making, struct error *err)
{
	int r = plan(making, err);

	if (r == 0)
		r = make_folder(making, err);
	if (r == 0 && !can_clone(making))
		r = fail_plain(err, EOPNOTSUPP, "its blocks cannot be shared");
	if (r == 0)
		r = snapshot_write_config(making->folder_fd, "config", making->container->file,
		                          &making->to, err);
	return r < 0 ? r : make_tree(making, err);
}

int snapshot_moment_take(const struct container *container, const struct snapshot_options *options,
                         struct snapshot_moment **out, struct error *err)
{
	struct snapshot_moment *moment = must_alloc(sizeof(*moment));
	struct making *making = &moment->making;
	int r;

	*moment = (struct snapshot_moment){
		.what = {.name = must_dup(MOMENT_NAME)},
		.options = *options,
		.making = { .container = container,
                         .what = &moment->what,
                         .options = &moment->options,
                         .all_fd = -1,
                         .folder_fd = -1,
                         .is_moment = true},
	};
	*out = NULL;
	r = make_moment(making, err);
	if (r == 0) {
		snapshot_hide_place(container, moment->what.name, making->hidden, &making->to,
		                    &moment->storage);
		*out = moment;
		return 0;
	}
	undo(making);
	moment_free(moment);
	if (r != -EOPNOTSUPP && r != -ENOSPC && r != -EDQUOT)
		return r;
	error_clear(err);
	return 0;
}

const struct storage *snapshot_moment_storage(const struct snapshot_moment *moment)
{
	return &moment->storage;
}

void snapshot_moment_drop(struct snapshot_moment *moment)
{
	if (!moment)
		return;
	undo(&moment->making);
	moment_free(moment);
}
