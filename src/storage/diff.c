/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two trees side by side: a level for each folder on the way that has names to come, and the two folders that are open.
 * They go down by name and come back by "..", which is believed only when it is the folder that was left; so the way
 * back costs the same at any depth, and a guest that moves folders about leads nowhere. Called by sysc snapshot diff.
 */
#include "storage/diff.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "storage/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define SIDES 2

/* A tree. */
struct side {
	int root_fd;        /* the caller's */
	int fd;             /* the folder that is open */
	unsigned int depth; /* of that */
};

/* What a folder is in one of the trees. */
struct part {
	bool is_there;
	dev_t device;
	ino_t number;
	struct strings names;
	size_t next; /* of names */
};

struct level {
	struct walk_node *node; /* held; NULL: the roots */
	size_t path_length;
	struct part parts[SIDES];
};

struct diff {
	struct side sides[SIDES];
	struct level *levels;
	size_t count, room;
	struct text path; /* of the entry that is looked at */
	char *told;       /* the last folder that was told by DIFF_BELOW */
	int (*tell)(const char *path, enum diff_change change, unsigned int ways, void *user,
	            struct error *err);
	void *user;
};

static const char *const way_names[] = {"type", "content", "owner", "mode", "xattr", "below"};

const char *diff_way_name(unsigned int way)
{
	for (size_t i = 0; i < ARRAY_SIZE(way_names); i++)
		if (way == 1U << i)
			return way_names[i];
	return NULL;
}

/* --- one entry --- */

static bool same_bytes(int a, int b)
{
	char one[65536], other[65536];
	ssize_t n, m;

	do {
		n = read(a, one, sizeof(one));
		m = read(b, other, sizeof(other));
		if (n != m || n < 0 || memcmp(one, other, (size_t)n) != 0)
			return false; /* also what cannot be read */
	} while (n > 0);
	return true;
}

static bool same_content(int a_dir, int b_dir, const char *name, const struct stat *a,
                         const struct stat *b)
{
	const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	CLEAN_FD int one = -1, other = -1;

	if (a->st_size != b->st_size)
		return false;
	if (a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec)
		return true;
	one = openat(a_dir, name, flags);
	other = openat(b_dir, name, flags);
	return one >= 0 && other >= 0 && same_bytes(one, other);
}

static bool same_link(int a_dir, int b_dir, const char *name)
{
	char one[PATH_MAX], other[PATH_MAX];
	ssize_t n = readlinkat(a_dir, name, one, sizeof(one));

	return n >= 0 && readlinkat(b_dir, name, other, sizeof(other)) == n &&
	       memcmp(one, other, (size_t)n) == 0;
}

/* All attributes with their values as one text, in the order of their names. */
static void read_attributes(int dir, const char *name, struct text *out)
{
	CLEAN_FREE char *path = must_printf("/proc/self/fd/%d/%s", dir, name);
	CLEAN(strings_done) struct strings names = {0};
	char list[XATTR_LIST_MAX], value[XATTR_SIZE_MAX];
	ssize_t length = llistxattr(path, list, sizeof(list));

	for (ssize_t at = 0; at < length; at += (ssize_t)strlen(list + at) + 1)
		if (!text_starts(list + at, "user.overlay."))
			strings_add(&names, list + at);
	strings_sort(&names);
	for (size_t i = 0; i < names.count; i++) {
		ssize_t n = lgetxattr(path, names.items[i], value, sizeof(value));

		text_add_bytes(out, names.items[i], strlen(names.items[i]) + 1);
		text_add_bytes(out, value, n > 0 ? (size_t)n : 0);
	}
}

static bool same_attributes(int a_dir, int b_dir, const char *name)
{
	CLEAN(text_done) struct text one = {0}, other = {0};

	read_attributes(a_dir, name, &one);
	read_attributes(b_dir, name, &other);
	return one.length == other.length &&
	       (!one.length || memcmp(one.data, other.data, one.length) == 0);
}

/* In which ways one that is in both differs. */
static unsigned int compare(int a_dir, int b_dir, const char *name, const struct stat *a,
                            const struct stat *b)
{
	unsigned int ways = 0;

	if ((a->st_mode & S_IFMT) != (b->st_mode & S_IFMT))
		return DIFF_TYPE;
	if ((S_ISREG(a->st_mode) && !same_content(a_dir, b_dir, name, a, b)) ||
	    (S_ISLNK(a->st_mode) && !same_link(a_dir, b_dir, name)) ||
	    ((S_ISCHR(a->st_mode) || S_ISBLK(a->st_mode)) && a->st_rdev != b->st_rdev))
		ways |= DIFF_CONTENT;
	if (a->st_uid != b->st_uid || a->st_gid != b->st_gid)
		ways |= DIFF_OWNER;
	if (a->st_mode != b->st_mode)
		ways |= DIFF_MODE;
	if (!same_attributes(a_dir, b_dir, name))
		ways |= DIFF_XATTR;
	return ways;
}

