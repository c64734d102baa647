/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Making one container from another, all or nothing: in the hidden folder STORE/.NAME.creating, which is
 * locked, under its name by one rename at the end. storage/sweep.h sees to what a killed command leaves.
 */
#ifndef SYSC_TOOLS_COPYING_H
#define SYSC_TOOLS_COPYING_H

#include "base/text.h"
#include "container/container.h"
#include "storage/identity.h"
#include "storage/storage.h"
#include "tools/snapshot_hold.h"

#include <stdbool.h>
#include <stdint.h>

struct call;
struct error;

struct copying {
	/* the caller's to set after copying_init() */
	const struct call *call;
	struct container *
		source; /* loaded, its lock held; its configuration changes when a layer is sealed */
	const struct paths *paths; /* of the copy's store (the call's own) */
	const char *name;          /* of the copy */
	const char *backend;       /* of the copy; NULL: the source's */
	bool is_shared;            /* copy-on-write, nothing else */
	bool is_ephemeral;
	const char *memory; /* size of the tmpfs that it writes into; NULL: none */
	bool source_runs;
	unsigned int keep;               /* enum identity_keep */
	const struct strings *overrides; /* "section.key=value" */
	const struct strings *mounts;    /* further entries of [mounts] */
	const struct strings *address;   /* of its first interface; NULL: the source's */
	int signals_fd;                  /* signalfd: one that comes ends it all */

	/* for the caller afterwards */
	struct container target;
	struct hold hold; /* of the source, while it runs */

	/* copying.c only */
	char *dir;     /* STORE/.NAME.creating */
	int folder_fd; /* holds the lock; -1: not made yet */
	struct storage from;
	struct storage to; /* with its paths in dir, once it is made */
	struct storage
		onward; /* what the source goes on with: a layer on what is shared; else no backend */
	bool is_made, onward_is_made;
	struct strings notes; /* what the administrator should know */
	struct identity identity;
};

void copying_init(struct copying *copying, const struct call *call, struct container *source,
                  const char *name);
void copying_done(struct copying *copying);

/* Makes the copy. On error nothing is left. -EINTR when a signal came, -EBUSY when the name is taken. */
int copying_make(struct copying *copying, struct strings *errors, struct error *err);

#endif
