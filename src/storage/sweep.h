/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Folders of work in progress: STORE/.NAME.creating and .NAME.destroying, with the volumes that their
 * configurations name, locked by flock(2) on the
 * folder itself for as long as the command lives that made them. One whose lock is free belongs to a
 * command that was killed, and the next command removes it.
 */
#ifndef SYSC_STORAGE_SWEEP_H
#define SYSC_STORAGE_SWEEP_H

struct error;
struct paths;

/*
 * Makes the folder STORE/.NAME.creating (0700) and locks it. The store lock must be held. Returns its
 * fd; -EBUSY while another command makes this container.
 */
int sweep_make(const struct paths *paths, const char *name, struct error *err);
/* The same lock on STORE/NAME, which is to be removed; -EBUSY, -ENOENT. */
int sweep_lock(const struct paths *paths, const char *name, struct error *err);

/*
 * Removes the volume (lvm, zfs) that the configuration file names, where it has its owner's mark; nothing
 * where it names another kind of storage, or rootfs.managed = no.
 */
int sweep_volume(const char *file, struct error *err);

/*
 * The same for all snapshots in a container's folder, whole and begun ones. The first failure, after all have
 * been tried.
 */
int sweep_snapshots(const char *dir, struct error *err);
/* What a container that is gone has elsewhere: RUN/NAME, its logs. The first that stays is the error. */
int sweep_traces(const struct paths *paths, const char *name, struct error *err);

/*
 * Removes what killed commands left. Takes the store lock for a moment, only when there is something.
 * Returns how many it removed.
 */
int sweep_all(const struct paths *paths, struct error *err);

#endif
