/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sysc snapshot: its words are rows of a table at the end; what they do is in the files snapshot_*.c. */
#include "base/cleanup.h"
#include "base/table.h"
#include "tools/command.h"
#include "tools/snapshot.h"

#include <errno.h>
#include <string.h>

static struct snapshot_words words;

static int run_create(const struct call *call, char **names)
{
	CLEAN(subject_close) struct subject subject = {.lock = -1, .progress.signals_fd = -1};
	CLEAN(snapshot_done) struct snapshot made = {0};
	CLEAN(json_done) struct json json = {0};
	struct error err = {0};

	if (names[1] && snapshot_check_name(names[1], &err) < 0)
		return output_usage(call, "%s", err.text);
	if (words.comment && (text_has_control(words.comment, false) ||
	                      strlen(words.comment) > SNAPSHOT_COMMENT_MAX))
		return output_usage(call, "a comment is one line of at most %d bytes",
		                    SNAPSHOT_COMMENT_MAX);
	if (subject_open(&subject, call, &words, names[0], &err) < 0 ||
	    subject_snapshot(&subject, names[1], SNAPSHOT_HAND, &made, &err) < 0)
		return subject_code(&subject, output_error(call, names[0], &err));
	if (!call->json)
		return EXIT_DONE;
	output_json_begin(&json);
	snapshot_json(&json, "snapshot", &subject.container, &made, NULL);
	json_end_object(&json);
	return output_json(call, &json);
}

/* All of them are known before the first goes. */
static int run_delete(const struct call *call, char **names)
{
	CLEAN(subject_close) struct subject subject = {.lock = -1, .progress.signals_fd = -1};
	struct error err = {0};
	int code = EXIT_DONE;
	bool deleted = false;

	if (subject_open(&subject, call, &words, names[0], &err) < 0)
		return output_error(call, names[0], &err);
	for (char **name = names + 1; *name; name++) {
		CLEAN(snapshot_done) struct snapshot found = {0};

		if (snapshot_read(&subject.container, *name, &found, &err) < 0)
			return output_error(call, names[0], &err);
	}
	for (char **name = names + 1; *name; name++) {
		error_clear(&err);
		if (snapshot_remove(&subject.container, *name, &err) < 0) {
			code = output_error(call, names[0], &err);
			continue;
		}
		deleted = true;
		output_line(call, "%s: snapshot '%s' deleted", names[0], *name);
	}
	if (deleted)
		subject_tidy(&subject);
	return code;
}

static int run_list(const struct call *call, char **names)
{
	return snapshot_run_list(call, &words, names);
}

static int run_restore(const struct call *call, char **names)
{
	return snapshot_run_restore(call, &words, names);
}

static int run_diff(const struct call *call, char **names)
{
	return snapshot_run_diff(call, &words, names);
}

static int run_prune(const struct call *call, char **names)
{
	return snapshot_run_prune(call, &words, names);
}

static int run_run(const struct call *call, char **names)
{
	return snapshot_run_run(call, &words, names);
}

/* clang-format off */
static const struct {
	const char *verb;
	size_t least, most; /* words after it */
	const char *form;
	int (*run)(const struct call *call, char **names);
} rows[] = {
	{"create",  1, 2,        "NAME [SNAP]",   run_create},
	{"list",    0, SIZE_MAX, "[NAME…]",       run_list},
	{"show",    2, 2,        "NAME SNAP",     snapshot_run_show},
	{"diff",    2, 3,        "NAME SNAP [SNAP]", run_diff},
	{"restore", 1, 2,        "NAME [SNAP]",   run_restore},
	{"delete",  2, SIZE_MAX, "NAME SNAP…",    run_delete},
	{"prune",   1, SIZE_MAX, "NAME…",         run_prune},
	{"run",     0, SIZE_MAX, "[NAME…]",       run_run},
};

static const char *const verbs[] = {"create", "list", "show", "diff", "restore", "delete", "prune", "run", NULL};

static const struct option_row options[] = {
	{'c', "comment",     OPTION_STRING, &words.comment,     "TEXT",  "create: what it is for, one line"},
	{0,   "no-freeze",   OPTION_FLAG,   &words.no_freeze,   NULL,    "create: let a running container run on"},
	{'f', "force",       OPTION_FLAG,   &words.force,       NULL,    "restore: stop it first, start it again"},
	{0,   "undo",        OPTION_FLAG,   &words.undo,        NULL,    "restore: what the last restore replaced"},
	{0,   "no-keep",     OPTION_FLAG,   &words.no_keep,     NULL,    "restore: keep nothing of what is replaced"},
	{0,   "no-config",   OPTION_FLAG,   &words.no_config,   NULL,    "restore: the tree only"},
	{0,   "config-only", OPTION_FLAG,   &words.config_only, NULL,    "restore: the configuration only"},
	{0,   "path",        OPTION_LIST,   &words.paths,       "PATH",  "restore: this file or folder only; again for more"},
	{0,   "to",          OPTION_STRING, &words.to,          "NEWNAME", "restore: as a new container"},
	{'s', "size",        OPTION_FLAG,   &words.sizes,       NULL,    "list: what each holds itself, counted"},
	{0,   "packages",    OPTION_FLAG,   &words.packages,    NULL,    "diff: by package of dpkg, apk or rpm"},
	{'k', "keep",        OPTION_STRING, &words.keep,        "RULES", "prune: what is kept, 'daily 7, last 3'"},
	{0,   "all-kinds",   OPTION_FLAG,   &words.all_kinds,   NULL,    "prune: also those made by hand"},
	{'n', "dry-run",     OPTION_FLAG,   &words.dry_run,     NULL,    "prune, run: only tell what would be done"},
	{0}
};
/* clang-format on */

static int run(struct call *call)
{
	size_t count = call->names.count ? call->names.count - 1 : 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows) && call->names.count; i++) {
		if (!text_is(rows[i].verb, call->names.items[0]))
			continue;
		if (count < rows[i].least || count > rows[i].most)
			return output_usage(call, "snapshot %s takes %s", rows[i].verb,
			                    rows[i].form);
		return rows[i].run(call, call->names.items + 1);
	}
	return output_usage(call, "unknown word '%s'", call->names.items[0]);
}

const struct command cmd_snapshot = {
	.name = "snapshot",
	.operands = "create NAME [SNAP]\n"
		    "list [NAME…]\n"
		    "show NAME SNAP\n"
		    "diff NAME SNAP [SNAP]\n"
		    "restore NAME [SNAP]\n"
		    "delete NAME SNAP…\n"
		    "prune NAME…\n"
		    "run [NAME…]",
	.summary = "Keep what a container is, and bring it back",
	.details =
		"create names it snap0, snap1 … when no name is given; restore takes the newest.\n"
		"What a restore replaces is a snapshot itself, until the next restore.\n"
		"run makes those that [snapshots] schedule wants, and prunes; a timer calls it.\n",
	.options = options,
	.needs = NEEDS_DEFINED,
	.flags = COMMAND_VERBS | COMMAND_JSON | COMMAND_ROOT,
	.verbs = verbs,
	.run = run,
};
