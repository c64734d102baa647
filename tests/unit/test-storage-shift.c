/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shifting the owners of a tree: what is in it must look the same from inside. */
#include "../lib/need.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "container/idmap.h"
#include "storage/attributes.h"
#include "storage/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#define FIRST_ID 1048576

static const struct idmap test_map = {
	.ranges = {{.users = true, .groups = true, .outside = FIRST_ID, .count = 65536}},
	.count = 1,
};

static char *make_folder(void)
{
	const char *base = secure_getenv("TMPDIR");
	char *folder = must_printf("%s/sysc-shift-XXXXXX", base ? base : "/tmp");

	CHECK(mkdtemp(folder));
	return folder;
}

static void remove_folder(char **folder)
{
	CHECK(file_remove_tree(AT_FDCWD, *folder, NULL) == 0);
	free(*folder);
}

static int open_folder(const char *path)
{
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static void make_file(int dir, const char *name, uid_t uid, gid_t gid, mode_t mode)
{
	CLEAN_FD int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	CHECK(fd >= 0 && fchown(fd, uid, gid) == 0 && fchmod(fd, mode) == 0);
}

static bool has(int dir, const char *name, uid_t uid, gid_t gid, mode_t mode)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	if (st.st_uid != uid || st.st_gid != gid || (st.st_mode & 07777) != mode)
		printf("# '%s' is %u:%u %o\n", name, st.st_uid, st.st_gid, st.st_mode & 07777);
	return st.st_uid == uid && st.st_gid == gid && (st.st_mode & 07777) == mode;
}

static int shift(const char *folder, struct error *err)
{
	int r = storage_shift(folder, &test_map, err);

	if (r < 0)
		printf("# %s\n", err->text);
	return r;
}

TEST(owners_modes_and_links)
{
	CLEAN(remove_folder) char *folder = NULL;
	CLEAN_FD int dir = -1;
	struct error err = {0};
	struct stat outside;

	NEED("root", geteuid() == 0, "not root");
	folder = make_folder();
	dir = open_folder(folder);
	CHECK(fchmodat(dir, ".", 0755, 0) == 0);
	CHECK(mkdirat(dir, "home", 0755) == 0 && mkdirat(dir, "home/me", 0700) == 0);
	CHECK(fchownat(dir, "home/me", 1000, 1000, 0) == 0);
	CHECK(mkdirat(dir, "mail", 0755) == 0 && fchownat(dir, "mail", 0, 8, 0) == 0);
	CHECK(fchmodat(dir, "mail", 03775, 0) == 0);
	make_file(dir, "home/me/file", 1000, 1000, 0640);
	make_file(dir, "su", 0, 0, 04755);
	make_file(dir, "wall", 0, 5, 02755);
	make_file(dir, "twice", 7, 7, 0644);
	CHECK(linkat(dir, "twice", dir, "home/again", 0) == 0);
	CHECK(symlinkat("/etc", dir, "absolute") == 0);
	CHECK(symlinkat("../..", dir, "home/up") == 0);
	CHECK(mkfifoat(dir, "fifo", 0600) == 0);
	CHECK(mknodat(dir, "null", S_IFCHR | 0666, makedev(1, 3)) == 0);
	CHECK(stat("/etc", &outside) == 0);

	CHECK_INT(shift(folder, &err), 0);
	CHECK(has(dir, ".", FIRST_ID, FIRST_ID, 0755));
	CHECK(has(dir, "home", FIRST_ID, FIRST_ID, 0755));
	CHECK(has(dir, "home/me", FIRST_ID + 1000, FIRST_ID + 1000, 0700));
	CHECK(has(dir, "home/me/file", FIRST_ID + 1000, FIRST_ID + 1000, 0640));
	CHECK(has(dir, "mail", FIRST_ID, FIRST_ID + 8, 03775));
	CHECK(has(dir, "su", FIRST_ID, FIRST_ID, 04755));
	CHECK(has(dir, "wall", FIRST_ID, FIRST_ID + 5, 02755));
	CHECK(has(dir, "twice", FIRST_ID + 7, FIRST_ID + 7, 0644));
	CHECK(has(dir, "home/again", FIRST_ID + 7, FIRST_ID + 7, 0644));
	CHECK(has(dir, "absolute", FIRST_ID, FIRST_ID, 0777));
	CHECK(has(dir, "home/up", FIRST_ID, FIRST_ID, 0777));
	CHECK(has(dir, "fifo", FIRST_ID, FIRST_ID, 0600 & ~umask(022)));
	CHECK(has(dir, "null", FIRST_ID, FIRST_ID, 0644));
	CHECK(has(AT_FDCWD, "/etc", outside.st_uid, outside.st_gid, outside.st_mode & 07777));
}

