/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Restoring single paths of a snapshot. Beside each path stands a folder of work, .sysc-BEFORE, with the new
 * entry; one rename exchanges that with what is there, which goes with the folder. Before the first exchange
 * what is there was copied into .BEFORE.restoring/rootfs, is on disk, and the name .BEFORE.exchanging says so: a
 * later command keeps that as the snapshot BEFORE then, otherwise drops it, and removes the folders of work.
 *
 * A mounted overlay cannot exchange folders of its lower layers. It is at rest here: its upper folder itself gets
 * the new entries, which hide what is below them.
 */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "container/container.h"
#include "storage/backend.h"
#include "storage/copy.h"
#include "storage/remove.h"
#include "storage/snapshot_parts.h"
#include "storage/snapshot_spots.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define OPAQUE       "user.overlay.opaque"
#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

struct bringing {
	struct spots spots;
	int all_fd, folder_fd, kept_fd;
	char *hidden;    /* ".BEFORE.restoring", ".BEFORE.exchanging" */
	char *work_name; /* ".sysc-BEFORE" */
};

static void bringing_init(struct bringing *bringing, const struct container *container,
                          const struct snapshot_path_restore *restore, const char *before)
{
	*bringing = (struct bringing){.all_fd = -1,
	                              .folder_fd = -1,
	                              .kept_fd = -1,
	                              .hidden = must_printf(".%s.restoring", before),
	                              .work_name = must_printf(".sysc-%s", before)};
	spots_init(&bringing->spots, container, restore);
}

static void bringing_done(struct bringing *bringing)
{
	fd_close(&bringing->all_fd);
	fd_close(&bringing->folder_fd);
	fd_close(&bringing->kept_fd);
	free(bringing->hidden);
	free(bringing->work_name);
	spots_done(&bringing->spots);
}

/* Whether the layers below the upper folder of an overlay have the path. */
static int is_below(const struct bringing *bringing, const struct spot *spot, struct error *err)
{
	CLEAN(storage_done) struct storage lower = {.backend = NULL};
	CLEAN_FREE char *dir = snapshot_dir(bringing->spots.container, bringing->hidden);
	CLEAN_FD int mount = -1, above = -1;
	char **last;
	int r;

	storage_copy(&lower, &bringing->spots.storage);
	last = &lower.parts.items[lower.parts.count - 1];
	free(*last);
	*last = must_printf("%s/probe", dir);
	lower.size_bytes = 0;
	r = storage_make(&lower, err);
	if (r == 0)
		r = mount = storage_visit(&lower, 0, err);
	if (r >= 0) {
		above = file_open_in_root(mount, spot->above, O_PATH | O_DIRECTORY, 0);
		r = above >= 0 && spot_has_entry(above, spot->name);
	}
	fd_close(&mount);
	(void)storage_remove(&lower, NULL); /* it goes with the folder otherwise */
	return r;
}

/* What is to be absent, and the layers below have, is hidden by a device 0:0 (overlayfs.rst). */
static int stage_absence(const struct bringing *bringing, const struct spot *spot,
                         struct error *err)
{
	int r = spots_are_overlay(&bringing->spots) ? is_below(bringing, spot, err) : 0;

	if (r > 0 && mknodat(spot->work, spot->name, S_IFCHR, 0) < 0)
		return fail(err, errno, "hide '%s'", spot->path);
	return r < 0 ? r : 0;
}

/* The new entry in the folder of work. */
static int stage(const struct bringing *bringing, struct spot *spot, struct error *err)
{
	int r;

	if (mkdirat(spot->place, bringing->work_name, 0700) < 0 && errno != EEXIST)
		return fail(err, errno, "make directory '%s' beside '%s'", bringing->work_name,
		            spot->path);
	spot->work = openat(spot->place, bringing->work_name, FOLDER_FLAGS);
	if (spot->work < 0)
		return fail(err, errno, "open '%s' beside '%s'", bringing->work_name, spot->path);
	if (!spot->is_new)
		return stage_absence(bringing, spot, err);
	r = copy_name(spot->source, spot->name, spot->work, bringing->spots.restore->copy, err);
	if (r < 0)
		return fail_in(err, "copy '%s'", spot->path);
	if (spots_are_overlay(&bringing->spots) && file_is_dir(spot->work, spot->name)) {
		CLEAN_FD int fd = openat(spot->work, spot->name, FOLDER_FLAGS);

		if (fd < 0 || fsetxattr(fd, OPAQUE, "y", 1, 0) < 0)
			return fail(err, errno, "hide what is below '%s'", spot->path);
	}
	return 0;
}

/* --- what was there --- */

