/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The steps of a rename; see the header. */
#include "storage/relocate.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "container/container.h"
#include "container/lock.h"
#include "storage/identity.h"
#include "storage/storage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STORE_WAIT_MS 60000
#define CONFIG_MOST   (1U << 20)
#define PLAN          ".renaming"
#define STAGED        "config.renamed"
#define MARK          ".renaming.prepared" /* there may be such files */

static int sync_folder(const char *path, struct error *err)
{
	CLEAN_FD int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? fail(err, errno, "write '%s' to disk", path) : 0;
}

/* --- before the plan --- */

/* Of "web1" and "web1/snapshots/daily" the container. */
static char *container_of(const char *user)
{
	return must_printf("%.*s", (int)strcspn(user, "/"), user);
}

static void list_users(const struct container *container, struct strings *out)
{
	CLEAN_FREE char *folder = must_printf("%s/", container->dir);

	storage_users(container->paths, folder, out);
}

void relocate_users(const struct container *container, struct strings *out)
{
	CLEAN(strings_done) struct strings users = {0};

	list_users(container, &users);
	for (size_t i = 0; i < users.count; i++) {
		CLEAN_FREE char *name = container_of(users.items[i]);

		if (name[0] != '.' && !text_is(name, container->name) && !strings_has(out, name))
			strings_add(out, name);
	}
}

static int check_free(const struct container *target, struct error *err)
{
	CLEAN_FREE char *creating =
		must_printf("%s/.%s.creating", target->paths->store, target->name);
	struct stat st;

	if (container_exists(target))
		return fail_plain(err, EBUSY, "a container named '%s' exists already",
		                  target->name);
	if (lstat(target->dir, &st) == 0)
		return fail_plain(err, EBUSY, "'%s' is in the way", target->dir);
	if (lstat(creating, &st) == 0)
		return fail_plain(err, EBUSY, "another command is making '%s'", target->name);
	return 0;
}

/* The host name of the container itself goes with its name. */
static int stage_hostname(const struct container *container, const char *name, const char *staged,
                          struct error *err)
{
	const char *old = container->config.hostname;
	CLEAN(text_done) struct text host = {0};

	if (!old || !identity_replace_host(old, container->name, name, &host))
		return 0;
	return config_edit_set(staged, "container", "hostname", host.data, true, err);
}

/* Writes DIR/config.renamed; nothing where the file names no path of the container. */
static int stage(const struct container *container, const struct container *target, const char *dir,
                 struct strings *staged, struct error *err)
{
	CLEAN_FREE char *file = must_printf("%s/config", dir);
	CLEAN_FREE char *beside = must_printf("%s/" STAGED, dir);
	bool is_own = text_is(dir, container->dir);
	CLEAN(text_done) struct text text = {0}, changed = {0};
	struct stat st;
	int r = file_read(AT_FDCWD, file, CONFIG_MOST, &text, err);

	if (r == 0 && stat(file, &st) < 0)
		r = fail(err, errno, "look at '%s'", file);
	if (r < 0)
		return r;
	if (!identity_replace_folder(text.data ? text.data : "", container->dir, target->dir,
	                             &changed) &&
	    !is_own)
		return 0;
	strings_add(staged, beside);
	r = file_replace(AT_FDCWD, beside, changed.data ? changed.data : "", changed.length,
	                 st.st_mode & 07777, err);
	if (r == 0 && chown(beside, st.st_uid, st.st_gid) < 0)
		r = fail(err, errno, "change the owner of '%s'", beside);
	return r < 0 || !is_own ? r : stage_hostname(container, target->name, beside, err);
}

static int stage_all(const struct container *container, const struct container *target,
                     const struct strings *locked, struct strings *staged, struct error *err)
{
	CLEAN(strings_done) struct strings users = {0};
	int r = stage(container, target, container->dir, staged, err);

	list_users(container, &users);
	for (size_t i = 0; i < users.count && r == 0; i++) {
		const char *store = container->paths->store;
		CLEAN_FREE char *name = container_of(users.items[i]);
		CLEAN_FREE char *dir = must_printf("%s/%s", store, users.items[i]);

		if (text_is(users.items[i], container->name))
			continue;
		if (name[0] == '.')
			return fail_plain(err, EBUSY, "another command is making a copy of it");
		if (!strings_has(locked, name))
			return fail_plain(err, EAGAIN, "'%s' came to stand on it meanwhile", name);
		r = stage(container, target, dir, staged, err);
	}
	return r;
}

