/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Locks: one per container (RUN/NAME/lock) held by whoever changes it, one per store (STORE/.lock)
 * for the short moments when names, ids or addresses are handed out. flock(2), so the kernel drops
 * it with its last holder, however that one ends.
 */
#ifndef SYSC_CONTAINER_LOCK_H
#define SYSC_CONTAINER_LOCK_H

#include <stdint.h>

struct container;
struct error;
struct paths;

/*
 * Takes the container's lock, waiting at most timeout_ms (0: not at all), and removes what a killed command left
 * of its configuration file. Returns the fd that holds it (O_CLOEXEC); -EBUSY with the pid of the holder in the
 * text; -ENOENT when it is not there (any more).
 */
int lock_container(const struct container *container, int64_t timeout_ms, struct error *err);
/*
 * Held while a supervisor is made for a container that runs without one, by who may or may not hold the
 * container's lock (RUN/NAME/takeover).
 */
int lock_takeover(const struct container *container, int64_t timeout_ms, struct error *err);
/* The same for the store; made with mode 0711 (the folder) when absent. */
int lock_store(const struct paths *paths, int64_t timeout_ms, struct error *err);

/*
 * For a lock that is a file of the caller's: locks fd, which was opened as path, waiting at most timeout_ms.
 * -EWOULDBLOCK: another has it; -ESTALE: path names another file by now, or none.
 */
int lock_open_file(int fd, const char *path, int64_t timeout_ms);

#endif
