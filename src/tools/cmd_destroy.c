/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sysc destroy: the definition goes by one rename to STORE/.NAME.destroying, what it held after that;
 * storage/sweep.h sees to what a killed destroy leaves. A container whose configuration or storage is
 * broken can be destroyed as well.
 */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "container/container.h"
#include "container/lock.h"
#include "container/state.h"
#include "monitor/client.h"
#include "storage/remove.h"
#include "storage/sweep.h"
#include "tools/command.h"
#include "tools/inspect.h"
#include "tools/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define LOCK_MS 30000

static bool opt_force;

static const struct option_row options[] = {
	{'f',          "force", OPTION_FLAG, &opt_force, NULL, "kill it first when it is running"},
	{0},
};

/* What a destroy found out of the configuration before it goes. */
struct doomed {
	const struct call *call;
	struct container container;
	char *outside;  /* a tree that is not in the container's folder, NULL: none */
	bool keep;      /* rootfs.managed = no */
	bool is_inside; /* the tree is in the container's folder */
};

static void doomed_done(struct doomed *doomed)
{
	container_done(&doomed->container);
	free(doomed->outside);
}

static int stop_first(const struct doomed *doomed, struct error *err)
{
	struct client_stop_options kill = {.how = PROTOCOL_KILL, .timeout_ms = LOCK_MS};
	struct state state;
	int r = state_read(doomed->container.run_dir, &state, NULL, err);

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
	CLEAN_FREE char *own = must_printf("%s/", doomed->container.dir);
	struct error err = {0};
	const char *path;

	if (config_load(config, doomed->container.file, NULL, &err) < 0)
		output_note(doomed->call, "%s: %s (going on)", doomed->container.name, err.text);
	if (!config->rootfs_path)
		return;
	path = text_starts(config->rootfs_path, "dir:") ? config->rootfs_path + 4
	                                                : config->rootfs_path;
	doomed->keep = !config->rootfs_managed;
	doomed->is_inside = text_starts(path, own);
	if (!doomed->is_inside && path[0] == '/')
		doomed->outside = must_dup(path);
}

static int remove_outside(const char *path, struct error *err)
{
	CLEAN_FREE char *folder = must_dup(path);
	CLEAN_FD int parent = -1;
	char *slash;

	while ((slash = strrchr(folder, '/')) && !slash[1] && slash != folder)
		*slash = '\0';
	if (!slash || !slash[1])
		return fail_plain(err, EINVAL, "'%s' is no folder of a container", path);
	*slash = '\0';
	parent = open(*folder ? folder : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0)
		return fail(err, errno, "open '%s'", *folder ? folder : "/");
	return remove_tree(parent, slash + 1, err);
}

/* State, lock and logs; what cannot be removed is said and is no failure. */
static void remove_traces(const struct doomed *doomed)
{
	const struct paths *paths = &doomed->call->paths;
	const char *files[] = {doomed->container.log, doomed->container.console};
	CLEAN_FD int run = open(paths->run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct error err = {0};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		CLEAN_FREE char *rotated = must_printf("%s.1", files[i]);

		if ((unlink(files[i]) < 0 && errno != ENOENT) ||
		    (unlink(rotated) < 0 && errno != ENOENT))
			output_note(doomed->call, "'%s' stays: %s", files[i],
			            strerrordesc_np(errno));
	}
	if (run >= 0 && file_remove_tree(run, doomed->container.name, &err) < 0)
		output_note(doomed->call, "'%s' stays: %s", doomed->container.run_dir, err.text);
}

/* Only the definition goes: what else is in the folder is kept. */
static int forget(const struct doomed *doomed, struct error *err)
{
	if (unlink(doomed->container.file) < 0)
		return fail(err, errno, "remove '%s'", doomed->container.file);
	output_note(doomed->call, "%s: '%s' stays (rootfs.managed = no)", doomed->container.name,
	            doomed->container.dir);
	return 0;
}

static int remove_all(const struct doomed *doomed, struct error *err)
{
	const struct container *container = &doomed->container;
	CLEAN_FREE char *hidden = must_printf(".%s.destroying", container->name);
	CLEAN_FD int store = open(doomed->call->paths.store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* held until all is gone: it tells a sweep that somebody is at work */
	CLEAN_FD int folder =
		store < 0 ? -1 : sweep_lock(&doomed->call->paths, container->name, err);

	if (store < 0)
		return fail(err, errno, "open '%s'", doomed->call->paths.store);
	if (folder < 0)
		return folder;
	if (renameat2(store, container->name, store, hidden, RENAME_NOREPLACE) < 0)
		return fail(err, errno, "rename '%s' to '%s'", container->dir, hidden);
	if (doomed->outside && doomed->keep)
		output_note(doomed->call, "%s: '%s' stays (rootfs.managed = no)", container->name,
		            doomed->outside);
	else if (doomed->outside && remove_outside(doomed->outside, err) < 0)
		output_note(doomed->call, "%s: '%s' stays: %s", container->name, doomed->outside,
		            err->text);
	if (remove_tree(store, hidden, err) < 0)
		/* the container is gone; the next command tries again */
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
	/* another destroy may have been first */
	if (!container_exists(&doomed->container))
		return fail_plain(err, ENOENT, "no such container");
	r = stop_first(doomed, err);
	if (r < 0)
		return r;
	look(doomed);
	r = doomed->keep && doomed->is_inside ? forget(doomed, err) : remove_all(doomed, err);
	if (r == 0)
		remove_traces(doomed);
	return r;
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
	    destroy(&doomed, &err) < 0)
		return output_error(call, name, &err);
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
