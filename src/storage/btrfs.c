/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The backend "btrfs": a root file system that is a subvolume, cloned by a snapshot in constant time. */
#include "base/cleanup.h"
#include "base/error.h"
#include "container/paths.h"
#include "storage/backend.h"
#include "storage/own.h"
#include "storage/remove.h"
#include "storage/subvolume.h"

#include <errno.h>
#include <fcntl.h>

static int fail_quota(const char *path, int code, struct error *err)
{
	(void)fail(err, code, "limit the size of subvolume '%s'", path);
	if (code != ENOTCONN && code != ENOENT)
		return -code;
	error_clear(err);
	(void)fail_plain(
		err, EOPNOTSUPP,
		"rootfs.size would not hold: quotas are not enabled on the file system of '%s'",
		path);
	return fail_hint(err, "btrfs quota enable, or no limit: rootfs.size=max");
}

static int choose_btrfs(const struct storage_request *request, const char *dir, struct storage *out,
                        struct error *err)
{
	const char *store = request->paths->store;
	CLEAN_FD int fd = open(store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return fail(err, errno, "open '%s'", store);
	if (!subvolume_can(fd)) {
		(void)fail_plain(err, EOPNOTSUPP, "backend btrfs: '%s' is not on btrfs", store);
		return fail_hint(err, "put the store (-P, SYSC_PATH) on one, or use backend loop "
		                      "with the option fstype=btrfs");
	}
	strings_give(&out->parts, must_printf("%s/rootfs", dir));
	if (request->size_bytes && !subvolume_has_quotas(fd))
		return fail_quota(store, ENOTCONN, err);
	return 0;
}

static int limit_open(int fd, const struct storage *storage, struct error *err)
{
	uint64_t used = 0, limit = 0;
	int r;

	/* no quotas are no hindrance to having no limit */
	if (!storage->size_bytes && (subvolume_usage(fd, &used, &limit) < 0 || !limit))
		return 0;
	if (storage->size_bytes && !subvolume_has_quotas(fd))
		return fail_quota(storage_place(storage), ENOTCONN, err);
	r = subvolume_limit(fd, storage->size_bytes);
	return r < 0 ? fail_quota(storage_place(storage), -r, err) : 0;
}

static int limit_btrfs(const struct storage *storage, struct error *err)
{
	const char *path = storage_place(storage);
	CLEAN_FD int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return fail(err, errno, "open '%s'", path);
	return limit_open(fd, storage, err);
}

static int make_btrfs(const struct storage *storage, struct error *err)
{
	const char *name, *path = storage_place(storage);
	CLEAN_FD int above = storage_open_above(path, &name, err);
	int r;

	if (above < 0)
		return above;
	r = subvolume_make(above, name);
	return r < 0 ? fail(err, -r, "make subvolume '%s'", path) : 0;
}

static int visit_btrfs(const struct storage *storage, bool writable, struct error *err)
{
	return storage_dir.visit(storage, writable, err);
}

static int open_btrfs(const struct storage *storage, bool readonly, struct storage_root *out,
                      struct error *err)
{
	return storage_dir.open(storage, readonly, out, err);
}

static int clone_btrfs(const struct storage *from, const struct storage *to, struct error *err)
{
	const char *source = storage_place(from), *target = storage_place(to), *name;
	CLEAN_FD int above = storage_open_above(target, &name, err), fd = -1;
	int r;

	if (above < 0)
		return above;
	fd = open(source, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return fail(err, errno, "open '%s'", source);
	if (!subvolume_is(fd)) {
		(void)fail_plain(err, EOPNOTSUPP, "'%s' is no subvolume", source);
		return fail_hint(err, "a copy of it can be one");
	}
	r = subvolume_snapshot(fd, above, name, to->readonly);
	if (r == -EXDEV)
		return fail_plain(err, EOPNOTSUPP, "'%s' and '%s' are on two file systems", source,
		                  target);
	if (r < 0)
		return fail(err, -r, "make '%s' a snapshot of '%s'", target, source);
	r = to->size_bytes ? limit_btrfs(to, err) : 0;
	if (r < 0)
		(void)remove_tree(above, name, NULL); /* the failure is the one to tell */
	return r;
}

static int remove_btrfs(const struct storage *storage, struct error *err)
{
	return storage_remove_folder(storage_place(storage), err);
}

static int usage_btrfs(const struct storage *storage, struct storage_usage *out, struct error *err)
{
	const char *path = storage_place(storage);
	CLEAN_FD int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r;

	if (fd < 0)
		return fail(err, errno, "open '%s'", path);
	r = subvolume_usage(fd, &out->used_bytes, &out->size_bytes);
	if (r == -ENOTCONN || r == -ENOENT)
		r = -EOPNOTSUPP;
	return r < 0 ? fail(err, -r, "read the quota of '%s'", path) : 0;
}

/* Its quota group knows; where there are none its files are looked at. */
static int own_btrfs(const struct storage *storage, uint64_t *bytes, struct error *err)
{
	CLEAN_FD int fd = storage_visit(storage, 0, err), folder = -1;

	if (fd < 0)
		return fd;
	folder = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* it is O_PATH */
	return folder >= 0 && subvolume_own(folder, bytes) == 0 ? 0 : own_tree(fd, bytes, err);
}

const struct storage_backend storage_btrfs = {
	.name = "btrfs",
	.is_inside = true,
	.clone_lasts = true, /* the ioctl ends with the commit of its transaction */
	.choose = choose_btrfs,
	.make = make_btrfs,
	.visit = visit_btrfs,
	.open = open_btrfs,
	.clone = clone_btrfs,
	.remove = remove_btrfs,
	.limit = limit_btrfs,
	.usage = usage_btrfs,
	.own = own_btrfs,
};
