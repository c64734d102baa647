/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sysc export: a container as one archive (storage/manifest.h), which sysc-archive packs in a confined
 * process. A file gets its name when it is whole and on disk.
 */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/process.h"
#include "base/text.h"
#include "container/container.h"
#include "container/state.h"
#include "storage/manifest.h"
#include "storage/snapshot.h"
#include "storage/sweep.h"
#include "tools/archiver.h"
#include "tools/command.h"
#include "tools/export_file.h"
#include "tools/export_say.h"
#include "tools/export_since.h"
#include "tools/inspect.h"
#include "tools/making.h"
#include "tools/output.h"
#include "tools/snapshot_hold.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define LOCK_MS    30000
#define CONFIG_MAX (1 << 20)

static const char *opt_output, *opt_method = "zstd", *opt_level, *opt_since, *opt_list,
			       *opt_snapshot;
static bool opt_no_freeze;
static int64_t opt_threads;

static const struct method {
	const char *name, *ending;
} methods[] = {
	{"zstd", ".tar.zst"},
	{"gzip", ".tar.gz" },
	{"xz",   ".tar.xz" },
	{"none", ".tar"    },
};

/* One export. */
struct export
{
	const struct call *call;
	const char *name; /* of the container */
	struct container container;
	char *file; /* the configuration that is exported: its own, or that of a snapshot */
	struct storage storage; /* what is exported */
	int snapshot_fd;        /* keeps the snapshot from being removed; -1 */
	const struct method *method;
	struct manifest manifest;
	struct text config; /* the file as it is */
	struct earlier earlier;
	struct archiver_counts counts;
	int64_t frozen_us; /* -1: it was not */
	int signals_fd;
	struct export_file archive, list; /* list: that is kept; not open when none is */
};

static void export_init(struct export *export, const struct call *call)
{
	*export =
		(struct export){.call = call, .snapshot_fd = -1, .frozen_us = -1, .signals_fd = -1};
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
	storage_done(&export->storage);
	text_done(&export->config);
	fd_close(&export->snapshot_fd);
	fd_close(&export->signals_fd);
	free(export->file);
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
	CLEAN_FREE char *date = must_dup(export->manifest.date);
	char *to = date;

	if (!opt_since)
		return must_printf("%s%s", export->name, export->method->ending);
	for (const char *c = date; *c; c++)
		if (*c != '-' && *c != ':')
			*to++ = *c;
	*to = '\0';
	return must_printf("%s-%s%s", export->name, date, export->method->ending);
}

static int open_output(struct export *export, struct error *err)
{
	CLEAN_FREE char *path = opt_output ? must_dup(opt_output) : default_path(export);
	int r;

	if (opt_since && is_same_file(path, opt_since))
		return fail_plain(err, EINVAL,
		                  "'%s' is what the increment is to, and must stay as it is", path);
	r = text_is(path, "-") ? export_file_open_stdout(&export->archive, err)
	                       : export_file_open(&export->archive, path, err);
	if (r == 0 && opt_list)
		r = export_file_open(&export->list, opt_list, err);
	return r;
}

static void copy_value(char *out, size_t room, const char *value)
{
	(void)snprintf(out, room, "%s", value);
}

static void describe(struct export *export)
{
	struct manifest *manifest = &export->manifest;

	export_describe(manifest, &export->container, &export->storage, &export->config);
	copy_value(manifest->snapshot, sizeof(manifest->snapshot),
	           opt_snapshot ? opt_snapshot : "");
	copy_value(manifest->since, sizeof(manifest->since), export->earlier.digest);
	copy_value(manifest->since_date, sizeof(manifest->since_date),
	           export->earlier.manifest.date);
}

/* --- the work --- */

static int memory_file(const char *what, const struct text *text, struct error *err)
{
	CLEAN_FD int fd = memfd_create(what, MFD_CLOEXEC);
	int r = fd < 0 ? -errno : file_write_all(fd, text->data ? text->data : "", text->length);

	if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = -errno;
	return r < 0 ? fail(err, -r, "keep the %s", what) : fd_take(&fd);
}

static int pack(struct export *export, int tree, struct error *err)
{
	const struct config *config = &export->container.config;
	CLEAN(strings_done) struct strings words = {0};
	CLEAN(text_done) struct text manifest = {0};
	CLEAN_FD int manifest_fd = -1, config_fd = -1;
	struct archiver_run run = {
		.call = export->call,
		.name = export->container.name,
		.words = &words,
		.input_fd = tree,
		.output_fd = export->archive.fd,
		.base_fd = export->earlier.list_fd,
		.save_fd = export->list.fd,
		.counts = &export->counts,
		.signals_fd = export->signals_fd,
	};

	manifest_format(&export->manifest, &manifest);
	run.manifest_fd = manifest_fd = memory_file("manifest", &manifest, err);
	if (manifest_fd < 0)
		return manifest_fd;
	run.config_fd = config_fd = memory_file("configuration", &export->config, err);
	if (config_fd < 0)
		return config_fd;
	strings_add(&words, "pack");
	strings_give(&words, must_printf("--method=%s", opt_method));
	if (opt_level)
		strings_give(&words, must_printf("--level=%s", opt_level));
	if (opt_threads)
		strings_give(&words, must_printf("--threads=%lld", (long long)opt_threads));
	if (config->privileged)
		strings_add(&words, "--privileged");
	/* where owners were shifted at create, the archive has plain ones all the same */
	for (size_t i = 0; storage_option(&export->storage, "shifted") && i < config->idmap.count;
	     i++)
		strings_give(&words, must_printf("--map=%s", config->idmap.items[i]));
	return archiver_run(&run, err);
}

