/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sysc export: a container as one archive (storage/manifest.h), which sysc-archive packs in a confined
 * process. A file gets its name when it is whole and on disk.
 */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/parse.h"
#include "base/process.h"
#include "base/progress.h"
#include "base/text.h"
#include "container/container.h"
#include "container/state.h"
#include "storage/copy.h"
#include "storage/manifest_list.h"
#include "storage/snapshot.h"
#include "storage/sweep.h"
#include "tools/archiver.h"
#include "tools/command.h"
#include "tools/export_file.h"
#include "tools/export_part.h"
#include "tools/export_say.h"
#include "tools/export_since.h"
#include "tools/inspect.h"
#include "tools/output.h"
#include "tools/snapshot_hold.h"
#include "tools/tree_progress.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define LOCK_MS     30000
#define THREADS_MAX 256

static const char *opt_output, *opt_method = "zstd", *opt_level, *opt_since, *opt_list,
			       *opt_snapshot, *opt_snapshots;
static bool opt_no_freeze;
static int64_t opt_threads;

static const struct method {
	const char *name, *ending;
	int64_t level_least, level_most; /* 0, 0: it has none */
} methods[] = {
	{"zstd", ".tar.zst", 1, 22},
	{"gzip", ".tar.gz",  0, 9 },
	{"xz",   ".tar.xz",  0, 9 },
	{"none", ".tar",     0, 0 },
};

/* One export. */
struct export
{
	const struct call *call;
	const char *name; /* of the container */
	struct container container;
	const struct method *method;
	struct snapshots snapshots; /* of the container */
	const char **parts;         /* their names, and NULL for the container: count of them */
	size_t count;
	struct text holds; /* which the archive and those before it have (storage/manifest.h) */
	struct manifest manifest; /* of the first part */
	struct strings words;     /* how to pack */
	struct earlier earlier;   /* what the next part is to */
	struct archiver_counts counts;
	int64_t frozen_us; /* -1: it was not */
	int signals_fd;
	struct progress line;             /* of the part that is packed */
	struct export_file archive, list; /* list: that is kept; not open when none is */
};

static void export_init(struct export *export, const struct call *call)
{
	*export = (struct export){.call = call, .frozen_us = -1, .signals_fd = -1};
	earlier_init(&export->earlier);
	export_file_init(&export->archive);
	export_file_init(&export->list);
}

static void export_done(struct export *export)
{
	export_file_done(&export->archive);
	export_file_done(&export->list);
	earlier_done(&export->earlier);
	container_done(&export->container);
	snapshots_done(&export->snapshots);
	text_done(&export->holds);
	strings_done(&export->words);
	fd_close(&export->signals_fd);
	free(export->parts);
}

static const struct method *find_method(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (text_is(methods[i].name, name))
			return &methods[i];
	return NULL;
}

/* --- where it goes --- */

