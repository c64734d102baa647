/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A container from an archive of sysc-export; see the header. */
#include "tools/import_archive.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "storage/snapshot.h"
#include "tools/command.h"
#include "tools/creation.h"
#include "tools/import.h"
#include "tools/import_settings.h"
#include "tools/import_tree.h"

#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>

/* At most what there is room for: an archive must not fill the host's disk to the last byte. */
static uint64_t most_bytes(const char *rootfs)
{
	struct statvfs fs;

	return statvfs(rootfs, &fs) < 0 ? 1 << 30 : fs.f_bavail * fs.f_frsize / 100 * 97 + 4096;
}

/* --- snapshots --- */

/* What of its configuration is left out is said once, with that of the container. */
static void add_left(struct import *import, const struct import_config *taken)
{
	for (size_t i = 0; i < taken->left.count; i++)
		if (!strings_has(&import->taken.left, taken->left.items[i]))
			strings_add(&import->taken.left, taken->left.items[i]);
}

static void describe_snapshot(const struct manifest *manifest, struct snapshot *out)
{
	*out = (struct snapshot){
		.name = must_dup(manifest->snapshot),
		.comment = *manifest->comment ? must_dup(manifest->comment) : NULL,
		.replaced_by = *manifest->replaced_by ? must_dup(manifest->replaced_by) : NULL,
		.created_ms = (int64_t)manifest->created_ms,
		.was_running = manifest->was_running != 0,
		.frozen_us = -1,
	};
	for (int i = SNAPSHOT_HAND; i <= SNAPSHOT_RESTORE; i++)
		if (text_is(snapshot_reason_name((enum snapshot_reason)i), manifest->reason))
			out->reason = (enum snapshot_reason)i;
}

/* With the configuration that it had, as far as that of the container is taken. */
static int make_snapshot(struct creation *creation, const struct import_link *link,
                         struct error *err)
{
	struct import *import = creation->user;
	CLEAN(import_config_done)
	struct import_config taken = {
		.paths = import->taken.paths,
		.name = creation->name,
		.old_name = link->manifest.name,
		.snippet = import->taken.snippet,
		.trust = import->trust,
		.keep = import->keep,
	};
	CLEAN(create_config_done)
	struct create_config config = {
		.paths = creation->config.paths,
		.name = creation->name,
		.origin = creation->config.origin,
		.snippet = creation->config.snippet,
		.uuid = creation->target.config.uuid,
		.base = creation->config.base,
		.base_text = import->base ? NULL : &taken.text,
		.overrides = creation->config.overrides,
		.has_tree = true,
	};
	CLEAN(snapshot_done) struct snapshot what = {0};
	CLEAN(strings_done) struct strings errors = {0};
	int r = import->base ? 0 : import_config_take(&taken, &link->config, err);

	text_add(&taken.text, "");
	if (r == 0)
		r = create_config_read(&config, &errors, err);
	if (r < 0)
		return fail_in(err, "snapshot '%s'", link->manifest.snapshot);
	add_left(import, &taken);
	describe_snapshot(&link->manifest, &what);
	return creation_snapshot(creation, &config, &what, err);
}

/* What is done for all links of the chain. */
struct filling {
	struct creation *creation;
	char *rootfs;
	struct strings words; /* for sysc-archive */
	struct strings made;  /* snapshots, in the words of manifest_held() */
};

static void filling_done(struct filling *filling)
{
	free(filling->rootfs);
	strings_done(&filling->words);
	strings_done(&filling->made);
}

static void choose_words(struct filling *filling, const char *map)
{
	struct strings *words = &filling->words;

	strings_done(words);
	strings_split(words, "unpack --exported --max-entries=100000000 --into", " ");
	strings_add(words, filling->rootfs);
	if (map)
		strings_give(words, must_printf("--map=%s", map));
	strings_give(words, must_printf("--max-bytes=%llu",
	                                (unsigned long long)most_bytes(filling->rootfs)));
	strings_add(words, filling->creation->target.config.privileged ? "--allow-devices"
	                                                               : "--skip-devices");
	if (text_is(storage_name(&filling->creation->storage), "overlay"))
		strings_add(words, "--overlay");
	strings_add(words, "-");
}

/* What was removed before the last archive was made is not made again. */
static bool is_held(const struct import *import, const char *word)
{
	const char *holds = import->last->manifest.holds;
	CLEAN(strings_done) struct strings held = {0};

	strings_split(&held, holds, " ");
	return !*holds || strings_has(&held, word);
}

/* A snapshot that was exported alone is the container. */
static int finish_link(void *user, const struct import_link *link, struct error *err)
{
	struct filling *filling = user;
	const struct import *import = filling->creation->user;
	const struct manifest *manifest = &link->manifest;
	CLEAN_FREE char *word = manifest_held(manifest->snapshot, manifest->created_ms);
	int r;

	if (!*manifest->snapshot || !manifest->parts_left || import->no_snapshots ||
	    !is_held(import, word) || strings_has(&filling->made, word))
		return 0;
	r = make_snapshot(filling->creation, link, err);
	choose_words(filling, creation_map(filling->creation));
	strings_add(&filling->made, word);
	return r;
}

static int fill(struct creation *creation, const char *map, struct error *err)
{
	struct import *import = creation->user;
	CLEAN(filling_done)
	struct filling filling = {
		.creation = creation,
		.rootfs = must_printf("%s/rootfs", creation->dir),
	};
	const struct import_run run = {
		.name = creation->name,
		.words = &filling.words,
		.signals_fd = creation->signals_fd,
		.done = finish_link,
		.user = &filling,
	};
	int r;

	choose_words(&filling, map);
	r = import_chain_run(&import->chain, &run, err);
	if (r == 0)
		r = import_tree_rename(creation, import->last->manifest.name, import->taken.is_twin,
		                       err);
	return r < 0 ? r : creation_settle(creation, err);
}

int import_archive_prepare(struct import *import, struct creation *creation, struct error *err)
{
	const struct paths *paths = &import->call->paths;
	const char *snippet = import->last->manifest.snippet;

	if (*snippet && !text_is(snippet, "default") &&
	    strspn(snippet, "abcdefghijklmnopqrstuvwxyz0123456789-_") == strlen(snippet)) {
		import->snippet = must_printf("%s/%s.conf", paths->config, snippet);
		if (file_exists(AT_FDCWD, import->snippet)) {
			creation->config.snippet = import->snippet;
			import->taken.snippet = snippet;
		}
	}
	creation->fill = fill;
	return import_settings_prepare(import, creation, &import->last->config,
	                               import->last->manifest.name, "archive", err);
}
