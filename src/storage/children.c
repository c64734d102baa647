/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who stands on whose tree. There is no record of it beside the configurations themselves: those are
 * replaced as a whole, so what is found here is true whenever a command was killed.
 */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "container/config.h"
#include "container/container.h"
#include "container/paths.h"
#include "storage/backend.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONFIG_MOST (1 << 20)
#define NAMES_SHOWN 10

static void list_names(const char *path, struct strings *out)
{
	CLEAN_DIR DIR *dir = opendir(path);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			strings_add(out, entry->d_name);
	strings_sort(out);
}

/* Any part counts: a lower folder, and a whole tree that is kept in somebody else's folder. */
static bool stands_on(const char *file, const void *what)
{
	const char *folder = what;
	CLEAN(config_done) struct config config = {0};
	CLEAN(storage_done) struct storage storage = {0};
	struct error ignored = {0};

	config_init(&config);
	/* errors in other keys are no reason to lose its tree */
	(void)config_load(&config, file, NULL, &ignored);
	if (!config.rootfs_path || storage_of(&storage, &config, &ignored) < 0)
		return false;
	for (size_t i = 0; i < storage.parts.count; i++) {
		const char *part = storage.parts.items[i];

		/* or the folder itself, without its slash */
		if (text_starts(part, folder) ||
		    (text_starts(folder, part) && strlen(folder) == strlen(part) + 1))
			return true;
	}
	return false;
}

/* Whether a configuration file is of somebody who is looked for. */
typedef bool (*judge_fn)(const char *file, const void *what);

static void look_at(const char *dir, const char *name, judge_fn judge, const void *what,
                    struct strings *out)
{
	CLEAN_FREE char *file = must_printf("%s/config", dir);

	if (file_exists(AT_FDCWD, file) && judge(file, what))
		strings_add(out, name);
}

static void find_snapshots(const char *dir, const char *name, judge_fn judge, const void *what,
                           struct strings *out)
{
	CLEAN_FREE char *snapshots = must_printf("%s/snapshots", dir);
	CLEAN(strings_done) struct strings kept = {0};

	list_names(snapshots, &kept);
	for (size_t i = 0; i < kept.count; i++) {
		CLEAN_FREE char *path = must_printf("%s/%s", snapshots, kept.items[i]);
		CLEAN_FREE char *shown = must_printf("%s/snapshots/%s", name, kept.items[i]);

		look_at(path, shown, judge, what, out);
	}
}

/* All containers and snapshots, those on their way too. */
static void find_all(const struct paths *paths, judge_fn judge, const void *what,
                     struct strings *out)
{
	CLEAN(strings_done) struct strings names = {0};

	list_names(paths->store, &names);
	for (size_t i = 0; i < names.count; i++) {
		CLEAN_FREE char *dir = must_printf("%s/%s", paths->store, names.items[i]);

		if (text_ends(names.items[i], ".destroying"))
			continue;
		look_at(dir, names.items[i], judge, what, out);
		find_snapshots(dir, names.items[i], judge, what, out);
	}
}

void storage_users(const struct paths *paths, const char *folder, struct strings *out)
{
	find_all(paths, stands_on, folder, out);
}

void storage_children(const struct paths *paths, const char *name, struct strings *out)
{
	CLEAN_FREE char *folder = must_printf("%s/%s/", paths->store, name);
	CLEAN_FREE char *own = must_printf("%s/snapshots/", name);
	CLEAN(strings_done) struct strings users = {0};

	storage_users(paths, folder, &users);
	for (size_t i = 0; i < users.count; i++)
		if (!text_is(users.items[i], name) && !text_starts(users.items[i], own))
			strings_add(out, users.items[i]);
}

/* --- what a start would change under others --- */

/* A folder that a container writes into. */
struct written {
	const char *path;
	struct stat st;
};

/* The same folder by whatever path, or one in the other. */
static bool is_written(const struct written *written, const char *lower)
{
	struct stat st;

	if (stat(lower, &st) == 0 && st.st_dev == written->st.st_dev &&
	    st.st_ino == written->st.st_ino)
		return true;
	return text_is_below(lower, written->path) || text_is_below(written->path, lower);
}

/*
 * Whether it is worth reading with all that it includes: it names an overlay, or no root file system itself. Most
 * are not, and there may be many.
 */
