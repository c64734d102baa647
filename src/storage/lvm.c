/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The backend "lvm": a file system on a logical volume, thin where a pool is named (vg=, thinpool= in
 * rootfs.options), by the programs of lvm(8). Volumes are outside of the container's folder: each has
 * the tag of its container, and only what has it is ever removed.
 */
#include "base/cleanup.h"
#include "base/error.h"
#include "storage/backend.h"
#include "storage/block.h"
#include "storage/volume.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>

#define SIZE_DEFAULT (8ULL << 30)
#define EXTENT_MOST  (128ULL << 20) /* sizes are rounded up to whole extents */

static char *device_of(const struct storage *storage)
{
	return must_printf("/dev/%s", storage_place(storage));
}

static char *tag_of(const struct storage *storage)
{
	return must_printf("sysc.%s", storage->owner ? storage->owner : "nobody");
}

static char *size_of(const struct storage *storage)
{
	return must_printf("%llub", (unsigned long long)(storage->size_bytes ? storage->size_bytes
	                                                                     : SIZE_DEFAULT));
}

static int choose_lvm(const struct storage_request *request, const char *dir, struct storage *out,
                      struct error *err)
{
	const char *group = storage_option(out, "vg"), *type;
	int r = volume_need("lvm", "lvm2", err);

	(void)dir;
	if (r < 0)
		return r;
	if (!group || !*group) {
		(void)fail_plain(err, EINVAL, "backend lvm needs to know its volume group");
		return fail_hint(err, "rootfs.options = vg=NAME,thinpool=NAME");
	}
	strings_give(&out->parts, must_printf("%s/%s", group, request->name));
	if (!out->size_bytes)
		out->size_bytes = SIZE_DEFAULT;
	r = volume_run(NULL, err, "lvm", "vgs", "--noheadings", group, NULL);
	if (r < 0)
		return fail_in(err, "volume group '%s'", group);
	if (volume_run(NULL, NULL, "lvm", "lvs", storage_place(out), NULL) == 0)
		return fail_plain(err, EEXIST, "the volume '%s' is there already",
		                  storage_place(out));
	return block_choose_type(out, &type, err);
}

static int remove_lvm(const struct storage *storage, struct error *err)
{
	CLEAN(text_done) struct text tags = {0};
	CLEAN_FREE char *tag = tag_of(storage);
	const char *place = storage_place(storage);
	int r = volume_need("lvm", "lvm2", err);

	if (r < 0)
		return r;
	if (volume_run(&tags, NULL, "lvm", "lvs", "--noheadings", "-o", "lv_tags", place, NULL) < 0)
		return 0; /* it is not there */
	if (!strstr(tags.data, tag))
		return fail_plain(err, EPERM, "the volume '%s' is not this container's: no tag %s",
		                  place, tag);
	return volume_run(NULL, err, "lvm", "lvremove", "-q", "-f", "-y", place, NULL);
}

static int make_lvm(const struct storage *storage, struct error *err)
{
	CLEAN_FREE char *group = must_dup(storage_place(storage));
	CLEAN_FREE char *tag = tag_of(storage), *size = size_of(storage);
	CLEAN_FREE char *device = device_of(storage), *pool = NULL;
	const char *thin = storage_option(storage, "thinpool"), *type;
	char *name = strchr(group, '/');
	int r = block_choose_type(storage, &type, err);

	if (r < 0)
		return r;
	if (!name)
		return fail_plain(err, EINVAL, "'%s' is not of the form VG/VOLUME", group);
	*name++ = '\0';
	if (thin)
		pool = must_printf("%s/%s", group, thin);
	r = thin ? volume_run(NULL, err, "lvm", "lvcreate", "-q", "-y", "-W", "n", "--addtag", tag,
	                      "-V", size, "--thinpool", pool, "-n", name, NULL)
	         : volume_run(NULL, err, "lvm", "lvcreate", "-q", "-y", "-W", "n", "--addtag", tag,
	                      "-L", size, "-n", name, group, NULL);
	if (r < 0)
		return r;
	r = block_make(device, type, err);
	if (r < 0)
		(void)remove_lvm(storage, NULL); /* the failure is the one to tell */
	return r;
}

static int visit_lvm(const struct storage *storage, bool writable, struct error *err)
{
	CLEAN_FREE char *device = device_of(storage);

	(void)writable; /* an attribute of the mount */
	if (faccessat(AT_FDCWD, device, F_OK, 0) < 0) {
		int r = volume_run(NULL, err, "lvm", "lvchange", "-q", "-a", "y", "-K",
		                   storage_place(storage), NULL);

		if (r < 0)
			return r;
	}
	return block_mount(device, err);
}

static int clone_lvm(const struct storage *from, const struct storage *to, struct error *err)
{
	CLEAN_FREE char *tag = tag_of(to);
	const char *name = strchr(storage_place(to), '/');

	if (!storage_option(from, "thinpool")) /* a thick snapshot fills up and is lost */
		return fail_plain(err, EOPNOTSUPP, "'%s' is no thin volume", storage_place(from));
	if (text_is(storage_option(from, "fstype"), "btrfs"))
		return fail_plain(err, EOPNOTSUPP, "two btrfs with one identity cannot be mounted");
	if (!name)
		return fail_plain(err, EINVAL, "'%s' is not of the form VG/VOLUME",
		                  storage_place(to));
	return volume_run(NULL, err, "lvm", "lvcreate", "-q", "-y", "-s", "-k", "n", "--addtag",
	                  tag, "-n", name + 1, storage_place(from), NULL);
}

static int limit_lvm(const struct storage *storage, struct error *err)
{
	CLEAN_FREE char *device = device_of(storage);
	CLEAN_FD int fd = open(device, O_RDONLY | O_CLOEXEC);
	uint64_t bytes = 0;

	if (fd < 0 || ioctl(fd, BLKGETSIZE64, &bytes) < 0)
		return fail(err, errno, "look at '%s'", device);
	if (!storage->size_bytes ||
	    (bytes >= storage->size_bytes && bytes - storage->size_bytes < EXTENT_MOST))
		return 0;
	(void)fail_plain(err, EOPNOTSUPP,
	                 "rootfs.size: a volume keeps the size that it was made with");
	return fail_hint(err, "lvextend -r makes it bigger");
}

const struct storage_backend storage_lvm = {
	.name = "lvm",
	.has_limit = true,
	.choose = choose_lvm,
	.make = make_lvm,
	.visit = visit_lvm,
	.clone = clone_lvm,
	.remove = remove_lvm,
	.limit = limit_lvm,
};
