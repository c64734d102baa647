/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How much a copy has to do, counted a little at a time while it is done: it costs a copy nothing that ends soon, and
 * tells how long another one takes. Private to src/storage.
 */
#ifndef SYSC_STORAGE_COPY_COUNT_H
#define SYSC_STORAGE_COPY_COUNT_H

#include <stdbool.h>
#include <stdint.h>

struct copy_count;

/* Of the tree at root_fd, which is the caller's. */
struct copy_count *copy_count_new(int root_fd);
void copy_count_free(struct copy_count *count); /* NULL is fine */
/* Counts for about so long; true when all is counted. What cannot be read counts nothing: the copy tells. */
bool copy_count_go_on(struct copy_count *count, int64_t most_ms);
void copy_count_result(const struct copy_count *count, uint64_t *bytes, uint64_t *entries);

#endif
