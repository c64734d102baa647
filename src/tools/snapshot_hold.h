/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A container frozen for a moment, whatever becomes of the command: a guard, a process of its own, thaws it when
 * the command is gone, and a mark in its run folder (RUN/NAME/frozen_by) tells a later command that it was not
 * the administrator who froze it, should the guard be killed as well.
 */
#ifndef SYSC_TOOLS_SNAPSHOT_HOLD_H
#define SYSC_TOOLS_SNAPSHOT_HOLD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct container;
struct error;

struct hold {
	const struct container *container;
	bool is_frozen;              /* by us */
	pid_t guard;                 /* 0: none */
	int guard_fd;                /* the guard waits for its end; -1 */
	int64_t began_us, frozen_us; /* frozen_us -1: never was */
};

void hold_init(struct hold *hold, const struct container *container);
/*
 * Freezes the container (true), when it runs and is not frozen already, and lets it go on (false). For struct
 * snapshot_options; user is the struct hold.
 */
int hold_change(bool held, void *user, struct error *err);
int64_t hold_frozen_us(void *user);

/*
 * The root folder of a container that runs or is frozen, as it sees it (O_PATH); -1 in *out of one that is stopped.
 * -EBUSY in any other state.
 */
int hold_open_root(const struct container *container, int *out, struct error *err);

/*
 * Thaws a container that a killed command left frozen: 1 when it did. The container's lock is held, which says
 * that neither a command nor its guard is at work.
 */
int hold_mend(const struct container *container, struct error *err);
/* Removes the mark: from now on it is the administrator who says whether it is frozen. */
void hold_forget(const struct container *container);

#endif
