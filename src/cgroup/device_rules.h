/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a container may do with which device, before it is known whether the v1 controller or a BPF
 * program holds it to that: the base set, [devices] node and [devices] allow as one list. Internal to
 * src/cgroup.
 */
#ifndef SYSC_CGROUP_DEVICE_RULES_H
#define SYSC_CGROUP_DEVICE_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config;
struct error;

/* The kernel's own bits: BPF_DEVCG_ACC_* of linux/bpf.h, DEVCG_ACC_* of the v1 controller. */
enum {
	DEVICE_MKNOD = 1,
	DEVICE_READ = 2,
	DEVICE_WRITE = 4,
	DEVICE_ACCESS_ALL = 7
};

#define DEVICE_ANY       UINT32_MAX /* "*" */
#define DEVICE_RULE_ROOM 40         /* "c 4294967294:4294967294 rwm" */

struct device_rule {
	char type;             /* 'c', 'b'; 'a': every access to every device */
	uint32_t major, minor; /* or DEVICE_ANY */
	unsigned int access;
};

/* Zeroed is empty; what no rule allows is denied. */
struct device_rules {
	struct device_rule *rows;
	size_t count;
};

void device_rules_done(struct device_rules *rules);

/* Adds rule; two of the same device become one with the access of both, as in the v1 controller. */
void device_rules_add(struct device_rules *rules, const struct device_rule *rule);
/* True when a rule allows everything. */
bool device_rules_allow_all(const struct device_rules *rules);
/* The base set, each [devices] node (rw) and each [devices] allow; an error names key and line. */
int device_rules_build(struct device_rules *rules, const struct config *config, struct error *err);

/*
 * One line of [devices] allow: "/dev/fuse rwm" (the device that is there now), "c 10:229 rwm", "a".
 * Without an access it is rwm.
 */
int device_rules_parse(const char *line, struct device_rule *rule, struct error *err);
/* As the v1 controller takes and shows it: "c 10:229 rwm", "a". */
void device_rules_format(const struct device_rule *rule, char out[DEVICE_RULE_ROOM]);

#endif
