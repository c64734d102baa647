/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of snapshots share. Private to src/storage. */
#ifndef SYSC_STORAGE_SNAPSHOT_PARTS_H
#define SYSC_STORAGE_SNAPSHOT_PARTS_H

#include "storage/snapshot.h"

#include <stdbool.h>
#include <sys/types.h>

struct copy_options;
struct text;

/* STORE/NAME/snapshots opened, made (0700) where it is to be and is not; -ENOENT. */
int snapshot_open_all(const struct container *container, bool make, struct error *err);
/* Writes dirfd/info, which the caller syncs with the rest; identity: see snapshot_restore.c, 0: none. */
int snapshot_write_info(int dirfd, const struct snapshot *snapshot, uint64_t identity,
                        struct error *err);
/* Reads DIR/info. */
int snapshot_read_info(const char *dir, struct snapshot *out, uint64_t *identity,
                       struct error *err);

/*
 * The root file system that FILE names; of other keys nothing is wanted. uuid: the container's, whose mark its volumes
 * have, for a file that has none; NULL where that is not known.
 */
int snapshot_storage_of(const char *file, const char *uuid, struct storage *out, struct error *err);
/* The place of a snapshot's tree, which nobody changes, of the same backend as from (no overlay). */
void snapshot_place(const struct container *container, const struct storage *from, const char *name,
                    struct storage *out);

/* Ends a restore of the paths that was killed, whose folder is snapshots/HIDDEN, and its snapshot to be called NAME. */
int snapshot_end_paths(const struct container *container, int all_fd, const char *hidden,
                       const char *name, const struct strings *paths, struct error *err);

/* Whether the user goes on: asks copy's progress (may be NULL) where nothing is copied. */
int snapshot_go_on(const struct copy_options *copy, struct error *err);

/* --- configurations: snapshot_config.c --- */

/* The text of FILE with rootfs.path = storage in it, and that file's mode. */
int snapshot_config_text(const char *file, const struct storage *storage, struct text *out,
                         mode_t *mode, struct error *err);
/* Writes that text as folder_fd/NAME, which the caller syncs with the rest. */
int snapshot_write_config(int folder_fd, const char *name, const char *file,
                          const struct storage *storage, struct error *err);
/*
 * Gives FILE, which a snapshot had, what must not go back: the ids, which another container may have by now, and who
 * it is. The tree has plain ids, so that any map fits; -EOPNOTSUPP for one with changed owners, which fits its own
 * only.
 */
int snapshot_keep_identity(const struct container *container, const char *file, struct error *err);
/*
 * folder_fd/config.new, if it is there, becomes the container's configuration, on disk: by a rename, which needs no
 * room, since there may be no way back any more.
 */
int snapshot_install_config(const struct container *container, int folder_fd, struct error *err);

/* --- a restore and the end of one that was killed: snapshot_end.c --- */

/* What tells a tree from every other one of its file system; 0: it is not there. */
uint64_t snapshot_tree_number(const char *path);
/* out is before, a tree of the snapshot NAME, with its place while that folder is still called HIDDEN. */
void snapshot_hide_place(const struct container *container, const char *name, const char *hidden,
                         const struct storage *before, struct storage *out);
/*
 * Removes what a restore that has changed nothing made in SNAPSHOTS/HIDDEN. First what tells that it was one: what is
 * left of the rest, should this be killed, is never taken for one that is done.
 */
int snapshot_drop_restoring(int all_fd, int folder_fd, const char *hidden, struct error *err);
/* Everything behind the exchange, with before as snapshot_hide_place() made it; may be done again. */
int snapshot_finish_restore(const struct container *container, int all_fd, int folder_fd,
                            const char *hidden, const struct storage *before, const char *name,
                            struct error *err);

/* --- layers of overlays: snapshot_layers.c --- */

/* What a snapshot named name has of an overlay whose own folder is the layer from now on, or nothing. */
int snapshot_seal(const struct container *container, const struct storage *from, const char *name,
                  struct storage *out, struct error *err);
/*
 * Removes the layers that no configuration names. Returns how many. For a container at rest: one that runs may stand on
 * others than its file names by now.
 */
int snapshot_drop_layers(const struct container *container, struct error *err);

/* In snapshots/, while layers are folded: as of a snapshot that goes. */
#define SNAPSHOT_FOLD_MARK ".layers.deleting"
/* Ends a folding that was killed, of a container at rest; the layers that nobody names then are not its matter. */
int snapshot_end_fold(const struct container *container, int all_fd, struct error *err);

#endif
