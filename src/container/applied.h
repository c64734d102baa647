/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The configuration that a running container has: RUN/NAME/applied, lines "section.key=value" of the
 * values in force, options -s of the start counted. The start writes it; a live change adds lines to it,
 * of which the last one counts (an empty value clears). Whoever adds works on the file that it opened: what
 * it says belongs to that run and no other, since the next start puts a new file in its place.
 */
#ifndef SYSC_CONTAINER_APPLIED_H
#define SYSC_CONTAINER_APPLIED_H

#include "container/config.h"

#include <sys/types.h>

struct error;

struct applied {
	int fd;
	off_t size;           /* before the last change */
	struct config config; /* as it was when it was opened */
};

/* Puts the values of config into a new file (0600) in run_dir, which exists. */
int applied_write(const char *run_dir, const struct config *config, struct error *err);

/*
 * Reads the file; for a change it stays open. -ENOENT when there is none: the container was started by a
 * sysc that did not keep it. Pair: applied_done().
 */
int applied_open(struct applied *applied, const char *run_dir, bool for_change, struct error *err);
void applied_done(struct applied *applied);

/* Adds to lines what gives section.name the values that it has in config. */
void applied_line(struct text *lines, const struct config *config, const char *section,
                  const char *name);
/* Adds lines by one write(2), all of them or none; the caller holds the container's lock. */
int applied_add(struct applied *applied, const struct text *lines, struct error *err);
/* Takes back what the last applied_add() did. */
void applied_take_back(struct applied *applied);

#endif
