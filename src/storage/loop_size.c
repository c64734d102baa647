/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Another size of an image: while it is mounted where its file system can, else as a whole; see loop.h. */
#include "storage/loop.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/process.h"
#include "storage/backend.h"
#include "storage/block.h"
#include "storage/block_size.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define LINGER_MS 3000 /* the mounts of a container end a moment after it */
#define LOOK_MS   20

/* Beside the image; the copy of a container leaves it out by its dot. */
static char *draft_of(const char *path)
{
	const char *name = strrchr(path, '/');

	return must_printf("%.*s/.%s.resizing", (int)(name - path), path, name + 1);
}

/* The image and its device that long, then what is on it; both fds are of the image. */
static int grow_attached(int image, int loop, const char *device, uint64_t wanted,
                         struct error *err)
{
	CLEAN_FD int mount = -1;

	if (ftruncate(image, (off_t)wanted) < 0 || ioctl(loop, LOOP_SET_CAPACITY, 0) < 0)
		return fail(err, errno, "make it %llu bytes long", (unsigned long long)wanted);
	mount = block_mount(device, err);
	return mount < 0 ? mount : block_resize(mount, wanted, err);
}

/* While it is mounted too. Killed in between, it is gone on with by the next limit, which sees what is missing. */
static int grow_mounted(const char *path, int image, uint64_t now, uint64_t wanted,
                        struct error *err)
{
	char device[LOOP_DEVICE_ROOM];
	CLEAN_FD int loop = loop_attach(path, device, err);
	int r = loop < 0 ? loop : grow_attached(image, loop, device, wanted, err);

	if (loop >= 0 && r < 0 && wanted > now && block_size(image) <= now) {
		/* as it was */
		if (ftruncate(image, (off_t)now) < 0 || ioctl(loop, LOOP_SET_CAPACITY, 0) < 0)
			return fail_hint(err, "and the old length does not come back");
	}
	return r;
}

/* What is on it shrinks first: killed then, it has its old size after the next limit. */
static int shrink_mounted(const char *path, int image, uint64_t wanted, struct error *err)
{
	char device[LOOP_DEVICE_ROOM];
	CLEAN_FD int loop = loop_attach(path, device, err), mount = -1, top = -1;
	int r = loop < 0 ? loop : (mount = block_mount(device, err));

	if (r >= 0)
		r = block_resize(mount, wanted, err);
	if (r < 0)
		return r;
	top = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (top < 0 || syncfs(top) < 0 || ftruncate(image, (off_t)wanted) < 0 ||
	    ioctl(loop, LOOP_SET_CAPACITY, 0) < 0)
		return fail(err, errno, "make it %llu bytes long", (unsigned long long)wanted);
	return 0;
}

/* resize2fs(8) is not to be interrupted: it works on a copy, which takes the place of the image as a whole. */
static int replace_ext4(const struct storage *storage, const char *draft, uint64_t wanted,
                        struct error *err)
{
	const char *name;
	CLEAN_FD int above = storage_open_above(draft, &name, err), fd = -1;
	CLEAN(storage_done) struct storage copy = {.backend = NULL};
	int r;

	if (above < 0)
		return above;
	storage_copy(&copy, storage);
	strings_done(&copy.parts);
	strings_add(&copy.parts, draft);
	r = storage_duplicate(storage, &copy, NULL, NULL, err);
	if (r >= 0)
		r = block_resize_ext4(draft, wanted, err);
	if (r < 0)
		return r;
	fd = openat(above, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || ftruncate(fd, (off_t)wanted) < 0 || fsync(fd) < 0 ||
	    rename(draft, storage_place(storage)) < 0 || fsync(above) < 0)
		return fail(err, errno, "replace '%s'", storage_place(storage));
	return 0;
}

/* Somebody has it mounted, and not only for a moment more: a container that has just stopped. */
static bool is_in_use(int image)
{
	int64_t last = process_clock_ms() + LINGER_MS;
	char device[LOOP_DEVICE_ROOM];
	struct stat st;
	int loop;

	if (fstat(image, &st) < 0)
		return true;
	while ((loop = loop_find(&st, device)) >= 0) {
		close(loop);
		if (process_clock_ms() > last)
			return true;
		(void)poll(NULL, 0, LOOK_MS);
	}
	return false;
}

static int resize_at_rest(const struct storage *storage, int image, uint64_t wanted,
                          struct error *err)
{
	CLEAN_FREE char *draft = draft_of(storage_place(storage));
	int r;

	if (is_in_use(image))
		return fail_hint(err, "stop the container first");
	r = replace_ext4(storage, draft, wanted, err);
	if (r < 0)
		(void)unlink(draft); /* the failure is the one to tell */
	return r;
}

static int shrink(const struct storage *storage, int image, uint64_t wanted, struct error *err)
{
	const char *type = block_recognise(image);

	if (text_is(type, "btrfs"))
		return shrink_mounted(storage_place(storage), image, wanted, err);
	if (!text_is(type, "ext4")) {
		(void)fail_plain(err, EOPNOTSUPP, "%s cannot be made smaller",
		                 type ? type : "what is on it");
		return fail_hint(err, "a copy of the container can have another size");
	}
	(void)fail_plain(err, EBUSY, "ext4 cannot be made smaller while it is mounted");
	return resize_at_rest(storage, image, wanted, err);
}

static int grow(const struct storage *storage, int image, uint64_t now, uint64_t wanted,
                struct error *err)
{
	int r = grow_mounted(storage_place(storage), image, now, wanted, err);

	/* ext4 wants CAP_SYS_RESOURCE, which a host that is itself a container may lack */
	return r == -EPERM && text_is(block_recognise(image), "ext4")
	               ? resize_at_rest(storage, image, wanted, err)
	               : r;
}

int loop_limit(const struct storage *storage, struct error *err)
{
	uint64_t wanted = storage->size_bytes / LOOP_BLOCK_BYTES * LOOP_BLOCK_BYTES, now;
	const char *path = storage_place(storage);
	CLEAN_FD int image = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	CLEAN_FREE char *draft = draft_of(path);
	struct stat st;
	int r = 0;

	if (image < 0 || fstat(image, &st) < 0)
		return fail(err, errno, "open '%s'", path);
	(void)unlink(draft); /* of a command that was killed; it is in the way of nothing else */
	now = (uint64_t)st.st_size;
	if (!wanted)
		return 0;
	if (wanted < LOOP_SIZE_LEAST)
		return fail_plain(err, EINVAL, "rootfs.size: an image has at least 16M");
	if (wanted < now)
		r = shrink(storage, image, wanted, err);
	else if (wanted > now || block_size(image) + LOOP_BLOCK_BYTES < now)
		r = grow(storage, image, now, wanted, err);
	return r < 0 ? fail_in(err, "rootfs.size: '%s'", path) : 0;
}
