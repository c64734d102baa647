/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "../lib/tap.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "helpers/confine_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* What act gives behind the filter, in a process of its own; negative: the filter could not be loaded. */
static int behind(bool runs, int (*act)(void))
{
	pid_t pid = fork();
	struct error err;
	int status;

	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		    confine_filter_load(runs, &err) < 0)
			_exit(255);
		_exit(act());
	}
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	return WEXITSTATUS(status) == 255 ? -1 : WEXITSTATUS(status);
}

static int ask_block_size(void)
{
	CLEAN_FD int fd = open("/", O_RDONLY | O_CLOEXEC);
	int size;

	return ioctl(fd, FIGETBSZ, &size) < 0 ? errno : 0;
}

static int make_process(void)
{
	long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	return pid < 0 ? errno : 0;
}

/* A flag that the kernel refuses (CLONE_SIGHAND is missing): EINVAL tells that it was asked. */
static int make_thread_of(unsigned long flags)
{
	return syscall(SYS_clone, CLONE_THREAD | flags, 0, 0, 0, 0) < 0 ? errno : 0;
}

static int make_plain_thread(void)
{
	return make_thread_of(0);
}

static int make_thread_with_mounts(void)
{
	return make_thread_of(CLONE_NEWNS);
}

static int make_thread_with_users(void)
{
	return make_thread_of(CLONE_NEWUSER);
}

static void *do_nothing(void *data)
{
	return data;
}

static int run_thread(void)
{
	pthread_t thread;
	int r = pthread_create(&thread, NULL, do_nothing, NULL);

	return r ? r : pthread_join(thread, NULL);
}

TEST(what_is_not_needed_is_not_there)
{
	CHECK_INT(ask_block_size(), 0);
	CHECK_INT(behind(false, ask_block_size), EPERM);
	CHECK_INT(behind(true, ask_block_size), EPERM);
	CHECK_INT(behind(false, make_process), EPERM);
	CHECK_INT(behind(true, make_process), EPERM);
}

TEST(threads_stay_in_their_namespaces)
{
	CHECK_INT(behind(false, run_thread), 0);
	CHECK_INT(behind(false, make_plain_thread), EINVAL);
	CHECK_INT(behind(false, make_thread_with_mounts), EPERM);
	CHECK_INT(behind(false, make_thread_with_users), EPERM);
}
