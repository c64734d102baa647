/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sysc snapshot prune and run: what the schedule makes, and what the keep rules leave of it. */
#include "base/cleanup.h"
#include "base/table.h"
#include "container/calendar.h"
#include "container/keep.h"
#include "tools/command.h"
#include "tools/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

/* Those that rules are about, the newest first. */
static size_t choose(const struct snapshots *all, bool all_kinds, const struct snapshot **out)
{
	size_t count = 0;

	for (size_t i = all->count; i > 0; i--) {
		const struct snapshot *one = &all->items[i - 1];

		if (one->reason == SNAPSHOT_SCHEDULE || (all_kinds && one->reason == SNAPSHOT_HAND))
			out[count++] = one;
	}
	return count;
}

/* "hourly, daily"; "" for none. */
static char *name_rules(unsigned int kept)
{
	CLEAN(text_done) struct text text = {0};

	for (int rule = 0; rule < KEEP_RULES; rule++)
		if (kept & 1U << rule)
			text_addf(&text, "%s%s", text.length ? ", " : "",
			          keep_rule_name((enum keep_rule)rule));
	return text_take(&text);
}

/* One of them: goes when no rule keeps it. */
static int judge(struct subject *subject, const struct snapshot *one, unsigned int kept,
                 struct json *json, struct error *err)
{
	const struct call *call = subject->call;
	const char *container = subject->container.name;
	bool dry = subject->words->dry_run;
	CLEAN_FREE char *rules = name_rules(kept);
	int r = kept || dry ? 0 : snapshot_remove(&subject->container, one->name, err);

	if (r < 0)
		return r;
	if (json && call->json) {
		json_object(json, NULL);
		json_string(json, "container", container);
		json_string(json, "name", one->name);
		json_string(json, "kept_by", kept ? rules : NULL);
		json_bool(json, "deleted", !kept && !dry);
		json_end_object(json);
	} else if (!kept) {
		output_line(call, "%s: snapshot '%s' %s", container, one->name,
		            dry ? "would be deleted" : "deleted");
	} else if (json && (dry || call->verbose)) {
		output_line(call, "%s: snapshot '%s' is kept (%s)", container, one->name, rules);
	}
	return 0;
}

/* When nothing goes: what was looked at, and why it stays. chosen: how many rules are about. */
static void say_none(const struct subject *subject, const char *rules, const struct snapshots *all,
                     size_t chosen)
{
	bool all_kinds = subject->words->all_kinds;
	const char *kind = all_kinds ? "" : " of the schedule";
	const char *name = subject->container.name;
	size_t by_hand = 0;

	for (size_t i = 0; i < all->count; i++)
		by_hand += all->items[i].reason == SNAPSHOT_HAND;
	if (chosen)
		output_line(subject->call,
		            "%s: nothing to delete: '%s' keeps all snapshots%s (%zu)", name, rules,
		            kind, chosen);
	else if (by_hand && !all_kinds)
		output_line(subject->call,
		            "%s: nothing to delete: no snapshots%s (%zu by hand stay, "
		            "--all-kinds counts them)",
		            name, kind, by_hand);
	else
		output_line(subject->call, "%s: nothing to delete: no snapshots%s", name, kind);
}

/* json: NULL in the run of a schedule, which tells of what goes only. */
static int prune(struct subject *subject, const char *rules, struct json *json, struct error *err)
{
	const struct container *container = &subject->container;
	CLEAN(snapshots_done) struct snapshots all = {0};
	CLEAN_FREE const struct snapshot **chosen = NULL;
	CLEAN_FREE int64_t *times = NULL;
	CLEAN_FREE unsigned int *kept = NULL;
	struct keep keep;
	size_t count, gone = 0;
	int r = keep_parse(rules, &keep, err);

	if (r == 0)
		r = snapshot_list(container, &all, err);
	if (r < 0)
		return r;
	/* one more: of none too there is a place */
	chosen = must_alloc((all.count + 1) * sizeof(*chosen));
	times = must_alloc((all.count + 1) * sizeof(*times));
	kept = must_alloc((all.count + 1) * sizeof(*kept));
	count = choose(&all, subject->words->all_kinds, chosen);
	for (size_t i = 0; i < count; i++)
		times[i] = chosen[i]->created_ms / 1000;
	keep_decide(&keep, times, count, kept);
	for (size_t i = 0; i < count; i++) {
		struct error one = {0};

		gone += !kept[i];
		/* one that is in use goes the next time */
		if (judge(subject, chosen[i], kept[i], json, &one) < 0 && r == 0) {
			*err = one;
			r = -one.code;
		}
	}
	if (json && !subject->call->json && !gone && !(subject->words->dry_run && count))
		say_none(subject, rules, &all, count);
	if (all.count && !subject->words->dry_run)
		subject_tidy(subject);
	return r;
}

static int prune_one(const struct call *call, const struct snapshot_words *words, const char *name,
                     struct json *json)
{
	CLEAN(subject_close) struct subject subject = {.lock = -1, .progress.signals_fd = -1};
	struct error err = {0};
	const char *rules;

	if (subject_open(&subject, call, words, name, &err) < 0)
		return output_error(call, name, &err);
	rules = words->keep ? words->keep : subject.container.config.snapshots.keep;
	if (!rules) {
		(void)fail_plain(&err, EINVAL, "snapshots.keep is not set: all are kept");
		(void)fail_hint(&err, "give --keep 'daily 7, last 3'");
		return output_error(call, name, &err);
	}
	return prune(&subject, rules, json, &err) < 0 ? output_error(call, name, &err) : EXIT_DONE;
}

