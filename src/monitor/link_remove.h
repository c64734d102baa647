/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Removing a link by name without libnl, which would be most of a supervisor's memory. */
#ifndef SYSC_MONITOR_LINK_REMOVE_H
#define SYSC_MONITOR_LINK_REMOVE_H

/* RTM_DELLINK (rtnetlink(7)) and its acknowledgement. 0 also when there is no such link; -errno. */
int link_remove(const char *name);

#endif
