/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "storage/remove.h"

#include "../lib/folder.h"
#include "../lib/need.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"

#include <errno.h>
#include <linux/fs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>

static void write_file(int folder, const char *name)
{
	CLEAN_FD int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	CHECK(fd >= 0);
}

static void remove_it(int dir)
{
	struct error err = {0};
	int r = remove_tree(dir, "tree", &err);

	if (r < 0)
		printf("# %s\n", err.text);
	CHECK_INT(r, 0);
	CHECK(!file_exists(dir, "tree"));
}

TEST(a_tree_goes_what_its_symlinks_point_to_stays)
{
	FOLDER(folder);

	CHECK(mkdirat(dir, "beside", 0755) == 0);
	write_file(dir, "beside/kept");
	CHECK(mkdirat(dir, "tree", 0755) == 0 && mkdirat(dir, "tree/a", 0) == 0);
	for (int i = 0; i < 300; i++) {
		char name[64];

		(void)snprintf(name, sizeof(name), "tree/a/%d", i);
		CHECK(i % 3 ? mkdirat(dir, name, 0755) == 0 : symlinkat("/", dir, name) == 0);
	}
	CHECK(symlinkat("../beside", dir, "tree/folder") == 0);
	CHECK(symlinkat("../beside/kept", dir, "tree/file") == 0);
	CHECK(mkfifoat(dir, "tree/fifo", 0600) == 0);
	remove_it(dir);
	CHECK(file_exists(dir, "beside/kept"));
}

TEST(what_is_absent_is_gone_and_a_file_or_symlink_goes_too)
{
	FOLDER(folder);

	remove_it(dir);
	write_file(dir, "tree");
	remove_it(dir);
	CHECK(mkdirat(dir, "beside", 0755) == 0 && symlinkat("beside", dir, "tree") == 0);
	remove_it(dir);
	CHECK(file_is_dir(dir, "beside"));
}

TEST(a_tree_deeper_than_any_path_goes)
{
	FOLDER(folder);
	int at, next;

	CHECK(mkdirat(dir, "tree", 0755) == 0);
	at = openat(dir, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < 5000; i++) {
		CHECK(mkdirat(at, "deeper", 0755) == 0 && mkdirat(at, "x", 0755) == 0);
		next = openat(at, "deeper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		CHECK(next >= 0);
		close(at);
		at = next;
	}
	close(at);
	remove_it(dir);
}

TEST(immutable_and_append_only_files_go)
{
	FOLDER(folder);
	int flags = FS_IMMUTABLE_FL, fd;

	NEED("root", geteuid() == 0, "not root");
	CHECK(mkdirat(dir, "tree", 0755) == 0 && mkdirat(dir, "tree/a", 0755) == 0);
	write_file(dir, "tree/a/file");
	fd = openat(dir, "tree/a/file", O_RDONLY | O_CLOEXEC);
	if (ioctl(fd, FS_IOC_SETFLAGS, &flags) < 0) {
		close(fd);
		remove_it(dir);
		return; /* a file system without them */
	}
	close(fd);
	flags = FS_APPEND_FL;
	write_file(dir, "tree/a/log");
	fd = openat(dir, "tree/a/log", O_RDONLY | O_CLOEXEC);
	CHECK(ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0);
	close(fd);
	fd = openat(dir, "tree/a", O_RDONLY | O_CLOEXEC);
	flags = FS_IMMUTABLE_FL;
	CHECK(ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0);
	close(fd);
	remove_it(dir);
}

TEST(a_mount_inside_is_an_error_and_keeps_its_content)
{
	FOLDER(folder);
	CLEAN_FREE char *target = must_printf("%s/tree/a/srv", folder);
	CLEAN_FREE char *kept = must_printf("%s/kept", target);
	CLEAN_FREE char *file = must_printf("%s/tree/bound", folder);
	struct error err = {0};

	NEED("root", geteuid() == 0 && unshare(CLONE_NEWNS) == 0, "no mount namespace of our own");
	CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	CHECK(mkdirat(dir, "tree", 0755) == 0 && mkdirat(dir, "tree/a", 0755) == 0);
	CHECK(mkdirat(dir, "tree/a/srv", 0755) == 0);
	CHECK(mount("none", target, "tmpfs", 0, NULL) == 0);
	write_file(AT_FDCWD, kept);
	CHECK_INT(remove_tree(dir, "tree", &err), -EXDEV);
	CHECK(strstr(err.text, "'a/srv'") && strstr(err.text, "mount point"));
	CHECK(file_exists(AT_FDCWD, kept));
	CHECK(umount2(target, MNT_DETACH) == 0);
	/* a bind of the same file system too: the tree of somebody else */
	CHECK(mkdirat(dir, "other", 0755) == 0);
	write_file(dir, "other/kept");
	CHECK(mount(folder, target, NULL, MS_BIND, NULL) == 0);
	CHECK_INT(remove_tree(dir, "tree", &err), -EXDEV);
	CHECK(umount2(target, MNT_DETACH) == 0);
	CHECK(file_exists(dir, "other/kept"));
	write_file(dir, "tree/bound");
	CHECK(mount("/dev/null", file, NULL, MS_BIND, NULL) == 0);
	error_clear(&err);
	CHECK_INT(remove_tree(dir, "tree", &err), -EXDEV);
	CHECK(strstr(err.text, "'bound' is a mount point"));
	CHECK(umount2(file, MNT_DETACH) == 0);
	remove_it(dir);
}
