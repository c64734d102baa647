/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sysc export: a container as one archive (storage/manifest.h), which sysc-archive packs in a confined
 * process. A file gets its name when it is whole and on disk.
 */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/process.h"
#include "base/sha256.h"
#include "base/text.h"
#include "container/container.h"
#include "container/lock.h"
#include "container/state.h"
#include "storage/manifest.h"
#include "storage/storage.h"
#include "storage/sweep.h"
#include "tools/archiver.h"
#include "tools/command.h"
#include "tools/creation.h"
#include "tools/inspect.h"
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
#include <sys/utsname.h>
#include <time.h>

#define LOCK_MS    30000
#define CONFIG_MAX (1 << 20)

static const char *opt_output, *opt_method = "zstd", *opt_level;
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
	struct container container;
	struct storage storage;
	const struct method *method;
	struct manifest manifest;
	struct text config; /* the file as it is */
	int signals_fd;
	char *path, *partial; /* NULL: standard output */
	int output_fd;
};

static void export_done(struct export *export)
{
	container_done(&export->container);
	storage_done(&export->storage);
	text_done(&export->config);
	fd_close(&export->signals_fd);
	fd_close(&export->output_fd);
	free(export->path);
	free(export->partial);
}

static const struct method *find_method(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (text_is(methods[i].name, name))
			return &methods[i];
	return NULL;
}

/* --- where it goes --- */

/*
 * "FOLDER/.FILE.partial", locked while somebody writes it. One that is not was left by a killed export and
 * is written anew; one that somebody else owns could be read by him, and is refused.
 */
static int open_partial(struct export *export, struct error *err)
{
	const char *path = export->path, *slash = strrchr(path, '/');
	CLEAN_FD int fd = -1;
	struct stat st;

	export->partial = must_printf("%.*s.%s.partial", slash ? (int)(slash + 1 - path) : 0, path,
	                              slash ? slash + 1 : path);
	fd = open(export->partial, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (fd < 0 || fstat(fd, &st) < 0)
		return fail(err, errno, "make '%s'", export->partial);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return fail_plain(err, EBUSY, "'%s' is being written by another export", path);
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_nlink != 1) {
		(void)fail_plain(err, EPERM, "'%s' is in the way", export->partial);
		return fail_hint(err, "remove it");
	}
	if (ftruncate(fd, 0) < 0 || fchmod(fd, 0600) < 0)
		return fail(err, errno, "empty '%s'", export->partial);
	export->output_fd = fd_take(&fd);
	return 0;
}

static int open_output(struct export *export, struct error *err)
{
	struct stat st;

	if (opt_output && text_is(opt_output, "-")) {
		if (isatty(STDOUT_FILENO)) {
			(void)fail_plain(err, EINVAL, "an archive is not written to a terminal");
			return fail_hint(err, "-o FILE, or a pipe");
		}
		export->output_fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
		return export->output_fd < 0 ? fail(err, errno, "write to standard output") : 0;
	}
	export->path =
		opt_output ? must_dup(opt_output)
			   : must_printf("%s%s", export->container.name, export->method->ending);
	if (stat(export->path, &st) == 0 && !S_ISREG(st.st_mode)) {
		(void)fail_plain(err, EEXIST, "'%s' is no plain file", export->path);
		return fail_hint(err, "-o - writes to standard output");
	}
	return open_partial(export, err);
}

/* On disk first, then under its name. */
static int publish(struct export *export, struct error *err)
{
	const char *slash = strrchr(export->path, '/');
	CLEAN_FREE char *folder =
		slash == export->path ? must_dup("/")
		: slash ? must_printf("%.*s", (int)(slash - export->path), export->path)
			: must_dup(".");
	CLEAN_FD int folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fsync(export->output_fd) < 0)
		return fail(err, errno, "write '%s' to disk", export->path);
	if (rename(export->partial, export->path) < 0)
		return fail(err, errno, "rename '%s' to '%s'", export->partial, export->path);
	free(ptr_take(export->partial));
	if (folder_fd < 0 || fsync(folder_fd) < 0)
		return fail(err, errno, "write '%s' to disk", folder);
	return 0;
}

/* --- what it says of itself --- */

/* "alpine": the file of the distribution that its configuration includes. */
static void find_snippet(const struct export *export, char *out, size_t room)
{
	const struct config *config = &export->container.config;
	const char *folder = export->call->paths.config;
	size_t length = strlen(folder);

	for (size_t i = 0; i < config->item_count; i++) {
		const struct config_item *item = &config->items[i];
		const char *name = item->value + length + 1;

		if (!text_is(item->name, "include") || !text_is(item->section, "container") ||
		    !text_is(item->file, export->container.file) ||
		    !text_starts(item->value, folder) || item->value[length] != '/' ||
		    strchr(name, '/') || !text_ends(name, ".conf"))
			continue;
		(void)snprintf(out, room, "%.*s", (int)(strlen(name) - 5), name);
		return;
	}
}

static void copy_value(char *out, size_t room, const char *value)
{
	(void)snprintf(out, room, "%s", value);
}

