/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The supervisor's side of one pty of the container: keeps what was printed in a ring (and the console's
 * also in a file), passes it to whoever is connected, and passes input back. The guest never waits for a
 * reader; a reader that is too slow loses the oldest bytes.
 */
#ifndef SYSC_MONITOR_TERMINAL_H
#define SYSC_MONITOR_TERMINAL_H

#include "base/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define TERMINAL_INPUT_MAX 4096

/*
 * What must outlive the process that looks after the pty: mapped from a memfd that the keeper holds too. All of
 * it is zero at first, and a page that was never touched costs nothing.
 */
struct terminal_memory {
	uint64_t head;         /* bytes ever printed */
	uint64_t shown;        /* how many of them the client of the handover has got */
	uint64_t input_length; /* what the pty has not taken yet */
	char bytes[];          /* the ring, then TERMINAL_INPUT_MAX bytes of input */
};

struct terminal {
	struct loop_source source; /* controlling side of the pty */
	struct loop *loop;
	int peer_fd; /* the other side, held so that reads never end while no getty has it open */
	struct terminal_memory *memory; /* not owned */
	size_t size;                    /* of the ring */
	const char *log_path;           /* NULL: not kept; not owned */
	uint64_t log_size, log_most;
	int log_fd;
	/* called after new output, and when input is empty again */
	void (*changed)(struct terminal *terminal);
	void *client; /* who is connected, NULL nobody */
};

/* Bytes of memory for a terminal with a ring of this size; a multiple of the page's. */
size_t terminal_memory_size(size_t ring_size);
/* Takes ptx_fd over and adds it to the loop. memory holds what an earlier process left there, or zeros. */
int terminal_open(struct terminal *terminal, struct loop *loop, int ptx_fd,
                  struct terminal_memory *memory, size_t ring_size);
/* Appends output to path (0640) from now on; over most bytes it is renamed to path.1. */
void terminal_log_to(struct terminal *terminal, const char *path, uint64_t most);
void terminal_close(struct terminal *terminal);
/* Reads what is left in the pty without waiting: at the container's end. */
void terminal_drain(struct terminal *terminal);
/* False when there is no room: ask again after changed(). count is at most TERMINAL_INPUT_MAX. */
bool terminal_write(struct terminal *terminal, const char *bytes, size_t count);
void terminal_resize(struct terminal *terminal, unsigned int rows, unsigned int columns);
/* Copies output from *cursor on (moved to the oldest byte that is still there), at most room bytes. */
size_t terminal_read(const struct terminal *terminal, uint64_t *cursor, char *out, size_t room);

#endif
