/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a copy's root file system is to be, and what its source goes on with; see the header. */
#include "tools/copying_tree.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "tools/copying.h"

#include <errno.h>

static bool is_backend(const struct storage *storage, const char *name)
{
	return text_is(storage_name(storage), name);
}

/* The same layers, with another folder on top. */
static void share_layers(struct copying *copying, const char *folder)
{
	storage_copy(&copying->to, &copying->from);
	free(copying->to.parts.items[copying->to.parts.count - 1]);
	copying->to.parts.items[copying->to.parts.count - 1] = must_dup(folder);
}

/* What the source has written until now becomes a layer under both. */
static int share_sealed(struct copying *copying, const char *folder, struct error *err)
{
	CLEAN_FREE char *onward = storage_free_layer(copying->source->dir);
	int r;

	if (copying->from.parts.count >= STORAGE_LAYERS_MOST) {
		(void)fail_plain(err, E2BIG, "'%s' stands on %zu layers already",
		                 copying->source->name, copying->from.parts.count);
		return fail_hint(err, "make a full copy, and copies of that");
	}
	r = storage_seal(&copying->from, folder, &copying->to, err);
	return r < 0 ? r : storage_seal(&copying->from, onward, &copying->onward, err);
}

static bool is_elsewhere(const struct copying *copying)
{
	return !text_is(copying->paths->store, copying->source->paths->store);
}

static int choose_overlay(struct copying *copying, struct error *err)
{
	CLEAN_FREE char *folder = must_printf("%s/delta", copying->target.dir);

	if (is_elsewhere(copying)) { /* nobody there would know what must not be removed */
		(void)fail_plain(err, EOPNOTSUPP,
		                 "a container in '%s' cannot stand on layers of one in '%s'",
		                 copying->paths->store, copying->source->paths->store);
		return fail_hint(err, "make a full copy");
	}
	if (is_backend(&copying->from, "overlay") &&
	    (copying->source_runs || !storage_has_written(&copying->from))) {
		/* what a mounted overlay has written is copied, its layers are shared */
		share_layers(copying, folder);
		return 0;
	}
	if (!copying->source_runs)
		return share_sealed(copying, folder, err);
	(void)fail_plain(err, EOPNOTSUPP,
	                 "'%s' runs, and its tree can be shared only while it does not",
	                 copying->source->name);
	return fail_hint(err, "stop it for that moment, or make a full copy");
}

bool copying_is_shifted(const struct copying *copying)
{
	return storage_option(&copying->from, "shifted") != NULL;
}

bool copying_can_share(const struct copying *copying)
{
	CLEAN_FD int tree = storage_visit(&copying->from, 0, NULL);

	return tree >= 0 && storage_can_share(tree, copying->folder_fd);
}

static int choose_backend(struct copying *copying, const char *backend, struct error *err)
{
	const struct config *config = &copying->target.config;
	const struct storage_request request = {
		.paths = copying->paths,
		.name = copying->name,
		.backend = backend,
		.options = config->rootfs_options,
		.size_bytes = config->rootfs_size == LIMIT_UNSET ? 0 : config->rootfs_size,
		.owner = config->uuid,
	};

	return storage_choose(&request, &copying->to, err);
}

/* Copy-on-write: by the backend itself, or by layers. */
static int choose_shared(struct copying *copying, struct error *err)
{
	bool is_dir = is_backend(&copying->from, "dir");
	const char *own = storage_name(&copying->from);

	/* a clone of a volume gets ids of its own like a copy of it */
	if (copying_is_shifted(copying) && !storage_is_volume(&copying->from)) {
		(void)fail_plain(err, EOPNOTSUPP,
		                 "the tree of '%s' has the ids of that container on disk (its file "
		                 "system cannot be id-mapped), so it cannot be shared",
		                 copying->source->name);
		return fail_hint(err, "make a full copy");
	}
	if (copying->memory && !is_dir && !is_backend(&copying->from, "overlay"))
		return fail_plain(err, EOPNOTSUPP,
		                  "only copies of backends dir and overlay can write into memory, "
		                  "not of %s",
		                  own);
	if (copying->backend && !text_is(copying->backend, own) &&
	    !(is_dir && text_is(copying->backend, "overlay"))) {
		(void)fail_plain(err, EOPNOTSUPP,
		                 "a copy-on-write copy of backend %s cannot be of backend %s", own,
		                 copying->backend);
		return fail_hint(err, "leave -s out for a full one");
	}
	if (is_backend(&copying->from, "overlay") ||
	    (is_dir && copying->backend && text_is(copying->backend, "overlay")) ||
	    copying->memory || (is_dir && !copying_can_share(copying)))
		return choose_overlay(copying, err);
	return choose_backend(copying, own, err);
}

int copying_choose(struct copying *copying, struct error *err)
{
	int r = storage_of(&copying->from, &copying->source->config, err);

	if (r < 0)
		return r;
	if (copying->is_shared)
		return choose_shared(copying, err);
	return choose_backend(
		copying, copying->backend ? copying->backend : storage_name(&copying->from), err);
}
