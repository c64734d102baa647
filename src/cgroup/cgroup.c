/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The cgroup of one container: making it in every hierarchy, opening it later, entering it, handing
 * its leaf to the guest. Limits are in limits.c, what ends it is in remove.c.
 */
#include "cgroup/cgroup.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "cgroup/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define DELEGATE_FILE "/sys/kernel/cgroup/delegate"
#define JOIN_LEAF     ".sysc"
#define DELEGATE_MAX  4096
#define V2_ALONE      "/sys/fs/cgroup"
#define SUPERVISORS   ".supervisors"

void cgroup_init(struct cgroup *cgroup)
{
	memset(cgroup, 0, sizeof(*cgroup));
	cgroup->host.v2 = -1;
	cgroup->payload = -1;
	for (unsigned int i = 0; i < CGROUP_HIERARCHIES_MAX; i++)
		cgroup->dirs[i] = cgroup->enter[i] = -1;
}

void cgroup_close(struct cgroup *cgroup)
{
	fd_close(&cgroup->payload);
	for (unsigned int i = 0; i < CGROUP_HIERARCHIES_MAX; i++) {
		fd_close(&cgroup->dirs[i]);
		fd_close(&cgroup->enter[i]);
	}
}

/* Only plain names, so that no path leads out of the hierarchy. */
static int check_path(const char *path, struct error *err)
{
	CLEAN(strings_done) struct strings parts = {0};

	strings_split(&parts, path, "/");
	if (parts.count == 0 || *path == '/' || text_ends(path, "/") || strstr(path, "//") ||
	    text_has_control(path, false))
		return fail_plain(err, EINVAL, "'%s' is no path of a cgroup", path);
	if (strings_has(&parts, ".") || strings_has(&parts, ".."))
		return fail_plain(err, EINVAL, "'%s': '.' and '..' are not allowed here", path);
	return 0;
}

static int set_path(struct cgroup *cgroup, const char *path, struct error *err)
{
	int r = check_path(path, err);

	if (r < 0)
		return r;
	if (strlen(path) >= sizeof(cgroup->path))
		return fail(err, ENAMETOOLONG, "cgroup '%s'", path);
	snprintf(cgroup->path, sizeof(cgroup->path), "%s", path);
	return 0;
}

/* mkdir -p of MOUNT/PATH but for the last part; somebody else may make them at the same time. */
static int make_parents(const struct cgroup_hierarchy *hierarchy, const char *path,
                        struct error *err)
{
	char full[TREE_PATH_MAX];
	int r = tree_path(hierarchy, path, NULL, full);

	if (r < 0)
		return fail(err, -r, "cgroup '%s'", path);
	for (char *at = full + strlen(hierarchy->mount) + 1; (at = strchr(at, '/')); at++) {
		*at = '\0';
		if (mkdir(full, 0755) < 0 && errno != EEXIST)
			return fail(err, errno, "make cgroup '%s'", full);
		*at = '/';
	}
	return 0;
}

/* A left-over of a crash goes first: its limits and sub-cgroups must not outlive it. */
static int clear_left_over(const char *full, struct error *err)
{
	/* looked at first: what a running guest made in there is not ours to remove */
	pid_t pid = tree_wait_for_dying(full);
	int r = pid ? -EBUSY : tree_remove(full);

	if (r == -EBUSY)
		return fail_plain(err, EBUSY, "cgroup '%s' still holds processes (pid %d)", full,
		                  pid);
	if (r < 0)
		return fail(err, -r, "remove left-over cgroup '%s'", full);
	if (mkdir(full, 0755) < 0)
		return fail(err, errno, "make cgroup '%s'", full);
	return 0;
}

static int make_dir(const struct cgroup_hierarchy *hierarchy, const char *path, struct error *err)
{
	char full[TREE_PATH_MAX];
	int r = tree_path(hierarchy, path, NULL, full);

	if (r < 0)
		return fail(err, -r, "cgroup '%s'", path);
	if (mkdir(full, 0755) == 0)
		return 0;
	if (errno == ENOENT) {
		r = make_parents(hierarchy, path, err);
		if (r < 0)
			return r;
		if (mkdir(full, 0755) == 0)
			return 0;
	}
	if (errno == EEXIST)
		return clear_left_over(full, err);
	return fail(err, errno, "make cgroup '%s'", full);
}

