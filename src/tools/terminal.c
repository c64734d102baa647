/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Raw mode of the caller's terminal; see termios(3). */
#include "tools/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

void raw_terminal_set(struct raw_terminal *terminal, int fd)
{
	struct termios raw;

	terminal->fd = -1;
	if (tcgetattr(fd, &terminal->saved) < 0)
		return;
	raw = terminal->saved;
	cfmakeraw(&raw);
	raw.c_oflag |= OPOST; /* our own lines still end well */
	if (tcsetattr(fd, TCSADRAIN, &raw) == 0)
		terminal->fd = fd;
}

void raw_terminal_restore(struct raw_terminal *terminal)
{
	if (terminal->fd >= 0)
		(void)tcsetattr(terminal->fd, TCSADRAIN, &terminal->saved); /* it may be gone */
	terminal->fd = -1;
}

bool terminal_size(int fd, unsigned int *rows, unsigned int *columns)
{
	struct winsize size;

	if (ioctl(fd, TIOCGWINSZ, &size) < 0)
		return false;
	*rows = size.ws_row;
	*columns = size.ws_col;
	return true;
}
