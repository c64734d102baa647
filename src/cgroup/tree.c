/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Removing cgroups and killing what is in them, in one hierarchy. A guest may have made cgroups of
 * its own below its leaf, so the walk goes by directory fds, follows nothing and is bounded.
 */
#include "cgroup/tree.h"

#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/process.h"
#include "base/text.h"
#include "cgroup/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define PROCS_MAX (4U << 20) /* bytes of one cgroup.procs */
#define KILL_MAX  256        /* pidfds held at a time */
#define DYING_MS  1000

int tree_path(const struct cgroup_hierarchy *hierarchy, const char *path, const char *file,
              char out[TREE_PATH_MAX])
{
	int length = snprintf(out, TREE_PATH_MAX, "%s/%s%s%s", hierarchy->mount, path,
	                      file ? "/" : "", file ? file : "");

	return length < TREE_PATH_MAX ? 0 : -ENAMETOOLONG;
}

int tree_dir(struct cgroup *cgroup, int index, struct error *err)
{
	char path[TREE_PATH_MAX];
	int r;

	if (cgroup->dirs[index] >= 0)
		return cgroup->dirs[index];
	r = tree_path(&cgroup->host.hierarchies[index], cgroup->path, NULL, path);
	if (r < 0)
		return fail(err, -r, "cgroup '%s'", cgroup->path);
	cgroup->dirs[index] = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (cgroup->dirs[index] < 0)
		return fail(err, errno, "open '%s'", path);
	return cgroup->dirs[index];
}

/* Calls visit(dirfd, name, depth) for each cgroup in the directory fd (which it takes over). */
static int each_child(int fd, unsigned int depth,
                      int (*visit)(int dirfd, const char *name, unsigned int depth, void *data),
                      void *data)
{
	CLEAN_DIR DIR *dir = fdopendir(fd);
	const struct dirent *entry;
	int r = 0;

	if (!dir) {
		r = -errno;
		close(fd);
		return r;
	}
	if (depth >= TREE_DEPTH_MAX)
		return -ELOOP;
	while (r == 0 && (entry = readdir(dir))) {
		bool is_self = text_is(entry->d_name, ".") || text_is(entry->d_name, "..");

		if (entry->d_type == DT_DIR && !is_self)
			r = visit(dirfd(dir), entry->d_name, depth, data);
	}
	return r;
}

static int open_child(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* rmdir says EBUSY for a cgroup with a process and for one with a child alike. */
static int remove_one(int dirfd, const char *name, unsigned int depth, void *data)
{
	int fd, r;

	if (unlinkat(dirfd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (errno != EBUSY && errno != ENOTEMPTY)
		return -errno;
	fd = open_child(dirfd, name);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	r = each_child(fd, depth + 1, remove_one, data);
	if (r < 0)
		return r;
	return unlinkat(dirfd, name, AT_REMOVEDIR) == 0 || errno == ENOENT ? 0 : -errno;
}

int tree_remove(const char *path)
{
	return remove_one(AT_FDCWD, path, 0, NULL);
}

struct pids {
	pid_t items[KILL_MAX];
	size_t count;
};

/* What is beyond the room of pids is found by the next round. */
static void add_pids(const char *text, struct pids *pids)
{
	CLEAN(strings_done) struct strings lines = {0};

	strings_split(&lines, text ? text : "", "\n");
	for (size_t i = 0; i < lines.count && pids->count < KILL_MAX; i++) {
		int64_t pid;

		/* 0 is a process of a pid namespace that is not ours; never signal ourselves */
		if (parse_int(lines.items[i], 1, INT32_MAX, &pid) == 0 && pid != getpid())
			pids->items[pids->count++] = (pid_t)pid;
	}
}

static int list_one(int dirfd, const char *name, unsigned int depth, void *data)
{
	CLEAN(text_done) struct text text = {0};
	CLEAN_FD int fd = open_child(dirfd, name);

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	if (file_read(fd, "cgroup.procs", PROCS_MAX, &text, NULL) == 0)
		add_pids(text.data, data);
	return each_child(fd_take(&fd), depth + 1, list_one, data);
}

static bool pids_has(const struct pids *pids, pid_t pid)
{
	for (size_t i = 0; i < pids->count; i++) {
		if (pids->items[i] == pid)
			return true;
	}
	return false;
}

pid_t tree_first_process(const char *path)
{
	struct pids pids = {.count = 0};

	(void)list_one(AT_FDCWD, path, 0, &pids); /* for a message: what was found counts */
	return pids.count ? pids.items[0] : 0;
}

pid_t tree_wait_for_dying(const char *path)
{
	int64_t deadline = process_clock_ms() + DYING_MS;
	pid_t pid;

	while ((pid = tree_first_process(path))) {
		CLEAN_FD int fd = sys_pidfd_open(pid, 0);
		int64_t left = deadline - process_clock_ms();

		if (left <= 0 || (fd >= 0 && process_wait(fd, left) <= 0))
			return pid;
	}
	return 0;
}

size_t tree_unit_length(const char *path)
{
	size_t length = 0;

	for (const char *end = path; *end; end += *end == '/') {
		CLEAN_FREE char *part = NULL;
		const char *begin = end;

		end = strchrnul(begin, '/');
		part = must_printf("%.*s", (int)(end - begin), begin);
		if (text_ends(part, ".scope") || text_ends(part, ".service"))
			length = (size_t)(end - path);
	}
	return length;
}

int tree_kill(const char *path, int64_t deadline_ms)
{
	struct pids pids = {.count = 0}, still = {.count = 0};
	int fds[KILL_MAX];
	int r = list_one(AT_FDCWD, path, 0, &pids);

	if (r < 0 || pids.count == 0)
		return r;
	for (size_t i = 0; i < pids.count; i++)
		fds[i] = sys_pidfd_open(pids.items[i], 0);
	/* a pid that is listed after its pidfd was opened had not been given to somebody else */
	r = list_one(AT_FDCWD, path, 0, &still);
	for (size_t i = 0; i < pids.count; i++) {
		if (r < 0 || fds[i] < 0 || !pids_has(&still, pids.items[i]))
			fd_close(&fds[i]);
		else
			(void)sys_pidfd_send_signal(fds[i],
			                            SIGKILL); /* ESRCH: it ended by itself */
	}
	for (size_t i = 0; i < pids.count; i++) {
		int64_t left = deadline_ms - process_clock_ms();

		if (fds[i] >= 0)
			(void)process_wait(fds[i],
			                   left > 0 ? left : 0); /* the caller looks again */
		fd_close(&fds[i]);
	}
	return r < 0 ? r : (int)pids.count;
}
