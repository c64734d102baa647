/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sysc snapshot list and show: what there is. Nothing is locked: what is made meanwhile is hidden. */
#include "base/cleanup.h"
#include "base/parse.h"
#include "base/table.h"
#include "tools/command.h"
#include "tools/inspect.h"
#include "tools/moment.h"
#include "tools/snapshot.h"

#include <errno.h>
#include <stdio.h>

static const char *const columns[] = {"NAME", "SNAPSHOT", "TIME", "REASON",
                                      "SIZE", "COMMENT",  NULL};
static const char *const columns_sizes[] = {"NAME", "SNAPSHOT", "TIME",    "REASON",
                                            "SIZE", "OWN",      "COMMENT", NULL};

/* Where it is known without a walk. */
static bool size_of(const struct container *container, const char *name, uint64_t *bytes)
{
	CLEAN(storage_done) struct storage storage = {.backend = NULL};
	struct storage_usage usage;

	if (snapshot_storage(container, name, &storage, NULL) < 0 ||
	    storage_usage(&storage, &usage, NULL) < 0)
		return false;
	*bytes = usage.used_bytes;
	return true;
}

/* What it holds itself; NULL where that is not known, which only a failure is a note of. */
static const uint64_t *own_of(const struct call *call, const struct container *container,
                              const struct snapshot *snapshot, uint64_t *bytes)
{
	struct error err = {0};
	int r = snapshot_own(container, snapshot, bytes, &err);

	if (r < 0 && r != -EOPNOTSUPP)
		output_note(call, "%s: size of snapshot '%s': %s", container->name, snapshot->name,
		            err.text);
	return r < 0 ? NULL : bytes;
}

void snapshot_json(struct json *json, const char *key, const struct container *container,
                   const struct snapshot *snapshot, const uint64_t *own)
{
	CLEAN_FREE char *dir = snapshot_dir(container, snapshot->name);
	CLEAN(storage_done) struct storage storage = {.backend = NULL};
	char moment[MOMENT_ROOM];
	uint64_t bytes;

	json_object(json, key);
	json_string(json, "container", container->name);
	json_string(json, "name", snapshot->name);
	json_string(json, "created", moment_format(snapshot->created_ms, moment));
	json_string(json, "reason", snapshot_reason_name(snapshot->reason));
	json_string(json, "comment", snapshot->comment);
	json_bool(json, "was_running", snapshot->was_running);
	if (snapshot->frozen_us >= 0)
		json_decimal(json, "frozen_ms", (uint64_t)snapshot->frozen_us, 3);
	else
		json_null(json, "frozen_ms");
	json_string(json, "replaced_by", snapshot->replaced_by);
	json_array(json, "paths");
	for (size_t i = 0; i < snapshot->paths.count; i++)
		json_string(json, NULL, snapshot->paths.items[i]);
	json_end_array(json);
	json_string(json, "path", dir);
	if (snapshot_storage(container, snapshot->name, &storage, NULL) == 0)
		json_string(json, "backend", storage_name(&storage));
	else
		json_null(json, "backend");
	if (size_of(container, snapshot->name, &bytes))
		json_unsigned(json, "size", bytes);
	else
		json_null(json, "size");
	if (own)
		json_unsigned(json, "own", *own);
	else
		json_null(json, "own");
	json_end_object(json);
}

/* own: with the column of that; bytes NULL: not known. */
static void add_row(struct table *table, const struct container *container,
                    const struct snapshot *snapshot, bool own, const uint64_t *own_bytes)
{
	char moment[MOMENT_ROOM], size[24] = "", own_size[24] = "";
	uint64_t bytes;

	if (size_of(container, snapshot->name, &bytes))
		format_size(bytes, size);
	if (own_bytes)
		format_size(*own_bytes, own_size);
	table_cell(table, container->name);
	table_cell(table, snapshot->name);
	table_cell(table, moment_format(snapshot->created_ms, moment));
	table_cell(table, snapshot_reason_name(snapshot->reason));
	table_cell(table, size);
	if (own)
		table_cell(table, own_size);
	table_cell(table, snapshot->comment);
}

static int list_one(const struct call *call, const char *name, bool sizes, struct table *table,
                    struct json *json, struct error *err)
{
	CLEAN(container_done) struct container container = {0};
	CLEAN(snapshots_done) struct snapshots all = {0};
	int r = inspect_exists(call, name, err)
	                ? container_init(&container, &call->paths, name, err)
	                : -ENOENT;

