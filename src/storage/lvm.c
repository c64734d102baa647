/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The backend "lvm": a file system on a logical volume, thin where a pool is named (vg=, thinpool= in
 * rootfs.options), by the programs of lvm(8). Volumes are outside of the container's folder: each has
 * the tag of its container, and only what has it is ever removed.
 */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/parse.h"
#include "storage/backend.h"
#include "storage/block.h"
#include "storage/block_size.h"
#include "storage/volume.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>

#define SIZE_DEFAULT  (8ULL << 30)
#define EXTENT_COMMON (4ULL << 20) /* of most groups: sizes are rounded up to whole ones */
#define TAG           "sysc."

static char *device_of(const struct storage *storage)
{
	return must_printf("/dev/%s", storage_place(storage));
}

static char *tag_of(const struct storage *storage)
{
	return must_printf(TAG "%s", storage->owner ? storage->owner : "nobody");
}

static char *size_of(const struct storage *storage)
{
	return must_printf("%llub", (unsigned long long)(storage->size_bytes ? storage->size_bytes
	                                                                     : SIZE_DEFAULT));
}

/* "vg0" and "web1" of "vg0/web1"; group is the caller's. */
static int split_place(const struct storage *storage, char **group, const char **name,
                       struct error *err)
{
	const char *slash = strchr(storage_place(storage), '/');

	if (!slash || !slash[1])
		return fail_plain(err, EINVAL, "'%s' is not of the form VG/VOLUME",
		                  storage_place(storage));
	*group = must_printf("%.*s", (int)(slash - storage_place(storage)), storage_place(storage));
	*name = slash + 1;
	return 0;
}

/*
 * Columns of the volume; empty when it is not there. A group that is not there is an error: its disk may be
 * somewhere else for now.
 */
static int ask(const struct storage *storage, const char *columns, struct text *out,
               struct error *err)
{
	CLEAN_FREE char *group = NULL, *selection = NULL;
	const char *name;
	int r = split_place(storage, &group, &name, err);

	if (r < 0)
		return r;
	selection = must_printf("lv_name=\"%s\"", name);
	r = volume_run(out, err, "lvm", "lvs", "--noheadings", "--units", "b", "--nosuffix", "-o",
	               columns, "-S", selection, group, NULL);
	return r < 0 ? fail_in(err, "volume group '%s'", group) : 0;
}

/* enum volume_owner */
static int look_at(const struct storage *storage, struct error *err)
{
	CLEAN(text_done) struct text found = {0};
	CLEAN(strings_done) struct strings words = {0}, tags = {0};
	CLEAN_FREE char *tag = tag_of(storage);
	int r = ask(storage, "lv_name,lv_tags", &found, err);

	if (r < 0)
		return r;
	strings_split(&words, found.data ? found.data : "", " \n");
	if (!words.count)
		return VOLUME_ABSENT;
	if (words.count > 1)
		strings_split(&tags, words.items[1], ",");
	if (storage->owner && strings_has(&tags, tag))
		return VOLUME_OWN;
	for (size_t i = 0; i < tags.count; i++)
		if (text_starts(tags.items[i], TAG))
			return VOLUME_OTHER;
	return VOLUME_FOREIGN;
}

static int check_pool(const char *group, const char *pool, struct error *err)
{
	CLEAN_FREE char *place = must_printf("%s/%s", group, pool);
	CLEAN(text_done) struct text kind = {0};
	int r = volume_run(&kind, err, "lvm", "lvs", "--noheadings", "-o", "segtype", place, NULL);

	if (r < 0)
		return fail_in(err, "thin pool '%s'", place);
	if (!text_is(text_trim(kind.data), "thin-pool"))
		return fail_plain(err, EINVAL, "'%s' is no thin pool", place);
	return 0;
}

static int choose_lvm(const struct storage_request *request, const char *dir, struct storage *out,
                      struct error *err)
{
	const char *group = storage_option(out, "vg"), *pool = storage_option(out, "thinpool");
	CLEAN_FREE char *base = NULL;
	const char *type;
	int r = volume_need("lvm", "lvm2", err);

