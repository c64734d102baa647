/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Recognising and removing what killed commands left; see the header. */
#include "storage/sweep.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "container/config.h"
#include "container/lock.h"
#include "container/paths.h"
#include "storage/relocate.h"
#include "storage/remove.h"
#include "storage/storage.h"
#include "storage/unstarted.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define STORE_WAIT_MS 60000

static int lock_folder(int store_fd, const char *name, struct error *err)
{
	CLEAN_FD int fd = openat(store_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return fail(err, errno, "open '%s'", name);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		return fail_plain(err, EBUSY, "another command is at work on it");
	return fd_take(&fd);
}

static int open_store(const struct paths *paths, struct error *err)
{
	int fd = open(paths->store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? fail(err, errno, "open '%s'", paths->store) : fd;
}

int sweep_make(const struct paths *paths, const char *name, struct error *err)
{
	CLEAN_FREE char *hidden = must_printf(".%s.creating", name);
	CLEAN_FD int store = open_store(paths, err);

	if (store < 0)
		return store;
	if (mkdirat(store, hidden, 0700) < 0) {
		if (errno == EEXIST)
			return fail_plain(err, EBUSY, "another command is making it");
		return fail(err, errno, "make directory '%s/%s'", paths->store, hidden);
	}
	return lock_folder(store, hidden, err);
}

int sweep_lock(const struct paths *paths, const char *name, struct error *err)
{
	CLEAN_FD int store = open_store(paths, err);

	return store < 0 ? store : lock_folder(store, name, err);
}

static bool is_leftover(const char *name)
{
	return name[0] == '.' && (text_ends(name, ".creating") || text_ends(name, ".destroying"));
}

static void list_leftovers(const struct paths *paths, struct strings *names)
{
	CLEAN_DIR DIR *dir = opendir(paths->store);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (is_leftover(entry->d_name))
			strings_add(names, entry->d_name);
}

/* dir: of the container, in which its tree goes anyway; NULL: only volumes are removed. */
static int remove_outside(const char *file, const char *dir, struct error *err)
{
	CLEAN(config_done) struct config config = {0};
	CLEAN(storage_done) struct storage storage = {.backend = NULL};
	struct error ignored = {0};

	if (!file_exists(AT_FDCWD, file))
		return 0;
	config_init(&config);
	(void)config_load(&config, file, NULL, &ignored); /* other keys matter to nobody now */
	if (!config.rootfs_managed || !config.rootfs_path ||
	    storage_of(&storage, &config, &ignored) < 0)
		return 0;
	if (!storage_is_volume(&storage) && (!dir || storage_is_inside(&storage, dir)))
		return 0;
	return storage_remove(&storage, err);
}

int sweep_volume(const char *file, struct error *err)
{
	return remove_outside(file, NULL, err);
}

int sweep_snapshots(const char *dir, struct error *err)
{
	/* the second one is that of a restore on its way */
	static const char *const files[] = {"config", "config.new"};
	CLEAN_FREE char *path = must_printf("%s/snapshots", dir);
	CLEAN_DIR DIR *all = opendir(path);
	const struct dirent *entry;
	struct error ignored;
	int r = 0;

	while (all && (entry = readdir(all)))
		for (size_t i = 0; i < ARRAY_SIZE(files) && !text_is(entry->d_name, "..") &&
		                   !text_is(entry->d_name, ".");
		     i++) {
			CLEAN_FREE char *file =
				must_printf("%s/%s/%s", path, entry->d_name, files[i]);

			if (r == 0)
				r = sweep_volume(file, err);
			else /* the first failure is the one to tell */
				(void)sweep_volume(file, &ignored);
		}
	return r;
}

int sweep_traces(const struct paths *paths, const char *name, struct error *err)
{
	static const char *const endings[] = {"log", "log.1", "console", "console.1"};
	CLEAN_FD int run = open(paths->run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int first = run < 0 ? 0 : file_remove_tree(run, name, err);

	for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
		CLEAN_FREE char *log = must_printf("%s/%s.%s", paths->log, name, endings[i]);

		if (unlink(log) < 0 && errno != ENOENT && !first)
			first = fail(err, errno, "remove '%s'", log);
	}
	return first;
}

/* "web1" of ".web1.destroying". */
static char *container_of(const char *leftover)
{
	return must_printf("%.*s", (int)(strrchr(leftover, '.') - leftover - 1), leftover + 1);
}

/*
 * A folder that a create names was there before it, and so was a volume that is not its own; a destroy was to
 * remove it.
 */
static int remove_leftover(const struct paths *paths, int store, const char *leftover,
                           struct error *err)
{
	CLEAN_FREE char *hidden = must_printf("%s/%s", paths->store, leftover);
	CLEAN_FREE char *file = must_printf("%s/config", hidden);
	CLEAN_FREE char *name = container_of(leftover);
	CLEAN_FREE char *dir = must_printf("%s/%s", paths->store, name);
	bool is_destroyed = text_ends(leftover, ".destroying");
	int r = sweep_snapshots(hidden, err);

	if (r == 0)
		r = remove_outside(file, is_destroyed ? dir : NULL, err);
	if (r == -EPERM && !is_destroyed)
		error_clear(err);
	else if (r < 0)
		return r;
	return remove_tree(store, leftover, err);
}

/* With the store lock held: nobody makes one of the name meanwhile. */
static int remove_traces(const struct paths *paths, int store, const char *leftover,
                         struct error *err)
{
	CLEAN_FREE char *name = container_of(leftover);
	CLEAN_FREE char *creating = must_printf(".%s.creating", name);

	if (!text_ends(leftover, ".destroying") || file_exists(store, name) ||
	    file_exists(store, creating))
		return 0;
	return sweep_traces(paths, name, err);
}

int sweep_all(const struct paths *paths, struct error *err)
{
	CLEAN(strings_done) struct strings names = {0};
	CLEAN_FD int store = -1, lock = -1;
	int removed = 0;

	if (relocate_sweep(paths, err) < 0)
		return fail_in(err, "remove what a killed rename left");
	if (unstarted_sweep(paths, err) < 0)
		return fail_in(err, "remove an ephemeral copy that nobody starts");
	list_leftovers(paths, &names);
	if (!names.count)
		return 0;
	store = open_store(paths, err);
	if (store < 0)
		return store;
	for (size_t i = 0; i < names.count; i++) {
		CLEAN_FD int folder = -1;
		int r;

		/* whoever makes such a folder locks it before this lock is let go */
		lock = lock_store(paths, STORE_WAIT_MS, err);
		if (lock < 0)
			return lock;
		folder = lock_folder(store, names.items[i], NULL);
		r = folder < 0 ? 0 : remove_traces(paths, store, names.items[i], err);
		fd_close(&lock);
		if (folder < 0)
			continue; /* somebody is at work, or it is gone */
		if (r == 0)
			r = remove_leftover(paths, store, names.items[i], err);
		if (r < 0)
			return fail_in(err, "remove what a killed command left");
		removed++;
	}
	return removed;
}
