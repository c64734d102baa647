/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sysc snapshot restore --path: single files and folders of a snapshot come back; see storage/snapshot.h. */
#include "base/cleanup.h"
#include "tools/command.h"
#include "tools/snapshot.h"
#include "tools/snapshot_hold.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* --- what was asked for --- */

/* "//etc/./ssh/" to "/etc/ssh". */
static int clean_path(const char *path, struct strings *out, struct error *err)
{
	CLEAN(strings_done) struct strings parts = {0};
	CLEAN(text_done) struct text text = {0};

	if (path[0] != '/' || text_has_control(path, false))
		return fail_plain(err, EINVAL, "'%s' is no absolute path in the container", path);
	strings_split(&parts, path, "/");
	for (size_t i = 0; i < parts.count; i++) {
		if (text_is(parts.items[i], ".."))
			return fail_plain(err, EINVAL, "'%s': '..' leads elsewhere", path);
		if (!text_is(parts.items[i], "."))
			text_addf(&text, "/%s", parts.items[i]);
	}
	if (!text.length)
		return fail_plain(err, EINVAL, "'%s' is the whole tree: leave --path out", path);
	strings_give(out, text_take(&text));
	return 0;
}

static bool is_in(const char *path, const char *other)
{
	size_t length = strlen(other);

	return text_starts(path, other) && (!path[length] || path[length] == '/');
}

int snapshot_check_paths(const struct strings *paths, struct strings *out, struct error *err)
{
	for (size_t i = 0; i < paths->count; i++) {
		int r = clean_path(paths->items[i], out, err);

		if (r < 0)
			return r;
		for (size_t j = 0; j < i; j++)
			if (is_in(out->items[i], out->items[j]) ||
			    is_in(out->items[j], out->items[i]))
				return fail_plain(err, EINVAL, "'%s' and '%s' are one in the other",
				                  out->items[j], out->items[i]);
	}
	return 0;
}

/* --- the restore --- */

/* "'/etc', '/srv/www'" */
static char *list_paths(const struct strings *paths)
{
	CLEAN(text_done) struct text text = {0};

	for (size_t i = 0; i < paths->count; i++)
		text_addf(&text, "%s'%s'", i ? ", " : "", paths->items[i]);
	return text_take(&text);
}

static void report(struct subject *subject, const char *name, const char *what, const char *before,
                   int64_t frozen_us)
{
	char span[48] = "";

	if (frozen_us >= 0)
		(void)snprintf(span, sizeof(span), ", frozen for %lld.%lld ms",
		               (long long)frozen_us / 1000, (long long)frozen_us / 100 % 10);
	if (before)
		output_line(subject->call, "%s: %s restored from '%s'%s (restore --undo: '%s')",
		            subject->container.name, what, name, span, before);
	else
		output_line(subject->call, "%s: %s restored from '%s'%s", subject->container.name,
		            what, name, span);
}

static int bring(struct subject *subject, const char *name, const struct strings *paths,
                 bool or_absent, struct error *err)
{
	bool is_running = subject->state.phase != STATE_STOPPED;
	int64_t now = state_now_ms();
	CLEAN_FREE char *before = restore_before_name(now), *replaced_by = must_dup(name);
	CLEAN_FREE char *what = list_paths(paths);
	CLEAN_FREE char *comment = must_printf("what '%s' replaced: %s", name, what);
	bool keeps = !subject->words->no_keep;
	struct hold hold;
	const struct snapshot_path_restore restore = {
		.name = name,
		.paths = *paths,
		.or_absent = or_absent,
		.before = {.name = before,
	                   .comment = comment,
	                   .replaced_by = replaced_by,
	                   .reason = SNAPSHOT_RESTORE,
	                   .created_ms = now,
	                   .was_running = is_running,
	                   .frozen_us = -1},
		.copy = &subject->copy,
		.hold = is_running ? hold_change : NULL,
		.user = &hold,
		.init_pid = is_running ? subject->state.init_pid : 0,
	};
	int r;

	hold_init(&hold, &subject->container);
	subject_catch(subject);
	r = snapshot_restore_paths(&subject->container, &restore, err);
	subject_quiet(subject);
	if (r < 0)
		return r;
	report(subject, name, what, keeps ? before : NULL, hold_frozen_us(&hold));
	restore_drop_older(subject, before);
	return 0;
}

int subject_restore_paths(struct subject *subject, const char *name, const struct strings *paths,
                          bool or_absent, struct error *err)
{
	struct error second = {0};
	bool was_running = false;
	int r, again;

	if (subject->state.phase == STATE_RUNNING || subject->state.phase == STATE_FROZEN) {
		if (snapshot_reaches_running(&subject->container))
			return bring(subject, name, paths, or_absent, err);
		if (!subject->words->force) {
			(void)fail_plain(err, EBUSY, "it is %s, and only itself reaches its tree",
			                 state_name(subject->state.phase));
			return fail_hint(err, "stop it first, or restore -f");
		}
	}
	r = restore_stop_first(subject, &was_running, err);
	if (r < 0)
		return r;
	r = bring(subject, name, paths, or_absent, err);
	if (!was_running)
		return r;
	again = restore_start_again(subject, r < 0 ? &second : err);
	return r < 0 ? r : again;
}
