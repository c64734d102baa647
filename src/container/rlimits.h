/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Resource limits by the names of prlimit(1); see setrlimit(2). */
#ifndef SYSC_CONTAINER_RLIMITS_H
#define SYSC_CONTAINER_RLIMITS_H

#include <sys/resource.h>
#include <sys/types.h>

struct error;

/* "nofile" and "1024:524288", "unlimited", "64". */
int rlimits_parse(const char *name, const char *value, int *resource, struct rlimit *out,
                  struct error *err);
/* In a process about to become part of a container: takes over the limits of process pid. What may not be
 * raised (no CAP_SYS_RESOURCE) stays as it is. */
void rlimits_copy_from(pid_t pid);

#endif
