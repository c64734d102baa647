/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A container from one of LXC; see the header. */
#include "tools/import_lxc.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/table.h"
#include "base/text.h"
#include "container/container.h"
#include "container/idmap.h"
#include "container/lxc_running.h"
#include "storage/copy.h"
#include "storage/storage.h"
#include "tools/command.h"
#include "tools/config_lxc.h"
#include "tools/creation.h"
#include "tools/import.h"
#include "tools/import_lxc_source.h"
#include "tools/import_settings.h"
#include "tools/import_tree.h"
#include "tools/output.h"
#include "tools/tree_progress.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define STRAYS_SHOWN 10

void import_lxc_init(struct import_lxc *lxc)
{
	*lxc = (struct import_lxc){.source = {.fd = -1}};
}

void import_lxc_done(struct import_lxc *lxc)
{
	lxc_config_done(&lxc->config);
	import_lxc_source_done(&lxc->source);
	strings_done(&lxc->snapshots);
	free(ptr_take(lxc->folder));
}

/* --- looking --- */

/* LXC keeps them in snaps/snap0 and so on. */
static void list_snapshots(struct import_lxc *lxc)
{
	CLEAN_FREE char *path = must_printf("%s/snaps", lxc->folder);
	CLEAN_DIR DIR *dir = opendir(path);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			strings_add(&lxc->snapshots, entry->d_name);
	strings_sort(&lxc->snapshots);
}

int import_lxc_look(struct import *import, const char *path, struct error *err)
{
	struct import_lxc *lxc = &import->lxc;
	CLEAN_FREE char *real = realpath(path, NULL), *file = NULL;
	const char *slash;
	int r;

	if (!real)
		return fail(err, errno, "open '%s'", path);
	file = file_is_dir(AT_FDCWD, real) ? must_printf("%s/config", real) : must_dup(real);
	slash = strrchr(file, '/');
	lxc->folder = must_printf("%.*s", slash == file ? 1 : (int)(slash - file), file);
	r = lxc_config_read(&lxc->config, file, &import->call->paths, false, err);
	if (r < 0)
		return r;
	/* LXC calls it by its folder, and the file in there "config" */
	if (text_is(slash + 1, "config") &&
	    container_check_name(strrchr(lxc->folder, '/') + 1, NULL) == 0)
		import->own_name = must_dup(strrchr(lxc->folder, '/') + 1);
	list_snapshots(lxc);
	return 0;
}

/* --- the tree --- */

static int check_running(const struct import_lxc *lxc, struct error *err)
{
	struct stat st;
	bool has_root = lxc->source.is_folder && fstat(lxc->source.fd, &st) == 0;

	return lxc_running_check("/proc", lxc->folder, has_root ? &st : NULL, err);
}

static void note_stray(const char *path, uint32_t uid, uint32_t gid, void *user)
{
	struct import *import = user;

	if (import->lxc.stray_count++ < STRAYS_SHOWN)
		strings_give(
			&import->taken.notes,
			must_printf("'%s' belongs to %u:%u, whom lxc.idmap lacks: nobody's (%d) "
		                    "now, as the container saw it",
		                    path, uid, gid, IDMAP_NOBODY));
}

static int unshift(struct import *import, const char *rootfs, struct error *err)
{
	struct import_lxc *lxc = &import->lxc;
	int r;

	if (!lxc->config.is_shifted)
		return 0;
	r = storage_unshift(rootfs, &lxc->map, note_stray, import, err);
	if (r == 0 && lxc->stray_count > STRAYS_SHOWN)
		strings_give(&import->taken.notes,
		             must_printf("and %llu more that belong to nobody in lxc.idmap",
		                         (unsigned long long)lxc->stray_count - STRAYS_SHOWN));
	return r;
}

