/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The capabilities that a container keeps (capabilities(7)). */
#ifndef SYSC_SECURITY_CAPABILITIES_H
#define SYSC_SECURITY_CAPABILITIES_H

#include "container/config.h"

#include <stdint.h>

struct error;

/*
 * The mask (bit n: capability n) to keep in the bounding set: keep_capabilities where given, otherwise
 * all that the kernel knows but the default drops and drop_capabilities. CAP_SYS_RAWIO is dropped so
 * that systemd guests do not mount debugfs.
 */
int capabilities_keep_mask(const struct config *config, uint64_t *out, struct error *err);
/* One value of [security] keep_capabilities/drop_capabilities: "sys_time", "CAP_SYS_TIME". */
int capabilities_parse(const char *name, unsigned int *out, struct error *err);
/*
 * In the child, after the user namespace is entered: drops every other capability from the bounding
 * set, empties inheritable and ambient. No allocation. 0 or -errno.
 */
int capabilities_limit(uint64_t keep_mask);

#endif
