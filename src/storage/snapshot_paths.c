/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Restoring single paths of a snapshot. Beside each path stands a folder of work, .sysc-BEFORE, with the new
 * entry; one rename exchanges that with what is there, which goes with the folder. Before the first exchange
 * what is there was copied into .BEFORE.restoring/rootfs, is on disk, and the file "exchanging" says so: a later
 * command keeps that as the snapshot BEFORE then, otherwise drops it, and removes the folders of work.
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

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define EXCHANGING   "exchanging"
#define MOUNTS_MOST  (4U << 20)
#define OPAQUE       "user.overlay.opaque"
#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* One path. */
struct spot {
	const char *path, *name; /* name: its last part */
	char *above; /* where its folder is in the container, symlinks resolved: "/usr/bin" or "/" */
	int source;  /* its folder in the snapshot; -1: not there */
	int place, work; /* its folder in the container, for writing; the folder of work there */
	bool is_new;     /* the snapshot has it */
	bool is_old;     /* the container has it */
	bool is_exchanged;
};

struct bringing {
	const struct container *container;
	const struct snapshot_path_restore *restore;
	struct storage now, snapshot;
	struct spot *spots;
	size_t count;
	int source_fd; /* the snapshot's tree */
	int view_fd;   /* the container's, as it is seen; of an overlay read-only */
	int place_fd;  /* where entries are written: that, or the upper folder */
	int all_fd, folder_fd, kept_fd;
	char *hidden;    /* ".BEFORE.restoring" */
	char *work_name; /* ".sysc-BEFORE" */
};

static void bringing_done(struct bringing *bringing)
{
	for (size_t i = 0; i < bringing->count; i++) {
		fd_close(&bringing->spots[i].source);
		fd_close(&bringing->spots[i].place);
		fd_close(&bringing->spots[i].work);
		free(bringing->spots[i].above);
	}
	free(bringing->spots);
	fd_close(&bringing->source_fd);
	fd_close(&bringing->view_fd);
	fd_close(&bringing->place_fd);
	fd_close(&bringing->all_fd);
	fd_close(&bringing->folder_fd);
	fd_close(&bringing->kept_fd);
	free(bringing->hidden);
	free(bringing->work_name);
	storage_done(&bringing->now);
	storage_done(&bringing->snapshot);
}

static bool is_overlay(const struct bringing *bringing)
{
	return bringing->now.backend == &storage_overlay;
}