TEST(many_hard_links_are_shifted_once)
{
	CLEAN(remove_folder) char *folder = NULL;
	CLEAN_FD int dir = -1;
	struct error err = {0};
	char name[64];

	NEED("root", geteuid() == 0, "not root");
	folder = make_folder();
	dir = open_folder(folder);
	/* more than the table's first size, so that it grows */
	for (int i = 0; i < 600; i++) {
		char second[64];

		(void)snprintf(name, sizeof(name), "a%d", i);
		(void)snprintf(second, sizeof(second), "b%d", i);
		make_file(dir, name, (uid_t)i, (gid_t)i, 0600);
		CHECK(linkat(dir, name, dir, second, 0) == 0);
	}
	CHECK_INT(shift(folder, &err), 0);
	for (int i = 0; i < 600; i++) {
		(void)snprintf(name, sizeof(name), "b%d", i);
		CHECK(has(dir, name, (uid_t)(FIRST_ID + i), (gid_t)(FIRST_ID + i), 0600));
	}
}

TEST(file_capabilities_get_the_map_s_root)
{
	struct vfs_cap_data two = {
		.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
		.data = {{.permitted = 1U << CAP_NET_RAW}},
	};
	struct vfs_ns_cap_data three = {0};
	CLEAN(remove_folder) char *folder = NULL;
	CLEAN_FREE char *path = NULL;
	CLEAN_FD int dir = -1;
	struct error err = {0};

	NEED("root", geteuid() == 0, "not root");
	folder = make_folder();
	dir = open_folder(folder);
	make_file(dir, "ping", 0, 0, 0755);
	path = must_printf("%s/ping", folder);
	NEED("xattr", setxattr(path, "security.capability", &two, XATTR_CAPS_SZ_2, 0) == 0,
	     "the temporary folder's file system has no file capabilities");
	CHECK_INT(shift(folder, &err), 0);
	CHECK_INT(getxattr(path, "security.capability", &three, sizeof(three)), XATTR_CAPS_SZ_3);
	CHECK_INT(three.magic_etc, VFS_CAP_REVISION_3 | VFS_CAP_FLAGS_EFFECTIVE);
	CHECK_INT(three.data[0].permitted, 1U << CAP_NET_RAW);
	CHECK_INT(three.rootid, FIRST_ID);
	CHECK(has(dir, "ping", FIRST_ID, FIRST_ID, 0755));
}

/* version 2; user::rwx user:1000:r-x group::r-x group:4:r-- mask::r-x other::--- */
static const unsigned char acl[] = {
	2,    0,    0,    0,    0x01, 0,    7, 0,    0xff, 0xff, 0xff, 0xff, 0x02,
	0,    5,    0,    0xe8, 0x03, 0,    0, 0x04, 0,    5,    0,    0xff, 0xff,
	0xff, 0xff, 0x08, 0,    4,    0,    4, 0,    0,    0,    0x10, 0,    5,
	0,    0xff, 0xff, 0xff, 0xff, 0x20, 0, 0,    0,    0xff, 0xff, 0xff, 0xff,
};

TEST(access_lists_are_mapped)
{
	struct attribute_value value = {.size = sizeof(acl)}, bad;
	unsigned char expected[sizeof(acl)];

	memcpy(value.bytes, acl, sizeof(acl));
	memcpy(expected, acl, sizeof(acl));
	expected[18] = 0x10; /* 1000 + 0x100000 */
	expected[34] = 0x10;
	CHECK_INT(attribute_shift_acl_value(&test_map, &value), 0);
	CHECK_INT(value.size, sizeof(acl));
	CHECK(memcmp(value.bytes, expected, sizeof(acl)) == 0);
	/* cut, of another version, of an id outside the map */
	bad = (struct attribute_value){.size = sizeof(acl) - 1};
	memcpy(bad.bytes, acl, sizeof(acl));
	CHECK_INT(attribute_shift_acl_value(&test_map, &bad), -EINVAL);
	bad.size = sizeof(acl);
	bad.bytes[0] = 3;
	CHECK_INT(attribute_shift_acl_value(&test_map, &bad), -EINVAL);
	bad.bytes[0] = 2;
	bad.bytes[19] = 1;
	CHECK_INT(attribute_shift_acl_value(&test_map, &bad), -ENOENT);
}

