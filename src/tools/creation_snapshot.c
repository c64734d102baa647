/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Snapshots of a container that is being made. While there are such, its configuration and theirs name the hidden
 * folder that it is made in, so that storage/snapshot.h works on it as on any other; creation_settle() gives all of
 * them the paths that they will have.
 */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "storage/identity.h"
#include "storage/snapshot.h"
#include "tools/creation.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define CONFIG_MOST (1 << 20)

/* The configuration of the snapshot, as that of the container for the moment. */
static int write_config(const struct creation *creation, const struct create_config *config,
                        struct error *err)
{
	CLEAN_FREE char *rootfs = storage_text(&creation->storage);

	return create_config_write(config, creation->dir, rootfs,
	                           creation->map[0] ? creation->map : NULL, err);
}

/* The container as it is in its hidden folder. */
static int open_hidden(const struct creation *creation, struct container *out, struct error *err)
{
	int r = container_init(out, creation->target.paths, creation->name, err);

	if (r < 0)
		return r;
	free(out->dir);
	free(out->file);
	out->dir = must_dup(creation->dir);
	out->file = must_printf("%s/config", creation->dir);
	return config_load(&out->config, out->file, NULL, err);
}

/* A snapshot of an overlay leaves the container in another folder. */
static int take_storage(struct creation *creation, struct error *err)
{
	CLEAN(container_done) struct container hidden = {0};
	int r = open_hidden(creation, &hidden, err);

	if (r < 0)
		return r;
	storage_done(&creation->storage);
	return storage_of(&creation->storage, &hidden.config, err);
}

int creation_snapshot(struct creation *creation, const struct create_config *config,
                      struct snapshot *what, struct error *err)
{
	const struct snapshot_options options = {.root_fd = -1, .keeps_facts = true};
	CLEAN(container_done) struct container hidden = {0};
	int r;

	if (!creation->can_map && !creation->target.config.privileged) {
		(void)fail_plain(err, EOPNOTSUPP,
		                 "snapshot '%s': no snapshots where the file system cannot map ids",
		                 what->name);
		return fail_hint(err, "--no-snapshots leaves them out");
	}
	r = creation_unmount(creation, err);
	if (r == 0)
		r = write_config(creation, config, err);
	creation->has_snapshots = true;
	if (r == 0)
		r = open_hidden(creation, &hidden, err);
	if (r == 0)
		r = snapshot_make(&hidden, what, &options, err);
	if (r == 0 && what->reason == SNAPSHOT_RESTORE)
		snapshot_set_told(&hidden, what->name); /* where it is from */
	if (r == 0)
		r = take_storage(creation, err);
	return r < 0 ? r : creation_mount(creation, err);
}

static int settle_file(const struct creation *creation, const char *file, struct error *err)
{
	CLEAN(text_done) struct text text = {0}, changed = {0};
	struct stat st;
	int r = file_read(AT_FDCWD, file, CONFIG_MOST, &text, err);

	if (r == 0 && stat(file, &st) < 0)
		r = fail(err, errno, "look at '%s'", file);
	if (r < 0 || !identity_replace_folder(text.data ? text.data : "", creation->dir,
	                                      creation->target.dir, &changed))
		return r;
	return file_replace_volatile(AT_FDCWD, file, changed.data, changed.length,
	                             st.st_mode & 07777, err);
}

int creation_settle(struct creation *creation, struct error *err)
{
	CLEAN_FREE char *path = must_printf("%s/snapshots", creation->dir);
	CLEAN_FREE char *own = must_printf("%s/config", creation->dir);
	CLEAN_DIR DIR *all = creation->has_snapshots ? opendir(path) : NULL;
	struct create_config config = creation->config; /* borrowed */
	const struct dirent *entry;
	int r;

	if (!creation->has_snapshots)
		return 0;
	if (!all)
		return fail(err, errno, "open '%s'", path);
	config.uuid = creation->target.config.uuid;
	r = write_config(creation, &config, err);
	if (r == 0)
		r = settle_file(creation, own, err);
	while (r == 0 && (entry = readdir(all))) {
		CLEAN_FREE char *file = must_printf("%s/%s/config", path, entry->d_name);

		if (entry->d_name[0] != '.')
			r = settle_file(creation, file, err);
	}
	return r;
}
