/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changing a key of a container that may be running; see the header. */
#include "tools/config_change.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "container/config.h"
#include "container/container.h"
#include "container/keys.h"
#include "tools/command.h"
#include "tools/live.h"

#include <errno.h>

#define TRIES 5 /* of a container that reboots and reboots */

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
		r = *is_written ? 0 : write_file(container, change, err);
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
                       struct error *err)
{
	bool is_written = false;
	int r = NOT_DONE;

	for (int i = 0; i < TRIES && r == NOT_DONE; i++) {
		error_clear(err);
		r = try_live(container, change, &is_written, err);
	}
	if (r == NOT_DONE)
		return fail_plain(err, EBUSY, "it was started anew again and again meanwhile");
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
	int r = is_live ? change_live(container, change, err) : change_file(container, change, err);

	if (r == DONE_LATER)
		output_note(call, "%s is running: %s.%s applies at the next start", container->name,
		            change->section, change->key);
	return r < 0 ? r : 0;
}
