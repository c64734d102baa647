/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Root file systems without knowing how they are kept: the backend is chosen here, what all of them
 * share (attributes of the mount, the id map, the parts of rootfs.path) is done here.
 */
#include "storage/storage.h"

#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "container/container.h"
#include "container/idmap.h"
#include "storage/backend.h"

#include <errno.h>
#include <string.h>
#include <sys/mount.h>

static const struct storage_backend *const backends[] = {
	&storage_dir, &storage_overlay, &storage_btrfs, &storage_loop, &storage_lvm, &storage_zfs,
};

static const struct storage_backend *find_backend(const char *name, size_t length)
{
	for (size_t i = 0; i < ARRAY_SIZE(backends); i++)
		if (strlen(backends[i]->name) == length &&
		    strncmp(name, backends[i]->name, length) == 0)
			return backends[i];
	return NULL;
}

/* --- what rootfs.* says --- */

int storage_parse(struct storage *storage, const char *path, const char *options, struct error *err)
{
	const char *colon = strchr(path, ':'), *whole = path;
	CLEAN(storage_done) struct storage read = {.backend = &storage_dir};

	if (path[0] != '/') {
		read.backend = colon ? find_backend(path, (size_t)(colon - path)) : NULL;
		path = colon ? colon + 1 : path;
	}
	if (!read.backend) {
		(void)fail_plain(err, EINVAL, "'%s' names no storage backend", whole);
		return fail_hint(err, "write dir:/PATH");
	}
	if (read.backend == &storage_overlay)
		strings_split(&read.parts, path, ":");
	else
		strings_add(&read.parts, path);
	if (read.parts.count < (read.backend == &storage_overlay ? 2 : 1))
		return fail_plain(err, EINVAL, "an overlay has a lower folder and one of its own");
	if (options)
		strings_split(&read.options, options, ", \t");
	*storage = read;
	read = (struct storage){.backend = NULL};
	return 0;
}

/* "rootfs.path (FILE:LINE)" in front of the error. */
static int blame_path(const struct config *config, struct error *err)
{
	char where[256];

	return fail_in(err, "rootfs.path%s",
	               config_where(config, "rootfs", "path", 0, where, sizeof(where)));
}

int storage_of(struct storage *storage, const struct config *config, struct error *err)
{
	int r;

	if (!config->rootfs_path || !*config->rootfs_path)
		return fail_plain(err, EINVAL, "rootfs.path is not set");
	r = storage_parse(storage, config->rootfs_path, config->rootfs_options, err);
	if (r < 0)
		return blame_path(config, err);
	if (config->rootfs_size != LIMIT_UNSET)
		storage->size_bytes = config->rootfs_size;
	if (config->uuid)
		storage->owner = must_dup(config->uuid);
	return 0;
}

void storage_done(struct storage *storage)
{
	strings_done(&storage->parts);
	strings_done(&storage->options);
	free(storage->owner);
	*storage = (struct storage){.backend = NULL};
}

static void copy_strings(struct strings *to, const struct strings *from)
{
	*to = (struct strings){.count = 0};
	for (size_t i = 0; i < from->count; i++)
		strings_add(to, from->items[i]);
}

void storage_copy(struct storage *to, const struct storage *from)
{
	*to = *from;
	to->owner = from->owner ? must_dup(from->owner) : NULL;
	copy_strings(&to->parts, &from->parts);
	copy_strings(&to->options, &from->options);
}

char *storage_text(const struct storage *storage)
{
	CLEAN(text_done) struct text text = {0};

	text_add(&text, storage->backend->name);
	for (size_t i = 0; i < storage->parts.count; i++)
		text_addf(&text, ":%s", storage->parts.items[i]);
	return text_take(&text);
}

const char *storage_name(const struct storage *storage)
{
	return storage->backend->name;
}

const char *storage_option(const struct storage *storage, const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; i < storage->options.count; i++) {
		const char *word = storage->options.items[i];

		if (strncmp(word, name, length) != 0)
			continue;
		if (word[length] == '=' || !word[length])
			return word + length + (word[length] == '=');
	}
	return NULL;
}

void storage_move(struct storage *storage, const char *from_dir, const char *to_dir)
{
	for (size_t i = 0; i < storage->parts.count; i++) {
		char *part = storage->parts.items[i];

		if (!text_is_below(part, from_dir))
			continue;
		storage->parts.items[i] = must_printf("%s%s", to_dir, part + strlen(from_dir));
		free(part);
	}
}

bool storage_is_volume(const struct storage *storage)
{
	return !storage->backend->is_inside;
}

int storage_announce(const struct storage *storage, int folder_fd, struct error *err)
{
	if (storage_is_volume(storage) && syncfs(folder_fd) < 0)
		return fail(err, errno, "write what names '%s' to disk", storage_place(storage));
	return 0;
}

