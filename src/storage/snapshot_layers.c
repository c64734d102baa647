/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The layers that overlays of one container and its snapshots share; see snapshot.h. */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "container/container.h"
#include "container/lock.h"
#include "storage/backend.h"
#include "storage/own.h"
#include "storage/remove.h"
#include "storage/snapshot_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define STORE_WAIT_MS 60000

int snapshot_seal(const struct container *container, const struct storage *from, const char *name,
                  struct storage *out, struct error *err)
{
	CLEAN_FREE char *folder = must_printf("%s/snapshots/%s/delta", container->dir, name);
	size_t last = from->parts.count - 1;
	int r;

	if (storage_has_written(from)) {
		r = storage_seal(from, folder, out, err);
		if (r < 0)
			return r;
	} else {
		storage_copy(out, from);
		free(out->parts.items[last]);
		out->parts.items[last] = must_dup(folder);
	}
	out->size_bytes = 0;
	return 0;
}

/* Whether one that is older than what stands on the layer too. */
static bool is_older_layer(const struct container *container, const struct snapshot *what,
                           const char *layer)
{
	CLEAN(snapshots_done) struct snapshots all = {0};

	(void)snapshot_list(container, &all, NULL); /* none is older then */
	for (size_t i = 0; i < all.count && !text_is(all.items[i].name, what->name); i++) {
		CLEAN(storage_done) struct storage older = {.backend = NULL};

		if (snapshot_storage(container, all.items[i].name, &older, NULL) == 0 &&
		    strings_has(&older.parts, layer))
			return true;
	}
	return false;
}

int snapshot_own(const struct container *container, const struct snapshot *what, uint64_t *bytes,
                 struct error *err)
{
	CLEAN(storage_done) struct storage storage = {.backend = NULL};
	CLEAN_FD int fd = -1;
	const char *layer;
	int r = snapshot_storage(container, what->name, &storage, err);

	if (r < 0 || storage.backend != &storage_overlay || storage_has_written(&storage))
		return r < 0 ? r : storage_own(&storage, bytes, err);
	layer = storage.parts.items[0];
	if (!text_is_below(layer, container->dir) || is_older_layer(container, what, layer)) {
		*bytes = 0;
		return 0;
	}
	fd = storage_open_folder(layer, err);
	return fd < 0 ? fd : own_tree(fd, bytes, err);
}

static bool is_layer(const char *name)
{
	return text_is(name, "delta") || text_starts(name, "delta.") ||
	       text_starts(name, "rootfs.before-");
}

int snapshot_drop_layers(const struct container *container, struct error *err)
{
	CLEAN_FD int folder = open(container->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), store = -1;
	CLEAN_DIR DIR *dir = opendir(container->dir);
	CLEAN(strings_done) struct strings names = {0};
	CLEAN(storage_done) struct storage own = {.backend = NULL};
	const struct dirent *entry;
	int dropped = 0;

	while (dir && (entry = readdir(dir)))
		if (is_layer(entry->d_name))
			strings_add(&names, entry->d_name);
	if (folder < 0 || !names.count)
		return 0;
	store = lock_store(container->paths, STORE_WAIT_MS, err);
	if (store < 0)
		return store;
	/* as it is now; what is needed must be known */
	if (snapshot_storage_of(container->file, NULL, &own, NULL) < 0)
		return 0;
	for (size_t i = 0; i < names.count; i++) {
		CLEAN_FREE char *path = must_printf("%s/%s/", container->dir, names.items[i]);
		CLEAN(strings_done) struct strings users = {0};
		int r;

		storage_users(container->paths, path, &users);
		if (users.count)
			continue;
		r = remove_tree(folder, names.items[i], err);
		if (r < 0)
			return r;
		dropped++;
	}
	return dropped;
}
