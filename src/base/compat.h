/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * System calls that older C libraries have no wrapper for, all under the prefix sys_. Each returns
 * what the kernel's wrapper would: -1 and errno, or the value. Numbers and structures come from the
 * kernel's own headers (Linux 5.12 or newer to build, checked by configure).
 */
#ifndef SYSC_BASE_COMPAT_H
#define SYSC_BASE_COMPAT_H

#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#ifndef PIDFD_NONBLOCK
#define PIDFD_NONBLOCK O_NONBLOCK
#endif
#ifndef SYS_quotactl_fd
#define SYS_quotactl_fd 443 /* Linux 5.14 */
#endif
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

static inline int sys_openat2(int dirfd, const char *path, const struct open_how *how)
{
	return (int)syscall(SYS_openat2, dirfd, path, how, sizeof(*how));
}

static inline pid_t sys_clone3(struct clone_args *args)
{
	return (pid_t)syscall(SYS_clone3, args, sizeof(*args));
}

static inline int sys_pidfd_open(pid_t pid, unsigned int flags)
{
	return (int)syscall(SYS_pidfd_open, pid, flags);
}

static inline int sys_pidfd_send_signal(int pidfd, int signal)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

/*
 * struct pidfd_info of linux/pidfd.h in its first version (Linux 6.13); exit_code, a wait status, since 6.15, and
 * only of a process that was reaped.
 */
struct sys_pidfd_info {
	uint64_t mask, cgroupid;
	uint32_t pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
	int32_t exit_code;
};

#define SYS_PIDFD_INFO_EXIT 8U
#define SYS_PIDFD_GET_INFO  _IOWR(0xff, 11, struct sys_pidfd_info)

static inline int sys_pidfd_get_info(int pidfd, struct sys_pidfd_info *info)
{
	return ioctl(pidfd, SYS_PIDFD_GET_INFO, info);
}

static inline int sys_close_range(unsigned int first, unsigned int last, unsigned int flags)
{
	return (int)syscall(SYS_close_range, first, last, flags);
}

static inline int sys_open_tree(int dirfd, const char *path, unsigned int flags)
{
	return (int)syscall(SYS_open_tree, dirfd, path, flags);
}

static inline int sys_move_mount(int from_fd, const char *from, int to_fd, const char *to,
                                 unsigned int flags)
{
	return (int)syscall(SYS_move_mount, from_fd, from, to_fd, to, flags);
}

static inline int sys_fsopen(const char *type, unsigned int flags)
{
	return (int)syscall(SYS_fsopen, type, flags);
}

static inline int sys_fsconfig(int fd, unsigned int command, const char *key, const void *value,
                               int aux)
{
	return (int)syscall(SYS_fsconfig, fd, command, key, value, aux);
}

static inline int sys_fsmount(int fd, unsigned int flags, unsigned int attributes)
{
	return (int)syscall(SYS_fsmount, fd, flags, attributes);
}

static inline int sys_mount_setattr(int fd, const char *path, unsigned int flags,
                                    const struct mount_attr *attributes)
{
	return (int)syscall(SYS_mount_setattr, fd, path, flags, attributes, sizeof(*attributes));
}

/* attr: union bpf_attr of linux/bpf.h */
static inline int sys_bpf(int command, void *attr, unsigned int size)
{
	return (int)syscall(SYS_bpf, command, attr, size);
}

static inline int sys_quotactl_fd(int fd, unsigned int command, unsigned int id, void *argument)
{
	return (int)syscall(SYS_quotactl_fd, fd, command, id, argument);
}

static inline int sys_pivot_root(const char *new_root, const char *put_old)
{
	return (int)syscall(SYS_pivot_root, new_root, put_old);
}

#endif
