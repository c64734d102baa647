/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A second one of a root file system, by whatever way there is. */
#include "base/cleanup.h"
#include "base/error.h"
#include "storage/backend.h"
#include "storage/copy.h"
#include "storage/subvolume.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static int copy_trees(const struct storage *from, const struct storage *to,
                      const struct copy_options *options, struct error *err)
{
	CLEAN_FD int source = storage_visit(from, 0, err), target = -1;
	CLEAN(storage_done) struct storage sized = {.backend = NULL};
	struct storage_usage usage = {0};
	int r;

	if (source < 0)
		return source;
	storage_copy(&sized, to);
	/* a volume that is to have no limit is as big as the one that it must hold the content of */
	if (storage_is_volume(to) && !to->size_bytes && storage_usage(from, &usage, NULL) == 0)
		sized.size_bytes = usage.size_bytes;
	r = storage_make(&sized, err);
	if (r < 0)
		return r;
	r = target = storage_visit(to, STORAGE_WRITE, err);
	/* mkfs(8) made it; the source may have its own, or none */
	if (r >= 0)
		(void)unlinkat(target, "lost+found", AT_REMOVEDIR);
	if (r >= 0)
		r = copy_tree(source, target, options, NULL, err);
	if (r >= 0)
		return 0;
	fd_close(&target);
	(void)storage_remove(to, NULL); /* the failure is the one to tell */
	return r;
}

int storage_duplicate(const struct storage *from, const struct storage *to,
                      const struct copy_options *options, void (*slow)(void *user),
                      struct error *err)
{
	int r = storage_clone(from, to, err);

	/* layers are shared or they are not: there is no copy of an overlay that is one */
	if (r != -EOPNOTSUPP || from->backend == &storage_overlay || from->backend != to->backend)
		return r;
	error_clear(err);
	if (slow)
		slow(options ? options->user : NULL);
	r = from->backend->copy ? from->backend->copy(from, to, options, err)
	                        : copy_trees(from, to, options, err);
	return r < 0 ? r : 1;
}

int storage_set_readonly(const struct storage *storage, bool readonly, struct error *err)
{
	const char *path = storage_place(storage);
	CLEAN_FD int fd = -1;
	int r;

	if (storage->backend != &storage_btrfs)
		return 0;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return fail(err, errno, "open '%s'", path);
	if (!subvolume_is(fd)) /* a plain folder on btrfs is copied like any other */
		return 0;
	r = subvolume_set_readonly(fd, readonly);
	return r < 0 ? fail(err, -r, "make subvolume '%s' read-only", path) : 0;
}
