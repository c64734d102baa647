/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One entry of a folder, from the look at it to its attributes; called by the walk (copy.c). */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "storage/copy.h"
#include "storage/copy_parts.h"
#include "storage/copy_seen.h"
#include "storage/remove.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>

int copy_fail(const struct copy_folder *folder, const char *name, const char *what, int code,
              struct error *err)
{
	char path[WALK_PATH_MAX];

	return fail(err, code, "%s '%s'", what, walk_path(folder->node, name, path));
}

bool copy_is_fleeting(const struct copy *copy, int code)
{
	static const int codes[] = {ENOENT, ENOTDIR, ELOOP,   EISDIR, EAGAIN,
	                            ENXIO,  EINVAL,  ENODATA, ESTALE, EEXIST};

	for (size_t i = 0; i < ARRAY_SIZE(codes) && copy->is_changing; i++)
		if (code == codes[i])
			return true;
	return false;
}

static bool count_bytes(uint64_t bytes, bool shared, void *user)
{
	struct copy *copy = user;

	copy->totals.bytes += bytes;
	if (shared)
		copy->totals.shared_bytes += bytes;
	return work_is_stopped(&copy->work);
}

/* What an inode is made of, known before it is made. */
struct entry {
	const struct copy_folder *folder;
	const char *name;
	struct stat st;
	int from, to;          /* of a regular file */
	char target[PATH_MAX]; /* of a symlink */
};

static int make_inode(void *argument)
{
	struct entry *entry = argument;
	const struct stat *st = &entry->st;
	int to = entry->folder->to;

	if (S_ISREG(st->st_mode)) {
		entry->to = openat(to, entry->name,
		                   O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		                   st->st_mode & 0777);
		return entry->to < 0 ? -errno : 0;
	}
	if (S_ISLNK(st->st_mode))
		return symlinkat(entry->target, to, entry->name) < 0 ? -errno : 0;
	return mknodat(to, entry->name, (st->st_mode & S_IFMT) | 0600, st->st_rdev) < 0 ? -errno
	                                                                                : 0;
}

static int fail_changed(const struct entry *entry, struct error *err)
{
	return copy_fail(entry->folder, entry->name, "copy, which has changed,", EAGAIN, err);
}

/* Opens a regular file, looks at anything else. */
static int look_at(struct entry *entry, bool is_regular, struct error *err)
{
	int folder = entry->folder->from, r;
	ssize_t n;

	if (!is_regular) {
		if (fstatat(folder, entry->name, &entry->st, AT_SYMLINK_NOFOLLOW) < 0)
			return copy_fail(entry->folder, entry->name, "look at", errno, err);
		if (S_ISREG(entry->st.st_mode))
			return look_at(entry, true, err);
		if (S_ISDIR(entry->st.st_mode))
			return fail_changed(entry, err);
		if (!S_ISLNK(entry->st.st_mode))
			return 0;
		n = readlinkat(folder, entry->name, entry->target, sizeof(entry->target));
		if (n < 0 || n == sizeof(entry->target))
			return copy_fail(entry->folder, entry->name, "read symlink",
			                 n < 0 ? errno : ENAMETOOLONG, err);
		entry->target[n] = '\0';
		return 0;
	}
	/* not O_PATH first: should it be a fifo meanwhile, O_NONBLOCK returns at once */
	r = walk_open_entry(folder, entry->name, O_RDONLY | O_NONBLOCK | O_NOATIME);
	if (r == -EPERM)
		r = walk_open_entry(folder, entry->name, O_RDONLY | O_NONBLOCK);
	if (r == -EXDEV) {
		(void)copy_fail(entry->folder, entry->name, "copy", EXDEV, err);
		return fail_hint(err, "it is a mount point: unmount it first");
	}
	if (r < 0)
		return copy_fail(entry->folder, entry->name, "open", -r, err);
	entry->from = r;
	if (fstat(entry->from, &entry->st) < 0)
		return copy_fail(entry->folder, entry->name, "look at", errno, err);
	return S_ISREG(entry->st.st_mode) ? 0 : fail_changed(entry, err);
}

