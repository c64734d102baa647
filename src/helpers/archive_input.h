/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The bytes of an archive, unpacked by a thread of its own (archive_belt.h): gzip, bzip2, xz, lzma, lz4, zstd or
 * none. In the confined child only, which it does not outlive: a thread that waits for a pipe is not waited for.
 */
#ifndef SYSC_HELPERS_ARCHIVE_INPUT_H
#define SYSC_HELPERS_ARCHIVE_INPUT_H

#include <stdbool.h>
#include <sys/types.h>

struct archive_counters;
struct error;
struct input;

/* Starts to read; counters->input is how many bytes were. Never freed. NULL with err. */
struct input *input_open(int fd, struct archive_counters *counters, struct error *err);
/* Whether input_next() would wait now. */
bool input_must_wait(struct input *input);
/* The next bytes, good until the next call: how many, 0 at the end, -errno. */
ssize_t input_next(struct input *input, const void **out, struct error *err);

#endif
