/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A temporary folder of one test case: FOLDER(folder) declares its path and an fd, gone at the end. */
#ifndef TESTS_FOLDER_H
#define TESTS_FOLDER_H

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"
#include "tap.h"

#include <fcntl.h>

static inline char *folder_make(void)
{
	char *path = must_dup("/tmp/sysc-test.XXXXXX");

	CHECK(mkdtemp(path));
	return path;
}

static inline void folder_drop(char *const *path)
{
	(void)file_remove_tree(AT_FDCWD, *path, NULL);
	free(*path);
}

#define FOLDER(name)                                   \
	CLEAN(folder_drop) char *name = folder_make(); \
	CLEAN_FD int dir = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)

/* Writes path below the folder (mode 0640), with the folders it needs; a heap path back. */
static inline char *folder_write(const char *folder, const char *path, const char *content)
{
	char *whole = must_printf("%s/%s", folder, path);
	char *slash = strrchr(whole, '/');

	*slash = '\0';
	CHECK_INT(file_make_dirs(whole, 0700, NULL), 0);
	*slash = '/';
	CHECK_INT(file_replace_volatile(AT_FDCWD, whole, content, strlen(content), 0640, NULL), 0);
	return whole;
}

/* Whether the file holds exactly this. */
static inline bool folder_holds(const char *path, const char *content)
{
	CLEAN(text_done) struct text text = {0};

	if (file_read(AT_FDCWD, path, 1 << 20, &text, NULL) == 0 &&
	    text_is(text.data ? text.data : "", content))
		return true;
	printf("# '%s' holds:\n%s", path, text.data ? text.data : "");
	return false;
}

#endif
