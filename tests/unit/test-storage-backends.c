/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../lib/folder.h"
#include "../lib/need.h"
#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/process.h"
#include "base/text.h"
#include "container/paths.h"
#include "storage/copy.h"
#include "storage/remove.h"
#include "storage/storage.h"
#include "storage/subvolume.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* A folder in a mount namespace of our own; mnt is a place in it for another file system. */
struct place {
	char *folder, *mnt;
};

static void place_init(struct place *place)
{
	NEED("root", geteuid() == 0 && unshare(CLONE_NEWNS) == 0, "no mount namespace of our own");
	CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	place->folder = folder_make();
	place->mnt = must_printf("%s/mnt", place->folder);
	CHECK(mkdir(place->mnt, 0755) == 0);
}

static void place_done(struct place *place)
{
	CLEAN_FD int tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct error err = {0};

	(void)umount2(place->mnt, MNT_DETACH);
	if (remove_tree(tmp, strrchr(place->folder, '/') + 1, &err) < 0)
		printf("# %s\n", err.text);
	CHECK(!err.code);
	free(place->folder);
	free(place->mnt);
}

static void good(int r, const struct error *err)
{
	if (r < 0)
		printf("# %s\n", err->text);
	CHECK(r >= 0);
}

/* What the text names, with paths that begin with the place's folder. */
static struct storage named(const struct place *place, const char *backend, const char *path,
                            const char *options)
{
	CLEAN_FREE char *text = must_printf("%s:%s/%s", backend, place->folder, path);
	struct storage storage = {.backend = NULL};
	struct error err = {0};

	good(storage_parse(&storage, text, options, &err), &err);
	return storage;
}

/* mnt becomes a file system of that type, made by the backend for images. */
static void mount_type(const struct place *place, const char *type)
{
	CLEAN_FREE char *mkfs = must_printf("mkfs.%s", type), *program = process_find(mkfs);
	CLEAN_FREE char *option = must_printf("fstype=%s", type);
	CLEAN(storage_done) struct storage disk = {.backend = NULL};
	struct error err = {0};
	CLEAN_FD int fd = -1;

	NEED("mkfs", program, "no mkfs for it");
	NEED("loop", faccessat(AT_FDCWD, "/dev/loop-control", W_OK, 0) == 0, "no loop devices");
	disk = named(place, "loop", "disk.img", option);
	disk.size_bytes = 320 << 20;
	good(storage_make(&disk, &err), &err);
	fd = storage_visit(&disk, STORAGE_WRITE | STORAGE_RUN, &err);
	good(fd, &err);
	CHECK(sys_move_mount(fd, "", AT_FDCWD, place->mnt, MOVE_MOUNT_F_EMPTY_PATH) == 0);
}

static void make_folder(const struct place *place, const char *name)
{
	CLEAN_FREE char *path = must_printf("%s/%s", place->folder, name);

	CHECK(mkdir(path, 0755) == 0);
}

