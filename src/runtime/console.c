/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Allocating ptys inside the container; see the header and pty(7). */
#include "runtime/console.h"

#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/file.h"
#include "base/process.h"
#include "runtime/mounts.h"
#include "runtime/sync.h"

#include <errno.h>
#include <linux/magic.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

#define HELPER_MS  5000
#define PTMX_MAJOR 5
#define PTMX_MINOR 2

int console_open(int *peer, struct error *err)
{
	CLEAN_FD int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEAN_FD int fd = -1;
	int zero = 0;

	fd = root < 0 ? -errno : file_open_beneath(root, "dev/pts/ptmx", O_RDWR | O_NOCTTY, 0);
	if (fd < 0)
		return fail(err, -fd, "open '/dev/pts/ptmx' of the container");
	if (file_system_of(fd) != DEVPTS_SUPER_MAGIC ||
	    !file_is_char_device(fd, PTMX_MAJOR, PTMX_MINOR))
		return fail_plain(err, EBADF, "'/dev/pts/ptmx' of the container is not a devpts");
	if (ioctl(fd, TIOCSPTLCK, &zero) < 0)
		return fail(err, errno, "unlock a pty of the container");
	*peer = ioctl(fd, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (*peer < 0)
		return fail(err, errno, "open a pty of the container");
	return fd_take(&fd);
}

static int place(int peer, const char *path, struct error *err)
{
	CLEAN_FD int mount =
		sys_open_tree(peer, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	CLEAN_FD int target = -1;

	if (mount < 0)
		return fail(err, errno, "open the pty for '%s' as a mount", path);
	target = mounts_open_target(path, MOUNT_MAKE_FILE);
	if (target < 0)
		return fail(err, -target, "make '%s'", path);
	if (sys_move_mount(mount, "", target, "",
	                   MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return fail(err, errno, "mount '%s'", path);
	return 0;
}

/* Number i, at most CONSOLE_TTYS_MAX, into "/dev/tty00". No stdio: the child of a start calls it. */
static const char *tty_path(char path[], unsigned int i)
{
	path[8] = (char)(i < 10 ? '0' + i : '1');
	path[9] = (char)(i < 10 ? '\0' : '0' + i % 10);
	return path;
}

int console_place(uint64_t ttys, int fds[1 + CONSOLE_TTYS_MAX], struct error *err)
{
	char tty[] = "/dev/tty00";

	for (unsigned int i = 0; i <= ttys; i++) {
		CLEAN_FD int peer = -1;
		int r;

		fds[i] = console_open(&peer, err);
		if (fds[i] < 0)
			return fds[i];
		r = place(peer, i ? tty_path(tty, i) : "/dev/console", err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* In the helper: as root of the container, with its mounts. */
static int enter(int init_fd, bool has_userns, struct error *err)
{
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* cannot fail for 0 */
	if (setns(init_fd, CLONE_NEWNS | (has_userns ? CLONE_NEWUSER : 0)) < 0)
		return fail(err, errno, "enter the container's namespaces");
	if (has_userns &&
	    (syscall(SYS_setgroups, 0, NULL) < 0 || syscall(SYS_setresgid, 0, 0, 0) < 0 ||
	     syscall(SYS_setresuid, 0, 0, 0) < 0))
		return fail(err, errno, "become root of the container");
	return 0;
}

/* What is mounted there is the hung up pty. Where nothing is, the new one comes on top all the same. */
static void unmount_old(uint64_t ttys)
{
	char tty[] = "/dev/tty00";

	(void)umount2("/dev/console", MNT_DETACH | UMOUNT_NOFOLLOW);
	for (unsigned int i = 1; i <= ttys; i++)
		(void)umount2(tty_path(tty, i), MNT_DETACH | UMOUNT_NOFOLLOW);
}

static void run_helper(int init_fd, bool has_userns, uint64_t ttys, int sync_fd)
{
	int fds[1 + CONSOLE_TTYS_MAX];
	struct error err = {0};
	int r = enter(init_fd, has_userns, &err);

	if (r == 0) {
		unmount_old(ttys);
		r = console_place(ttys, fds, &err);
	}
	if (r == 0)
		r = sync_send(sync_fd, SYNC_READY, fds, 1 + ttys);
	if (r < 0)
		sync_send_error(sync_fd, &err);
	_exit(0);
}

int console_renew(int init_fd, bool has_userns, uint64_t ttys, int fds[1 + CONSOLE_TTYS_MAX],
                  struct error *err)
{
	CLEAN_FD int ours = -1, pidfd = -1;
	size_t count = 1 + ttys;
	int ends[2], r = sync_pair(ends, err);
	pid_t pid;

	if (r < 0)
		return r;
	ours = ends[0];
	pid = fork();
	if (pid == 0)
		run_helper(init_fd, has_userns, ttys, ends[1]);
	close(ends[1]);
	if (pid < 0)
		return fail(err, errno, "fork");
	pidfd = sys_pidfd_open(pid, 0);
	r = sync_expect(ours, SYNC_READY, fds, &count, HELPER_MS, err);
	if (r == 0 && count != 1 + ttys)
		r = fail(err, EBADMSG, "receive the ptys of the container");
	/* a file system of the guest may hold it for ever: then it is not waited for */
	(void)sys_pidfd_send_signal(pidfd, SIGKILL);
	if (process_wait(pidfd, HELPER_MS) == 1)
		(void)waitpid(pid, NULL, 0);
	return r;
}
