/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sysc import: a container (creation.h) from an archive of sysc-export, or from a root file system in a tar
 * file. The archive is hostile: it is read in a confined process (sysc-archive), and nothing of it is visible
 * before all of it was verified.
 */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/table.h"
#include "base/text.h"
#include "container/container.h"
#include "storage/identity.h"
#include "storage/manifest.h"
#include "storage/sweep.h"
#include "tools/archiver.h"
#include "tools/command.h"
#include "tools/create_template.h"
#include "tools/creation.h"
#include "tools/import_config.h"
#include "tools/output.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

#define HEAD_MAX    (2 << 20) /* bytes of a pipe that have manifest and configuration in them */
#define HEAD_TEXT   (MANIFEST_MAX + (1 << 20) + 1)
#define RELEASE_MAX 65536 /* bytes of os-release(5) */

static const char *opt_backend, *opt_size, *opt_config;
static bool opt_keep, opt_trust;
static struct strings overrides;

/* One import. */
struct import {
	const struct call *call;
	const char *file; /* as named; "-" */
	int input_fd;
	bool is_file;   /* it can be read twice */
	int head_fd;    /* what was read of a pipe until now */
	pid_t relay;    /* gives the helper head and rest of a pipe; 0: none */
	bool is_export; /* manifest and config are its own */
	struct manifest manifest;
	struct text config;
	struct import_config taken;
	char *origin, *snippet, *program;
};

static void import_done(struct import *import)
{
	if (import->relay > 0) {
		(void)kill(import->relay,
		           SIGKILL); /* our child, not reaped yet: the number is its own */
		while (waitpid(import->relay, NULL, 0) < 0 && errno == EINTR)
			continue;
	}
	fd_close(&import->input_fd);
	fd_close(&import->head_fd);
	text_done(&import->config);
	import_config_done(&import->taken);
	free(import->origin);
	free(import->snippet);
	free(import->program);
}

/* --- the archive as a file or a pipe --- */

static ssize_t read_some(int fd, void *buffer, size_t room)
{
	ssize_t n;

	do
		n = read(fd, buffer, room);
	while (n < 0 && errno == EINTR);
	return n;
}

/* The beginning of a pipe, which is needed twice. */
static int read_head(struct import *import, struct error *err)
{
	char buffer[65536];
	size_t total = 0;

	import->head_fd = memfd_create("head", MFD_CLOEXEC);
	if (import->head_fd < 0)
		return fail(err, errno, "keep its beginning");
	while (total < HEAD_MAX) {
		ssize_t n = read_some(import->input_fd, buffer, sizeof(buffer));
		int r;

		if (n < 0)
			return fail(err, errno, "read it");
		if (n == 0)
			break;
		r = file_write_all(import->head_fd, buffer, (size_t)n);
		if (r < 0)
			return fail(err, -r, "keep its beginning");
		total += (size_t)n;
	}
	return 0;
}

static int open_input(struct import *import, struct error *err)
{
	struct stat st;

	if (text_is(import->file, "-") && isatty(STDIN_FILENO)) {
		(void)fail_plain(err, EINVAL, "an archive is not read from a terminal");
		return fail_hint(err, "name a FILE, or use a pipe");
	}
	import->input_fd = text_is(import->file, "-")
	                           ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
	                           : open(import->file, O_RDONLY | O_NOCTTY | O_CLOEXEC);
	if (import->input_fd < 0 || fstat(import->input_fd, &st) < 0)
		return fail(err, errno, "open it");
	if (S_ISDIR(st.st_mode))
		return fail_plain(err, EISDIR, "it is a directory");
	import->is_file = S_ISREG(st.st_mode) && lseek(import->input_fd, 0, SEEK_CUR) == 0;
	return import->is_file ? 0 : read_head(import, err);
}

