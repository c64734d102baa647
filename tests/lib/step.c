/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs a command and stops it, with all that it starts, before each call that changes something that lasts: a step.
 * At the step of a number it is killed, or the call fails; at each step another command may look at what is there.
 * The kernel asks (seccomp_unotify(2)), so nothing of it depends on times; with several threads or processes the order
 * of the steps may differ from run to run. Used by tests/lib/steps.bash.
 *
 *   step [-l FILE] [-c CLASS] [-n N] [-k main|self | -e ERRNO[+]] [-x|-w COMMAND] [-d] COMMAND...
 *
 *   -l FILE     lists the steps: "N PROGRAM CALL NAME"
 *   -c CLASS    counts only: space (needs room on the disk), sync (writes it to disk); all of those on the disk; host:
 *               these and all else that the host has after it (processes, namespaces, mounts, links, cgroups), and
 *               what processes tell each other
 *   -n N        the step that the following is about
 *   -k main     kills the command there; self: the process whose step it is
 *   -e ERRNO    the call fails with ENOSPC, EIO or EDQUOT; with "+" all of the class after it too
 *   -x COMMAND  is run (by sh) before each step, with its number in STEP
 *   -w COMMAND  the same, but only who makes the call waits for it: its other threads go on, and others
 *   -d          what still runs after the command goes on; otherwise that has SECONDS_LEFT
 *
 * The exit code is the command's, 128+signal; 124: something still ran; 125: this program failed.
 */
#include "base/cleanup.h"
#include "base/compat.h"
#include "base/parse.h"
#include "base/process.h"
#include "base/socket.h"
#include "base/text.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECONDS_LEFT 20
#define FAILED       125
#define OUR_FD       900 /* of the socket that hands over the filter; no command gets that far */

enum class {
	ALL = 0,
	SPACE = 1,
	SYNC = 2,
	HOST = 3
};

/* What names it: a path behind a folder's fd, a path, a file's fd, nothing. */
enum subject {
	AT,
	PATH,
	FILE_FD,
	NONE
};

static const struct row {
	const char *name;
	enum class class;
	enum subject subject;
	unsigned int argument; /* of the subject; of AT the folder's */
	int flags;             /* argument + 2 of AT has one of these; 0: always */
} rows[] = {
	{"open",            SPACE, PATH,    0, O_CREAT | O_TRUNC},
	{"openat",          SPACE, AT,      0, O_CREAT | O_TRUNC},
	{"creat",           SPACE, PATH,    0, 0                },
	{"mkdir",           SPACE, PATH,    0, 0                },
	{"mkdirat",         SPACE, AT,      0, 0                },
	{"mknod",           SPACE, PATH,    0, 0                },
	{"mknodat",         SPACE, AT,      0, 0                },
	{"symlink",         SPACE, PATH,    1, 0                },
	{"symlinkat",       SPACE, AT,      1, 0                },
	{"link",            SPACE, PATH,    1, 0                },
	{"linkat",          SPACE, AT,      2, 0                },
	{"rename",          SPACE, PATH,    1, 0                },
	{"renameat",        SPACE, AT,      2, 0                },
	{"renameat2",       SPACE, AT,      2, 0                },
	{"write",           SPACE, FILE_FD, 0, 0                },
	{"writev",          SPACE, FILE_FD, 0, 0                },
	{"pwrite64",        SPACE, FILE_FD, 0, 0                },
	{"pwritev",         SPACE, FILE_FD, 0, 0                },
	{"sendfile",        SPACE, FILE_FD, 0, 0                },
	{"copy_file_range", SPACE, FILE_FD, 2, 0                },
	{"splice",          SPACE, FILE_FD, 2, 0                },
	{"fallocate",       SPACE, FILE_FD, 0, 0                },
	{"ftruncate",       SPACE, FILE_FD, 0, 0                },
	{"truncate",        SPACE, PATH,    0, 0                },
	{"setxattr",        SPACE, PATH,    0, 0                },
	{"lsetxattr",       SPACE, PATH,    0, 0                },
	{"fsetxattr",       SPACE, FILE_FD, 0, 0                },
	{"fsync",           SYNC,  FILE_FD, 0, 0                },
	{"fdatasync",       SYNC,  FILE_FD, 0, 0                },
	{"syncfs",          SYNC,  FILE_FD, 0, 0                },
	{"unlink",          ALL,   PATH,    0, 0                },
	{"unlinkat",        ALL,   AT,      0, 0                },
	{"rmdir",           ALL,   PATH,    0, 0                },
	{"chmod",           ALL,   PATH,    0, 0                },
	{"fchmod",          ALL,   FILE_FD, 0, 0                },
	{"fchmodat",        ALL,   AT,      0, 0                },
	{"chown",           ALL,   PATH,    0, 0                },
	{"lchown",          ALL,   PATH,    0, 0                },
	{"fchown",          ALL,   FILE_FD, 0, 0                },
	{"fchownat",        ALL,   AT,      0, 0                },
	{"utimensat",       ALL,   AT,      0, 0                },
	{"mount",           ALL,   PATH,    1, 0                },
	{"umount2",         ALL,   PATH,    0, 0                },
	{"move_mount",      ALL,   AT,      2, 0                },
	{"fsmount",         ALL,   NONE,    0, 0                },
	{"ioctl",           ALL,   NONE,    0, 0                }, /* those of disks, see is_step() */
	{"clone",           HOST,  NONE,    0, 0                },
	{"clone3",          HOST,  NONE,    0, 0                },
	{"fork",            HOST,  NONE,    0, 0                },
	{"vfork",           HOST,  NONE,    0, 0                },
	{"execve",          HOST,  PATH,    0, 0                },
	{"execveat",        HOST,  AT,      0, 0                },
	{"unshare",         HOST,  NONE,    0, 0                },
	{"setns",           HOST,  FILE_FD, 0, 0                },
	{"pivot_root",      HOST,  PATH,    0, 0                },
	{"mount_setattr",   HOST,  AT,      0, 0                },
	{"bind",            HOST,  NONE,    0, 0                },
	{"sendto",          HOST,  FILE_FD, 0, 0                },
	{"sendmsg",         HOST,  FILE_FD, 0, 0                },
	{"kill",            HOST,  NONE,    0, 0                },
	{"exit_group",      HOST,  NONE,    0, 0                },
};

