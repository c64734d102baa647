/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ephemeral copies that were made to be started at once, and were not yet: STORE/.NAME.unstarted, with the
 * process that is to start them. Where that was killed nobody waits for the copy any more.
 */
#ifndef SYSC_STORAGE_UNSTARTED_H
#define SYSC_STORAGE_UNSTARTED_H

struct container;
struct error;
struct paths;

/*
 * By the process that starts it, when the name is taken (.NAME.creating is there) and the container is not:
 * its configuration is known, with the UUID.
 */
int unstarted_mark(const struct container *container, struct error *err);
/* When it runs, or is to stay although it does not. */
void unstarted_clear(const struct paths *paths, const char *name);
/*
 * Gives those that nobody starts any more the name of what is being destroyed (.NAME.destroying), for
 * sweep_all(), which calls this.
 */
int unstarted_sweep(const struct paths *paths, struct error *err);
/* The start of one failed: the next sweep removes it. */
int unstarted_give_up(const struct paths *paths, const char *name, struct error *err);

#endif
