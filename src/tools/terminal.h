/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The caller's own terminal: raw mode and back, window size. */
#ifndef SYSC_TOOLS_TERMINAL_H
#define SYSC_TOOLS_TERMINAL_H

#include <stdbool.h>
#include <termios.h>

struct raw_terminal {
	int fd; /* -1: not changed */
	struct termios saved;
};

/* Puts fd into raw mode if it is a terminal; otherwise does nothing. Pair: raw_terminal_restore(). */
void raw_terminal_set(struct raw_terminal *terminal, int fd);
void raw_terminal_restore(struct raw_terminal *terminal);
/* The size of the window of fd; false when it is no terminal. */
bool terminal_size(int fd, unsigned int *rows, unsigned int *columns);

#endif
