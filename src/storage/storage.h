/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Root file systems without knowing how they are kept. The backends are rows of a table (backend.h);
 * struct storage is one root file system as rootfs.* names it. A start opens and maps it, everything
 * else visits it: a detached mount with plain ids, whatever is behind it.
 */
#ifndef SYSC_STORAGE_STORAGE_H
#define SYSC_STORAGE_STORAGE_H

#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

struct config;
struct container;
struct copy_options;
struct error;
struct idmap;
struct paths;
struct storage_backend;

/*
 * One root file system. parts: what stands behind "BACKEND:", one path or name; of an overlay its lower
 * folders, the upmost first, and last the folder with upper/ and work/. Pair: storage_done().
 */
struct storage {
	const struct storage_backend *backend;
	struct strings parts;
	struct strings options; /* the words of rootfs.options: "shifted", "fstype=xfs", "vg=vg0" */
	uint64_t size_bytes;    /* rootfs.size; 0: no limit */
	char *owner; /* UUID of the container, which marks volumes outside of its folder */
	bool readonly; /* of what storage_clone() makes: storage_set_readonly() at once; no part of the text */
};

/* From text: rootfs.path, and rootfs.options (may be NULL). A path without a backend is a "dir". */
int storage_parse(struct storage *storage, const char *path, const char *options,
                  struct error *err);
/* All of [rootfs] and the UUID; errors name rootfs.path with its line. */
int storage_of(struct storage *storage, const struct config *config, struct error *err);
void storage_done(struct storage *storage);
void storage_copy(struct storage *to, const struct storage *from);
/* The text for rootfs.path, on the heap. */
char *storage_text(const struct storage *storage);
const char *storage_name(const struct storage *storage); /* "btrfs" */
/* "fstype" of "fstype=xfs", "" of a bare word; NULL when it is not among the options. */
const char *storage_option(const struct storage *storage, const char *name);
/*
 * Its places in from_dir are in to_dir: a container is made in STORE/.NAME.creating and has the paths
 * of STORE/NAME in its configuration from the beginning.
 */
void storage_move(struct storage *storage, const char *from_dir, const char *to_dir);
/* Whether it is a volume (lvm, zfs): never in a folder. */
bool storage_is_volume(const struct storage *storage);
/*
 * Before it is made: the configuration in folder_fd that names it goes to disk, so that a sweep finds a volume by it
 * after a power cut too. Nothing for what lies in a folder, which goes with that.
 */
int storage_announce(const struct storage *storage, int folder_fd, struct error *err);
/* Whether it goes with the folder dir: nothing of its own is elsewhere. */
bool storage_is_inside(const struct storage *storage, const char *dir);

/* --- a start --- */

/* What a start takes along. fd: a detached mount; of an overlay only a read-only look at it. */
struct storage_root {
	int fd;
	int *layers; /* of an overlay: detached mounts of its parts, from which the child makes it */
	unsigned int layer_count;
	bool readonly;
};

void storage_root_init(struct storage_root *root);
void storage_root_done(struct storage_root *root);
/*
 * Opens the container's root file system: read-only when the config says so, nodev for an
 * unprivileged one, not yet id-mapped; sees to its quota. The error names rootfs.path with its line.
 */
int storage_open(const struct container *container, struct storage_root *out, struct error *err);
/*
 * Id-maps it through the container's user namespace (mount_setattr(2)). Where the tree was shifted at
 * create ([rootfs] options = shifted) it does nothing.
 */
int storage_map(const struct container *container, const struct storage_root *root, int userns_fd,
                struct error *err);
/*
 * In the child, in its own namespaces: what is to become its root, as a detached mount. An overlay is
 * made here, since it cannot be id-mapped itself: mounted in the user namespace over id-mapped layers
 * it stores plain ids. Those are left mounted over "/", which goes when the root is changed. No heap.
 */
int storage_join(const struct storage_root *root, struct error *err);

/* --- at rest, or frozen --- */

enum storage_visit_flag {
	STORAGE_WRITE = 1, /* otherwise read-only */
	STORAGE_RUN = 2,   /* programs of it are run; otherwise noexec, nosuid, nodev */
};

/*
 * A detached mount of the tree for this process, with plain ids; it ends with its last fd. It is
 * O_PATH (syncfs(2) wants its "." opened); what is in it is opened below it, or the mount is moved to a
 * place in a mount namespace of one's own.
 */
int storage_visit(const struct storage *storage, unsigned int flags, struct error *err);

/* --- making, cloning, removing --- */

struct storage_request {
	const struct paths *paths;
	const char *name;    /* of the container */
	const char *backend; /* a name or "best"; NULL is "dir" */
	const char *options; /* rootfs.options, may be NULL */
	uint64_t size_bytes; /* 0: no limit */
	const char *owner;   /* UUID */
};

/*
 * Decides what a new container's root file system is to be, under its final path, without making
 * anything. Says what is missing where the backend is not possible here: a program, a module, another
 * file system, a quota that would not hold.
 */
int storage_choose(const struct storage_request *request, struct storage *out, struct error *err);
/* Makes it, empty, with its limit. Nothing is left of what failed. */
int storage_make(const struct storage *storage, struct error *err);
/* After it was filled: what is to be done before the first start. */
int storage_finish(const struct storage *storage, struct error *err);
/*
 * Makes to, of the same backend, the state of from at this moment, in constant time or by shared blocks:
 * a snapshot of btrfs, zfs and thin volumes, shared blocks of dir, loop and the upper folder of an
 * overlay. A container that runs is frozen by the caller for that moment. -EOPNOTSUPP where that cannot
 * be; a copy (storage_make(), two visits, copy_tree()) or a sealed layer can always be. Nothing is synced where
 * storage_clone_lasts() does not say that it is on disk then.
 */