bool storage_is_inside(const struct storage *storage, const char *dir)
{
	return storage->backend->is_inside &&
	       text_is_below(storage->parts.items[storage->parts.count - 1], dir);
}

/* --- a start --- */

void storage_root_init(struct storage_root *root)
{
	*root = (struct storage_root){.fd = -1};
}

void storage_root_done(struct storage_root *root)
{
	for (unsigned int i = 0; i < root->layer_count; i++)
		close(root->layers[i]);
	free(root->layers);
	fd_close(&root->fd);
	storage_root_init(root);
}

static int set_attributes(int mount_fd, uint64_t set, struct error *err)
{
	struct mount_attr attributes = {
		/* what is mounted on it elsewhere must not appear on the host */
		.propagation = MS_PRIVATE,
		.attr_set = set,
	};

	if (sys_mount_setattr(mount_fd, "", AT_EMPTY_PATH, &attributes) < 0)
		return fail(err, errno, "set the attributes of the root file system's mount");
	return 0;
}

static int open_root(const struct storage *storage, const struct config *config,
                     struct storage_root *out, struct error *err)
{
	const struct storage_backend *backend = storage->backend;

	if (backend->open)
		return backend->open(storage, config->rootfs_readonly, out, err);
	out->fd = backend->visit(storage, !config->rootfs_readonly, err);
	return out->fd < 0 ? out->fd : 0;
}

int storage_open(const struct container *container, struct storage_root *out, struct error *err)
{
	const struct config *config = &container->config;
	CLEAN(storage_done) struct storage storage = {.backend = NULL};
	CLEAN(storage_root_done) struct storage_root root = {.fd = -1};
	uint64_t attributes = 0;
	int r;

	if (!config->rootfs_path || !*config->rootfs_path) {
		(void)fail_plain(err, EINVAL, "rootfs.path is not set");
		return fail_hint(err, "add path = dir:%s/rootfs to [rootfs] of %s", container->dir,
		                 container->file);
	}
	r = storage_of(&storage, config, err);
	if (r < 0)
		return r;
	r = storage_check_alone(container, &storage, err);
	if (r < 0)
		return r;
	/* as the configuration says it now, and not when it was made; before it is in use */
	r = storage_limit(&storage, err);
	if (r < 0 && !storage.size_bytes) {
		error_clear(err); /* what is wrong with the tree is told by who opens it */
		r = 0;
	}
	if (r == 0)
		r = open_root(&storage, config, &root, err);
	if (r < 0)
		return blame_path(config, err);
	if (!config->privileged) /* device nodes that a hostile tree brings stay closed */
		attributes |= MOUNT_ATTR_NODEV;
	if (config->rootfs_readonly)
		attributes |= MOUNT_ATTR_RDONLY;
	r = set_attributes(root.fd, attributes, err);
	if (r < 0)
		return r;
	*out = root;
	storage_root_init(&root);
	return 0;
}

/* Whether the tree's owners were changed at create, so that no map is laid over it. */
static bool is_shifted(const struct config *config)
{
	CLEAN(strings_done) struct strings words = {0};

	if (config->rootfs_options)
		strings_split(&words, config->rootfs_options, ", \t");
	return strings_has(&words, "shifted");
}

static int map_mount(int mount_fd, int userns_fd)
{
	struct mount_attr attributes = {
		.attr_set = MOUNT_ATTR_IDMAP,
		.userns_fd = (uint64_t)userns_fd,
	};

	return sys_mount_setattr(mount_fd, "", AT_EMPTY_PATH, &attributes) < 0 ? -errno : 0;
}

int storage_map(const struct container *container, const struct storage_root *root, int userns_fd,
                struct error *err)
{
	const struct config *config = &container->config;
	int r = 0;

	if (config->privileged || is_shifted(config))
		return 0;
	if (!root->layer_count)
		r = map_mount(root->fd, userns_fd);
	for (unsigned int i = 0; i < root->layer_count && r == 0; i++)
		r = map_mount(root->layers[i], userns_fd);
	if (r == 0)
		return 0;
	(void)fail(err, -r, "map the ids of the root file system '%s'", config->rootfs_path);
	if (r == -EINVAL)
		(void)fail_hint(err,
		                "the file system of '%s' cannot be id-mapped: recreate the "
		                "container here, or move the store to ext4, xfs or btrfs",
		                config->rootfs_path);
	return r;
}

/* --- everything else --- */

