/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading snapshots and what is told about them; removing one. */
#include "storage/snapshot.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/parse.h"
#include "container/container.h"
#include "container/lock.h"
#include "storage/backend.h"
#include "storage/copy.h"
#include "storage/remove.h"
#include "storage/snapshot_parts.h"
#include "storage/sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define TOLD          "told"
#define INFO_MOST     (1 << 20)
#define CONFIG_MOST   (1 << 20)
#define STORE_WAIT_MS 60000

static const char *const reasons[] = {"hand", "schedule", "restore"};

void snapshot_done(struct snapshot *snapshot)
{
	free(snapshot->name);
	free(snapshot->comment);
	free(snapshot->replaced_by);
	strings_done(&snapshot->paths);
	*snapshot = (struct snapshot){.name = NULL};
}

void snapshots_done(struct snapshots *snapshots)
{
	for (size_t i = 0; i < snapshots->count; i++)
		snapshot_done(&snapshots->items[i]);
	free(snapshots->items);
	*snapshots = (struct snapshots){.items = NULL};
}

int snapshot_check_name(const char *name, struct error *err)
{
	int r = container_check_name(name, err);

	return r < 0 ? fail_in(err, "the name of a snapshot") : 0;
}

const char *snapshot_reason_name(enum snapshot_reason reason)
{
	return reasons[reason];
}

char *snapshot_dir(const struct container *container, const char *name)
{
	return must_printf("%s/snapshots/%s", container->dir, name);
}