/*
 * A v1 cpuset begins empty and takes no task then (cpusets(7)). Copies file from the parent where it
 * is empty, from the top down, since PARENT may be new as well.
 */
static int seed_cpuset_file(const char *mount, const char *path, const char *file,
                            struct error *err)
{
	CLEAN_FREE char *below = must_printf("%s/%s/", mount, path);
	char value[1024] = "", own[1024];

	for (char *at = below + strlen(mount); at; at = strchr(at + 1, '/')) {
		CLEAN_FREE char *full = must_printf("%.*s/%s", (int)(at - below), below, file);
		int r = file_read_small(AT_FDCWD, full, own, sizeof(own));

		if (r < 0)
			return fail(err, -r, "read '%s'", full);
		if (r == 0) {
			r = file_write(AT_FDCWD, full, value, err);
			if (r < 0)
				return r;
		} else {
			memcpy(value, own, sizeof(own));
		}
	}
	return 0;
}

/* cgroup.clone_children of PARENT, set when it was new, spares later containers the copying. */
static int seed_cpuset(const struct cgroup_hierarchy *hierarchy, const char *path,
                       struct error *err)
{
	char file[TREE_PATH_MAX], value[16];
	CLEAN_FREE char *parent = must_dup(path);
	int r = tree_path(hierarchy, path, "cpuset.cpus", file);

	if (r == 0)
		r = file_read_small(AT_FDCWD, file, value, sizeof(value));
	if (r > 0)
		return 0;
	r = seed_cpuset_file(hierarchy->mount, path, "cpuset.cpus", err);
	if (r == 0)
		r = seed_cpuset_file(hierarchy->mount, path, "cpuset.mems", err);
	if (r < 0)
		return r;
	if (strrchr(parent, '/')) {
		*strrchr(parent, '/') = '\0';
		r = tree_path(hierarchy, parent, "cgroup.clone_children", file);
		if (r == 0)
			(void)file_write(AT_FDCWD, file, "1", NULL); /* saves time, nothing else */
	}
	return 0;
}

static int create_v1(struct cgroup *cgroup, unsigned int index, struct error *err)
{
	const struct cgroup_hierarchy *hierarchy = &cgroup->host.hierarchies[index];
	char tasks[TREE_PATH_MAX];
	int r = make_dir(hierarchy, cgroup->path, err);

	if (r == 0 && tree_has(hierarchy, "cpuset"))
		r = seed_cpuset(hierarchy, cgroup->path, err);
	if (r < 0)
		return r;
	r = tree_path(hierarchy, cgroup->path, "tasks", tasks);
	if (r < 0)
		return fail(err, -r, "cgroup '%s'", cgroup->path);
	cgroup->enter[index] = open(tasks, O_WRONLY | O_CLOEXEC);
	if (cgroup->enter[index] < 0)
		return fail(err, errno, "open '%s'", tasks);
	return 0;
}

/*
 * Turns on controllers ("memory pids") for the children of directory. One that cannot be turned on
 * (EBUSY: the cgroup holds processes; cgroups(7)) is an error only when a limit needs it, and found
 * then by its missing file; so each is tried by itself when all at once does not work.
 */
static void enable_controllers(const char *directory, const struct strings *controllers)
{
	CLEAN_FREE char *file = must_printf("%s/cgroup.subtree_control", directory);
	CLEAN(text_done) struct text all = {0};

	for (size_t i = 0; i < controllers->count; i++)
		text_addf(&all, "%s+%s", i ? " " : "", controllers->items[i]);
	if (file_write(AT_FDCWD, file, all.data, NULL) == 0)
		return;
	for (size_t i = 0; i < controllers->count; i++) {
		CLEAN_FREE char *one = must_printf("+%s", controllers->items[i]);

		(void)file_write(AT_FDCWD, file, one, NULL); /* see above */
	}
}

static void read_words(const char *directory, const char *name, struct strings *words)
{
	CLEAN_FREE char *file = must_printf("%s/%s", directory, name);
	char buffer[1024];

	if (file_read_small(AT_FDCWD, file, buffer, sizeof(buffer)) > 0)
		strings_split(words, buffer, " ");
}

