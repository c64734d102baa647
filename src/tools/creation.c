/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The steps of making a container, and taking them back; see the header. */
#include "tools/creation.h"

#include "base/cleanup.h"
#include "base/compat.h"
#include "base/file.h"
#include "base/process.h"
#include "container/container.h"
#include "container/idmap.h"
#include "container/lock.h"
#include "storage/storage.h"
#include "storage/sweep.h"
#include "tools/command.h"
#include "tools/create_config.h"
#include "tools/making.h"
#include "tools/output.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define STORE_WAIT_MS 60000

void creation_init(struct creation *creation, const struct call *call, const char *name)
{
	*creation = (struct creation){
		.call = call,
		.name = name,
		.signals_fd = -1,
		.folder_fd = -1,
		.tree_fd = -1,
	};
}

void creation_done(struct creation *creation)
{
	free(creation->dir);
	fd_close(&creation->folder_fd);
	fd_close(&creation->signals_fd);
	fd_close(&creation->tree_fd);
	storage_done(&creation->storage);
	container_done(&creation->target);
	create_config_done(&creation->config);
}

/* How the root file system is kept; whether that can be here is said before anything is made. */
static int choose_storage(struct creation *creation, struct error *err)
{
	const struct config *config = &creation->config.merged;
	const struct storage_request request = {
		.paths = &creation->call->paths,
		.name = creation->name,
		.backend = config->rootfs_backend,
		.options = config->rootfs_options,
		.size_bytes = config->rootfs_size == LIMIT_UNSET ? 0 : config->rootfs_size,
	};
	CLEAN_FREE char *store = must_dup(request.paths->store);
	int r = file_make_dirs(store, 0711, err);

	return r < 0 ? r : storage_choose(&request, &creation->storage, err);
}

int creation_prepare(struct creation *creation, struct strings *errors, struct error *err)
{
	const struct paths *paths = &creation->call->paths;
	int r = container_init(&creation->target, paths, creation->name, err);

	if (r < 0)
		return r;
	creation->dir = making_folder(&creation->target);
	creation->config.paths = paths;
	creation->config.name = creation->name;
	creation->config.has_tree = creation->fill != NULL;
	r = create_config_read(&creation->config, errors, err);
	if (r == 0)
		r = making_check_free(&creation->target, err);
	return r == 0 && creation->fill ? choose_storage(creation, err) : r;
}

/* Under the store lock: the folder, the ids, and the file that tells others which ids are taken. */
static int reserve(struct creation *creation, struct strings *errors, struct error *err)
{
	const struct paths *paths = &creation->call->paths;
	CLEAN_FD int lock = lock_store(paths, STORE_WAIT_MS, err);
	CLEAN_FREE char *rootfs = creation->fill
	                                  ? storage_text(&creation->storage)
	                                  : must_printf("dir:%s/rootfs", creation->target.dir);
	const char *map = NULL;
	int r = lock < 0 ? lock : making_check_free(&creation->target, err);

	if (r == 0 && creation->reserve)
		r = creation->reserve(creation, errors, err);
	if (r < 0)
		return r;
	creation->folder_fd = sweep_make(paths, creation->name, err);
	if (creation->folder_fd < 0)
		return creation->folder_fd;
	if (create_config_needs_ids(&creation->config)) {
		r = idmap_choose(paths, NULL, creation->map, err);
		map = creation->map;
	}
	if (r < 0)
		return r;
	return create_config_write(&creation->config, creation->dir, rootfs, map, err);
}

/* A snapshot stands on the lower folder of an overlay: what follows goes into the upper one. */
static bool is_over_snapshot(const struct creation *creation)
{
	return creation->has_snapshots && text_is(storage_name(&creation->storage), "overlay");
}

const char *creation_map(const struct creation *creation)
{
	/* an overlay cannot be id-mapped; the ids that are written are plain all the same */
	return creation->map[0] && creation->can_map && !is_over_snapshot(creation) ? creation->map
	                                                                            : NULL;
}

/*
 * A file system of its own is mounted where the template expects the tree, in a mount namespace that
 * ends with this process, however that ends.
 */
