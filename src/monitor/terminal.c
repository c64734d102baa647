/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ring, log and input queue of one pty; see the header. */
#include "monitor/terminal.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

static void rotate_log(struct terminal *terminal)
{
	CLEAN_FREE char *old = must_printf("%s.1", terminal->log_path);

	fd_close(&terminal->log_fd);
	if (rename(terminal->log_path, old) < 0)
		terminal->log_path = NULL; /* keep quiet rather than grow without end */
}

static void append_log(struct terminal *terminal, const char *bytes, size_t count)
{
	struct stat st;

	if (!terminal->log_path)
		return;
	if (terminal->log_fd < 0) {
		terminal->log_fd =
			open(terminal->log_path,
		             O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640);
		if (terminal->log_fd < 0 || fstat(terminal->log_fd, &st) < 0) {
			terminal->log_path = NULL;
			return;
		}
		terminal->log_size = (uint64_t)st.st_size;
	}
	/* a full disk must not stop the guest: what cannot be kept is lost here, not in the ring */
	(void)file_write_all(terminal->log_fd, bytes, count);
	terminal->log_size += count;
	if (terminal->log_most && terminal->log_size > terminal->log_most)
		rotate_log(terminal);
}

static void keep(struct terminal *terminal, const char *bytes, size_t count)
{
	append_log(terminal, bytes, count);
	if (!terminal->size)
		return;
	if (!terminal->ring)
		terminal->ring = must_alloc(terminal->size);
	while (count) {
		size_t at = (size_t)(terminal->head % terminal->size);
		size_t n = terminal->size - at < count ? terminal->size - at : count;

		memcpy(terminal->ring + at, bytes, n);
		terminal->head += n;
		bytes += n;
		count -= n;
	}
}

size_t terminal_read(const struct terminal *terminal, uint64_t *cursor, char *out, size_t room)
{
	size_t count = 0;

	if (!terminal->ring)
		return 0;
	if (terminal->head - *cursor > terminal->size)
		*cursor = terminal->head - terminal->size;
	while (*cursor < terminal->head && count < room) {
		size_t at = (size_t)(*cursor % terminal->size);
		size_t n = terminal->size - at;

		if (n > terminal->head - *cursor)
			n = (size_t)(terminal->head - *cursor);
		if (n > room - count)
			n = room - count;
		memcpy(out + count, terminal->ring + at, n);
		*cursor += n;
		count += n;
	}
	return count;
}

static bool read_some(struct terminal *terminal)
{
	char buffer[4096];
	ssize_t n = read(terminal->source.fd, buffer, sizeof(buffer));

	if (n <= 0)
		return false;
	keep(terminal, buffer, (size_t)n);
	return true;
}

static void write_some(struct terminal *terminal)
{
	ssize_t n = write(terminal->source.fd, terminal->input, terminal->input_length);

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		terminal->input_length = 0; /* the pty is gone: so is what was typed */
	if (n > 0) {
		terminal->input_length -= (size_t)n;
		memmove(terminal->input, terminal->input + n, terminal->input_length);
	}
	(void)loop_watch(terminal->loop, &terminal->source,
	                 EPOLLIN | (terminal->input_length ? EPOLLOUT : 0U));
}

static void ready(struct loop_source *source, uint32_t events)
{
	struct terminal *terminal = (struct terminal *)source; /* its first member */

	if (events & EPOLLOUT)
		write_some(terminal);
	if (events & EPOLLIN)
		(void)read_some(terminal); /* nothing to read is fine */
	else if (events & (EPOLLHUP | EPOLLERR))
		loop_remove(terminal->loop, source);
	if (terminal->changed)
		terminal->changed(terminal);
}

int terminal_open(struct terminal *terminal, struct loop *loop, int ptx_fd, size_t ring_size)
{
	int flags = fcntl(ptx_fd, F_GETFL);

	*terminal = (struct terminal){
		.source = {.fd = ptx_fd, .ready = ready},
		.loop = loop,
		.size = ring_size,
		.log_fd = -1
        };
	terminal->peer_fd = ioctl(ptx_fd, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (flags < 0 || fcntl(ptx_fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	return loop_add(loop, &terminal->source, EPOLLIN);
}

void terminal_log_to(struct terminal *terminal, const char *path, uint64_t most)
{
	terminal->log_path = path;
	terminal->log_most = most;
}

void terminal_close(struct terminal *terminal)
{
	fd_close(&terminal->source.fd);
	fd_close(&terminal->peer_fd);
	fd_close(&terminal->log_fd);
	free(terminal->ring);
	terminal->ring = NULL;
}

void terminal_drain(struct terminal *terminal)
{
	while (read_some(terminal))
		continue;
	if (terminal->changed)
		terminal->changed(terminal);
}

bool terminal_write(struct terminal *terminal, const char *bytes, size_t count)
{
	if (count > sizeof(terminal->input) - terminal->input_length)
		return false;
	memcpy(terminal->input + terminal->input_length, bytes, count);
	terminal->input_length += count;
	write_some(terminal);
	return true;
}

void terminal_resize(struct terminal *terminal, unsigned int rows, unsigned int columns)
{
	struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};

	(void)ioctl(terminal->source.fd, TIOCSWINSZ, &size); /* only a convenience */
}
