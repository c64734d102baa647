/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The log of one container and the log of one command. The targets are the globals of the program: a supervisor
 * has one container, and every line is one write(2) to a file opened for appending, so processes may share it.
 */
#include "base/log.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define LINE_MAX_BYTES 4096

static const char *const level_words[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARN] = "warn",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

struct target {
	int fd;
	enum log_level least;
};

static struct target of_container = {-1, LOG_LEVEL_INFO}, of_command = {-1, LOG_LEVEL_INFO};

static void make_folder(const char *file)
{
	const char *slash = strrchr(file, '/');
	CLEAN_FREE char *folder = NULL;

	if (!slash || slash == file)
		return;
	folder = must_printf("%.*s", (int)(slash - file), file);
	(void)file_make_dirs(folder, 0755, NULL); /* the open that follows tells */
}

static int open_target(struct target *target, const char *file, enum log_level level)
{
	int flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC;
	CLEAN_FD int fd = -1;

	fd_close(&target->fd);
	target->least = level;
	if (!file)
		return 0;
	fd = open(file, flags, 0640);
	if (fd < 0 && errno == ENOENT) {
		make_folder(file);
		fd = open(file, flags, 0640);
	}
	/* above the three streams, which a supervisor replaces */
	if (fd >= 0)
		target->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return target->fd < 0 ? -errno : 0;
}

void log_open(const char *file, enum log_level level)
{
	(void)open_target(&of_container, file, level); /* must not stop a container */
}

int log_open_command(const char *file, enum log_level level)
{
	return open_target(&of_command, file, level);
}

void log_close(void)
{
	fd_close(&of_container.fd);
	fd_close(&of_command.fd);
}

/* "2026-11-22T02:10:00.123Z LEVEL "; the length. */
static size_t format_head(char *line, size_t room, enum log_level level)
{
	struct timespec now = {0};
	struct tm tm = {0};
	size_t length;
	int n;

	(void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail with a valid clock */
	(void)gmtime_r(&now.tv_sec, &tm);
	length = strftime(line, room, "%Y-%m-%dT%H:%M:%S", &tm);
	n = snprintf(line + length, room - length, ".%03dZ %s ", (int)(now.tv_nsec / 1000000),
	             level_words[level]);
	return length + (size_t)n;
}

static bool is_wanted(const struct target *target, enum log_level level)
{
	return target->fd >= 0 && level <= target->least;
}

static void write_line(bool to_container, bool to_command, enum log_level level, const char *format,
                       va_list ap)
{
	int saved = errno;
	char line[LINE_MAX_BYTES];
	size_t length = format_head(line, sizeof(line), level);
	size_t room = sizeof(line) - length - 1; /* one for the end of the line */
	int n = vsnprintf(line + length, room, format, ap);

	if (n < 0)
		n = 0;
	if ((size_t)n >= room) /* a longer text is cut */
		n = (int)room - 1;
	for (size_t i = length; i < length + (size_t)n; i++)
		if ((unsigned char)line[i] < 32 || line[i] == 127)
			line[i] = ' '; /* one event is one line, and safe to show */
	length += (size_t)n;
	line[length++] = '\n';
	/* a full disk must not stop a container */
	if (to_container)
		(void)file_write_all(of_container.fd, line, length);
	if (to_command)
		(void)file_write_all(of_command.fd, line, length);
	errno = saved;
}

void log_line(enum log_level level, const char *format, ...)
{
	bool to_container = is_wanted(&of_container, level);
	bool to_command = is_wanted(&of_command, level);
	va_list ap;

	if (!to_container && !to_command)
		return;
	va_start(ap, format);
	write_line(to_container, to_command, level, format, ap);
	va_end(ap);
}

static void write_command(enum log_level level, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	write_line(false, true, level, format, ap);
	va_end(ap);
}

void log_command(enum log_level level, const char *text)
{
	if (is_wanted(&of_command, level))
		write_command(level, "%s", text);
}

int log_parse_level(const char *word, enum log_level *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(level_words); i++)
		if (strcasecmp(word, level_words[i]) == 0) {
			*out = (enum log_level)i;
			return 0;
		}
	return -EINVAL;
}
