/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Folding the layers of an overlay that snapshots made and no longer need apart: two neighbours that a container and
 * its snapshots have together or not at all become one. The new layer is whole and on disk before the first
 * configuration names it; each names the old ones or the new one, and what none names goes (snapshot_layers.c).
 * The lowest layer, the tree that the container was made with, stays what it is.
 */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "container/container.h"
#include "storage/backend.h"
#include "storage/fold.h"
#include "storage/remove.h"
#include "storage/snapshot_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define MARK       SNAPSHOT_FOLD_MARK
#define FOLD       MARK "/fold" /* upper, lower, and the folder of the new layer, a line each */
#define FOLD_BYTES 16384

/* A configuration with layers: the container's, a snapshot's. */
struct chain {
	char *dir; /* of it */
	struct storage storage;
	int lock; /* shared with who reads a snapshot */
};

struct chains {
	struct chain *items;
	size_t count;
};

static void chains_done(struct chains *chains)
{
	for (size_t i = 0; i < chains->count; i++) {
		free(chains->items[i].dir);
		storage_done(&chains->items[i].storage);
		fd_close(&chains->items[i].lock);
	}
	free(chains->items);
}

/* Whatever is not understood keeps its layers: the caller gives up. */
static int add_chain(struct chains *chains, char *dir, struct error *err)
{
	CLEAN_FREE char *file = must_printf("%s/config", dir);
	struct chain chain = {.dir = dir, .lock = -1};
	int r = snapshot_storage_of(file, NULL, &chain.storage, err);

	if (r < 0 || chain.storage.backend != &storage_overlay) {
		storage_done(&chain.storage);
		free(dir);
		return r;
	}
	chains->items = must_realloc(chains->items, (chains->count + 1) * sizeof(chain));
	chains->items[chains->count++] = chain;
	return 0;
}

static int read_chains(const struct container *container, struct chains *out, struct error *err)
{
	CLEAN(snapshots_done) struct snapshots all = {0};
	int r = add_chain(out, must_dup(container->dir), err);

	if (r == 0)
		r = snapshot_list(container, &all, err);
	for (size_t i = 0; i < all.count && r == 0; i++)
		r = add_chain(out, snapshot_dir(container, all.items[i].name), err);
	return r;
}

/* --- which two --- */

/* A layer that a snapshot made: DIR/delta.N/upper. */
static bool is_own_layer(const struct container *container, const char *path)
{
	CLEAN_FREE char *begin = must_printf("%s/delta", container->dir);
	size_t length = strlen(begin);
	const char *end;

	if (!text_starts(path, begin) || (path[length] != '/' && path[length] != '.'))
		return false;
	end = strchr(path + length, '/');
	return end && strcmp(end, "/upper") == 0;
}

/* Where the layer is in a chain, without the folder of its own; -1. */
static long place_in(const struct storage *storage, const char *layer)
{
	for (size_t i = 0; i + 1 < storage->parts.count; i++)
		if (text_is(storage->parts.items[i], layer))
			return (long)i;
	return -1;
}

static bool has_pair(const struct chain *chain, const char *upper, const char *lower)
{
	long at = place_in(&chain->storage, upper);

	return at >= 0 && place_in(&chain->storage, lower) == at + 1;
}

static bool are_together(const struct chains *chains, const char *upper, const char *lower)
{
	for (size_t i = 0; i < chains->count; i++) {
		const struct chain *chain = &chains->items[i];

		if (!has_pair(chain, upper, lower) && (place_in(&chain->storage, upper) >= 0 ||
		                                       place_in(&chain->storage, lower) >= 0))
			return false;
	}
	return true;
}

/* Nobody but the container and its snapshots; a copy may run. */
static bool is_ours_alone(const struct container *container, const char *layer)
{
	CLEAN_FREE char *folder =
		must_printf("%.*s", (int)(strlen(layer) - strlen("upper")), layer);
	CLEAN_FREE char *own = must_printf("%s/snapshots/", container->name);
	CLEAN(strings_done) struct strings users = {0};

	storage_users(container->paths, folder, &users);
	for (size_t i = 0; i < users.count; i++)
		if (!text_is(users.items[i], container->name) && !text_starts(users.items[i], own))
			return false;
	return true;
}