/* --- telling --- */

static void set_path(struct diff *diff, size_t above, const char *name)
{
	diff->path.length = above;
	text_addf(&diff->path, "/%s", name);
}

/* A folder on the way was told of, and stands for all that is this far below it. */
static bool is_told(const struct diff *diff)
{
	size_t length = diff->told ? strlen(diff->told) : 0;

	return diff->path.length >= PATH_MAX && diff->told &&
	       strncmp(diff->path.data, diff->told, length) == 0 && diff->path.data[length] == '/';
}

/* So that deep trees have no quadratic output: the last folder whose path can be named stands for the rest. */
static int tell_below(struct diff *diff, struct error *err)
{
	char folder[PATH_MAX];

	memcpy(folder, diff->path.data, sizeof(folder));
	*(char *)memrchr(folder, '/', sizeof(folder)) = '\0';
	free(diff->told);
	diff->told = must_dup(folder);
	return diff->tell(folder, DIFF_CHANGED, DIFF_BELOW, diff->user, err);
}

static int tell(struct diff *diff, enum diff_change change, unsigned int ways, struct error *err)
{
	if (diff->path.length >= PATH_MAX)
		return tell_below(diff, err);
	return diff->tell(diff->path.data, change, ways, diff->user, err);
}

static int fail_folder(const struct walk_node *node, const char *what, int code, struct error *err)
{
	char path[WALK_PATH_MAX];

	return fail(err, code, "%s '/%s'", what, walk_path(node, NULL, path));
}

/* --- levels --- */

static void drop_level(struct level *level)
{
	walk_node_drop(level->node);
	for (int i = 0; i < SIDES; i++)
		strings_done(&level->parts[i].names);
}

static struct level *push_level(struct diff *diff, struct walk_node *node, size_t path_length)
{
	struct level *level;

	if (diff->count == diff->room) {
		diff->room = diff->room ? diff->room * 2 : 64;
		diff->levels = must_realloc(diff->levels, diff->room * sizeof(*diff->levels));
	}
	level = &diff->levels[diff->count++];
	*level = (struct level){.node = walk_node_hold(node), .path_length = path_length};
	return level;
}

static bool is_finished(const struct level *level)
{
	return level->parts[0].next >= level->parts[0].names.count &&
	       level->parts[1].next >= level->parts[1].names.count;
}

static void drop_finished(struct diff *diff)
{
	while (diff->count && is_finished(&diff->levels[diff->count - 1]))
		drop_level(&diff->levels[--diff->count]);
}

