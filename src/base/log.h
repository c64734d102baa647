/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The log of one container, and the log of one command that its user wants somewhere else (--log FILE): lines
 * "2026-11-22T02:10:00.123Z LEVEL text", appended by one write(2).
 */
#ifndef SYSC_BASE_LOG_H
#define SYSC_BASE_LOG_H

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG
};

/* Chooses the file (0640, made with its folder when absent; NULL: none) and the least level kept. */
void log_open(const char *file, enum log_level level);
/* Closes both. */
void log_close(void);
/*
 * The same for the log of the command, which takes what log_line() says, too, with a least level of its own.
 * -errno when the file cannot be opened.
 */
int log_open_command(const char *file, enum log_level level);
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Only into the log of the command: what it tells its user. */
void log_command(enum log_level level, const char *text);
/* "error" "warn" "info" "debug"; -EINVAL. */
int log_parse_level(const char *word, enum log_level *out);

#endif
