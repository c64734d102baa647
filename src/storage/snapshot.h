/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Snapshots of a container. One is the folder STORE/NAME/snapshots/SNAP, whole from the rename that gives it
 * its name:
 *
 *   info     "key value" lines: struct snapshot
 *   told     an empty file: struct snapshot, is_told
 *   config   the container's configuration file of that moment; its rootfs.path is the snapshot's own tree,
 *            so that storage_of() of it is how anybody reads or clones that
 *   rootfs   the tree (dir; btrfs: a read-only subvolume), or rootfs.img (loop); of lvm and zfs the volume
 *            CONTAINER'S-VOLUME+SNAP (zfs: :SNAP); of an overlay delta/, an empty upper folder
 *
 * An overlay is never copied when the container is at rest: what it has written until then becomes a layer
 * that nobody changes any more, and it goes on in another folder, STORE/NAME/delta.N. Layers stay in the
 * container's folder until no configuration names them.
 *
 * Names with a dot in front are work in progress: .SNAP.creating, .SNAP.deleting, .SNAP.restoring, .SNAP.exchanging. Whoever
 * makes one holds the container's lock, so what is found with that lock held was left by a killed command:
 * snapshot_sweep() ends or removes it. Readers that do not hold that lock (export) hold a shared flock(2) on
 * the folder SNAP; one that is held is not removed. Rename and copy of a container have to rewrite rootfs.path
 * in the config of each snapshot.
 *
 * Functions that change something want the container's lock held, and its config loaded.
 */
#ifndef SYSC_STORAGE_SNAPSHOT_H
#define SYSC_STORAGE_SNAPSHOT_H

#include "storage/storage.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct container;
struct copy_options;
struct error;

#define SNAPSHOT_COMMENT_MAX 1000 /* bytes */

enum snapshot_reason {
	SNAPSHOT_HAND,
	SNAPSHOT_SCHEDULE,
	SNAPSHOT_RESTORE /* what a restore replaced */
};

/* What is told about one. Pair: snapshot_done(). */
struct snapshot {
	char *name;
	char *comment;     /* one line; NULL: none */
	char *replaced_by; /* SNAPSHOT_RESTORE: the name of the snapshot that was restored */
	struct strings
		paths; /* of a restore of paths: those; only they are in its tree. Otherwise none */
	enum snapshot_reason reason;
	int64_t created_ms; /* CLOCK_REALTIME */
	bool was_running;
	bool tree_only;    /* SNAPSHOT_RESTORE: the configuration stayed what it was */
	bool is_told;      /* SNAPSHOT_RESTORE: whoever restored was told that it is done */
	int64_t frozen_us; /* how long the container was frozen for it; -1: it was not */
};

struct snapshots {
	struct snapshot *items;
	size_t count;
};

void snapshot_done(struct snapshot *snapshot);
void snapshots_done(struct snapshots *snapshots);

/* As the names of containers. -EINVAL with the reason. */
int snapshot_check_name(const char *name, struct error *err);
const char *snapshot_reason_name(enum snapshot_reason reason); /* "hand" "schedule" "restore" */

/* -EINVAL when it has only the paths that a restore of paths replaced. */
int snapshot_check_whole(const struct snapshot *snapshot, struct error *err);
/* -ENOENT: there is none of that name; a near one is suggested. */
int snapshot_read(const struct container *container, const char *name, struct snapshot *out,
                  struct error *err);
/* All of them, the oldest first; none is fine. What cannot be read is left out. */
int snapshot_list(const struct container *container, struct snapshots *out, struct error *err);
/*
 * Keeps that of this one, of what a restore replaced, is_told: it may go with the next restore. One without it stays, since
 * whoever repeats a killed restore has nothing else of what was there.
 */
void snapshot_set_told(const struct container *container, const char *name);
/* The folder of one, on the heap. */
char *snapshot_dir(const struct container *container, const char *name);
/* Its root file system. */
int snapshot_storage(const struct container *container, const char *name, struct storage *out,
                     struct error *err);
/*
 * What it holds itself, as storage_own(); of an overlay the layer that was made for it, on which newer ones and the
 * container may stand. -EOPNOTSUPP where nobody tells.
 */
int snapshot_own(const struct container *container, const struct snapshot *what, uint64_t *bytes,
                 struct error *err);
/* The first free of snap0, snap1 … behind all that there are, on the heap. */
char *snapshot_free_name(const struct container *container);

