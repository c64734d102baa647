/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The configuration files that snapshots have and give back; see snapshot.h. */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "container/container.h"
#include "storage/snapshot_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

int snapshot_config_text(const char *file, const struct storage *storage, struct text *out,
                         mode_t *mode, struct error *err)
{
	CLEAN_FREE char *path = storage_text(storage);
	const struct config_edit edit = {
		.section = "rootfs", .key = "path", .value = path, .replace = true};
	struct stat st;

	if (stat(file, &st) < 0)
		return fail(err, errno, "look at '%s'", file);
	*mode = st.st_mode & 07777;
	return config_edit_preview(file, &edit, out, err);
}

int snapshot_write_config(int folder_fd, const char *name, const char *file,
                          const struct storage *storage, struct error *err)
{
	CLEAN(text_done) struct text text = {0};
	mode_t mode = 0;
	int r = snapshot_config_text(file, storage, &text, &mode, err);

	return r < 0 ? r
	             : file_replace_volatile(folder_fd, name, text.data, text.length, mode, err);
}

static bool has_same_ids(const struct config *one, const struct config *other)
{
	if (one->idmap.count != other->idmap.count)
		return false;
	for (size_t i = 0; i < one->idmap.count; i++)
		if (!text_is(one->idmap.items[i], other->idmap.items[i]))
			return false;
	return true;
}

int snapshot_keep_identity(const struct container *container, const char *file, struct error *err)
{
	CLEAN(config_done) struct config old = {0};
	const struct config *now = &container->config;
	int r = 0;

	config_init(&old);
	/* what is wrong with it is said when it is used */
	(void)config_load(&old, file, NULL, NULL);
	if (now->uuid && !text_is(now->uuid, old.uuid))
		r = config_edit_set(file, "container", "uuid", now->uuid, true, err);
	if (r < 0 || old.privileged || now->privileged || has_same_ids(now, &old))
		return r < 0 ? r : 0;
	if (now->rootfs_options && strstr(now->rootfs_options, "shifted"))
		return fail_plain(
			err, EOPNOTSUPP,
			"the snapshot has other ids (idmap.map) than the container, and its "
			"tree was shifted to them");
	for (size_t i = 0; i < now->idmap.count && r == 0; i++)
		r = config_edit_set(file, "idmap", "map", now->idmap.items[i], i == 0, err);
	return r;
}

int snapshot_install_config(const struct container *container, int folder_fd, struct error *err)
{
	CLEAN_FD int dir = open(container->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return fail(err, errno, "open '%s'", container->dir);
	if (renameat(folder_fd, "config.new", dir, "config") < 0)
		return errno == ENOENT ? 0 : fail(err, errno, "replace '%s'", container->file);
	return fsync(dir) < 0 ? fail(err, errno, "write '%s' to disk", container->file) : 0;
}

int snapshot_restore_config(const struct container *container, const char *name, struct error *err)
{
	CLEAN_FREE char *old = must_printf("%s/snapshots/%s/config", container->dir, name);
	CLEAN_FREE char *kept = must_printf("%s.before-restore", container->file);
	CLEAN_FREE char *next = must_printf("%s/.config.restoring", container->dir);
	CLEAN(storage_done) struct storage now = {.backend = NULL};
	CLEAN_FD int dir = open(container->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool has_kept = file_exists(AT_FDCWD, kept);
	int r = storage_of(&now, &container->config, err);

	if (r == 0)
		r = snapshot_write_config(AT_FDCWD, next, old, &now, err);
	if (r == 0)
		r = snapshot_keep_identity(container, next, err);
	if (r == 0) /* replaces what an earlier one kept, so not before it must */
		r = snapshot_write_config(AT_FDCWD, kept, container->file, &now, err);
	if (r == 0 && (dir < 0 || syncfs(dir) < 0))
		r = fail(err, errno, "write '%s' to disk", next);
	if (r == 0 && rename(next, container->file) < 0)
		r = fail(err, errno, "rename '%s' to '%s'", next, container->file);
	if (r < 0) {
		(void)unlink(next); /* the failure is the one to tell */
		if (!has_kept)
			(void)unlink(kept);
		return r;
	}
	return fsync(dir) < 0 ? fail(err, errno, "write '%s' to disk", container->file) : 0;
}
