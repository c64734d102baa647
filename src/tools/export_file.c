/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files of sysc-export, whole or absent; see the header. */
#include "tools/export_file.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/process.h"
#include "base/text.h"
#include "container/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WAIT_MS 5000 /* for another export to the same file */

void export_file_init(struct export_file *file)
{
	*file = (struct export_file){.fd = -1};
}

void export_file_done(struct export_file *file)
{
	if (file->partial)
		(void)unlink(file->partial); /* empty or half: worth nothing */
	fd_close(&file->fd);
	free(file->path);
	free(file->partial);
	export_file_init(file);
}

/* 0: it is ours; -ESTALE: who had it gave it its name, or removed it. */
static int try_partial(const char *partial, const char *path, int64_t left_ms, int *out,
                       struct error *err)
{
	CLEAN_FD int fd =
		open(partial, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	struct stat st;
	int r;

	if (fd < 0)
		return fail(err, errno, "make '%s'", partial);
	r = lock_open_file(fd, partial, left_ms);
	if (r == -ESTALE)
		return r;
	if (r == -EWOULDBLOCK)
		return fail_plain(err, EBUSY, "'%s' is being written by another export", path);
	if (r < 0 || fstat(fd, &st) < 0)
		return fail(err, r < 0 ? -r : errno, "lock '%s'", partial);
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_nlink != 1) {
		(void)fail_plain(err, EPERM, "'%s' is in the way", partial);
		return fail_hint(err, "remove it");
	}
	if (ftruncate(fd, 0) < 0 || fchmod(fd, 0600) < 0) {
		r = fail(err, errno, "empty '%s'", partial);
		(void)unlink(partial); /* ours, and nobody else has it */
		return r;
	}
	*out = fd_take(&fd);
	return 0;
}

/* What packs for an export that was killed ends a moment after it. */
static int open_partial(const char *partial, const char *path, int *out, struct error *err)
{
	int64_t deadline = process_clock_ms() + WAIT_MS;
	int r;

	do
		r = try_partial(partial, path, deadline - process_clock_ms(), out, err);
	while (r == -ESTALE);
	return r;
}

int export_file_open(struct export_file *file, const char *path, struct error *err)
{
	const char *slash = strrchr(path, '/');
	CLEAN_FREE char *partial =
		must_printf("%.*s.%s.partial", slash ? (int)(slash + 1 - path) : 0, path,
	                    slash ? slash + 1 : path);
	struct stat st;
	int r;

	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		(void)fail_plain(err, EEXIST, "'%s' is no plain file", path);
		return fail_hint(err, "-o - writes to standard output");
	}
	r = open_partial(partial, path, &file->fd, err);
	if (r < 0)
		return r;
	file->path = must_dup(path);
	file->partial = ptr_take(partial);
	return 0;
}

int export_file_open_stdout(struct export_file *file, struct error *err)
{
	if (isatty(STDOUT_FILENO)) {
		(void)fail_plain(err, EINVAL, "an archive is not written to a terminal");
		return fail_hint(err, "-o FILE, or a pipe");
	}
	file->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	return file->fd < 0 ? fail(err, errno, "write to standard output") : 0;
}

int export_file_publish(struct export_file *file, struct error *err)
{
	const char *slash = file->path ? strrchr(file->path, '/') : NULL;
	CLEAN_FREE char *folder =
		slash && slash == file->path ? must_dup("/")
		: slash ? must_printf("%.*s", (int)(slash - file->path), file->path)
			: must_dup(".");
	CLEAN_FD int folder_fd = -1;

	if (!file->partial)
		return 0;
	folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fsync(file->fd) < 0)
		return fail(err, errno, "write '%s' to disk", file->path);
	if (rename(file->partial, file->path) < 0)
		return fail(err, errno, "rename '%s' to '%s'", file->partial, file->path);
	free(ptr_take(file->partial));
	if (folder_fd < 0 || fsync(folder_fd) < 0)
		return fail(err, errno, "write '%s' to disk", folder);
	return 0;
}
