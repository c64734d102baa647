/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Root file systems without knowing how they are kept: the backend is chosen here, what all of them
 * share (attributes of the mount, the id map) is done here.
 */
#include "storage/storage.h"

#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/text.h"
#include "container/container.h"
#include "container/idmap.h"
#include "storage/backend.h"

#include <errno.h>
#include <string.h>
#include <sys/mount.h>

static const struct storage_backend *const backends[] = {
	&storage_dir,
};

/* The row for "NAME:…", with *rest behind the colon; a plain path is a "dir". */
static const struct storage_backend *find_backend(const char *path, const char **rest,
                                                  struct error *err)
{
	const char *colon = strchr(path, ':');

	if (path[0] == '/') {
		*rest = path;
		return &storage_dir;
	}
	for (size_t i = 0; colon && i < ARRAY_SIZE(backends); i++) {
		size_t length = strlen(backends[i]->name);

		if (length == (size_t)(colon - path) &&
		    strncmp(path, backends[i]->name, length) == 0) {
			*rest = colon + 1;
			return backends[i];
		}
	}
	(void)fail_plain(err, EINVAL, "'%s' names no storage backend", path);
	(void)fail_hint(err, "write dir:/PATH");
	return NULL;
}

static int set_attributes(int mount_fd, const struct config *config, struct error *err)
{
	struct mount_attr attributes = {
		/* what the guest mounts on its root must not appear on the host */
		.propagation = MS_PRIVATE,
	};

	if (!config->privileged) /* device nodes that a hostile tree brings stay closed */
		attributes.attr_set |= MOUNT_ATTR_NODEV;
	if (config->rootfs_readonly)
		attributes.attr_set |= MOUNT_ATTR_RDONLY;
	if (sys_mount_setattr(mount_fd, "", AT_EMPTY_PATH, &attributes) < 0)
		return fail(err, errno, "set the attributes of the root file system's mount");
	return 0;
}

/* "rootfs.path (FILE:LINE)" in front of the error. */
static int blame_path(const struct config *config, struct error *err)
{
	char where[256];

	return fail_in(err, "rootfs.path%s",
	               config_where(config, "rootfs", "path", 0, where, sizeof(where)));
}

int storage_open(const struct container *container, struct error *err)
{
	const struct config *config = &container->config;
	const struct storage_backend *backend;
	CLEAN_FD int fd = -1;
	const char *path;
	int r;

	if (!config->rootfs_path || !*config->rootfs_path) {
		(void)fail_plain(err, EINVAL, "rootfs.path is not set");
		return fail_hint(err, "add path = dir:%s/rootfs to [rootfs] of %s", container->dir,
		                 container->file);
	}
	backend = find_backend(config->rootfs_path, &path, err);
	if (!backend)
		return blame_path(config, err);
	fd = backend->open(path, err);
	if (fd < 0)
		return blame_path(config, err);
	r = set_attributes(fd, config, err);
	return r < 0 ? r : fd_take(&fd);
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

int storage_map(const struct container *container, int mount_fd, int userns_fd, struct error *err)
{
	const struct config *config = &container->config;
	int r;

	if (config->privileged || is_shifted(config))
		return 0;
	r = map_mount(mount_fd, userns_fd);
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