TEST(access_lists_on_disk)
{
	unsigned char got[sizeof(acl)];
	CLEAN(remove_folder) char *folder = NULL;
	CLEAN_FREE char *path = NULL;
	CLEAN_FD int dir = -1;
	struct error err = {0};

	NEED("root", geteuid() == 0, "not root");
	folder = make_folder();
	dir = open_folder(folder);
	CHECK(mkdirat(dir, "journal", 0755) == 0);
	path = must_printf("%s/journal", folder);
	NEED("xattr",
	     setxattr(path, "system.posix_acl_default", acl, sizeof(acl), 0) == 0 &&
	             setxattr(path, "system.posix_acl_access", acl, sizeof(acl), 0) == 0,
	     "the temporary folder's file system has no access lists");
	CHECK_INT(shift(folder, &err), 0);
	CHECK_INT(getxattr(path, "system.posix_acl_default", got, sizeof(got)), sizeof(got));
	CHECK(got[18] == 0x10 && got[34] == 0x10);
	CHECK_INT(getxattr(path, "system.posix_acl_access", got, sizeof(got)), sizeof(got));
	CHECK(got[18] == 0x10 && got[34] == 0x10);
}

TEST(an_owner_outside_the_map_is_an_error_with_its_place)
{
	CLEAN(remove_folder) char *folder = NULL;
	CLEAN_FREE char *expected = NULL;
	CLEAN_FD int dir = -1;
	struct error err = {0};

	NEED("root", geteuid() == 0, "not root");
	folder = make_folder();
	dir = open_folder(folder);
	CHECK(mkdirat(dir, "srv", 0755) == 0);
	make_file(dir, "srv/file", 70000, 0, 0644);
	expected = must_printf("shift the owners of '%s/srv/file': it belongs to user 70000, "
	                       "which the map lacks",
	                       folder);
	CHECK_INT(storage_shift(folder, &test_map, &err), -EOVERFLOW);
	CHECK(text_is(err.text, expected));
}

static void count_stray(const char *path, uint32_t uid, uint32_t gid, void *user)
{
	unsigned int *count = user;

	CHECK(text_is(path, "/stray") && uid == 12 && gid == FIRST_ID);
	++*count;
}

TEST(and_back_again)
{
	static const unsigned char capability[] = {1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0,
	                                           0, 0, 0, 0, 0, 0,    0, 0, 0, 0};
	unsigned char got[64];
	CLEAN(remove_folder) char *folder = NULL;
	CLEAN_FREE char *tool = NULL;
	CLEAN_FD int dir = -1;
	struct error err = {0};
	unsigned int strays = 0;

	NEED("root", geteuid() == 0, "not root");
	folder = make_folder();
	dir = open_folder(folder);
	make_file(dir, "su", 0, 7, 06755);
	make_file(dir, "tool", 1, 2, 0755);
	tool = must_printf("%s/tool", folder);
	NEED("xattr", setxattr(tool, "security.capability", capability, sizeof(capability), 0) == 0,
	     "the temporary folder's file system has no capabilities");
	CHECK_INT(shift(folder, &err), 0);
	make_file(dir, "stray", 12, FIRST_ID, 04755);
	CHECK_INT(storage_unshift(folder, &test_map, count_stray, &strays, &err), 0);
	CHECK(has(dir, "su", 0, 7, 06755) && has(dir, "tool", 1, 2, 0755));
	CHECK_INT(strays, 1);
	/* its owner could not be anybody inside, so the bit did nothing */
	CHECK(has(dir, "stray", IDMAP_NOBODY, 0, 0755));
	CHECK_INT(getxattr(tool, "security.capability", got, sizeof(got)), sizeof(capability));
	CHECK(memcmp(got, capability, sizeof(capability)) == 0);
}

TEST(a_mount_point_is_not_entered)
{
	CLEAN(remove_folder) char *folder = NULL;
	CLEAN_FREE char *below = NULL;
	struct error err = {0};
	struct stat st;
	int r;

	NEED("root", geteuid() == 0, "not root");
	NEED("root", unshare(CLONE_NEWNS) == 0, "no mount namespace of our own");
	CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	folder = make_folder();
	below = must_printf("%s/below", folder);
	CHECK(mkdir(below, 0755) == 0 && mount("tmpfs", below, "tmpfs", 0, NULL) == 0);
	r = storage_shift(folder, &test_map, &err);
	CHECK(stat(below, &st) == 0 && umount2(below, MNT_DETACH) == 0);
	CHECK_INT(r, -EXDEV);
	CHECK(strstr(err.text, "/below': it is a mount point (unmount it first)"));
	CHECK_INT(st.st_uid, 0);
}

TEST(a_symlink_as_root_is_refused)
{
	CLEAN(remove_folder) char *folder = make_folder();
	CLEAN_FREE char *link = must_printf("%s/link", folder);
	struct error err = {0};

	CHECK(symlink("/", link) == 0);
	CHECK_INT(storage_shift(link, &test_map, &err), -ELOOP);
}
