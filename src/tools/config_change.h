/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One change of a configuration, in the running container and in the file: for config set and unset. */
#ifndef SYSC_TOOLS_CONFIG_CHANGE_H
#define SYSC_TOOLS_CONFIG_CHANGE_H

struct call;
struct config_edit;
struct container;
struct error;

/*
 * Makes the change, the caller holding the lock of container (names only). A key that is live reaches the
 * running container first; the file is written once that has worked, so that an error leaves both as they
 * were, and a kill leaves something that plan tells and apply mends. rootfs.size reaches the tree of a stopped
 * container too; one that lets it grow is written first, so that a killed one is gone on with by the next start.
 * Says so when it waits for the next start. -ENOENT when there is nothing to unset.
 */
int config_change(const struct call *call, const struct container *container,
                  const struct config_edit *change, struct error *err);

#endif
