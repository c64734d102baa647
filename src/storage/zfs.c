/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The backend "zfs": a dataset below the one that rootfs.options names (zfsroot=tank/sysc), or below the
 * one that the store is on, by zfs(8). A dataset has the UUID of its container as a property, and only
 * one that has it is ever removed. It is mounted by nobody but the container.
 */
#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "container/paths.h"
#include "storage/backend.h"
#include "storage/volume.h"

#include <errno.h>
#include <string.h>

#define OWNER "sysc:owner"

static int choose_zfs(const struct storage_request *request, const char *dir, struct storage *out,
                      struct error *err)
{
	const char *root = storage_option(out, "zfsroot");
	CLEAN(text_done) struct text found = {0};
	int r = volume_need("zfs", "zfsutils-linux", err);

	(void)dir;
	if (r < 0)
		return r;
	if (!root) {
		r = volume_run(&found, err, "zfs", "list", "-H", "-o", "name",
		               request->paths->store, NULL);
		if (r < 0)
			return fail_hint(err, "name a dataset: rootfs.options = zfsroot=NAME");
		root = text_trim(found.data);
	}
	strings_give(&out->parts, must_printf("%s/%s", root, request->name));
	if (volume_run(NULL, NULL, "zfs", "list", storage_place(out), NULL) == 0)
		return fail_plain(err, EEXIST, "the dataset '%s' is there already",
		                  storage_place(out));
	return 0;
}

static int make_zfs(const struct storage *storage, struct error *err)
{
	CLEAN_FREE char *owner =
		must_printf(OWNER "=%s", storage->owner ? storage->owner : "nobody");
	CLEAN_FREE char *quota =
		must_printf("refquota=%llu", (unsigned long long)storage->size_bytes);

	return volume_run(NULL, err, "zfs", "create", "-o", "mountpoint=legacy", "-o",
	                  "acltype=posixacl", "-o", "xattr=sa", "-o", owner, "-o",
	                  storage->size_bytes ? quota : "refquota=none", storage_place(storage),
	                  NULL);
}

static int visit_zfs(const struct storage *storage, bool writable, struct error *err)
{
	const char *dataset = storage_place(storage);
	CLEAN_FD int fs = sys_fsopen("zfs", FSOPEN_CLOEXEC);
	int fd;

	if (fs < 0)
		return fail(err, errno, "open file system type 'zfs'");
	if (sys_fsconfig(fs, FSCONFIG_SET_STRING, "source", dataset, 0) < 0 ||
	    (!writable && sys_fsconfig(fs, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0) ||
	    sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return fail(err, errno, "mount dataset '%s'", dataset);
	fd = sys_fsmount(fs, FSMOUNT_CLOEXEC, 0);
	return fd < 0 ? fail(err, errno, "mount dataset '%s'", dataset) : fd;
}

static int clone_zfs(const struct storage *from, const struct storage *to, struct error *err)
{
	CLEAN_FREE char *owner = must_printf(OWNER "=%s", to->owner ? to->owner : "nobody");
	/* the name is the new one's own: two clones never meet at one snapshot */
	CLEAN_FREE char *snapshot =
		must_printf("%s@sysc-%s", storage_place(from), to->owner ? to->owner : "nobody");
	int r = volume_run(NULL, err, "zfs", "snapshot", snapshot, NULL);

	if (r < 0)
		return r;
	r = volume_run(NULL, err, "zfs", "clone", "-o", "mountpoint=legacy", "-o", owner, snapshot,
	               storage_place(to), NULL);
	/* it goes with the last clone, or at once when there is none */
	(void)volume_run(NULL, NULL, "zfs", "destroy", "-d", snapshot, NULL);
	return r;
}

static int remove_zfs(const struct storage *storage, struct error *err)
{
	CLEAN(text_done) struct text owner = {0};
	int r = volume_need("zfs", "zfsutils-linux", err);

	if (r < 0)
		return r;
	if (volume_run(&owner, NULL, "zfs", "get", "-H", "-o", "value", OWNER,
	               storage_place(storage), NULL) < 0)
		return 0; /* it is not there */
	if (!storage->owner || !text_is(text_trim(owner.data), storage->owner))
		return fail_plain(err, EPERM, "the dataset '%s' is not this container's (%s)",
		                  storage_place(storage), OWNER);
	return volume_run(NULL, err, "zfs", "destroy", storage_place(storage), NULL);
}

static int limit_zfs(const struct storage *storage, struct error *err)
{
	CLEAN_FREE char *quota =
		must_printf("refquota=%llu", (unsigned long long)storage->size_bytes);

	return volume_run(NULL, err, "zfs", "set", storage->size_bytes ? quota : "refquota=none",
	                  storage_place(storage), NULL);
}

const struct storage_backend storage_zfs = {
	.name = "zfs",
	.has_limit = true,
	.choose = choose_zfs,
	.make = make_zfs,
	.visit = visit_zfs,
	.clone = clone_zfs,
	.remove = remove_zfs,
	.limit = limit_zfs,
};
