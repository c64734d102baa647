/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Merging two layers by hard links; see the header. What a mounted overlay shows is the same before and after. */
#include "storage/fold.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "storage/copy_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#define DEPTH_MOST   100 /* of folders in folders; each holds four fds */
#define OPAQUE       "user.overlay.opaque"
#define REDIRECT     "user.overlay.redirect"
#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* A folder in each of them; -1: not there. is_opaque: nothing of deep shows through. */
struct fold {
	int upper, lower, deep, to;
	bool is_opaque;
	int depth;
};

enum kind {
	ABSENT,
	WHITEOUT,
	FOLDER,
	OTHER
};

static enum kind kind_of(int folder, const char *name)
{
	struct stat st;

	if (folder < 0 || fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return ABSENT;
	if (S_ISDIR(st.st_mode))
		return FOLDER;
	return S_ISCHR(st.st_mode) && st.st_rdev == makedev(0, 0) ? WHITEOUT : OTHER;
}

/* 1: it hides what is below. */
static int look_at_marks(int folder, struct error *err)
{
	char mark[2];
	ssize_t n = fgetxattr(folder, OPAQUE, mark, sizeof(mark));

	if (fgetxattr(folder, REDIRECT, NULL, 0) >= 0 || (n >= 0 && (n != 1 || mark[0] != 'y')))
		return fail_plain(err, EOPNOTSUPP, "a layer has marks of another program");
	return n == 1;
}

/* As it is: a file, a whiteout, of any number of names. */
static int take_over(int from, const char *name, int to, struct error *err)
{
	return linkat(from, name, to, name, 0) < 0 ? fail(err, errno, "link '%s'", name) : 0;
}

static int fold_folder(const struct fold *fold, struct error *err);

static int open_folder(int above, const char *name, int *out, struct error *err)
{
	*out = openat(above, name, FOLDER_FLAGS);
	return *out < 0 ? fail(err, errno, "open '%s'", name) : look_at_marks(*out, err);
}

/* A folder of upper, of lower, or of both as one. */
static int go_down(const struct fold *fold, const char *name, enum kind above, enum kind below,
                   struct error *err)
{
	CLEAN_FD int upper = -1, lower = -1, deep = -1, to = -1;
	struct fold next = {.depth = fold->depth + 1};
	int r = 0;

	if (next.depth > DEPTH_MOST)
		return fail_plain(err, EOPNOTSUPP, "folders are more than %d deep", DEPTH_MOST);
	if (above == FOLDER)
		r = open_folder(fold->upper, name, &upper, err);
	/* over anything but a folder it begins anew */
	next.is_opaque = r == 1 || (above == FOLDER && (below == WHITEOUT || below == OTHER));
	if (r >= 0 && below == FOLDER && !next.is_opaque) {
		r = open_folder(fold->lower, name, &lower, err);
		next.is_opaque = r == 1;
	}
	if (r < 0)
		return r;
	if (fold->deep >= 0 && !next.is_opaque)
		deep = openat(fold->deep, name, FOLDER_FLAGS); /* or nothing is below it */
	if (mkdirat(fold->to, name, 0700) < 0)
		return fail(err, errno, "make directory '%s'", name);
	to = openat(fold->to, name, FOLDER_FLAGS);
	if (to < 0)
		return fail(err, errno, "open '%s'", name);
	next.upper = upper;
	next.lower = lower;
	next.deep = deep;
	next.to = to;
	return fold_folder(&next, err);
}

static int fold_name(const struct fold *fold, const char *name, struct error *err)
{
	enum kind above = kind_of(fold->upper, name), below = kind_of(fold->lower, name);
	enum kind kind = above != ABSENT ? above : below;

	if (kind == FOLDER)
		return go_down(fold, name, above, below, err);
	/* one that hides nothing would be seen where the folder is of one layer only */
	if (kind == WHITEOUT && kind_of(fold->deep, name) == ABSENT)
		return 0;
	return take_over(above != ABSENT ? fold->upper : fold->lower, name, fold->to, err);
}

static int add_names(int folder, struct strings *out, struct error *err)
{
	CLEAN_FD int fd = folder < 0 ? -1 : openat(folder, ".", FOLDER_FLAGS);
	CLEAN_DIR DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (folder < 0)
		return 0;
	if (!dir)
		return fail(err, errno, "read a folder of a layer");
	(void)fd_take(&fd); /* the stream's from here */
	while ((errno = 0, entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			strings_add(out, entry->d_name);
	return errno ? fail(err, errno, "read a folder of a layer") : 0;
}

static int set_attributes(const struct fold *fold, struct error *err)
{
	int from = fold->upper >= 0 ? fold->upper : fold->lower;
	const char *what = "look at";
	struct stat st;
	int r = fstat(from, &st) < 0 ? -errno : 0;

	if (r == 0 && fold->is_opaque && fsetxattr(fold->to, OPAQUE, "y", 1, 0) < 0)
		r = -errno;
	if (r == 0)
		r = copy_file_attributes(from, fold->to, &st, &what);
	return r < 0 ? fail(err, -r, "%s a folder", what) : 0;
}

static int fold_folder(const struct fold *fold, struct error *err)
{
	CLEAN(strings_done) struct strings names = {0};
	int r = add_names(fold->upper, &names, err);

	if (r == 0)
		r = add_names(fold->lower, &names, err);
	strings_sort(&names);
	for (size_t i = 0; i < names.count && r == 0; i++)
		if (i == 0 || strcmp(names.items[i], names.items[i - 1]) != 0)
			r = fold_name(fold, names.items[i], err);
	return r < 0 ? r : set_attributes(fold, err);
}

int fold_layers(int upper, int lower, int deep, int to, struct error *err)
{
	const struct fold fold = {.upper = upper, .lower = lower, .deep = deep, .to = to};

	return fold_folder(&fold, err);
}