/* ioctl(2) types: of loop devices, of file systems (btrfs, FICLONE), FS_IOC_SETFLAGS */
static const unsigned int disk_types[] = {0x4c, 0x94, 'f'};

static struct {
	const char *list, *look;
	FILE *out;
	enum class class;
	uint64_t number;
	bool kill_main, kill_self, from_then, detach, is_async;
	int error;
	pid_t main;
	uint64_t count;
} step;

/* --- what a call is about --- */

static const struct row *row_of(int call)
{
	CLEAN_FREE char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, call);

	for (size_t i = 0; name && i < ARRAY_SIZE(rows); i++)
		if (text_is(rows[i].name, name))
			return &rows[i];
	return NULL;
}

static void read_link(pid_t pid, int fd, char out[4096])
{
	CLEAN_FREE char *path = fd == AT_FDCWD ? must_printf("/proc/%d/cwd", pid)
	                                       : must_printf("/proc/%d/fd/%d", pid, fd);
	ssize_t n = readlink(path, out, 4095);

	out[n > 0 ? n : 0] = '\0';
}

static void read_string(pid_t pid, uint64_t address, char out[4096])
{
	CLEAN_FREE char *path = must_printf("/proc/%d/mem", pid);
	CLEAN_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	/* no farther than the page: the next one may not be there */
	size_t room = 4096 - address % 4096;
	ssize_t n = fd < 0 ? -1 : pread(fd, out, room < 4095 ? room : 4095, (off_t)address);

	out[n > 0 ? n : 0] = '\0';
}

static void find_subject(const struct row *row, const struct seccomp_notif *asked, char out[8192])
{
	const __u64 *arguments = asked->data.args;
	char folder[4096] = "", path[4096] = "";
	pid_t pid = (pid_t)asked->pid;

	if (row->subject == FILE_FD)
		read_link(pid, (int)arguments[row->argument], path);
	else if (row->subject == PATH)
		read_string(pid, arguments[row->argument], path);
	else if (row->subject == AT)
		read_string(pid, arguments[row->argument + 1], path);
	if (row->subject == AT && path[0] != '/')
		read_link(pid, (int)arguments[row->argument], folder);
	(void)snprintf(out, 8192, "%s%s%s", folder, *folder ? "/" : "", path);
}

static bool is_on_disk(const struct row *row, const struct seccomp_notif *asked,
                       const char *subject)
{
	static const char *const elsewhere[] = {"/dev/", "/proc/", "/sys/", "/memfd:"};
	CLEAN_FREE char *path =
		must_printf("/proc/%u/fd/%d", asked->pid, (int)asked->data.args[row->argument]);
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(elsewhere); i++)
		if (text_starts(subject, elsewhere[i]))
			return false;
	/* pipes, sockets and terminals are not */
	return row->subject != FILE_FD ||
	       (stat(path, &st) == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)));
}

static bool is_step(const struct row *row, const struct seccomp_notif *asked, const char *subject)
{
	if (step.class == HOST)
		return true;
	if (step.class != ALL && row->class != step.class)
		return false;
	if (!text_is(row->name, "ioctl"))
		return is_on_disk(row, asked, subject);
	for (size_t i = 0; i < ARRAY_SIZE(disk_types); i++)
		if ((asked->data.args[1] >> 8 & 0xff) == disk_types[i])
			return true;
	return false;
}

