/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * systemd-machined's list of machines (org.freedesktop.machine1(5)): a container in it can be named to
 * machinectl, systemctl -M, journalctl -M.
 */
#ifndef SYSC_RUNTIME_MACHINED_H
#define SYSC_RUNTIME_MACHINED_H

struct container;
struct error;
struct running;

/*
 * Registers a running container, in the place of the same one before a reboot. machined forgets it when its
 * unit of systemd (cgroup/systemd.h) has ended. Asks over the bus and may wait for machined to be started,
 * at most some seconds. -ENXIO when there is no machined; -EEXIST when another machine has the name.
 */
int machined_register(const struct container *container, const struct running *running,
                      struct error *err);

#endif
