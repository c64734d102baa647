/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel locks the options of mounts that it copies into a mount namespace of another user namespace
 * (lock_mnt_tree() in fs/namespace.c), and a clone of such a mount keeps the lock. So a short-lived process,
 * which shares our table of fds, attaches the mounts in a namespace of its own, copies that namespace into
 * a user namespace that nobody else ever sees, and puts clones of the copies in the place of the originals.
 */
#include "runtime/mounts_lock.h"

#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "runtime/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define NAME_ROOM 24

static bool is_lockable(const struct mount_row *row)
{
	return row->source == MOUNT_OPENED && row->fd >= 0;
}

static void name_of(size_t n, char name[NAME_ROOM])
{
	(void)snprintf(name, NAME_ROOM, "%zu", n);
}

/*
 * An empty tmpfs over the root of our namespace: a copy of the namespace takes our current directory along.
 * It becomes our root too, since whoever is below the topmost root may make no user namespace.
 */
static int enter_stage(void)
{
	CLEAN_FD int fs = sys_fsopen("tmpfs", FSOPEN_CLOEXEC);
	CLEAN_FD int stage = -1;

	if (fs < 0 || sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	stage = sys_fsmount(fs, FSMOUNT_CLOEXEC, 0);
	if (stage < 0 || sys_move_mount(stage, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0 ||
	    fchdir(stage) < 0 || chroot(".") < 0)
		return -errno;
	return 0;
}

static int attach(const struct mount_row *row, const char *name)
{
	CLEAN_FD int file = -1;
	struct stat st;

	if (fstat(row->fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode)) {
		if (mkdir(name, 0700) < 0)
			return -errno;
	} else {
		file = open(name, O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (file < 0)
			return -errno;
	}
	if (sys_move_mount(row->fd, "", AT_FDCWD, name, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return -errno;
	return 0;
}

static int replace(const struct mount_row *row, const char *name)
{
	CLEAN_FD int fd =
		sys_open_tree(AT_FDCWD, name, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);

	return fd < 0 || dup3(fd, row->fd, O_CLOEXEC) < 0 ? -errno : 0;
}

/* In the short-lived process. */
static int lock(const struct mount_list *list)
{
	char name[NAME_ROOM];
	int r = 0;

	/* private: nothing of this may travel to the host */
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -errno;
	r = enter_stage();
	for (size_t i = 0; i < list->count && r == 0; i++) {
		name_of(i, name);
		if (is_lockable(&list->rows[i]))
			r = attach(&list->rows[i], name);
	}
	if (r == 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		r = -errno;
	for (size_t i = 0; i < list->count && r == 0; i++) {
		name_of(i, name);
		if (is_lockable(&list->rows[i]))
			r = replace(&list->rows[i], name);
	}
	return r;
}

int mounts_lock(struct mount_list *list, struct error *err)
{
	struct clone_args args = {.exit_signal = SIGCHLD, .flags = CLONE_FILES};
	bool is_wanted = false;
	int status = 0;
	pid_t pid;

	for (size_t i = 0; i < list->count; i++)
		is_wanted |= is_lockable(&list->rows[i]);
	if (!is_wanted)
		return 0;
	pid = sys_clone3(&args);
	if (pid == 0)
		_exit(-lock(list));
	if (pid < 0)
		return fail(err, errno, "clone a process to lock the mounts");
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return fail(err, errno, "wait for the lock of the mounts");
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return fail(err, WIFEXITED(status) ? WEXITSTATUS(status) : EINTR,
		            "lock the options of the mounts");
	return 0;
}