static bool has_entry(int folder, const char *name)
{
	struct stat st;

	return fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* --- where it is to be done --- */

/* The folder that path is in; symlinks lead to nowhere outside of the tree. */
static int open_above(int tree, const char *path)
{
	CLEAN_FREE char *above = must_printf("%.*s/", (int)(strrchr(path, '/') - path), path);

	return file_open_in_root(tree, above, O_PATH | O_DIRECTORY, 0);
}

/* What an open folder's path is below its tree. */
static char *path_of(int folder)
{
	CLEAN_FREE char *link = must_printf("/proc/self/fd/%d", folder);
	CLEAN_FREE char *path = must_alloc(PATH_MAX + 1);
	ssize_t n = readlink(link, path, PATH_MAX);

	return n > 0 ? ptr_take(path) : NULL;
}

/* A guest's own mounts are in no snapshot, and would be lost with the folder that they are on. */
static int check_mounts(const struct bringing *bringing, const struct spot *spot, struct error *err)
{
	CLEAN_FREE char *file = must_printf("/proc/%d/mountinfo", (int)bringing->restore->init_pid);
	CLEAN_FREE char *path =
		must_printf("%s%s%s", spot->above, spot->above[1] ? "/" : "", spot->name);
	CLEAN(text_done) struct text text = {0};
	CLEAN(strings_done) struct strings lines = {0};
	int r;

	if (!bringing->restore->init_pid)
		return 0;
	r = file_read(AT_FDCWD, file, MOUNTS_MOST, &text, err);
	if (r < 0)
		return r;
	strings_split(&lines, text.data ? text.data : "", "\n");
	for (size_t i = 0; i < lines.count; i++) {
		CLEAN(strings_done) struct strings words = {0};
		size_t length;
		const char *point;

		strings_split(&words, lines.items[i], " ");
		point = words.count > 4 ? words.items[4] : "/";
		length = strlen(point);
		if (text_is(point, "/") ||
		    !(text_is(point, path) || (text_starts(path, point) && path[length] == '/') ||
		      (text_starts(point, path) && point[strlen(path)] == '/')))
			continue;
		(void)fail_plain(err, EBUSY, "'%s': '%s' is a mount in the running container",
		                 spot->path, point);
		return fail_hint(err, "stop it first, or restore -f");
	}
	return 0;
}

/* Looks at a path in both trees; nothing is changed yet. */
static int find_spot(struct bringing *bringing, struct spot *spot, struct error *err)
{
	const struct snapshot_path_restore *restore = bringing->restore;
	CLEAN_FD int above = open_above(bringing->view_fd, spot->path);

	spot->source = open_above(bringing->source_fd, spot->path);
	spot->is_new = spot->source >= 0 && has_entry(spot->source, spot->name);
	if (!spot->is_new && !restore->or_absent)
		return fail_plain(err, ENOENT, "'%s' is not in snapshot '%s'", spot->path,
		                  restore->name);
	if (above < 0) {
		(void)fail(err, -above, "open the folder of '%s' in the container", spot->path);
		return fail_hint(err, "restore that folder");
	}
	spot->above = path_of(above);
	if (!spot->above)
		return fail(err, errno, "find the folder of '%s'", spot->path);
	return check_mounts(bringing, spot, err);
}

static int find_spots(struct bringing *bringing, struct error *err)
{
	const struct strings *paths = &bringing->restore->paths;
	int r = 0;

	bringing->spots = must_alloc(paths->count * sizeof(*bringing->spots));
	for (size_t i = 0; i < paths->count && r == 0; i++) {
		struct spot *spot = &bringing->spots[bringing->count++];

		*spot = (struct spot){.path = paths->items[i],
		                      .name = strrchr(paths->items[i], '/') + 1,
		                      .source = -1,
		                      .place = -1,
		                      .work = -1};
		r = find_spot(bringing, spot, err);
	}
	return r;
}

static int open_view(struct bringing *bringing, struct error *err)
{
	int r = storage_of(&bringing->now, &bringing->container->config, err);

	if (r == 0)
		r = bringing->view_fd = storage_visit(
			&bringing->now, is_overlay(bringing) ? 0 : STORAGE_WRITE, err);
	return r < 0 ? r : 0;
}

static int open_trees(struct bringing *bringing, struct error *err)
{
	int r = snapshot_storage(bringing->container, bringing->restore->name, &bringing->snapshot,
	                         err);

	if (r == 0)
		r = bringing->source_fd = storage_visit(&bringing->snapshot, 0, err);
	return r < 0 ? r : open_view(bringing, err);
}

/* --- places to write --- */

/* Has the overlay itself copy a folder up, by a change that is none. */
static int copy_up(int mount, const char *path, struct error *err)
{
	CLEAN_FD int fd = file_open_in_root(mount, path, O_RDONLY | O_DIRECTORY, 0);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || fchmod(fd, st.st_mode & 07777) < 0)
		return fail(err, fd < 0 ? -fd : errno, "copy the folder '%s' up", path);
	return 0;
}

static int copy_folders_up(struct bringing *bringing, struct error *err)
{
	CLEAN_FD int mount = -1;
	int r = 0;

	if (!is_overlay(bringing))
		return 0;
	mount = storage_visit(&bringing->now, STORAGE_WRITE, err);
	if (mount < 0)
		return mount;
	for (size_t i = 0; i < bringing->count && r == 0; i++)
		r = copy_up(mount, bringing->spots[i].above, err);
	return r;
}

static int open_upper(struct bringing *bringing, struct error *err)
{
	const struct strings *parts = &bringing->now.parts;
	CLEAN_FREE char *upper = must_printf("%s/upper", parts->items[parts->count - 1]);

	bringing->place_fd = is_overlay(bringing) ? open(upper, FOLDER_FLAGS)
	                                          : fcntl(bringing->view_fd, F_DUPFD_CLOEXEC, 3);
	return bringing->place_fd < 0 ? fail(err, errno, "open '%s'", upper) : 0;
}

/* As it was resolved: no symlink is met again. */
static int open_place(const struct bringing *bringing, const char *path)
{
	return file_open_beneath(bringing->place_fd, path[1] ? path + 1 : ".", FOLDER_FLAGS, 0);
}

static int open_places(struct bringing *bringing, struct error *err)
{
	int r = copy_folders_up(bringing, err);

	if (r == 0)
		r = open_upper(bringing, err);
	for (size_t i = 0; i < bringing->count && r == 0; i++) {
		struct spot *spot = &bringing->spots[i];

		spot->place = open_place(bringing, spot->above);
		if (spot->place < 0)
			r = fail(err, -spot->place, "open '%s'", spot->above);
	}
	return r;
}

