/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The configuration files that snapshots have and give back; see snapshot.h. */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "container/container.h"
#include "storage/remove.h"
#include "storage/snapshot_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define WORK        ".config.restoring" /* in snapshots/ */
#define KEPT        ".before-restore"
#define CONFIG_MOST (1 << 20)

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
		r = config_edit_draft(file, "container", "uuid", now->uuid, true, err);
	if (r < 0 || old.privileged || now->privileged || has_same_ids(now, &old))
		return r < 0 ? r : 0;
	if (now->rootfs_options && strstr(now->rootfs_options, "shifted"))
		return fail_plain(
			err, EOPNOTSUPP,
			"the snapshot has other ids (idmap.map) than the container, and its "
			"tree was shifted to them");
	for (size_t i = 0; i < now->idmap.count && r == 0; i++)
		r = config_edit_draft(file, "idmap", "map", now->idmap.items[i], i == 0, err);
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

/*
 * Both files are made in a folder of work beside the snapshots, which a sweep removes. The first rename changes nothing
 * but what an earlier restore kept; the second one is the restore.
 */
static int put_in_place(const struct container *container, int folder_fd, struct error *err)
{
	CLEAN_FREE char *kept = must_printf("%s" KEPT, container->file);
	CLEAN_FD int dir = open(container->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool has_kept = file_exists(AT_FDCWD, kept);
	int r = 0;

	if (dir < 0 || syncfs(folder_fd) < 0)
		return fail(err, errno, "write the restored configuration to disk");
	if (renameat(folder_fd, "kept", AT_FDCWD, kept) < 0)
		return fail(err, errno, "write '%s'", kept);
	if (renameat(folder_fd, "next", AT_FDCWD, container->file) < 0) {
		r = fail(err, errno, "replace '%s'", container->file);
		if (!has_kept)
			(void)unlink(kept); /* the failure is the one to tell */
		return r;
	}
	return fsync(dir) < 0 ? fail(err, errno, "write '%s' to disk", container->file) : 0;
}

static bool is_same(int folder_fd, const char *name, const char *file)
{
	CLEAN(text_done) struct text one = {0}, other = {0};

	return file_read(folder_fd, name, CONFIG_MOST, &one, NULL) == 0 &&
	       file_read(AT_FDCWD, file, CONFIG_MOST, &other, NULL) == 0 &&
	       one.length == other.length && memcmp(one.data, other.data, one.length) == 0;
}

static int make_and_place(const struct container *container, const char *name, int folder_fd,
                          struct error *err)
{
	CLEAN_FREE char *old = must_printf("%s/snapshots/%s/config", container->dir, name);
	CLEAN_FREE char *next = must_printf("%s/snapshots/" WORK "/next", container->dir);
	CLEAN(storage_done) struct storage now = {.backend = NULL};
	int r = storage_of(&now, &container->config, err);

	if (r == 0)
		r = snapshot_write_config(folder_fd, "next", old, &now, err);
	if (r == 0)
		r = snapshot_keep_identity(container, next, err);
	/* done before, maybe by a command that was killed then: what it kept is all that there is of that */
	if (r == 0 && is_same(folder_fd, "next", container->file))
		return 1;
	if (r < 0)
		return r;
	r = snapshot_write_config(folder_fd, "kept", container->file, &now, err);
	return r < 0 ? r : put_in_place(container, folder_fd, err);
}

int snapshot_restore_config(const struct container *container, const char *name, struct error *err)
{
	CLEAN_FD int all = snapshot_open_all(container, false, err), folder = -1;
	struct error second = {0};
	int r, end;

	if (all < 0)
		return all;
	if (mkdirat(all, WORK, 0700) < 0)
		return fail(err, errno, "make directory 'snapshots/" WORK "'");
	folder = openat(all, WORK, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	r = folder < 0 ? fail(err, errno, "open 'snapshots/" WORK "'")
	               : make_and_place(container, name, folder, err);
	end = remove_tree(all, WORK, r < 0 ? &second : err);
	return r < 0 || end == 0 ? r : end;
}
