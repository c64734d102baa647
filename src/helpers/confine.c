/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making the confined child of sysc-archive and sysc-packages; the list of its system calls is in confine_filter.c. */
#include "helpers/confine.h"

#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "container/idmap.h"
#include "helpers/confine_filter.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define MEMORY_BYTES         (4ULL << 30) /* zstd and xz may ask for windows of 1-2 GiB */
#define PROGRAM_MEMORY_BYTES (1ULL << 30)
#define PROGRAM_FILE_BYTES   (64ULL << 20) /* of each file that a program writes */

/* Everything but GO goes this way round: the child's one message, of fixed size. */
struct report {
	int code;
	char text[ERROR_TEXT_MAX];
};

int confine_tmpfs(uint32_t owner, uint64_t most_bytes, unsigned int attributes, struct error *err)
{
	CLEAN_FD int fs = sys_fsopen("tmpfs", FSOPEN_CLOEXEC);
	char number[16], size[24];
	const char *const options[][2] = {
		{"mode", "0700"},
		{"uid",  number},
		{"gid",  number},
		{"size", size  },
	};
	int fd;

	(void)snprintf(number, sizeof(number), "%u", owner);
	(void)snprintf(size, sizeof(size), "%" PRIu64, most_bytes);
	for (size_t i = 0; fs >= 0 && i < ARRAY_SIZE(options); i++)
		if (sys_fsconfig(fs, FSCONFIG_SET_STRING, options[i][0], options[i][1], 0) < 0)
			return fail(err, errno, "set %s of a tmpfs", options[i][0]);
	fd = fs < 0 || sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0
	             ? -1
	             : sys_fsmount(fs, FSMOUNT_CLOEXEC,
	                           attributes | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID);
	return fd < 0 ? fail(err, errno, "make a tmpfs") : fd;
}

static int take_root_ids(struct error *err)
{
	if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return fail(err, errno, "become root of the user namespace");
	return 0;
}

