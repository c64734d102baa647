/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sysc snapshot restore: a container becomes what it was; what it is now is a snapshot afterwards. */
#include "base/cleanup.h"
#include "base/process.h"
#include "monitor/client.h"
#include "storage/sweep.h"
#include "tools/command.h"
#include "tools/copying.h"
#include "tools/snapshot.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#define STOP_MS 60000

/* With the container's lock held: nobody starts it before the restore is done. */
int restore_stop_first(struct subject *subject, bool *was_running, struct error *err)
{
	struct client_stop_options halt = {
		.how = PROTOCOL_HALT,
		.timeout_ms =
			subject->state.stop_timeout_ms ? subject->state.stop_timeout_ms : STOP_MS,
	};
	int r;

	*was_running = subject->state.phase != STATE_STOPPED;
	if (!*was_running)
		return 0;
	if (!subject->words->force) {
		(void)fail_plain(err, EBUSY, "it is %s", state_name(subject->state.phase));
		return fail_hint(err, "stop it first, or restore -f");
	}
	if (subject->container.config.ephemeral)
		return fail_plain(err, EBUSY, "it is removed when it stops (container.ephemeral)");
	r = client_stop_container(&subject->container, &halt, NULL, err);
	if (r == 0)
		subject->state.phase = STATE_STOPPED;
	return r;
}

/* By the program itself, as the administrator would. */
int restore_start_again(struct subject *subject, struct error *err)
{
	const struct paths *paths = &subject->call->paths;
	CLEAN(strings_done) struct strings argv = {0};
	struct process_options options = {.env = environ,
	                                  .input_fd = -1,
	                                  .output_fd = STDERR_FILENO,
	                                  .error_fd = STDERR_FILENO};
	int r;

	strings_add(&argv, paths->program);
	strings_add(&argv, "start");
	if (subject->call->store) {
		strings_add(&argv, "-P");
		strings_add(&argv, subject->call->store);
	}
	strings_add(&argv, subject->container.name);
	options.argv = argv.items;
	fd_close(&subject->lock); /* the start wants it */
	r = process_run(&options, err);
	if (r == 0)
		return 0;
	return r < 0 ? r : fail_plain(err, EIO, "restored, but it does not start");
}

/* "before-restore-20261122-063012". */
char *restore_before_name(int64_t now_ms)
{
	time_t now = (time_t)(now_ms / 1000);
	struct tm parts;
	char text[32];

	(void)gmtime_r(&now, &parts);
	(void)strftime(text, sizeof(text), "%Y%m%d-%H%M%S", &parts);
	return must_printf("before-restore-%s-%03lld", text, (long long)(now_ms % 1000));
}

static void drop_one(struct subject *subject, const char *name)
{
	struct error err = {0};

	if (snapshot_remove(&subject->container, name, &err) < 0)
		output_note(subject->call, "%s: '%s' stays: %s", subject->container.name, name,
		            err.text);
}

void restore_drop_older(struct subject *subject, const char *before)
{
	const struct container *container = &subject->container;
	CLEAN(snapshots_done) struct snapshots all = {0};

	if (snapshot_list(container, &all, NULL) < 0)
		return;
	for (size_t i = 0; i < all.count; i++) {
		const struct snapshot *one = &all.items[i];
		bool is_this = text_is(one->name, before);

		if (one->reason != SNAPSHOT_RESTORE || (is_this && !subject->words->no_keep))
			continue;
		if (is_this || one->is_told)
			drop_one(subject, one->name);
		else
			output_note(subject->call,
			            "%s: '%s' stays: the restore that it is from was cut short "
			            "(sysc snapshot delete removes it)",
			            container->name, one->name);
	}
	subject_tidy(subject);
	/* last: until here a killed command is repeated */
	if (!subject->words->no_keep)
		snapshot_set_told(container, before);
}

static void report(struct subject *subject, const char *name, const char *before)
{
	if (subject->words->no_keep)
		output_line(subject->call, "%s: restored to '%s'", subject->container.name, name);
	else
		output_line(subject->call, "%s: restored to '%s' (restore --undo: '%s')",
		            subject->container.name, name, before);
	restore_drop_older(subject, before);
}

static int restore_tree(struct subject *subject, const char *name, struct error *err)
{
	const struct snapshot_words *words = subject->words;
	int64_t now = state_now_ms();
	CLEAN_FREE char *before = restore_before_name(now), *replaced_by = must_dup(name);
	CLEAN_FREE char *comment = must_printf("what '%s' replaced", name);
	struct snapshot_restore restore = {
		.name = name,
		.config = !words->no_config,
		.before = {.name = before,
	                   .comment = comment,
	                   .replaced_by = replaced_by,
	                   .reason = SNAPSHOT_RESTORE,
	                   .tree_only = words->no_config,
	                   .created_ms = now,
	                   .frozen_us = -1},
		.copy = &subject->copy,
		.slow = subject_slow,
	};
	int r;

	subject_catch(subject);
	r = snapshot_restore(&subject->container, &restore, err);
	subject_quiet(subject);
	if (r < 0)
		return r;
	report(subject, name, before);
	return 0;
}

/*
 * The same was killed when its tree stood already, and has been ended by this command: it is done. Once more, and --undo
 * would bring back what is there in place of what was there before.
 */
