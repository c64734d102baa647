/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Copying the tree of a container that runs (storage_live_begin() in storage.h): passes over the tree while it
 * changes, each copying what changed since the one before, and a last one while it does not.
 */
#include "base/cleanup.h"
#include "base/error.h"
#include "storage/backend.h"
#include "storage/copy.h"
#include "storage/copy_seen.h"

#include <errno.h>
#include <fcntl.h>

#define PASSES_MOST 4           /* while it changes */
#define BYTES_FEW   (32U << 20) /* copied in one of them: another would not shorten the last */

struct storage_live {
	struct copy_seen seen;
	struct copy_options options;
	int from_fd, to_fd;
};

void storage_live_free(struct storage_live *live)
{
	if (!live)
		return;
	fd_close(&live->from_fd);
	fd_close(&live->to_fd);
	copy_seen_done(&live->seen);
	free(live);
}

static const char *own_part(const struct storage *storage)
{
	return storage->parts.items[storage->parts.count - 1];
}

/* The folder that is written into: of an overlay its upper one. */
static int open_place(const struct storage *storage, struct error *err)
{
	bool is_overlay = storage->backend == &storage_overlay;
	CLEAN_FREE char *path = must_printf("%s%s", own_part(storage), is_overlay ? "/upper" : "");
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? fail(err, errno, "open '%s'", path) : fd;
}

/* Where blocks can be shared a copy at rest takes no longer than comparing. */
static bool is_worth_it(const struct storage *from, const struct storage *to, int from_fd)
{
	const char *name;
	CLEAN_FD int above = storage_open_above(own_part(to), &name, NULL);

	return from->backend == to->backend && above >= 0 && copy_seen_can(from_fd) &&
	       !storage_can_share(from_fd, above);
}

static int copy_pass(struct storage_live *live, bool is_changing, uint64_t *bytes,
                     struct error *err)
{
	struct copy_totals totals = {0};
	int r;

	live->options.seen = &live->seen;
	live->options.is_changing = is_changing;
	r = copy_tree(live->from_fd, live->to_fd, &live->options, &totals, err);
	*bytes = totals.bytes;
	return r;
}

static int copy_passes(struct storage_live *live, struct error *err)
{
	uint64_t bytes = BYTES_FEW;
	int r = 0;

	for (int i = 0; i < PASSES_MOST && bytes >= BYTES_FEW && r == 0; i++) {
		r = copy_seen_begin(&live->seen, live->from_fd, err);
		if (r == 0)
			r = copy_pass(live, true, &bytes, err);
	}
	return r;
}

/* from_fd is taken over. */
static struct storage_live *new_live(int from_fd, const struct copy_options *options)
{
	struct storage_live *live = must_alloc(sizeof(*live));

	*live = (struct storage_live){.from_fd = from_fd, .to_fd = -1};
	copy_seen_init(&live->seen);
	if (options)
		live->options = *options;
	return live;
}

int storage_live_begin(const struct storage *from, const struct storage *to,
                       const struct copy_options *options, struct storage_live **out,
                       struct error *err)
{
	struct storage_live *live;
	int from_fd, r;

	*out = NULL;
	if (from->backend != &storage_dir && from->backend != &storage_overlay)
		return 0;
	from_fd =
		from->backend == &storage_dir ? storage_visit(from, 0, err) : open_place(from, err);
	if (from_fd < 0 || !is_worth_it(from, to, from_fd)) {
		if (from_fd >= 0)
			close(from_fd);
		return from_fd < 0 ? from_fd : 0;
	}
	*out = live = new_live(from_fd, options);
	r = storage_make(to, err);
	if (r == 0)
		r = live->to_fd = open_place(to, err);
	return r < 0 ? r : copy_passes(live, err);
}

int storage_live_begin_at(int from_fd, int to_fd, const struct copy_options *options,
                          struct storage_live **out, struct error *err)
{
	CLEAN_FD int from = fcntl(from_fd, F_DUPFD_CLOEXEC, 3);

	*out = NULL;
	if (from < 0)
		return fail(err, errno, "open the tree again");
	if (!copy_seen_can(from))
		return 0;
	*out = new_live(fd_take(&from), options);
	(*out)->to_fd = openat(to_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return (*out)->to_fd < 0 ? fail(err, errno, "open the copy") : copy_passes(*out, err);
}

int storage_live_end(struct storage_live *live, bool is_at_rest, struct error *err)
{
	uint64_t bytes;

	return copy_pass(live, !is_at_rest, &bytes, err);
}
