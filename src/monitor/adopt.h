/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A container whose supervisor is gone, both processes of it (state_is_orphan()): a new one takes it over, made
 * by the next command that needs one. When its init ended meanwhile, what is left of it is removed.
 */
#ifndef SYSC_MONITOR_ADOPT_H
#define SYSC_MONITOR_ADOPT_H

struct container;
struct error;

/*
 * Gives container a supervisor if it runs without one, or cleans up if it ended without one; otherwise does
 * nothing. Of several at once one does it, the others wait. The caller may hold the container's lock or not. Needs root.
 */
int adopt_container(const struct container *container, struct error *err);

#endif
