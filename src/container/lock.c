/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Locks by flock(2); see the header. */
#include "container/lock.h"

#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/process.h"
#include "container/container.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

/*
 * Waits for the lock at most timeout_ms. flock(2) itself knows no time limit: a child that shares
 * the open file blocks in it, and the lock it gets is ours as well.
 */
static int wait_for_lock(int fd, int64_t timeout_ms)
{
	CLEAN_FD int pidfd = -1;
	struct clone_args args = {.flags = CLONE_PIDFD};
	pid_t pid;

	args.pidfd = (uint64_t)(uintptr_t)&pidfd;
	pid = sys_clone3(&args);
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		while (flock(fd, LOCK_EX) < 0 && errno == EINTR)
			continue;
		_exit(0);
	}
	(void)process_wait(pidfd, timeout_ms); /* whether the lock is ours is asked next */
	(void)sys_pidfd_send_signal(pidfd, SIGKILL);
	while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		continue;
	return flock(fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
}

int lock_open_file(int fd, const char *path, int64_t timeout_ms)
{
	int r = flock(fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;

	if (r == -EWOULDBLOCK && timeout_ms > 0)
		r = wait_for_lock(fd, timeout_ms);
	return r == 0 && !file_is_current(AT_FDCWD, path, fd) ? -ESTALE : r;
}

/* Notes who holds it, for the message of the next one. */
static void sign(int fd)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%d\n", (int)getpid());

	/* only a message depends on it */
	if (ftruncate(fd, 0) == 0)
		(void)!pwrite(fd, text, (size_t)n, 0);
}

static int busy(int fd, const char *what, struct error *err)
{
	char text[32] = "", path[64], name[32] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	int64_t pid = 0;

	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (parse_int(text, 1, INT32_MAX, &pid) < 0)
		return fail_plain(err, EBUSY, "%s is in use by another command", what);
	(void)snprintf(path, sizeof(path), "/proc/%lld/comm", (long long)pid);
	if (file_read_small(AT_FDCWD, path, name, sizeof(name)) <= 0 ||
	    text_has_control(name, false))
		return fail_plain(err, EBUSY, "%s is in use by process %lld", what, (long long)pid);
	return fail_plain(err, EBUSY, "%s is in use by process %lld (%s)", what, (long long)pid,
	                  name);
}

static int lock_file(const char *folder, mode_t mode, const char *name, const char *what,
                     int64_t timeout_ms, struct error *err)
{
	CLEAN_FREE char *path = must_printf("%s/%s", folder, name);
	int64_t deadline = process_clock_ms() + timeout_ms;

	for (;;) {
		CLEAN_FD int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
		int r;

		if (fd < 0 && errno == ENOENT) {
			r = file_make_dirs(folder, mode, err);
			if (r < 0)
				return r;
			fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
			if (fd < 0 && errno == ENOENT)
				continue; /* removed again in between */
		}
		if (fd < 0)
			return fail(err, errno, "open '%s'", path);
		r = lock_open_file(fd, path, timeout_ms ? deadline - process_clock_ms() : 0);
		if (r == -ESTALE)
			continue; /* its folder was removed */
		if (r == -EWOULDBLOCK)
			return busy(fd, what, err);
		if (r < 0)
			return fail(err, -r, "lock '%s'", path);
		sign(fd);
		return fd_take(&fd);
	}
}

/* Removed or renamed while its lock was waited for, which made its folder again. */
static void forget(const struct container *container)
{
	CLEAN_FREE char *path = must_printf("%s/lock", container->run_dir);

	if (unlink(path) == 0)
		(void)rmdir(container->run_dir); /* with more in it, it is not ours to remove */
}

int lock_container(const struct container *container, int64_t timeout_ms, struct error *err)
{
	CLEAN_FREE char *what = must_printf("container '%s'", container->name);
	int fd = lock_file(container->run_dir, 0700, "lock", what, timeout_ms, err);

	if (fd < 0)
		return fd;
	if (!container_exists(container)) {
		forget(container);
		close(fd);
		return fail_plain(err, ENOENT, "no such container");
	}
	file_drop_temporary(AT_FDCWD, container->file); /* written with this lock held only */
	return fd;
}

int lock_takeover(const struct container *container, int64_t timeout_ms, struct error *err)
{
	CLEAN_FREE char *what = must_printf("the supervisor of '%s'", container->name);

	return lock_file(container->run_dir, 0700, "takeover", what, timeout_ms, err);
}

int lock_store(const struct paths *paths, int64_t timeout_ms, struct error *err)
{
	CLEAN_FREE char *what = must_printf("the store '%s'", paths->store);

	return lock_file(paths->store, 0711, ".lock", what, timeout_ms, err);
}