	(void)dir;
	if (r < 0)
		return r;
	if (!group || !*group) {
		(void)fail_plain(err, EINVAL, "backend lvm needs to know its volume group");
		return fail_hint(err, "rootfs.options = vg=NAME,thinpool=NAME");
	}
	if (!out->size_bytes)
		out->size_bytes = SIZE_DEFAULT;
	base = must_printf("%s/%s", group, request->name);
	r = volume_choose(out, base, look_at, err);
	if (r == 0 && pool)
		r = check_pool(group, pool, err);
	return r < 0 ? r : block_choose_type(out, &type, err);
}

static int remove_lvm(const struct storage *storage, struct error *err)
{
	CLEAN_FREE char *tag = tag_of(storage);
	const char *place = storage_place(storage);
	int r = volume_need("lvm", "lvm2", err);

	if (r == 0)
		r = look_at(storage, err);
	if (r < 0 || r == VOLUME_ABSENT)
		return r;
	if (r != VOLUME_OWN)
		return fail_plain(err, EPERM, "the volume '%s' is not this container's: no tag %s",
		                  place, tag);
	return volume_run(NULL, err, "lvm", "lvremove", "-q", "-f", "-y", place, NULL);
}

static int make_volume(const struct storage *storage, struct error *err)
{
	CLEAN_FREE char *group = NULL, *tag = tag_of(storage), *size = size_of(storage);
	const char *thin = storage_option(storage, "thinpool"), *name;
	int r = split_place(storage, &group, &name, err);

	if (r < 0)
		return r;
	if (thin) {
		CLEAN_FREE char *pool = must_printf("%s/%s", group, thin);

		return volume_run(NULL, err, "lvm", "lvcreate", "-q", "-y", "-W", "n", "--addtag",
		                  tag, "-V", size, "--thinpool", pool, "-n", name, NULL);
	}
	return volume_run(NULL, err, "lvm", "lvcreate", "-q", "-y", "-W", "n", "--addtag", tag,
	                  "-L", size, "-n", name, group, NULL);
}

static int make_lvm(const struct storage *storage, struct error *err)
{
	CLEAN_FREE char *device = device_of(storage);
	const char *type;
	int r = block_choose_type(storage, &type, err);

	if (r == 0)
		r = make_volume(storage, err);
	if (r < 0)
		return r;
	r = block_make(device, type, err);
	if (r < 0)
		(void)remove_lvm(storage, NULL); /* the failure is the one to tell */
	return r;
}

/* Its node is there: after a start of the host it may not have been activated. */
static int activate(const struct storage *storage, const char *device, struct error *err)
{
	int r;

	if (faccessat(AT_FDCWD, device, F_OK, 0) == 0)
		return 0;
	r = volume_need("lvm", "lvm2", err);
	return r < 0 ? r
	             : volume_run(NULL, err, "lvm", "lvchange", "-q", "-a", "y", "-K",
	                          storage_place(storage), NULL);
}

static int visit_lvm(const struct storage *storage, bool writable, struct error *err)
{
	CLEAN_FREE char *device = device_of(storage);
	int r = activate(storage, device, err);

	(void)writable; /* an attribute of the mount */
	return r < 0 ? r : block_mount(device, err);
}

static int clone_lvm(const struct storage *from, const struct storage *to, struct error *err)
{
	CLEAN_FREE char *tag = tag_of(to), *group = NULL;
	const char *name;
	int r = split_place(to, &group, &name, err);

	if (r < 0)
		return r;
	if (!storage_option(from, "thinpool")) /* a thick snapshot fills up and is lost */
		return fail_plain(err, EOPNOTSUPP, "'%s' is no thin volume", storage_place(from));
	if (text_is(storage_option(from, "fstype"), "btrfs"))
		return fail_plain(err, EOPNOTSUPP, "two btrfs with one identity cannot be mounted");
	return volume_run(NULL, err, "lvm", "lvcreate", "-q", "-y", "-s", "-k", "n", "--addtag",
	                  tag, "-n", name, storage_place(from), NULL);
}

