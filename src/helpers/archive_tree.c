/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The walk over a tree that becomes an archive; see the header. */
#include "helpers/archive_tree.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "helpers/archive_rules.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static int list_folder(const char *path, struct strings *names, struct error *err)
{
	CLEAN_DIR DIR *dir = opendir(path);
	const struct dirent *entry;

	if (!dir)
		return fail(err, errno, "open it");
	while ((errno = 0, entry = readdir(dir)))
		if (!text_is(entry->d_name, ".") && !text_is(entry->d_name, ".."))
			strings_add(names, entry->d_name);
	if (errno)
		return fail(err, errno, "read it");
	strings_sort(names);
	return 0;
}

static int walk(struct tree *tree, struct error *err);

static int walk_folder(struct tree *tree, struct error *err)
{
	CLEAN(strings_done) struct strings names = {0};
	struct text *path = &tree->path;
	size_t length = path->length;
	bool is_root = text_is(path->data, ".");
	int r = list_folder(path->data, &names, err);

	for (size_t i = 0; i < names.count && r == 0; i++) {
		if (is_root)
			path->length = 0;
		text_addf(path, is_root ? "%s" : "/%s", names.items[i]);
		r = path->length > ARCHIVE_NAME_MAX - 16
		            ? fail_plain(err, ENAMETOOLONG, "its path is too long for an archive")
		            : walk(tree, err);
		if (r < 0)
			return r;
		path->length = length;
		if (is_root)
			memcpy(path->data, ".", 2);
		else
			path->data[length] = '\0';
	}
	return r;
}

/* What is at the path, and what is in it. */
static int walk(struct tree *tree, struct error *err)
{
	struct stat st;
	bool is_folder;
	int r;

	if (lstat(tree->path.data, &st) < 0) {
		if (errno != ENOENT)
			return fail(err, errno, "look at it");
		tree->gone(tree);
		return 0;
	}
	is_folder = S_ISDIR(st.st_mode);
	r = tree->visit(tree, &st, err);
	if (r == -ENOENT || r == -ESTALE) {
		error_clear(err);
		tree->gone(tree);
		return 0;
	}
	return r == 0 && is_folder ? walk_folder(tree, err) : r;
}

int tree_walk(struct tree *tree, struct error *err)
{
	tree->path.length = 0;
	text_add(&tree->path, ".");
	return walk(tree, err);
}