static int list_names(int fd, struct strings *out)
{
	CLEAN_FD int again = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	CLEAN_DIR DIR *dir = again < 0 ? NULL : fdopendir(again);
	const struct dirent *entry;

	if (!dir)
		return -errno;
	(void)fd_take(&again); /* the stream's from here */
	while ((errno = 0, entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			strings_add(out, entry->d_name);
	strings_sort(out);
	return -errno;
}

/* Opens what the level is in one of them, in the folder that is open there, and lists it. */
static int enter(struct side *side, struct part *part, const struct walk_node *node)
{
	const char *name = node ? node->name : ".";
	int fd = walk_open_entry(side->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	struct stat st;

	if (fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP)
		return 0; /* it vanished meanwhile, or something else has its name */
	if (fd < 0)
		return fd;
	fd_close(&side->fd);
	side->fd = fd;
	side->depth = node ? node->depth : 0;
	if (fstat(fd, &st) < 0)
		return -errno;
	part->is_there = true;
	part->device = st.st_dev;
	part->number = st.st_ino;
	return list_names(fd, &part->names);
}

/* node NULL: the roots. is_there: in which of them it is a folder. */
static int enter_both(struct diff *diff, struct walk_node *node, size_t path_length,
                      const bool is_there[SIDES], struct error *err)
{
	struct level *level = push_level(diff, node, path_length);

	for (int i = 0; i < SIDES; i++) {
		int r = is_there[i] ? enter(&diff->sides[i], &level->parts[i], node) : 0;

		if (r < 0)
			return fail_folder(node, "read", -r, err);
	}
	return 0;
}

static bool is_left(int fd, const struct part *part)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_dev == part->device && st.st_ino == part->number;
}

static int go_up(int fd, unsigned int steps)
{
	CLEAN_FD int at = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	while (at >= 0 && steps-- > 0) {
		int above = openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);

		fd_close(&at);
		at = above;
	}
	return fd_take(&at);
}

/* Opens the folder of the level again. One that is gone has nothing more in it. */
static void come_back(struct side *side, struct part *part, const struct walk_node *node)
{
	unsigned int depth = node ? node->depth : 0;
	int fd;

	if (!part->is_there || side->depth == depth)
		return;
	fd = go_up(side->fd, side->depth - depth);
	if (fd >= 0 && !is_left(fd, part))
		fd_close(&fd);
	if (fd < 0)
		fd = walk_open(side->root_fd, node, O_PATH | O_DIRECTORY);
	if (fd < 0) {
		part->is_there = false;
		part->next = part->names.count;
		return;
	}
	fd_close(&side->fd);
	side->fd = fd;
	side->depth = depth;
}

/* --- the walk --- */

/* The next name of the level; wanted: in which of its lists it stands. NULL: there is none. */
static const char *take_name(struct level *level, bool wanted[SIDES])
{
	const char *names[SIDES];
	int order;

	for (int i = 0; i < SIDES; i++) {
		const struct part *part = &level->parts[i];

		names[i] = part->next < part->names.count ? part->names.items[part->next] : NULL;
	}
	if (!names[0] && !names[1])
		return NULL;
	order = !names[0] ? 1 : !names[1] ? -1 : strcmp(names[0], names[1]);
	wanted[0] = order <= 0;
	wanted[1] = order >= 0;
	for (int i = 0; i < SIDES; i++)
		level->parts[i].next += wanted[i];
	return names[wanted[0] ? 0 : 1];
}

static int visit(struct diff *diff, struct error *err)
{
	struct level *level = &diff->levels[diff->count - 1];
	struct walk_node *node;
	bool there[SIDES];
	struct stat st[SIDES];
	const char *name;
	int r = 0;

	for (int i = 0; i < SIDES; i++)
		come_back(&diff->sides[i], &level->parts[i], level->node);
	name = take_name(level, there);
	if (!name)
		return 0;
	set_path(diff, level->path_length, name);
	if (is_told(diff))
		return 0;
	for (int i = 0; i < SIDES; i++)
		there[i] = there[i] && level->parts[i].is_there &&
		           fstatat(diff->sides[i].fd, name, &st[i], AT_SYMLINK_NOFOLLOW) == 0;
	if (there[0] && there[1]) {
		unsigned int ways =
			compare(diff->sides[0].fd, diff->sides[1].fd, name, &st[0], &st[1]);

		r = ways ? tell(diff, DIFF_CHANGED, ways, err) : 0;
	} else if (there[0] || there[1]) {
		r = tell(diff, there[0] ? DIFF_REMOVED : DIFF_ADDED, 0, err);
	}
	for (int i = 0; i < SIDES; i++)
		there[i] = there[i] && S_ISDIR(st[i].st_mode);
	if (r < 0 || (!there[0] && !there[1]) || is_told(diff))
		return r;
	node = walk_node_new(level->node, name);
	drop_finished(diff); /* nobody comes back to it */
	r = enter_both(diff, node, diff->path.length, there, err);
	walk_node_drop(node);
	return r;
}

int diff_trees(int a_fd, int b_fd,
               int (*tell_user)(const char *path, enum diff_change change, unsigned int ways,
                                void *user, struct error *err),
               void *user, struct error *err)
{
	struct diff diff = {
		.sides = {{a_fd, -1, 0}, {b_fd, -1, 0}},
                  .tell = tell_user, .user = user
        };
	int r = 0;

	for (int i = 0; i < SIDES && r == 0; i++) {
		diff.sides[i].fd = fcntl(diff.sides[i].root_fd, F_DUPFD_CLOEXEC, 3);
		if (diff.sides[i].fd < 0)
			r = fail(err, errno, "keep the trees open");
	}
	if (r == 0)
		r = enter_both(&diff, NULL, 0, (const bool[SIDES]){true, true}, err);
	while (r == 0 && (drop_finished(&diff), diff.count))
		r = visit(&diff, err);
	while (diff.count)
		drop_level(&diff.levels[--diff.count]);
	for (int i = 0; i < SIDES; i++)
		fd_close(&diff.sides[i].fd);
	text_done(&diff.path);
	free(diff.told);
	free(diff.levels);
	return r;
}