static void describe(struct export *export)
{
	struct manifest *manifest = &export->manifest;
	const struct config *config = &export->container.config;
	struct utsname host;
	struct sha256 sum;
	struct tm parts;
	time_t now = time(NULL);

	(void)uname(&host); /* cannot fail with a valid buffer */
	if (gmtime_r(&now, &parts))
		(void)strftime(manifest->date, sizeof(manifest->date), "%Y-%m-%dT%H:%M:%SZ",
		               &parts);
	copy_value(manifest->name, sizeof(manifest->name), export->container.name);
	copy_value(manifest->version, sizeof(manifest->version), PACKAGE_VERSION);
	copy_value(manifest->arch, sizeof(manifest->arch), host.machine);
	copy_value(manifest->backend, sizeof(manifest->backend), storage_name(&export->storage));
	if (!config->privileged && config->idmap.count == 1)
		copy_value(manifest->map, sizeof(manifest->map), config->idmap.items[0]);
	if (config->rootfs_size != LIMIT_UNSET)
		manifest->size_bytes = config->rootfs_size;
	find_snippet(export, manifest->snippet, sizeof(manifest->snippet));
	sha256_init(&sum);
	sha256_add(&sum, export->config.data ? export->config.data : "", export->config.length);
	sha256_end(&sum, manifest->config_sha256);
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
		.output_fd = export->output_fd,
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
	/* where owners were shifted at create, the archive has plain ones all the same */
	for (size_t i = 0; storage_option(&export->storage, "shifted") && i < config->idmap.count;
	     i++)
		strings_give(&words, must_printf("--map=%s", config->idmap.items[i]));
	return archiver_run(&run, err);
}

static int pack_held(struct export *export, struct error *err)
{
	struct hold hold;
	struct error late = {0};
	CLEAN_FD int tree = -1;
	int64_t frozen_us;
	int r;

	hold_init(&hold, &export->container);
	r = opt_no_freeze ? 0 : hold_change(true, &hold, err);
	if (r < 0)
		return r;
	tree = storage_visit(&export->storage, 0, err);
	r = tree < 0 ? tree : pack(export, tree, err);
	if (!opt_no_freeze && hold_change(false, &hold, &late) < 0) {
		if (r < 0)
			output_note(export->call, "%s: %s", export->container.name, late.text);
		else
			*err = late;
		return -late.code;
	}
	frozen_us = hold_frozen_us(&hold);
	if (frozen_us >= 0)
		output_note(export->call, "%s: was frozen for %lld.%03lld s",
		            export->container.name, (long long)(frozen_us / 1000000),
		            (long long)(frozen_us / 1000 % 1000));
	return r;
}

static int export_container(struct export *export, struct error *err)
{
	CLEAN_FD int lock = lock_container(&export->container, LOCK_MS, err);
	int r = lock < 0 ? lock : 0;

	if (r == 0)
		r = hold_mend(&export->container, err);
	if (r >= 0)
		r = file_read(AT_FDCWD, export->container.file, CONFIG_MAX, &export->config, err);
	if (r >= 0)
		r = storage_of(&export->storage, &export->container.config, err);
	if (r < 0)
		return r;
	describe(export);
	export->signals_fd = creation_catch_signals();
	r = open_output(export, err);
	if (r == 0)
		r = pack_held(export, err);
	if (r == 0 && export->path)
		r = publish(export, err);
	if (r < 0 && export->partial)
		(void)unlink(export->partial); /* empty or half: worth nothing */
	return r;
}

static int report(struct export *export, int64_t began_ms)
{
	int64_t took_ms = process_clock_ms() - began_ms;
	struct stat st;

	if (export->path && fstat(export->output_fd, &st) == 0)
		output_line(export->call, "%s: exported to %s (%.1f MiB, %.1f s)",
		            export->container.name, export->path, (double)st.st_size / (1 << 20),
		            (double)took_ms / 1000);
	return EXIT_DONE;
}

static int run(struct call *call)
{
	CLEAN(export_done)
	struct export export = {.call = call, .signals_fd = -1, .output_fd = -1};
	CLEAN(strings_done) struct strings errors = {0};
	struct error err = {0};
	int64_t began_ms = process_clock_ms();
	const char *name;

	if (!call->names.count)
		return output_usage(call, "the NAME of a container is needed");
	name = call->names.items[0];
	export.method = find_method(opt_method);
	if (!export.method)
		return output_usage(call, "option '-z': '%s' is not zstd, gzip, xz or none",
		                    opt_method);
	if (sweep_all(&call->paths, &err) < 0)
		output_note(call, "%s", err.text);
	error_clear(&err);
	if (!inspect_exists(call, name, &err) ||
	    container_open(&export.container, &call->paths, name, &errors, &err) < 0)
		return output_errors(call, name, &errors, &err);
	if (export_container(&export, &err) == 0)
		return report(&export, began_ms);
	(void)output_error(call, name, &err);
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
	.flags = COMMAND_ROOT,
	.run = run,
};
