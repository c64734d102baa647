/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * gzip by several threads. The stream is cut into blocks that are compressed side by side, each with the end of the
 * one before as its dictionary, and joined to one member (RFC 1952) that every reader takes for an ordinary one.
 * In the confined child only.
 */
#ifndef SYSC_HELPERS_ARCHIVE_GZIP_H
#define SYSC_HELPERS_ARCHIVE_GZIP_H

#include <stdbool.h>
#include <stddef.h>

struct error;
struct gzip;

#define GZIP_LEVEL_DEFAULT (-1) /* zlib's own choice */
#define GZIP_LEVEL_MOST    9

/* Where it goes: all of the bytes, in their order, in the thread of who calls the functions below. 0, -errno. */
typedef int gzip_output(void *user, const void *bytes, size_t count, struct error *err);

/* threads: at least 1, beside that of who calls. Pair: gzip_close(). NULL with err. */
struct gzip *gzip_open(int level, unsigned int threads, gzip_output *output, void *user,
                       struct error *err);
/* Takes bytes, and puts out what is ready; waits where the threads have enough to do. */
int gzip_write(struct gzip *gzip, const void *bytes, size_t count, struct error *err);
/* Puts out the rest and the end of the member; is_good false: nothing more. Frees it either way; NULL is fine. */
int gzip_close(struct gzip *gzip, bool is_good, struct error *err);

#endif
