/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The device controller of cgroup v2: a program that the kernel asks at each mknod and open of a
 * device (Documentation/admin-guide/cgroup-v2.rst, "Device controller"; bpf(2)). Internal to
 * src/cgroup.
 */
#ifndef SYSC_CGROUP_DEVICES_BPF_H
#define SYSC_CGROUP_DEVICES_BPF_H

#include <stddef.h>

struct bpf_insn;
struct device_rules;
struct error;

/* The program for rules: 1 when one of them allows all that is asked for, else 0. *count instructions
 * on the heap, the caller's. */
struct bpf_insn *devices_bpf_program(const struct device_rules *rules, size_t *count);

/*
 * Loads the program and attaches it to the v2 cgroup that dir is open on. It ends with the cgroup: no
 * fd is kept. A second one does not replace the first, a device has to pass both, as it has to pass
 * those of the cgroups above and below.
 */
int devices_bpf_attach(int dir, const struct device_rules *rules, struct error *err);

#endif