int creation_mount(struct creation *creation, struct error *err)
{
	CLEAN_FREE char *rootfs = must_printf("%s/rootfs", creation->dir);
	bool stands = faccessat(creation->folder_fd, "rootfs", F_OK, 0) == 0;

	if (stands && !is_over_snapshot(creation))
		return 0;
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return fail(err, errno, "make a mount namespace");
	creation->tree_fd = storage_visit(&creation->storage, STORAGE_WRITE | STORAGE_RUN, err);
	if (creation->tree_fd < 0)
		return creation->tree_fd;
	if (!stands && mkdirat(creation->folder_fd, "rootfs", 0755) < 0)
		return fail(err, errno, "make directory '%s'", rootfs);
	creation->is_place_made = !stands;
	if (sys_move_mount(creation->tree_fd, "", AT_FDCWD, rootfs, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return fail(err, errno, "mount the new file system on '%s'", rootfs);
	/* a template wants an empty folder; e2fsck(8) makes it again when it needs it */
	(void)unlinkat(creation->tree_fd, "lost+found", AT_REMOVEDIR);
	return 0;
}

/* Written to disk and gone from here; its place too. */
int creation_unmount(struct creation *creation, struct error *err)
{
	CLEAN_FREE char *rootfs = must_printf("%s/rootfs", creation->dir);
	CLEAN_FD int tree = -1;

	if (creation->tree_fd < 0)
		return 0;
	tree = openat(creation->tree_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (tree < 0 || syncfs(tree) < 0)
		return fail(err, errno, "write the new file system to disk");
	fd_close(&tree);
	fd_close(&creation->tree_fd);
	if (umount2(rootfs, MNT_DETACH) < 0 ||
	    (creation->is_place_made && unlinkat(creation->folder_fd, "rootfs", AT_REMOVEDIR) < 0))
		return fail(err, errno, "unmount '%s'", rootfs);
	return 0;
}

/* "shifted" beside what the options say already. */
static int note_shift(struct creation *creation, struct error *err)
{
	CLEAN_FREE char *file = must_printf("%s/config", creation->dir);
	const char *old = creation->target.config.rootfs_options;
	CLEAN_FREE char *options = must_printf("%s%sshifted", old ? old : "", old ? "," : "");

	return config_edit_draft(file, "rootfs", "options", options, true, err);
}

/* The empty root file system. Its configuration is written already: a sweep finds it by that. */
static int make_tree(struct creation *creation, struct error *err)
{
	CLEAN_FREE char *rootfs = must_printf("%s/rootfs", creation->dir);
	const struct config *config = &creation->target.config;
	int r;

	storage_done(&creation->storage);
	r = storage_of(&creation->storage, config, err);
	if (r < 0)
		return r;
	storage_move(&creation->storage, creation->target.dir, creation->dir);
	r = storage_announce(&creation->storage, creation->folder_fd, err);
	if (r == 0)
		r = storage_make(&creation->storage, err);
	creation->is_made = r == 0;
	if (r == 0)
		r = creation_mount(creation, err);
	if (r == 0)
		r = storage_can_map(rootfs, &creation->can_map, err);
	if (r == 0 && !creation->can_map && !config->privileged)
		r = note_shift(creation, err);
	return r;
}

/* Loads what is to be the configuration, as a start would. */
static int check_result(struct creation *creation, struct strings *errors, struct error *err)
{
	CLEAN_FREE char *file = must_printf("%s/config", creation->dir);
	struct config *config = &creation->target.config;
	int r;

	config_done(config);
	config_init(config);
	r = config_load(config, file, errors, err);
	return r < 0 ? r : config_check(config, errors, err);
}

/* For file systems that cannot be id-mapped: owners are changed once. */
static int shift(struct creation *creation, struct error *err)
{
	CLEAN_FREE char *rootfs = must_printf("%s/rootfs", creation->dir);
	const struct config *config = &creation->target.config;
	struct idmap map = {0};
	int r;

	if (creation->can_map || config->privileged || !creation->fill)
		return 0;
	r = idmap_parse(&map, &config->idmap, err);
	return r < 0 ? r : storage_shift(rootfs, &map, err);
}

/* On disk first, then under its name. */
static int publish(struct creation *creation, struct error *err)
{
	int r = making_write(creation->call, &creation->target, creation->folder_fd,
	                     creation->signals_fd, err);

	return r < 0 ? r : making_publish(creation->dir, &creation->target, err);
}

static int make(struct creation *creation, struct strings *errors, struct error *err)
{
	int r = reserve(creation, errors, err);

	if (r == 0)
		r = check_result(creation, errors, err);
	if (r == 0 && creation->fill) {
		r = make_tree(creation, err);
		if (r == 0)
			r = creation->fill(creation, creation_map(creation), err);
		/* it may have added lines */
		if (r == 0)
			r = check_result(creation, errors, err);
		if (r == 0)
			r = shift(creation, err);
		if (r == 0)
			r = storage_finish(&creation->storage, err);
		if (r == 0)
			r = creation_unmount(creation, err);
	}
	return r < 0 ? r : publish(creation, err);
}

/* A volume that cannot be removed yet is found by the folder, by the next command that cleans up. */
static void undo(struct creation *creation)
{
	CLEAN_FREE char *rootfs = must_printf("%s/rootfs", creation->dir);
	struct error err = {0};

	if (creation->folder_fd < 0)
		return;
	if (creation->tree_fd >= 0)
		(void)umount2(rootfs, MNT_DETACH); /* a failure is seen below */
	fd_close(&creation->tree_fd);              /* which kept it busy */
	if ((creation->has_snapshots && sweep_snapshots(creation->dir, &err) < 0) ||
	    (creation->is_made && !storage_is_inside(&creation->storage, creation->dir) &&
	     storage_remove(&creation->storage, &err) < 0)) {
		output_note(creation->call, "%s (the next command tries again)", err.text);
		return;
	}
	making_remove(creation->call, &creation->target);
}

int creation_make(struct creation *creation, struct strings *errors, struct error *err)
{
	int r;

	creation->signals_fd = process_catch_signals();
	r = make(creation, errors, err);
	if (r < 0)
		undo(creation);
	return r;
}
