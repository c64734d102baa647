/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The container that sysc snapshot works on, and making one snapshot of it. */
#include "base/cleanup.h"
#include "base/process.h"
#include "container/lock.h"
#include "tools/command.h"
#include "tools/inspect.h"
#include "tools/snapshot.h"
#include "tools/snapshot_hold.h"

#include <errno.h>
#include <stdio.h>

#define LOCK_MS 30000

/* The user of copy options is who subject_slow() is called with too. */
static int tell_progress(const struct copy_totals *done, void *user, struct error *err)
{
	struct subject *subject = user;

	return tree_progress_copied(done, &subject->progress, err);
}

void subject_quiet(struct subject *subject)
{
	progress_clear(&subject->progress.line);
}

void subject_catch(struct subject *subject)
{
	if (subject->progress.signals_fd < 0)
		subject->progress.signals_fd = process_catch_signals();
}

int subject_code(const struct subject *subject, int code)
{
	return subject->progress.signal ? 128 + subject->progress.signal : code;
}

void subject_slow(void *user)
{
	struct subject *subject = user;
	bool is_held = subject->state.phase == STATE_RUNNING && !subject->words->no_freeze &&
	               subject->container.config.snapshots.freeze;

	subject_quiet(subject);
	output_note(subject->call, "%s: its file system cannot share blocks: the tree is copied%s",
	            subject->container.name, is_held ? ", and the container frozen as long" : "");
}

/* The configuration of the moment when the lock is held. */
static int load(struct subject *subject, const char *name, struct error *err)
{
	const struct call *call = subject->call;
	struct container *container = &subject->container;
	int r = inspect_exists(call, name, err) ? container_init(container, &call->paths, name, err)
	                                        : -ENOENT;

	if (r == 0)
		r = subject->lock = lock_container(container, LOCK_MS, err);
	if (r >= 0)
		r = config_load(&container->config, container->file, NULL, err);
	return r < 0 ? r : 0;
}

static int reload(struct subject *subject, struct error *err)
{
	struct container *container = &subject->container;

	config_done(&container->config);
	config_init(&container->config);
	return config_load(&container->config, container->file, NULL, err);
}

int subject_open(struct subject *subject, const struct call *call,
                 const struct snapshot_words *words, const char *name, struct error *err)
{
	CLEAN(snapshot_done) struct snapshot begun = {0};
	bool has_begun;
	int r;

	*subject = (struct subject){.call = call, .words = words, .lock = -1};
	tree_progress_begin(&subject->progress, call, name, -1);
	subject->copy = (struct copy_options){
		.write_out = true,
		.progress = tell_progress,
		.count = subject->progress.line.form != PROGRESS_NONE,
		.user = subject,
	};
	r = load(subject, name, err);
	if (r == 0)
		r = hold_mend(&subject->container, err);
	if (r == 1)
		output_note(call, "%s: thawed, a killed command had left it frozen", name);
	if (r >= 0)
		r = state_read(subject->container.run_dir, &subject->state, NULL, err);
	if (r < 0)
		return r;
	has_begun = snapshot_find_begun(&subject->container, &begun);
	r = snapshot_sweep(&subject->container, subject->state.phase == STATE_STOPPED, err);
	/* it was dropped where it has no name now */
	if (r > 0 && has_begun)
		(void)snapshot_read(&subject->container, begun.name, &subject->ended, NULL);
	return r > 0 ? reload(subject, err) : r;
}

void subject_tidy(struct subject *subject)
{
	const struct container *container = &subject->container;
	bool is_at_rest = subject->state.phase == STATE_STOPPED;
	struct error err = {0};

	if (snapshot_sweep(container, is_at_rest, &err) < 0 ||
	    (is_at_rest && snapshot_fold(container, &err) < 0) || reload(subject, &err) < 0)
		output_note(subject->call, "%s: %s", container->name, err.text);
}

void subject_close(struct subject *subject)
{
	container_done(&subject->container);
	snapshot_done(&subject->ended);
	fd_close(&subject->lock);
	fd_close(&subject->progress.signals_fd);
}

static void report(const struct subject *subject, const struct snapshot *made)
{
	char span[48] = "";

	if (made->frozen_us >= 0)
		(void)snprintf(span, sizeof(span), " (frozen for %lld.%lld ms)",
		               (long long)made->frozen_us / 1000,
		               (long long)made->frozen_us / 100 % 10);
	if (!subject->call->json)
		output_line(subject->call, "%s: snapshot '%s' made%s", subject->container.name,
		            made->name, span);
}

int subject_snapshot(struct subject *subject, const char *name, enum snapshot_reason reason,
                     struct snapshot *kept, struct error *err)
{
	const struct snapshot_words *words = subject->words;
	CLEAN(snapshot_done)
	struct snapshot what = {
		.name = name ? must_dup(name) : snapshot_free_name(&subject->container),
		.comment = words->comment ? must_dup(words->comment) : NULL,
		.reason = reason,
		.created_ms = state_now_ms(),
	};
	bool freeze = subject->container.config.snapshots.freeze && !words->no_freeze;
	CLEAN_FD int root = -1;
	struct hold hold;
	struct snapshot_options options = {.copy = &subject->copy,
	                                   .slow = subject_slow,
	                                   .frozen_us = hold_frozen_us,
	                                   .user = &hold};
	int r = hold_open_root(&subject->container, &root, err);

	if (r < 0)
		return r;
	subject_catch(subject);
	hold_init(&hold, &subject->container);
	options.hold = root >= 0 && freeze ? hold_change : NULL;
	options.root_fd = root;
	r = snapshot_make(&subject->container, &what, &options, err);
	subject_quiet(subject);
	if (r < 0)
		return r;
	report(subject, &what);
	if (kept) {
		*kept = what;
		what = (struct snapshot){.name = NULL};
	}
	return reload(subject, err); /* an overlay stands elsewhere now */
}

const struct snapshot *snapshot_newest(const struct snapshots *all, bool by_restore)
{
	for (size_t i = all->count; i > 0; i--)
		if ((all->items[i - 1].reason == SNAPSHOT_RESTORE) == by_restore)
			return &all->items[i - 1];
	return NULL;
}