static int make_folder(struct bringing *bringing, struct error *err)
{
	const struct snapshot *before = &bringing->spots.restore->before;
	struct snapshot info = *before;
	CLEAN_FREE char *tree = must_printf("dir:%s/snapshots/%s/rootfs",
	                                    bringing->spots.container->dir, before->name);
	CLEAN(storage_done) struct storage kept = {.backend = NULL};
	int r;

	bringing->all_fd = snapshot_open_all(bringing->spots.container, false, err);
	if (bringing->all_fd < 0)
		return bringing->all_fd;
	if (mkdirat(bringing->all_fd, bringing->hidden, 0700) < 0)
		return fail(err, errno, "make directory 'snapshots/%s'", bringing->hidden);
	bringing->folder_fd = openat(bringing->all_fd, bringing->hidden, FOLDER_FLAGS);
	if (bringing->folder_fd < 0 || mkdirat(bringing->folder_fd, "rootfs", 0755) < 0)
		return fail(err, errno, "make directory 'snapshots/%s/rootfs'", bringing->hidden);
	bringing->kept_fd = openat(bringing->folder_fd, "rootfs", FOLDER_FLAGS);
	if (bringing->kept_fd < 0)
		return fail(err, errno, "open 'snapshots/%s/rootfs'", bringing->hidden);
	r = storage_parse(&kept, tree, NULL, err);
	if (r == 0)
		r = snapshot_write_config(bringing->folder_fd, "config",
		                          bringing->spots.container->file, &kept, err);
	/* a sweep finds the folders of work by it: on disk before the first of them */
	info.paths = bringing->spots.restore->paths;
	if (r == 0)
		r = snapshot_write_info(bringing->folder_fd, &info, 0, err);
	if (r == 0 && (syncfs(bringing->folder_fd) < 0 || fsync(bringing->all_fd) < 0))
		r = fail(err, errno, "write 'snapshots/%s' to disk", bringing->hidden);
	return r;
}

/* The folder of a path in the kept tree, by the path that was asked for; made where it is missing. */
static int make_kept_folder(const struct bringing *bringing, const struct spot *spot,
                            struct error *err)
{
	CLEAN_FREE char *above = must_printf("%.*s", (int)(spot->name - spot->path), spot->path);
	CLEAN(strings_done) struct strings parts = {0};
	CLEAN_FD int fd = fcntl(bringing->kept_fd, F_DUPFD_CLOEXEC, 3);

	strings_split(&parts, above, "/");
	for (size_t i = 0; i < parts.count && fd >= 0; i++) {
		bool is_there = mkdirat(fd, parts.items[i], 0755) == 0 || errno == EEXIST;
		int next = is_there ? openat(fd, parts.items[i], FOLDER_FLAGS) : -1;

		fd_close(&fd);
		fd = next;
	}
	return fd < 0 ? fail(err, errno, "make the folder of '%s'", spot->path) : fd_take(&fd);
}

static int keep(const struct bringing *bringing, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < bringing->spots.count && r == 0; i++) {
		const struct spot *spot = &bringing->spots.items[i];
		CLEAN_FD int to = make_kept_folder(bringing, spot, err), from = -1;

		if (to < 0)
			return to;
		from = file_open_in_root(bringing->spots.view_fd, spot->above, O_PATH | O_DIRECTORY,
		                         0);
		if (from < 0)
			return fail(err, -from, "open '%s'", spot->above);
		if (spot_has_entry(from, spot->name))
			r = copy_name(from, spot->name, to, bringing->spots.restore->copy, err);
		if (r < 0)
			return fail_in(err, "keep '%s'", spot->path);
	}
	if (syncfs(bringing->folder_fd) < 0)
		return fail(err, errno, "write what is kept to disk");
	return 0;
}

/* --- the exchange --- */

/* What is kept is whole: from here on it stays. */
static int mark(struct bringing *bringing, struct error *err)
{
	CLEAN_FREE char *old = bringing->hidden;

	bringing->hidden = must_printf(".%s.exchanging", bringing->spots.restore->before.name);
	if (renameat(bringing->all_fd, old, bringing->all_fd, bringing->hidden) < 0) {
		int r = fail(err, errno, "rename 'snapshots/%s'", old);

		free(bringing->hidden);
		bringing->hidden = ptr_take(old);
		return r;
	}
	if (fsync(bringing->all_fd) < 0)
		return fail(err, errno, "write 'snapshots' to disk");
	return 0;
}

/* Of one path, there and back. */
static int move_spot(struct spot *spot, struct error *err)
{
	bool is_there = spot_has_entry(spot->place, spot->name);
	bool is_staged = spot_has_entry(spot->work, spot->name);
	int r = 0;

	if (is_there && is_staged)
		r = renameat2(spot->place, spot->name, spot->work, spot->name, RENAME_EXCHANGE);
	else if (is_staged)
		r = renameat2(spot->work, spot->name, spot->place, spot->name, RENAME_NOREPLACE);
	else if (is_there)
		r = renameat2(spot->place, spot->name, spot->work, spot->name, RENAME_NOREPLACE);
	if (r < 0)
		return fail(err, errno, "exchange '%s'", spot->path);
	spot->is_exchanged = !spot->is_exchanged;
	return 0;
}