	if (r == 0)
		r = snapshot_list(&container, &all, err);
	for (size_t i = 0; r == 0 && i < all.count; i++) {
		const struct snapshot *one = &all.items[i];
		uint64_t bytes;
		const uint64_t *own = sizes ? own_of(call, &container, one, &bytes) : NULL;

		if (call->json)
			snapshot_json(json, NULL, &container, one, own);
		else
			add_row(table, &container, one, sizes, own);
	}
	return r;
}

int snapshot_run_list(const struct call *call, const struct snapshot_words *words, char **names)
{
	CLEAN(strings_done) struct strings wanted = {0}, found = {0};
	CLEAN(table_done) struct table table = {.columns = words->sizes ? columns_sizes : columns};
	CLEAN(json_done) struct json json = {0};
	CLEAN(text_done) struct text text = {0};
	struct error err = {0};
	int r;

	for (char **name = names; *name; name++)
		strings_add(&wanted, *name);
	r = wanted.count ? container_match(&call->paths, &wanted, &found, &err)
	                 : container_list(&call->paths, &found, &err);
	if (r < 0)
		return output_error(call, wanted.count == 1 ? wanted.items[0] : NULL, &err);
	output_json_begin(&json);
	json_array(&json, "snapshots");
	for (size_t i = 0; i < found.count; i++)
		if (list_one(call, found.items[i], words->sizes, &table, &json, &err) < 0)
			return output_error(call, found.items[i], &err);
	json_end_array(&json);
	json_end_object(&json);
	if (call->json)
		return output_json(call, &json);
	table_print(&table, true, &text);
	return table.cells.count ? output_text(call, &text) : EXIT_DONE;
}

static void show_line(struct text *text, const char *title, const char *value)
{
	if (value && *value)
		text_addf(text, "%-12s %s\n", title, value);
}

static void show_text(const struct container *container, const struct snapshot *snapshot,
                      const uint64_t *own, struct text *text)
{
	CLEAN_FREE char *dir = snapshot_dir(container, snapshot->name), *tree = NULL;
	CLEAN(storage_done) struct storage storage = {.backend = NULL};
	char moment[MOMENT_ROOM], size[24], frozen[32] = "";
	uint64_t bytes;

	if (snapshot->frozen_us >= 0)
		(void)snprintf(frozen, sizeof(frozen), "for %lld.%lld ms",
		               (long long)snapshot->frozen_us / 1000,
		               (long long)snapshot->frozen_us / 100 % 10);
	show_line(text, "Container:", container->name);
	show_line(text, "Snapshot:", snapshot->name);
	show_line(text, "Time:", moment_format(snapshot->created_ms, moment));
	show_line(text, "Reason:", snapshot_reason_name(snapshot->reason));
	show_line(text, "Comment:", snapshot->comment);
	show_line(text, "Running:", snapshot->was_running ? "yes" : "no");
	show_line(text, "Frozen:", frozen);
	show_line(text, "Replaced by:", snapshot->replaced_by);
	show_line(text, "Folder:", dir);
	if (snapshot_storage(container, snapshot->name, &storage, NULL) == 0) {
		tree = storage_text(&storage);
		show_line(text, "Tree:", tree);
	}
	if (size_of(container, snapshot->name, &bytes)) {
		format_size(bytes, size);
		show_line(text, "Size:", size);
	}
	if (own)
		format_size(*own, size);
	show_line(text, "Own:", own ? size : "-");
}

int snapshot_run_show(const struct call *call, char **names)
{
	CLEAN(container_done) struct container container = {0};
	CLEAN(snapshot_done) struct snapshot snapshot = {0};
	CLEAN(json_done) struct json json = {0};
	CLEAN(text_done) struct text text = {0};
	struct error err = {0};
	const uint64_t *own;
	uint64_t bytes;

	if (!inspect_exists(call, names[0], &err) ||
	    container_init(&container, &call->paths, names[0], &err) < 0)
		return output_error(call, names[0], &err);
	if (snapshot_read(&container, names[1], &snapshot, &err) < 0) {
		(void)output_error(call, names[0], &err);
		return EXIT_FAILED;
	}
	own = own_of(call, &container, &snapshot, &bytes);
	if (!call->json) {
		show_text(&container, &snapshot, own, &text);
		return output_text(call, &text);
	}
	output_json_begin(&json);
	snapshot_json(&json, "snapshot", &container, &snapshot, own);
	json_end_object(&json);
	return output_json(call, &json);
}