struct snapshot_options {
	const struct copy_options *copy; /* of a copy that cannot be avoided; may be NULL */
	void (*slow)(void *user);        /* called when it comes to one; may be NULL */
	/*
	 * Called around the moment whose state is kept, with true and false, also after a failure between the
	 * two; NULL: nothing is to be done. frozen_us is asked for after that.
	 */
	int (*hold)(bool held, void *user, struct error *err);
	int64_t (*frozen_us)(void *user);
	void *user;       /* of those two; that of slow is copy's */
	int root_fd;      /* "/" of the running container; -1: it is stopped */
	bool keeps_facts; /* was_running and frozen_us are those of another moment, and stay */
};

/*
 * Makes the snapshot that what tells of, and fills its was_running and frozen_us. -EEXIST. Constant time on btrfs, zfs, thin volumes, and on an overlay at rest; of a running overlay
 * what it wrote is copied, by shared blocks where that can be.
 */
int snapshot_make(const struct container *container, struct snapshot *what,
                  const struct snapshot_options *options, struct error *err);

/*
 * What a container that runs (options' root_fd) has at one moment, to be read while it goes on: a snapshot that never
 * gets a name. The container's lock is held until snapshot_moment_drop(), which removes it; the next command does
 * where that never comes. *out is NULL afterwards where it would take a copy of all of the tree, or more room than
 * there is: then the container is to be held while it is read. Overlays: what it wrote itself is copied.
 */
struct snapshot_moment;
int snapshot_moment_take(const struct container *container, const struct snapshot_options *options,
                         struct snapshot_moment **out, struct error *err);
/* Its root file system, for storage_visit(). */
const struct storage *snapshot_moment_storage(const struct snapshot_moment *moment);
/* NULL is fine. */
void snapshot_moment_drop(struct snapshot_moment *moment);

/* Removes it: at once from the list, then what it held. -EBUSY: copies stand on it, or it is being read. */
int snapshot_remove(const struct container *container, const char *name, struct error *err);

struct snapshot_restore {
	const char *name; /* what is restored */
	bool config;      /* its configuration too; its own rootfs.path, idmap and UUID stay */
	struct snapshot before; /* how what was there is kept; not owned */
	const struct copy_options *copy;
	void (*slow)(void *user);
};
/*
 * Makes the tree of a stopped container that of a snapshot. What was there is a snapshot afterwards; until the
 * new one stands whole and on disk, nothing changes.
 */
int snapshot_restore(const struct container *container, const struct snapshot_restore *restore,
                     struct error *err);
/*
 * The same for single paths, absolute and without ".", ".." or another's path in front; the rest of the tree
 * and the configuration stay. Each comes to its place by one rename. A path that the snapshot has not is an
 * error that changes nothing, or (or_absent) goes. What was there, and only that, is the tree of the snapshot
 * before, its paths. A container that runs is held (hold, as in struct snapshot_options) while that is copied;
 * snapshot_reaches_running() says whether that can be.
 */
struct snapshot_path_restore {
	const char *name;
	struct strings paths;
	bool or_absent;
	struct snapshot before; /* as above; its paths are filled in */
	const struct copy_options *copy;
	int (*hold)(bool held, void *user, struct error *err);
	void *user;     /* of that */
	pid_t init_pid; /* of a container that runs; 0: it is stopped */
};
/* Whether a tree can be changed while its container runs: not where that has the only mount of it. */
bool snapshot_reaches_running(const struct container *container);
int snapshot_restore_paths(const struct container *container,
                           const struct snapshot_path_restore *restore, struct error *err);
/*
 * The same for the configuration alone; what was there is STORE/NAME/config.before-restore. 1:
 * it is that of the snapshot already, and nothing is written.
 */
int snapshot_restore_config(const struct container *container, const char *name, struct error *err);

/*
 * lock_container(), for what changes or reads more than its name: a restore that was killed half way is ended
 * first. The configuration is to be loaded after it.
 */
int snapshot_lock(const struct container *container, int64_t timeout_ms, struct error *err);
/*
 * Ends or removes what killed commands left of snapshots, and layers that nobody needs (those only of a
 * container that is_stopped). Returns how many.
 */
int snapshot_sweep(const struct container *container, bool is_stopped, struct error *err);
/* Whether there is something for it; without the lock, quick. */
bool snapshot_is_pending(const struct container *container);
/*
 * What a killed restore of the whole tree will have replaced, if snapshot_sweep() ends that and does not drop it: its
 * snapshot is there afterwards. False: there is none.
 */
bool snapshot_find_begun(const struct container *container, struct snapshot *out);

/*
 * Of an overlay at rest, after snapshots went: layers that are needed apart no longer become one, so that there are
 * no more of them than snapshots. Those that copies stand on, or somebody reads, stay. Returns how many went;
 * the configuration on disk is another one then.
 */
int snapshot_fold(const struct container *container, struct error *err);

#endif