/* Where the tree is attached by now: neither path is looked up again. */
static int put_mounts(const struct confine *confine, struct error *err)
{
	const struct confine_mount *mount = confine->mounts;

	for (; mount < confine->mounts + CONFINE_MOUNTS && mount->fd; mount++)
		if (sys_move_mount(mount->fd, "", mount->on_fd, "",
		                   MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
			return fail(err, errno, "attach what it is to read");
	return 0;
}

/* Makes the tree the root and lets go of everything else (pivot_root(2), "." over "."). */
static int take_root(const struct confine *confine, int tree_fd, struct error *err)
{
	CLEAN_FD int empty = -1;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return fail(err, errno, "make its mounts private");
	if (tree_fd < 0)
		tree_fd = empty = confine_tmpfs(0, 0, MOUNT_ATTR_RDONLY, err);
	if (tree_fd < 0)
		return tree_fd;
	if (sys_move_mount(tree_fd, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return fail(err, errno, "attach the target directory");
	if (put_mounts(confine, err) < 0)
		return -err->code;
	if (fchdir(tree_fd) < 0 || sys_pivot_root(".", ".") < 0)
		return fail(err, errno, "make the target directory its root");
	if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return fail(err, errno, "let go of the host's file systems");
	return 0;
}

static int limit_resources(const struct confine *confine, struct error *err)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	/* when packing every thread has a stack and a heap, and nothing foreign is unpacked */
	uint64_t memory = confine->runs    ? PROGRAM_MEMORY_BYTES
	                  : confine->packs ? RLIM_INFINITY
	                                   : MEMORY_BYTES;
	uint64_t file = confine->runs ? PROGRAM_FILE_BYTES : RLIM_INFINITY;
	const struct {
		int what;
		uint64_t most;
	} limits[] = {
		{RLIMIT_CORE,   0     },
		{RLIMIT_NOFILE, 64    },
		{RLIMIT_FSIZE,  file  },
#ifndef __SANITIZE_ADDRESS__
		{RLIMIT_AS,     memory},
#endif
	};

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		struct rlimit now;

		if (getrlimit(limits[i].what, &now) < 0)
			return fail(err, errno, "read its limits");
		if (now.rlim_max > limits[i].most)
			now.rlim_max = limits[i].most;
		now.rlim_cur = now.rlim_max;
		if (setrlimit(limits[i].what, &now) < 0)
			return fail(err, errno, "set its limits");
	}
	/* a file over who called's limit is an error of write(2), not a signal */
	return sigaction(SIGXFSZ, &ignore, NULL) < 0 ? fail(err, errno, "ignore SIGXFSZ") : 0;
}

static int limit_capabilities(const struct confine *confine, struct error *err)
{
	static const cap_value_t writes[] = {CAP_CHOWN,    CAP_DAC_OVERRIDE, CAP_FOWNER,
	                                     CAP_FSETID,   CAP_SETFCAP,      CAP_MKNOD,
	                                     CAP_SYS_ADMIN};
	/* trusted.* is neither seen nor set without the last one; the filter has nothing else of it */
	static const cap_value_t reads[] = {CAP_DAC_READ_SEARCH, CAP_SYS_ADMIN};
	const cap_value_t *kept = confine->packs ? reads : writes;
	int count = confine->runs    ? 0
	            : confine->packs ? (int)ARRAY_SIZE(reads)
	                             : (int)ARRAY_SIZE(writes) - (confine->devices ? 0 : 2);
	cap_t caps = cap_init();
	int r = 0;

	if (!caps ||
	    (geteuid() == 0 && count &&
	     (cap_set_flag(caps, CAP_PERMITTED, count, kept, CAP_SET) < 0 ||
	      cap_set_flag(caps, CAP_EFFECTIVE, count, kept, CAP_SET) < 0)) ||
	    cap_set_proc(caps) < 0)
		r = fail(err, errno, "drop its capabilities");
	if (caps)
		(void)cap_free(caps);
	return r;
}

static int compare_fds(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* The terminal, and whatever else who called had open: the child has only what its work takes. */
static int close_others(const struct confine *confine, int tree_fd, int report_fd,
                        struct error *err)
{
	int kept[CONFINE_KEPT + 3 + 2 * CONFINE_MOUNTS] = {confine->input_fd, tree_fd, report_fd};
	int from = 3;
	CLEAN_FD int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null_fd < 0)
		return fail(err, errno, "open '/dev/null'");
	for (int fd = 0; fd < 3; fd++)
		if (fd != confine->input_fd && dup2(null_fd, fd) < 0)
			return fail(err, errno, "let go of the terminal");
	fd_close(&null_fd);
	memcpy(kept + 3, confine->kept_fds, sizeof(confine->kept_fds));
	memcpy(kept + 3 + CONFINE_KEPT, confine->mounts, sizeof(confine->mounts));
	qsort(kept, ARRAY_SIZE(kept), sizeof(kept[0]), compare_fds);
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++) {
		if (kept[i] < from)
			continue;
		if (kept[i] > from &&
		    sys_close_range((unsigned int)from, (unsigned int)kept[i] - 1, 0) < 0)
			return fail(err, errno, "close what is not its own");
		from = kept[i] + 1;
	}
	if (sys_close_range((unsigned int)from, ~0U, 0) < 0)
		return fail(err, errno, "close what is not its own");
	return 0;
}

/* Everything that takes the child's rights away, in the only order that works. */
static int lose_rights(const struct confine *confine, int tree_fd, int report_fd, bool rooted,
                       struct error *err)
{
	struct pollfd parent = {.fd = report_fd, .events = 0};
	int r = rooted ? take_root_ids(err) : 0;

	if (r < 0)
		return r;
	/* after the ids: changing them forgets it (prctl(2)) */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return fail(err, errno, "tie it to its parent");
	if (poll(&parent, 1, 0) > 0)
		_exit(1); /* the parent died before that */
	r = close_others(confine, tree_fd, report_fd, err);
	if (r == 0 && rooted)
		r = take_root(confine, tree_fd, err);
	if (r == 0)
		r = limit_resources(confine, err);
	if (r == 0)
		r = limit_capabilities(confine, err);
	if (r < 0)
		return r;
	if (prctl(PR_SET_DUMPABLE, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return fail(err, errno, "set no_new_privs");
	(void)umask(0); /* modes are the archive's */
	return confine_filter_load(confine->runs, err);
}

static _Noreturn void be_child(const struct confine *confine, int tree_fd, int report_fd,
                               bool rooted)
{
	struct report report = {0};
	struct error err = {0};
	char go;

	if (recv(report_fd, &go, 1, 0) != 1)
		_exit(1); /* the parent gave up */
	if (lose_rights(confine, tree_fd, report_fd, rooted, &err) < 0)
		(void)fail_in(&err, "confine the process");
	else
		(void)confine->work(confine->data, &err);
	report.code = err.code;
	memcpy(report.text, err.text, sizeof(report.text));
	(void)!write(report_fd, &report, sizeof(report)); /* the parent sees its end either way */
	_exit(err.code != 0);
}

/* One that makes device nodes, or reads those of all owners, must be root of the host's ids. */
static bool in_userns(const struct confine *confine)
{
	return !confine->devices && !confine->packs;
}

/* A detached mount of the target in which nothing is followed or run, but for who runs something. */
static int clone_tree(const struct confine *confine, int *out, struct error *err)
{
	bool is_detached = confine->packs || confine->runs;
	struct mount_attr fences = {
		/* nodes can be made all the same: it is only said of opening them (mount(2)) */
		.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
	                    (confine->runs ? 0 : MOUNT_ATTR_NOEXEC | MOUNT_ATTR_NOSYMFOLLOW) |
	                    (is_detached ? MOUNT_ATTR_RDONLY : 0),
		.attr_clr = confine->runs ? MOUNT_ATTR_NOEXEC : 0,
	};
	CLEAN_FD int fd = -1;

	if (confine->root_fd < 0)
		return 0;
	fd = is_detached ? fcntl(confine->root_fd, F_DUPFD_CLOEXEC, 3)
	                 : sys_open_tree(confine->root_fd, "",
	                                 AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (fd < 0)
		return fail(err, errno, "make a mount of the directory");
	if (sys_mount_setattr(fd, "", AT_EMPTY_PATH, &fences) < 0)
		return fail(err, errno, "fence the mount of the directory");
	*out = fd_take(&fd);
	return 0;
}

/* The child's ids, and the tree seen through them so that plain ids land on disk. */
static int give_ids(const struct confine *confine, pid_t pid, int tree_fd, struct error *err)
{
	static const struct idmap plain = {
		.ranges = {{.users = true, .groups = true, .count = IDMAP_CONTAINER_COUNT}},
		.count = 1,
	};
	struct mount_attr map = {.attr_set = MOUNT_ATTR_IDMAP};
	CLEAN_FD int userns = -1;
	char path[64];
	int r = idmap_write(confine->map ? confine->map : &plain, pid, err);

	if (r < 0 || !confine->map || tree_fd < 0 || confine->runs)
		return r;
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	userns = open(path, O_RDONLY | O_CLOEXEC);
	if (userns < 0)
		return fail(err, errno, "open '%s'", path);
	map.userns_fd = (uint64_t)userns;
	if (sys_mount_setattr(tree_fd, "", AT_EMPTY_PATH, &map) < 0)
		return fail(err, errno, "map the ids of the target directory");
	return 0;
}

int confine_start(const struct confine *confine, struct confined *out, struct error *err)
{
	bool rooted = geteuid() == 0;
	struct clone_args args = {.exit_signal = SIGCHLD, .flags = CLONE_PIDFD};
	CLEAN_FD int tree = -1, mine = -1, its = -1;
	struct confined child = {.pid = -1, .pidfd = -1, .report_fd = -1};
	int ends[2], r = rooted ? clone_tree(confine, &tree, err) : 0;

	if (r < 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return fail(err, errno, "make a pair of sockets");
	mine = ends[0];
	its = ends[1];
	if (rooted)
		args.flags |= CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWPID |
		              (in_userns(confine) ? CLONE_NEWUSER : 0);
	args.pidfd = (uint64_t)(uintptr_t)&child.pidfd;
	child.pid = sys_clone3(&args);
	if (child.pid == 0) {
		close(mine);
		be_child(confine, tree, its, rooted);
	}
	if (child.pid < 0)
		return fail(err, errno, "start the confined process");
	child.report_fd = fd_take(&mine);
	child.runs = confine->runs;
	fd_close(&its);
	if (rooted && in_userns(confine))
		r = give_ids(confine, child.pid, tree, err);
	if (r == 0 && send(child.report_fd, "g", 1, MSG_NOSIGNAL) != 1)
		r = fail(err, errno, "start the confined process");
	if (r < 0) {
		(void)confine_end(&child, true, NULL); /* the reason is in err already */
		return r;
	}
	*out = child;
	return 0;
}

/* What the child told; it is foreign by now, so its text is made harmless. */
static int take_report(struct confined *child, int status, struct error *err)
{
	struct report report = {0};
	ssize_t n = recv(child->report_fd, &report, sizeof(report), MSG_DONTWAIT);

	if (n == sizeof(report) && report.code == 0 && status == 0)
		return 0;
	if (n == sizeof(report) && report.code > 0) {
		report.text[sizeof(report.text) - 1] = '\0';
		for (char *c = report.text; *c; c++)
			if ((unsigned char)*c < 32 || *c == 127)
				*c = '?';
		return fail_plain(err, report.code, "%s", report.text);
	}
	if (child->runs && WIFEXITED(status))
		return WEXITSTATUS(status); /* the socket closed when it became the program */
	if (WIFSIGNALED(status))
		return fail_plain(err, EIO, "the confined process was ended by signal %d",
		                  WTERMSIG(status));
	return fail_plain(err, EIO, "the confined process ended without a word");
}

int confine_end(struct confined *child, bool kill_it, struct error *err)
{
	int status = 0, r;

	if (kill_it)
		(void)sys_pidfd_send_signal(child->pidfd, SIGKILL); /* it may have ended */
	while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	r = take_report(child, status, err);
	fd_close(&child->pidfd);
	fd_close(&child->report_fd);
	return r;
}