static int copy(struct import *import, struct creation *creation, const char *rootfs,
                struct error *err)
{
	struct tree_progress progress;
	struct copy_options options = {
		.write_out = true, .progress = tree_progress_copied, .user = &progress};
	CLEAN_FD int to = open(rootfs, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r;

	if (to < 0)
		return fail(err, errno, "open '%s'", rootfs);
	tree_progress_begin(&progress, import->call, creation->name, creation->signals_fd);
	options.count = progress.line.form != PROGRESS_NONE;
	r = copy_tree(import->lxc.source.fd, to, &options, NULL, err);
	progress_clear(&progress.line);
	if (r < 0)
		return fail_in(err, "copy the root file system of LXC");
	/* mkfs(8) made it; a folder that somebody uses is not empty */
	if (!import->lxc.source.is_folder)
		(void)unlinkat(to, "lost+found", AT_REMOVEDIR);
	/* it may have been started meanwhile, and be half of this and half of that */
	return check_running(&import->lxc, err);
}

static int fill(struct creation *creation, const char *map, struct error *err)
{
	struct import *import = creation->user;
	const struct lxc_config *config = &import->lxc.config;
	CLEAN_FREE char *rootfs = must_printf("%s/rootfs", creation->dir);
	int r = copy(import, creation, rootfs, err);

	(void)map; /* ids on disk are plain ones, or shifted when it is filled */
	if (r == 0)
		r = unshift(import, rootfs, err);
	/* where the guest has a name of its own it keeps that */
	if (r == 0 && import->own_name &&
	    (!config->hostname || text_is(config->hostname, import->own_name)))
		r = import_tree_rename(creation, import->own_name, false, err);
	return r;
}

/* A tree that is not what its map says would come to belong to nobody. */
static int check_shifted(const struct import_lxc *lxc, struct error *err)
{
	struct idmap back;
	struct stat st;

	if (!lxc->config.is_shifted)
		return 0;
	idmap_invert(&lxc->map, &back);
	if (fstat(lxc->source.fd, &st) < 0)
		return fail(err, errno, "look at the root file system of LXC");
	if (idmap_has(&back, false, st.st_uid) && idmap_has(&back, true, st.st_gid))
		return 0;
	(void)fail_plain(err, EINVAL,
	                 "its root file system belongs to %u:%u, which are not in lxc.idmap",
	                 (unsigned int)st.st_uid, (unsigned int)st.st_gid);
	return fail_hint(err,
	                 "if its ids are plain ones, import a copy of the configuration without "
	                 "lxc.idmap");
}

int import_lxc_prepare(struct import *import, struct creation *creation, struct error *err)
{
	struct import_lxc *lxc = &import->lxc;
	int r = idmap_parse(&lxc->map, &lxc->config.map, err);

	if (r == 0)
		r = import_lxc_source_open(&lxc->source, lxc->folder, &lxc->config, import->trust,
		                           err);
	if (r == 0)
		r = check_running(lxc, err);
	if (r == 0)
		r = check_shifted(lxc, err);
	if (r == 0)
		r = import_settings_prepare(import, creation, &lxc->config.text,
		                            import->own_name ? import->own_name : creation->name,
		                            "translation", err);
	if (r < 0)
		return r;
	creation->fill = fill;
	/* with -f that file decides */
	if (!import->base)
		creation->config.snippet = import->snippet = import_tree_snippet(
			&import->call->paths, lxc->source.fd, lxc->config.snippet);
	return 0;
}

/* --- the report --- */

void import_lxc_note(const struct import *import, const struct creation *creation)
{
	const struct import_lxc *lxc = &import->lxc;
	const struct config *config = &creation->target.config;
	const struct call *call = import->call;
	const char *name = creation->name;

	config_lxc_note(call, &lxc->config);
	if (config->mounts.count && !config->privileged)
		output_note(
			call,
			"%s: files of the host that are mounted keep their owners, who are not of "
			"its ids (option idmap of mounts.entry maps them)",
			name);
	if (config->boot.autostart)
		output_note(
			call,
			"%s: starts with the host, as in LXC (boot.autostart): LXC should not start "
			"it any more (lxc.start.auto = 0)",
			name);
	if (lxc->snapshots.count)
		output_note(call, "%s: %zu snapshots of LXC are not taken (%s/snaps)", name,
		            lxc->snapshots.count, lxc->folder);
}

void import_lxc_json(const struct import *import, struct json *json)
{
	const struct import_lxc *lxc = &import->lxc;

	json_object(json, "lxc");
	config_lxc_json(json, &lxc->config);
	json_string(json, "rootfs", lxc->source.text);
	json_unsigned(json, "strays", lxc->stray_count);
	json_array(json, "snapshots");
	for (size_t i = 0; i < lxc->snapshots.count; i++)
		json_string(json, NULL, lxc->snapshots.items[i]);
	json_end_array(json);
	json_end_object(json);
}