/* The chain, and where the upper of the two is in it. */
static const struct chain *find_pair(const struct container *container, const struct chains *chains,
                                     size_t *at)
{
	for (size_t i = 0; i < chains->count; i++) {
		const struct strings *parts = &chains->items[i].storage.parts;

		for (*at = 0; *at + 3 < parts->count; ++*at) {
			const char *upper = parts->items[*at], *lower = parts->items[*at + 1];

			if (is_own_layer(container, upper) && is_own_layer(container, lower) &&
			    are_together(chains, upper, lower) && is_ours_alone(container, upper) &&
			    is_ours_alone(container, lower))
				return &chains->items[i];
		}
	}
	return NULL;
}

/* --- making one of them --- */

/* All that is below the layer of that place, as one tree; -1 where there is nothing is no error. */
static int open_deep(const struct storage *storage, size_t at, struct error *err)
{
	const struct strings *parts = &storage->parts;
	struct storage deep = {.backend = &storage_overlay};
	const char *first = parts->items[at + 1];
	int fd;

	if (at + 3 == parts->count || !text_ends(first, "/upper")) {
		fd = open(first, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		return fd < 0 ? fail(err, errno, "open '%s'", first) : fd;
	}
	/* the upmost of them is looked at as an overlay's own folder is */
	for (size_t i = at + 2; i + 1 < parts->count; i++)
		strings_add(&deep.parts, parts->items[i]);
	strings_give(&deep.parts,
	             must_printf("%.*s", (int)(strlen(first) - strlen("/upper")), first));
	fd = storage_visit(&deep, 0, err);
	storage_done(&deep);
	return fd;
}

/* The layer NEW/upper of the two at that place, whole and on disk. */
static int make_layer(const struct storage *storage, size_t at, const char *folder,
                      struct error *err)
{
	CLEAN_FREE char *path = must_printf("%s/upper", folder);
	CLEAN_FD int upper = -1, lower = -1, deep = -1, to = -1;
	int r = storage_make_folder(folder, err);

	if (r == 0)
		r = storage_make_folder(path, err);
	if (r == 0)
		r = deep = open_deep(storage, at + 1, err);
	if (r < 0)
		return r;
	upper = open(storage->parts.items[at], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	lower = open(storage->parts.items[at + 1], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	to = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (upper < 0 || lower < 0 || to < 0)
		return fail(err, errno, "open the layers");
	r = fold_layers(upper, lower, deep, to, err);
	if (r == 0 && syncfs(to) < 0)
		r = fail(err, errno, "write '%s' to disk", folder);
	return r;
}

/* -EBUSY: one of the snapshots is being read. */
static int lock_readers(struct chains *chains, const char *upper, const char *lower)
{
	for (size_t i = 0; i < chains->count; i++) {
		struct chain *chain = &chains->items[i];

		if (!has_pair(chain, upper, lower) || chain->lock >= 0)
			continue;
		chain->lock = open(chain->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (chain->lock < 0 || flock(chain->lock, LOCK_EX | LOCK_NB) < 0)
			return -EBUSY;
	}
	return 0;
}

static int rewrite(struct chain *chain, const char *upper, const char *folder, struct error *err)
{
	CLEAN_FREE char *file = must_printf("%s/config", chain->dir);
	CLEAN(storage_done) struct storage next = chain->storage;
	CLEAN(text_done) struct text text = {0};
	size_t at = (size_t)place_in(&chain->storage, upper);
	mode_t mode = 0;
	int r;

	chain->storage = (struct storage){.backend = next.backend};
	free(next.parts.items[at]);
	free(next.parts.items[at + 1]);
	next.parts.items[at] = must_printf("%s/upper", folder);
	memmove(&next.parts.items[at + 1], &next.parts.items[at + 2],
	        (next.parts.count - at - 2) * sizeof(char *));
	next.parts.count--;
	r = snapshot_config_text(file, &next, &text, &mode, err);
	if (r == 0)
		r = file_replace(AT_FDCWD, file, text.data, text.length, mode, err);
	storage_copy(&chain->storage, &next);
	return r;
}

static int rewrite_all(struct chains *chains, const char *upper, const char *lower,
                       const char *folder, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < chains->count && r == 0; i++)
		if (has_pair(&chains->items[i], upper, lower))
			r = rewrite(&chains->items[i], upper, folder, err);
	return r;
}

static int fold_pair(const struct container *container, struct chains *chains,
                     const struct chain *chain, size_t at, int all_fd, struct error *err)
{
	CLEAN_FREE char *upper = must_dup(chain->storage.parts.items[at]);
	CLEAN_FREE char *lower = must_dup(chain->storage.parts.items[at + 1]);
	CLEAN_FREE char *folder = storage_free_layer(container->dir), *text = NULL;
	int r = lock_readers(chains, upper, lower);

	if (r < 0)
		return r;
	/* on disk with the layer */
	text = must_printf("%s\n%s\n%s\n", upper, lower, folder);
	r = file_replace_volatile(all_fd, FOLD, text, strlen(text), 0600, err);
	if (r == 0)
		r = make_layer(&chain->storage, at, folder, err);
	if (r < 0) {
		(void)storage_remove_folder(folder, NULL); /* the failure is the one to tell */
		return r;
	}
	return rewrite_all(chains, upper, lower, folder, err);
}

static int fold_all(const struct container *container, struct chains *chains, int all_fd,
                    struct error *err)
{
	const struct chain *chain;
	int folded = 0, r = 0;
	size_t at;

	while (r == 0 && (chain = find_pair(container, chains, &at))) {
		r = fold_pair(container, chains, chain, at, all_fd, err);
		folded += r == 0;
	}
	/* what is in use is folded the next time, what is not understood never */
	if (r < 0 && r != -EBUSY && r != -EOPNOTSUPP)
		return fail_in(err, "fold the layers of the overlay");
	error_clear(err);
	r = folded ? snapshot_drop_layers(container, err) : 0;
	return r < 0 ? r : folded;
}

int snapshot_fold(const struct container *container, struct error *err)
{
	CLEAN(chains_done) struct chains chains = {0};
	struct error ignored = {0};
	CLEAN_FD int all = -1;
	size_t at;
	int r;

	if (read_chains(container, &chains, &ignored) < 0 || !find_pair(container, &chains, &at))
		return 0;
	all = snapshot_open_all(container, true, err);
	if (all < 0)
		return all;
	/* should this be killed, the next command ends it: until then files have more names than they had */
	if (mkdirat(all, MARK, 0700) < 0 && errno != EEXIST)
		return fail(err, errno, "make directory 'snapshots/%s'", MARK);
	r = fold_all(container, &chains, all, err);
	(void)remove_tree(all, MARK, NULL); /* a sweep of nothing otherwise */
	return r;
}

int snapshot_end_fold(const struct container *container, int all_fd, struct error *err)
{
	CLEAN(chains_done) struct chains chains = {0};
	CLEAN(strings_done) struct strings lines = {0};
	CLEAN(text_done) struct text text = {0};
	CLEAN_FREE char *layer = NULL;
	bool is_named = false;
	int r;

	if (file_read(all_fd, FOLD, FOLD_BYTES, &text, NULL) == 0)
		strings_split(&lines, text.data ? text.data : "", "\n");
	if (lines.count != 3)
		return remove_tree(all_fd, MARK, err);
	r = read_chains(container, &chains, err);
	if (r < 0)
		return r;
	layer = must_printf("%s/upper", lines.items[2]);
	for (size_t i = 0; i < chains.count; i++)
		is_named |= place_in(&chains.items[i].storage, layer) >= 0;
	/* one that is being read keeps the old ones */
	if (is_named && lock_readers(&chains, lines.items[0], lines.items[1]) == 0)
		r = rewrite_all(&chains, lines.items[0], lines.items[1], lines.items[2], err);
	return r < 0 ? r : remove_tree(all_fd, MARK, err);
}
