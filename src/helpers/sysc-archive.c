/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sysc-archive: unpacks a root file system, or looks whether one could be unpacked, in a confined
 * child (confine.h) by strict rules (archive_rules.h). All or nothing: what a refused or
 * interrupted archive left is removed. Templates call it; see sysc-template(7). For sysc-export and
 * sysc-import it packs a tree, and unpacks and verifies what was packed so (storage/manifest.h).
 */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/sha256.h"
#include "base/text.h"
#include "helpers/archive_options.h"
#include "helpers/archive_pack.h"
#include "helpers/archive_run.h"
#include "helpers/archive_verify.h"
#include "helpers/archive_work.h"
#include "helpers/confine.h"
#include "storage/manifest_list.h"

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int open_input(const struct archive_options *options, int *out, uint64_t *total,
                      struct error *err)
{
	CLEAN_FD int fd = -1;
	struct stat st;

	fd = text_is(options->file, "-") ? fcntl(0, F_DUPFD_CLOEXEC, 3)
	                                 : open(options->file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return fail(err, errno, "open it");
	if (fstat(fd, &st) < 0)
		return fail(err, errno, "look at it");
	if (S_ISDIR(st.st_mode))
		return fail_plain(err, EISDIR, "it is a directory");
	*total = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
	*out = fd_take(&fd);
	return 0;
}

static int check_digest(const struct archive_options *options, int fd, struct error *err)
{
	char found[65];
	int r;

	if (!options->sha256)
		return 0;
	r = sha256_file(fd, found, err);
	if (r < 0)
		return fail_hint(err, "--sha256 needs a file");
	if (strcasecmp(found, options->sha256) != 0)
		return fail_plain(err, EBADMSG, "its sha256 is %s, expected %s", found,
		                  options->sha256);
	return 0;
}

/* DIR, made when absent: a directory, empty where it has to be, and no symlink itself. */
static int open_target(const char *path, bool must_be_empty, int *out, bool *made,
                       struct error *err)
{
	CLEAN_FD int fd = -1;
	CLEAN_DIR DIR *dir = NULL;
	struct dirent *entry;

	*made = mkdir(path, 0755) == 0;
	if (!*made && errno != EEXIST)
		return fail(err, errno, "make directory '%s'", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && (errno == ELOOP || errno == ENOTDIR))
		return fail_plain(err, errno, "'%s' is not a directory, or a symlink to one", path);
	if (fd < 0)
		return fail(err, errno, "open '%s'", path);
	dir = fdopendir(fcntl(fd, F_DUPFD_CLOEXEC, 3));
	if (!dir)
		return fail(err, errno, "open '%s'", path);
	while (must_be_empty && (entry = readdir(dir)))
		if (!text_is(entry->d_name, ".") && !text_is(entry->d_name, ".."))
			return fail(err, ENOTEMPTY, "unpack into '%s'", path);
	*out = fd_take(&fd);
	return 0;
}

/* Nothing of a refused archive stays. */
static void empty_target(int target_fd, const char *path, bool made)
{
	CLEAN_DIR DIR *dir = fdopendir(fcntl(target_fd, F_DUPFD_CLOEXEC, 3));
	struct strings names = {0};
	struct dirent *entry;
	struct error err = {0};

	if (dir)
		rewinddir(dir); /* open_target() read it to its end, and the place is shared */
	while (dir && (entry = readdir(dir)))
		if (!text_is(entry->d_name, ".") && !text_is(entry->d_name, ".."))
			strings_add(&names, entry->d_name);
	for (size_t i = 0; i < names.count; i++)
		if (file_remove_tree(target_fd, names.items[i], &err) < 0)
			(void)fprintf(stderr, "sysc-archive: %s\n", err.text);
	strings_done(&names);
	if (made)
		(void)rmdir(path); /* says itself that it is there */
}

static int run_job(void *data, struct error *err)
{
	return archive_work(data, err);
}

static FILE *open_list(void)
{
	int fd = list_open_temporary();

	return fd < 0 ? NULL : fdopen(fd, "w+e");
}

/* For kept_fds. */
static int fd_of(FILE *file)
{
	return file ? fileno(file) : 0;
}

/* One that was given, from its start; NULL: none was. */
static int open_given(int fd, const char *mode, FILE **out, struct error *err)
{
	int copy = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);

