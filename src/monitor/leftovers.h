/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a start makes outside of the container, and taking it away after the end. */
#ifndef SYSC_MONITOR_LEFTOVERS_H
#define SYSC_MONITOR_LEFTOVERS_H

struct state;

/*
 * Removes the links and the cgroup that state names; what is gone already is fine, what cannot be removed is
 * logged. Notes in state how many processes the kernel killed for memory: the counter goes with the cgroup.
 */
void leftovers_remove(struct state *state);
/*
 * Removes the sockets. Before STOPPED is written: then the socket of that name may be the next supervisor's.
 * Who has connected already hears the end after it was written.
 */
void leftovers_remove_socket(const char *run_dir);

#endif
