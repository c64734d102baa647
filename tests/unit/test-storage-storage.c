/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "storage/storage.h"

#include "../lib/need.h"
#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "container/container.h"
#include "container/idmap.h"

#include <errno.h>
#include <sched.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define FIRST_ID 1048576

static const struct idmap test_map = {
	.ranges = {{.users = true, .groups = true, .outside = FIRST_ID, .count = 65536}},
	.count = 1,
};

/* A folder with "rootfs" in it, in a mount namespace of our own, and a container that names it. */
struct place {
	char *folder, *rootfs;
	struct container container;
};

static void place_done(struct place *place)
{
	CHECK(file_remove_tree(AT_FDCWD, place->folder, NULL) == 0);
	free(place->folder);
	free(place->rootfs);
}

static void place_init(struct place *place)
{
	const char *base = secure_getenv("TMPDIR");

	NEED("root", geteuid() == 0, "not root");
	NEED("root", unshare(CLONE_NEWNS) == 0, "no mount namespace of our own");
	CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	place->folder = must_printf("%s/sysc-storage-XXXXXX", base ? base : "/tmp");
	CHECK(mkdtemp(place->folder));
	place->rootfs = must_printf("%s/rootfs", place->folder);
	CHECK(mkdir(place->rootfs, 0755) == 0);
	place->container.dir = place->folder;
	place->container.file = place->folder;
	place->container.config.rootfs_path = place->rootfs;
}

static int open_root(const struct container *container, struct error *err)
{
	struct storage_root root;
	int r;

	storage_root_init(&root);
	r = storage_open(container, &root, err);
	return r < 0 ? r : root.fd;
}

static int map_root(const struct container *container, int fd, int userns, struct error *err)
{
	struct storage_root root = {.fd = fd};

	return storage_map(container, &root, userns, err);
}

static int open_quietly(const struct place *place)
{
	struct error err = {0};
	int fd = open_root(&place->container, &err);

	if (fd < 0)
		printf("# %s\n", err.text);
	return fd;
}

static void make_file(const char *folder, const char *name, uid_t uid, gid_t gid)
{
	CLEAN_FREE char *path = must_printf("%s/%s", folder, name);
	CLEAN_FD int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	CHECK(fd >= 0 && fchown(fd, uid, gid) == 0);
}

TEST(a_folder_becomes_a_mount_of_its_own)
{
	CLEAN(place_done) struct place place = {0};
	CLEAN_FREE char *prefixed = NULL;
	CLEAN_FD int fd = -1, again = -1;
	struct statvfs fs;

	place_init(&place);
	make_file(place.rootfs, "inside", 0, 0);
	fd = open_quietly(&place);
	CHECK(fd >= 0);
	CHECK(file_exists(fd, "inside"));
	CHECK(fstatvfs(fd, &fs) == 0);
	CHECK(fs.f_flag & 4);    /* ST_NODEV: an unprivileged container */
	CHECK(!(fs.f_flag & 1)); /* ST_RDONLY */
	CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	prefixed = must_printf("dir:%s", place.rootfs);
	place.container.config.rootfs_path = prefixed;
	place.container.config.rootfs_readonly = true;
	place.container.config.privileged = true;
	again = open_quietly(&place);
	CHECK(again >= 0 && file_exists(again, "inside"));
	CHECK(fstatvfs(again, &fs) == 0);
	CHECK(fs.f_flag & 1);
	CHECK(faccessat(again, "inside", W_OK, 0) < 0 && errno == EROFS);
	CHECK(faccessat(fd, "inside", W_OK, 0) == 0);
}

TEST(what_is_mounted_below_stays_outside)
{
	CLEAN(place_done) struct place place = {0};
	CLEAN_FREE char *below = NULL;
	CLEAN_FD int fd = -1;

	place_init(&place);
	below = must_printf("%s/srv", place.rootfs);
	CHECK(mkdir(below, 0755) == 0);
	CHECK(mount("tmpfs", below, "tmpfs", 0, NULL) == 0);
	make_file(below, "secret", 0, 0);
	fd = open_quietly(&place);
	CHECK(fd >= 0 && file_is_dir(fd, "srv") && !file_exists(fd, "srv/secret"));
	CHECK(umount2(below, MNT_DETACH) == 0);
}

TEST(a_symlink_is_refused)
{
	CLEAN(place_done) struct place place = {0};
	CLEAN_FREE char *link = NULL;
	struct error err = {0};

	place_init(&place);
	link = must_printf("%s/link", place.folder);
	CHECK(symlink("/", link) == 0);
	place.container.config.rootfs_path = link;
	CHECK_INT(open_root(&place.container, &err), -ELOOP);
	CHECK(text_starts(err.text, "rootfs.path: "));
	CHECK(strstr(err.text, "is a symlink (give the folder that it points to)"));
}

TEST(what_is_no_folder_is_refused)
{
	CLEAN(place_done) struct place place = {0};
	CLEAN_FREE char *path = NULL, *relative = NULL, *other = NULL;
	struct error err = {0};

	place_init(&place);
	make_file(place.folder, "file", 0, 0);
	path = must_printf("%s/file", place.folder);
	place.container.config.rootfs_path = path;
	CHECK_INT(open_root(&place.container, &err), -ENOTDIR);
	relative = must_dup("dir:rootfs");
	place.container.config.rootfs_path = relative;
	CHECK_INT(open_root(&place.container, &err), -EINVAL);
	CHECK(text_is(err.text, "rootfs.path: 'rootfs' is not an absolute path"));
	other = must_dup("zip:tank/web1");
	place.container.config.rootfs_path = other;
	CHECK_INT(open_root(&place.container, &err), -EINVAL);
	CHECK(text_is(err.text,
	              "rootfs.path: 'zip:tank/web1' names no storage backend (write dir:/PATH)"));
	place.container.config.rootfs_path = NULL;
	CHECK_INT(open_root(&place.container, &err), -EINVAL);
	CHECK(text_starts(err.text, "rootfs.path is not set (add path = dir:"));
	path[strlen(path) - 1] = 'X';
	place.container.config.rootfs_path = path;
	CHECK_INT(open_root(&place.container, &err), -ENOENT);
}

