/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A tree and its configuration on their way into an archive; see the header. */
#include "tools/export_part.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "container/container.h"
#include "storage/snapshot.h"
#include "tools/archiver.h"
#include "tools/export_say.h"
#include "tools/export_since.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#define CONFIG_MAX (1 << 20)

static void copy_value(char *out, size_t room, const char *value)
{
	(void)snprintf(out, room, "%s", value ? value : "");
}

/* Whoever removes snapshots wants to hold this lock alone (storage/snapshot.h). */
static int find_snapshot(struct export_part *part, struct snapshot *found, struct error *err)
{
	CLEAN_FREE char *dir = snapshot_dir(part->container, part->snapshot);
	int r = snapshot_read(part->container, part->snapshot, found, err);

	if (r == 0)
		r = snapshot_check_whole(found, err);
	if (r < 0)
		return r;
	part->snapshot_fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (part->snapshot_fd < 0 || flock(part->snapshot_fd, LOCK_SH | LOCK_NB) < 0)
		return fail(err, errno, "keep snapshot '%s'", part->snapshot);
	part->file = must_printf("%s/config", dir);
	return snapshot_storage(part->container, part->snapshot, &part->storage, err);
}

static void describe_snapshot(struct export_part *part, const struct snapshot *snapshot)
{
	struct manifest *manifest = &part->manifest;

	copy_value(manifest->snapshot, sizeof(manifest->snapshot), part->snapshot);
	copy_value(manifest->reason, sizeof(manifest->reason),
	           snapshot_reason_name(snapshot->reason));
	copy_value(manifest->replaced_by, sizeof(manifest->replaced_by), snapshot->replaced_by);
	if (snapshot->comment && !text_has_control(snapshot->comment, false))
		copy_value(manifest->comment, sizeof(manifest->comment), snapshot->comment);
	manifest->created_ms = (uint64_t)snapshot->created_ms;
	manifest->was_running = snapshot->was_running;
}

int export_part_open(struct export_part *part, const struct container *container,
                     const char *snapshot, struct error *err)
{
	CLEAN(snapshot_done) struct snapshot found = {0};
	int r;

	*part = (struct export_part){
		.container = container, .snapshot = snapshot, .snapshot_fd = -1};
	if (!snapshot)
		part->file = must_dup(container->file);
	r = snapshot ? find_snapshot(part, &found, err)
	             : storage_of(&part->storage, &container->config, err);
	if (r >= 0)
		r = file_read(AT_FDCWD, part->file, CONFIG_MAX, &part->config, err);
	if (r < 0)
		return r;
	export_describe(&part->manifest, container, &part->storage, &part->config);
	if (snapshot)
		describe_snapshot(part, &found);
	return 0;
}

void export_part_done(struct export_part *part)
{
	fd_close(&part->snapshot_fd);
	free(part->file);
	storage_done(&part->storage);
	text_done(&part->config);
}

void export_part_place(struct export_part *part, const struct earlier *earlier, uint64_t parts_left,
                       const char *holds)
{
	struct manifest *manifest = &part->manifest;

	copy_value(manifest->since, sizeof(manifest->since), earlier->digest);
	copy_value(manifest->since_date, sizeof(manifest->since_date), earlier->manifest.date);
	manifest->parts_left = parts_left;
	copy_value(manifest->holds, sizeof(manifest->holds), parts_left ? "" : holds);
}

static int memory_file(const char *what, const struct text *text, struct error *err)
{
	CLEAN_FD int fd = memfd_create(what, MFD_CLOEXEC);
	int r = fd < 0 ? -errno : file_write_all(fd, text->data ? text->data : "", text->length);

	if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = -errno;
	return r < 0 ? fail(err, -r, "keep the %s", what) : fd_take(&fd);
}

int export_part_pack(const struct export_part *part, const struct export_pack *pack,
                     struct error *err)
{
	const struct config *config = &part->container->config;
	CLEAN(strings_done) struct strings words = {0};
	CLEAN(text_done) struct text manifest = {0};
	CLEAN_FD int manifest_fd = -1, config_fd = -1, tree = -1;
	struct archiver_run run = {
		.call = pack->call,
		.name = part->container->name,
		.words = &words,
		.output_fd = pack->output_fd,
		.base_fd = pack->base_fd,
		.save_fd = pack->save_fd,
		.counts = pack->counts,
		.signals_fd = pack->signals_fd,
		.progress = pack->progress,
	};

	manifest_format(&part->manifest, &manifest);
	run.input_fd = tree = storage_visit(&part->storage, 0, err);
	if (tree < 0)
		return tree;
	run.manifest_fd = manifest_fd = memory_file("manifest", &manifest, err);
	if (manifest_fd < 0)
		return manifest_fd;
	run.config_fd = config_fd = memory_file("configuration", &part->config, err);
	if (config_fd < 0)
		return config_fd;
	strings_add(&words, "pack");
	for (size_t i = 0; i < pack->words->count; i++)
		strings_add(&words, pack->words->items[i]);
	if (config->privileged)
		strings_add(&words, "--privileged");
	/* where owners were shifted at create, the archive has plain ones all the same */
	for (size_t i = 0; storage_option(&part->storage, "shifted") && i < config->idmap.count;
	     i++)
		strings_give(&words, must_printf("--map=%s", config->idmap.items[i]));
	return archiver_run(&run, err);
}