int snapshot_open_all(const struct container *container, bool make, struct error *err)
{
	CLEAN_FREE char *path = must_printf("%s/snapshots", container->dir);
	int fd;

	if (make && mkdir(path, 0700) < 0 && errno != EEXIST)
		return fail(err, errno, "make directory '%s'", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? fail(err, errno, "open '%s'", path) : fd;
}

/* --- the file info --- */

int snapshot_write_info(int dirfd, const struct snapshot *snapshot, uint64_t identity,
                        struct error *err)
{
	CLEAN(text_done) struct text text = {0};

	text_addf(&text, "schema 1\nname %s\nreason %s\ncreated_ms %lld\nrunning %s\n",
	          snapshot->name, reasons[snapshot->reason], (long long)snapshot->created_ms,
	          snapshot->was_running ? "yes" : "no");
	if (snapshot->frozen_us >= 0)
		text_addf(&text, "frozen_us %lld\n", (long long)snapshot->frozen_us);
	if (snapshot->comment && *snapshot->comment)
		text_addf(&text, "comment %s\n", snapshot->comment);
	if (snapshot->replaced_by)
		text_addf(&text, "replaced_by %s\n", snapshot->replaced_by);
	for (size_t i = 0; i < snapshot->paths.count; i++)
		text_addf(&text, "path %s\n", snapshot->paths.items[i]);
	if (snapshot->tree_only)
		text_add(&text, "tree_only yes\n");
	if (identity)
		text_addf(&text, "identity %llu\n", (unsigned long long)identity);
	return file_replace_volatile(dirfd, "info", text.data, text.length, 0600, err);
}

static int read_reason(const char *word, enum snapshot_reason *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		if (text_is(word, reasons[i])) {
			*out = (enum snapshot_reason)i;
			return 0;
		}
	return -EINVAL;
}

static void read_line(char *line, struct snapshot *out, uint64_t *identity)
{
	char *value = strchr(line, ' ');

	if (!value)
		return;
	*value++ = '\0';
	/* what a later release writes is passed over, what is wrong stays at its default */
	if (text_is(line, "reason"))
		(void)read_reason(value, &out->reason);
	else if (text_is(line, "created_ms"))
		(void)parse_int(value, 0, INT64_MAX, &out->created_ms);
	else if (text_is(line, "running"))
		(void)parse_bool(value, &out->was_running);
	else if (text_is(line, "tree_only"))
		(void)parse_bool(value, &out->tree_only);
	else if (text_is(line, "frozen_us"))
		(void)parse_int(value, 0, INT64_MAX, &out->frozen_us);
	else if (text_is(line, "identity") && identity)
		(void)parse_uint(value, UINT64_MAX, identity);
	else if (text_is(line, "comment") && !out->comment)
		out->comment = must_dup(value);
	else if (text_is(line, "path"))
		strings_add(&out->paths, value);
	else if (text_is(line, "replaced_by") && !out->replaced_by)
		out->replaced_by = must_dup(value);
}

int snapshot_read_info(const char *dir, struct snapshot *out, uint64_t *identity, struct error *err)
{
	CLEAN_FREE char *path = must_printf("%s/info", dir), *told = must_printf("%s/" TOLD, dir);
	CLEAN(text_done) struct text text = {0};
	CLEAN(strings_done) struct strings lines = {0};
	int r = file_read(AT_FDCWD, path, INFO_MOST, &text, err);

	if (r < 0)
		return r;
	*out = (struct snapshot){.name = must_dup(strrchr(dir, '/') + 1),
	                         .is_told = file_exists(AT_FDCWD, told),
	                         .frozen_us = -1};
	strings_split(&lines, text.data ? text.data : "", "\n");
	for (size_t i = 0; i < lines.count; i++)
		read_line(lines.items[i], out, identity);
	return 0;
}

void snapshot_set_told(const struct container *container, const char *name)
{
	CLEAN_FREE char *path = must_printf("%s/snapshots/%s/" TOLD, container->dir, name);
	/* a file without content has nothing to lose; where it cannot be made the snapshot stays longer */
	CLEAN_FD int fd = open(path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
}

/* --- finding --- */

static int fail_absent(const struct container *container, const char *name, struct error *err)
{
	CLEAN(snapshots_done) struct snapshots all = {0};
	CLEAN_FREE const char **names = NULL;
	const char *near;

	(void)fail_plain(err, ENOENT, "no snapshot '%s'", name);
	if (snapshot_list(container, &all, NULL) < 0 || !all.count)
		return fail_hint(err, "it has none");
	names = must_alloc((all.count + 1) * sizeof(*names));
	for (size_t i = 0; i < all.count; i++)
		names[i] = all.items[i].name;
	near = text_nearest(name, names);
	return near ? fail_hint(err, "did you mean '%s'?", near) : -ENOENT;
}

int snapshot_check_whole(const struct snapshot *snapshot, struct error *err)
{
	if (!snapshot->paths.count)
		return 0;
	(void)fail_plain(err, EINVAL, "snapshot '%s' has only what a restore of '%s'%s replaced",
	                 snapshot->name, snapshot->paths.items[0],
	                 snapshot->paths.count > 1 ? " and other paths" : "");
	return fail_hint(err, "snapshot restore brings that back");
}

int snapshot_read(const struct container *container, const char *name, struct snapshot *out,
                  struct error *err)
{
	CLEAN_FREE char *dir = snapshot_dir(container, name);
	int r = snapshot_check_name(name, err);

	if (r < 0)
		return r;
	if (!file_is_dir(AT_FDCWD, dir))
		return fail_absent(container, name, err);
	return snapshot_read_info(dir, out, NULL, err);
}

static int compare_times(const void *a, const void *b)
{
	const struct snapshot *one = a, *other = b;

	if (one->created_ms != other->created_ms)
		return one->created_ms < other->created_ms ? -1 : 1;
	return strcmp(one->name, other->name);
}

int snapshot_list(const struct container *container, struct snapshots *out, struct error *err)
{
	CLEAN_FREE char *path = must_printf("%s/snapshots", container->dir);
	CLEAN(snapshots_done) struct snapshots all = {0};
	CLEAN_DIR DIR *dir = opendir(path);
	const struct dirent *entry;

	if (!dir && errno != ENOENT)
		return fail(err, errno, "open '%s'", path);
	while (dir && (entry = readdir(dir))) {
		CLEAN_FREE char *one = must_printf("%s/%s", path, entry->d_name);
		struct snapshot found;

		if (entry->d_name[0] == '.' || snapshot_read_info(one, &found, NULL, NULL) < 0)
			continue;
		all.items = must_realloc(all.items, (all.count + 1) * sizeof(*all.items));
		all.items[all.count++] = found;
	}
	if (all.count)
		qsort(all.items, all.count, sizeof(*all.items), compare_times);
	*out = all;
	all = (struct snapshots){.items = NULL};
	return 0;
}

char *snapshot_free_name(const struct container *container)
{
	CLEAN(snapshots_done) struct snapshots all = {0};
	uint64_t next = 0, number;

	(void)snapshot_list(container, &all, NULL); /* making it tells what is wrong */
	for (size_t i = 0; i < all.count; i++)
		if (text_starts(all.items[i].name, "snap") &&
		    parse_uint(all.items[i].name + 4, UINT32_MAX, &number) == 0 && number >= next)
			next = number + 1;
	return must_printf("snap%llu", (unsigned long long)next);
}

/* --- configurations and trees --- */

int snapshot_storage_of(const char *file, const char *uuid, struct storage *out, struct error *err)
{
	CLEAN(config_done) struct config config = {0};
	struct error ignored = {0};
	int r;

	config_init(&config);
	if (config_load(&config, file, NULL, &ignored) < 0 && !config.rootfs_path)
		return fail_plain(err, ignored.code, "%s", ignored.text);
	if (!config.uuid && uuid)
		config.uuid = must_dup(uuid);
	r = storage_of(out, &config, err);
	out->size_bytes = 0; /* a limit is the container's */
	return r;
}

int snapshot_storage(const struct container *container, const char *name, struct storage *out,
                     struct error *err)
{
	CLEAN_FREE char *file = must_printf("%s/snapshots/%s/config", container->dir, name);

	return snapshot_storage_of(file, container->config.uuid, out, err);
}

void snapshot_place(const struct container *container, const struct storage *from, const char *name,
                    struct storage *out)
{
	const char *path = storage_place(from);
	CLEAN_FREE char *dir = snapshot_dir(container, name);

	storage_copy(out, from);
	out->size_bytes = 0;
	out->readonly = true;
	strings_done(&out->parts);
	if (text_is(storage_name(from), "lvm"))
		strings_give(&out->parts, must_printf("%s+%s", path, name));
	else if (storage_is_volume(from))
		strings_give(&out->parts, must_printf("%s:%s", path, name));
	else
		strings_give(
			&out->parts,
			must_printf("%s/%s", dir,
		                    text_is(storage_name(from), "loop") ? "rootfs.img" : "rootfs"));
}

int snapshot_go_on(const struct copy_options *copy, struct error *err)
{
	static const struct copy_totals nothing;

	return copy && copy->progress ? copy->progress(&nothing, copy->user, err) : 0;
}

/* --- removing --- */

/* Everybody else's, and the container's own ones but itself. */
static int check_users(const struct container *container, const char *name, struct error *err)
{
	CLEAN_FREE char *folder = must_printf("%s/snapshots/%s/", container->dir, name);
	CLEAN_FREE char *self = must_printf("%s/snapshots/%s", container->name, name);
	CLEAN(strings_done) struct strings users = {0};

	storage_users(container->paths, folder, &users);
	for (size_t i = 0; i < users.count; i++) {
		if (text_is(users.items[i], self))
			continue;
		(void)fail_plain(err, EBUSY, "snapshot '%s': '%s' stands on it", name,
		                 users.items[i]);
		return fail_hint(err, "remove that first");
	}
	return 0;
}

int snapshot_remove(const struct container *container, const char *name, struct error *err)
{
	CLEAN_FREE char *hidden = must_printf(".%s.deleting", name);
	CLEAN_FREE char *file = must_printf("%s/snapshots/%s/config", container->dir, hidden);
	CLEAN(snapshot_done) struct snapshot found = {0};
	CLEAN_FD int all = -1, one = -1, store = -1;
	int r = snapshot_read(container, name, &found, err);

	if (r == 0)
		r = all = snapshot_open_all(container, false, err);
	/* nobody begins to stand on it from here to the rename */
	if (r >= 0)
		r = store = lock_store(container->paths, STORE_WAIT_MS, err);
	if (r >= 0)
		r = check_users(container, name, err);
	if (r < 0)
		return r;
	one = openat(all, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (one < 0)
		return fail(err, errno, "open snapshot '%s'", name);
	if (flock(one, LOCK_EX | LOCK_NB) < 0)
		return fail_plain(err, EBUSY, "snapshot '%s' is being read by another command",
		                  name);
	if (renameat2(all, name, all, hidden, RENAME_NOREPLACE) < 0)
		return fail(err, errno, "rename snapshot '%s'", name);
	if (fsync(all) < 0) {
		r = fail(err, errno, "write the removal of snapshot '%s' to disk", name);
		(void)renameat2(all, hidden, all, name, RENAME_NOREPLACE); /* or a sweep ends it */
		return r;
	}
	fd_close(&store);
	r = sweep_volume(file, err);
	return r < 0 ? r : remove_tree(all, hidden, err);
}