/* --- by the plan --- */

static int exchange(const char *dir, struct error *err)
{
	CLEAN_FREE char *file = must_printf("%s/config", dir);
	CLEAN_FREE char *beside = must_printf("%s/" STAGED, dir);

	if (rename(beside, file) == 0)
		return sync_folder(dir, err);
	/* it has none, or was there before the kill */
	return errno == ENOENT || errno == ENOTDIR
	               ? 0
	               : fail(err, errno, "rename '%s' to '%s'", beside, file);
}

static int each_below(const char *dir, int (*each)(const char *dir, struct error *err),
                      struct error *err)
{
	CLEAN_DIR DIR *all = opendir(dir);
	const struct dirent *entry;
	int r = 0;

	while (all && r == 0 && (entry = readdir(all))) {
		CLEAN_FREE char *path = must_printf("%s/%s", dir, entry->d_name);

		if (entry->d_name[0] != '.')
			r = each(path, err);
	}
	return r;
}

static int exchange_container(const char *dir, struct error *err)
{
	CLEAN_FREE char *snapshots = must_printf("%s/snapshots", dir);
	int r = exchange(dir, err);

	return r < 0 ? r : each_below(snapshots, exchange, err);
}

/* What a command that was killed before its plan left must not come into force by another plan. */
static int drop(const char *dir, struct error *err)
{
	CLEAN_FREE char *beside = must_printf("%s/" STAGED, dir);

	if (unlink(beside) < 0 && errno != ENOENT && errno != ENOTDIR)
		return fail(err, errno, "remove '%s'", beside);
	return 0;
}

static int drop_container(const char *dir, struct error *err)
{
	CLEAN_FREE char *snapshots = must_printf("%s/snapshots", dir);
	int r = drop(dir, err);

	return r < 0 ? r : each_below(snapshots, drop, err);
}

static int drop_all(const struct paths *paths, struct error *err)
{
	CLEAN_FREE char *mark = must_printf("%s/" MARK, paths->store);
	int r;

	if (!file_exists(AT_FDCWD, mark))
		return 0;
	r = each_below(paths->store, drop_container, err);
	if (r == 0 && unlink(mark) < 0)
		r = fail(err, errno, "remove '%s'", mark);
	return r;
}

/* Logs are worth a try: without them the container is whole too. */
static void move_log(const char *from, const char *to)
{
	CLEAN_FREE char *from_rotated = must_printf("%s.1", from);
	CLEAN_FREE char *to_rotated = must_printf("%s.1", to);

	(void)rename(from, to);
	(void)rename(from_rotated, to_rotated);
}

