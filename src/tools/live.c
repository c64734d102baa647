/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Comparing and changing what runs; see the header. */
#include "tools/live.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/parse.h"
#include "base/process.h"
#include "container/container.h"
#include "container/keys.h"
#include "monitor/client.h"
#include "storage/storage.h"
#include "tools/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SETTLE_MS  10000        /* for a reboot to come to its end */
#define SIZE_SLACK (128U << 20) /* volumes have whole extents */

/* How the live keys of a section reach a running container. */
struct live_row {
	const char *section;
	/* applies section.name as config says; on error the old value is in force */
	int (*apply)(struct live *live, const struct config *config, const char *name,
	             struct error *err);
	/* text of what the kernel has in place of what config says, else NULL; to be freed */
	char *(*drift)(struct live *live, const struct config *config, const char *name);
};

static int open_cgroup(struct live *live, struct error *err)
{
	if (live->cgroup.path[0])
		return 0;
	return cgroup_open(&live->cgroup, live->state.cgroup, err);
}

static int apply_limit(struct live *live, const struct config *config, const char *name,
                       struct error *err)
{
	int r = open_cgroup(live, err);

	return r < 0 ? fail_in(err, "limits.%s", name)
	             : cgroup_set_limit(&live->cgroup, config, name, err);
}

static char *find_limit_drift(struct live *live, const struct config *config, const char *name)
{
	char found[256];

	/* what cannot be read is told by whoever tries to change it */
	if (open_cgroup(live, NULL) < 0 ||
	    cgroup_check_limit(&live->cgroup, config, name, found, sizeof(found), NULL) != 0)
		return NULL;
	return must_dup(found);
}

/* The three keys go together. */
static int apply_restart(struct live *live, const struct config *config, const char *name,
                         struct error *err)
{
	int r = client_reload(live->container, config, err);

	return r < 0 ? fail_in(err, "boot.%s", name) : 0;
}

/* rootfs.size, the one live key of its section. */
static int apply_size(struct live *live, const struct config *config, const char *name,
                      struct error *err)
{
	CLEAN(storage_done) struct storage storage = {.backend = NULL};
	int r = storage_of(&storage, config, err);

	(void)live;
	(void)name;
	return r < 0 ? r : storage_limit(&storage, err);
}

static char *find_size_drift(struct live *live, const struct config *config, const char *name)
{
	CLEAN(storage_done) struct storage storage = {.backend = NULL};
	struct storage_usage usage;
	char size[24];

	(void)live;
	(void)name;
	if (config->rootfs_size == LIMIT_UNSET || storage_of(&storage, config, NULL) < 0 ||
	    storage_usage(&storage, &usage, NULL) < 0 ||
	    (usage.size_bytes >= config->rootfs_size &&
	     usage.size_bytes - config->rootfs_size < SIZE_SLACK))
		return NULL;
	format_size(usage.size_bytes, size);
	return must_printf("%s has %s", storage_name(&storage), size);
}

static const struct live_row rows[] = {
	{"boot",   apply_restart, NULL            },
	{"limits", apply_limit,   find_limit_drift},
	{"rootfs", apply_size,    find_size_drift },
};

static const struct live_row *find_row(const struct key *key)
{
	if (!key || !(key->flags & KEY_LIVE) || key->flags & KEY_LATER)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (text_is(rows[i].section, key->section))
			return &rows[i];
	return NULL;
}

bool live_can(const char *section, const char *name)
{
	return find_row(keys_find(section, name)) != NULL;
}

static bool is_between_runs(const struct state *state)
{
	return state->phase == STATE_STARTING && !state->restart_at_ms;
}

static int judge(const struct state *state, void *data)
{
	(void)data;
	return !is_between_runs(state);
}

/* The state, once a reboot that is under way is over. */
static int settle(const struct container *container, struct state *state, struct error *err)
{
	int r = state_read(container->run_dir, state, NULL, err);

	if (r < 0 || !is_between_runs(state))
		return r;
	r = watch_until(container->run_dir, process_clock_ms() + SETTLE_MS, judge, NULL, state,
	                err);
	if (r == -ETIMEDOUT)
		return fail_plain(err, EBUSY, "it has been starting for %d s", SETTLE_MS / 1000);
	return r < 0 ? r : 0;
}

int live_open(struct live *live, const struct container *container, bool for_change,
              struct error *err)
{
	int r;

	*live = (struct live){.container = container, .applied.fd = -1};
	cgroup_init(&live->cgroup);
	config_init(&live->applied.config);
	r = settle(container, &live->state, err);
	if (r < 0)
		return r;
	if (live->state.phase == STATE_STOPPED || live->state.phase == STATE_STARTING)
		return 0;
	config_done(&live->applied.config);
	r = applied_open(&live->applied, container->run_dir, for_change, err);
	return r < 0 ? r : 1;
}

