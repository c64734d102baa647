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
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

#define STORE_WAIT_MS 60000

static const char *template = "busybox";
static const char *backend, *size, *file_system, *base_file;
static struct strings overrides;

/* One create; what it holds is let go by creation_done(). */
struct creation {
	const struct call *call;
	const char *name;
	char *program; /* of the template; NULL: -t none */
	char *dir;     /* STORE/.NAME.creating */
	int folder_fd; /* holds its lock; -1: not made yet */
	int signals_fd;
	char map[64];           /* "" when no ids are needed */
	bool can_map;           /* its file system takes id-mapped mounts */
	struct storage storage; /* with its paths in dir; no backend: -t none */
	bool is_made;           /* storage_make() did its work */
	int tree_fd;            /* of a file system of its own, mounted on dir/rootfs; -1: none */
	struct container target;
	struct create_config config;
};

static void creation_done(struct creation *creation)
{
	free(creation->program);
	free(creation->dir);
	fd_close(&creation->folder_fd);
	fd_close(&creation->signals_fd);
	fd_close(&creation->tree_fd);
	storage_done(&creation->storage);
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

/* An option that is short for -s KEY=VALUE. */
static void add_override(const char *key, const char *prefix, const char *value)
{
	if (value)
		strings_give(&overrides, must_printf("%s=%s%s", key, prefix, value));
}

/* How the root file system is kept; whether that can be here is said before anything is made. */
static int choose_storage(struct creation *creation, struct error *err)
{
	const struct config *config = &creation->config.merged;
	const struct storage_request request = {
		.paths = &creation->call->paths,
		.name = creation->name,
		.backend = config->rootfs_backend,
		.options = config->rootfs_options,
		.size_bytes = config->rootfs_size == LIMIT_UNSET ? 0 : config->rootfs_size,
	};
	CLEAN_FREE char *store = must_dup(request.paths->store);
	int r = file_make_dirs(store, 0711, err);

	return r < 0 ? r : storage_choose(&request, &creation->storage, err);
}

/* The words and files that the user gave, before anything is made. */
static int prepare(struct creation *creation, struct strings *errors, struct error *err)
{
	const struct call *call = creation->call;
	int r = container_init(&creation->target, &call->paths, creation->name, err);

	if (r < 0)
		return r;
	if (!text_is(template, "none")) {
		creation->program = template_find(&call->paths, template, err);
		if (!creation->program)
			return -EINVAL;
	} else if (backend || size || file_system) {
		return fail_plain(
			err, EINVAL,
			"-t none makes no tree that --backend, --size and --fstype speak of");
	}
	add_override("rootfs.backend", "", backend);
	add_override("rootfs.size", "", size);
	add_override("rootfs.options", "fstype=", file_system);
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
	if (r == 0)
		r = check_free(creation, err);
	return r == 0 && creation->program ? choose_storage(creation, err) : r;
}

/* Under the store lock: the folder, the ids, and the file that tells others which ids are taken. */
static int reserve(struct creation *creation, struct error *err)
{
	const struct paths *paths = &creation->call->paths;
	CLEAN_FD int lock = lock_store(paths, STORE_WAIT_MS, err);
	CLEAN_FREE char *rootfs = creation->program
	                                  ? storage_text(&creation->storage)
	                                  : must_printf("dir:%s/rootfs", creation->target.dir);
	const char *map = NULL;
	int r = lock < 0 ? lock : check_free(creation, err);

	if (r < 0)
		return r;
	creation->folder_fd = sweep_make(paths, creation->name, err);
	if (creation->folder_fd < 0)
		return creation->folder_fd;
	if (create_config_needs_ids(&creation->config)) {
		r = idmap_choose(paths, creation->map, err);
		map = creation->map;
	}
	if (r < 0)
		return r;
	return create_config_write(&creation->config, creation->dir, rootfs, map, err);
}

/*
 * A file system of its own is mounted where the template expects the tree, in a mount namespace that
 * ends with this process, however that ends.
 */
static int mount_tree(struct creation *creation, const char *rootfs, struct error *err)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return fail(err, errno, "make a mount namespace");
	creation->tree_fd = storage_visit(&creation->storage, STORAGE_WRITE | STORAGE_RUN, err);
	if (creation->tree_fd < 0)
		return creation->tree_fd;
	if (mkdirat(creation->folder_fd, "rootfs", 0755) < 0)
		return fail(err, errno, "make directory '%s'", rootfs);
	if (sys_move_mount(creation->tree_fd, "", AT_FDCWD, rootfs, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return fail(err, errno, "mount the new file system on '%s'", rootfs);
	/* a template wants an empty folder; e2fsck(8) makes it again when it needs it */
	(void)unlinkat(creation->tree_fd, "lost+found", AT_REMOVEDIR);
	return 0;
}

/* Written to disk and gone from here; its place too. */
static int unmount_tree(struct creation *creation, struct error *err)
{
	CLEAN_FREE char *rootfs = must_printf("%s/rootfs", creation->dir);
	CLEAN_FD int tree = -1;

	if (creation->tree_fd < 0)
		return 0;
	tree = openat(creation->tree_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (tree < 0 || syncfs(tree) < 0)
		return fail(err, errno, "write the new file system to disk");
	fd_close(&tree);
	fd_close(&creation->tree_fd);
	if (umount2(rootfs, MNT_DETACH) < 0 ||
	    unlinkat(creation->folder_fd, "rootfs", AT_REMOVEDIR) < 0)
		return fail(err, errno, "unmount '%s'", rootfs);
	return 0;
}

/* "shifted" beside what the options say already. */
static int note_shift(struct creation *creation, struct error *err)
{
	CLEAN_FREE char *file = must_printf("%s/config", creation->dir);
	const char *old = creation->target.config.rootfs_options;
	CLEAN_FREE char *options = must_printf("%s%sshifted", old ? old : "", old ? "," : "");

	return config_edit_set(file, "rootfs", "options", options, true, err);
}

/* The empty root file system. Its configuration is written already: a sweep finds it by that. */
static int make_tree(struct creation *creation, struct error *err)
{
	CLEAN_FREE char *rootfs = must_printf("%s/rootfs", creation->dir);
	const struct config *config = &creation->target.config;
	int r;

	storage_done(&creation->storage);
	r = storage_of(&creation->storage, config, err);
	if (r < 0)
		return r;
	storage_move(&creation->storage, creation->target.dir, creation->dir);
	r = storage_make(&creation->storage, err);
	creation->is_made = r == 0;
	if (r == 0 && faccessat(creation->folder_fd, "rootfs", F_OK, 0) < 0)
		r = mount_tree(creation, rootfs, err);
	if (r == 0)
		r = storage_can_map(rootfs, &creation->can_map, err);
	if (r == 0 && !creation->can_map && !config->privileged)
		r = note_shift(creation, err);
	return r;
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
	return template_run(&run, creation->program, err);
}

/* Loads what is to be the configuration, as a start would. */
static int check_result(struct creation *creation, struct strings *errors, struct error *err)
{
	CLEAN_FREE char *file = must_printf("%s/config", creation->dir);
	struct config *config = &creation->target.config;
	int r;

	config_done(config);
	config_init(config);
	r = config_load(config, file, errors, err);
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

	if (r == 0)
		r = check_result(creation, errors, err);
	if (r == 0 && creation->program) {
		r = make_tree(creation, err);
		if (r == 0)
			r = fill(creation, err);
		/* a template may have added lines */
		if (r == 0)
			r = check_result(creation, errors, err);
		if (r == 0)
			r = shift(creation, err);
		if (r == 0)
			r = storage_finish(&creation->storage, err);
		if (r == 0)
			r = unmount_tree(creation, err);
	}
	return r < 0 ? r : publish(creation, err);
}

static void undo(const struct creation *creation)
{
	CLEAN_FREE char *hidden = must_printf(".%s.creating", creation->name);
	CLEAN_FREE char *rootfs = must_printf("%s/rootfs", creation->dir);
	CLEAN_FD int store_fd =
		open(creation->call->paths.store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct error err = {0};

	if (creation->folder_fd < 0 || store_fd < 0)
		return;
	if (creation->tree_fd >= 0)
		(void)umount2(rootfs, MNT_DETACH); /* a failure is seen below */
	if (creation->is_made && !storage_is_inside(&creation->storage, creation->dir) &&
	    storage_remove(&creation->storage, &err) < 0)
		output_note(creation->call, "%s", err.text);
	if (remove_tree(store_fd, hidden, &err) < 0)
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
		.tree_fd = -1,
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
	{'B', "backend",  OPTION_STRING, &backend,   "BACKEND",           "how the root file system is kept: dir, overlay, btrfs, loop, lvm, zfs or best (dir)"},
	{0,   "size",     OPTION_STRING, &size,      "SIZE",              "most that it may take"},
	{0,   "fstype",   OPTION_STRING, &file_system, "TYPE",            "ext4, xfs or btrfs, where it is an image or a volume (ext4)"},
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