static int exchange(struct bringing *bringing, struct error *err)
{
	struct error ignored;
	int r = 0;

	for (size_t i = 0; i < bringing->spots.count && r == 0; i++)
		r = move_spot(&bringing->spots.items[i], err);
	for (size_t i = 0; i < bringing->spots.count && r < 0; i++)
		if (bringing->spots.items[i].is_exchanged)
			(void)move_spot(&bringing->spots.items[i],
			                &ignored); /* the first one is told */
	return r;
}

static int sync_places(const struct bringing *bringing, struct error *err)
{
	CLEAN_FD int top = openat(bringing->spots.place_fd, ".", FOLDER_FLAGS);

	return top < 0 || syncfs(top) < 0 ? fail(err, errno, "write the new entries to disk") : 0;
}

static int keep_and_exchange(struct bringing *bringing, struct error *err)
{
	int r = keep(bringing, err);

	if (r == 0)
		r = snapshot_go_on(bringing->spots.restore->copy, err);
	if (r == 0)
		r = mark(bringing, err);
	return r == 0 ? exchange(bringing, err) : r;
}

static int hold_and_exchange(struct bringing *bringing, struct error *err)
{
	const struct snapshot_path_restore *restore = bringing->spots.restore;
	struct error second = {0};
	int r, end;

	if (!restore->hold)
		return keep_and_exchange(bringing, err);
	r = restore->hold(true, restore->user, err);
	if (r == 0)
		r = keep_and_exchange(bringing, err);
	end = restore->hold(false, restore->user, r < 0 ? &second : err);
	/* it is done all the same; the next command thaws it */
	return r < 0 ? r : end;
}

/* The folder of work of each path, where there is one. */
static int drop_work(const struct bringing *bringing, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < bringing->spots.count && r == 0; i++)
		if (bringing->spots.items[i].place >= 0)
			r = remove_tree(bringing->spots.items[i].place, bringing->work_name, err);
	return r;
}

/* The folders of work are gone: what was kept gets its name. */
static int publish(int all_fd, const char *hidden, const char *name, struct error *err)
{
	if (renameat2(all_fd, hidden, all_fd, name, RENAME_NOREPLACE) < 0 || fsync(all_fd) < 0)
		return fail(err, errno, "rename 'snapshots/%s'", hidden);
	return 0;
}

static int prepare(struct bringing *bringing, struct error *err)
{
	int r = spots_find(&bringing->spots, err);

	if (r == 0)
		r = make_folder(bringing, err);
	if (r == 0)
		r = spots_open_places(&bringing->spots, err);
	for (size_t i = 0; i < bringing->spots.count && r == 0; i++)
		r = stage(bringing, &bringing->spots.items[i], err);
	return r == 0 ? sync_places(bringing, err) : r;
}

bool snapshot_reaches_running(const struct container *container)
{
	CLEAN(storage_done) struct storage now = {.backend = NULL};

	return storage_of(&now, &container->config, NULL) == 0 &&
	       (now.backend == &storage_dir || now.backend == &storage_btrfs);
}

static bool is_any_exchanged(const struct bringing *bringing)
{
	for (size_t i = 0; i < bringing->spots.count; i++)
		if (bringing->spots.items[i].is_exchanged)
			return true;
	return false;
}

/* Nothing was exchanged. The folder that tells of folders of work goes after them. */
static void give_up(const struct bringing *bringing)
{
	if (drop_work(bringing, NULL) == 0 && bringing->folder_fd >= 0)
		(void)remove_tree(bringing->all_fd, bringing->hidden, NULL);
}

int snapshot_restore_paths(const struct container *container,
                           const struct snapshot_path_restore *restore, struct error *err)
{
	CLEAN(bringing_done) struct bringing bringing;
	int r;

	bringing_init(&bringing, container, restore, restore->before.name);
	r = prepare(&bringing, err);
	if (r == 0)
		r = hold_and_exchange(&bringing, err);
	if (r < 0 && !is_any_exchanged(&bringing)) {
		give_up(&bringing);
		return r;
	}
	/* there is no way back from here: a failure is ended by the next command */
	if (r == 0)
		r = sync_places(&bringing, err);
	if (r == 0)
		r = drop_work(&bringing, err);
	return r < 0 ? r : publish(bringing.all_fd, bringing.hidden, restore->before.name, err);
}

/* --- what a killed command left --- */

int snapshot_end_paths(const struct container *container, int all_fd, const char *hidden,
                       const char *name, const struct strings *paths, struct error *err)
{
	const struct snapshot_path_restore restore = {.paths = *paths};
	CLEAN(bringing_done) struct bringing bringing;
	int r;

	bringing_init(&bringing, container, &restore, name);
	r = spots_find_places(&bringing.spots, err);
	if (r == 0)
		r = drop_work(&bringing, err);
	if (r < 0)
		return r;
	return text_ends(hidden, ".exchanging") ? publish(all_fd, hidden, name, err)
	                                        : remove_tree(all_fd, hidden, err);
}
