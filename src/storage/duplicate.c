/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A second one of a root file system, by whatever way there is. */
#include "base/cleanup.h"
#include "base/error.h"
#include "storage/backend.h"
#include "storage/copy.h"
#include "storage/subvolume.h"

#include <errno.h>
#include <fcntl.h>

static int copy_trees(const struct storage *from, const struct storage *to,
                      const struct copy_options *options, struct error *err)
{
	CLEAN_FD int source = storage_visit(from, 0, err), target = -1;
	int r;

	if (source < 0)
		return source;
	r = storage_make(to, err);
	if (r < 0)
		return r;
	r = target = storage_visit(to, STORAGE_WRITE, err);
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
	if (from->backend->copy)
		return from->backend->copy(from, to, options, err);
	return copy_trees(from, to, options, err);
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
