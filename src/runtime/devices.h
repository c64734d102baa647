/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What is in the container's /dev besides ptys. With a user namespace a node is a bind of the host's (a
 * tmpfs of a user namespace has no working nodes); a privileged container gets nodes of its own, so that
 * a chmod inside never reaches the host's.
 */
#ifndef SYSC_RUNTIME_DEVICES_H
#define SYSC_RUNTIME_DEVICES_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct config;
struct error;

struct device_row {
	const char *path; /* below /dev: "null", "net/tun" */
	mode_t mode;      /* with S_IFCHR or S_IFBLK */
	dev_t number;
	uid_t uid;
	gid_t gid;
	int fd; /* detached bind of the host's node, -1 in a privileged container */
};

struct device_list {
	struct device_row *rows;
	size_t count;
	struct strings texts;
};

void device_list_done(struct device_list *list);

/* Supervisor: the standard nodes (each verified on the host) and those of [devices] node. */
int devices_plan(struct device_list *list, const struct config *config, bool privileged,
                 struct error *err);
/* Child, when /dev is in place: nodes and the usual symlinks. No heap. */
int devices_place(const struct device_list *list, struct error *err);

#endif