/* Whether the layers below the upper folder of an overlay have the path. */
static int is_below(const struct bringing *bringing, const struct spot *spot, struct error *err)
{
	CLEAN(storage_done) struct storage lower = {.backend = NULL};
	CLEAN_FREE char *dir = snapshot_dir(bringing->container, bringing->hidden);
	CLEAN_FD int mount = -1, above = -1;
	char **last;
	int r;

	storage_copy(&lower, &bringing->now);
	last = &lower.parts.items[lower.parts.count - 1];
	free(*last);
	*last = must_printf("%s/probe", dir);
	lower.size_bytes = 0;
	r = storage_make(&lower, err);
	if (r == 0)
		r = mount = storage_visit(&lower, 0, err);
	if (r >= 0) {
		above = file_open_in_root(mount, spot->above, O_PATH | O_DIRECTORY, 0);
		r = above >= 0 && has_entry(above, spot->name);
	}
	fd_close(&mount);
	(void)storage_remove(&lower, NULL); /* it goes with the folder otherwise */
	return r;
}

/* What is to be absent, and the layers below have, is hidden by a device 0:0 (overlayfs.rst). */
static int stage_absence(const struct bringing *bringing, const struct spot *spot,
                         struct error *err)
{
	int r = is_overlay(bringing) ? is_below(bringing, spot, err) : 0;

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
	r = copy_name(spot->source, spot->name, spot->work, bringing->restore->copy, err);
	if (r < 0)
		return fail_in(err, "copy '%s'", spot->path);
	if (is_overlay(bringing) && file_is_dir(spot->work, spot->name)) {
		CLEAN_FD int fd = openat(spot->work, spot->name, FOLDER_FLAGS);

		if (fd < 0 || fsetxattr(fd, OPAQUE, "y", 1, 0) < 0)
			return fail(err, errno, "hide what is below '%s'", spot->path);
	}
	return 0;
}

/* --- what was there --- */

static int make_folder(struct bringing *bringing, struct error *err)
{
	const struct snapshot *before = &bringing->restore->before;
	struct snapshot info = *before;
	CLEAN_FREE char *tree =
		must_printf("dir:%s/snapshots/%s/rootfs", bringing->container->dir, before->name);
	CLEAN(storage_done) struct storage kept = {.backend = NULL};
	CLEAN(text_done) struct text text = {0};
	mode_t mode = 0;
	int r;

	bringing->hidden = must_printf(".%s.restoring", before->name);
	bringing->work_name = must_printf(".sysc-%s", before->name);
	bringing->all_fd = snapshot_open_all(bringing->container, false, err);
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
		r = snapshot_config_text(bringing->container->file, &kept, &text, &mode, err);
	if (r == 0)
		r = file_replace_volatile(bringing->folder_fd, "config", text.data, text.length,
		                          mode, err);
	/* a sweep finds the folders of work by it: on disk before the first of them */
	info.paths = bringing->restore->paths;
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
		int next;

		if (mkdirat(fd, parts.items[i], 0755) < 0 && errno != EEXIST)
			break;
		next = openat(fd, parts.items[i], FOLDER_FLAGS);
		fd_close(&fd);
		fd = next;
	}
	return fd < 0 ? fail(err, errno, "make the folder of '%s'", spot->path) : fd_take(&fd);
}

static int keep(const struct bringing *bringing, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < bringing->count && r == 0; i++) {
		const struct spot *spot = &bringing->spots[i];
		CLEAN_FD int to = make_kept_folder(bringing, spot, err), from = -1;

		if (to < 0)
			return to;
		from = file_open_in_root(bringing->view_fd, spot->above, O_PATH | O_DIRECTORY, 0);
		if (from < 0)
			return fail(err, -from, "open '%s'", spot->above);
		if (has_entry(from, spot->name))
			r = copy_name(from, spot->name, to, bringing->restore->copy, err);
		if (r < 0)
			return fail_in(err, "keep '%s'", spot->path);
	}
	if (syncfs(bringing->folder_fd) < 0)
		return fail(err, errno, "write what is kept to disk");
	return file_replace(bringing->folder_fd, EXCHANGING, "", 0, 0600, err);
}

/* --- the exchange --- */

/* Of one path, there and back. */
static int move_spot(struct spot *spot, struct error *err)
{
	bool is_there = has_entry(spot->place, spot->name);
	bool is_staged = has_entry(spot->work, spot->name);
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

	for (size_t i = 0; i < bringing->count && r == 0; i++)
		r = move_spot(&bringing->spots[i], err);
	for (size_t i = 0; i < bringing->count && r < 0; i++)
		if (bringing->spots[i].is_exchanged)
			(void)move_spot(&bringing->spots[i], &ignored); /* the first one is told */
	return r;
}

static int sync_places(const struct bringing *bringing, struct error *err)
{
	CLEAN_FD int top = openat(bringing->place_fd, ".", FOLDER_FLAGS);

	return top < 0 || syncfs(top) < 0 ? fail(err, errno, "write the new entries to disk") : 0;
}

static int keep_and_exchange(struct bringing *bringing, struct error *err)
{
	int r = keep(bringing, err);

	if (r == 0)
		r = snapshot_go_on(bringing->restore->copy, err);
	return r == 0 ? exchange(bringing, err) : r;
}

