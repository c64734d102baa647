/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The parts of sysc snapshot: one container that the command is about, and its verbs. */
#ifndef SYSC_TOOLS_SNAPSHOT_H
#define SYSC_TOOLS_SNAPSHOT_H

#include "base/error.h"
#include "base/text.h"
#include "container/container.h"
#include "container/state.h"
#include "storage/copy.h"
#include "storage/snapshot.h"
#include "tools/tree_progress.h"

#include <stdbool.h>
#include <stdint.h>

struct call;

/* What was asked for by options. */
struct snapshot_words {
	const char *comment, *keep, *to;
	bool no_freeze, force, undo, no_keep, no_config, config_only, dry_run, all_kinds, packages,
		sizes;
	struct strings paths;
};

/* A container under its lock; what killed commands left is gone. */
struct subject {
	const struct call *call;
	const struct snapshot_words *words;
	struct container container;
	struct state state;
	int lock;
	struct snapshot
		ended; /* what a killed restore replaced that was ended first; no name: none */
	struct tree_progress progress; /* its signals_fd by subject_catch() */
	struct copy_options copy;      /* with that */
};

/*
 * Takes the lock, loads the configuration, ends what killed commands left. Pair: subject_close(). Says nothing.
 */
int subject_open(struct subject *subject, const struct call *call,
                 const struct snapshot_words *words, const char *name, struct error *err);
void subject_close(struct subject *subject);
/* From here on SIGINT and its like end a snapshot or a restore cleanly: -EINTR, nothing is left. */
void subject_catch(struct subject *subject);
/* The exit code after a failure: 128+N when it was signal N, otherwise code. */
int subject_code(const struct subject *subject, int code);
/* For struct snapshot_options: says that it takes a copy. */
void subject_slow(void *user);
/* Ends the line of progress. */
void subject_quiet(struct subject *subject);

/* After snapshots went: what they alone needed goes too. A failure is a note; the next command tries again. */
void subject_tidy(struct subject *subject);

/* Makes one and says so; kept gets it (may be NULL). */
int subject_snapshot(struct subject *subject, const char *name, enum snapshot_reason reason,
                     struct snapshot *kept, struct error *err);

/*
 * Restores single paths of a snapshot and says so; or_absent: one that the snapshot has not goes. Stops a
 * container that runs where it has to and words->force is set.
 */
int subject_restore_paths(struct subject *subject, const char *name, const struct strings *paths,
                          bool or_absent, struct error *err);
/* "/etc/" to "/etc"; -EINVAL for what is no path of its own: relative ones, "/", "..", one in another. */
int snapshot_check_paths(const struct strings *paths, struct strings *out, struct error *err);

/* Parts of a restore: stops it first (-f), starts it again, what is kept. */
int restore_stop_first(struct subject *subject, bool *was_running, struct error *err);
int restore_start_again(struct subject *subject, struct error *err);
char *restore_before_name(int64_t now_ms);
/* When the user was told that it is done: earlier ones, and with --no-keep this one, are undone no more. */
void restore_drop_older(struct subject *subject, const char *before);

/* The newest that a restore without a name takes: made by one itself, or not; NULL: none. */
const struct snapshot *snapshot_newest(const struct snapshots *all, bool by_restore);

/* Each returns an exit code. words: what follows the verb, ended by NULL. */
int snapshot_run_list(const struct call *call, const struct snapshot_words *words, char **names);
int snapshot_run_show(const struct call *call, char **names);
int snapshot_run_diff(const struct call *call, const struct snapshot_words *words, char **names);
int snapshot_run_prune(const struct call *call, const struct snapshot_words *words, char **names);
int snapshot_run_run(const struct call *call, const struct snapshot_words *words, char **names);
int snapshot_run_restore(const struct call *call, const struct snapshot_words *words, char **names);

/* One of a list or a show as an object; own: what it holds itself, NULL: not asked for, or not known. */
struct json;
void snapshot_json(struct json *json, const char *key, const struct container *container,
                   const struct snapshot *snapshot, const uint64_t *own);

#endif