static bool is_same_file(const char *one, const char *other)
{
	struct stat a, b;

	return stat(one, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

/* Increments do not have the name that all of it gets. */
static char *default_path(const struct export *export)
{
	char date[32] = "";
	struct tm parts;
	time_t now = time(NULL);

	if (!opt_since)
		return must_printf("%s%s", export->name, export->method->ending);
	if (gmtime_r(&now, &parts))
		(void)strftime(date, sizeof(date), "%Y%m%dT%H%M%SZ", &parts);
	return must_printf("%s-%s%s", export->name, date, export->method->ending);
}

static int open_output(struct export *export, struct error *err)
{
	CLEAN_FREE char *path = opt_output ? must_dup(opt_output) : default_path(export);
	int r;

	if (opt_since && is_same_file(path, opt_since))
		return fail_plain(err, EINVAL,
		                  "'%s' is what the increment is to, and must stay as it is", path);
	if (opt_list && text_is(path, opt_list))
		return fail_plain(err, EINVAL, "'%s' cannot be the archive and its list", path);
	r = text_is(path, "-") ? export_file_open_stdout(&export->archive, err)
	                       : export_file_open(&export->archive, path, err);
	if (r == 0 && opt_list)
		r = export_file_open(&export->list, opt_list, err);
	return r;
}

/* --- what goes in --- */

/* All, but for what a restore of paths replaced: that is no tree. One that is named is judged when it is opened. */
static bool is_wanted(const struct strings *names, const struct snapshot *snapshot)
{
	return names->count ? strings_has(names, snapshot->name) : !snapshot->paths.count;
}

/* Those that were asked for; of them, what the earlier archives have not gets a part. */
static void choose_snapshots(struct export *export, const struct strings *names)
{
	CLEAN(strings_done) struct strings held = {0};

	strings_split(&held, export->earlier.manifest.holds, " ");
	for (size_t i = 0; i < export->snapshots.count; i++) {
		const struct snapshot *snapshot = &export->snapshots.items[i];
		CLEAN_FREE char *word =
			manifest_held(snapshot->name, (uint64_t)snapshot->created_ms);

		if (!is_wanted(names, snapshot))
			continue;
		text_addf(&export->holds, "%s%s", export->holds.length ? " " : "", word);
		if (!strings_has(&held, word))
			export->parts[export->count++] = snapshot->name;
	}
	if (!export->holds.length)
		text_add(&export->holds, MANIFEST_HOLDS_NONE);
}

/* Only an increment has to tell: of all others it is known, since they are all there is. */
static int check_holds(struct export *export, struct error *err)
{
	if (export->holds.length < MANIFEST_HOLDS)
		return 0;
	export->holds.length = 0;
	text_add(&export->holds, "");
	if (!opt_since)
		return 0;
	(void)fail_plain(err, E2BIG, "more snapshots than an increment can tell of");
	return fail_hint(err, "name those to take, or begin with an archive without --since");
}

/* The oldest snapshot first, the container last; each name that was asked for is there. */
static int choose_parts(struct export *export, struct error *err)
{
	CLEAN(strings_done) struct strings names = {0};
	int r = snapshot_list(&export->container, &export->snapshots, err);

	if (opt_snapshots && !text_is(opt_snapshots, "all"))
		strings_split(&names, opt_snapshots, ",");
	for (size_t i = 0; i < names.count && r == 0; i++) {
		CLEAN(snapshot_done) struct snapshot found = {0};

		r = snapshot_read(&export->container, names.items[i], &found, err);
	}
	if (r < 0)
		return r;
	export->parts = must_alloc((export->snapshots.count + 1) * sizeof(*export->parts));
	if (opt_snapshots)
		choose_snapshots(export, &names);
	else
		text_add(&export->holds, export->earlier.manifest.holds);
	export->parts[export->count++] = opt_snapshot;
	if (export->count > MANIFEST_PARTS) {
		(void)fail_plain(err, E2BIG,
		                 "more than %d snapshots, which is what an archive can have",
		                 MANIFEST_PARTS - 1);
		return fail_hint(err, "name those to take");
	}
	return check_holds(export, err);
}

static void choose_words(struct export *export)
{
	strings_give(&export->words, must_printf("--method=%s", opt_method));
	if (opt_level)
		strings_give(&export->words, must_printf("--level=%s", opt_level));
	if (opt_threads)
		strings_give(&export->words, must_printf("--threads=%lld", (long long)opt_threads));
}

/* --- the work --- */

/*
 * An increment knows by the times of change what it need not read: of a copy they would be others. Those of a snapshot
 * by the backend itself are not.
 */
static bool keeps_times(const struct storage *storage)
{
	return !text_is(storage_name(storage), "dir") && !text_is(storage_name(storage), "overlay");
}

/* What the container has at one moment, for a read that it need not wait for; NULL: there is no such way. */
static int take_moment(struct export *export, struct export_part *part, struct hold *hold,
                       struct snapshot_moment **out, struct error *err)
{
	struct tree_progress progress;
	const struct copy_options copy = {.progress = tree_progress_copied, .user = &progress};
	struct snapshot_options options = {
		.copy = &copy, .hold = hold_change, .frozen_us = hold_frozen_us, .user = hold};
	CLEAN_FD int root = -1;
	int r;

	if ((opt_since && !keeps_times(&part->storage)) ||
	    hold_open_root(&export->container, &root, NULL) < 0 || root < 0)
		return 0;
	options.root_fd = root;
	tree_progress_begin(&progress, export->call, export->name, export->signals_fd);
	r = snapshot_moment_take(&export->container, &options, out, err);
	progress_clear(&progress.line);
	if (r < 0 || !*out)
		return r;
	storage_done(&part->storage);
	storage_copy(&part->storage, snapshot_moment_storage(*out));
	return 0;
}

static int pack_held(struct export *export, struct export_part *part,
                     const struct export_pack *pack, struct error *err)
{
	struct snapshot_moment *moment = NULL;
	struct hold hold;
	struct error late = {0};
	int r;

	if (opt_no_freeze || part->snapshot)
		return export_part_pack(part, pack, err);
	hold_init(&hold, &export->container);
	r = take_moment(export, part, &hold, &moment, err);
	if (r < 0)
		return r;
	if (moment) {
		export->frozen_us = hold_frozen_us(&hold);
		r = export_part_pack(part, pack, err);
		snapshot_moment_drop(moment);
		return r;
	}
	r = hold_change(true, &hold, err);
	if (r < 0)
		return r;
	r = export_part_pack(part, pack, err);
	if (hold_change(false, &hold, &late) < 0) {
		if (r < 0)
			output_note(export->call, "%s: %s", export->name, late.text);
		else
			*err = late;
		return -late.code;
	}
	export->frozen_us = hold_frozen_us(&hold);
	return r;
}

static void add_counts(struct export *export, const struct archiver_counts *counts)
{
	export->counts.entries += counts->entries;
	export->counts.bytes += counts->bytes;
	export->counts.kept += counts->kept;
	export->counts.kept_bytes += counts->kept_bytes;
	export->counts.removed += counts->removed;
}

/* lock: of the container. */
static int pack_part(struct export *export, size_t number, int *lock, struct error *err)
{
	bool is_last = number + 1 == export->count;
	CLEAN(export_part_done) struct export_part part;
	struct archiver_counts counts = {0};
	CLEAN_FD int list = is_last ? -1 : list_open_temporary();
	const struct export_pack pack = {
		.call = export->call,
		.words = &export->words,
		.output_fd = export->archive.fd,
		.signals_fd = export->signals_fd,
		.base_fd = export->earlier.list_fd,
		.save_fd = is_last ? export->list.fd : list,
		.counts = &counts,
		.progress = &export->line,
	};
	int r = export_part_open(&part, &export->container, export->parts[number], err);

	if (r == 0 && !is_last && list < 0)
		r = fail(err, -list, "keep a list");
	if (r < 0)
		return r;
	/* nothing of the container itself is read: it can go on */
	if (is_last && part.snapshot)
		fd_close(lock);
	export_part_place(&part, &export->earlier, export->count - number - 1, export->holds.data);
	if (number == 0)
		export->manifest = part.manifest;
	archiver_begin_progress(&export->line, export->call, export->name, number, export->count);
	r = pack_held(export, &part, &pack, err);
	add_counts(export, &counts);
	return r < 0 || is_last ? r : earlier_take(&export->earlier, fd_take(&list), err);
}

/* The list comes last: it must not tell of an archive that is not there. */
static int pack_to_files(struct export *export, int *lock, struct error *err)
{
	int r = open_output(export, err);

	for (size_t i = 0; i < export->count && r == 0; i++)
		r = pack_part(export, i, lock, err);
	if (r < 0 || !export->archive.path)
		return r < 0 ? r : export_file_publish(&export->list, err);
	progress_begin(&export->line, output_progress_fd(export->call), export->name);
	progress_say(&export->line, "writing to disk");
	r = export_file_publish(&export->archive, err);
	if (r == 0)
		r = export_file_publish(&export->list, err);
	progress_clear(&export->line);
	return r;
}

static int export_container(struct export *export, struct error *err)
{
	CLEAN_FD int lock = snapshot_lock(&export->container, LOCK_MS, err);
	int r = lock < 0 ? lock : 0;

	if (r == 0)
		r = hold_mend(&export->container, err);
	if (r >= 0)
		r = choose_parts(export, err);
	if (r < 0)
		return r;
	choose_words(export);
	export->signals_fd = process_catch_signals();
	return pack_to_files(export, &lock, err);
}

/* Before the container is locked or frozen: it may take long. */
static int read_earlier(struct export *export, struct error *err)
{
	int r = opt_since ? earlier_read(&export->earlier, export->call, opt_since, err) : 0;

	return r == 0 && opt_since ? earlier_check(&export->earlier, &export->container, err) : r;
}

static int report(const struct export *export, int64_t began_ms)
{
	struct stat st;
	struct export_result result = {
		.name = export->name,
		.path = export->archive.path,
		.manifest = &export->manifest,
		.takes_snapshots = opt_snapshots != NULL,
		.with_snapshots = export->count - 1,
		.counts = export->counts,
		.frozen_us = export->frozen_us,
		.took_ms = process_clock_ms() - began_ms,
	};

	if (export->archive.path && fstat(export->archive.fd, &st) == 0)
		result.size_bytes = (uint64_t)st.st_size;
	return export_report(export->call, &result);
}

/* How to pack. */
static int check_method(struct export *export, struct call *call)
{
	const struct method *method = export->method = find_method(opt_method);
	int64_t level;

	if (!method)
		return output_usage(call, "option '-z': '%s' is not zstd, gzip, xz or none",
		                    opt_method);
	if (opt_level && !method->level_most)
		return output_usage(call, "--level does not go with -z %s", method->name);
	if (opt_level && parse_int(opt_level, method->level_least, method->level_most, &level) < 0)
		return output_usage(call, "option '--level': '%s' is not a level of %s (%d to %d)",
		                    opt_level, method->name, (int)method->level_least,
		                    (int)method->level_most);
	if (opt_threads > THREADS_MAX)
		return output_usage(call, "option '-T': at most %d threads", THREADS_MAX);
	return EXIT_DONE;
}

static int check_words(struct export *export, struct call *call)
{
	int code;

	if (!call->names.count)
		return output_usage(call, "the NAME of a container is needed");
	export->name = call->names.items[0];
	code = check_method(export, call);
	if (code != EXIT_DONE)
		return code;
	if (opt_snapshots && opt_snapshot)
		return output_usage(call, "--snapshots does not go with --snapshot");
	if (call->json && opt_output && text_is(opt_output, "-"))
		return output_usage(call,
		                    "--json and the archive cannot both go to standard output");
	return EXIT_DONE;
}

static int run(struct call *call)
{
	CLEAN(export_done) struct export export;
	CLEAN(strings_done) struct strings errors = {0};
	struct error err = {0};
	int64_t began_ms = process_clock_ms();
	int code;

	export_init(&export, call);
	code = check_words(&export, call);
	if (code != EXIT_DONE)
		return code;
	if (sweep_all(&call->paths, &err) < 0)
		output_note(call, "%s", err.text);
	error_clear(&err);
	if (!inspect_exists(call, export.name, &err) ||
	    container_open(&export.container, &call->paths, export.name, &errors, &err) < 0)
		return output_errors(call, export.name, &errors, &err);
	if (read_earlier(&export, &err) == 0 && export_container(&export, &err) == 0)
		return report(&export, began_ms);
	(void)output_error(call, export.name, &err);
	return err.code == EINTR   ? 128 + SIGINT
	       : err.code == EBUSY ? EXIT_WRONG_STATE
	                           : EXIT_FAILED;
}

/* clang-format off */
static const struct option_row options[] = {
	{'o', "output",    OPTION_STRING, &opt_output,    "FILE|-", "where to (NAME.tar.zst in the current folder); - is standard output"},
	{'z', "compress",  OPTION_STRING, &opt_method,    "METHOD", "zstd, gzip, xz or none (zstd)"},
	{0,   "level",     OPTION_STRING, &opt_level,     "N",      "how hard to compress, in the numbers of the method"},
	{'T', "threads",   OPTION_NUMBER, &opt_threads,   "N",      "threads to compress with (one for each processor, at most 16)"},
	{0,   "since",     OPTION_STRING, &opt_since,     "FILE",   "only what changed since this earlier archive, or the list of one"},
	{0,   "list",      OPTION_STRING, &opt_list,      "FILE",   "keeps the archive's list, for the next --since"},
	{0,   "snapshot",  OPTION_STRING, &opt_snapshot,  "SNAP",   "this snapshot instead of what the container is now"},
	{0,   "snapshots", OPTION_MAYBE,  &opt_snapshots, "NAME,…", "its snapshots too, or those named"},
	{0,   "no-freeze", OPTION_FLAG,   &opt_no_freeze, NULL,     "let a running container go on meanwhile"},
	{0}
};
/* clang-format on */

const struct command cmd_export = {
	.name = "export",
	.operands = "NAME",
	.summary = "Write a container into one archive",
	.details =
		"A running container is frozen for a moment where its tree can be kept without a\n"
		"copy, elsewhere while it is read.\n",
	.options = options,
	.needs = NEEDS_DEFINED,
	.flags = COMMAND_JSON | COMMAND_ROOT,
	.run = run,
};