static void move_traces(const struct container *from, const struct container *to)
{
	CLEAN_FD int run = open(from->paths->run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	move_log(from->log, to->log);
	move_log(from->console, to->console);
	if (run < 0 || !file_exists(run, from->name))
		return;
	/* nothing of a container that is not there; state and lock of this one go along */
	(void)file_remove_tree(run, to->name, NULL);
	if (renameat(run, from->name, run, to->name) < 0)
		(void)file_remove_tree(run, from->name,
		                       NULL); /* rather than that it stays behind */
}

/* What it calls itself: files of its tree, which is as whole without. */
static int rename_inside(const struct container *from, const struct container *to,
                         struct error *err)
{
	CLEAN(container_done) struct container new = {0};
	CLEAN(storage_done) struct storage storage = {.backend = NULL};
	struct identity identity = {
		.paths = to->paths,
		.old_name = from->name,
		.new_name = to->name,
		.keep = IDENTITY_ALL,
	};
	CLEAN_FD int tree = -1, top = -1;
	int r = container_open(&new, to->paths, to->name, NULL, err);

	if (r < 0 || !new.config.rootfs_path || !new.config.rootfs_managed)
		return r; /* a tree that is not ours */
	(void)snprintf(identity.old_host, sizeof(identity.old_host), "%s", from->name);
	(void)snprintf(identity.new_host, sizeof(identity.new_host), "%s", to->name);
	r = storage_of(&storage, &new.config, err);
	if (r == 0)
		r = tree = storage_visit(&storage, STORAGE_WRITE, err);
	if (r >= 0)
		r = identity_renew_tree(&identity, tree, err);
	if (r < 0)
		return r;
	top = openat(tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return top < 0 || syncfs(top) < 0 ? fail(err, errno, "write it to disk") : 0;
}

/* Each step may have been done before. inside: why the name inside is still the old one. */
static int follow(const struct container *from, const struct container *to, struct error *inside,
                  struct error *err)
{
	const char *store = from->paths->store;
	CLEAN_FREE char *plan = must_printf("%s/" PLAN, store);
	CLEAN_FREE char *mark = must_printf("%s/" MARK, store);
	int r;

	if (renameat2(AT_FDCWD, from->dir, AT_FDCWD, to->dir, RENAME_NOREPLACE) < 0 &&
	    errno != ENOENT)
		return fail(err, errno, "rename '%s' to '%s'", from->dir, to->dir);
	r = sync_folder(store, err);
	if (r == 0)
		r = each_below(store, exchange_container, err);
	if (r < 0)
		return r;
	move_traces(from, to);
	(void)rename_inside(from, to, inside); /* it has its name all the same */
	if ((unlink(mark) < 0 && errno != ENOENT) || unlink(plan) < 0)
		return fail(err, errno, "remove '%s'", plan);
	return sync_folder(store, err);
}

static int read_plan(const struct paths *paths, struct strings *out, struct error *err)
{
	CLEAN_FREE char *plan = must_printf("%s/" PLAN, paths->store);
	CLEAN(text_done) struct text text = {0};
	int r = file_read(AT_FDCWD, plan, 4096, &text, NULL);

	if (r == -ENOENT)
		return 0; /* done by now */
	if (r == 0)
		strings_split(out, text.data ? text.data : "", " \n");
	if (r < 0 || out->count != 2)
		return fail_plain(err, r < 0 ? -r : EINVAL, "read '%s'", plan);
	return 1;
}

static int finish(const struct paths *paths, struct error *err)
{
	CLEAN(strings_done) struct strings names = {0};
	CLEAN(container_done) struct container from = {0}, to = {0};
	int r = read_plan(paths, &names, err);

	if (r <= 0)
		return r;
	r = container_init(&from, paths, names.items[0], err);
	if (r == 0)
		r = container_init(&to, paths, names.items[1], err);
	return r < 0 ? r : follow(&from, &to, NULL, err);
}

bool relocate_is_pending(const struct paths *paths)
{
	CLEAN_FREE char *plan = must_printf("%s/" PLAN, paths->store);

	return file_exists(AT_FDCWD, plan);
}

int relocate_finish(const struct paths *paths, struct error *err)
{
	CLEAN_FD int lock = lock_store(paths, STORE_WAIT_MS, err);
	int r = lock < 0 ? lock : finish(paths, err);

	return r < 0 ? fail_in(err, "end the rename that a killed command began") : r;
}

int relocate_sweep(const struct paths *paths, struct error *err)
{
	CLEAN_FREE char *mark = must_printf("%s/" MARK, paths->store);
	CLEAN_FD int lock = -1;
	int r;

	if (!file_exists(AT_FDCWD, mark))
		return 0;
	r = lock = lock_store(paths, STORE_WAIT_MS, err); /* one at work ends first */
	if (r >= 0)
		r = finish(paths, err);
	return r < 0 ? r : drop_all(paths, err);
}

int relocate(const struct container *container, const char *name, const struct strings *locked,
             struct error *inside, struct error *err)
{
	const struct paths *paths = container->paths;
	CLEAN(container_done) struct container target = {0};
	CLEAN(strings_done) struct strings staged = {0};
	CLEAN_FREE char *plan = must_printf("%s/" PLAN, paths->store);
	CLEAN_FREE char *mark = must_printf("%s/" MARK, paths->store);
	CLEAN_FREE char *text = must_printf("%s %s\n", container->name, name);
	CLEAN_FD int lock = -1;
	int r = container_init(&target, paths, name, err);

	if (r == 0)
		r = lock = lock_store(paths, STORE_WAIT_MS, err);
	if (r >= 0)
		r = finish(paths, err);
	if (r == 0)
		r = check_free(&target, err);
	if (r == 0)
		r = drop_all(paths, err);
	if (r == 0)
		r = file_replace_volatile(AT_FDCWD, mark, "", 0, 0600, err);
	if (r < 0)
		return r;
	r = stage_all(container, &target, locked, &staged, err);
	if (r == 0)
		r = file_replace(AT_FDCWD, plan, text, strlen(text), 0600, err);
	if (r == 0)
		return follow(container, &target, inside, err);
	for (size_t i = 0; i < staged.count; i++)
		(void)unlink(staged.items[i]); /* the failure is the one to tell */
	(void)unlink(mark);
	return r;
}