static _Noreturn void be_relay(const struct import *import, const char *fifo, int output_fd,
                               pid_t parent)
{
	char buffer[65536];
	ssize_t n = 0;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
		_exit(1);
	/* comes back when the reader has come, too; ended by its parent if that does not happen */
	if (fifo)
		output_fd = open(fifo, O_WRONLY | O_CLOEXEC);
	if (import->head_fd >= 0)
		(void)lseek(import->head_fd, 0, SEEK_SET);
	while ((import->head_fd >= 0 &&
	        (n = read_some(import->head_fd, buffer, sizeof(buffer))) > 0) ||
	       (n = read_some(import->input_fd, buffer, sizeof(buffer))) > 0)
		if (file_write_all(output_fd, buffer, (size_t)n) < 0)
			_exit(1); /* nobody reads it any more */
	_exit(n < 0);
}

/* Gives all of the archive once, from its start: into a FIFO, or (NULL) a pipe whose end is returned. */
static int start_relay(struct import *import, const char *fifo, struct error *err)
{
	CLEAN_FD int mine = -1, its = -1;
	pid_t parent = getpid();
	int ends[2];

	if (!fifo) {
		if (pipe2(ends, O_CLOEXEC) < 0)
			return fail(err, errno, "make a pipe");
		mine = ends[0];
		its = ends[1];
	}
	import->relay = fork();
	if (import->relay == 0) {
		fd_close(&mine);
		be_relay(import, fifo, its, parent);
	}
	if (import->relay < 0)
		return fail(err, errno, "start a process");
	return fifo ? 0 : fd_take(&mine);
}

/* --- what it says of itself --- */

/* "MANIFEST\n\nCONFIG" of sysc-archive head. */
static int split_head(struct import *import, const struct text *head, struct error *err)
{
	const char *gap = head->data ? strstr(head->data, "\n\n") : NULL;
	size_t length = gap ? (size_t)(gap + 1 - head->data) : 0;

	if (!gap)
		return fail_plain(err, EIO, "sysc-archive gave no manifest");
	text_add_bytes(&import->config, gap + 2, head->length - length - 1);
	if (manifest_parse(&import->manifest, head->data, length, err) < 0)
		return -err->code;
	return container_check_name(import->manifest.name, err);
}

static int look(struct import *import, struct error *err)
{
	CLEAN(strings_done) struct strings words = {0};
	CLEAN(text_done) struct text head = {0};
	CLEAN_FD int output = memfd_create("manifest", MFD_CLOEXEC);
	int input = import->is_file ? import->input_fd : import->head_fd;
	const struct archiver_run run = {
		.call = import->call,
		.name = import->file,
		.words = &words,
		.input_fd = input,
		.output_fd = output,
		.manifest_fd = -1,
		.config_fd = -1,
		.signals_fd = -1,
	};
	int r;

	strings_split(&words, "head --quiet -", " ");
	if (output < 0 || lseek(input, 0, SEEK_SET) < 0)
		return fail(err, errno, "look at it");
	r = archiver_run(&run, err);
	if (lseek(input, 0, SEEK_SET) < 0 || lseek(output, 0, SEEK_SET) < 0)
		return fail(err, errno, "look at it");
	if (r != 0)
		return r < 0 ? r : 0;
	import->is_export = true;
	r = file_read_fd(output, "manifest", HEAD_TEXT, &head, err);
	return r < 0 ? r : split_head(import, &head, err);
}

/* --- filling the tree --- */

/* At most what there is room for: an archive must not fill the host's disk to the last byte. */
static uint64_t most_bytes(const char *rootfs)
{
	struct statvfs fs;

	return statvfs(rootfs, &fs) < 0 ? 1 << 30 : fs.f_bavail * fs.f_frsize / 100 * 97 + 4096;
}

static void note_identity(const char *text, void *user)
{
	const struct creation *creation = user;

	output_note(creation->call, "%s: %s", creation->name, text);
}

