/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The archive that is packed, as a stream: tar in the words of pax, compressed, to a file or a pipe. What is
 * in it and in which order is archive_pack.c's business. A thread of its own writes it (archive_belt.h), so an
 * error may come out at a later call, at the latest by writer_close().
 */
#ifndef SYSC_HELPERS_ARCHIVE_WRITER_H
#define SYSC_HELPERS_ARCHIVE_WRITER_H

#include "helpers/archive_belt.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct archive;
struct archive_counters;
struct archive_entry;
struct error;
struct gzip;

#define WRITER_BLOCK BELT_MOST /* bytes that are read and written at a time */

enum writer_method {
	METHOD_ZSTD,
	METHOD_GZIP,
	METHOD_XZ,
	METHOD_NONE
};

/* How to write; the caller's. */
struct writer_options {
	int output_fd;
	enum writer_method method;
	const char *level;    /* NULL: the method's own */
	unsigned int threads; /* at least 1 */
	struct archive_counters *counters;
};

struct writer {
	const struct writer_options *options;
	struct archive *archive; /* the second thread's until writer_close(); so is what follows */
	struct gzip *gzip;       /* where its bytes go; NULL: right to the output */
	struct belt belt;
	struct belt_item *taken; /* by writer_take() */
	bool failed;             /* an error was the archive's, not the tree's */
};

/* The word of -z. -EINVAL. */
int writer_parse_method(const char *word, enum writer_method *out);

/* options is borrowed. Pair: writer_close(), which also frees what a failed one made. */
int writer_open(struct writer *writer, const struct writer_options *options, struct error *err);
/* Writes what is still held back; is_good false: nothing more is written. Once, whatever came before. */
int writer_close(struct writer *writer, bool is_good, struct error *err);

/* An entry, copied; its content follows, as much as its size says. */
int writer_begin(struct writer *writer, struct archive_entry *entry, struct error *err);
int writer_write(struct writer *writer, const void *bytes, size_t count, struct error *err);
/* What a hole is for libarchive, which leaves it out by the map of the entry. */
int writer_write_zeros(struct writer *writer, uint64_t count, struct error *err);
/* The same as writer_write() without a copy: room for WRITER_BLOCK bytes (NULL: err), and how many came into it. */
char *writer_take(struct writer *writer, struct error *err);
void writer_give(struct writer *writer, size_t count);
/* A plain file of root's with this name, whose content follows. */
int writer_begin_member(struct writer *writer, const char *name, uint64_t size, struct error *err);
/* The same with its content. */
int writer_add_member(struct writer *writer, const char *name, const char *bytes, size_t length,
                      struct error *err);

#endif
