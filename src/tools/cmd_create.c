/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sysc create: a container by a template, all or nothing. It is made in the hidden folder
 * STORE/.NAME.creating, which is locked, and gets its name by one rename at the end; storage/sweep.h
 * sees to what a killed create leaves.
 */
#include "base/cleanup.h"
#include "base/compat.h"
#include "base/file.h"
#include "base/table.h"
#include "container/container.h"
#include "container/idmap.h"
#include "container/lock.h"
#include "storage/remove.h"
#include "storage/storage.h"
#include "storage/sweep.h"
#include "tools/command.h"
#include "tools/create_config.h"
#include "tools/create_template.h"
#include "tools/output.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

#define STORE_WAIT_MS 60000

static const char *template = "busybox";
static const char *backend, *base_file;
static struct strings overrides;

/* One create; what it holds is let go by creation_done(). */
struct creation {
	const struct call *call;
	const char *name;
	char *program; /* of the template; NULL: -t none */
	char *dir;     /* STORE/.NAME.creating */
	int folder_fd; /* holds its lock; -1: not made yet */
	int signals_fd;
	char map[64]; /* "" when no ids are needed */
	bool can_map; /* the store's file system takes id-mapped mounts */
	struct container target;
	struct create_config config;
};

static void creation_done(struct creation *creation)
{
	free(creation->program);
	free(creation->dir);
	fd_close(&creation->folder_fd);
	fd_close(&creation->signals_fd);
	container_done(&creation->target);
	create_config_done(&creation->config);
}

static int catch_signals(void)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		(void)sigaddset(&set, numbers[i]);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int check_signals(const struct creation *creation, struct error *err)
{
	struct signalfd_siginfo info;

	if (read(creation->signals_fd, &info, sizeof(info)) == sizeof(info))
		return fail_plain(err, EINTR, "interrupted");
	return 0;
}

static int check_free(const struct creation *creation, struct error *err)
{
	struct stat st;

	if (container_exists(&creation->target))
		return fail_plain(err, EBUSY, "a container of this name exists already");
	if (lstat(creation->target.dir, &st) == 0) {
		(void)fail_plain(err, EBUSY, "'%s' is in the way", creation->target.dir);
		return fail_hint(err, "it has no config file; remove it");
	}
	return 0;
}

/* The words and files that the user gave, before anything is made. */
static int prepare(struct creation *creation, struct strings *errors, struct error *err)
{
	const struct call *call = creation->call;
	int r = container_init(&creation->target, &call->paths, creation->name, err);

	if (r < 0)
		return r;
	if (backend && !text_is(backend, "dir"))
		return fail_plain(err, EINVAL, "backend '%s' is not supported yet (dir is)",
		                  backend);
	if (!text_is(template, "none")) {
		creation->program = template_find(&call->paths, template, err);
		if (!creation->program)
			return -EINVAL;
	}
	creation->dir = must_printf("%s/.%s.creating", call->paths.store, creation->name);
	creation->config = (struct create_config){
		.paths = &call->paths,
		.name = creation->name,
		.template = template,
		.base = base_file,
		.overrides = &overrides,
		.has_tree = creation->program != NULL,
	};
	r = create_config_read(&creation->config, errors, err);
	return r < 0 ? r : check_free(creation, err);
}

/* Under the store lock: the folder, the ids, and the file that tells others which ids are taken. */
static int reserve(struct creation *creation, struct error *err)
{
	const struct paths *paths = &creation->call->paths;
	CLEAN_FD int lock = lock_store(paths, STORE_WAIT_MS, err);
	const char *map = NULL;
	int r = lock < 0 ? lock : check_free(creation, err);

	if (r < 0)
		return r;
	creation->folder_fd = sweep_make(paths, creation->name, err);
	if (creation->folder_fd < 0)
		return creation->folder_fd;
	r = storage_can_map(creation->dir, &creation->can_map, err);
	if (r == 0 && create_config_needs_ids(&creation->config)) {
		r = idmap_choose(paths, creation->map, err);
		map = creation->map;
	}
	if (r < 0)
		return r;
	return create_config_write(&creation->config, creation->dir, map,
	                           creation->program && !creation->config.merged.privileged &&
	                                   !creation->can_map,
	                           err);
}

static int fill(struct creation *creation, struct error *err)
{
	struct template_run run = {
		.paths = &creation->call->paths,
		.name = creation->name,
		.dir = creation->dir,
		.map = creation->map[0] && creation->can_map ? creation->map : NULL,
		.config = &creation->config.merged,
		.words = creation->call->rest,
		.quiet = creation->call->quiet,
		.signals_fd = creation->signals_fd,
	};
	CLEAN_FREE char *cache = must_dup(creation->call->paths.cache);

	if (file_make_dirs(cache, 0700, err) < 0)
		return -err->code;
	if (mkdirat(creation->folder_fd, "rootfs", 0755) < 0)
		return fail(err, errno, "make directory '%s/rootfs'", creation->dir);
	return template_run(&run, creation->program, err);
}

/* Loads what is to be the configuration, as a start would. */
static int check_result(struct creation *creation, struct strings *errors, struct error *err)
{
	CLEAN_FREE char *file = must_printf("%s/config", creation->dir);
	struct config *config = &creation->target.config;
	int r = config_load(config, file, errors, err);

	return r < 0 ? r : config_check(config, errors, err);
}

