/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sysc snapshot diff: what differs between a snapshot and the container, or another snapshot: by file, or by
 * package of dpkg and apk. Nothing in a tree is followed; both are read-only mounts for this process alone.
 */
#include "base/cleanup.h"
#include "base/file.h"
#include "base/table.h"
#include "storage/diff.h"
#include "tools/command.h"
#include "tools/harmless.h"
#include "tools/inspect.h"
#include "tools/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define DATABASE_MOST (64U << 20)
#define OUTPUT_ROOM   65536 /* is written when it is full: a tree may have changed in all its files */

/* What is told, and not yet written. */
struct telling {
	const struct call *call;
	struct json json;
	struct text text;
};

static int write_out(struct telling *telling, struct error *err)
{
	struct text *text = telling->call->json ? &telling->json.text : &telling->text;
	int r = file_write_all(STDOUT_FILENO, text->data, text->length);

	text->length = 0;
	return r < 0 ? fail(err, -r, "write to standard output") : 0;
}

static void add_object(struct telling *telling, enum diff_change change, const char *path,
                       const struct strings *what)
{
	static const char *const words[] = {"added", "removed", "changed"};

	json_object(&telling->json, NULL);
	json_string(&telling->json, "path", path);
	json_string(&telling->json, "change", words[change]);
	json_array(&telling->json, "what");
	for (size_t i = 0; what && i < what->count; i++)
		json_string(&telling->json, NULL, what->items[i]);
	json_end_array(&telling->json);
	json_end_object(&telling->json);
}

/* Both are a guest's words. */
static void add_harmless(struct text *out, const char *what)
{
	struct harmless harmless = {0};

	for (const char *at = what; *at; at++) /* one line, whatever is in it */
		harmless_add(&harmless, *at == '\n' ? "?" : at, 1, out);
}

static void add_line(struct telling *telling, enum diff_change change, const char *path,
                     const struct strings *what)
{
	text_addf(&telling->text, "%c ", "+-~"[change]);
	add_harmless(&telling->text, path);
	for (size_t i = 0; what && i < what->count; i++) {
		text_add(&telling->text, i ? ", " : " (");
		add_harmless(&telling->text, what->items[i]);
	}
	text_add(&telling->text, what && what->count ? ")\n" : "\n");
}

/* what: in which ways it changed; NULL: none. */
static int tell(struct telling *telling, enum diff_change change, const char *path,
                const struct strings *what, struct error *err)
{
	(telling->call->json ? add_object : add_line)(telling, change, path, what);
	return telling->text.length + telling->json.text.length < OUTPUT_ROOM
	               ? 0
	               : write_out(telling, err);
}

static int tell_file(const char *path, enum diff_change change, unsigned int ways, void *user,
                     struct error *err)
{
	CLEAN(strings_done) struct strings what = {0};
	const char *name;

	for (unsigned int way = 1; (name = diff_way_name(way)); way <<= 1)
		if (ways & way)
			strings_add(&what, name);
	return tell(user, change, path, &what, err);
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
static int compare_packages(struct telling *telling, const struct strings *a,
                            const struct strings *b, struct error *err)
{
	size_t i = 0, j = 0;
	int r = 0;

	while (r == 0 && (i < a->count || j < b->count)) {
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
			r = tell(telling, DIFF_CHANGED, name, &what, err);
		} else if (order) {
			r = tell(telling, order < 0 ? DIFF_REMOVED : DIFF_ADDED,
			         order < 0 ? one : other, NULL, err);
		}
		i += order <= 0;
		j += order >= 0;
	}
	return r;
}

static int diff_packages(struct telling *telling, int a, int b, struct error *err)
{
	CLEAN(strings_done) struct strings ones = {0}, others = {0};
	int r = find_packages(a, &ones, err);

	if (r == 0)
		r = find_packages(b, &others, err);
	return r < 0 ? r : compare_packages(telling, &ones, &others, err);
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

static int run_diff(struct telling *telling, bool packages, const struct container *container,
                    char **names, struct error *err)
{
	CLEAN_FD int a = open_tree(container, names[1], err), b = -1;
	int r;

	if (a < 0)
		return a;
	b = open_tree(container, names[2], err);
	if (b < 0)
		return b;
	output_json_begin(&telling->json);
	json_array(&telling->json, "changes");
	r = packages ? diff_packages(telling, a, b, err)
	             : diff_trees(a, b, tell_file, telling, err);
	if (r < 0)
		return r;
	json_end_array(&telling->json);
	json_end_object(&telling->json);
	return write_out(telling, err);
}

int snapshot_run_diff(const struct call *call, const struct snapshot_words *words, char **names)
{
	CLEAN(container_done) struct container container = {0};
	struct telling telling = {.call = call};
	struct error err = {0};
	int code = EXIT_DONE;

	if (!inspect_exists(call, names[0], &err) ||
	    container_init(&container, &call->paths, names[0], &err) < 0 ||
	    config_load(&container.config, container.file, NULL, &err) < 0)
		return output_error(call, names[0], &err);
	if (run_diff(&telling, words->packages, &container, names, &err) < 0) {
		(void)output_error(call, names[0], &err);
		code = EXIT_FAILED;
	}
	json_done(&telling.json);
	text_done(&telling.text);
	return code;
}
