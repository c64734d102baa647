/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changing a key of a container that may be running; see the header. */
#include "tools/config_change.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "container/config.h"
#include "container/container.h"
#include "container/keys.h"
#include "storage/storage.h"
#include "tools/command.h"
#include "tools/live.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define TRIES       5 /* of a container that reboots and reboots */
#define CONFIG_MOST (1 << 20)

static int write_file(const struct container *container, const struct config_edit *change,
                      struct error *err)
{
	if (change->unset)
		return config_edit_unset(container->file, change->section, change->key,
		                         change->value, err);
	return config_edit_set(container->file, change->section, change->key, change->value,
	                       change->replace, err);
}

/* The line is not there yet: no error is to name it. */
static void forget_places(struct config *config, const struct config_edit *change)
{
	for (size_t i = 0; i < config->item_count; i++) {
		struct config_item *item = &config->items[i];

		if (text_is(item->section, change->section) && text_is(item->name, change->key)) {
			item->file = "";
			item->line = 0;
		}
	}
}

/* What the file will say: its configuration, and whether it makes sense as a whole. */
static int preview(const struct container *container, const struct config_edit *change,
                   bool is_written, struct config *wanted, bool *is_sound, struct error *err)
{
	CLEAN(text_done) struct text text = {0};
	int r = is_written ? 0 : config_edit_preview(container->file, change, &text, err);

	if (r < 0)
		return r;
	*is_sound = config_load_text(wanted, container->file, is_written ? NULL : &text, NULL,
	                             NULL) == 0 &&
	            config_check(wanted, NULL, NULL) == 0;
	if (!is_written)
		forget_places(wanted, change);
	return 0;
}

/* Started by a sysc that did not keep what it runs with: that is what the file says now. */
static int guess_applied(struct live *live, struct error *err)
{
	error_clear(err);
	return config_load(&live->applied.config, live->container->file, NULL, err);
}

/* --- rootfs.size: of what is there, whether it runs or not --- */

static bool is_size(const struct config_edit *change)
{
	return text_is(change->section, "rootfs") && text_is(change->key, "size");
}

/* Gives the tree, where there is one already, the size that config says. */
static int resize(const struct config *config, struct error *err)
{
	CLEAN(storage_done) struct storage storage = {.backend = NULL};
	int r = storage_of(&storage, config, err);

	if (r == 0)
		r = storage_limit(&storage, err);
	return r == -ENOENT ? (error_clear(err), 0) : r; /* it is made with it */
}

/* Makes the tree of a container that is stopped what the file says or will say. */
static int resize_at_rest(const struct container *container, const struct config_edit *change,
                          bool is_written, struct error *err)
{
	CLEAN(config_done) struct config wanted;
	bool is_sound = false;
	int r;

	config_init(&wanted);
	r = preview(container, change, is_written, &wanted, &is_sound, err);
	return r < 0 || !is_sound ? r : resize(&wanted, err);
}

/*
 * Whether the change lets it grow. Then the file is written first, and the tree later made what it says; else the
 * other way round: whenever the command is killed, what the file says can be had by growing, which a start does.
 */
static bool grows(const struct container *container, const struct config_edit *change)
{
	CLEAN(config_done) struct config now, wanted;
	CLEAN(storage_done) struct storage storage = {.backend = NULL};
	struct storage_usage usage = {0};
	bool is_sound = false;

	config_init(&now);
	config_init(&wanted);
	if (config_load(&now, container->file, NULL, NULL) < 0 ||
	    preview(container, change, false, &wanted, &is_sound, NULL) < 0 || !is_sound)
		return false;
	if (storage_of(&storage, &now, NULL) == 0 && storage_usage(&storage, &usage, NULL) == 0 &&
	    usage.size_bytes)
		return wanted.rootfs_size > usage.size_bytes;
	return now.rootfs_size != LIMIT_UNSET && wanted.rootfs_size > now.rootfs_size;
}