/* --- another size --- */

static int measure(const char *device, uint64_t *volume, uint64_t *content, struct error *err)
{
	CLEAN_FD int fd = open(device, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, BLKGETSIZE64, volume) < 0)
		return fail(err, errno, "look at '%s'", device);
	*content = block_size(fd);
	return 0;
}

/* What sizes are rounded up to. */
static int find_extent(const struct storage *storage, uint64_t *out, struct error *err)
{
	CLEAN(text_done) struct text found = {0};
	int r = ask(storage, "vg_extent_size", &found, err);

	if (r < 0)
		return r;
	if (!found.data || parse_uint(text_trim(found.data), UINT64_MAX, out) < 0)
		return fail_plain(err, ENOENT, "volume '%s': it is not there",
		                  storage_place(storage));
	return 0;
}

/* Only a btrfs can, since it does so while it is mounted, by steps that are whole each. */
static int shrink(const struct storage *storage, struct error *err)
{
	CLEAN_FREE char *size = size_of(storage);
	CLEAN_FD int mount = visit_lvm(storage, true, err);
	int r;

	if (mount < 0)
		return mount;
	if (!block_can_shrink(mount)) {
		(void)fail_plain(err, EOPNOTSUPP, "only a btrfs on a volume can be made smaller");
		return fail_hint(err, "a copy of the container can have another size");
	}
	r = block_resize(mount, storage->size_bytes, err);
	return r < 0 ? r
	             : volume_run(NULL, err, "lvm", "lvreduce", "-q", "-f", "-y", "-L", size,
	                          storage_place(storage), NULL);
}

/* The file system takes what the volume has. */
static int fill_up(const struct storage *storage, uint64_t bytes, struct error *err)
{
	CLEAN_FD int mount = visit_lvm(storage, true, err);

	return mount < 0 ? mount : block_resize(mount, bytes, err);
}

/* While it is mounted too. Killed in between, the next limit goes on. */
static int limit_lvm(const struct storage *storage, struct error *err)
{
	CLEAN_FREE char *device = device_of(storage), *size = size_of(storage);
	uint64_t volume = 0, content = 0, extent = EXTENT_COMMON, wanted = storage->size_bytes;
	int r = wanted ? activate(storage, device, err) : 0;

	if (!wanted || r < 0)
		return r;
	r = measure(device, &volume, &content, err);
	if (r == 0 && volume < wanted) {
		r = volume_run(NULL, err, "lvm", "lvextend", "-q", "-y", "-L", size,
		               storage_place(storage), NULL);
		if (r == 0)
			r = measure(device, &volume, &content, err);
	}
	if (r == 0 && volume - wanted >= extent)
		r = find_extent(storage, &extent, err);
	if (r == 0 && volume - wanted >= extent)
		r = shrink(storage, err);
	else if (r == 0 && content && content + extent / 2 < volume)
		r = fill_up(storage, volume, err);
	return r < 0 ? fail_in(err, "rootfs.size: volume '%s'", storage_place(storage)) : 0;
}

static int usage_lvm(const struct storage *storage, struct storage_usage *out, struct error *err)
{
	CLEAN(text_done) struct text found = {0};
	CLEAN(strings_done) struct strings words = {0};
	uint64_t size, percent = 100000;
	int r = ask(storage, "lv_size,data_percent", &found, err);

	if (r < 0)
		return r;
	strings_split(&words, found.data ? found.data : "", " \n");
	if (!words.count || parse_uint(words.items[0], UINT64_MAX, &size) < 0)
		return fail_plain(err, ENOENT, "volume '%s': it is not there",
		                  storage_place(storage));
	/* a thick one takes all of it, a thin one what lvs(8) says, to a hundredth of a percent */
	if (words.count > 1)
		(void)parse_thousandths(words.items[1], &percent);
	*out = (struct storage_usage){
		.used_bytes = size / 100000 * percent,
		.size_bytes = size,
	};
	return 0;
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
	.usage = usage_lvm,
};
