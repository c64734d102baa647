/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "container/lock.h"

#include "../lib/folder.h"
#include "../lib/tap.h"
#include "base/error.h"
#include "base/process.h"
#include "container/container.h"

#include <errno.h>
#include <sys/stat.h>

/* A container of a store and a run folder below folder. */
static void open_case(struct paths *paths, struct container *container, const char *folder)
{
	*paths = (struct paths){
		.store = must_printf("%s/store", folder),
		.run = must_printf("%s/run", folder),
		.log = must_printf("%s/log", folder),
	};
	CHECK_INT(container_init(container, paths, "web1", NULL), 0);
	CHECK_INT(file_make_dirs(paths->store, 0711, NULL), 0);
	free(folder_write(folder, "store/web1/config", ""));
}

/* A child that takes the lock, says so, and keeps it until its input ends. */
static pid_t holder(const struct container *container, int *release)
{
	int ready[2], hold[2];
	char byte;
	pid_t pid;

	CHECK(pipe2(ready, O_CLOEXEC) == 0 && pipe2(hold, O_CLOEXEC) == 0);
	pid = fork();
	if (pid == 0) {
		close(hold[1]);
		if (lock_container(container, 0, NULL) < 0)
			_exit(1);
		(void)!write(ready[1], "r", 1);
		(void)!read(hold[0], &byte, 1);
		_exit(0);
	}
	close(ready[1]);
	close(hold[0]);
	CHECK_INT(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	*release = hold[1];
	return pid;
}

TEST(a_held_lock_is_busy_and_says_by_whom)
{
	FOLDER(folder);
	CLEAN(paths_done) struct paths paths;
	CLEAN(container_done) struct container container;
	CLEAN_FREE char *who = NULL;
	struct error err = {0};
	int64_t begin;
	int release = -1, fd;
	pid_t pid;

	open_case(&paths, &container, folder);
	pid = holder(&container, &release);
	who = must_printf("container 'web1' is in use by process %d (", (int)pid);
	CHECK_INT(lock_container(&container, 0, &err), -EBUSY);
	CHECK(text_starts(err.text, who));
	begin = process_clock_ms();
	CHECK_INT(lock_container(&container, 100, &err), -EBUSY);
	CHECK(process_clock_ms() - begin >= 100);
	CHECK(waitpid(-1, NULL, WNOHANG | __WALL) == 0); /* no helper is left */
	close(release);
	fd = lock_container(&container, 10000, &err);
	CHECK(fd >= 0);
	CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	CHECK_INT(waitpid(pid, NULL, 0), pid);
}

TEST(a_lock_dies_with_its_holder)
{
	FOLDER(folder);
	CLEAN(paths_done) struct paths paths;
	CLEAN(container_done) struct container container;
	struct error err = {0};
	int release = -1, fd;
	pid_t pid;

	open_case(&paths, &container, folder);
	pid = holder(&container, &release);
	CHECK_INT(kill(pid, SIGKILL), 0);
	fd = lock_container(&container, 10000, &err);
	CHECK(fd >= 0);
	close(fd);
	close(release);
	CHECK_INT(waitpid(pid, NULL, 0), pid);
}

TEST(a_lock_of_a_removed_folder_is_taken_again)
{
	FOLDER(folder);
	CLEAN(paths_done) struct paths paths;
	CLEAN(container_done) struct container container;
	struct error err = {0};
	struct stat mine, now;
	CLEAN_FREE char *file = NULL;
	int first, second;

	open_case(&paths, &container, folder);
	first = lock_container(&container, 0, &err);
	CHECK(first >= 0);
	CHECK_INT(file_remove_tree(AT_FDCWD, container.run_dir, &err), 0);
	second = lock_container(&container, 0, &err);
	CHECK(second >= 0);
	file = must_printf("%s/lock", container.run_dir);
	CHECK(fstat(second, &mine) == 0 && stat(file, &now) == 0);
	CHECK(mine.st_ino == now.st_ino);
	close(first);
	close(second);
}

TEST(with_it_goes_what_a_killed_command_left)
{
	FOLDER(folder);
	CLEAN(paths_done) struct paths paths;
	CLEAN(container_done) struct container container;
	CLEAN_FREE char *left = NULL;
	int fd;

	open_case(&paths, &container, folder);
	left = folder_write(folder, "store/web1/.config.sysc-new", "half");
	fd = lock_container(&container, 0, NULL);
	CHECK(fd >= 0);
	CHECK(!file_exists(AT_FDCWD, left) && file_exists(AT_FDCWD, container.file));
	close(fd);
}

TEST(of_a_container_that_is_gone_there_is_none_and_nothing_stays)
{
	FOLDER(folder);
	CLEAN(paths_done) struct paths paths;
	CLEAN(container_done) struct container container;
	struct error err = {0};

	open_case(&paths, &container, folder);
	CHECK_INT(unlink(container.file), 0);
	CHECK_INT(lock_container(&container, 0, &err), -ENOENT);
	CHECK(text_is(err.text, "no such container"));
	CHECK(!file_exists(AT_FDCWD, container.run_dir));
}

TEST(the_store_has_a_lock_of_its_own)
{
	FOLDER(folder);
	CLEAN(paths_done) struct paths paths;
	CLEAN(container_done) struct container container;
	struct error err = {0};
	struct stat st;
	int store, other;

	open_case(&paths, &container, folder);
	store = lock_store(&paths, 0, &err);
	CHECK(store >= 0);
	CHECK_INT(stat(paths.store, &st), 0);
	CHECK_INT(st.st_mode & 0777, 0711);
	CHECK_INT(lock_store(&paths, 0, &err), -EBUSY);
	CHECK(text_starts(err.text, "the store '"));
	other = lock_container(&container, 0, &err);
	CHECK(other >= 0);
	close(other);
	close(store);
}