	if (fd < 0)
		return 0;
	*out = copy < 0 ? NULL : fdopen(copy, mode);
	if (!*out || fseek(*out, 0, SEEK_SET) < 0)
		return fail(err, errno, "open a list");
	return 0;
}

static int unpack(const struct archive_options *options, int input, uint64_t total, int target,
                  const struct verify_files *exported, struct error *err)
{
	struct archive_counters *counters = run_share_counters(err);
	struct archive_job job = {
		.input_fd = input,
		.write = options->write,
		.keep_ids = true,
		.exported = exported,
		.is_host_root = options->write && options->limits.devices == ARCHIVE_DEVICES_ALLOW,
		.limits = options->limits,
		.counters = counters,
	};
	struct confine confine = {
		.root_fd = target,
		.input_fd = input,
		.kept_fds = {exported && exported->head_fd >= 0 ? exported->head_fd : 0,
	                     fd_of(exported ? exported->base : NULL),
	                     fd_of(exported ? exported->unpacked : NULL),
	                     fd_of(exported ? exported->save : NULL)},
		.map = options->map.count ? &options->map : NULL,
		.devices = options->write && options->limits.devices == ARCHIVE_DEVICES_ALLOW,
		.work = run_job,
		.data = &job,
	};

	/* what sysc-export wrote must come back, whatever a tree had */
	job.limits.any_owner = job.exported != NULL;
	return counters ? run_confined(options, &confine, counters, options->file, total, err)
	                : -err->code;
}

/* With the lists that one of sysc-export is held against. head_fd: -1, or where its head goes. */
static int unpack_exported(const struct archive_options *options, int input, uint64_t total,
                           int target, int head_fd, struct error *err)
{
	CLEAN_FILE FILE *base = NULL, *given = NULL, *unpacked = open_list(), *save = open_list();
	struct verify_files files = {
		.head_fd = head_fd,
		.unpacked = unpacked,
		.is_alone = !options->write,
		.is_first_only = options->is_first_only,
		.part = options->part,
	};
	int r = unpacked && save ? 0 : fail(err, errno, "keep a list");

	if (r == 0)
		r = open_given(options->base_fd, "re", &base, err);
	if (r == 0)
		r = open_given(options->save_fd, "r+e", &given, err);
	files.base = base;
	files.save = given ? given : save;
	return r < 0 ? r : unpack(options, input, total, target, &files, err);
}

static int run_unpack(const struct archive_options *options, struct error *err)
{
	CLEAN_FD int input = -1, target = -1;
	uint64_t total = 0;
	bool made = false;
	int r = open_input(options, &input, &total, err);

	if (r == 0)
		r = check_digest(options, input, err);
	if (r < 0)
		return fail_in(err, "'%s'", options->file);
	if (options->write)
		r = open_target(options->into, options->base_fd < 0, &target, &made, err);
	if (r < 0)
		return r;
	r = options->exported ? unpack_exported(options, input, total, target, -1, err)
	                      : unpack(options, input, total, target, NULL, err);
	if (r != 0 && options->write)
		empty_target(target, options->into, made);
	if (r != 0 && options->report_fd < 0)
		(void)fail_in(err, "%s '%s'", options->write ? "unpack" : "check", options->file);
	return r;
}

/* Manifest, an empty line, length of the configuration, itself, of each part. 3: it may be an archive, but not of sysc-export. */
static int run_head(const struct archive_options *options, struct error *err)
{
	CLEAN_FD int input = -1, output = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	uint64_t total = 0;
	int r = output < 0 ? fail(err, errno, "use standard output") : 0;

	if (r == 0)
		r = open_input(options, &input, &total, err);
	if (r == 0)
		r = unpack_exported(options, input, total, -1, output, err);
	return r;
}

