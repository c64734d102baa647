/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sysc destroy: the definition goes by one rename to STORE/.NAME.destroying, what it held after that;
 * storage/sweep.h sees to what a killed destroy leaves. A container whose configuration or storage is
 * broken can be destroyed as well.
 */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/mountinfo.h"
#include "base/process.h"
#include "base/text.h"
#include "container/container.h"
#include "container/lock.h"
#include "container/state.h"
#include "monitor/client.h"
#include "storage/storage.h"
#include "storage/sweep.h"
#include "tools/command.h"
#include "tools/inspect.h"
#include "tools/output.h"
#include "tools/tree_progress.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define LOCK_MS     30000
#define NAMES_SHOWN 8

static bool opt_force, opt_snapshots;

static const struct option_row options[] = {
	{'f',          "force", OPTION_FLAG, &opt_force, NULL, "kill it first when it is running"},
	{'s', "snapshots", OPTION_FLAG, &opt_snapshots, NULL, "its snapshots go with it"},
	{0       },
};

/* What a destroy found out of the configuration before it goes. */
struct doomed {
	const struct call *call;
	struct container container;
	struct storage storage; /* no backend: the configuration does not tell */
	bool keep;              /* rootfs.managed = no */
	bool is_inside;         /* the tree is in the container's folder */
};

static void doomed_done(struct doomed *doomed)
{
	container_done(&doomed->container);
	storage_done(&doomed->storage);
}

static int stop_first(const struct doomed *doomed, struct error *err)
{
	struct client_stop_options kill = {.how = PROTOCOL_KILL, .timeout_ms = LOCK_MS};
	struct state state;
	int r = client_settled_state(&doomed->container, &state, err);

	if (r < 0 || state.phase == STATE_STOPPED)
		return r;
	if (!opt_force) {
		(void)fail_plain(err, EBUSY, "it is %s", state_name(state.phase));
		return fail_hint(err, "stop it first, or destroy -f");
	}
	return client_stop_container(&doomed->container, &kill, NULL, err);
}

/* Where the tree is. A configuration that cannot be read is no hindrance. */
static void look(struct doomed *doomed)
{
	struct config *config = &doomed->container.config;
	struct error err = {0};

	if (config_load(config, doomed->container.file, NULL, &err) < 0)
		output_note(doomed->call, "%s: %s (going on)", doomed->container.name, err.text);
	error_clear(&err);
	if (!config->rootfs_path)
		return;
	doomed->keep = !config->rootfs_managed;
	if (storage_of(&doomed->storage, config, &err) < 0)
		output_note(doomed->call, "%s: %s (going on)", doomed->container.name, err.text);
	else
		doomed->is_inside = storage_is_inside(&doomed->storage, doomed->container.dir);
}

/* "'web2', 'web3'", at most so many that a line stays a line. */
static char *name_all(const struct strings *names)
{
	CLEAN(text_done) struct text text = {0};

	for (size_t i = 0; i < names->count && i < NAMES_SHOWN; i++)
		text_addf(&text, "%s'%s'", i ? ", " : "", names->items[i]);
	if (names->count > NAMES_SHOWN)
		text_addf(&text, " and %zu more", names->count - NAMES_SHOWN);
	return text_take(&text);
}

static int check_snapshots(const struct doomed *doomed, struct error *err)
{
	CLEAN_FREE char *path = must_printf("%s/snapshots", doomed->container.dir);
	CLEAN(strings_done) struct strings names = {0};
	CLEAN_FREE char *all = NULL;
	CLEAN_DIR DIR *dir = opendir(path);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			strings_add(&names, entry->d_name);
	if (!names.count || opt_snapshots)
		return 0;
	strings_sort(&names);
	all = name_all(&names);
	(void)fail_plain(err, EBUSY, "it has snapshots: %s", all);
	return fail_hint(err, "destroy -s removes them too");
}

/* What stands in the way of removing all; the store lock is held until the rename. */
static int check_dependents(const struct doomed *doomed, struct error *err)
{
	CLEAN(strings_done) struct strings children = {0};
	CLEAN(mountinfo_done) struct mountinfo mounts;
	CLEAN_FREE char *all = NULL;
	int r = mountinfo_read(&mounts, NULL, err);

	storage_children(&doomed->call->paths, doomed->container.name, &children);
	if (children.count) {
		all = name_all(&children);
		(void)fail_plain(err, EBUSY, "%s %s on its root file system", all,
		                 children.count > 1 ? "stand" : "stands");
		return fail_hint(err, "destroy what depends on it first");
	}
	for (size_t i = 0; i < mounts.count && r == 0; i++) {
		if (!text_is_below(mounts.items[i].point, doomed->container.dir))
			continue;
		(void)fail_plain(err, EBUSY, "'%s' is a mount point", mounts.items[i].point);
		r = fail_hint(err, "unmount it first");
	}
	return r;
}

static int sync_folder(const char *path, struct error *err)
{
	CLEAN_FD int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? fail(err, errno, "write '%s' to disk", path) : 0;
}

