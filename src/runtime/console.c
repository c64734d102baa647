/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Allocating ptys inside the container; see the header and pty(7). */
#include "runtime/console.h"

#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/file.h"
#include "runtime/mounts.h"

#include <errno.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <termios.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

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

int console_place(uint64_t ttys, int fds[1 + CONSOLE_TTYS_MAX], struct error *err)
{
	char tty[] = "/dev/tty00";

	for (unsigned int i = 0; i <= ttys; i++) {
		CLEAN_FD int peer = -1;
		int r;

		tty[8] = (char)(i < 10 ? '0' + i : '1');
		tty[9] = (char)(i < 10 ? '\0' : '0' + i % 10);
		fds[i] = console_open(&peer, err);
		if (fds[i] < 0)
			return fds[i];
		r = place(peer, i ? tty : "/dev/console", err);
		if (r < 0)
			return r;
	}
	return 0;
}
