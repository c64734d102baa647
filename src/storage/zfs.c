/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The backend "zfs": a dataset below the one that rootfs.options names (zfsroot=tank/sysc), or below the
 * one that the store is on, by zfs(8). A dataset has the UUID of its container as a property, and only
 * one that has it is ever removed. It is mounted by nobody but the container.
 *
 * A clone stands on a snapshot DATASET@sysc-…, which goes with the last clone (zfs destroy -d). A dataset that others
 * stand on is removed after one of them has taken its snapshots over (zfs promote).
 */
#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/parse.h"
#include "container/paths.h"
#include "storage/backend.h"
#include "storage/volume.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define OWNER       "sysc:owner"
#define SNAPSHOT    "@sysc-"
#define CLONES_MOST 10000 /* of one dataset */
#define ANY_SOURCE  "local,default,inherited,temporary,received,none"

/* The value of a property, its words split; of a dataset that is there. */
static int get(const char *dataset, const char *property, const char *source, struct strings *out,
               struct error *err)
{
	CLEAN(text_done) struct text found = {0};
	int r = volume_run(&found, err, "zfs", "get", "-Hp", "-o", "value", "-s", source, property,
	                   dataset, NULL);

	if (r == 0)
		strings_split(out, found.data ? found.data : "", "\n");
	return r;
}

/* Whether there is a dataset of that name: 1, 0. That it cannot be told (no module, no such pool) is an error. */
static int is_there(const char *dataset, struct error *err)
{
	const char *slash = strrchr(dataset, '/');
	CLEAN_FREE char *above = must_printf("%.*s", slash ? (int)(slash - dataset) : 0, dataset);
	CLEAN(text_done) struct text found = {0};
	CLEAN(strings_done) struct strings names = {0};
	int r;

	if (!slash || !slash[1] || !*above)
		return fail_plain(err, EINVAL, "'%s' is not of the form POOL/DATASET", dataset);
	r = volume_run(&found, err, "zfs", "list", "-H", "-o", "name", "-d", "1", above, NULL);
	if (r < 0)
		return fail_in(err, "dataset '%s'", above);
	strings_split(&names, found.data ? found.data : "", "\n");
	return strings_has(&names, dataset);
}

/* enum volume_owner */
static int look_at(const struct storage *storage, struct error *err)
{
	CLEAN(strings_done) struct strings owner = {0};
	int r = is_there(storage_place(storage), err);

	if (r <= 0)
		return r < 0 ? r : VOLUME_ABSENT;
	/* set on it, not inherited: what somebody puts below is not ours */
	r = get(storage_place(storage), OWNER, "local", &owner, err);
	if (r < 0)
		return r;
	if (!owner.count)
		return VOLUME_FOREIGN;
	return text_is(owner.items[0], storage->owner) ? VOLUME_OWN : VOLUME_OTHER;
}

static int choose_zfs(const struct storage_request *request, const char *dir, struct storage *out,
                      struct error *err)
{
	const char *root = storage_option(out, "zfsroot");
	CLEAN(text_done) struct text found = {0};
	CLEAN_FREE char *base = NULL;
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
	base = must_printf("%s/%s", root, request->name);
	return volume_choose(out, base, look_at, err);
}

static char *owner_of(const struct storage *storage)
{
	return must_printf(OWNER "=%s", storage->owner ? storage->owner : "nobody");
}

static char *quota_of(const struct storage *storage)
{
	return storage->size_bytes
	               ? must_printf("refquota=%llu", (unsigned long long)storage->size_bytes)
	               : must_dup("refquota=none");
}

static int make_zfs(const struct storage *storage, struct error *err)
{
	CLEAN_FREE char *owner = owner_of(storage), *quota = quota_of(storage);

	return volume_run(NULL, err, "zfs", "create", "-o", "mountpoint=legacy", "-o",
	                  "acltype=posixacl", "-o", "xattr=sa", "-o", owner, "-o", quota,
	                  storage_place(storage), NULL);
}

