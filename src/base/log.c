/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The log of one container. The log target is the one global of the program: a supervisor has one
 * container, and every line is one write(2) to a file opened for appending, so processes may share it.
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

static int log_fd = -1;
static enum log_level log_least = LOG_LEVEL_INFO;

static void make_folder(const char *file)
{
	const char *slash = strrchr(file, '/');
	CLEAN_FREE char *folder = NULL;

	if (!slash || slash == file)
		return;
	folder = must_printf("%.*s", (int)(slash - file), file);
	(void)file_make_dirs(folder, 0755, NULL); /* the open that follows tells */
}

void log_open(const char *file, enum log_level level)
{
	int flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC;
	CLEAN_FD int fd = -1;

	log_close();
	log_least = level;
	if (!file)
		return;
	fd = open(file, flags, 0640);
	if (fd < 0 && errno == ENOENT) {
		make_folder(file);
		fd = open(file, flags, 0640);
	}
	/* above the three streams, which a supervisor replaces */
	if (fd >= 0)
		log_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

void log_close(void)
{
	fd_close(&log_fd);
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

void log_line(enum log_level level, const char *format, ...)
{
	int saved = errno;
	char line[LINE_MAX_BYTES];
	size_t length, room;
	va_list ap;
	int n;

	if (log_fd < 0 || level > log_least)
		return;
	length = format_head(line, sizeof(line), level);
	room = sizeof(line) - length - 1; /* one for the end of the line */
	va_start(ap, format);
	n = vsnprintf(line + length, room, format, ap);
	va_end(ap);
	if (n < 0)
		n = 0;
	if ((size_t)n >= room) /* a longer text is cut */
		n = (int)room - 1;
	for (size_t i = length; i < length + (size_t)n; i++)
		if ((unsigned char)line[i] < 32 || line[i] == 127)
			line[i] = ' '; /* one event is one line, and safe to show */
	length += (size_t)n;
	line[length++] = '\n';
	(void)file_write_all(log_fd, line, length); /* a full disk must not stop a container */
	errno = saved;
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