/* --- at a step --- */

static void list_step(const struct row *row, const struct seccomp_notif *asked, const char *subject)
{
	CLEAN_FREE char *path = must_printf("/proc/%u/comm", asked->pid);
	CLEAN_FILE FILE *file = fopen(path, "re");
	char program[32] = "?";

	if (!file || !fgets(program, sizeof(program), file))
		(void)snprintf(program, sizeof(program), "?");
	program[strcspn(program, " \n")] = '\0';
	fprintf(step.out, "%llu %s %s %s\n", (unsigned long long)step.count, program, row->name,
	        subject);
	fflush(step.out);
}

static void look(void)
{
	CLEAN_FREE char *number = must_printf("%llu", (unsigned long long)step.count);
	pid_t pid = fork();

	if (pid == 0) {
		if (setenv("STEP", number, 1) < 0)
			_exit(FAILED);
		execl("/bin/sh", "sh", "-c", step.look, NULL);
		_exit(FAILED);
	}
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
}

/* The caller's own thread or another one of the command. */
static bool is_of_main(pid_t thread)
{
	CLEAN_FREE char *path = must_printf("/proc/%d/task/%d", step.main, thread);

	return faccessat(AT_FDCWD, path, F_OK, 0) == 0;
}

/* False: the caller is killed, and must not go on until the signal is there. */
static bool act(const struct seccomp_notif *asked, struct seccomp_notif_resp *answer)
{
	bool dies = step.kill_self || (step.kill_main && is_of_main((pid_t)asked->pid));
	bool is_it = step.count == step.number;

	if (step.look && !step.is_async)
		look();
	if (step.error && (is_it || (step.from_then && step.number && step.count > step.number))) {
		answer->error = -step.error;
		answer->flags = 0;
	}
	/* the number of a thread or process that waits for this answer */
	if (is_it && step.kill_self)
		(void)kill((pid_t)asked->pid, SIGKILL);
	if (is_it && step.kill_main)
		(void)kill(step.main, SIGKILL);
	return !is_it || !dies;
}

/* True: somebody else answers, when the command has come to its end. */
static bool look_apart(int listener, struct seccomp_notif_resp *answer)
{
	if (!step.look || !step.is_async || fork() != 0)
		return step.look && step.is_async;
	look();
	(void)seccomp_notify_respond(listener, answer); /* or killed meanwhile */
	_exit(0);
}

static void serve(int listener, struct seccomp_notif *asked, struct seccomp_notif_resp *answer)
{
	char subject[8192];
	const struct row *row;

	*asked = (struct seccomp_notif){0};
	if (seccomp_notify_receive(listener, asked) < 0)
		return; /* killed meanwhile */
	*answer = (struct seccomp_notif_resp){
		.id = asked->id,
		.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE,
	};
	row = row_of(asked->data.nr);
	if (row) {
		find_subject(row, asked, subject);
		if (is_step(row, asked, subject)) {
			step.count++;
			if (step.out)
				list_step(row, asked, subject);
			if (!act(asked, answer) || look_apart(listener, answer))
				return;
		}
	}
	(void)seccomp_notify_respond(listener, answer); /* or killed meanwhile */
}

/* --- the command --- */

static int add_row(scmp_filter_ctx filter, const struct row *row)
{
	int call = seccomp_syscall_resolve_name(row->name), r = 0;
	unsigned int place = row->argument + (row->subject == AT ? 2 : 1);

	if (call < 0 || (row->class == HOST && step.class != HOST))
		return 0;                  /* not of this machine, or of no matter */
	if (text_is(row->name, "sendmsg")) /* before anybody can answer */
		return seccomp_rule_add(filter, SCMP_ACT_NOTIFY, call, 1,
		                        SCMP_CMP(0, SCMP_CMP_NE, OUR_FD));
	if (!row->flags)
		return seccomp_rule_add(filter, SCMP_ACT_NOTIFY, call, 0);
	for (int bit = 1; bit <= row->flags && r == 0; bit <<= 1)
		if (row->flags & bit)
			r = seccomp_rule_add(
				filter, SCMP_ACT_NOTIFY, call, 1,
				SCMP_CMP(place, SCMP_CMP_MASKED_EQ, (uint64_t)bit, (uint64_t)bit));
	return r;
}