int storage_visit(const struct storage *storage, unsigned int flags, struct error *err)
{
	CLEAN_FD int fd = storage->backend->visit(storage, flags & STORAGE_WRITE, err);
	uint64_t attributes = flags & STORAGE_WRITE ? 0 : MOUNT_ATTR_RDONLY;
	int r;

	if (fd < 0)
		return fd;
	if (!(flags & STORAGE_RUN))
		attributes |= MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;
	r = set_attributes(fd, attributes, err);
	return r < 0 ? r : fd_take(&fd);
}

static int fail_unable(const struct storage *storage, const char *what, struct error *err)
{
	return fail_plain(err, EOPNOTSUPP, "backend %s cannot %s", storage->backend->name, what);
}

/* The first of those that copy in no time; dir works everywhere, by shared blocks where it can. */
static int choose_best(const struct storage_request *request, const char *dir, struct storage *out,
                       struct error *err)
{
	static const struct storage_backend *const best[] = {&storage_btrfs, &storage_zfs,
	                                                     &storage_dir};
	int r = -EOPNOTSUPP;

	for (size_t i = 0; i < ARRAY_SIZE(best) && r < 0; i++) {
		error_clear(err);
		strings_done(&out->parts);
		out->backend = best[i];
		r = best[i]->choose(request, dir, out, err);
	}
	return r;
}

int storage_choose(const struct storage_request *request, struct storage *out, struct error *err)
{
	const char *name = request->backend ? request->backend : "dir";
	CLEAN_FREE char *dir = must_printf("%s/%s", request->paths->store, request->name);
	CLEAN(storage_done)
	struct storage chosen = {
		.backend = find_backend(name, strlen(name)),
		.size_bytes = request->size_bytes,
		.owner = request->owner ? must_dup(request->owner) : NULL,
	};
	int r;

	if (request->options)
		strings_split(&chosen.options, request->options, ", \t");
	if (text_is(name, "best"))
		r = choose_best(request, dir, &chosen, err);
	else if (!chosen.backend)
		r = fail_plain(err, EINVAL, "'%s' is no storage backend", name);
	else
		r = chosen.backend->choose(request, dir, &chosen, err);
	if (r < 0)
		return r;
	*out = chosen;
	chosen = (struct storage){.backend = NULL};
	return 0;
}

int storage_make(const struct storage *storage, struct error *err)
{
	int r = storage->backend->make(storage, err);

	if (r < 0 || !storage->size_bytes || storage->backend->has_limit)
		return r;
	r = storage_limit(storage, err);
	if (r < 0)
		(void)storage_remove(storage, NULL); /* the failure is the one to tell */
	return r;
}

int storage_finish(const struct storage *storage, struct error *err)
{
	return storage->backend->finish ? storage->backend->finish(storage, err) : 0;
}

int storage_clone(const struct storage *from, const struct storage *to, struct error *err)
{
	if (from->backend != to->backend)
		return fail_plain(err, EOPNOTSUPP, "a clone of backend %s cannot be %s",
		                  from->backend->name, to->backend->name);
	if (!from->backend->clone)
		return fail_unable(from, "clone", err);
	return from->backend->clone(from, to, err);
}

bool storage_clone_lasts(const struct storage *storage)
{
	return storage->backend->clone_lasts;
}

int storage_remove(const struct storage *storage, struct error *err)
{
	return storage->backend->remove(storage, err);
}

int storage_limit(const struct storage *storage, struct error *err)
{
	return storage->backend->limit ? storage->backend->limit(storage, err)
	                               : fail_unable(storage, "limit the size", err);
}

int storage_usage(const struct storage *storage, struct storage_usage *out, struct error *err)
{
	return storage->backend->usage ? storage->backend->usage(storage, out, err)
	                               : fail_unable(storage, "tell the size", err);
}

int storage_own(const struct storage *storage, uint64_t *bytes, struct error *err)
{
	return storage->backend->own ? storage->backend->own(storage, bytes, err)
	                             : fail_unable(storage, "tell what it has for itself", err);
}

int storage_can_map(const char *dir, bool *out, struct error *err)
{
	static const struct idmap map = {
		.ranges = {{.users = true, .groups = true, .count = IDMAP_CONTAINER_COUNT}},
		.count = 1,
	};
	CLEAN_FD int folder = storage_open_folder(dir, err), mount = -1, userns = -1;
	int r;

	if (folder < 0)
		return folder;
	mount = storage_clone_mount(folder, dir, err);
	if (mount < 0)
		return mount;
	userns = idmap_namespace(&map, err);
	if (userns < 0)
		return userns;
	r = map_mount(mount, userns);
	/* EINVAL: not this file system; ENOSYS: a kernel before 5.12 */
	if (r < 0 && r != -EINVAL && r != -ENOSYS)
		return fail(err, -r, "try an id-mapped mount of '%s'", dir);
	*out = r == 0;
	return 0;
}