int snapshot_run_prune(const struct call *call, const struct snapshot_words *words, char **names)
{
	CLEAN(strings_done) struct strings wanted = {0}, found = {0};
	CLEAN(json_done) struct json json = {0};
	struct error err = {0};
	struct keep keep;
	int code = EXIT_DONE, r;

	if (words->keep && keep_parse(words->keep, &keep, &err) < 0)
		return output_usage(call, "--keep: %s", err.text);
	for (char **name = names; *name; name++)
		strings_add(&wanted, *name);
	if (container_match(&call->paths, &wanted, &found, &err) < 0)
		return output_error(call, wanted.count == 1 ? wanted.items[0] : NULL, &err);
	output_json_begin(&json);
	json_array(&json, "snapshots");
	for (size_t i = 0; i < found.count; i++) {
		r = prune_one(call, words, found.items[i], &json);
		code = !r ? code : found.count > 1 ? EXIT_SOME_FAILED : r;
	}
	json_end_array(&json);
	json_end_object(&json);
	r = call->json ? output_json(call, &json) : EXIT_DONE;
	return code ? code : r;
}

/* --- the schedule --- */

/* Whether a moment of the schedule has come since the last snapshot that it made. */
static int is_due(const struct container *container, int64_t now_ms, struct error *err)
{
	CLEAN(snapshots_done) struct snapshots all = {0};
	struct calendar calendar;
	int64_t last;
	int r = calendar_parse(container->config.snapshots.schedule, &calendar, err);

	if (r == 0)
		r = snapshot_list(container, &all, err);
	if (r < 0)
		return r;
	if (calendar_last(&calendar, now_ms / 1000, &last) < 0)
		return 0;
	for (size_t i = 0; i < all.count; i++)
		if (all.items[i].reason == SNAPSHOT_SCHEDULE &&
		    all.items[i].created_ms / 1000 >= last)
			return 0;
	return 1;
}

static char *scheduled_name(int64_t now_ms)
{
	time_t now = (time_t)(now_ms / 1000);
	struct tm parts;
	char text[32];

	(void)gmtime_r(&now, &parts);
	(void)strftime(text, sizeof(text), "auto-%Y%m%d-%H%M%S", &parts);
	return must_dup(text);
}

static int make_due(const struct call *call, const struct snapshot_words *words, const char *name,
                    struct error *err)
{
	CLEAN(subject_close) struct subject subject = {.lock = -1, .progress.signals_fd = -1};
	int64_t now = state_now_ms();
	CLEAN_FREE char *snapshot = scheduled_name(now);
	CLEAN_FREE char *rules = NULL;
	int r = subject_open(&subject, call, words, name, err);

	/* once more with the lock: two timers make one snapshot */
	if (r == 0 && subject.container.config.snapshots.schedule)
		r = is_due(&subject.container, now, err);
	if (r > 0 && words->dry_run) {
		output_line(call, "%s: snapshot '%s' is due", name, snapshot);
		return 0;
	}
	if (r > 0)
		r = subject_snapshot(&subject, snapshot, SNAPSHOT_SCHEDULE, NULL, err);
	if (r < 0 || !subject.container.config.snapshots.keep)
		return r;
	rules = must_dup(subject.container.config.snapshots.keep);
	return prune(&subject, rules, NULL, err);
}

/* Nothing is locked for one of which nothing is wanted. */
static int run_one(const struct call *call, const struct snapshot_words *words, const char *name,
                   struct error *err)
{
	CLEAN(container_done) struct container container = {0};
	CLEAN_FREE char *mark = NULL;
	int r = container_init(&container, &call->paths, name, err);

	if (r == 0)
		r = config_load(&container.config, container.file, NULL, err);
	if (r < 0)
		return r;
	mark = must_printf("%s/frozen_by", container.run_dir);
	if (!container.config.snapshots.schedule && !snapshot_is_pending(&container) &&
	    faccessat(AT_FDCWD, mark, F_OK, 0) < 0)
		return 0;
	r = container.config.snapshots.schedule ? is_due(&container, state_now_ms(), err) : 1;
	return r > 0 || snapshot_is_pending(&container) ? make_due(call, words, name, err) : r;
}

int snapshot_run_run(const struct call *call, const struct snapshot_words *words, char **names)
{
	CLEAN(strings_done) struct strings wanted = {0}, found = {0};
	struct error err = {0};
	int code = EXIT_DONE, r;

	for (char **name = names; *name; name++)
		strings_add(&wanted, *name);
	r = wanted.count ? container_match(&call->paths, &wanted, &found, &err)
	                 : container_list(&call->paths, &found, &err);
	if (r < 0)
		return output_error(call, wanted.count == 1 ? wanted.items[0] : NULL, &err);
	for (size_t i = 0; i < found.count; i++) {
		error_clear(&err);
		if (run_one(call, words, found.items[i], &err) < 0) {
			r = output_error(call, found.items[i], &err);
			if (err.code == EINTR)
				return 128 + SIGINT;
			code = found.count > 1 ? EXIT_SOME_FAILED : r;
		}
	}
	return code;
}
