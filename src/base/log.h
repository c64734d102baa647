/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The log of one container: lines "2026-11-22T02:10:00.123Z LEVEL text", appended by one write(2). */
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
void log_close(void);
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "error" "warn" "info" "debug"; -EINVAL. */
int log_parse_level(const char *word, enum log_level *out);

#endif