/* Only the definition goes: what else is in the folder is kept. */
static int forget(const struct doomed *doomed, struct error *err)
{
	if (unlink(doomed->container.file) < 0)
		return fail(err, errno, "remove '%s'", doomed->container.file);
	if (sync_folder(doomed->container.dir, err) < 0)
		return -err->code;
	output_note(doomed->call, "%s: '%s' stays (rootfs.managed = no)", doomed->container.name,
	            doomed->container.dir);
	if (sweep_traces(&doomed->call->paths, doomed->container.name, err) < 0)
		output_note(doomed->call, "%s: %s", doomed->container.name, err->text);
	error_clear(err);
	return 0;
}

/* What is not in the folder; a limit ends with what it was for. */
static void remove_storage(struct doomed *doomed, const char *hidden)
{
	CLEAN_FREE char *now = must_printf("%s/%s", doomed->call->paths.store, hidden);
	struct storage *storage = &doomed->storage;
	CLEAN_FREE char *text = storage->backend ? storage_text(storage) : NULL;
	struct error err = {0};

	if (!storage->backend)
		return;
	if (doomed->is_inside) {
		storage_move(storage, doomed->container.dir, now);
		storage->size_bytes = 0;
		(void)storage_limit(storage, NULL); /* it limits nothing any more */
	} else if (doomed->keep) {
		output_note(doomed->call, "%s: '%s' stays (rootfs.managed = no)",
		            doomed->container.name, text);
	} else if (storage_remove(storage, &err) < 0) {
		output_note(doomed->call, "%s: '%s' stays: %s", doomed->container.name, text,
		            err.text);
	}
}

/* Under the store lock: nothing comes to depend on it from here on. */
static int hide(const struct doomed *doomed, const char *hidden, struct error *err)
{
	const struct paths *paths = &doomed->call->paths;
	CLEAN_FD int lock = lock_store(paths, LOCK_MS, err), folder = -1;
	int r = lock < 0 ? lock : check_dependents(doomed, err);

	if (r < 0)
		return r;
	/* held until all is gone: it tells a sweep that somebody is at work */
	folder = sweep_lock(paths, doomed->container.name, err);
	if (folder < 0)
		return folder;
	if (renameat2(AT_FDCWD, doomed->container.dir, AT_FDCWD, hidden, RENAME_NOREPLACE) < 0)
		return fail(err, errno, "rename '%s' to '%s'", doomed->container.dir, hidden);
	/* what is gone stays gone */
	r = sync_folder(paths->store, err);
	if (r == 0)
		return fd_take(&folder);
	(void)rename(hidden, doomed->container.dir); /* or the next command ends it */
	return r;
}

static int remove_all(struct doomed *doomed, struct error *err)
{
	const struct container *container = &doomed->container;
	const struct paths *paths = &doomed->call->paths;
	CLEAN_FREE char *hidden = must_printf(".%s.destroying", container->name);
	CLEAN_FREE char *path = must_printf("%s/%s", paths->store, hidden);
	CLEAN_FD int folder = hide(doomed, path, err), signals = -1;

	if (folder < 0)
		return folder;
	if (sweep_snapshots(path, err) < 0)
		output_note(doomed->call, "%s: %s", container->name, err->text);
	remove_storage(doomed, hidden);
	/* the hidden folder last: what is left of the rest is found by it */
	if (sweep_traces(paths, container->name, err) < 0)
		output_note(doomed->call, "%s: %s", container->name, err->text);
	signals = process_catch_signals();
	if (tree_progress_remove(doomed->call, container->name, paths->store, hidden, signals,
	                         err) == 0)
		return 0;
	/* the container is gone; the next command tries again */
	if (err->code == EINTR)
		return fail_plain(err, EINTR,
		                  "interrupted: it is gone, and the next command removes the rest");
	output_note(doomed->call, "%s: '%s' stays: %s", container->name, hidden, err->text);
	error_clear(err);
	return 0;
}

static int destroy(struct doomed *doomed, struct error *err)
{
	CLEAN_FD int lock = lock_container(&doomed->container, LOCK_MS, err);
	int r;

	if (lock < 0)
		return lock;
	r = check_snapshots(doomed, err);
	if (r == 0)
		r = stop_first(doomed, err);
	if (r < 0)
		return r;
	look(doomed);
	return doomed->keep && doomed->is_inside ? forget(doomed, err) : remove_all(doomed, err);
}

static int run_one(struct call *call, const char *name)
{
	CLEAN(doomed_done) struct doomed doomed = {.call = call};
	struct error err = {0};

	if (sweep_all(&call->paths, &err) < 0)
		output_note(call, "%s", err.text);
	error_clear(&err);
	if (!inspect_exists(call, name, &err) ||
	    container_init(&doomed.container, &call->paths, name, &err) < 0 ||
	    destroy(&doomed, &err) < 0) {
		int code = output_error(call, name, &err);

		return err.code == EINTR ? 128 + SIGINT : code;
	}
	if (!call->many)
		output_line(call, "%s: destroyed", name);
	return EXIT_DONE;
}

const struct command cmd_destroy = {
	.name = "destroy",
	.operands = "NAME…",
	.summary = "Remove containers, their trees and their logs",
	.details = "A tree with rootfs.managed = no stays.\n",
	.options = options,
	.needs = NEEDS_STOPPED,
	.flags = COMMAND_MANY | COMMAND_ROOT,
	.run_one = run_one,
	.done = "destroyed",
};
