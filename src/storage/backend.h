/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a storage backend is to storage.c, and the backends there are. Private to src/storage. */
#ifndef SYSC_STORAGE_BACKEND_H
#define SYSC_STORAGE_BACKEND_H

#include "storage/storage.h"

struct copy_options;

/*
 * To add a backend: its file with one exported struct storage_backend, its line in the table of
 * storage.c, src/storage/local.mk, its name in container/check.c, its paragraph in man/sysc.7 and the
 * words in man/sysc.container.5 (rootfs.path, backend, options), a case in tests/root/storage.bats.
 *
 * Every operation but choose has the storage with its paths as they are now. NULL: not possible with
 * this backend; storage.c says so.
 */
struct storage_backend {
	const char *name; /* what stands before the colon of rootfs.path */
	bool is_inside;   /* its parts are paths: it is removed with the container's folder */
	bool has_limit;   /* a limit is part of what it is: never refused */
	bool clone_lasts; /* what clone made is on disk */
	/* Adds the parts for a new container in folder dir; says why it cannot be here. */
	int (*choose)(const struct storage_request *request, const char *dir, struct storage *out,
	              struct error *err);
	int (*make)(const struct storage *storage, struct error *err);
	int (*finish)(const struct storage *storage, struct error *err);
	/* A detached mount without further attributes; writable or not is set by storage.c. */
	int (*visit)(const struct storage *storage, bool writable, struct error *err);
	/* For a start; NULL: visit does. */
	int (*open)(const struct storage *storage, bool readonly, struct storage_root *out,
	            struct error *err);
	int (*clone)(const struct storage *from, const struct storage *to, struct error *err);
	/* What storage_duplicate() does where a clone cannot be; NULL: from tree to tree. */
	int (*copy)(const struct storage *from, const struct storage *to,
	            const struct copy_options *options, struct error *err);
	int (*remove)(const struct storage *storage, struct error *err);
	int (*limit)(const struct storage *storage, struct error *err);
	int (*usage)(const struct storage *storage, struct storage_usage *out, struct error *err);
	/* See storage_own(). */
	int (*own)(const struct storage *storage, uint64_t *bytes, struct error *err);
};

extern const struct storage_backend storage_dir, storage_overlay, storage_btrfs, storage_loop,
	storage_lvm, storage_zfs;

/* The only part of all backends but overlay. */
static inline const char *storage_place(const struct storage *storage)
{
	return storage->parts.items[0];
}

/*
 * For a start: -EBUSY with their names when containers or snapshots have the folder that this one writes into
 * among the lower folders of their overlays. Of an overlay it marks whose folders it stands on: those containers
 * look at all others when they start, the rest only at their own snapshots.
 */
int storage_check_alone(const struct container *container, const struct storage *storage,
                        struct error *err);

/*
 * Opens the folder at path by O_PATH. The last component must be a folder itself and no symlink,
 * which is looked at on the fd.
 */
int storage_open_folder(const char *path, struct error *err);
/* A detached clone of the mount that the folder is on, its root being that folder. */
int storage_clone_mount(int folder_fd, const char *path, struct error *err);
/* Opens the folder that path is in; *name is its last part. For work by *at() calls. */
int storage_open_above(const char *path, const char **name, struct error *err);
/* mkdir that wants the folder to be new: 0755, owned by root. */
int storage_make_folder(const char *path, struct error *err);
int storage_remove_folder(const char *path, struct error *err);

#endif