static void put(const struct storage *storage, const char *name, const char *content)
{
	struct error err = {0};
	CLEAN_FD int fd = storage_visit(storage, STORAGE_WRITE, &err), file = -1;

	good(fd, &err);
	file = openat(fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	CHECK(file >= 0 && file_write_all(file, content, strlen(content)) == 0);
}

static void drop(const struct storage *storage, const char *name)
{
	struct error err = {0};
	CLEAN_FD int fd = storage_visit(storage, STORAGE_WRITE, &err);

	good(fd, &err);
	CHECK(unlinkat(fd, name, 0) == 0);
}

static bool holds(const struct storage *storage, const char *name, const char *content)
{
	struct error err = {0};
	CLEAN_FD int fd = storage_visit(storage, 0, &err);
	char text[64];

	good(fd, &err);
	/* read-only, and nothing of it is run */
	CHECK(openat(fd, "no such file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) < 0);
	CHECK(errno == EROFS);
	if (file_read_small(fd, name, text, sizeof(text)) < 0)
		return !content;
	return text_is(text, content);
}

/* Two that were one until now go their own ways. */
static void check_clone(const struct storage *from, const struct storage *to)
{
	struct error err = {0};

	good(storage_make(from, &err), &err);
	put(from, "shared", "before");
	put(from, "gone", "before");
	good(storage_clone(from, to, &err), &err);
	put(from, "shared", "changed");
	put(to, "own", "of the clone");
	drop(to, "gone");
	CHECK(holds(to, "shared", "before") && holds(to, "own", "of the clone"));
	CHECK(holds(from, "shared", "changed") && holds(from, "gone", "before"));
	CHECK(holds(from, "own", NULL) && holds(to, "gone", NULL));
	good(storage_remove(to, &err), &err);
	good(storage_remove(to, &err), &err);
	CHECK(holds(from, "gone", "before"));
	good(storage_remove(from, &err), &err);
}

TEST(btrfs_is_cloned_by_a_snapshot)
{
	CLEAN(place_done) struct place place = {0};
	CLEAN(storage_done) struct storage a = {0}, b = {0};
	struct error err = {0};
	CLEAN_FD int fd = -1;

	place_init(&place);
	mount_type(&place, "btrfs");
	a = named(&place, "btrfs", "mnt/a", NULL);
	b = named(&place, "btrfs", "mnt/b", NULL);
	check_clone(&a, &b);
	good(storage_make(&a, &err), &err);
	fd = storage_visit(&a, 0, &err);
	CHECK(subvolume_is(fd));
	fd_close(&fd);
	/* a limit needs quotas, which this one has not */
	a.size_bytes = 1 << 20;
	CHECK_INT(storage_limit(&a, &err), -EOPNOTSUPP);
	CHECK(strstr(err.text, "btrfs quota enable"));
	good(storage_remove(&a, &err), &err);
}

TEST(dir_is_cloned_where_blocks_can_be_shared)
{
	CLEAN(place_done) struct place place = {0};
	CLEAN(storage_done) struct storage a = {0}, b = {0};

	place_init(&place);
	mount_type(&place, "xfs");
	a = named(&place, "dir", "mnt/a", NULL);
	b = named(&place, "dir", "mnt/b", NULL);
	check_clone(&a, &b);
}

TEST(dir_is_not_cloned_where_it_would_be_a_copy)
{
	CLEAN(place_done) struct place place = {0};
	CLEAN(storage_done) struct storage a = {0}, b = {0};
	struct error err = {0};

	place_init(&place);
	mount_type(&place, "ext4");
	a = named(&place, "dir", "mnt/a", NULL);
	b = named(&place, "dir", "mnt/b", NULL);
	good(storage_make(&a, &err), &err);
	CHECK_INT(storage_clone(&a, &b, &err), -EOPNOTSUPP);
	CHECK(strstr(err.text, "cannot share blocks"));
	CHECK(!file_exists(AT_FDCWD, b.parts.items[0]));
}

TEST(an_image_is_cloned_and_two_visits_see_one_file_system)
{
	CLEAN(place_done) struct place place = {0};
	CLEAN(storage_done) struct storage a = {0}, b = {0};
	struct error err = {0};
	CLEAN_FD int one = -1, two = -1;

	place_init(&place);
	mount_type(&place, "xfs");
	a = named(&place, "loop", "mnt/a.img", NULL);
	b = named(&place, "loop", "mnt/b.img", NULL);
	a.size_bytes = 40 << 20;
	check_clone(&a, &b);
	good(storage_make(&a, &err), &err);
	one = storage_visit(&a, STORAGE_WRITE, &err);
	good(one, &err);
	/* the second is no second device, or each would overwrite what the other wrote */
	put(&a, "file", "by the second");
	CHECK(file_exists(one, "file"));
	two = openat(one, "file", O_WRONLY | O_TRUNC | O_CLOEXEC);
	CHECK(two >= 0 && write(two, "first", 5) == 5);
	CHECK(holds(&a, "file", "first"));
}

TEST(an_overlay_on_a_dir_and_on_another_overlay)
{
	CLEAN(place_done) struct place place = {0};
	CLEAN(storage_done) struct storage base = {0}, parent = {0}, child = {0}, second = {0};
	CLEAN_FREE char *one = NULL, *two = NULL, *three = NULL, *text = NULL, *want = NULL;
	struct error err = {0};

	place_init(&place);
	make_folder(&place, "a");
	make_folder(&place, "b");
	base = named(&place, "dir", "a/rootfs", NULL);
	good(storage_make(&base, &err), &err);
	put(&base, "file", "base");
	put(&base, "other", "base");
	one = must_printf("%s/a/delta", place.folder);
	two = must_printf("%s/b/delta", place.folder);
	three = must_printf("%s/a/delta.2", place.folder);
	/* the dir becomes the lower folder of its own container and of a copy */
	good(storage_seal(&base, one, &parent, &err), &err);
	good(storage_make(&parent, &err), &err);
	good(storage_seal(&base, two, &child, &err), &err);
	good(storage_make(&child, &err), &err);
	put(&parent, "file", "parent");
	drop(&parent, "other");
	put(&child, "file", "child");
	CHECK(holds(&base, "file", "base") && holds(&base, "other", "base"));
	CHECK(holds(&parent, "file", "parent") && holds(&parent, "other", NULL));
	CHECK(holds(&child, "file", "child") && holds(&child, "other", "base"));
	/* and what the parent wrote becomes a layer in turn */
	good(storage_seal(&parent, three, &second, &err), &err);
	text = storage_text(&second);
	want = must_printf("overlay:%s/upper:%s/a/rootfs:%s", one, place.folder, three);
	CHECK(text_is(text, want));
	good(storage_make(&second, &err), &err);
	CHECK(holds(&second, "file", "parent") && holds(&second, "other", NULL));
	put(&second, "other", "again");
	CHECK(holds(&second, "other", "again") && holds(&parent, "other", NULL));
	/* only its own folder goes with it */
	good(storage_remove(&child, &err), &err);
	CHECK(!file_exists(AT_FDCWD, two) && holds(&base, "other", "base"));
}

TEST(what_an_overlay_wrote_is_cloned)
{
	CLEAN(place_done) struct place place = {0};
	CLEAN(storage_done) struct storage a = {0}, b = {0};
	CLEAN_FREE char *one = NULL, *two = NULL;
	struct error err = {0};

	place_init(&place);
	make_folder(&place, "lower");
	one = must_printf("overlay:%s/lower:%s/a", place.folder, place.folder);
	two = must_printf("overlay:%s/lower:%s/b", place.folder, place.folder);
	good(storage_parse(&a, one, NULL, &err), &err);
	good(storage_parse(&b, two, NULL, &err), &err);
	check_clone(&a, &b);
}

TEST(a_tree_is_copied_from_one_backend_to_another)
{
	CLEAN(place_done) struct place place = {0};
	CLEAN(storage_done) struct storage a = {0}, b = {0};
	CLEAN_FD int from = -1, to = -1;
	struct error err = {0};
	struct stat one, two;

	place_init(&place);
	NEED("loop", faccessat(AT_FDCWD, "/dev/loop-control", W_OK, 0) == 0, "no loop devices");
	a = named(&place, "dir", "rootfs", NULL);
	b = named(&place, "loop", "rootfs.img", "fstype=ext4");
	b.size_bytes = 40 << 20;
	good(storage_make(&a, &err), &err);
	put(&a, "file", "content");
	good(storage_make(&b, &err), &err);
	from = storage_visit(&a, 0, &err);
	to = storage_visit(&b, STORAGE_WRITE, &err);
	CHECK(fchmodat(from, ".", 0, 0) < 0 && errno == EROFS);
	CHECK(unlinkat(to, "lost+found", AT_REMOVEDIR) == 0 || errno == ENOENT);
	good(copy_tree(from, to, NULL, NULL, &err), &err);
	CHECK(fstat(from, &one) == 0 && fstat(to, &two) == 0);
	CHECK_INT(two.st_mode, one.st_mode);
	CHECK_INT(two.st_mtim.tv_nsec, one.st_mtim.tv_nsec);
	fd_close(&to);
	CHECK(holds(&b, "file", "content"));
}

TEST(texts_parts_and_places)
{
	CLEAN(storage_done) struct storage storage = {0}, copy = {0};
	CLEAN_FREE char *text = NULL;
	struct error err = {0};

	good(storage_parse(&storage, "overlay:/s/a/rootfs:/s/b/delta", "shifted, fstype=xfs", &err),
	     &err);
	CHECK(text_is(storage_name(&storage), "overlay"));
	CHECK(text_is(storage_option(&storage, "fstype"), "xfs"));
	CHECK(text_is(storage_option(&storage, "shifted"), ""));
	CHECK(!storage_option(&storage, "fs") && !storage_option(&storage, "vg"));
	CHECK(storage_is_inside(&storage, "/s/b") && !storage_is_inside(&storage, "/s/a"));
	CHECK(!storage_is_volume(&storage));
	storage_copy(&copy, &storage);
	storage_move(&copy, "/s/b", "/s/.b.creating");
	text = storage_text(&copy);
	CHECK(text_is(text, "overlay:/s/a/rootfs:/s/.b.creating/delta"));
	CHECK(text_is(storage.parts.items[1], "/s/b/delta"));
	storage_done(&copy);
	good(storage_parse(&copy, "/plain", NULL, &err), &err);
	CHECK(text_is(storage_name(&copy), "dir"));
	storage_done(&copy);
	CHECK_INT(storage_parse(&copy, "overlay:/only", NULL, &err), -EINVAL);
	CHECK_INT(storage_parse(&copy, "rootfs", NULL, &err), -EINVAL);
	good(storage_parse(&copy, "lvm:vg0/web1", NULL, &err), &err);
	CHECK(storage_is_volume(&copy) && !storage_is_inside(&copy, "/s/b"));
}

static void write_config(const struct place *place, const char *name, const char *path)
{
	CLEAN_FREE char *file = must_printf("%s/config", name);
	CLEAN_FREE char *text =
		must_printf("[rootfs]\npath = %s\n[container]\nnonsense = 1\n", path);
	CLEAN_FREE char *written = folder_write(place->folder, file, text);

	CHECK(written);
}

TEST(children_are_found_by_their_configurations)
{
	CLEAN(place_done) struct place place = {0};
	CLEAN(strings_done) struct strings found = {0};
	CLEAN_FREE char *lower = NULL, *own = NULL, *near = NULL;
	struct paths paths = {0};

	place_init(&place);
	paths.store = place.folder;
	lower = must_printf("overlay:%s/base/rootfs:%s/x/delta", place.folder, place.folder);
	own = must_printf("dir:%s/base/rootfs", place.folder);
	near = must_printf("overlay:%s/base2/rootfs:%s/x/delta", place.folder, place.folder);
	write_config(&place, "base", own);
	write_config(&place, "child", lower);
	write_config(&place, ".made.creating", lower);
	write_config(&place, ".dead.destroying", lower);
	write_config(&place, "near", near);
	write_config(&place, "web1", "dir:/elsewhere");
	write_config(&place, "web1/snapshots/daily", lower);
	storage_children(&paths, "base", &found);
	CHECK_INT(found.count, 3);
	CHECK(text_is(found.items[0], ".made.creating") && text_is(found.items[1], "child"));
	CHECK(text_is(found.items[2], "web1/snapshots/daily"));
	storage_children(&paths, "child", &found);
	CHECK_INT(found.count, 3);
}