int storage_clone(const struct storage *from, const struct storage *to, struct error *err);
bool storage_clone_lasts(const struct storage *storage);
/*
 * storage_clone(), or a copy where that cannot be: of the tree, or of the image as it is. options (copy.h, may
 * be NULL) are those of the copy; slow (may be NULL) is called when it comes to one. Nothing is synced.
 * Overlays: storage_clone() says which. Returns 1 when it was copied.
 */
int storage_duplicate(const struct storage *from, const struct storage *to,
                      const struct copy_options *options, void (*slow)(void *user),
                      struct error *err);
/*
 * Whether a new file in the folder can share its blocks with one of the tree from_fd (reflinks): one file system,
 * and tried on two files that never had a name.
 */
bool storage_can_share(int from_fd, int folder_fd);

/*
 * A copy of a container that runs, for as short a rest as can be: begin copies what is there while it changes,
 * end brings that up to date. For dir, and for what an overlay wrote itself (to has the same lowers), where
 * storage_duplicate() would copy every byte. *out is NULL afterwards where there is nothing to gain or a change
 * cannot be told; storage_duplicate() and storage_clone() are right then. Pair: storage_live_free().
 */
struct storage_live;
/* On error too *out may be there, and what was made, which is the caller's to remove. */
int storage_live_begin(const struct storage *from, const struct storage *to,
                       const struct copy_options *options, struct storage_live **out,
                       struct error *err);
/* The same from a visited tree of backend dir into any empty folder, a visited tree too. */
int storage_live_begin_at(int from_fd, int to_fd, const struct copy_options *options,
                          struct storage_live **out, struct error *err);
/* is_at_rest: the tree does not change until this returns; otherwise what vanishes is left out. */
int storage_live_end(struct storage_live *live, bool is_at_rest, struct error *err);
void storage_live_free(struct storage_live *live);

/*
 * Whether nothing can be written into it any more, also by who visits it for writing; only btrfs keeps that,
 * of others it is nothing (0).
 */
int storage_set_readonly(const struct storage *storage, bool readonly, struct error *err);
/*
 * dir and overlay only, others -EOPNOTSUPP: what is written into from until now becomes a layer that
 * nobody changes any more. out is an overlay on it with its own folder (to be made by storage_make());
 * one such takes the place of from in its container's configuration, others are its copies and
 * snapshots. Nothing is moved or changed here.
 */
int storage_seal(const struct storage *from, const char *folder, struct storage *out,
                 struct error *err);
/* A path for such a folder in the container's, DIR/delta or DIR/delta.N, on the heap. */
char *storage_free_layer(const char *dir);
/* Whether anything is in an overlay's own folder; true when that cannot be told. */
bool storage_has_written(const struct storage *overlay);
#define STORAGE_LAYERS_MOST 64 /* of a container; more would slow it down */
/*
 * Removes it: a volume outside only when it carries the owner's mark (otherwise -EPERM). Of an overlay
 * only its own folder. 0 also when it is gone already.
 */
int storage_remove(const struct storage *storage, struct error *err);

/*
 * Sets the limit of one that exists (storage->size_bytes, 0: none), also while it is in use. -EOPNOTSUPP
 * with the reason and what to do where it would not hold.
 */
int storage_limit(const struct storage *storage, struct error *err);

struct storage_usage {
	uint64_t used_bytes, size_bytes; /* size 0: the whole file system */
};
/* For info: what it takes and may take, where that is known without a walk; else -EOPNOTSUPP. */
int storage_usage(const struct storage *storage, struct storage_usage *out, struct error *err);
/*
 * What it has for itself: the bytes of its blocks that nothing else shares, of an overlay what it wrote itself; what a
 * removal of it would give back. Mostly by a walk over its tree. -EOPNOTSUPP where nobody tells (lvm).
 */
int storage_own(const struct storage *storage, uint64_t *bytes, struct error *err);

/*
 * The containers whose overlay stands on a folder of the container name, by their configurations: what
 * is not to be removed or changed under them. Snapshots too, "web1/snapshots/daily", which have theirs in
 * STORE/web1/snapshots/daily/config. The store lock must be held from this to the rename that follows.
 */
void storage_children(const struct paths *paths, const char *name, struct strings *out);
/*
 * All containers and snapshots ("web1", "web1/snapshots/daily", ".web2.creating") with a part of their root
 * file system in folder (a path that ends with a slash).
 */
void storage_users(const struct paths *paths, const char *folder, struct strings *out);

/* --- ids --- */

/* Whether the file system that this mount shows can be id-mapped (tried, not guessed). */
int storage_can_map(const char *dir, bool *out, struct error *err);
/*
 * Changes owners of a tree once, from plain ids to the map's host ids (never follows a symlink, never
 * leaves the file system); for file systems that cannot be id-mapped. File capabilities are rewritten.
 */
int storage_shift(const char *dir, const struct idmap *map, struct error *err);
/* The same for a visited tree (storage_visit()); errors call it name. */
int storage_shift_at(int folder_fd, const char *name, const struct idmap *map, struct error *err);
/*
 * The way back, from the host ids of map to plain ones. What belongs to nobody in the map becomes nobody's, as the
 * container has seen it; stray (may be NULL) hears its path below dir.
 */
int storage_unshift(const char *dir, const struct idmap *map,
                    void (*stray)(const char *path, uint32_t uid, uint32_t gid, void *user),
                    void *user, struct error *err);

/*
 * A read-only look, as storage_visit(), at folders that are laid over each other, the upmost first, as another program
 * left them. user_attributes: it noted what is hidden in user.overlay.* (mounted in a user namespace), otherwise in
 * trusted.overlay.*.
 */
int storage_visit_layers(const struct strings *folders, bool user_attributes, struct error *err);

#endif
