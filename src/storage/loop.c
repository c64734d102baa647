/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The backend "loop": a file system in an image file. The loop device is there only while something
 * holds it: it goes with the last mount (LO_FLAGS_AUTOCLEAR), also after a crash. See loop(4).
 */
#include "storage/loop.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "storage/backend.h"
#include "storage/block.h"
#include "storage/copy.h"
#include "storage/copy_file.h"
#include "storage/own.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#define SIZE_DEFAULT (8ULL << 30)
#define ATTACH_TRIES 64 /* somebody else may be quicker to take the free device */
#define SECTOR_BYTES 512

static int choose_loop(const struct storage_request *request, const char *dir, struct storage *out,
                       struct error *err)
{
	const char *type;

	if (faccessat(AT_FDCWD, "/dev/loop-control", R_OK | W_OK, 0) < 0) {
		(void)fail(err, errno, "backend loop: open '/dev/loop-control'");
		return fail_hint(err, "load the module loop");
	}
	strings_give(&out->parts, must_printf("%s/rootfs.img", dir));
	if (!out->size_bytes)
		out->size_bytes = SIZE_DEFAULT;
	if (request->size_bytes && request->size_bytes < LOOP_SIZE_LEAST)
		return fail_plain(err, EINVAL, "rootfs.size: an image has at least 16M");
	return block_choose_type(out, &type, err);
}

static int configure(int loop, int image)
{
	struct loop_config config = {
		.fd = (uint32_t)image,
		/* what every file system can live with; the kernel may choose more for direct I/O */
		.block_size = SECTOR_BYTES,
		.info = {.lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO},
	};

	if (ioctl(loop, LOOP_CONFIGURE, &config) == 0)
		return 0;
	/* below is a file system without direct I/O: through the page cache */
	if (errno != EINVAL)
		return -errno;
	config.info.lo_flags &= ~(uint32_t)LO_FLAGS_DIRECT_IO;
	return ioctl(loop, LOOP_CONFIGURE, &config) < 0 ? -errno : 0;
}

int loop_find(const struct stat *image, char device[LOOP_DEVICE_ROOM])
{
	CLEAN_DIR DIR *dir = opendir("/sys/block");
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		struct loop_info64 info;
		CLEAN_FD int loop = -1;

		if (!text_starts(entry->d_name, "loop"))
			continue;
		(void)snprintf(device, LOOP_DEVICE_ROOM, "/dev/%.20s", entry->d_name);
		loop = open(device, O_RDWR | O_CLOEXEC);
		if (loop >= 0 && ioctl(loop, LOOP_GET_STATUS64, &info) == 0 &&
		    info.lo_inode == image->st_ino && info.lo_device == image->st_dev)
			return fd_take(&loop);
	}
	return -ENOENT;
}

static int attach_new(int image, const char *image_path, char device[LOOP_DEVICE_ROOM],
                      struct error *err)
{
	CLEAN_FD int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);

	if (control < 0)
		return fail(err, errno, "open '/dev/loop-control'");
	for (int i = 0; i < ATTACH_TRIES; i++) {
		int number = ioctl(control, LOOP_CTL_GET_FREE), r;
		CLEAN_FD int loop = -1;

		if (number < 0)
			return fail(err, errno, "find a free loop device");
		(void)snprintf(device, LOOP_DEVICE_ROOM, "/dev/loop%d", number);
		loop = open(device, O_RDWR | O_CLOEXEC);
		if (loop < 0)
			return fail(err, errno, "open '%s'", device);
		r = configure(loop, image);
		if (r == 0)
			return fd_take(&loop);
		if (r != -EBUSY)
			return fail(err, -r, "attach '%s' to '%s'", image_path, device);
	}
	return fail_plain(err, EBUSY, "attach '%s': every free loop device was taken by others",
	                  image_path);
}