static int fill_inode(struct copy *copy, struct entry *entry, struct error *err)
{
	const struct copy_content how = {.ways = &copy->ways,
	                                 .write_out = copy->options && copy->options->write_out,
	                                 .moved = count_bytes,
	                                 .user = copy};
	const char *what = "write";
	int r;

	if (!S_ISREG(entry->st.st_mode)) {
		copy->totals.others++;
		r = copy_entry_attributes(entry->folder->from, entry->folder->to, entry->name,
		                          &entry->st, &what);
	} else {
		copy->totals.files++;
		r = copy_file_content(entry->from, entry->to, &entry->st, &how);
		if (r == 0)
			r = copy_file_attributes(entry->from, entry->to, &entry->st, &what);
	}
	return r < 0 ? copy_fail(entry->folder, entry->name, what, -r, err) : 0;
}

static void note_socket(struct copy *copy, const struct entry *entry)
{
	const struct copy_options *options = copy->options;
	char path[WALK_PATH_MAX];

	copy->totals.sockets++;
	if (!options || !options->note)
		return;
	(void)pthread_mutex_lock(&copy->note_lock);
	options->note(walk_path(entry->folder->node, entry->name, path), "socket left out",
	              options->user);
	(void)pthread_mutex_unlock(&copy->note_lock);
}

/* 1: what is there is right already; otherwise nothing is there afterwards. */
static int keep_entry(struct copy *copy, const struct copy_folder *folder, const char *name,
                      struct error *err)
{
	struct stat st, to;

	if (fstatat(folder->to, name, &to, AT_SYMLINK_NOFOLLOW) < 0)
		return 0; /* making it tells what else is wrong */
	if (fstatat(folder->from, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    copy_seen_has(copy->seen, &to, &st) &&
	    (st.st_nlink < 2 ||
	     copy_links_keep(&copy->links, &st, folder->node, name, to.st_ino))) {
		copy->totals.kept++;
		copy->totals.kept_bytes += file_share(&st);
		return 1;
	}
	return remove_tree(folder->to, name, err);
}

static int make_entry(struct copy *copy, const struct copy_folder *folder, const char *name,
                      bool is_regular, struct error *err)
{
	struct entry entry;
	int r;

	/* not the whole struct: its target is for symlinks only */
	entry.folder = folder;
	entry.name = name;
	entry.from = entry.to = -1;
	r = look_at(&entry, is_regular, err);
	if (r == 0 && S_ISSOCK(entry.st.st_mode)) {
		note_socket(copy, &entry);
	} else if (r == 0) {
		r = entry.st.st_nlink < 2
		            ? make_inode(&entry)
		            : copy_links_make(&copy->links, &copy->to, &entry.st, folder->node,
		                              folder->to, name, make_inode, &entry);
		if (r < 0)
			(void)copy_fail(folder, name, "make", -r, err);
		else if (r == 0)
			r = fill_inode(copy, &entry, err);
		else
			copy->totals.links++;
		if (r == 0 && copy->seen)
			copy_seen_add(copy->seen, folder->to, name, &entry.st);
	}
	fd_close(&entry.from);
	fd_close(&entry.to);
	return r < 0 ? r : 0;
}

int copy_entry(struct copy *copy, const struct copy_folder *folder, const char *name,
               bool is_regular, struct error *err)
{
	int r = folder->is_fresh ? 0 : keep_entry(copy, folder, name, err);

	if (r == 0)
		r = make_entry(copy, folder, name, is_regular, err);
	if (r >= 0 || !copy_is_fleeting(copy, -r))
		return r < 0 ? r : 0;
	/* half of it may be there; a later pass finds what it is then */
	error_clear(err);
	return remove_tree(folder->to, name, err);
}
