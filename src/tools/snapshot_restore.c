/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sysc snapshot restore: a container becomes what it was; what it is now is a snapshot afterwards. */
#include "base/cleanup.h"
#include "base/process.h"
#include "monitor/client.h"
#include "storage/sweep.h"
#include "tools/command.h"
#include "tools/copying.h"
#include "tools/making.h"
#include "tools/snapshot.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#define STOP_MS 60000

/* With the container's lock held: nobody starts it before the restore is done. */
static int stop_first(struct subject *subject, bool *was_running, struct error *err)
{
	struct client_stop_options halt = {
		.how = PROTOCOL_HALT,
		.timeout_ms =
			subject->state.stop_timeout_ms ? subject->state.stop_timeout_ms : STOP_MS,
	};

	*was_running = subject->state.phase != STATE_STOPPED;
	if (!*was_running)
		return 0;
	if (!subject->words->force) {
		(void)fail_plain(err, EBUSY, "it is %s", state_name(subject->state.phase));
		return fail_hint(err, "stop it first, or restore -f");
	}
	if (subject->container.config.ephemeral)
		return fail_plain(err, EBUSY, "it is removed when it stops (container.ephemeral)");
	return client_stop_container(&subject->container, &halt, NULL, err);
}

/* By the program itself, as the administrator would. */
static int start_again(struct subject *subject, struct error *err)
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
static char *before_name(int64_t now_ms)
{
	time_t now = (time_t)(now_ms / 1000);
	struct tm parts;
	char text[32];

	(void)gmtime_r(&now, &parts);
	(void)strftime(text, sizeof(text), "%Y%m%d-%H%M%S", &parts);
	return must_printf("before-restore-%s-%03lld", text, (long long)(now_ms % 1000));
}

/* What earlier restores kept; they are undone no more. */
static void drop_older(struct subject *subject, const char *kept)
{
	const struct container *container = &subject->container;
	CLEAN(snapshots_done) struct snapshots all = {0};
	struct error err = {0};

	if (snapshot_list(container, &all, NULL) < 0)
		return;
	for (size_t i = 0; i < all.count; i++) {
		if (all.items[i].reason != SNAPSHOT_RESTORE || text_is(all.items[i].name, kept))
			continue;
		error_clear(&err);
		if (snapshot_remove(container, all.items[i].name, &err) < 0)
			output_note(subject->call, "%s: '%s' stays: %s", container->name,
			            all.items[i].name, err.text);
	}
	(void)snapshot_sweep(container, true, NULL); /* layers; the next command tries again */
}

static int restore_tree(struct subject *subject, const char *name, struct error *err)
{
	const struct snapshot_words *words = subject->words;
	int64_t now = state_now_ms();
	CLEAN_FREE char *before = before_name(now), *replaced_by = must_dup(name);
	CLEAN_FREE char *comment = must_printf("what '%s' replaced", name);
	struct snapshot_restore restore = {
		.name = name,
		.config = !words->no_config,
		.before = {.name = before,
	                   .comment = comment,
	                   .replaced_by = replaced_by,
	                   .reason = SNAPSHOT_RESTORE,
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
	drop_older(subject, words->no_keep ? "" : before);
	if (!words->no_keep)
		output_line(subject->call, "%s: restored to '%s' (restore --undo: '%s')",
		            subject->container.name, name, before);
	else
		output_line(subject->call, "%s: restored to '%s'", subject->container.name, name);
	return 0;
}

/* Which one; the caller frees it. */
static int choose(const struct subject *subject, const char *wanted, char **name, struct error *err)
{
	CLEAN(snapshot_done) struct snapshot found = {0};
	CLEAN(snapshots_done) struct snapshots all = {0};
	const struct snapshot *newest;
	int r;

	if (wanted) {
		r = snapshot_read(&subject->container, wanted, &found, err);
		if (r == 0)
			*name = must_dup(wanted);
		return r;
	}
	r = snapshot_list(&subject->container, &all, err);
	if (r < 0)
		return r;
	newest = snapshot_newest(&all, subject->words->undo);
	if (!newest)
		return fail_plain(err, EINVAL,
		                  subject->words->undo ? "there is no restore to undo"
		                                       : "it has no snapshot");
	*name = must_dup(newest->name);
	return 0;
}

/* A container of its own with the tree of the snapshot, as sysc copy makes it. */
static int restore_to(struct subject *subject, const char *name, struct error *err)
{
	static const struct strings none;
	CLEAN(container_done) struct container source = {0};
	CLEAN(copying_done) struct copying copying;
	CLEAN(strings_done) struct strings errors = {0};
	CLEAN_FD int signals = making_catch_signals();
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

static int restore(struct subject *subject, const char *wanted, struct error *err)
{
	CLEAN_FREE char *name = NULL;
	bool was_running = false;
	int r = choose(subject, wanted, &name, err), again;
	struct error second = {0};

	if (r == 0 && subject->words->config_only) {
		r = snapshot_restore_config(&subject->container, name, err);
		if (r == 0)
			output_line(
				subject->call,
				"%s: configuration of '%s' restored (before: %s.before-restore)",
				subject->container.name, name, subject->container.file);
		return r;
	}
	if (r == 0 && subject->words->to)
		return restore_to(subject, name, err);
	if (r == 0)
		r = stop_first(subject, &was_running, err);
	if (r < 0)
		return r;
	r = restore_tree(subject, name, err);
	if (!was_running)
		return r;
	again = start_again(subject, r < 0 ? &second : err);
	return r < 0 ? r : again;
}

int snapshot_run_restore(const struct call *call, const struct snapshot_words *words, char **names)
{
	CLEAN(subject_close) struct subject subject = {.lock = -1, .signals_fd = -1};
	struct error err = {0};

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
	if (restore(&subject, names[1], &err) == 0)
		return EXIT_DONE;
	(void)output_error(call, names[0], &err);
	if (err.code == EINTR)
		return subject_code(&subject, 128 + SIGINT);
	return err.code == EBUSY ? EXIT_WRONG_STATE : EXIT_FAILED;
}
