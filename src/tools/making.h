/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What every way to a new container has in common (creation.h, copying.h): it is made in the hidden folder
 * STORE/.NAME.creating and gets its name by one rename, when all of it is on the disk.
 */
#ifndef SYSC_TOOLS_MAKING_H
#define SYSC_TOOLS_MAKING_H

struct call;
struct container;
struct error;
struct strings;

/* process_release_signals(). One that came until then: -EINTR; otherwise r, the result of what was done. */
int making_release_signals(int *signals_fd, int r, struct error *err);
/* The number of one that came, with err (EINTR); 0: none did. signals_fd: of process_catch_signals(), or -1. */
int making_check_signals(int signals_fd, struct error *err);

/* STORE/.NAME.creating, on the heap. */
char *making_folder(const struct container *target);
/* -EBUSY when the name is taken, or a folder without a configuration is in the way. */
int making_check_free(const struct container *target, struct error *err);
/*
 * "section.key=value" of an option become lines of the new configuration: the first of a list replaces, the next ones
 * add; a MAC address has its x chosen, and of ids the range that the file has is "auto". option: for the message.
 * Nothing is synced. -EINVAL for what is no such thing.
 */
int making_edit_overrides(const char *file, const struct strings *overrides, const char *option,
                          struct error *err);
/* All of the file system that folder_fd, the folder of the target, is on. -EINTR when a signal came meanwhile. */
int making_write(const struct call *call, const struct container *target, int folder_fd,
                 int signals_fd, struct error *err);
/* Gives the folder its name: from here on the container is there. */
int making_publish(const char *folder, const struct container *target, struct error *err);
/* Removes the folder, with a line of progress; what cannot be removed is told. */
void making_remove(const struct call *call, const struct container *target);

#endif
