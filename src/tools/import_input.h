/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The archive that sysc-import reads: a file, or a pipe, which can be read once only and still is needed twice
 * at its beginning.
 */
#ifndef SYSC_TOOLS_IMPORT_INPUT_H
#define SYSC_TOOLS_IMPORT_INPUT_H

#include <stdbool.h>
#include <sys/types.h>

struct call;
struct error;
struct text;

struct import_input {
	const char *file; /* as named; "-" */
	int fd;
	bool is_file; /* it can be read twice */
	int head_fd;  /* what was read of a pipe until now */
	pid_t relay;  /* gives a helper head and rest of a pipe; 0: none */
};

void import_input_init(struct import_input *input, const char *file);
void import_input_done(struct import_input *input);

int import_input_open(struct import_input *input, struct error *err);
/*
 * What an archive of sysc-export says of itself: "MANIFEST\n\nLENGTH\nCONFIG" of each part (is_first: only of the
 * first) is added to text. 1: it is one; 0: it is something else.
 */
int import_input_head(const struct import_input *input, const struct call *call, bool is_first,
                      struct text *text, struct error *err);
/* Makes a pipe a file without a name, in the store, so that it can be read again; a file stays what it is. */
int import_input_keep(struct import_input *input, const struct call *call, struct error *err);
/* Gives all of a pipe once, from its start: into a FIFO, or (NULL) a pipe whose end is returned. */
int import_input_relay(struct import_input *input, const char *fifo, struct error *err);

#endif
