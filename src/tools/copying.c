/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The steps of a copy, and taking them back; see the header. copying_tree.c has the root file system. */
#include "tools/copying.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "container/lock.h"
#include "storage/identity.h"
#include "storage/sweep.h"
#include "storage/unstarted.h"
#include "tools/command.h"
#include "tools/copying_tree.h"
#include "tools/making.h"
#include "tools/output.h"

#include <errno.h>
#include <fcntl.h>

#define STORE_WAIT_MS 60000
#define CONFIG_MOST   (1U << 20)
#define CONFIG_MODE   0640

void copying_init(struct copying *copying, const struct call *call, struct container *source,
                  const char *name)
{
	*copying = (struct copying){
		.call = call,
		.paths = &call->paths,
		.source = source,
		.name = name,
		.signals_fd = -1,
		.folder_fd = -1,
	};
	hold_init(&copying->hold, source);
}

void copying_done(struct copying *copying)
{
	free(copying->dir);
	fd_close(&copying->folder_fd);
	storage_done(&copying->from);
	storage_done(&copying->to);
	storage_done(&copying->onward);
	strings_done(&copying->notes);
	container_done(&copying->target);
}

static void add_note(const char *text, void *user)
{
	struct copying *copying = user;

	strings_add(&copying->notes, text);
}

/* The configuration of the copy, but for rootfs.path, which goes by what is in it. */
static int write_config(struct copying *copying, const char *file, struct error *err)
{
	CLEAN(text_done) struct text text = {0};
	int r = file_read(AT_FDCWD, copying->source->file, CONFIG_MOST, &text, err);

	if (r == 0)
		r = file_replace_volatile(AT_FDCWD, file, text.data, text.length, CONFIG_MODE, err);
	copying->identity = (struct identity){
		.paths = copying->paths,
		.old_name = copying->source->name,
		.old_dir = copying->source->dir,
		.old_store = copying->source->paths->store,
		.new_name = copying->name,
		.keep = copying->keep,
		.address = copying->address,
		.overrides = copying->overrides,
		.note = add_note,
		.user = copying,
	};
	if (r == 0)
		r = identity_renew_config(&copying->identity, file, err);
	if (r == 0)
		r = making_edit_overrides(file, copying->overrides, "option -S", err);
	if (r == 0 && copying->is_ephemeral)
		r = config_edit_draft(file, "container", "ephemeral", "yes", true, err);
	if (r == 0 && copying->memory) {
		const char *old = copying->source->config.rootfs_options;
		CLEAN_FREE char *options = must_printf("%s%stmpfs=%s", old ? old : "",
		                                       old ? "," : "", copying->memory);

		r = config_edit_draft(file, "rootfs", "options", options, true, err);
	}
	/* a tree of one's own is removed with its container */
	if (r == 0 && !copying->source->config.rootfs_managed)
		r = config_edit_draft(file, "rootfs", "managed", "yes", true, err);
	for (size_t i = 0; i < copying->mounts->count && r == 0; i++)
		r = config_edit_draft(file, "mounts", "entry", copying->mounts->items[i], false,
		                      err);
	return r;
}

/* Loads what is to be the configuration, as a start would. */
static int check_result(struct copying *copying, const char *file, struct strings *errors,
                        struct error *err)
{
	struct config *config = &copying->target.config;
	int r;

	config_done(config);
	config_init(config);
	r = config_load(config, file, errors, err);
	return r < 0 ? r : config_check(config, errors, err);
}

/* Under the store lock: the folder, the ids, and the file that tells others which ids are taken. */
static int reserve(struct copying *copying, struct strings *errors, struct error *err)
{
	const struct paths *paths = copying->paths;
	CLEAN_FD int lock = lock_store(paths, STORE_WAIT_MS, err);
	CLEAN_FREE char *last = must_printf("%s/config", copying->dir), *path = NULL;
	/* until then it is another's in parts: a sweep would take the source's volume for the copy's */
	CLEAN_FREE char *file = must_printf("%s.new", last);
	int r = lock < 0 ? lock : making_check_free(&copying->target, err);

	if (r < 0)
		return r;
	copying->folder_fd = sweep_make(paths, copying->name, err);
	if (copying->folder_fd < 0)
		return copying->folder_fd;
	r = write_config(copying, file, err);
	if (r == 0)
		r = check_result(copying, file, errors, err);
	if (r == 0)
		r = copying_choose(copying, err);
	if (r < 0)
		return r;
	path = storage_text(&copying->to);
	r = config_edit_draft(file, "rootfs", "path", path, true, err);
	if (r == 0)
		r = check_result(copying, file, errors, err);
	if (r == 0 && rename(file, last) < 0)
		r = fail(err, errno, "rename '%s' to '%s'", file, last);
	return r == 0 && copying->is_ephemeral ? unstarted_mark(&copying->target, err) : r;
}

/*
 * On disk first. The source goes on in its new layer before the copy is there: whatever comes between,
 * nobody writes into what the copy stands on.
 */
static int publish(struct copying *copying, struct error *err)
{
	int r = making_write(copying->call, &copying->target, copying->folder_fd,
	                     copying->signals_fd, err);

	if (r == 0 && copying->onward.backend) {
		CLEAN_FREE char *path = storage_text(&copying->onward);

		r = config_edit_set(copying->source->file, "rootfs", "path", path, true, err);
		copying->onward_is_made = copying->onward_is_made && r < 0; /* it is in use now */
	}
	return r < 0 ? r : making_publish(copying->dir, &copying->target, err);
}

/* A volume that cannot be removed yet is found by the folder, by the next command that cleans up. */
static void undo(struct copying *copying)
{
	struct error err = {0};

	if (copying->folder_fd < 0)
		return;
	if (copying->onward_is_made && storage_remove(&copying->onward, &err) < 0)
		output_note(copying->call, "%s", err.text);
	if (copying->is_ephemeral)
		unstarted_clear(copying->paths, copying->name);
	if (copying->is_made && storage_is_volume(&copying->to) &&
	    storage_remove(&copying->to, &err) < 0)
		output_note(copying->call, "%s (the next command tries again)", err.text);
	else
		making_remove(copying->call, &copying->target);
}

static int make(struct copying *copying, struct strings *errors, struct error *err)
{
	int r = making_check_free(&copying->target, err);

	if (r == 0)
		r = reserve(copying, errors, err);
	if (r == 0)
		r = copying_folder(copying, err);
	if (r == 0)
		r = copying_tree(copying, err);
	return r < 0 ? r : publish(copying, err);
}

int copying_make(struct copying *copying, struct strings *errors, struct error *err)
{
	int r = container_init(&copying->target, copying->paths, copying->name, err);

	if (r < 0)
		return r;
	copying->dir = making_folder(&copying->target);
	r = make(copying, errors, err);
	if (r < 0) {
		undo(copying);
		return r;
	}
	for (size_t i = 0; i < copying->notes.count; i++)
		output_note(copying->call, "%s: %s", copying->name, copying->notes.items[i]);
	return 0;
}
