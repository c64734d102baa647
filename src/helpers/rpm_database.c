/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finding and copying a database of rpm; see the header. Nothing of it is parsed here. */
#include "helpers/rpm_database.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "helpers/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#define SIZE_MOST (512ULL << 20) /* of all files; ten times that of a large server */

/* Where distributions have it; since rpm 4.17 the first one is its own choice. */
static const char *const folders[] = {"/usr/lib/sysimage/rpm", "/var/lib/rpm"};

/* The file that it is, and what belongs to it; a newer form stands before those that it took the place of. */
static const struct {
	const char *backend;
	const char *const files[3];
} forms[] = {
	{"sqlite", {"rpmdb.sqlite", "rpmdb.sqlite-wal"}},
	{"ndb",    {"Packages.db", "Index.db"}         },
	{"bdb_ro", {"Packages"}                        },
};

int rpm_database_find(int tree_fd, struct rpm_database *out, struct error *err)
{
	for (size_t form = 0; form < ARRAY_SIZE(forms); form++) {
		const char *name = forms[form].files[0];

		for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
			CLEAN_FD int fd =
				file_open_in_root(tree_fd, folders[i], O_PATH | O_DIRECTORY, 0);
			struct stat st;

			if (fd < 0 || fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
				continue;
			if (!S_ISREG(st.st_mode))
				return fail_plain(err, EINVAL, "'%s/%s' is no file", folders[i],
				                  name);
			*out = (struct rpm_database){.folder = folders[i],
			                             .backend = forms[form].backend,
			                             .files = forms[form].files,
			                             .folder_fd = fd_take(&fd)};
			return 1;
		}
	}
	return 0;
}

/* Over a file that grows meanwhile as well; *room is what all of them may still have. */
static int copy_file(int from_folder, int to_folder, const char *name, uint32_t owner,
                     uint64_t *room, struct error *err)
{
	CLEAN_FD int from = file_open_beneath(from_folder, name, O_RDONLY | O_NONBLOCK, 0);
	CLEAN_FD int to = -1;
	struct stat st;
	ssize_t n = 1;

	if (from == -ENOENT)
		return 0;
	if (from < 0 || fstat(from, &st) < 0 || !S_ISREG(st.st_mode))
		return fail_plain(err, EINVAL, "'%s' of the database of rpm is no file", name);
	to = openat(to_folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (to < 0 || fchown(to, owner, owner) < 0)
		return fail(err, errno, "copy '%s' of the database of rpm", name);
	while ((uint64_t)st.st_size <= *room && (n = sendfile(to, from, NULL, *room + 1)) > 0 &&
	       (uint64_t)n <= *room)
		*room -= (uint64_t)n;
	if (n > 0)
		return fail_plain(err, EFBIG, "the database of rpm is over %llu MiB",
		                  SIZE_MOST >> 20);
	return n < 0 ? fail(err, errno, "copy '%s' of the database of rpm", name) : 0;
}

int rpm_database_copy(const struct rpm_database *database, uint32_t owner, struct error *err)
{
	/* rpm makes an index beside it */
	CLEAN_FD int fd = confine_tmpfs(owner, 2 * SIZE_MOST, MOUNT_ATTR_NOEXEC, err);
	uint64_t room = SIZE_MOST;
	int r = fd < 0 ? fd : 0;

	for (const char *const *file = database->files; r == 0 && *file; file++)
		r = copy_file(database->folder_fd, fd, *file, owner, &room, err);
	return r < 0 ? r : fd_take(&fd);
}
