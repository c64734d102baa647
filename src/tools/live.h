/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A running container beside its configuration file: what differs, and changing it while it runs. For
 * config set, plan and apply. The caller of what changes something holds the container's lock.
 *
 * To make a key live: its flag KEY_LIVE (container/keys.c), its section in the table of live.c when it is
 * the first of it, its line in man/sysc.container.5, a case in tests/root/live.bats.
 */
#ifndef SYSC_TOOLS_LIVE_H
#define SYSC_TOOLS_LIVE_H

#include "cgroup/cgroup.h"
#include "container/applied.h"
#include "container/state.h"

#include <stdbool.h>
#include <stddef.h>

struct container;
struct error;
struct key;

/* A key of which the file says something else than what the container runs with, or the kernel does. */
struct live_difference {
	const struct key *key;
	char *section, *name; /* name NULL: an interface as a whole */
	char *drift;          /* "memory.max is 1048576": the kernel's; NULL: as applied */
	bool is_live;         /* can be changed while it runs */
};

struct live {
	const struct container *container;
	struct state state;
	struct applied applied; /* .config: what it runs with */
	struct cgroup cgroup;
	struct live_difference *items;
	size_t count;
};

/* True when a change of section.name can be applied to a running container. */
bool live_can(const char *section, const char *name);

/*
 * Looks at what runs: 1, or 0 when nothing does; one between two runs of a reboot is waited for a moment.
 * -ENOENT when what it runs with was not kept (applied.h). for_change: live_change() may follow.
 * Pair: live_done().
 */
int live_open(struct live *live, const struct container *container, bool for_change,
              struct error *err);
void live_done(struct live *live);
/*
 * When live_open() found nothing running, but a supervisor that waits to start the container again: gives it
 * section.name of the file if that is its own to follow (boot.restart …). Nothing to tell is fine.
 */
int live_tell_waiting(struct live *live, const char *section, const char *name, struct error *err);

/* Fills items with all differences to wanted, those of the kernel too. Nothing is changed. */
void live_compare(struct live *live, const struct config *wanted);
/* Makes items this one key. */
void live_name(struct live *live, const char *section, const char *name);

/*
 * Gives the container the values of wanted for all live items: all of them, or on error none. Keys that
 * are not live are left alone.
 */
int live_change(struct live *live, const struct config *wanted, struct error *err);
/* Takes back what the last live_change() did; what goes wrong is put behind what err says. */
void live_undo(struct live *live, struct error *err);
/* False when it has ended or was started anew since live_open(). */
bool live_is_current(const struct live *live);

#endif
