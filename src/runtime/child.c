/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Between clone and exec. Nothing here allocates, takes a lock, uses stdio or looks a name up outside the
 * new root; what must be parsed was parsed by plan.c.
 */
#include "runtime/child.h"

#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/file.h"
#include "base/process.h"
#include "cgroup/cgroup.h"
#include "container/container.h"
#include "runtime/console.h"
#include "runtime/plan.h"
#include "runtime/sync.h"
#include "security/capabilities.h"
#include "security/lsm.h"

#include <errno.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#define WAIT_MS 60000 /* for the supervisor; it ends the child by closing the socket if it fails */

static int become_root(const struct plan *plan, struct error *err)
{
	if (!plan->has_userns)
		return 0;
	if (syscall(SYS_setgroups, 0, NULL) < 0)
		return fail(err, errno, "drop the supplementary groups");
	if (syscall(SYS_setresgid, 0, 0, 0) < 0 || syscall(SYS_setresuid, 0, 0, 0) < 0)
		return fail(err, errno,
		            "become root of the user namespace (idmap.map must map id 0)");
	return 0;
}

/*
 * The new root is mounted over the old one, then the two change places: that needs no directory of the
 * host that the container's root could enter, see pivot_root(2) on ".".
 */
static int enter_root(const struct plan *plan, struct error *err)
{
	CLEAN_FD int root_fd = storage_join(&plan->root, err);

	if (root_fd < 0)
		return root_fd;
	if (sys_move_mount(root_fd, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return fail(err, errno, "mount the root file system");
	if (fchdir(root_fd) < 0)
		return fail(err, errno, "enter the root file system");
	if (sys_pivot_root(".", ".") < 0)
		return fail(err, errno, "make the root file system the root");
	/* the old root is on top of the new one now, and on the old one the layers of an overlay */
	for (unsigned int i = 0; i <= plan->root.layer_count; i++)
		if (umount2(".", MNT_DETACH) < 0)
			return fail(err, errno, "detach the host's file systems");
	if (chdir("/") < 0)
		return fail(err, errno, "enter the root file system");
	return 0;
}

/* A boot id of its own, or journald takes every start for the same boot. */
static int place_boot_id(const struct plan *plan, struct error *err)
{
	static const char source[] = "/dev/.sysc-boot-id";
	static const char target[] = "/proc/sys/kernel/random/boot_id";
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
	                                      MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC};
	CLEAN_FD int fd = open(source, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0444);
	CLEAN_FD int mount = -1;

	if (fd < 0 || file_write_all(fd, plan->boot_id, strlen(plan->boot_id)) < 0)
		return fail(err, errno, "write '%s'", source);
	mount = sys_open_tree(AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (mount < 0 || sys_mount_setattr(mount, "", AT_EMPTY_PATH, &attr) < 0 ||
	    sys_move_mount(mount, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return fail(err, errno, "mount '%s'", target);
	if (unlink(source) < 0)
		return fail(err, errno, "remove '%s'", source);
	return 0;
}

/* Before /proc/sys is covered: through the child's own fresh proc, which nobody else has touched. */
static int set_sysctls(const struct plan *plan, struct error *err)
{
	const struct config *config = &plan->container->config;
	CLEAN_FD int proc_sys = -1;

	if (!plan->sysctl_files.count)
		return 0;
	for (size_t i = 0; i < plan->mounts.count && proc_sys < 0; i++)
		if (strcmp(plan->mounts.rows[i].target, "/proc") == 0)
			proc_sys = openat(plan->mounts.rows[i].fd, "sys",
			                  O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc_sys < 0)
		return fail(err, errno, "open '/proc/sys' of the container");
	for (size_t i = 0; i < plan->sysctl_files.count; i++) {
		const char *value = config->sysctl.values.items[i];
		CLEAN_FD int fd =
			file_open_beneath(proc_sys, plan->sysctl_files.items[i], O_WRONLY, 0);

		if (fd < 0)
			return fail(err, -fd, "sysctl.%s", config->sysctl.names.items[i]);
		if (write(fd, value, strlen(value)) < 0)
			return fail(err, errno, "sysctl.%s: write '%s'",
			            config->sysctl.names.items[i], value);
	}
	return 0;
}

/* Replaces /etc/resolv.conf, also where it is a dangling link to what a resolver would have made. */
static int write_resolv_conf(const struct plan *plan, struct error *err)
{
	CLEAN_FD int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEAN_FD int etc = -1, fd = -1;

	if (!plan->resolv_conf)
		return 0;
	etc = root < 0 ? -errno : file_open_in_root(root, "/etc", O_PATH | O_DIRECTORY, 0);
	if (etc == -ENOENT)
		return 0;
	if (etc < 0)
		return fail(err, -etc, "open '/etc' of the container");
	if (unlinkat(etc, "resolv.conf", 0) < 0 && errno == EROFS)
		return 0; /* a read-only root keeps its own */
	fd = openat(etc, "resolv.conf", O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0 || fchmod(fd, 0644) < 0)
		return fail(err, errno, "write '/etc/resolv.conf' of the container");
	if (file_write_all(fd, plan->resolv_conf, strlen(plan->resolv_conf)) < 0)
		return fail(err, errno, "write '/etc/resolv.conf' of the container");
	return 0;
}

static int set_names(const struct plan *plan, struct error *err)
{
	if (sethostname(plan->hostname, strlen(plan->hostname)) < 0)
		return fail(err, errno, "set the host name '%s'", plan->hostname);
	if (plan->personality && personality(plan->personality) < 0)
		return fail(err, errno, "set the personality");
	/* a keyring of its own; a kernel without keyrings has nothing to share either */
	(void)syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL);
	return 0;
}

/* Mounts, /dev, names: everything up to READY. */
static int build(struct plan *plan, int fds[1 + CONSOLE_TTYS_MAX], struct error *err)
{
	const struct config *config = &plan->container->config;
	int r;

	/* on a shared tree pivot_root(2) refuses, and our mounts would travel to the host */
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return fail(err, errno, "make the mounts of the host slaves");
	if (unshare(CLONE_NEWCGROUP) < 0)
		return fail(err, errno, "make a cgroup namespace");
	r = mounts_make(&plan->mounts, err);
	if (r == 0)
		r = set_sysctls(plan, err);
	if (r == 0)
		r = enter_root(plan, err);
	if (r == 0)
		r = mounts_place(&plan->mounts, err);
	if (r == 0)
		r = devices_place(&plan->devices, err);
	if (r == 0)
		r = place_boot_id(plan, err);
	if (r == 0)
		r = console_place(config->ttys, fds, err);
	if (r == 0)
		r = write_resolv_conf(plan, err);
	if (r == 0)
		r = set_names(plan, err);
	return r;
}

/* The three streams: the console as controlling terminal, or what the caller of execute has. */
static int set_streams(const struct plan *plan, struct error *err)
{
	CLEAN_FD int console = open("/dev/console", O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (console < 0)
		return fail(err, errno, "open '/dev/console'");
	if (setsid() < 0)
		return fail(err, errno, "make a session");
	for (int i = 0; i < 3; i++)
		if (dup2(plan->stdio[i] >= 0 ? plan->stdio[i] : console, i) < 0)
			return fail(err, errno, "set stream %d", i);
	return 0;
}

/* While it still may: the label is put on by the exec, what is set here only announces it. */
static int announce_label(const struct plan *plan, struct error *err)
{
	CLEAN_FD int fd = -1;
	int r;

	if (plan->proc_fd < 0)
		return 0;
	fd = lsm_open(plan->proc_fd);
	if (fd < 0)
		return fail(err, -fd, "open the AppArmor attribute of the container's init");
	r = lsm_set(fd, plan->lsm.label);
	if (r == 0)
		return 0;
	(void)fail(err, -r, "take the AppArmor label '%s'", plan->lsm.label);
	return r == -ENOENT ? fail_hint(err, "no such profile is loaded") : r;
}

static int lose_power(const struct plan *plan, struct error *err)
{
	int r = capabilities_limit(plan->keep_capabilities);

	if (r < 0)
		return fail(err, -r, "limit the capabilities");
	if (plan->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return fail(err, errno, "set no_new_privs");
	r = seccomp_install(&plan->seccomp);
	if (r < 0)
		return fail(err, -r, "load the seccomp filter");
	return 0;
}

/*
 * The socket is close-on-exec: its end tells the supervisor that init runs. Every other fd is marked so
 * too, but for the three streams.
 */
static int run_init(const struct plan *plan, struct error *err)
{
	(void)sys_close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	if (plan->init_fd >= 0) {
		(void)syscall(SYS_execveat, plan->init_fd, "", plan->argv.items, plan->env.items,
		              AT_EMPTY_PATH);
		return fail(err, errno, "run sysc-init");
	}
	(void)execve(plan->argv.items[0], plan->argv.items, plan->env.items);
	if (errno == ENOENT) {
		(void)fail(err, ENOENT, "run '%s'", plan->argv.items[0]);
		return fail_hint(err,
		                 "its interpreter or loader is missing in the root file system");
	}
	if (errno == ENOEXEC) {
		(void)fail(err, ENOEXEC, "run '%s'", plan->argv.items[0]);
		return fail_hint(err, "it is built for another architecture, or no program");
	}
	return fail(err, errno, "run '%s'", plan->argv.items[0]);
}

static int run(struct plan *plan, const struct cgroup *cgroup, int sync_fd, struct error *err)
{
	int fds[1 + CONSOLE_TTYS_MAX], r;

	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* cannot fail for 0 */
	r = cgroup_enter(cgroup);
	if (r < 0)
		return fail(err, -r, "enter the cgroup");
	r = sync_expect(sync_fd, SYNC_GO, NULL, NULL, WAIT_MS, err);
	if (r == 0)
		r = become_root(plan, err);
	if (r == 0)
		r = build(plan, fds, err);
	if (r < 0)
		return r;
	r = sync_send(sync_fd, SYNC_READY, fds, 1 + plan->container->config.ttys);
	if (r < 0)
		return fail(err, -r, "send the console");
	r = sync_expect(sync_fd, SYNC_RUN, NULL, NULL, WAIT_MS, err);
	if (r == 0)
		r = set_streams(plan, err);
	if (r < 0)
		return r;
	process_reset_signals();
	(void)umask(022);
	r = announce_label(plan, err);
	if (r == 0)
		r = lose_power(plan, err);
	if (r < 0)
		return r;
	return run_init(plan, err);
}

void child_run(struct plan *plan, const struct cgroup *cgroup, int sync_fd)
{
	struct error err = {0};

	(void)run(plan, cgroup, sync_fd, &err); /* comes back only with an error */
	sync_send_error(sync_fd, &err);
	_exit(1);
}