static bool is_done_already(const struct subject *subject, const char *wanted)
{
	const struct snapshot_words *words = subject->words;
	const struct snapshot *ended = &subject->ended;
	CLEAN(snapshot_done) struct snapshot source = {0};

	if (!ended->name || !ended->replaced_by || words->config_only || words->to ||
	    words->paths.count || ended->tree_only != words->no_config)
		return false;
	if (wanted)
		return text_is(wanted, ended->replaced_by);
	return snapshot_read(&subject->container, ended->replaced_by, &source, NULL) == 0 &&
	       (source.reason == SNAPSHOT_RESTORE) == words->undo;
}

/* Which one, and which paths of it are its all. */
static int choose(const struct subject *subject, const char *wanted, struct snapshot *out,
                  struct error *err)
{
	CLEAN(snapshots_done) struct snapshots all = {0};
	const struct snapshot *newest;
	int r;

	if (wanted)
		return snapshot_read(&subject->container, wanted, out, err);
	r = snapshot_list(&subject->container, &all, err);
	if (r < 0)
		return r;
	newest = snapshot_newest(&all, subject->words->undo);
	if (!newest)
		return fail_plain(err, EINVAL,
		                  subject->words->undo ? "there is no restore to undo"
		                                       : "it has no snapshot");
	return snapshot_read(&subject->container, newest->name, out, err);
}

/* A container of its own with the tree of the snapshot, as sysc copy makes it. */
static int restore_to(struct subject *subject, const char *name, struct error *err)
{
	static const struct strings none;
	CLEAN(container_done) struct container source = {0};
	CLEAN(copying_done) struct copying copying;
	CLEAN(strings_done) struct strings errors = {0};
	CLEAN_FD int signals = process_catch_signals();
	struct error swept = {0};
	int r;

	if (sweep_all(&subject->call->paths, &swept) < 0)
		output_note(subject->call, "%s", swept.text);
	copying_init(&copying, subject->call, &source, subject->words->to);
	r = container_init(&source, &subject->call->paths, subject->container.name, err);
	if (r < 0)
		return r;
	free(source.file);
	source.file = must_printf("%s/snapshots/%s/config", source.dir, name);
	r = container_load(&source, &errors, err);
	copying.overrides = &none;
	copying.mounts = &none;
	copying.signals_fd = signals;
	if (r == 0)
		r = copying_make(&copying, &errors, err);
	if (r == 0)
		output_line(subject->call, "%s: made from snapshot '%s' of %s", subject->words->to,
		            name, source.name);
	return r;
}

static int restore_config(struct subject *subject, const char *name, struct error *err)
{
	int r = snapshot_restore_config(&subject->container, name, err);

	if (r == 0)
		output_line(subject->call,
		            "%s: configuration of '%s' restored (before: %s.before-restore)",
		            subject->container.name, name, subject->container.file);
	else if (r == 1)
		output_line(subject->call, "%s: its configuration is that of '%s' already",
		            subject->container.name, name);
	return r < 0 ? r : 0;
}

static int restore_whole(struct subject *subject, const char *name, struct error *err)
{
	struct error second = {0};
	bool was_running = false;
	int r = restore_stop_first(subject, &was_running, err), again;

	if (r < 0)
		return r;
	r = restore_tree(subject, name, err);
	if (!was_running)
		return r;
	again = restore_start_again(subject, r < 0 ? &second : err);
	return r < 0 ? r : again;
}

static int restore(struct subject *subject, const char *wanted, const struct strings *paths,
                   struct error *err)
{
	CLEAN(snapshot_done) struct snapshot found = {0};
	int r;

	if (is_done_already(subject, wanted)) {
		report(subject, subject->ended.replaced_by, subject->ended.name);
		return 0;
	}
	r = choose(subject, wanted, &found, err);
	if (r < 0)
		return r;
	if (subject->words->config_only)
		return restore_config(subject, found.name, err);
	if (paths->count)
		return subject_restore_paths(subject, found.name, paths, false, err);
	/* what a restore of paths replaced has nothing but those */
	if (found.paths.count && subject->words->to)
		return fail_plain(err, EINVAL, "snapshot '%s' has only what a restore replaced",
		                  found.name);
	if (found.paths.count)
		return subject_restore_paths(subject, found.name, &found.paths, true, err);
	return subject->words->to ? restore_to(subject, found.name, err)
	                          : restore_whole(subject, found.name, err);
}

int snapshot_run_restore(const struct call *call, const struct snapshot_words *words, char **names)
{
	CLEAN(subject_close) struct subject subject = {.lock = -1, .progress.signals_fd = -1};
	CLEAN(strings_done) struct strings paths = {0};
	struct error err = {0};

	if (snapshot_check_paths(&words->paths, &paths, &err) < 0)
		return output_usage(call, "--path: %s", err.text);
	if (paths.count && (words->to || words->config_only || words->undo))
		return output_usage(
			call,
			"--path replaces parts of the tree: not with --to, --config-only, --undo");
	if (words->undo && names[1])
		return output_usage(call, "give a snapshot or --undo, not both");
	if (words->to && container_check_name(words->to, &err) < 0)
		return output_usage(call, "--to: %s", err.text);
	if (words->to && (words->no_config || words->config_only || words->no_keep || words->force))
		return output_usage(call, "--to replaces nothing: no other option goes with it");
	if (words->no_config && words->config_only)
		return output_usage(call, "--no-config and --config-only leave nothing");
	if (subject_open(&subject, call, words, names[0], &err) < 0)
		return output_error(call, names[0], &err);
	if (restore(&subject, names[1], &paths, &err) == 0)
		return EXIT_DONE;
	(void)output_error(call, names[0], &err);
	if (err.code == EINTR)
		return subject_code(&subject, 128 + SIGINT);
	return err.code == EBUSY ? EXIT_WRONG_STATE : EXIT_FAILED;
}