/* One that goes on beside the container it was, or by another name, must not take itself for that. */
static int rename_guest(struct creation *creation, const struct import *import, const char *rootfs,
                        struct error *err)
{
	struct identity identity = {
		.paths = &creation->call->paths,
		.old_name = import->manifest.name,
		.new_name = creation->name,
		.keep = import->taken.is_twin ? 0 : IDENTITY_ALL & ~IDENTITY_HOSTNAME,
		.note = note_identity,
		.user = creation,
	};
	CLEAN_FD int root = -1;

	if (!import->taken.is_twin && text_is(creation->name, import->manifest.name))
		return 0;
	(void)snprintf(identity.old_host, sizeof(identity.old_host), "%s", import->manifest.name);
	(void)snprintf(identity.new_host, sizeof(identity.new_host), "%s", creation->name);
	root = open(rootfs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return fail(err, errno, "open '%s'", rootfs);
	return identity_renew_tree(&identity, root, err);
}

static int fill_export(struct creation *creation, const char *map, struct error *err)
{
	struct import *import = creation->user;
	CLEAN(strings_done) struct strings words = {0};
	CLEAN_FREE char *rootfs = must_printf("%s/rootfs", creation->dir);
	CLEAN_FD int pipe_fd = -1;
	struct archiver_run run = {
		.call = import->call,
		.name = creation->name,
		.words = &words,
		.input_fd = import->input_fd,
		.output_fd = -1,
		.manifest_fd = -1,
		.config_fd = -1,
		.signals_fd = creation->signals_fd,
	};
	int r;

	if (!import->is_file) {
		run.input_fd = pipe_fd = start_relay(import, NULL, err);
		if (pipe_fd < 0)
			return pipe_fd;
	}
	strings_split(&words, "unpack --exported --max-entries=100000000 --into", " ");
	strings_add(&words, rootfs);
	if (map)
		strings_give(&words, must_printf("--map=%s", map));
	strings_give(&words,
	             must_printf("--max-bytes=%llu", (unsigned long long)most_bytes(rootfs)));
	strings_add(&words,
	            creation->target.config.privileged ? "--allow-devices" : "--skip-devices");
	strings_add(&words, "-");
	r = archiver_run(&run, err);
	if (r == 0)
		r = rename_guest(creation, import, rootfs, err);
	return r;
}

/* ID of os-release(5), "" when it does not tell. */
static void read_release(const char *rootfs, char *out, size_t room)
{
	CLEAN_FD int root = open(rootfs, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN_FD int fd = root < 0 ? -1
	                           : file_open_in_root(root, "etc/os-release",
	                                               O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	CLEAN(text_done) struct text text = {0};
	struct stat st;

	*out = '\0';
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    file_read_fd(fd, "os-release", RELEASE_MAX, &text, NULL) < 0)
		return;
	for (char *line = text.data, *next; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (!text_starts(line, "ID="))
			continue;
		line += 3;
		line += *line == '"';
		line[strcspn(line, "\"")] = '\0';
		if (strspn(line, "abcdefghijklmnopqrstuvwxyz0123456789-_") == strlen(line))
			(void)snprintf(out, room, "%s", line);
	}
}

/* The settings of the distribution that was found in the tree, or those of any other. */
static int include_snippet(const struct creation *creation, const char *rootfs, struct error *err)
{
	const char *folder = creation->call->paths.config;
	CLEAN_FREE char *file = must_printf("%s/config", creation->dir);
	char id[64];
	CLEAN_FREE char *snippet = NULL;

	read_release(rootfs, id, sizeof(id));
	snippet = must_printf("%s/%s.conf", folder, *id ? id : "local");
	if (!file_exists(AT_FDCWD, snippet)) {
		free(snippet);
		snippet = must_printf("%s/local.conf", folder);
	}
	return config_edit_set(file, "container", "include", snippet, false, err);
}

/* The template does for a plain tree all that it needs to be a guest. */
static int fill_plain(struct creation *creation, const char *map, struct error *err)
{
	struct import *import = creation->user;
	CLEAN_FREE char *fifo = must_printf("%s/input", creation->dir);
	CLEAN_FREE char *rootfs = must_printf("%s/rootfs", creation->dir);
	CLEAN_FREE char *path = import->is_file ? realpath(import->file, NULL) : NULL;
	char *words[] = {(char[]){"--skip-devices"}, (char[]){"--rootfs"}, path ? path : fifo,
	                 NULL};
	struct template_run run = {
		.paths = &creation->call->paths,
		.name = creation->name,
		.dir = creation->dir,
		.map = map,
		.config = &creation->config.merged,
		.words = words,
		.quiet = creation->call->quiet,
		.signals_fd = creation->signals_fd,
	};
	int r;

	if (!path) {
		if (mkfifo(fifo, 0600) < 0)
			return fail(err, errno, "make '%s'", fifo);
		r = start_relay(import, fifo, err);
		if (r < 0)
			return r;
	}
	r = template_run(&run, import->program, err);
	if (!path && unlink(fifo) < 0 && r == 0)
		r = fail(err, errno, "remove '%s'", fifo);
	return r < 0 ? r : include_snippet(creation, rootfs, err);
}

/* --- putting it together --- */

static void add_override(const char *key, const char *value)
{
	if (value)
		strings_give(&overrides, must_printf("%s=%s", key, value));
}

static int prepare_export(struct import *import, struct creation *creation, struct error *err)
{
	const struct paths *paths = &import->call->paths;
	struct import_config *taken = &import->taken;
	int r = 0;

	taken->paths = paths;
	taken->name = creation->name;
	taken->old_name = import->manifest.name;
	taken->snippet = "";
	taken->trust = opt_trust;
	taken->keep = opt_keep;
	if (!text_is(import->manifest.snippet, "") &&
	    strspn(import->manifest.snippet, "abcdefghijklmnopqrstuvwxyz0123456789-_") ==
	            strlen(import->manifest.snippet) &&
	    !text_is(import->manifest.snippet, "default")) {
		import->snippet =
			must_printf("%s/%s.conf", paths->config, import->manifest.snippet);
		if (file_exists(AT_FDCWD, import->snippet)) {
			creation->config.snippet = import->snippet;
			taken->snippet = import->manifest.snippet;
		}
	}
	if (!opt_config)
		r = import_config_take(taken, &import->config, err);
	if (r < 0)
		return r;
	text_add(&taken->text, "");
	creation->config.base = opt_config ? opt_config : "archive";
	creation->config.base_text = opt_config ? NULL : &taken->text;
	creation->config.uuid = taken->uuid;
	creation->fill = fill_export;
	return 0;
}

static int prepare_plain(struct import *import, struct creation *creation, struct error *err)
{
	import->program = template_find(&import->call->paths, "local", err);
	if (!import->program)
		return -err->code;
	creation->config.base = opt_config;
	creation->fill = fill_plain;
	return 0;
}

static int choose_name(struct import *import, struct creation *creation, struct error *err)
{
	if (!creation->name && !import->is_export) {
		(void)fail_plain(err, EINVAL, "it does not say what its name is");
		return fail_hint(err, "give the NAME before the file");
	}
	if (!creation->name)
		creation->name = import->manifest.name;
	return container_check_name(creation->name, err);
}

static int make(struct import *import, struct creation *creation, struct strings *errors,
                struct error *err)
{
	int r = open_input(import, err);

	if (r == 0)
		r = look(import, err);
	if (r == 0)
		r = choose_name(import, creation, err);
	if (r < 0)
		return fail_in(err, "'%s'", import->file);
	import->origin =
		must_printf("sysc-import %s", import->is_export ? import->manifest.name : "");
	(void)text_trim(import->origin);
	add_override("rootfs.backend", opt_backend);
	add_override("rootfs.size", opt_size);
	creation->config.origin = import->origin;
	creation->config.overrides = &overrides;
	creation->user = import;
	r = import->is_export ? prepare_export(import, creation, err)
	                      : prepare_plain(import, creation, err);
	if (r == 0)
		r = creation_prepare(creation, errors, err);
	if (r == 0)
		r = creation_make(creation, errors, err);
	return r;
}

static void note_changes(const struct import *import, const char *name)
{
	const struct import_config *taken = &import->taken;

	for (size_t i = 0; i < taken->notes.count; i++)
		output_note(import->call, "%s: %s", name, taken->notes.items[i]);
	for (size_t i = 0; i < taken->left.count; i++)
		output_note(import->call, "%s: left out (--trust takes it): %s", name,
		            taken->left.items[i]);
}

static int report(const struct import *import, const struct creation *creation)
{
	CLEAN(json_done) struct json json = {0};

	note_changes(import, creation->name);
	if (!creation->call->json) {
		output_line(creation->call, "%s: imported (%s)", creation->name,
		            creation->target.dir);
		return EXIT_DONE;
	}
	output_json_begin(&json);
	json_string(&json, "name", creation->name);
	json_string(&json, "path", creation->target.dir);
	json_array(&json, "left_out");
	for (size_t i = 0; i < import->taken.left.count; i++)
		json_string(&json, NULL, import->taken.left.items[i]);
	json_end_array(&json);
	json_end_object(&json);
	return output_json(creation->call, &json);
}

static int run(struct call *call)
{
	CLEAN(import_done)
	struct import import = {.call = call, .input_fd = -1, .head_fd = -1};
	CLEAN(creation_done) struct creation creation;
	CLEAN(strings_done) struct strings errors = {0};
	struct error err = {0};
	size_t count = call->names.count;

	creation_init(&creation, call, NULL);
	if (count < 1 || count > 2)
		return output_usage(call, count ? "at most a NAME and a FILE are understood"
		                                : "the FILE of an archive is needed, or -");
	import.file = call->names.items[count - 1];
	creation.name = count > 1 ? call->names.items[0] : NULL;
	if (creation.name && container_check_name(creation.name, &err) < 0)
		return output_usage(call, "%s", err.text);
	if (sweep_all(&call->paths, &err) < 0)
		output_note(call, "%s", err.text);
	error_clear(&err);
	if (make(&import, &creation, &errors, &err) == 0)
		return report(&import, &creation);
	if (!errors.count && creation.name)
		(void)fail_in(&err, "%s", creation.name);
	return err.code == EINTR ? (output_errors(call, NULL, &errors, &err), 128 + SIGINT)
	                         : output_errors(call, NULL, &errors, &err);
}

/* clang-format off */
static const struct option_row options[] = {
	{'B', "backend",  OPTION_STRING, &opt_backend, "BACKEND",           "how the root file system is kept, as of sysc-create (dir)"},
	{0,   "size",     OPTION_STRING, &opt_size,    "SIZE",              "most that it may take"},
	{'f', "config",   OPTION_STRING, &opt_config,  "FILE",              "this configuration instead of the archive's"},
	{'s', "set",      OPTION_LIST,   &overrides,   "SECTION.KEY=VALUE", "a line of the configuration"},
	{0,   "keep",     OPTION_FLAG,   &opt_keep,    NULL,                "UUID and MAC addresses must stay as they are"},
	{0,   "trust",    OPTION_FLAG,   &opt_trust,   NULL,                "take all of its configuration: mounts, devices, hooks"},
	{0}
};
/* clang-format on */

const struct command cmd_import = {
	.name = "import",
	.operands = "[NAME] FILE|-",
	.summary = "Make a container from an archive",
	.details = "FILE is of sysc-export, or a root file system in a tar file.\n",
	.options = options,
	.needs = NEEDS_NONE,
	.flags = COMMAND_JSON | COMMAND_ROOT,
	.run = run,
};
