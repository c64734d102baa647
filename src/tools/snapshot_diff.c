/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sysc snapshot diff: what differs between a snapshot and the container, or another snapshot: by file, or by
 * package (packages.h). Nothing in a tree is followed; both are read-only mounts for this process alone.
 */
#include "base/cleanup.h"
#include "base/file.h"
#include "base/table.h"
#include "storage/diff.h"
#include "tools/command.h"
#include "tools/harmless.h"
#include "tools/inspect.h"
#include "tools/packages.h"
#include "tools/snapshot.h"

#include <errno.h>
#include <string.h>

#define OUTPUT_ROOM 65536 /* is written when it is full: a tree may have changed in all its files */

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

/* How many from there on are that package, in lists of "NAME VERSION" that are sorted. */
static size_t count_named(const struct strings *list, size_t at, const char *package)
{
	size_t length = strcspn(package, " ") + 1, count = 0;

	while (at + count < list->count && strncmp(list->items[at + count], package, length) == 0)
		count++;
	return count;
}

/* from and to: "NAME VERSION" of one package. */
static int tell_version(struct telling *telling, const char *from, const char *to,
                        struct error *err)
{
	size_t length = strcspn(from, " ");
	CLEAN_FREE char *name = must_printf("%.*s", (int)length, from);
	CLEAN(strings_done) struct strings what = {0};

	strings_give(&what, must_printf("%s -> %s", from + length + 1, to + length + 1));
	return tell(telling, DIFF_CHANGED, name, &what, err);
}

/*
 * The versions of one package: of some (kernels, libraries of several architectures) there is more than one. Those that are
 * on both sides are no difference; when as many are left here as there, each took the place of another.
 */
static int compare_versions(struct telling *telling, char **a, size_t a_count, char **b,
                            size_t b_count, struct error *err)
{
	CLEAN(strings_done) struct strings gone = {0}, come = {0};
	int r = 0;

	for (size_t i = 0, j = 0; i < a_count || j < b_count;) {
		int order = i == a_count ? 1 : j == b_count ? -1 : strcmp(a[i], b[j]);

		if (order)
			strings_add(order < 0 ? &gone : &come, order < 0 ? a[i] : b[j]);
		i += order <= 0;
		j += order >= 0;
	}
	if (gone.count == come.count) {
		for (size_t i = 0; r == 0 && i < gone.count; i++)
			r = tell_version(telling, gone.items[i], come.items[i], err);
		return r;
	}
	for (size_t i = 0; r == 0 && i < gone.count; i++)
		r = tell(telling, DIFF_REMOVED, gone.items[i], NULL, err);
	for (size_t i = 0; r == 0 && i < come.count; i++)
		r = tell(telling, DIFF_ADDED, come.items[i], NULL, err);
	return r;
}

/* snapshot NULL: the container itself. */
static int read_packages(const struct telling *telling, int tree, const char *snapshot,
                         struct strings *out, struct error *err)
{
	int r = packages_read(telling->call, tree, out, err);

	return r < 0 && snapshot ? fail_in(err, "snapshot '%s'", snapshot) : r;
}

static int diff_packages(struct telling *telling, int a, int b, char **snapshots, struct error *err)
{
	CLEAN(strings_done) struct strings ones = {0}, others = {0};
	int r = read_packages(telling, a, snapshots[0], &ones, err);

	if (r == 0)
		r = read_packages(telling, b, snapshots[1], &others, err);
	for (size_t i = 0, j = 0; r == 0 && (i < ones.count || j < others.count);) {
		bool is_first = j == others.count ||
		                (i < ones.count && strcmp(ones.items[i], others.items[j]) < 0);
		const char *package = is_first ? ones.items[i] : others.items[j];
		size_t n = count_named(&ones, i, package), m = count_named(&others, j, package);

		r = compare_versions(telling, ones.items + i, n, others.items + j, m, err);
		i += n;
		j += m;
	}
	return r;
}

/* --- the command --- */

/* The mount ends with its fd. name NULL: what the container is now. */
static int open_tree(const struct container *container, const char *name, struct error *err)
{
	CLEAN(storage_done) struct storage storage = {.backend = NULL};
	CLEAN(snapshot_done) struct snapshot found = {0};
	int r = name ? snapshot_read(container, name, &found, err) : 0;

	if (r == 0)
		r = snapshot_check_whole(&found, err);
	if (r == 0)
		r = name ? snapshot_storage(container, name, &storage, err)
		         : storage_of(&storage, &container->config, err);
	return r < 0 ? r : storage_visit(&storage, 0, err);
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
	r = packages ? diff_packages(telling, a, b, names + 1, err)
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
