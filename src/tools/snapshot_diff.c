/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sysc snapshot diff: what differs between a snapshot and the container, or another snapshot: by file, or by
 * package of dpkg and apk. Nothing in a tree is followed; both are read-only mounts for this process alone.
 */
#include "base/cleanup.h"
#include "base/file.h"
#include "base/table.h"
#include "tools/command.h"
#include "tools/harmless.h"
#include "tools/inspect.h"
#include "tools/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define DEPTH_MOST    256 /* each level holds four fds */
#define XATTR_MOST    65536
#define DATABASE_MOST (64U << 20)

struct diff {
	const struct call *call;
	struct json json;
	struct text text;
	uint64_t changes;
};

static void add_change(struct diff *diff, char sign, const char *path, const struct strings *what)
{
	static const char *const words[] = {"added", "removed", "changed"};
	struct harmless harmless = {0};

	diff->changes++;
	if (diff->call->json) {
		json_object(&diff->json, NULL);
		json_string(&diff->json, "path", path);
		json_string(&diff->json, "change", words[sign == '+' ? 0 : sign == '-' ? 1 : 2]);
		json_array(&diff->json, "what");
		for (size_t i = 0; what && i < what->count; i++)
			json_string(&diff->json, NULL, what->items[i]);
		json_end_array(&diff->json);
		json_end_object(&diff->json);
		return;
	}
	text_addf(&diff->text, "%c ", sign);
	for (const char *at = path; *at; at++) /* a name is one line, whatever is in it */
		harmless_add(&harmless, *at == '\n' ? "?" : at, 1, &diff->text);
	for (size_t i = 0; what && i < what->count; i++)
		text_addf(&diff->text, "%s%s", i ? ", " : " (", what->items[i]);
	text_add(&diff->text, what && what->count ? ")\n" : "\n");
}

/* --- by file --- */

