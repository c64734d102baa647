/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Inside the container, in all its namespaces, still with full capabilities of its user namespace. What is
 * read here (passwd, the pty) is the guest's and is trusted with nothing outside of the guest.
 */
#include "runtime/attach_command.h"

#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/process.h"
#include "runtime/account.h"
#include "runtime/attach.h"
#include "runtime/console.h"
#include "runtime/sync.h"
#include "security/capabilities.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>

static const char clean_path[] =
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

void attach_command_done(struct attach_command *command)
{
	seccomp_program_done(&command->seccomp);
	fd_close(&command->proc_fd);
}

/*
 * The size of the caller's terminal, before the command can ask for it. Later changes are the relay's work.
 */
static void copy_size(const bool *is_tty, int peer)
{
	struct winsize size;

	for (int i = 0; i < 3; i++) {
		if (!is_tty[i] || ioctl(i, TIOCGWINSZ, &size) < 0)
			continue;
		(void)ioctl(peer, TIOCSWINSZ, &size); /* only a convenience */
		return;
	}
}

/*
 * Own session, but for a caller that has a group of its own to be killed as a whole, and no terminal; the
 * streams that are the caller's terminal become a pty of the container.
 */
static int set_streams(const struct attach_options *options, int *ptx_fd, struct error *err)
{
	const bool *tty = options->stream_is_tty;
	CLEAN_FD int peer = -1;

	*ptx_fd = -1;
	if (options->keep_group && !tty[0] && !tty[1] && !tty[2])
		return 0;
	if (setsid() < 0)
		return fail(err, errno, "make a session");
	if (!tty[0] && !tty[1] && !tty[2])
		return 0;
	*ptx_fd = console_open(&peer, err);
	if (*ptx_fd < 0)
		return *ptx_fd;
	if (ioctl(peer, TIOCSCTTY, 0) < 0)
		return fail(err, errno, "make the pty the controlling terminal");
	copy_size(tty, peer);
	for (int i = 0; i < 3; i++)
		if (tty[i] && dup2(peer, i) < 0)
			return fail(err, errno, "set stream %d", i);
	return 0;
}

/* Sets NAME=value, in the place of an older value. */
static void set_variable(struct strings *env, const char *assignment)
{
	size_t name = strcspn(assignment, "=") + 1;

	for (size_t i = 0; i < env->count; i++) {
		if (strncmp(env->items[i], assignment, name) != 0)
			continue;
		free(env->items[i]);
		env->items[i] = must_dup(assignment);
		return;
	}
	strings_add(env, assignment);
}

static void set_pair(struct strings *env, const char *name, const char *value)
{
	CLEAN_FREE char *assignment = must_printf("%s=%s", name, value);

	set_variable(env, assignment);
}

static void make_env(const struct attach_options *options, const struct account *account,
                     struct strings *env)
{
	for (char *const *item = options->caller_env; item && *item; item++)
		strings_add(env, *item);
	if (!options->caller_env || !options->caller_env[0])
		strings_add(env, clean_path);
	if (options->term)
		set_pair(env, "TERM", options->term);
	set_pair(env, "HOME", account->home);
	set_pair(env, "USER", account->name);
	set_pair(env, "LOGNAME", account->name);
	set_pair(env, "SHELL", account->shell);
	set_pair(env, "container", "lxc");
	for (size_t i = 0; i < options->env.count; i++)
		set_variable(env, options->env.items[i]);
}

/* The fd is the command's own, opened through the host's /proc: the container's may be anything. */
static int announce_label(const struct attach_command *command, struct error *err)
{
	CLEAN_FD int fd = -1;
	int r;

	if (command->proc_fd < 0)
		return 0;
	fd = lsm_open(command->proc_fd);
	r = fd < 0 ? fd : lsm_set(fd, command->label);
	return r < 0 ? fail(err, -r, "take the AppArmor label '%s'", command->label) : 0;
}

