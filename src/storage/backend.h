/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a storage backend is to storage.c, and the backends there are. Private to src/storage. */
#ifndef SYSC_STORAGE_BACKEND_H
#define SYSC_STORAGE_BACKEND_H

struct error;

/*
 * To add a backend: its file with one exported struct storage_backend, its line in the table of
 * storage.c, src/storage/local.mk, the word in man/sysc.container.5 (rootfs.path), tests.
 */
struct storage_backend {
	const char *name; /* what stands before the colon of rootfs.path */
	/*
	 * A detached clone of the tree at path (what follows the colon): one mount, with nothing
	 * that is mounted below it. Returns its fd.
	 */
	int (*open)(const char *path, struct error *err);
};

extern const struct storage_backend storage_dir;

/*
 * Opens the folder at path by O_PATH. The last component must be a folder itself and no symlink,
 * which is looked at on the fd.
 */
int storage_open_folder(const char *path, struct error *err);
/* A detached clone of the mount that the folder is on, its root being that folder. */
int storage_clone_mount(int folder_fd, const char *path, struct error *err);

#endif
