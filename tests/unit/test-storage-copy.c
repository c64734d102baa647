/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "storage/copy.h"

#include "../lib/folder.h"
#include "../lib/need.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "storage/copy_seen.h"
#include "storage/remove.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#define NAMES_MAX 65536

/* --- comparing two trees entry by entry --- */

struct pair {
	ino_t from, to;
};

struct comparison {
	struct pair *pairs; /* of files with several names */
	size_t count, entries;
};

static void compare_values(const char *from, const char *to)
{
	static char names[NAMES_MAX], others[NAMES_MAX], value[NAMES_MAX], other[NAMES_MAX];
	ssize_t n = llistxattr(from, names, sizeof(names));

	CHECK_INT(llistxattr(to, others, sizeof(others)), n);
	for (const char *name = names; n > 0 && name < names + n; name += strlen(name) + 1) {
		ssize_t size = lgetxattr(from, name, value, sizeof(value));

		CHECK(size >= 0);
		CHECK_INT(lgetxattr(to, name, other, sizeof(other)), size);
		CHECK(memcmp(value, other, (size_t)size) == 0);
	}
}

static void compare_content(int from_folder, int to_folder, const char *name)
{
	CLEAN_FD int from = openat(from_folder, name, O_RDONLY | O_CLOEXEC);
	CLEAN_FD int to = openat(to_folder, name, O_RDONLY | O_CLOEXEC);
	static char a[65536], b[65536];
	ssize_t n;

	CHECK(from >= 0 && to >= 0);
	while ((n = read(from, a, sizeof(a))) > 0) {
		CHECK_INT(read(to, b, sizeof(b)), n);
		CHECK(memcmp(a, b, (size_t)n) == 0);
	}
	CHECK_INT(n, 0);
	CHECK_INT(read(to, b, sizeof(b)), 0);
}

/* Two names of one file there are two names of one file here. */
static void compare_names(struct comparison *comparison, const struct stat *a, const struct stat *b)
{
	CHECK_INT(b->st_nlink, a->st_nlink);
	if (a->st_nlink < 2 || S_ISDIR(a->st_mode))
		return;
	for (size_t i = 0; i < comparison->count; i++) {
		if (comparison->pairs[i].from == a->st_ino)
			CHECK_INT(comparison->pairs[i].to, b->st_ino);
		else
			CHECK(comparison->pairs[i].to != b->st_ino);
		if (comparison->pairs[i].from == a->st_ino)
			return;
	}
	comparison->pairs =
		must_realloc(comparison->pairs, (comparison->count + 1) * sizeof(struct pair));
	comparison->pairs[comparison->count++] = (struct pair){a->st_ino, b->st_ino};
}

static void compare_inode(struct comparison *comparison, int from, int to, const char *name)
{
	char one[512], two[512], target[2][PATH_MAX];
	struct stat a, b;

	CHECK(fstatat(from, name, &a, AT_SYMLINK_NOFOLLOW) == 0);
	if (fstatat(to, name, &b, AT_SYMLINK_NOFOLLOW) < 0)
		printf("# '%s' is missing\n", name);
	CHECK(fstatat(to, name, &b, AT_SYMLINK_NOFOLLOW) == 0);
	CHECK_INT(b.st_mode, a.st_mode);
	CHECK_INT(b.st_uid, a.st_uid);
	CHECK_INT(b.st_gid, a.st_gid);
	CHECK_INT(b.st_rdev, a.st_rdev);
	CHECK_INT(b.st_mtim.tv_sec, a.st_mtim.tv_sec);
	CHECK_INT(b.st_mtim.tv_nsec, a.st_mtim.tv_nsec);
	if (!S_ISDIR(a.st_mode))
		CHECK_INT(b.st_size, a.st_size);
	compare_names(comparison, &a, &b);
	(void)snprintf(one, sizeof(one), "/proc/self/fd/%d/%s", from, name);
	(void)snprintf(two, sizeof(two), "/proc/self/fd/%d/%s", to, name);
	compare_values(one, two);
	if (S_ISLNK(a.st_mode)) {
		ssize_t n = readlinkat(from, name, target[0], PATH_MAX);

		CHECK(n > 0 && readlinkat(to, name, target[1], PATH_MAX) == n);
		CHECK(memcmp(target[0], target[1], (size_t)n) == 0);
	}
	if (S_ISREG(a.st_mode)) {
		CHECK(b.st_blocks <= a.st_blocks + 8);
		compare_content(from, to, name);
	}
}