/* Everything that needs power first, then the ids, whose change takes the rest of it. */
static int become(const struct attach_command *command, const struct account *account,
                  struct error *err)
{
	const struct attach_options *options = command->options;
	int r = announce_label(command, err);

	if (r < 0)
		return r;
	r = options->keep_capabilities ? 0 : capabilities_limit(command->keep_capabilities);
	if (r < 0)
		return fail(err, -r, "limit the capabilities");
	if (options->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return fail(err, errno, "set no_new_privs");
	r = seccomp_install(&command->seccomp);
	if (r < 0)
		return fail(err, -r, "load the seccomp filter");
	if (syscall(SYS_setgroups, account->group_count, account->groups) < 0)
		return fail(err, errno, "set the groups of user '%s'", account->name);
	if (syscall(SYS_setresgid, account->gid, account->gid, account->gid) < 0 ||
	    syscall(SYS_setresuid, account->uid, account->uid, account->uid) < 0)
		return fail(err, errno, "become user '%s' (%u:%u)", account->name, account->uid,
		            account->gid);
	return 0;
}

static int change_directory(const struct attach_options *options, const struct account *account,
                            struct error *err)
{
	if (options->cwd) {
		if (chdir(options->cwd) < 0)
			return fail(err, errno, "enter directory '%s' of the container",
			            options->cwd);
		return 0;
	}
	if (chdir(account->home) < 0 && chdir("/") < 0)
		return fail(err, errno, "enter '/' of the container");
	return 0;
}

/* execvp(3) with the PATH of env: ENOENT only when no folder has it. */
static int exec_in_path(char *const *argv, const struct strings *env, struct error *err)
{
	CLEAN(strings_done) struct strings folders = {0};
	int worst = ENOENT;

	if (strchr(argv[0], '/')) {
		(void)execve(argv[0], argv, env->items);
		return fail(err, errno, "run '%s'", argv[0]);
	}
	for (size_t i = 0; i < env->count; i++)
		if (text_starts(env->items[i], "PATH="))
			strings_split(&folders, env->items[i] + 5, ":");
	for (size_t i = 0; i < folders.count; i++) {
		CLEAN_FREE char *path = must_printf("%s/%s", folders.items[i], argv[0]);

		(void)execve(path, argv, env->items);
		if (errno != ENOENT && errno != ENOTDIR)
			worst = errno;
	}
	return fail(err, worst, "run '%s'", argv[0]);
}

static int run(const struct attach_command *command, int sync_fd, struct error *err)
{
	const struct attach_options *options = command->options;
	CLEAN(account_done) struct account account = {0};
	CLEAN(strings_done) struct strings env = {0};
	int fds[2] = {-1, -1}, r;
	char *shell[2] = {NULL, NULL};

	fds[0] = sys_pidfd_open(getpid(), 0);
	if (fds[0] < 0)
		return fail(err, errno, "open the pidfd of the command");
	r = account_find(options->user ? options->user : "0", &account, err);
	if (r == 0)
		r = set_streams(options, &fds[1], err);
	if (r < 0)
		return r;
	make_env(options, &account, &env);
	/* as late as can be: what fails after this is a failed exec */
	r = become(command, &account, err);
	if (r == 0)
		r = change_directory(options, &account, err);
	if (r < 0)
		return r;
	r = sync_send(sync_fd, SYNC_READY, fds, fds[1] >= 0 ? 2 : 1);
	if (r < 0)
		return fail(err, -r, "announce the command");
	shell[0] = account.shell;
	process_reset_signals();
	(void)umask(022);
	(void)sys_close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	return exec_in_path(options->argv && options->argv[0] ? options->argv : shell, &env, err);
}

void attach_command_run(const struct attach_command *command, int sync_fd)
{
	struct error err = {0};

	(void)run(command, sync_fd, &err); /* comes back only with an error */
	sync_send_error(sync_fd, &err);
	_exit(127);
}
