/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Project quotas of ext4 and xfs: a limit for all files below a folder. Private to src/storage. */
#ifndef SYSC_STORAGE_QUOTA_H
#define SYSC_STORAGE_QUOTA_H

#include <stdint.h>

struct error;
struct storage_usage;

/* Whether a limit on folders of this file system would hold: 0, or -EOPNOTSUPP with what to do. */
int quota_check(const char *folder, struct error *err);
/*
 * Limits what is below the folder (bytes 0: no limit). An empty folder without a project gets one of its
 * own, which what is made in it inherits; one that has content already is refused (-EOPNOTSUPP).
 */
int quota_set(const char *folder, uint64_t bytes, struct error *err);
/* -EOPNOTSUPP where the folder has no project. */
int quota_usage(const char *folder, struct storage_usage *out, struct error *err);

#endif