/* The lock keeps two from looking at once. */
int loop_attach(const char *image_path, char device[LOOP_DEVICE_ROOM], struct error *err)
{
	CLEAN_FD int image = open(image_path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	/* the device keeps the other one open, and with it what would be locked by it */
	CLEAN_FD int lock = open(image_path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	int fd;

	if (image < 0 || lock < 0)
		return fail(err, errno, "open '%s'", image_path);
	if (fstat(image, &st) < 0 || !S_ISREG(st.st_mode))
		return fail_plain(err, EINVAL, "'%s' is no regular file", image_path);
	if (flock(lock, LOCK_EX) < 0)
		return fail(err, errno, "lock '%s'", image_path);
	fd = loop_find(&st, device);
	return fd >= 0 ? fd : attach_new(image, image_path, device, err);
}

static int visit_loop(const struct storage *storage, bool writable, struct error *err)
{
	char device[LOOP_DEVICE_ROOM];
	CLEAN_FD int loop = loop_attach(storage_place(storage), device, err);
	int r;

	(void)writable; /* an attribute of the mount: two mounts of a device are one file system */
	if (loop < 0)
		return loop;
	r = block_mount(device, err);
	return r < 0 ? fail_in(err, "'%s'", storage_place(storage)) : r;
}

static int make_loop(const struct storage *storage, struct error *err)
{
	const char *path = storage_place(storage), *type;
	uint64_t size = storage->size_bytes ? storage->size_bytes : SIZE_DEFAULT;
	CLEAN_FD int fd = -1;
	int r = block_choose_type(storage, &type, err);

	if (r < 0)
		return r;
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail(err, errno, "make '%s'", path);
	if (ftruncate(fd, (off_t)(size / LOOP_BLOCK_BYTES * LOOP_BLOCK_BYTES)) < 0)
		r = fail(err, errno, "make '%s' that long", path);
	fd_close(&fd);
	if (r == 0)
		r = block_make(path, type, err);
	if (r < 0)
		(void)unlink(path); /* the failure is the one to tell */
	return r;
}

/* What a running container wrote, and the image itself, to disk. */
static int write_out(const struct storage *storage, int image, struct error *err)
{
	CLEAN_FD int fd = visit_loop(storage, true, err), top = -1;

	if (fd < 0)
		return fd;
	top = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (top < 0 || syncfs(top) < 0 || fsync(image) < 0)
		return fail(err, errno, "write '%s' to disk", storage_place(storage));
	return 0;
}

/* A copy of an image on its way. */
struct image_copy {
	const struct copy_options *options; /* may be NULL */
	struct copy_totals done;
	struct error error;
};

static bool note_moved(uint64_t bytes, bool shared, void *user)
{
	struct image_copy *copy = user;

	copy->done.bytes += bytes;
	copy->done.shared_bytes += shared ? bytes : 0;
	return copy->options && copy->options->progress &&
	       copy->options->progress(&copy->done, copy->options->user, &copy->error) < 0;
}

/* Shared blocks of the image; a journal that was not closed is replayed by the first mount. */
static int clone_loop(const struct storage *from, const struct storage *to, struct error *err)
{
	const char *source = storage_place(from), *target = storage_place(to);
	CLEAN_FD int from_fd = open(source, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	CLEAN_FD int to_fd = -1;
	int r;

	if (from_fd < 0)
		return fail(err, errno, "open '%s'", source);
	r = write_out(from, from_fd, err);
	if (r < 0)
		return r;
	to_fd = open(target, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to_fd < 0)
		return fail(err, errno, "make '%s'", target);
	if (ioctl(to_fd, FICLONE, from_fd) == 0)
		return 0;
	r = errno == ENOSPC || errno == EIO || errno == EDQUOT ? errno : EOPNOTSUPP;
	(void)unlink(target); /* the failure is the one to tell */
	if (r != EOPNOTSUPP)
		return fail(err, r, "share the blocks of '%s' with '%s'", source, target);
	(void)fail_plain(err, r, "the file system of '%s' cannot share blocks", target);
	return fail_hint(err, "make a full copy, or keep the containers on xfs or btrfs");
}

/* All of the image but its holes. */
static int copy_loop(const struct storage *from, const struct storage *to,
                     const struct copy_options *options, struct error *err)
{
	const char *source = storage_place(from), *target = storage_place(to);
	CLEAN_FD int from_fd = open(source, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	CLEAN_FD int to_fd = -1;
	struct copy_ways ways = {.no_clone = true};
	struct image_copy copy = {.options = options, .done = {.files = 1}};
	struct copy_content how = {.ways = &ways, .moved = note_moved, .user = &copy};
	struct stat st;
	int r;

	if (from_fd < 0 || fstat(from_fd, &st) < 0)
		return fail(err, errno, "open '%s'", source);
	to_fd = open(target, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to_fd < 0)
		return fail(err, errno, "make '%s'", target);
	copy.done.all_bytes = file_share(&st);
	r = copy_file_content(from_fd, to_fd, &st, &how);
	if (r == 0 && ftruncate(to_fd, st.st_size) < 0)
		r = -errno;
	if (r == 0)
		return 0;
	(void)unlink(target); /* the failure is the one to tell */
	if (r == -ECANCELED && copy.error.code) {
		*err = copy.error;
		return r;
	}
	return fail(err, -r, "copy '%s' to '%s'", source, target);
}

static int remove_loop(const struct storage *storage, struct error *err)
{
	const char *path = storage_place(storage);

	if (unlink(path) < 0 && errno != ENOENT)
		return fail(err, errno, "remove '%s'", path);
	return 0;
}

static int usage_loop(const struct storage *storage, struct storage_usage *out, struct error *err)
{
	const char *path = storage_place(storage);
	struct stat st;

	if (stat(path, &st) < 0)
		return fail(err, errno, "look at '%s'", path);
	*out = (struct storage_usage){.used_bytes = (uint64_t)st.st_blocks * 512,
	                              .size_bytes = (uint64_t)st.st_size};
	return 0;
}

static int own_loop(const struct storage *storage, uint64_t *bytes, struct error *err)
{
	const char *path = storage_place(storage);
	CLEAN_FD int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? fail(err, errno, "open '%s'", path) : own_file(fd, bytes, err);
}

const struct storage_backend storage_loop = {
	.name = "loop",
	.is_inside = true,
	.has_limit = true,
	.choose = choose_loop,
	.make = make_loop,
	.visit = visit_loop,
	.clone = clone_loop,
	.copy = copy_loop,
	.remove = remove_loop,
	.limit = loop_limit,
	.usage = usage_loop,
	.own = own_loop,
};
