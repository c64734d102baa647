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

/* What a terminal takes is a multiple of this, so that the next one is aligned and begins on a page of its own. */
#define MEMORY_UNIT ((size_t)4096)

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
	struct terminal_memory *memory = terminal->memory;

	append_log(terminal, bytes, count);
	if (!terminal->size)
		return;
	while (count) {
		size_t at = (size_t)(memory->head % terminal->size);
		size_t n = terminal->size - at < count ? terminal->size - at : count;

		memcpy(memory->bytes + at, bytes, n);
		memory->head += n;
		bytes += n;
		count -= n;
	}
}

size_t terminal_read(const struct terminal *terminal, uint64_t *cursor, char *out, size_t room)
{
	const struct terminal_memory *memory = terminal->memory;
	size_t count = 0;

	if (memory->head - *cursor > terminal->size)
		*cursor = memory->head - terminal->size;
	while (*cursor < memory->head && count < room) {
		size_t at = (size_t)(*cursor % terminal->size);
		size_t n = terminal->size - at;

		if (n > memory->head - *cursor)
			n = (size_t)(memory->head - *cursor);
		if (n > room - count)
			n = room - count;
		memcpy(out + count, memory->bytes + at, n);
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

static char *input_of(const struct terminal *terminal)
{
	return terminal->memory->bytes + terminal->size;
}

static void write_some(struct terminal *terminal)
{
	struct terminal_memory *memory = terminal->memory;
	ssize_t n = write(terminal->source.fd, input_of(terminal), memory->input_length);

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		memory->input_length = 0; /* the pty is gone: so is what was typed */
	if (n > 0) {
		memory->input_length -= (uint64_t)n;
		memmove(input_of(terminal), input_of(terminal) + n, memory->input_length);
	}
	(void)loop_watch(terminal->loop, &terminal->source,
	                 EPOLLIN | (memory->input_length ? EPOLLOUT : 0U));
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

size_t terminal_memory_size(size_t ring_size)
{
	size_t size = sizeof(struct terminal_memory) + ring_size + TERMINAL_INPUT_MAX;

	return (size + MEMORY_UNIT - 1) / MEMORY_UNIT * MEMORY_UNIT;
}

int terminal_open(struct terminal *terminal, struct loop *loop, int ptx_fd,
                  struct terminal_memory *memory, size_t ring_size)
{
	int flags = fcntl(ptx_fd, F_GETFL);

	*terminal = (struct terminal){
		.source = {.fd = ptx_fd, .ready = ready},
		.loop = loop,
		.memory = memory,
		.size = ring_size,
		.log_fd = -1
        };
	if (memory->input_length > TERMINAL_INPUT_MAX)
		memory->input_length = 0; /* not ours */
	terminal->peer_fd = ioctl(ptx_fd, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (flags < 0 || fcntl(ptx_fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	return loop_add(loop, &terminal->source, EPOLLIN | (memory->input_length ? EPOLLOUT : 0U));
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
	struct terminal_memory *memory = terminal->memory;

	if (count > TERMINAL_INPUT_MAX - memory->input_length)
		return false;
	memcpy(input_of(terminal) + memory->input_length, bytes, count);
	memory->input_length += count;
	write_some(terminal);
	return true;
}

void terminal_resize(struct terminal *terminal, unsigned int rows, unsigned int columns)
{
	struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};

	(void)ioctl(terminal->source.fd, TIOCSWINSZ, &size); /* only a convenience */
}