/* For file systems that cannot be id-mapped: owners are changed once. */
static int shift(struct creation *creation, struct error *err)
{
	CLEAN_FREE char *rootfs = must_printf("%s/rootfs", creation->dir);
	const struct config *config = &creation->target.config;
	struct idmap map = {0};
	int r;

	if (creation->can_map || config->privileged || !creation->program)
		return 0;
	r = idmap_parse(&map, &config->idmap, err);
	return r < 0 ? r : storage_shift(rootfs, &map, err);
}

/* On disk first, then under its name. */
static int publish(struct creation *creation, struct error *err)
{
	const char *store = creation->call->paths.store;
	CLEAN_FD int store_fd = open(store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (store_fd < 0)
		return fail(err, errno, "open '%s'", store);
	if (syncfs(creation->folder_fd) < 0)
		return fail(err, errno, "write '%s' to disk", creation->dir);
	if (check_signals(creation, err) < 0)
		return -err->code;
	if (renameat2(AT_FDCWD, creation->dir, AT_FDCWD, creation->target.dir, RENAME_NOREPLACE) <
	    0)
		return fail(err, errno, "rename '%s' to '%s'", creation->dir, creation->target.dir);
	return fsync(store_fd) < 0 ? fail(err, errno, "write '%s' to disk", store) : 0;
}

static int make(struct creation *creation, struct strings *errors, struct error *err)
{
	int r = reserve(creation, err);

	if (r == 0 && creation->program)
		r = fill(creation, err);
	if (r == 0)
		r = check_result(creation, errors, err);
	if (r == 0)
		r = shift(creation, err);
	return r < 0 ? r : publish(creation, err);
}

static void undo(const struct creation *creation)
{
	CLEAN_FREE char *hidden = must_printf(".%s.creating", creation->name);
	CLEAN_FD int store_fd =
		open(creation->call->paths.store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct error err = {0};

	if (creation->folder_fd >= 0 && store_fd >= 0 && remove_tree(store_fd, hidden, &err) < 0)
		output_note(creation->call, "%s", err.text);
}

static int report(const struct creation *creation)
{
	CLEAN(json_done) struct json json = {0};

	if (!creation->call->json) {
		output_line(creation->call, "%s: created (%s)", creation->name,
		            creation->target.dir);
		return EXIT_DONE;
	}
	output_json_begin(&json);
	json_string(&json, "name", creation->name);
	json_string(&json, "path", creation->target.dir);
	json_end_object(&json);
	return output_json(creation->call, &json);
}

static int show_help(const struct call *call)
{
	struct error err = {0};
	CLEAN_FREE char *program = template_find(&call->paths, template, &err);

	if (program)
		(void)template_help(program, &err);
	return output_error(call, NULL, &err);
}

static bool asks_for_help(const struct call *call)
{
	const char *first = call->names.count ? call->names.items[0] : "";

	for (char **word = call->rest; word && *word; word++)
		if (text_is(*word, "--help") || text_is(*word, "-h"))
			return true;
	return text_is(first, "--help") || text_is(first, "-h");
}

static int run(struct call *call)
{
	CLEAN(creation_done)
	struct creation creation = {
		.call = call,
		.folder_fd = -1,
		.signals_fd = -1,
	};
	CLEAN(strings_done) struct strings errors = {0};
	struct error err = {0};
	int r;

	if (asks_for_help(call))
		return show_help(call);
	if (!call->names.count)
		return output_usage(call, "the NAME of the new container is needed");
	creation.name = call->names.items[0];
	if (container_check_name(creation.name, &err) < 0)
		return output_usage(call, "%s", err.text);
	if (sweep_all(&call->paths, &err) < 0)
		output_note(call, "%s", err.text);
	r = prepare(&creation, &errors, &err);
	if (r == 0) {
		creation.signals_fd = catch_signals();
		r = make(&creation, &errors, &err);
		if (r < 0)
			undo(&creation);
	}
	if (r == 0)
		return report(&creation);
	if (!errors.count)
		(void)fail_in(&err, "%s", creation.name);
	return err.code == EINTR ? (output_errors(call, NULL, &errors, &err), 128 + SIGINT)
	                         : output_errors(call, NULL, &errors, &err);
}

/* clang-format off */
static const struct option_row options[] = {
	{'t', "template", OPTION_STRING, &template,  "TEMPLATE",          "busybox, alpine, debian, local, a PATH or none (busybox)"},
	{'B', "backend",  OPTION_STRING, &backend,   "BACKEND",           "how the root file system is kept (dir)"},
	{'f', "config",   OPTION_STRING, &base_file, "FILE",              "what the configuration starts from"},
	{'s', "set",      OPTION_LIST,   &overrides, "SECTION.KEY=VALUE", "a line of the configuration"},
	{0}
};
/* clang-format on */

const struct command cmd_create = {
	.name = "create",
	.operands = "NAME [-- TEMPLATE-OPTION…]",
	.summary = "Make a container from a template",
	.details = "The options of a template: sysc create -t TEMPLATE -- --help\n",
	.options = options,
	.needs = NEEDS_NEW,
	.flags = COMMAND_REST | COMMAND_JSON | COMMAND_ROOT,
	.run = run,
};