static int list_names(int fd, struct strings *out, struct error *err)
{
	int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN_DIR DIR *dir = again < 0 ? NULL : fdopendir(again);
	const struct dirent *entry;

	if (!dir) {
		int code = errno;

		if (again >= 0)
			close(again);
		return fail(err, code, "read a folder");
	}
	while ((entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			strings_add(out, entry->d_name);
	strings_sort(out);
	return 0;
}

static bool same_bytes(int a, int b)
{
	char one[65536], other[65536];
	ssize_t n, m;

	do {
		n = read(a, one, sizeof(one));
		m = read(b, other, sizeof(other));
		if (n != m || n < 0 || memcmp(one, other, (size_t)n) != 0)
			return false; /* also what cannot be read */
	} while (n > 0);
	return true;
}

/* Same size and same time of the last change are the same content. */
static bool same_content(int a_dir, int b_dir, const char *name, const struct stat *a,
                         const struct stat *b)
{
	CLEAN_FD int one = -1, other = -1;

	if (a->st_size != b->st_size)
		return false;
	if (a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec)
		return true;
	one = openat(a_dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	other = openat(b_dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return one >= 0 && other >= 0 && same_bytes(one, other);
}

static bool same_link(int a_dir, int b_dir, const char *name)
{
	char one[4096], other[4096];
	ssize_t n = readlinkat(a_dir, name, one, sizeof(one));

	return n >= 0 && readlinkat(b_dir, name, other, sizeof(other)) == n &&
	       memcmp(one, other, (size_t)n) == 0;
}

/* All attributes with their values as one text, in the order of their names. */
static void read_attributes(int dir, const char *name, struct text *out)
{
	CLEAN_FREE char *path = must_printf("/proc/self/fd/%d/%s", dir, name);
	CLEAN_FREE char *list = must_alloc(XATTR_MOST), *value = must_alloc(XATTR_MOST);
	CLEAN(strings_done) struct strings names = {0};
	ssize_t length = llistxattr(path, list, XATTR_MOST);

	for (ssize_t at = 0; at < length; at += (ssize_t)strlen(list + at) + 1)
		if (!text_starts(list + at, "user.overlay."))
			strings_add(&names, list + at);
	strings_sort(&names);
	for (size_t i = 0; i < names.count; i++) {
		ssize_t n = lgetxattr(path, names.items[i], value, XATTR_MOST);

		text_add_bytes(out, names.items[i], strlen(names.items[i]) + 1);
		text_add_bytes(out, value, n > 0 ? (size_t)n : 0);
	}
}

static bool same_attributes(int a_dir, int b_dir, const char *name)
{
	CLEAN(text_done) struct text one = {0}, other = {0};

	read_attributes(a_dir, name, &one);
	read_attributes(b_dir, name, &other);
	return one.length == other.length &&
	       (!one.length || memcmp(one.data, other.data, one.length) == 0);
}

static void compare(int a_dir, int b_dir, const char *name, const struct stat *a,
                    const struct stat *b, struct strings *what)
{
	if ((a->st_mode & S_IFMT) != (b->st_mode & S_IFMT)) {
		strings_add(what, "type");
		return;
	}
	if ((S_ISREG(a->st_mode) && !same_content(a_dir, b_dir, name, a, b)) ||
	    (S_ISLNK(a->st_mode) && !same_link(a_dir, b_dir, name)) ||
	    ((S_ISCHR(a->st_mode) || S_ISBLK(a->st_mode)) && a->st_rdev != b->st_rdev))
		strings_add(what, "content");
	if (a->st_uid != b->st_uid || a->st_gid != b->st_gid)
		strings_add(what, "owner");
	if (a->st_mode != b->st_mode)
		strings_add(what, "mode");
	if (!same_attributes(a_dir, b_dir, name))
		strings_add(what, "xattr");
}

static int walk(struct diff *diff, int a, int b, const char *path, int depth, struct error *err);

/* The folder of that name in one of them or in both; -1: not there, or no folder. */
static int go_down(struct diff *diff, int a, int b, const char *name, const char *path, int depth,
                   struct error *err)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	CLEAN_FD int one = a < 0 ? -1 : openat(a, name, flags);
	CLEAN_FD int other = b < 0 ? -1 : openat(b, name, flags);

	if ((a >= 0 && one < 0) || (b >= 0 && other < 0))
		return fail(err, errno, "open '%s'", path);
	if (depth >= DEPTH_MOST)
		return fail_plain(err, ELOOP, "'%s': more than %d folders deep", path, DEPTH_MOST);
	return walk(diff, one, other, path, depth + 1, err);
}

static int visit(struct diff *diff, int a, int b, const char *name, const char *above, int depth,
                 struct error *err)
{
	CLEAN_FREE char *path = must_printf("%s/%s", above, name);
	CLEAN(strings_done) struct strings what = {0};
	struct stat one, other;
	bool has_one = a >= 0 && fstatat(a, name, &one, AT_SYMLINK_NOFOLLOW) == 0;
	bool has_other = b >= 0 && fstatat(b, name, &other, AT_SYMLINK_NOFOLLOW) == 0;
	int r = 0;

	if (has_one && has_other) {
		compare(a, b, name, &one, &other, &what);
		if (what.count)
			add_change(diff, '~', path, &what);
	} else if (has_one || has_other) {
		add_change(diff, has_one ? '-' : '+', path, NULL);
	}
	has_one = has_one && S_ISDIR(one.st_mode);
	has_other = has_other && S_ISDIR(other.st_mode);
	if (has_one || has_other)
		r = go_down(diff, has_one ? a : -1, has_other ? b : -1, name, path, depth, err);
	return r;
}

/* Both lists of names at once; an absent folder is an empty one. */
static int walk(struct diff *diff, int a, int b, const char *path, int depth, struct error *err)
{
	CLEAN(strings_done) struct strings ones = {0}, others = {0};
	size_t i = 0, j = 0;
	int r = a < 0 ? 0 : list_names(a, &ones, err);

	if (r == 0 && b >= 0)
		r = list_names(b, &others, err);
	while (r == 0 && (i < ones.count || j < others.count)) {
		int order = i == ones.count     ? 1
		            : j == others.count ? -1
		                                : strcmp(ones.items[i], others.items[j]);
		const char *name = order <= 0 ? ones.items[i] : others.items[j];

		r = visit(diff, order <= 0 ? a : -1, order >= 0 ? b : -1, name, path, depth, err);
		i += order <= 0;
		j += order >= 0;
	}
	return r;
}

/* --- by package --- */

/* A line "KEY VALUE" of the paragraphs of a database. */
static void read_packages(const char *database, const char *name_key, const char *version_key,
                          struct strings *out)
{
	CLEAN(strings_done) struct strings lines = {0};
	const char *name = NULL;

	strings_split(&lines, database, "\n");
	for (size_t i = 0; i < lines.count; i++) {
		const char *line = lines.items[i];

		if (text_starts(line, name_key))
			name = line + strlen(name_key);
		else if (text_is(line, "Status: deinstall ok config-files"))
			name = NULL;
		else if (name && text_starts(line, version_key)) {
			strings_give(out, must_printf("%s %s", name, line + strlen(version_key)));
			name = NULL;
		}
	}
	strings_sort(out);
}

static int find_packages(int tree, struct strings *out, struct error *err)
{
	static const struct {
		const char *path, *name_key, *version_key;
	} databases[] = {
		{"var/lib/dpkg/status",      "Package: ", "Version: "},
		{"lib/apk/db/installed",     "P:",        "V:"       },
		{"usr/lib/apk/db/installed", "P:",        "V:"       },
	};

	for (size_t i = 0; i < ARRAY_SIZE(databases); i++) {
		CLEAN_FD int fd =
			file_open_in_root(tree, databases[i].path, O_RDONLY | O_NONBLOCK, 0);
		CLEAN(text_done) struct text text = {0};

		if (fd < 0)
			continue;
		if (file_read_fd(fd, databases[i].path, DATABASE_MOST, &text, err) < 0)
			return -err->code;
		read_packages(text.data ? text.data : "", databases[i].name_key,
		              databases[i].version_key, out);
		return 0;
	}
	(void)fail_plain(err, EOPNOTSUPP, "its packages are not known: no database of dpkg or apk");
	return fail_hint(err, "of rpm, compare 'rpm -qa' of a copy (restore --to)");
}

/* "NAME VERSION" lines; the apk order of its keys is P before V as well. */
static void compare_packages(struct diff *diff, const struct strings *a, const struct strings *b)
{
	size_t i = 0, j = 0;

	while (i < a->count || j < b->count) {
		const char *one = i < a->count ? a->items[i] : NULL;
		const char *other = j < b->count ? b->items[j] : NULL;
		CLEAN_FREE char *name = must_dup(one ? one : other);
		CLEAN_FREE char *second = must_dup(other ? other : one);
		CLEAN(strings_done) struct strings what = {0};
		int order;

		*strchrnul(name, ' ') = '\0';
		*strchrnul(second, ' ') = '\0';
		order = !one ? 1 : !other ? -1 : strcmp(name, second);
		if (order == 0 && !text_is(one, other)) {
			strings_give(&what, must_printf("%s -> %s", strchrnul(one, ' ') + 1,
			                                strchrnul(other, ' ') + 1));
			add_change(diff, '~', name, &what);
		} else if (order) {
			add_change(diff, order < 0 ? '-' : '+', order < 0 ? one : other, NULL);
		}
		i += order <= 0;
		j += order >= 0;
	}
}

static int diff_packages(struct diff *diff, int a, int b, struct error *err)
{
	CLEAN(strings_done) struct strings ones = {0}, others = {0};
	int r = find_packages(a, &ones, err);

	if (r == 0)
		r = find_packages(b, &others, err);
	if (r == 0)
		compare_packages(diff, &ones, &others);
	return r;
}

/* --- the command --- */

/* name NULL: what the container is now. */
static int open_tree(const struct container *container, const char *name, struct error *err)
{
	CLEAN(storage_done) struct storage storage = {.backend = NULL};
	CLEAN(snapshot_done) struct snapshot found = {0};
	CLEAN_FD int mount = -1;
	int r = name ? snapshot_read(container, name, &found, err) : 0, fd;

	if (r == 0)
		r = snapshot_check_whole(&found, err);
	if (r == 0)
		r = name ? snapshot_storage(container, name, &storage, err)
		         : storage_of(&storage, &container->config, err);
	if (r < 0)
		return r;
	mount = storage_visit(&storage, 0, err);
	if (mount < 0)
		return mount;
	fd = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? fail(err, errno, "open the tree") : fd;
}

static int run_diff(struct diff *diff, bool packages, const struct container *container,
                    char **names, struct error *err)
{
	CLEAN_FD int a = open_tree(container, names[1], err), b = -1;

	if (a < 0)
		return a;
	b = open_tree(container, names[2], err);
	if (b < 0)
		return b;
	return packages ? diff_packages(diff, a, b, err) : walk(diff, a, b, "", 0, err);
}

int snapshot_run_diff(const struct call *call, const struct snapshot_words *words, char **names)
{
	CLEAN(container_done) struct container container = {0};
	struct diff diff = {.call = call};
	struct error err = {0};
	int code;

	if (!inspect_exists(call, names[0], &err) ||
	    container_init(&container, &call->paths, names[0], &err) < 0 ||
	    config_load(&container.config, container.file, NULL, &err) < 0)
		return output_error(call, names[0], &err);
	output_json_begin(&diff.json);
	json_array(&diff.json, "changes");
	if (run_diff(&diff, words->packages, &container, names, &err) < 0) {
		(void)output_error(call, names[0], &err);
		code = EXIT_FAILED;
	} else {
		json_end_array(&diff.json);
		json_end_object(&diff.json);
		code = call->json ? output_json(call, &diff.json) : output_text(call, &diff.text);
	}
	json_done(&diff.json);
	text_done(&diff.text);
	return code;
}