static bool may_name_overlay(const char *file)
{
	CLEAN(text_done) struct text text = {0};

	if (file_read(AT_FDCWD, file, CONFIG_MOST, &text, NULL) < 0 || !text.data)
		return true;
	return strstr(text.data, "overlay") || !strstr(text.data, "\npath");
}

static bool has_lower(const char *file, const void *what)
{
	CLEAN(config_done) struct config config = {0};
	CLEAN(storage_done) struct storage storage = {0};
	struct error ignored = {0};

	if (!may_name_overlay(file))
		return false;
	config_init(&config);
	(void)config_load(&config, file, NULL, &ignored); /* as above */
	if (!config.rootfs_path || storage_of(&storage, &config, &ignored) < 0 ||
	    storage.backend != &storage_overlay)
		return false;
	for (size_t i = 0; i + 1 < storage.parts.count; i++)
		if (is_written(what, storage.parts.items[i]))
			return true;
	return false;
}

static int fail_stood_on(const struct strings *names, struct error *err)
{
	CLEAN(text_done) struct text text = {0};

	for (size_t i = 0; i < names->count && i < NAMES_SHOWN; i++)
		text_addf(&text, "%s'%s'", i ? ", " : "", names->items[i]);
	if (names->count > NAMES_SHOWN)
		text_addf(&text, " and %zu more", names->count - NAMES_SHOWN);
	(void)fail_plain(err, EBUSY,
	                 "%s %s on its root file system, which it would change under %s", text.data,
	                 names->count > 1 ? "stand" : "stands", names->count > 1 ? "them" : "it");
	return fail_hint(err, "start a copy of it, or set rootfs.readonly = yes");
}

/*
 * Whose configurations there are is read only where an overlay has stood on this container's folder: a start must
 * not take longer the more containers there are. Such an overlay leaves the mark at its own start.
 */
#define MARK ".lower"

/* STORE/NAME of the container that folder is in; NULL: of none, or of self. */
static char *find_owner(const struct container *self, const char *folder)
{
	CLEAN_FREE char *store = realpath(self->paths->store, NULL);
	CLEAN_FREE char *real = realpath(folder, NULL);
	size_t length = store ? strlen(store) : 0, name;

	if (!store || !real || !text_starts(real, store) || real[length] != '/')
		return NULL;
	name = strcspn(real + length + 1, "/");
	if (strlen(self->name) == name && strncmp(real + length + 1, self->name, name) == 0)
		return NULL;
	return must_printf("%.*s", (int)(length + 1 + name), real);
}

/* Without it a start of the owner misses this one, which is no reason not to start. */
static void leave_mark(const char *owner)
{
	CLEAN_FREE char *mark = must_printf("%s/" MARK, owner);
	int flags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC;
	CLEAN_FD int fd = file_exists(AT_FDCWD, mark) ? -1 : open(mark, flags, 0600);

	(void)fd;
}

static void mark_lowers(const struct container *container, const struct storage *storage)
{
	for (size_t i = 0; i + 1 < storage->parts.count; i++) {
		CLEAN_FREE char *owner = find_owner(container, storage->parts.items[i]);

		if (owner)
			leave_mark(owner);
	}
}

static void find_lower(const struct container *container, const struct written *written,
                       struct strings *out)
{
	CLEAN_FREE char *mark = must_printf("%s/" MARK, container->dir);
	bool is_marked = file_exists(AT_FDCWD, mark);

	if (is_marked)
		find_all(container->paths, has_lower, written, out);
	else
		find_snapshots(container->dir, container->name, has_lower, written, out);
	if (is_marked && !out->count)
		(void)unlink(mark); /* the next start looks again, otherwise */
}

int storage_check_alone(const struct container *container, const struct storage *storage,
                        struct error *err)
{
	bool is_overlay = storage->backend == &storage_overlay;
	const char *own = storage->parts.items[storage->parts.count - 1];
	CLEAN_FREE char *path = must_printf("%s%s", own, is_overlay ? "/upper" : "");
	struct written written = {.path = path};
	CLEAN(strings_done) struct strings names = {0};

	if (is_overlay)
		mark_lowers(container, storage);
	if (container->config.rootfs_readonly || storage_option(storage, "tmpfs") ||
	    (!is_overlay && storage->backend != &storage_dir &&
	     storage->backend != &storage_btrfs) ||
	    stat(path, &written.st) < 0)
		return 0;
	find_lower(container, &written, &names);
	return names.count ? fail_stood_on(&names, err) : 0;
}