static int pack_held(struct export *export, struct error *err)
{
	bool is_held = !opt_no_freeze && !opt_snapshot;
	struct hold hold;
	struct error late = {0};
	CLEAN_FD int tree = -1;
	int r;

	hold_init(&hold, &export->container);
	r = is_held ? hold_change(true, &hold, err) : 0;
	if (r < 0)
		return r;
	tree = storage_visit(&export->storage, 0, err);
	r = tree < 0 ? tree : pack(export, tree, err);
	if (is_held && hold_change(false, &hold, &late) < 0) {
		if (r < 0)
			output_note(export->call, "%s: %s", export->name, late.text);
		else
			*err = late;
		return -late.code;
	}
	export->frozen_us = hold_frozen_us(&hold);
	return r;
}

/* The list comes last: it must not tell of an archive that is not there. */
static int pack_to_files(struct export *export, struct error *err)
{
	int r = open_output(export, err);

	if (r == 0)
		r = pack_held(export, err);
	if (r == 0)
		r = export_file_publish(&export->archive, err);
	return r < 0 ? r : export_file_publish(&export->list, err);
}

/* Whoever removes snapshots wants to hold this lock alone (storage/snapshot.h). */
static int choose_snapshot(struct export *export, struct error *err)
{
	CLEAN(snapshot_done) struct snapshot found = {0};
	CLEAN_FREE char *dir = snapshot_dir(&export->container, opt_snapshot);
	int r = snapshot_read(&export->container, opt_snapshot, &found, err);

	if (r < 0)
		return r;
	export->snapshot_fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (export->snapshot_fd < 0 || flock(export->snapshot_fd, LOCK_SH | LOCK_NB) < 0)
		return fail(err, errno, "keep snapshot '%s'", opt_snapshot);
	export->file = must_printf("%s/config", dir);
	return snapshot_storage(&export->container, opt_snapshot, &export->storage, err);
}

static int choose_tree(struct export *export, struct error *err)
{
	if (opt_snapshot)
		return choose_snapshot(export, err);
	export->file = must_dup(export->container.file);
	return storage_of(&export->storage, &export->container.config, err);
}

static int export_container(struct export *export, struct error *err)
{
	CLEAN_FD int lock = snapshot_lock(&export->container, LOCK_MS, err);
	int r = lock < 0 ? lock : 0;

	if (r == 0)
		r = hold_mend(&export->container, err);
	if (r >= 0)
		r = choose_tree(export, err);
	if (r >= 0)
		r = file_read(AT_FDCWD, export->file, CONFIG_MAX, &export->config, err);
	if (r < 0)
		return r;
	describe(export);
	export->signals_fd = making_catch_signals();
	/* nothing of the container itself is read: it can go on */
	if (opt_snapshot)
		fd_close(&lock);
	return pack_to_files(export, err);
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
		.counts = export->counts,
		.frozen_us = export->frozen_us,
		.took_ms = process_clock_ms() - began_ms,
	};

	if (export->archive.path && fstat(export->archive.fd, &st) == 0)
		result.size_bytes = (uint64_t)st.st_size;
	return export_report(export->call, &result);
}

static int check_words(struct export *export, struct call *call)
{
	if (!call->names.count)
		return output_usage(call, "the NAME of a container is needed");
	export->name = call->names.items[0];
	export->method = find_method(opt_method);
	if (!export->method)
		return output_usage(call, "option '-z': '%s' is not zstd, gzip, xz or none",
		                    opt_method);
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
	{'T', "threads",   OPTION_NUMBER, &opt_threads,   "N",      "threads to compress with (as many as processors)"},
	{0,   "since",     OPTION_STRING, &opt_since,     "FILE",   "only what changed since this earlier archive, or the list of one"},
	{0,   "list",      OPTION_STRING, &opt_list,      "FILE",   "keeps the archive's list, for the next --since"},
	{0,   "snapshot",  OPTION_STRING, &opt_snapshot,  "SNAP",   "this snapshot instead of what the container is now"},
	{0,   "no-freeze", OPTION_FLAG,   &opt_no_freeze, NULL,     "let a running container go on meanwhile"},
	{0}
};
/* clang-format on */

const struct command cmd_export = {
	.name = "export",
	.operands = "NAME",
	.summary = "Write a container into one archive",
	.details = "A running container is frozen while it is read.\n",
	.options = options,
	.needs = NEEDS_DEFINED,
	.flags = COMMAND_JSON | COMMAND_ROOT,
	.run = run,
};