static int run_pack_job(void *data, struct error *err)
{
	return pack_work(data, err);
}

static unsigned int count_processors(void)
{
	cpu_set_t set;

	/* more do not pay, and each takes memory */
	return sched_getaffinity(0, sizeof(set), &set) < 0 ? 1
	       : CPU_COUNT(&set) > 16                      ? 16
	                                                   : (unsigned int)CPU_COUNT(&set);
}

static int run_pack(const struct archive_options *options, struct error *err)
{
	CLEAN(text_done) struct text manifest = {0}, config = {0};
	CLEAN_FD int tree = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	CLEAN_FD int output = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	CLEAN_FILE FILE *list = open_list(), *base = NULL, *save = NULL;
	struct pack_job job = {
		.output =
			{
				 .output_fd = output,
				 .method = options->method,
				 .level = options->level,
				 .threads = options->threads ? (unsigned int)options->threads
	                                                    : count_processors(),
				 },
		.shift = options->map.count ? &options->map : NULL,
		.list = list,
		.is_privileged = options->privileged,
		.count = run_shows_progress(options),
	};
	struct confine confine = {
		.root_fd = tree,
		.input_fd = tree,
		.kept_fds = {output, fd_of(list)},
		.packs = true,
		.work = run_pack_job,
		.data = &job,
	};
	struct manifest read;
	int r;

	if (tree < 0 || output < 0 || !list)
		return fail(err, errno, "prepare to pack");
	if (options->manifest_fd < 0 || options->config_fd < 0)
		return fail_plain(err, EINVAL, "--manifest and --config are needed");
	r = open_given(options->base_fd, "re", &base, err);
	if (r == 0)
		r = open_given(options->save_fd, "r+e", &save, err);
	if (r == 0)
		r = file_read_fd(options->manifest_fd, "manifest", MANIFEST_MAX, &manifest, err);
	if (r >= 0)
		r = file_read_fd(options->config_fd, "config", 1 << 20, &config, err);
	if (r >= 0)
		r = manifest_parse(&read, manifest.data ? manifest.data : "", manifest.length, err);
	job.output.counters = r < 0 ? NULL : run_share_counters(err);
	if (!job.output.counters)
		return -err->code;
	confine.kept_fds[2] = fd_of(base);
	confine.kept_fds[3] = fd_of(save);
	job.base = base;
	job.save = save;
	job.manifest = manifest.data;
	job.manifest_length = manifest.length;
	job.config = config.data ? config.data : "";
	job.config_length = config.length;
	return run_confined(options, &confine, job.output.counters, read.name, 0, err);
}

static int (*const runs[WORD_COUNT])(const struct archive_options *options, struct error *err) = {
	[WORD_UNPACK] = run_unpack,
	[WORD_CHECK] = run_unpack,
	[WORD_HEAD] = run_head,
	[WORD_PACK] = run_pack,
};

int main(int argc, char **argv)
{
	struct archive_options options;
	struct error err = {0};
	int r;

	/* names in pax headers are UTF-8; the C locale could not hold them */
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		(void)setlocale(LC_CTYPE, "");
	r = archive_options_take(&options, argc, argv, &err);
	if (r > 0)
		return fputs(archive_options_usage(), stdout) < 0;
	if (r < 0) {
		(void)fprintf(stderr, "sysc-archive: %s\n", err.text);
		return err.code == EPERM ? 1 : 2;
	}
	r = runs[options.word](&options, &err);
	if (r == -ENOMSG && options.word == WORD_HEAD)
		return 3;
	if (r != 0 && options.report_fd >= 0)
		run_report(&options, "error %d %s\n", err.code, err.text);
	else if (r != 0)
		run_report(&options, "%s\n", err.text);
	return r > 0 ? 128 + r : r < 0;
}