TEST(noexec_is_said_before_init_fails)
{
	CLEAN(place_done) struct place place = {0};
	struct error err = {0};

	place_init(&place);
	CHECK(mount("tmpfs", place.rootfs, "tmpfs", MS_NOEXEC, NULL) == 0);
	CHECK_INT(open_root(&place.container, &err), -EACCES);
	CHECK(strstr(err.text, "is mounted noexec (mount it without noexec"));
	CHECK(umount2(place.rootfs, MNT_DETACH) == 0);
}

TEST(owners_are_mapped_and_stay_plain_on_disk)
{
	CLEAN(place_done) struct place place = {0};
	CLEAN_FD int fd = -1, userns = -1, made = -1;
	CLEAN_FREE char *path = NULL;
	struct error err = {0};
	struct stat st;
	bool can = false;

	place_init(&place);
	CHECK_INT(storage_can_map(place.rootfs, &can, &err), 0);
	NEED("idmap", can, "the temporary folder's file system cannot be id-mapped");
	make_file(place.rootfs, "root", 0, 0);
	make_file(place.rootfs, "user", 1000, 100);
	make_file(place.rootfs, "outside", 70000, 70000);
	fd = open_quietly(&place);
	userns = idmap_namespace(&test_map, &err);
	CHECK(fd >= 0 && userns >= 0);
	if (map_root(&place.container, fd, userns, &err) < 0)
		printf("# %s\n", err.text);
	CHECK(fstatat(fd, "root", &st, 0) == 0);
	CHECK_INT(st.st_uid, FIRST_ID);
	CHECK_INT(st.st_gid, FIRST_ID);
	CHECK(fstatat(fd, "user", &st, 0) == 0);
	CHECK_INT(st.st_uid, FIRST_ID + 1000);
	CHECK_INT(st.st_gid, FIRST_ID + 100);
	CHECK(fstatat(fd, "outside", &st, 0) == 0);
	CHECK_INT(st.st_uid, 65534);
	/* what the container's root makes belongs to plain root on disk */
	CHECK(setfsgid(FIRST_ID) >= 0 && setfsuid(FIRST_ID) >= 0);
	made = openat(fd, "made", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	CHECK(setfsuid(0) >= 0 && setfsgid(0) >= 0);
	CHECK(made >= 0);
	path = must_printf("%s/made", place.rootfs);
	CHECK(stat(path, &st) == 0);
	CHECK_INT(st.st_uid, 0);
	CHECK_INT(st.st_gid, 0);
}

TEST(shifted_and_privileged_trees_are_not_mapped)
{
	CLEAN(place_done) struct place place = {0};
	char words[] = "other, shifted";
	CLEAN_FD int fd = -1;
	struct stat st;

	place_init(&place);
	place.container.config.rootfs_options = words;
	fd = open_quietly(&place);
	CHECK(fd >= 0);
	CHECK_INT(map_root(&place.container, fd, -1, NULL), 0);
	CHECK(fstat(fd, &st) == 0);
	CHECK_INT(st.st_uid, 0);
	place.container.config.rootfs_options = NULL;
	CHECK(map_root(&place.container, fd, -1, NULL) < 0);
	place.container.config.privileged = true;
	CHECK_INT(map_root(&place.container, fd, -1, NULL), 0);
}

TEST(a_file_system_that_cannot_be_mapped_says_what_to_do)
{
	CLEAN(place_done) struct place place = {0};
	CLEAN_FD int fd = -1, userns = -1;
	CLEAN_FREE char *one = NULL, *two = NULL, *options = NULL;
	struct error err = {0};
	bool can = true;

	place_init(&place);
	one = must_printf("%s/one", place.folder);
	two = must_printf("%s/two", place.folder);
	CHECK(mkdir(one, 0755) == 0 && mkdir(two, 0755) == 0);
	/* an overlay without an upper layer: overlayfs cannot be id-mapped */
	options = must_printf("lowerdir=%s:%s", one, two);
	NEED("overlay", mount("overlay", place.rootfs, "overlay", 0, options) == 0,
	     "overlayfs cannot be mounted here");
	CHECK_INT(storage_can_map(place.rootfs, &can, &err), 0);
	if (can) {
		CHECK(umount2(place.rootfs, MNT_DETACH) == 0);
		SKIP("this kernel can id-map an overlay");
	}
	fd = open_quietly(&place);
	userns = idmap_namespace(&test_map, &err);
	CHECK(fd >= 0 && userns >= 0);
	CHECK_INT(map_root(&place.container, fd, userns, &err), -EINVAL);
	CHECK(strstr(err.text,
	             "cannot be id-mapped: recreate the container here, or move the store"));
	CHECK(umount2(place.rootfs, MNT_DETACH) == 0);
}

TEST(tmpfs_can_be_mapped)
{
	CLEAN(place_done) struct place place = {0};
	struct error err = {0};
	bool can = false;
	int r;

	place_init(&place);
	CHECK(mount("tmpfs", place.rootfs, "tmpfs", 0, NULL) == 0);
	r = storage_can_map(place.rootfs, &can, &err);
	CHECK(umount2(place.rootfs, MNT_DETACH) == 0);
	CHECK_INT(r, 0);
	NEED("idmap", can, "tmpfs cannot be id-mapped (kernel before 6.3)");
}
