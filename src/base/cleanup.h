/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Owners that release themselves when their scope ends. A local that owns something is declared
 * with one of these and leaves the scope by x_take().
 */
#ifndef SYSC_BASE_CLEANUP_H
#define SYSC_BASE_CLEANUP_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_fd(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

static inline void cleanup_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static inline void cleanup_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

#define CLEAN_FD        __attribute__((cleanup(cleanup_fd)))
#define CLEAN_FREE      __attribute__((cleanup(cleanup_free)))
#define CLEAN_DIR       __attribute__((cleanup(cleanup_dir)))
#define CLEAN_FILE      __attribute__((cleanup(cleanup_file)))
/* For a type of our own: CLEAN(config_done) struct config c = {0}; */
#define CLEAN(function) __attribute__((cleanup(function)))

/* Hands the fd out of its owner, which holds -1 from then on. */
static inline int fd_take(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* Closes what *fd holds, if anything, and leaves -1. */
static inline void fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Hands a heap pointer out of its owner, which holds NULL from then on. */
#define ptr_take(pointer)                                   \
	({                                                  \
		__typeof__(pointer) taken_ptr_ = (pointer); \
		(pointer) = NULL;                           \
		taken_ptr_;                                 \
	})

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#endif
