/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changing single files below a root that somebody else wrote; see the header. */
#include "helpers/tree_guest.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define CONTENT_MAX (16 << 20)

/* The directory of path, symlinks followed as the guest would, and the last part of path. */
static int open_parent(const char *root, const char *path, const char **name, int *out,
                       struct error *err)
{
	CLEAN_FD int root_fd = open(root, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	CLEAN_FREE char *folder = must_printf("/%s", path);
	char *slash = strrchr(folder, '/');
	int fd;

	if (root_fd < 0)
		return fail(err, errno, "open '%s'", root);
	*name = path + (slash - folder);
	if (!**name || text_is(*name, ".") || text_is(*name, ".."))
		return fail_plain(err, EINVAL, "'%s' names no file", path);
	slash[slash == folder] = '\0';
	fd = file_open_in_root(root_fd, folder, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return fail(err, -fd, "open '%s' in '%s'", folder, root);
	*out = fd;
	return 0;
}

int guest_put(const char *root, const char *path, mode_t mode, struct error *err)
{
	CLEAN_FD int folder = -1;
	CLEAN(text_done) struct text content = {0};
	const char *name;
	int r = file_read_fd(0, "standard input", CONTENT_MAX, &content, err);

	if (r == 0)
		r = open_parent(root, path, &name, &folder, err);
	if (r == 0)
		r = file_replace_volatile(folder, name, content.data ? content.data : "",
		                          content.length, mode, err);
	return r;
}

int guest_link(const char *root, const char *target, const char *path, struct error *err)
{
	CLEAN_FD int folder = -1;
	const char *name;
	int r = open_parent(root, path, &name, &folder, err);

	if (r < 0)
		return r;
	if (unlinkat(folder, name, 0) < 0 && errno != ENOENT)
		return fail(err, errno, "replace '%s' in '%s'", path, root);
	if (symlinkat(target, folder, name) < 0)
		return fail(err, errno, "make symlink '%s' in '%s'", path, root);
	return 0;
}

int guest_remove(const char *root, char *const *paths, struct error *err)
{
	for (; *paths; paths++) {
		CLEAN_FD int folder = -1;
		const char *name;
		int r = open_parent(root, *paths, &name, &folder, err);

		if (r == -ENOENT || r == -ENOTDIR)
			continue;
		if (r == 0)
			r = file_remove_tree(folder, name, err);
		if (r < 0)
			return r;
	}
	return 0;
}
