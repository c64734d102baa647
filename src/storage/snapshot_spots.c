/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Looking up paths in two trees; see the header. The guest may have put symlinks anywhere: they are resolved in
 * its root once, and what was found is opened again without meeting any.
 */
#include "storage/snapshot_spots.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/mountinfo.h"
#include "container/container.h"
#include "storage/backend.h"
#include "storage/snapshot_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

void spots_init(struct spots *spots, const struct container *container,
                const struct snapshot_path_restore *restore)
{
	const struct strings *paths = &restore->paths;

	*spots = (struct spots){.container = container,
	                        .restore = restore,
	                        .count = paths->count,
	                        .source_fd = -1,
	                        .view_fd = -1,
	                        .place_fd = -1};
	spots->items = must_alloc(paths->count * sizeof(*spots->items));
	for (size_t i = 0; i < paths->count; i++)
		spots->items[i] = (struct spot){.path = paths->items[i],
		                                .name = strrchr(paths->items[i], '/') + 1,
		                                .source = -1,
		                                .place = -1,
		                                .work = -1};
}

void spots_done(struct spots *spots)
{
	for (size_t i = 0; i < spots->count; i++) {
		fd_close(&spots->items[i].source);
		fd_close(&spots->items[i].place);
		fd_close(&spots->items[i].work);
		free(spots->items[i].above);
	}
	free(spots->items);
	fd_close(&spots->source_fd);
	fd_close(&spots->view_fd);
	fd_close(&spots->place_fd);
	storage_done(&spots->storage);
}

bool spots_are_overlay(const struct spots *spots)
{
	return spots->storage.backend == &storage_overlay;
}

bool spot_has_entry(int folder, const char *name)
{
	struct stat st;

	return fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* --- in both trees --- */

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
static int check_mounts(const struct spots *spots, const struct spot *spot, struct error *err)
{
	CLEAN_FREE char *list = must_printf("/proc/%d/mountinfo", (int)spots->restore->init_pid);
	CLEAN_FREE char *path =
		must_printf("%s%s%s", spot->above, spot->above[1] ? "/" : "", spot->name);
	CLEAN(mountinfo_done) struct mountinfo mounts = {.count = 0};
	int r = spots->restore->init_pid ? mountinfo_read(&mounts, list, err) : 0;

	for (size_t i = 0; i < mounts.count && r == 0; i++) {
		const char *point = mounts.items[i].point;

		if (text_is(point, "/") || !(text_is(point, path) || text_is_below(point, path) ||
		                             text_is_below(path, point)))
			continue;
		(void)fail_plain(err, EBUSY, "'%s': '%s' is a mount in the running container",
		                 spot->path, point);
		r = fail_hint(err, "stop it first, or restore -f");
	}
	return r;
}

static int find_spot(const struct spots *spots, struct spot *spot, struct error *err)
{
	const struct snapshot_path_restore *restore = spots->restore;
	CLEAN_FD int above = open_above(spots->view_fd, spot->path);

	spot->source = open_above(spots->source_fd, spot->path);
	spot->is_new = spot->source >= 0 && spot_has_entry(spot->source, spot->name);
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
	return check_mounts(spots, spot, err);
}

static int open_view(struct spots *spots, struct error *err)
{
	int r = snapshot_storage_of(spots->container->file, NULL, &spots->storage, err);

	if (r == 0)
		r = spots->view_fd = storage_visit(
			&spots->storage, spots_are_overlay(spots) ? 0 : STORAGE_WRITE, err);
	return r < 0 ? r : 0;
}

int spots_find(struct spots *spots, struct error *err)
{
	CLEAN(storage_done) struct storage snapshot = {.backend = NULL};
	int r = snapshot_storage(spots->container, spots->restore->name, &snapshot, err);

	if (r == 0)
		r = spots->source_fd = storage_visit(&snapshot, 0, err);
	if (r >= 0)
		r = open_view(spots, err);
	for (size_t i = 0; i < spots->count && r == 0; i++)
		r = find_spot(spots, &spots->items[i], err);
	return r;
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

static int copy_folders_up(const struct spots *spots, struct error *err)
{
	CLEAN_FD int mount = -1;
	int r = 0;

	if (!spots_are_overlay(spots))
		return 0;
	mount = storage_visit(&spots->storage, STORAGE_WRITE, err);
	if (mount < 0)
		return mount;
	for (size_t i = 0; i < spots->count && r == 0; i++)
		r = copy_up(mount, spots->items[i].above, err);
	return r;
}

static int open_upper(struct spots *spots, struct error *err)
{
	const struct strings *parts = &spots->storage.parts;
	CLEAN_FREE char *upper = must_printf("%s/upper", parts->items[parts->count - 1]);

	spots->place_fd = spots_are_overlay(spots) ? open(upper, FOLDER_FLAGS)
	                                           : fcntl(spots->view_fd, F_DUPFD_CLOEXEC, 3);
	return spots->place_fd < 0 ? fail(err, errno, "open '%s'", upper) : 0;
}

/* As it was resolved: no symlink is met again. */
static int open_place(const struct spots *spots, const char *path)
{
	return file_open_beneath(spots->place_fd, path[1] ? path + 1 : ".", FOLDER_FLAGS, 0);
}

int spots_open_places(struct spots *spots, struct error *err)
{
	int r = copy_folders_up(spots, err);

	if (r == 0)
		r = open_upper(spots, err);
	for (size_t i = 0; i < spots->count && r == 0; i++) {
		struct spot *spot = &spots->items[i];

		spot->place = open_place(spots, spot->above);
		if (spot->place < 0)
			r = fail(err, -spot->place, "open '%s'", spot->above);
	}
	return r;
}

int spots_find_places(struct spots *spots, struct error *err)
{
	int r = open_view(spots, err);

	if (r == 0)
		r = open_upper(spots, err);
	for (size_t i = 0; i < spots->count && r == 0; i++) {
		struct spot *spot = &spots->items[i];
		CLEAN_FD int above = open_above(spots->view_fd, spot->path);

		spot->above = above < 0 ? NULL : path_of(above);
		spot->place = spot->above ? open_place(spots, spot->above) : -1;
	}
	return r;
}