/*
 * Controllers of the root, turned on along the path down to the leaf; none of them on hybrid. Of a unit of
 * systemd: those that it has, from there on; what is above is systemd's.
 */
static void enable_path(const struct cgroup_hierarchy *hierarchy, const char *path)
{
	CLEAN(strings_done) struct strings all = {0}, here = {0};
	CLEAN_FREE char *full = must_printf("%s/%s/", hierarchy->mount, path);
	size_t unit = tree_unit_length(path),
	       top = strlen(hierarchy->mount) + (unit ? 1 + unit : 0);
	CLEAN_FREE char *top_path = must_printf("%.*s", (int)top, full);

	read_words(top_path, "cgroup.controllers", &all);
	if (all.count == 0)
		return;
	read_words(full, "cgroup.controllers", &here);
	for (char *at = full + top; at; at = strchr(at + 1, '/')) {
		CLEAN_FREE char *directory = must_printf("%.*s", (int)(at - full), full);

		/* what the new cgroup has already needs nothing above it */
		if (here.count < all.count || !at[1])
			enable_controllers(directory, &all);
	}
}

static int create_v2(struct cgroup *cgroup, unsigned int index, struct error *err)
{
	const struct cgroup_hierarchy *hierarchy = &cgroup->host.hierarchies[index];
	CLEAN_FREE char *depth = must_printf("%d", TREE_DEPTH_MAX - 2);
	int r = make_dir(hierarchy, cgroup->path, err);
	int dir = r < 0 ? r : tree_dir(cgroup, (int)index, err);

	if (dir < 0)
		return dir;
	enable_path(hierarchy, cgroup->path);
	/* what a guest makes below must stay within what removing it can walk */
	r = file_write(dir, "cgroup.max.depth", depth, err);
	if (r < 0)
		return fail_in(err, "cgroup '%s'", cgroup->path);
	if (mkdirat(dir, TREE_LEAF, 0755) < 0)
		return fail(err, errno, "make cgroup '%s/%s'", cgroup->path, TREE_LEAF);
	cgroup->payload = openat(dir, TREE_LEAF, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (cgroup->payload < 0)
		return fail(err, errno, "open cgroup '%s/%s'", cgroup->path, TREE_LEAF);
	return 0;
}

/* Takes away what a failed create made, half made ones too, but nothing that it found in use. */
static void undo_create(const struct cgroup *cgroup, const bool *made)
{
	for (unsigned int i = 0; i < cgroup->host.count; i++) {
		char full[TREE_PATH_MAX];

		if (made[i] &&
		    tree_path(&cgroup->host.hierarchies[i], cgroup->path, NULL, full) == 0)
			(void)tree_remove(full); /* the first error is the one to tell */
	}
}

int cgroup_create(struct cgroup *cgroup, const char *path, struct error *err)
{
	bool made[CGROUP_HIERARCHIES_MAX] = {false};
	int r = set_path(cgroup, path, err);

	if (r == 0)
		r = cgroup_detect(&cgroup->host, NULL, err);
	/* v2 first: a process that is left in there counts, wherever else it is */
	if (r == 0 && cgroup->host.v2 >= 0) {
		r = create_v2(cgroup, (unsigned int)cgroup->host.v2, err);
		made[cgroup->host.v2] = r != -EBUSY;
	}
	for (unsigned int i = 0; i < cgroup->host.count && r == 0; i++) {
		if (cgroup->host.hierarchies[i].is_v2)
			continue;
		r = create_v1(cgroup, i, err);
		made[i] = r != -EBUSY;
	}
	if (r < 0) {
		undo_create(cgroup, made);
		cgroup_close(cgroup);
		cgroup->path[0] =
			'\0'; /* cgroup_remove() must not reach what somebody else runs in */
	}
	return r;
}

int cgroup_open_supervisors(const char *parent)
{
	CLEAN_FREE char *path = must_printf(V2_ALONE "/%s/" SUPERVISORS, parent);
	int fd;

	if (!file_exists(AT_FDCWD, V2_ALONE "/cgroup.controllers"))
		return -1;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && file_make_dirs(path, 0755, NULL) == 0)
		fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd;
}