static int hold_and_exchange(struct bringing *bringing, struct error *err)
{
	const struct snapshot_path_restore *restore = bringing->restore;
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

static void drop_work(const struct bringing *bringing)
{
	for (size_t i = 0; i < bringing->count; i++)
		if (bringing->spots[i].place >= 0)
			(void)remove_tree(bringing->spots[i].place, bringing->work_name, NULL);
}

/* The folders of work are gone: what was kept gets its name. */
static int publish(int all_fd, int folder_fd, const char *hidden, const char *name,
                   struct error *err)
{
	if (renameat2(all_fd, hidden, all_fd, name, RENAME_NOREPLACE) < 0 || fsync(all_fd) < 0)
		return fail(err, errno, "rename 'snapshots/%s'", hidden);
	/* not before: without it this would be dropped */
	(void)unlinkat(folder_fd, EXCHANGING, 0);
	return 0;
}

static int prepare(struct bringing *bringing, struct error *err)
{
	int r = open_trees(bringing, err);

	if (r == 0)
		r = find_spots(bringing, err);
	if (r == 0)
		r = make_folder(bringing, err);
	if (r == 0)
		r = open_places(bringing, err);
	for (size_t i = 0; i < bringing->count && r == 0; i++)
		r = stage(bringing, &bringing->spots[i], err);
	return r == 0 ? sync_places(bringing, err) : r;
}

static void bringing_init(struct bringing *bringing, const struct container *container,
                          const struct snapshot_path_restore *restore)
{
	*bringing = (struct bringing){.container = container,
	                              .restore = restore,
	                              .source_fd = -1,
	                              .view_fd = -1,
	                              .place_fd = -1,
	                              .all_fd = -1,
	                              .folder_fd = -1,
	                              .kept_fd = -1};
}

bool snapshot_reaches_running(const struct container *container)
{
	CLEAN(storage_done) struct storage now = {.backend = NULL};

	return storage_of(&now, &container->config, NULL) == 0 &&
	       (now.backend == &storage_dir || now.backend == &storage_btrfs);
}

int snapshot_restore_paths(const struct container *container,
                           const struct snapshot_path_restore *restore, struct error *err)
{
	CLEAN(bringing_done) struct bringing bringing;
	int r;

	bringing_init(&bringing, container, restore);
	r = prepare(&bringing, err);
	if (r == 0)
		r = hold_and_exchange(&bringing, err);
	if (r < 0 && (!bringing.count || !bringing.spots[0].is_exchanged)) {
		drop_work(&bringing);
		if (bringing.folder_fd >= 0)
			(void)remove_tree(bringing.all_fd, bringing.hidden, NULL);
		return r;
	}
	/* there is no way back from here: a failure is ended by the next command */
	if (r == 0)
		r = sync_places(&bringing, err);
	if (r < 0)
		return r;
	drop_work(&bringing);
	return publish(bringing.all_fd, bringing.folder_fd, bringing.hidden, restore->before.name,
	               err);
}

/* --- what a killed command left --- */

/* The folder of work of each path, where there is one. */
static int drop_left_work(struct bringing *bringing, struct error *err)
{
	const struct strings *paths = &bringing->restore->paths;
	int r = open_upper(bringing, err);

	for (size_t i = 0; i < paths->count && r == 0; i++) {
		CLEAN_FD int above = open_above(bringing->view_fd, paths->items[i]), place = -1;
		CLEAN_FREE char *path = above < 0 ? NULL : path_of(above);

		if (!path)
			continue;
		place = open_place(bringing, path);
		if (place >= 0)
			r = remove_tree(place, bringing->work_name, err);
	}
	return r;
}

int snapshot_end_paths(const struct container *container, int all_fd, const char *hidden,
                       const struct snapshot *before, struct error *err)
{
	const struct snapshot_path_restore restore = {.paths = before->paths};
	CLEAN_FREE char *name =
		must_printf("%.*s", (int)(strrchr(hidden, '.') - hidden - 1), hidden + 1);
	CLEAN_FD int folder = openat(all_fd, hidden, FOLDER_FLAGS);
	CLEAN(bringing_done) struct bringing bringing;
	int r;

	bringing_init(&bringing, container, &restore);
	bringing.work_name = must_printf(".sysc-%s", name);
	if (folder < 0)
		return fail(err, errno, "open 'snapshots/%s'", hidden);
	r = open_view(&bringing, err);
	if (r == 0)
		r = drop_left_work(&bringing, err);
	if (r < 0)
		return r;
	return file_exists(folder, EXCHANGING) ? publish(all_fd, folder, hidden, name, err)
	                                       : remove_tree(all_fd, hidden, err);
}