enum outcome {
	DONE_IN_FILE, /* nothing runs */
	DONE_LATER,   /* what runs keeps its value */
	DONE_LIVE,
	NOT_DONE, /* it was started anew meanwhile */
};

/* One try; *is_written once the file has the change. */
static int try_live(const struct container *container, const struct config_edit *change,
                    bool *is_written, struct error *err)
{
	CLEAN(config_done) struct config wanted;
	CLEAN(live_done) struct live live;
	bool is_sound = false;
	int r;

	config_init(&wanted);
	r = live_open(&live, container, true, err);
	if (r == -ENOENT)
		r = guess_applied(&live, err) < 0 ? -EINVAL : 1;
	if (r < 0)
		return r;
	if (r == 0) {
		r = is_size(change) ? resize_at_rest(container, change, *is_written, err) : 0;
		if (r == 0 && !*is_written)
			r = write_file(container, change, err);
		if (r == 0)
			r = live_tell_waiting(&live, change->section, change->key, err);
		return r < 0 ? r : DONE_IN_FILE;
	}
	r = preview(container, change, *is_written, &wanted, &is_sound, err);
	if (r < 0)
		return r;
	live_name(&live, change->section, change->key);
	if (is_sound)
		r = live_change(&live, &wanted, err);
	if (r < 0)
		return live_is_current(&live) ? r : NOT_DONE;
	if (!*is_written)
		r = write_file(container, change, err);
	if (r < 0) {
		if (is_sound)
			live_undo(&live, err);
		return r;
	}
	*is_written = true;
	if (!live_is_current(&live))
		return NOT_DONE;
	return is_sound ? DONE_LIVE : DONE_LATER;
}

static int change_live(const struct container *container, const struct config_edit *change,
                       bool is_written, struct error *err)
{
	int r = NOT_DONE;

	for (int i = 0; i < TRIES && r == NOT_DONE; i++) {
		error_clear(err);
		r = try_live(container, change, &is_written, err);
	}
	if (r == NOT_DONE)
		return fail_plain(err, EBUSY, "it was started anew again and again meanwhile");
	return r;
}

/* All or nothing: the file is as it was when the tree does not become what it says. */
static int change_size(const struct container *container, const struct config_edit *change,
                       struct error *err)
{
	CLEAN(text_done) struct text before = {0};
	struct error second = {0};
	struct stat st;
	int r;

	if (!grows(container, change))
		return change_live(container, change, false, err);
	r = file_read(AT_FDCWD, container->file, CONFIG_MOST, &before, err);
	if (r == 0 && stat(container->file, &st) < 0)
		r = fail(err, errno, "look at '%s'", container->file);
	if (r == 0)
		r = write_file(container, change, err);
	if (r < 0)
		return r;
	r = change_live(container, change, true, err);
	if (r < 0 && file_replace(AT_FDCWD, container->file, before.data, before.length,
	                          st.st_mode & 07777, &second) < 0)
		return fail_hint(err, "and the old configuration does not come back: %s",
		                 second.text);
	return r;
}

/* Whether it runs matters to what is said only. */
static int change_file(const struct container *container, const struct config_edit *change,
                       struct error *err)
{
	struct state state;
	int r = write_file(container, change, err);

	if (r < 0)
		return r;
	if (state_read(container->run_dir, &state, NULL, NULL) < 0 ||
	    state.phase == STATE_STOPPED ||
	    keys_find(change->section, change->key)->flags & KEY_AT_REST)
		return DONE_IN_FILE;
	return DONE_LATER;
}

int config_change(const struct call *call, const struct container *container,
                  const struct config_edit *change, struct error *err)
{
	bool is_live = live_can(change->section, change->key);
	int r = is_size(change) ? change_size(container, change, err)
	        : is_live       ? change_live(container, change, false, err)
	                        : change_file(container, change, err);

	if (r == DONE_LATER)
		output_note(call, "%s is running: %s.%s applies at the next start", container->name,
		            change->section, change->key);
	return r < 0 ? r : 0;
}