/* A hierarchy that was mounted later does not have the container: *out stays -1. */
static int open_fd(const struct cgroup_hierarchy *hierarchy, const char *path, const char *name,
                   int flags, int *out, struct error *err)
{
	char full[TREE_PATH_MAX];
	int r = tree_path(hierarchy, path, name, full);

	if (r < 0)
		return fail(err, -r, "cgroup '%s'", path);
	*out = open(full, flags | O_NOFOLLOW | O_CLOEXEC);
	if (*out < 0 && errno != ENOENT)
		return fail(err, errno, "open '%s'", full);
	return *out >= 0;
}

int cgroup_open(struct cgroup *cgroup, const char *path, struct error *err)
{
	unsigned int found = 0;
	int r = set_path(cgroup, path, err);

	if (r == 0)
		r = cgroup_detect(&cgroup->host, NULL, err);
	for (unsigned int i = 0; i < cgroup->host.count && r >= 0; i++) {
		const struct cgroup_hierarchy *hierarchy = &cgroup->host.hierarchies[i];

		if (hierarchy->is_v2)
			r = open_fd(hierarchy, path, TREE_LEAF, O_RDONLY | O_DIRECTORY,
			            &cgroup->payload, err);
		else
			r = open_fd(hierarchy, path, "tasks", O_WRONLY, &cgroup->enter[i], err);
		found += r > 0;
	}
	if (r >= 0 && found == 0)
		r = fail(err, ENOENT, "cgroup '%s'", path);
	if (r < 0)
		cgroup_close(cgroup);
	return r < 0 ? r : 0;
}

int cgroup_prepare_join(struct cgroup *cgroup, struct error *err)
{
	char type[32];
	int leaf;

	if (cgroup->payload < 0)
		return 0;
	if (mkdirat(cgroup->payload, JOIN_LEAF, 0755) < 0 && errno != EEXIST)
		return fail(err, errno, "make cgroup '%s/%s/%s'", cgroup->path, TREE_LEAF,
		            JOIN_LEAF);
	leaf = openat(cgroup->payload, JOIN_LEAF, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (leaf < 0)
		return fail(err, errno, "open cgroup '%s/%s/%s'", cgroup->path, TREE_LEAF,
		            JOIN_LEAF);
	/* beside threaded cgroups of the guest it takes no process, but the leaf itself does then */
	if (file_read_small(leaf, "cgroup.type", type, sizeof(type)) > 0 &&
	    text_is(type, "domain invalid")) {
		fd_close(&leaf);
		return 0;
	}
	fd_close(&cgroup->payload);
	cgroup->payload = leaf;
	return 0;
}

int cgroup_enter(const struct cgroup *cgroup)
{
	for (unsigned int i = 0; i < cgroup->host.count; i++) {
		if (cgroup->enter[i] >= 0 && write(cgroup->enter[i], "0", 1) < 0)
			return -errno;
	}
	return 0;
}

int cgroup_clone_fd(const struct cgroup *cgroup)
{
	return cgroup->payload;
}

static int delegate_one(int dirfd, const char *name, uid_t uid, gid_t gid, struct error *err)
{
	/* a file of a controller that is not turned on here is absent */
	if (fchownat(dirfd, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0 && errno != ENOENT)
		return fail(err, errno, "chown '%s/%s' to %u:%u", TREE_LEAF, name, uid, gid);
	return 0;
}

int cgroup_delegate(struct cgroup *cgroup, uid_t uid, gid_t gid, struct error *err)
{
	CLEAN(strings_done) struct strings names = {0};
	CLEAN(text_done) struct text text = {0};
	int r;

	if (cgroup->payload < 0)
		return 0;
	if (fchown(cgroup->payload, uid, gid) < 0)
		return fail(err, errno, "chown cgroup '%s/%s' to %u:%u", cgroup->path, TREE_LEAF,
		            uid, gid);
	r = file_read(AT_FDCWD, DELEGATE_FILE, DELEGATE_MAX, &text, NULL);
	strings_split(&names, r == 0 && text.data ? text.data : "", "\n");
	if (names.count == 0) /* before Linux 4.15 (Documentation/ABI/stable/sysfs-kernel...) */
		strings_split(&names, "cgroup.procs cgroup.threads cgroup.subtree_control", " ");
	for (size_t i = 0; i < names.count && r >= 0; i++)
		r = delegate_one(cgroup->payload, names.items[i], uid, gid, err);
	return r;
}