/* Takes over both fds; goes down without one fd for each level. */
static void compare_folder(struct comparison *comparison, int from, int to)
{
	while (from >= 0) {
		DIR *dir = fdopendir(from);
		struct dirent *entry;
		int next[2] = {-1, -1};

		CHECK(dir);
		while ((entry = readdir(dir))) {
			if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
				continue;
			comparison->entries++;
			compare_inode(comparison, from, to, entry->d_name);
			if (entry->d_type != DT_DIR)
				continue;
			if (next[0] >= 0)
				compare_folder(comparison, next[0], next[1]);
			next[0] = openat(from, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			next[1] = openat(to, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			CHECK(next[0] >= 0 && next[1] >= 0);
		}
		closedir(dir);
		close(to);
		from = next[0];
		to = next[1];
	}
}

static size_t count_entries(int fd)
{
	DIR *dir = fdopendir(dup(fd));
	size_t count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

/* --- making, copying and comparing --- */

struct place {
	char *folder;
	int dir, from, to;
};

static void place_init(struct place *place)
{
	NEED("root", geteuid() == 0, "not root");
	place->folder = folder_make();
	place->dir = open(place->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(mkdirat(place->dir, "from", 0755) == 0 && mkdirat(place->dir, "to", 0700) == 0);
	place->from = openat(place->dir, "from", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	place->to = openat(place->dir, "to", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(place->from >= 0 && place->to >= 0);
}

static void place_done(struct place *place)
{
	struct error err = {0};
	int fd;

	close(place->from);
	close(place->to);
	close(place->dir);
	fd = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (remove_tree(fd, strrchr(place->folder, '/') + 1, &err) < 0)
		printf("# %s\n", err.text);
	close(fd);
	CHECK(!file_exists(AT_FDCWD, place->folder));
	free(place->folder);
}

static void write_file(int folder, const char *name, const char *content)
{
	CLEAN_FD int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	CHECK(fd >= 0 && file_write_all(fd, content, strlen(content)) == 0);
}

static struct copy_totals copy_all(const struct place *place, const struct copy_options *options)
{
	struct comparison comparison = {0};
	struct copy_totals totals = {0};
	struct error err = {0};
	struct stat a, b;
	int r = copy_tree(place->from, place->to, options, &totals, &err);

	if (r < 0)
		printf("# %s\n", err.text);
	CHECK_INT(r, 0);
	CHECK(fstat(place->from, &a) == 0 && fstat(place->to, &b) == 0);
	CHECK(a.st_mode == b.st_mode && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec);
	compare_folder(&comparison, openat(place->from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
	               openat(place->to, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	free(comparison.pairs);
	CHECK_INT(totals.files + totals.folders + totals.others + totals.links, comparison.entries);
	return totals;
}

static void make_attributes(int from)
{
	struct {
		struct posix_acl_xattr_header header;
		struct posix_acl_xattr_entry entries[5];
	} acl = {
		{POSIX_ACL_XATTR_VERSION},
		{ {ACL_USER_OBJ, 6, -1U},
	         {ACL_USER, 6, 1000},
	         {ACL_GROUP_OBJ, 4, -1U},
	         {ACL_MASK, 6, -1U},
	         {ACL_OTHER, 4, -1U}},
	};
	struct vfs_cap_data capability = {.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
	                                  .data = {{1 << 13, 0}}};
	CLEAN_FD int fd = -1;

	write_file(from, "ping", "program");
	fd = openat(from, "ping", O_RDONLY | O_CLOEXEC);
	CHECK(fchown(fd, 7, 8) == 0 && fchmod(fd, 0755) == 0);
	CHECK(fsetxattr(fd, "security.capability", &capability, sizeof(capability), 0) == 0);
	CHECK(fsetxattr(fd, "user.note", "hello", 5, 0) == 0);
	write_file(from, "shared", "acl");
	CHECK(mkdirat(from, "team", 02775) == 0);
	fd_close(&fd);
	fd = openat(from, "team", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(fsetxattr(fd, "system.posix_acl_access", &acl, sizeof(acl), 0) == 0);
	CHECK(fsetxattr(fd, "system.posix_acl_default", &acl, sizeof(acl), 0) == 0);
	CHECK(fchown(fd, 3, 4) == 0 && fchmod(fd, 02775) == 0);
	write_file(fd, "inside", "has an ACL from above");
	CHECK(mkdirat(fd, "below", 0700) == 0);
	fd_close(&fd);
	fd = openat(from, "shared", O_RDONLY | O_CLOEXEC);
	CHECK(fsetxattr(fd, "system.posix_acl_access", &acl, sizeof(acl), 0) == 0);
}

static void make_specials(int from)
{
	static char target[PATH_MAX];
	CLEAN_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	CHECK(mknodat(from, "null", S_IFCHR | 0666, makedev(1, 3)) == 0);
	CHECK(fchmodat(from, "null", 0666, 0) == 0 && fchownat(from, "null", 5, 6, 0) == 0);
	CHECK(mknodat(from, "disk", S_IFBLK | 0660, makedev(7, 1)) == 0);
	CHECK(mknodat(from, "whiteout", S_IFCHR, makedev(0, 0)) == 0);
	CHECK(mkfifoat(from, "fifo", 0640) == 0);
	CHECK(linkat(from, "fifo", from, "fifo2", 0) == 0);
	memset(target, 'x', sizeof(target) - 1);
	CHECK(symlinkat(target, from, "long link") == 0);
	CHECK(symlinkat("/nowhere/at all", from, "dangling") == 0);
	CHECK(fchownat(from, "dangling", 12, 13, AT_SYMLINK_NOFOLLOW) == 0);
	CHECK(linkat(from, "dangling", from, "dangling too", 0) == 0);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/socket", from);
	CHECK(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
}

static char noted[600];

static void note(const char *path, const char *what, void *user)
{
	(void)user;
	(void)snprintf(noted, sizeof(noted), "%s: %s", path, what);
}

TEST(owners_modes_times_attributes_and_special_files_are_kept)
{
	const struct copy_options options = {.note = note};
	const struct timespec old[] = {
		{1,     1        },
                {86400, 123456789}
        };
	struct place place;
	struct copy_totals totals;

	place_init(&place);
	make_attributes(place.from);
	make_specials(place.from);
	write_file(place.from, "suid", "program");
	CHECK(fchownat(place.from, "suid", 1, 2, 0) == 0);
	CHECK(fchmodat(place.from, "suid", 06711, 0) == 0);
	CHECK(mkdirat(place.from, "closed", 0) == 0);
	CHECK(utimensat(place.from, "closed", old, 0) == 0);
	CHECK(utimensat(place.from, "dangling", old, AT_SYMLINK_NOFOLLOW) == 0);
	/* a socket is in neither the totals nor the copy */
	CHECK(unlinkat(place.from, "socket", 0) == 0);
	totals = copy_all(&place, &options);
	CHECK_INT(totals.sockets, 0);
	CHECK_INT(totals.links, 2);
	CHECK(!*noted);
	place_done(&place);
}

TEST(a_socket_is_left_out_and_said)
{
	const struct copy_options options = {.note = note};
	struct copy_totals totals = {0};
	struct error err = {0};
	struct place place;

	place_init(&place);
	make_specials(place.from);
	CHECK_INT(copy_tree(place.from, place.to, &options, &totals, &err), 0);
	CHECK_INT(totals.sockets, 1);
	CHECK(strcmp(noted, "socket: socket left out") == 0);
	CHECK(file_exists(place.to, "fifo") && !file_exists(place.to, "socket"));
	place_done(&place);
}

/* Both trees are the same afterwards; returns how many files were copied, and links made. */
static uint64_t copy_again(struct place *place, struct copy_seen *seen)
{
	const struct copy_options options = {.seen = seen};
	struct comparison comparison = {0};
	struct copy_totals totals = {0};
	struct error err = {0};

	/* as copy_seen_begin(), which writes to disk first for what is mapped into memory */
	CHECK(clock_gettime(CLOCK_REALTIME_COARSE, &seen->before) == 0);
	seen->before.tv_sec -= seen->before.tv_nsec < 100000000L;
	seen->before.tv_nsec = (seen->before.tv_nsec + 900000000L) % 1000000000L;
	if (copy_tree(place->from, place->to, &options, &totals, &err) < 0)
		printf("# %s\n", err.text);
	CHECK_INT(err.code, 0);
	compare_folder(&comparison, openat(place->from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC),
	               openat(place->to, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	free(comparison.pairs);
	CHECK_INT(count_entries(place->to), count_entries(place->from));
	return totals.files + totals.others + totals.links;
}

/* Until the clock of the file system is so far that a time of change proves something. */
static void let_age(struct place *place)
{
	struct timespec now;
	struct stat st;

	CHECK(fchmod(place->from, 0755) == 0 && fstat(place->from, &st) == 0);
	do {
		(void)poll(NULL, 0, 10);
		CHECK(clock_gettime(CLOCK_REALTIME_COARSE, &now) == 0);
	} while ((now.tv_sec - st.st_ctim.tv_sec) * 1000000000L + now.tv_nsec -
	                 st.st_ctim.tv_nsec <=
	         150000000L);
}

static void set_content(int folder, const char *name, const char *content)
{
	struct timespec times[2];
	struct stat st;
	CLEAN_FD int fd = openat(folder, name, O_WRONLY | O_CLOEXEC);

	CHECK(fd >= 0 && fstat(fd, &st) == 0);
	CHECK_INT(st.st_size, strlen(content));
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	CHECK(file_write_all(fd, content, strlen(content)) == 0 && futimens(fd, times) == 0);
}

TEST(a_later_pass_copies_what_changed)
{
	struct copy_seen seen;
	struct place place;
	int a, b;

	place_init(&place);
	copy_seen_init(&seen);
	make_attributes(place.from);
	make_specials(place.from);
	CHECK(unlinkat(place.from, "socket", 0) == 0);
	CHECK(mkdirat(place.from, "a", 0755) == 0 && mkdirat(place.from, "b", 0755) == 0);
	a = openat(place.from, "a", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	b = openat(place.from, "b", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	write_file(a, "same", "from a");
	write_file(b, "same", "from b");
	write_file(a, "one", "of two names");
	CHECK(linkat(a, "one", b, "two", 0) == 0 && linkat(a, "one", place.from, "three", 0) == 0);
	CHECK(mkdirat(a, "gone", 0755) == 0 && mkdirat(b, "now a file", 0755) == 0);
	write_file(b, "now a folder", "x");
	write_file(b, "secret", "12345");
	CHECK(copy_again(&place, &seen) > 10);
	/* what is older than the pass is known by now */
	let_age(&place);
	CHECK(copy_again(&place, &seen) > 10);
	CHECK_INT(copy_again(&place, &seen), 0);
	/* the same size and time, another content */
	set_content(b, "secret", "54321");
	CHECK_INT(copy_again(&place, &seen), 1);
	let_age(&place);
	CHECK_INT(copy_again(&place, &seen), 1);
	/* folders change places: no file in them has changed */
	CHECK(renameat2(place.from, "a", place.from, "b", RENAME_EXCHANGE) == 0);
	(void)copy_again(&place, &seen);
	CHECK_INT(copy_again(&place, &seen), 0);
	/* types, names, attributes */
	CHECK(unlinkat(b, "now a file", AT_REMOVEDIR) == 0);
	CHECK(unlinkat(b, "now a folder", 0) == 0 && mkdirat(b, "now a folder", 0700) == 0);
	write_file(b, "now a file", "y");
	CHECK(unlinkat(a, "gone", AT_REMOVEDIR) == 0 && renameat(b, "two", a, "four") == 0);
	CHECK(unlinkat(place.from, "three", 0) == 0);
	write_file(place.from, "three", "of two names");
	CHECK(unlinkat(place.from, "fifo2", 0) == 0);
	close(a);
	a = openat(place.from, "team", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(fremovexattr(a, "system.posix_acl_default") == 0);
	write_file(a, "without the ACL from above", "x");
	CHECK(fchmodat(a, "inside", 0600, 0) == 0);
	CHECK(copy_again(&place, &seen) >= 7);
	close(a);
	close(b);
	copy_seen_done(&seen);
	place_done(&place);
}

/* Keeps changing the tree until it is killed. */
static void churn(int folder)
{
	for (unsigned int i = 0;; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "%u", i % 50);
		if (i % 3 == 0) {
			(void)unlinkat(folder, name, 0);
			(void)unlinkat(folder, name, AT_REMOVEDIR);
			(void)mkdirat(folder, name, 0755);
		} else if (i % 3 == 1) {
			(void)unlinkat(folder, name, AT_REMOVEDIR);
			close(openat(folder, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
		} else {
			(void)!renameat(folder, name, folder, i % 2 ? "other" : "7");
			(void)!symlinkat("/etc/passwd", folder, name);
		}
	}
}

TEST(a_tree_that_changes_is_no_error)
{
	struct copy_seen seen;
	struct copy_options options = {.seen = &seen, .is_changing = true};
	struct error err = {0};
	struct place place;
	pid_t child;

	place_init(&place);
	copy_seen_init(&seen);
	child = fork();
	if (child == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		churn(place.from);
	}
	for (int i = 0; i < 10; i++) {
		if (copy_tree(place.from, place.to, &options, NULL, &err) < 0)
			printf("# %s\n", err.text);
		CHECK_INT(err.code, 0);
	}
	CHECK(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child);
	(void)copy_again(&place, &seen);
	copy_seen_done(&seen);
	place_done(&place);
}

TEST(holes_stay_holes)
{
	static char page[4096];
	struct place place;
	struct copy_totals totals;
	struct stat st;
	int fd;

	place_init(&place);
	memset(page, 'p', sizeof(page));
	fd = openat(place.from, "sparse", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	CHECK(pwrite(fd, page, sizeof(page), 64 << 20) == sizeof(page));
	CHECK(pwrite(fd, page, sizeof(page), 80 << 20) == sizeof(page));
	CHECK(ftruncate(fd, 90 << 20) == 0);
	close(fd);
	fd = openat(place.from, "only a hole", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	CHECK(ftruncate(fd, 70 << 20) == 0);
	close(fd);
	totals = copy_all(&place, NULL);
	CHECK(totals.bytes <= 64 << 10);
	CHECK(fstatat(place.to, "sparse", &st, 0) == 0);
	CHECK_INT(st.st_size, 90 << 20);
	CHECK(st.st_blocks * 512 <= 64 << 10);
	place_done(&place);
}

/* How many pages of the copy wait for somebody to write them (cachestat(2), since Linux 6.5). */
static uint64_t count_dirty(int folder, const char *name)
{
	struct {
		uint64_t cache, dirty, writeback, evicted, recently_evicted;
	} pages = {0};
	const uint64_t all[2] = {0, 0};
	CLEAN_FD int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);

	CHECK(fd >= 0);
	NEED("cachestat", syscall(451, fd, all, &pages, 0) == 0, "kernel is older than 6.5");
	return pages.dirty;
}

TEST(what_is_big_is_on_its_way_to_the_disk_when_that_is_asked_for)
{
	const struct copy_options options = {.write_out = true};
	static char block[1 << 20];
	struct place place;
	CLEAN_FD int fd = -1;

	place_init(&place);
	memset(block, 'b', sizeof(block));
	fd = openat(place.from, "big", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	for (int i = 0; i < 8; i++)
		CHECK(write(fd, block, sizeof(block)) == sizeof(block));
	write_file(place.from, "small", "is left to who syncs");
	(void)copy_all(&place, &options);
	CHECK_INT(count_dirty(place.to, "big"), 0);
	place_done(&place);
}

TEST(a_file_of_many_names_stays_one_file)
{
	struct copy_totals totals;
	struct place place;
	char name[64];

	place_init(&place);
	for (int i = 0; i < 40; i++) {
		(void)snprintf(name, sizeof(name), "d%d", i);
		CHECK(mkdirat(place.from, name, 0755) == 0);
	}
	for (int i = 0; i < 50; i++) {
		char first[64];

		(void)snprintf(first, sizeof(first), "d%d/f%d", i % 40, i);
		write_file(place.from, first, first);
		for (int j = 0; j < 20; j++) {
			(void)snprintf(name, sizeof(name), "d%d/f%d-%d", (i + j) % 40, i, j);
			CHECK(linkat(place.from, first, place.from, name, 0) == 0);
		}
	}
	totals = copy_all(&place, NULL);
	CHECK_INT(totals.files, 50);
	CHECK_INT(totals.links, 1000);
	place_done(&place);
}

TEST(many_files_in_one_folder_and_in_many)
{
	const struct copy_options one = {.workers = 1};
	struct place place;
	char name[64];

	place_init(&place);
	for (int i = 0; i < 5000; i++) {
		(void)snprintf(name, sizeof(name), "file number %d", i);
		write_file(place.from, name, name);
	}
	for (int i = 0; i < 700; i++) {
		(void)snprintf(name, sizeof(name), "folder %d", i);
		CHECK(mkdirat(place.from, name, 0755) == 0);
		(void)snprintf(name, sizeof(name), "folder %d/file", i);
		write_file(place.from, name, name);
	}
	CHECK_INT(copy_all(&place, NULL).files, 5700);
	place_done(&place);
	place_init(&place);
	write_file(place.from, "alone", "one thread");
	(void)copy_all(&place, &one);
	place_done(&place);
}

TEST(a_tree_deeper_than_any_path)
{
	struct place place;
	char name[256];
	int at, next;

	place_init(&place);
	memset(name, 'n', 255);
	name[255] = '\0';
	at = dup(place.from);
	write_file(place.from, "top", "has other names far below");
	for (int i = 0; i < 3000; i++) {
		CHECK(mkdirat(at, i % 50 ? "d" : name, 0755) == 0);
		CHECK(i % 7 || mkdirat(at, "beside", 0700) == 0);
		CHECK(i % 900 || linkat(place.from, "top", at, "bottom", 0) == 0);
		next = openat(at, i % 50 ? "d" : name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		CHECK(next >= 0);
		close(at);
		at = next;
	}
	write_file(at, name, "at the bottom");
	close(at);
	CHECK_INT(copy_all(&place, NULL).files, 2);
	place_done(&place);
}

/* It would take minutes if each folder were opened from the root. */
TEST(a_tree_as_deep_as_a_guest_likes)
{
	struct copy_totals totals = {0};
	struct error err = {0};
	struct place place;
	int at;

	place_init(&place);
	at = dup(place.from);
	for (int i = 0; i < 6000; i++) {
		int next;

		CHECK(mkdirat(at, "d", 0755) == 0 && mkdirat(at, "e", 0755) == 0);
		next = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		CHECK(next >= 0);
		close(at);
		at = next;
	}
	close(at);
	CHECK_INT(copy_tree(place.from, place.to, NULL, &totals, &err), 0);
	CHECK_INT(totals.folders, 12000);
	place_done(&place);
}

#ifdef __SANITIZE_ADDRESS__
#define COUNTS_MEMORY false /* what is freed is kept */
#else
#define COUNTS_MEMORY true
#endif

TEST(many_names_are_not_kept_at_a_time)
{
	struct copy_totals totals = {0};
	struct error err = {0};
	struct rusage before, after;
	struct place place;
	char name[200];

	NEED("memory", COUNTS_MEMORY, "the address sanitizer keeps what is freed");
	place_init(&place);
	for (int i = 0; i < 30000; i++) {
		(void)snprintf(name, sizeof(name), "%0180d", i);
		close(openat(place.from, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	}
	CHECK(getrusage(RUSAGE_SELF, &before) == 0);
	CHECK_INT(copy_tree(place.from, place.to, NULL, &totals, &err), 0);
	CHECK(getrusage(RUSAGE_SELF, &after) == 0);
	CHECK_INT(totals.files, 30000);
	/* kibibytes: half of what the names take */
	CHECK(after.ru_maxrss - before.ru_maxrss < 3072);
	place_done(&place);
}

TEST(a_symlink_in_the_tree_leads_nowhere)
{
	struct copy_totals totals = {0};
	struct error err = {0};
	struct place place;

	place_init(&place);
	write_file(place.dir, "secret", "of the host");
	CHECK(symlinkat("../secret", place.from, "file") == 0);
	CHECK(symlinkat("..", place.from, "folder") == 0);
	CHECK_INT(copy_tree(place.from, place.to, NULL, &totals, &err), 0);
	CHECK_INT(totals.others, 2);
	CHECK_INT(totals.files + totals.folders, 0);
	place_done(&place);
}

TEST(a_mount_in_the_tree_is_an_error_that_names_it)
{
	struct error err = {0};
	struct place place;
	CLEAN_FREE char *target = NULL;

	NEED("root", geteuid() == 0 && unshare(CLONE_NEWNS) == 0, "no mount namespace of our own");
	CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	place_init(&place);
	CHECK(mkdirat(place.from, "a", 0755) == 0 && mkdirat(place.from, "a/srv", 0755) == 0);
	target = must_printf("%s/from/a/srv", place.folder);
	CHECK(mount("none", target, "tmpfs", 0, NULL) == 0);
	CHECK_INT(copy_tree(place.from, place.to, NULL, NULL, &err), -EXDEV);
	CHECK(strstr(err.text, "'a/srv'") && strstr(err.text, "mount point"));
	CHECK(umount2(target, MNT_DETACH) == 0);
	place_done(&place);
}

TEST(what_does_not_fit_is_an_error_and_all_threads_end)
{
	struct error err = {0};
	struct place place;
	CLEAN_FREE char *target = NULL, *big = NULL;
	int small, fd;

	NEED("root", geteuid() == 0 && unshare(CLONE_NEWNS) == 0, "no mount namespace of our own");
	CHECK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	place_init(&place);
	target = must_printf("%s/to", place.folder);
	CHECK(mount("none", target, "tmpfs", 0, "size=300k") == 0);
	big = must_alloc(1 << 20);
	memset(big, 'b', 1 << 20);
	fd = openat(place.from, "big", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	CHECK(file_write_all(fd, big, 1 << 20) == 0);
	close(fd);
	small = open(target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK_INT(copy_tree(place.from, small, NULL, NULL, &err), -ENOSPC);
	CHECK(strstr(err.text, "'big'"));
	close(small);
	CHECK(umount2(target, MNT_DETACH) == 0);
	place_done(&place);
}

static int stop_at_once(const struct copy_totals *done, void *user, struct error *err)
{
	(void)done;
	(void)user;
	return fail_plain(err, EINTR, "interrupted");
}

TEST(the_caller_can_stop_it)
{
	const struct copy_options options = {.workers = 1, .progress = stop_at_once};
	struct error err = {0};
	struct place place;
	char name[64];
	int r;

	place_init(&place);
	/* more than can be copied before the first tick on any machine: sparse data of 8 GiB */
	for (int i = 0; i < 6000; i++) {
		(void)snprintf(name, sizeof(name), "%d", i);
		CHECK(mkdirat(place.from, name, 0755) == 0);
	}
	r = copy_tree(place.from, place.to, &options, NULL, &err);
	if (r == 0) /* a machine that is quicker */
		CHECK(count_entries(place.to) == 20002);
	else
		CHECK(r == -EINTR && strcmp(err.text, "interrupted") == 0);
	place_done(&place);
}