static int visit_zfs(const struct storage *storage, bool writable, struct error *err)
{
	const char *dataset = storage_place(storage);
	CLEAN_FD int fs = sys_fsopen("zfs", FSOPEN_CLOEXEC);
	int fd;

	(void)writable; /* an attribute of the mount: two mounts of a dataset are one file system */
	if (fs < 0) {
		(void)fail(err, errno, "mount dataset '%s': open file system type 'zfs'", dataset);
		return fail_hint(err, "load the module zfs");
	}
	if (sys_fsconfig(fs, FSCONFIG_SET_STRING, "source", dataset, 0) < 0 ||
	    sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return fail(err, errno, "mount dataset '%s'", dataset);
	fd = sys_fsmount(fs, FSMOUNT_CLOEXEC, 0);
	return fd < 0 ? fail(err, errno, "mount dataset '%s'", dataset) : fd;
}

/* --- clones --- */

/* Lines "NAME<tab>VALUE" of the dataset's snapshots, the newest first. */
static int list_snapshots(const char *dataset, const char *column, struct strings *out,
                          struct error *err)
{
	CLEAN_FREE char *columns = must_printf("name,%s", column);
	CLEAN(text_done) struct text found = {0};
	int r = volume_run(&found, err, "zfs", "list", "-H", "-t", "snapshot", "-d", "1", "-o",
	                   columns, "-S", "createtxg", dataset, NULL);

	if (r == 0)
		strings_split(out, found.data ? found.data : "", "\n");
	return r;
}

/*
 * Our own snapshots that nobody stands on are left of killed commands; the others go with the last one who does. Who
 * clones or removes a dataset holds the lock of its container.
 */
static int drop_snapshots(const char *dataset, struct error *err)
{
	CLEAN(strings_done) struct strings snapshots = {0};
	int r = list_snapshots(dataset, "defer_destroy", &snapshots, err);

	for (size_t i = 0; i < snapshots.count && r == 0; i++) {
		char *value = strchr(snapshots.items[i], '\t');

		if (value)
			*value++ = '\0';
		if (strstr(snapshots.items[i], SNAPSHOT) && !text_is(value, "on"))
			r = volume_run(NULL, err, "zfs", "destroy", "-d", snapshots.items[i], NULL);
	}
	return r;
}

static int clone_zfs(const struct storage *from, const struct storage *to, struct error *err)
{
	CLEAN_FREE char *owner = owner_of(to), *quota = quota_of(to), *snapshot = NULL;
	struct timespec now;
	int r = drop_snapshots(storage_place(from), err);

	/* of a name that no other one has had */
	(void)clock_gettime(CLOCK_REALTIME, &now);
	snapshot = must_printf("%s" SNAPSHOT "%llx.%lx.%x", storage_place(from),
	                       (unsigned long long)now.tv_sec, (unsigned long)now.tv_nsec,
	                       (unsigned int)getpid());
	if (r == 0)
		r = volume_run(NULL, err, "zfs", "snapshot", snapshot, NULL);
	if (r < 0)
		return r;
	r = volume_run(NULL, err, "zfs", "clone", "-o", "mountpoint=legacy", "-o",
	               "acltype=posixacl", "-o", "xattr=sa", "-o", owner, "-o", quota, snapshot,
	               storage_place(to), NULL);
	/* it goes with the last clone, or at once when there is none */
	(void)volume_run(NULL, NULL, "zfs", "destroy", "-d", snapshot, NULL);
	return r;
}

/* The dataset's newest clone takes over the snapshots up to its own: 1, or 0 when there is none. */
static int promote_one(const char *dataset, struct error *err)
{
	CLEAN(strings_done) struct strings snapshots = {0};
	int r = list_snapshots(dataset, "clones", &snapshots, err);

	for (size_t i = 0; i < snapshots.count && r == 0; i++) {
		const char *value = strchr(snapshots.items[i], '\t');
		CLEAN(strings_done) struct strings clones = {0};

		strings_split(&clones, value ? value : "", "\t,");
		if (!clones.count || text_is(clones.items[0], "-"))
			continue;
		r = volume_run(NULL, err, "zfs", "promote", clones.items[0], NULL);
		return r < 0 ? r : 1;
	}
	return r;
}

static int remove_zfs(const struct storage *storage, struct error *err)
{
	const char *dataset = storage_place(storage);
	int r = volume_need("zfs", "zfsutils-linux", err);

	if (r == 0)
		r = look_at(storage, err);
	if (r < 0 || r == VOLUME_ABSENT)
		return r;
	if (r != VOLUME_OWN)
		return fail_plain(err, EPERM, "the dataset '%s' is not this container's (%s)",
		                  dataset, OWNER);
	r = drop_snapshots(dataset, err);
	for (unsigned int i = 0; r >= 0 && i < CLONES_MOST; i++) {
		r = promote_one(dataset, err);
		if (r == 0)
			return volume_run(NULL, err, "zfs", "destroy", dataset, NULL);
	}
	return r < 0 ? fail_in(err, "remove dataset '%s'", dataset)
	             : fail_plain(err, E2BIG, "more than %d stand on dataset '%s'", CLONES_MOST,
	                          dataset);
}

/* --- sizes --- */

static int limit_zfs(const struct storage *storage, struct error *err)
{
	CLEAN_FREE char *quota = quota_of(storage);
	CLEAN(strings_done) struct strings values = {0};
	uint64_t now = 0;
	int r = get(storage_place(storage), "refquota", ANY_SOURCE, &values, err);

	if (r < 0)
		return r;
	/* setting it waits for the pool */
	if (values.count && parse_uint(values.items[0], UINT64_MAX, &now) == 0 &&
	    now == storage->size_bytes)
		return 0;
	r = volume_run(NULL, err, "zfs", "set", quota, storage_place(storage), NULL);
	return r < 0 ? fail_in(err, "rootfs.size") : 0;
}

static int usage_zfs(const struct storage *storage, struct storage_usage *out, struct error *err)
{
	CLEAN(strings_done) struct strings values = {0};
	struct storage_usage found = {0};
	int r = get(storage_place(storage), "referenced,refquota", ANY_SOURCE, &values, err);

	if (r < 0)
		return r;
	if (values.count != 2 || parse_uint(values.items[0], UINT64_MAX, &found.used_bytes) < 0 ||
	    parse_uint(values.items[1], UINT64_MAX, &found.size_bytes) < 0)
		return fail_plain(err, EIO, "zfs get told no use of '%s'", storage_place(storage));
	*out = found;
	return 0;
}

/* A clone has what it changed; what was changed where it comes from is the snapshot's that goes with it. */
static int own_zfs(const struct storage *storage, uint64_t *bytes, struct error *err)
{
	CLEAN(strings_done) struct strings values = {0}, origin = {0};
	uint64_t used, held = 0;
	int r = get(storage_place(storage), "used,origin", ANY_SOURCE, &values, err);

	if (r == 0 && values.count > 1 && strstr(values.items[1], SNAPSHOT))
		r = get(values.items[1], "used", ANY_SOURCE, &origin, err);
	if (r < 0)
		return r;
	if (!values.count || parse_uint(values.items[0], UINT64_MAX, &used) < 0 ||
	    (origin.count && parse_uint(origin.items[0], UINT64_MAX, &held) < 0))
		return fail_plain(err, EIO, "zfs get told no use of '%s'", storage_place(storage));
	*bytes = used + held;
	return 0;
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
	.usage = usage_zfs,
	.own = own_zfs,
};
