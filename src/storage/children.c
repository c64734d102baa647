/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who stands on whose tree. There is no record of it beside the configurations themselves: those are
 * replaced as a whole, so what is found here is true whenever a command was killed.
 */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "container/config.h"
#include "container/paths.h"
#include "storage/backend.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>

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
static bool stands_on(const char *file, const char *folder)
{
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

static void look_at(const char *dir, const char *name, const char *folder, struct strings *out)
{
	CLEAN_FREE char *file = must_printf("%s/config", dir);

	if (file_exists(AT_FDCWD, file) && stands_on(file, folder))
		strings_add(out, name);
}

void storage_users(const struct paths *paths, const char *folder, struct strings *out)
{
	CLEAN(strings_done) struct strings names = {0};

	list_names(paths->store, &names);
	for (size_t i = 0; i < names.count; i++) {
		CLEAN_FREE char *dir = must_printf("%s/%s", paths->store, names.items[i]);
		CLEAN_FREE char *snapshots = must_printf("%s/snapshots", dir);
		CLEAN(strings_done) struct strings kept = {0};

		if (text_ends(names.items[i], ".destroying"))
			continue;
		look_at(dir, names.items[i], folder, out);
		list_names(snapshots, &kept);
		for (size_t j = 0; j < kept.count; j++) {
			CLEAN_FREE char *path = must_printf("%s/%s", snapshots, kept.items[j]);
			CLEAN_FREE char *shown =
				must_printf("%s/snapshots/%s", names.items[i], kept.items[j]);

			look_at(path, shown, folder, out);
		}
	}
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