static _Noreturn void be_command(int end, char *argv[])
{
	int socket_fd = fcntl(end, F_DUPFD_CLOEXEC, OUR_FD);
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int listener, r = filter ? 0 : -ENOMEM;

	if (r == 0)
		r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows) && r == 0; i++)
		r = add_row(filter, &rows[i]);
	if (r == 0)
		r = seccomp_load(filter);
	if (r < 0)
		errx(FAILED, "make the filter: %s", strerrordesc_np(-r));
	listener = seccomp_notify_fd(filter);
	if (listener < 0 || socket_fd != OUR_FD || socket_send(socket_fd, "", 1, &listener, 1) < 0)
		errx(FAILED, "hand over the filter");
	close(listener);
	close(socket_fd);
	execvp(argv[0], argv);
	err(FAILED, "run '%s'", argv[0]);
}

static int start(char *argv[])
{
	int ends[2], listener = -1;
	size_t fds = 1;
	char byte;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		err(FAILED, "make a pair of sockets");
	step.main = fork();
	if (step.main == 0)
		be_command(ends[1], argv);
	close(ends[1]);
	if (socket_receive(ends[0], &byte, 1, &listener, &fds) != 1 || fds != 1)
		errx(FAILED, "the command did not begin");
	close(ends[0]);
	return listener;
}

/* Until the command's end: false; until nothing has the filter any more: true. */
static bool watch(int listener, int pidfd, int64_t deadline_ms)
{
	struct seccomp_notif *asked = NULL;
	struct seccomp_notif_resp *answer = NULL;
	bool is_over = false;

	if (seccomp_notify_alloc(&asked, &answer) < 0)
		errx(FAILED, "out of memory");
	for (;;) {
		struct pollfd ends[] = {
			{.fd = listener, .events = POLLIN},
                        {.fd = pidfd,    .events = POLLIN}
                };
		int64_t left_ms = deadline_ms ? deadline_ms - process_clock_ms() : -1;

		if (deadline_ms && left_ms <= 0)
			break;
		if (poll(ends, pidfd < 0 ? 1 : 2, (int)left_ms) < 0)
			continue;
		if (ends[0].revents & POLLIN)
			serve(listener, asked, answer);
		else if (ends[0].revents & POLLHUP)
			is_over = true;
		if (is_over || (pidfd >= 0 && ends[1].revents))
			break;
	}
	seccomp_notify_free(asked, answer);
	return is_over;
}

/* What the command left running needs answers for as long as it does. */
static void go_on(int listener)
{
	int null_fd;

	if (fork() != 0)
		return;
	(void)setsid();
	step.kill_main = false; /* its number may be another's */
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; fd < 256; fd++)
		if (fd <= 2)
			(void)dup2(null_fd, fd);
		else if (fd != listener && (!step.out || fd != fileno(step.out)))
			close(fd);
	(void)watch(listener, -1, 0);
	_exit(0);
}

static int run(char *argv[])
{
	int listener = start(argv), pidfd = sys_pidfd_open(step.main, 0), status = 0;
	bool is_over = watch(listener, pidfd, 0);

	while (waitpid(step.main, &status, 0) < 0 && errno == EINTR)
		continue;
	if (step.detach)
		go_on(listener);
	else if (!is_over &&
	         !watch(listener, -1, process_clock_ms() + (int64_t)SECONDS_LEFT * 1000))
		return 124;
	if (step.look && !step.is_async) {
		step.count++;
		look();
	}
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* --- options --- */

static int read_error(char *name)
{
	static const struct {
		const char *name;
		int number;
	} errors[] = {
		{"ENOSPC", ENOSPC},
                {"EIO",    EIO   },
                {"EDQUOT", EDQUOT}
        };
	char *plus = strchr(name, '+');

	step.from_then = plus != NULL;
	if (plus)
		*plus = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		if (text_is(name, errors[i].name))
			return errors[i].number;
	errx(FAILED, "no error '%s'", name);
}

int main(int argc, char *argv[])
{
	int option;

	while ((option = getopt(argc, argv, "+l:c:n:k:e:x:w:d")) != -1) {
		switch (option) {
		case 'l':
			step.list = optarg;
			break;
		case 'c':
			step.class = text_is(optarg, "space")  ? SPACE
			             : text_is(optarg, "sync") ? SYNC
			             : text_is(optarg, "host") ? HOST
			                                       : ALL;
			break;
		case 'n':
			if (parse_uint(optarg, UINT32_MAX, &step.number) < 0)
				errx(FAILED, "no number '%s'", optarg);
			break;
		case 'k':
			step.kill_main = text_is(optarg, "main");
			step.kill_self = !step.kill_main;
			break;
		case 'e':
			step.error = read_error(optarg);
			break;
		case 'x':
		case 'w':
			step.look = optarg;
			step.is_async = option == 'w';
			break;
		case 'd':
			step.detach = true;
			break;
		default:
			return FAILED;
		}
	}
	if (optind >= argc)
		errx(FAILED, "a command is needed");
	if (step.list) {
		step.out = fopen(step.list, "we");
		if (!step.out)
			err(FAILED, "open '%s'", step.list);
	}
	return run(argv + optind);
}
