/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The list of system calls for the process that unpacks. No process can be made, no program run, no
 * socket opened, nothing mounted. Names that an architecture or an older libseccomp does not know
 * are passed over: they could not be called there either.
 */
#include "helpers/confine_filter.h"

#include "base/cleanup.h"
#include "base/error.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>

static const char *const allowed[] = {
	/* reading and writing */
	"read",
	"write",
	"readv",
	"writev",
	"pread64",
	"pwrite64",
	"lseek",
	"_llseek",
	"close",
	"open",
	"openat",
	"openat2",
	"creat",
	"fcntl",
	"fcntl64",
	"ftruncate",
	"ftruncate64",
	"truncate",
	"truncate64",
	"fallocate",
	"fsync",
	"fdatasync",
	"dup",
	"dup2",
	"dup3",
	/* looking */
	"stat",
	"fstat",
	"lstat",
	"stat64",
	"fstat64",
	"lstat64",
	"newfstatat",
	"fstatat64",
	"statx",
	"statfs",
	"fstatfs",
	"statfs64",
	"fstatfs64",
	"access",
	"faccessat",
	"faccessat2",
	"readlink",
	"readlinkat",
	"getdents",
	"getdents64",
	"getcwd",
	"chdir",
	"fchdir",
	/* making and changing files */
	"mkdir",
	"mkdirat",
	"rmdir",
	"unlink",
	"unlinkat",
	"rename",
	"renameat",
	"renameat2",
	"link",
	"linkat",
	"symlink",
	"symlinkat",
	"mknod",
	"mknodat",
	"chmod",
	"fchmod",
	"fchmodat",
	"fchmodat2",
	"chown",
	"fchown",
	"lchown",
	"fchownat",
	"chown32",
	"fchown32",
	"lchown32",
	"utime",
	"utimes",
	"futimesat",
	"utimensat",
	"utimensat_time64",
	"umask",
	"getxattr",
	"lgetxattr",
	"fgetxattr",
	"setxattr",
	"lsetxattr",
	"fsetxattr",
	"listxattr",
	"llistxattr",
	"flistxattr",
	"removexattr",
	"lremovexattr",
	"fremovexattr",
	/* memory, time, ends */
	"brk",
	"mmap",
	"mmap2",
	"munmap",
	"mremap",
	"mprotect",
	"madvise",
	"futex",
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"sigaltstack",
	"restart_syscall",
	"exit",
	"exit_group",
	"getpid",
	"gettid",
	"tgkill",
	"getuid",
	"geteuid",
	"getgid",
	"getegid",
	"getuid32",
	"geteuid32",
	"getgid32",
	"getegid32",
	"clock_gettime",
	"clock_gettime64",
	"gettimeofday",
	"time",
	"getrandom",
	"poll",
	"ppoll",
	"ppoll_time64",
	"sched_yield",
	"sched_getaffinity",
	"sysinfo",
	"uname",
	"getrusage",
	"prlimit64",
	"getrlimit",
	"ugetrlimit",
	"rseq",
	"set_robust_list",
};

/*
 * What becoming a program takes, and what programs lock their databases with. Neither list has ioctl(2), by which whoever
 * may set trusted.* could freeze the file system of the host: who asks for a terminal by it has none.
 */
static const char *const allowed_program[] = {
	"execve", "arch_prctl", "set_thread_area", "set_tid_address", "set_tls", "flock",
};

static int allow(scmp_filter_ctx filter, const char *const *names, size_t count)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < count; i++) {
		int number = seccomp_syscall_resolve_name(names[i]);

		if (number >= 0)
			r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
	}
	return r;
}

/*
 * Threads of the same process, in its namespaces, and nothing else that clone(2) makes; clone3(2) cannot be looked into.
 */
static int allow_threads(scmp_filter_ctx filter)
{
	static const uint64_t namespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS |
	                                   CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |
	                                   CLONE_NEWNET;
	int r = seccomp_rule_add(
		filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
		SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD | namespaces, CLONE_THREAD));

	if (r == 0)
		r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	return r;
}

int confine_filter_load(bool runs, struct error *err)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r = filter ? allow(filter, allowed, ARRAY_SIZE(allowed)) : -ENOMEM;

	if (r == 0 && runs)
		r = allow(filter, allowed_program, ARRAY_SIZE(allowed_program));
	if (r == 0)
		r = allow_threads(filter);
	if (r == 0)
		r = seccomp_load(filter);
	if (filter)
		seccomp_release(filter);
	return r < 0 ? fail(err, -r, "limit its system calls") : 0;
}