int live_tell_waiting(struct live *live, const char *section, const char *name, struct error *err)
{
	CLEAN(config_done) struct config config;
	const struct live_row *row = find_row(keys_find(section, name));
	int r;

	config_init(&config);
	if (live->state.phase != STATE_STARTING || !row || row->apply != apply_restart)
		return 0;
	r = config_load(&config, live->container->file, NULL, err);
	if (r == 0)
		r = apply_restart(live, &config, name, err);
	if (r != -ESRCH)
		return r;
	error_clear(err); /* it does not wait any more: what comes next reads the file */
	return 0;
}

static void forget_items(struct live *live)
{
	for (size_t i = 0; i < live->count; i++) {
		free(live->items[i].section);
		free(live->items[i].name);
		free(live->items[i].drift);
	}
	free(live->items);
	live->items = NULL;
	live->count = 0;
}

void live_done(struct live *live)
{
	forget_items(live);
	applied_done(&live->applied);
	cgroup_close(&live->cgroup);
}

static struct live_difference *add_item(struct live *live, const struct key *key,
                                        const char *section, const char *name)
{
	struct live_difference *item;

	live->items = must_realloc(live->items, (live->count + 1) * sizeof(*live->items));
	item = &live->items[live->count++];
	*item = (struct live_difference){
		.key = key,
		.section = must_dup(section),
		.name = name ? must_dup(name) : NULL,
		.is_live = name && find_row(key),
	};
	return item;
}

struct comparison {
	struct live *live;
	const struct config *wanted;
};

/* Not set, the host name is the container's own. */
static bool is_same_host_name(const struct comparison *with)
{
	const char *running = with->live->applied.config.hostname;
	const char *wanted = with->wanted->hostname;
	const char *name = with->live->container->name;

	return text_is(running ? running : name, wanted ? wanted : name);
}

static void note_difference(const struct key *key, const char *section, const char *name,
                            void *user)
{
	const struct comparison *with = user;

	if (key->flags & KEY_AT_REST)
		return;
	if (text_is(name, "hostname") && is_same_host_name(with))
		return;
	(void)add_item(with->live, key, section, name);
}

static struct live_difference *find_item(struct live *live, const struct key *key)
{
	for (size_t i = 0; i < live->count; i++)
		if (live->items[i].key == key)
			return &live->items[i];
	return NULL;
}

void live_compare(struct live *live, const struct config *wanted)
{
	struct comparison with = {.live = live, .wanted = wanted};

	forget_items(live);
	config_compare(&live->applied.config, wanted, note_difference, &with);
	for (const struct key *key = keys_table; key->section; key++) {
		const struct live_row *row = find_row(key);
		char *drift = row && row->drift && live->state.cgroup[0]
		                      ? row->drift(live, &live->applied.config, key->name)
		                      : NULL;
		struct live_difference *item = find_item(live, key);

		if (drift && !item)
			item = add_item(live, key, key->section, key->name);
		if (item)
			item->drift = drift;
	}
}

void live_name(struct live *live, const char *section, const char *name)
{
	forget_items(live);
	(void)add_item(live, keys_find(section, name), section, name);
}

/* What is not live is left alone. */
static int apply_item(struct live *live, const struct live_difference *item,
                      const struct config *config, struct error *err)
{
	const struct live_row *row = item->is_live ? find_row(item->key) : NULL;

	return row ? row->apply(live, config, item->name, err) : 0;
}

/* The items before this one as they were. */
static void undo_before(struct live *live, size_t end, struct error *err)
{
	while (end-- > 0) {
		const struct live_difference *item = &live->items[end];
		struct error why = {0};

		if (apply_item(live, item, &live->applied.config, &why) < 0)
			(void)fail_hint(err, "and the old value does not come back: %s", why.text);
	}
}

int live_change(struct live *live, const struct config *wanted, struct error *err)
{
	CLEAN(config_done) struct config target;
	CLEAN(text_done) struct text lines = {0};
	size_t done = 0;
	int r;

	config_init(&target);
	r = config_copy(&target, &live->applied.config, err);
	for (size_t i = 0; i < live->count && r == 0; i++) {
		const struct live_difference *item = &live->items[i];

		if (!item->is_live)
			continue;
		r = config_copy_value(&target, wanted, item->section, item->name, err);
		applied_line(&lines, wanted, item->section, item->name);
	}
	for (; done < live->count && r == 0; done++)
		r = apply_item(live, &live->items[done], &target, err);
	if (r < 0 && done) {
		undo_before(live, done - 1, err); /* the one that failed has undone itself */
		return r;
	}
	/* the file is known to the kernel's run by now: last comes the note of it */
	if (r == 0 && lines.length && live->applied.fd >= 0) {
		r = applied_add(&live->applied, &lines, err);
		if (r < 0)
			undo_before(live, done, err);
	}
	return r;
}

void live_undo(struct live *live, struct error *err)
{
	if (live->applied.fd >= 0)
		applied_take_back(&live->applied);
	undo_before(live, live->count, err);
}

bool live_is_current(const struct live *live)
{
	struct state state;

	return state_read(live->container->run_dir, &state, NULL, NULL) == 0 &&
	       state.phase != STATE_STOPPED && state.phase != STATE_STARTING &&
	       state.init_pid == live->state.init_pid && state.init_birth == live->state.init_birth;
}
