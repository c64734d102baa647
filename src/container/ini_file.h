/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Strict INI files on top of inih: lines up to INI_LINE_MAX bytes, none cut silently, no continuation
 * lines, control characters refused, every problem with its line. Used for sysc.conf and for the
 * configuration of containers.
 */
#ifndef SYSC_CONTAINER_INI_FILE_H
#define SYSC_CONTAINER_INI_FILE_H

#include <stddef.h>

struct error;
struct stat;
struct text;

#define INI_LINE_MAX 4096
#define INI_NAME_MAX 49         /* inih cuts longer names of sections and keys */
#define INI_FILE_MAX (1U << 20) /* bytes of one file */

/* What ini_file_parse() calls. Each may be NULL, but for value and problem. */
struct ini_handler {
	void (*section)(void *user, const char *section, int line);
	void (*value)(void *user, const char *section, const char *name, const char *value,
	              int line);
	void (*problem)(void *user, int line, const char *text);
	void *user;
};

/* One line taken apart, in place. */
enum ini_kind {
	INI_BLANK,   /* nothing or a comment */
	INI_SECTION, /* name */
	INI_VALUE,   /* name, value */
	INI_BROKEN,  /* problem says why */
};

struct ini_line {
	char bytes[INI_LINE_MAX + 1];
	char *name, *value;  /* within bytes */
	const char *comment; /* the inline comment with the blanks before it, within the source */
	size_t comment_length;
	const char *problem;
};

/*
 * Takes apart one line (length bytes, no newline needed). The rules are inih's: blanks around names
 * and values are dropped, a line that begins with ';' or '#' is a comment, as is what follows a blank
 * and ';'.
 */
enum ini_kind ini_line_parse(struct ini_line *line, const char *bytes, size_t length);

/*
 * Opens and reads a file that must be regular, belong to root or the caller and not be writable by
 * others; st (may be NULL) tells which one it was.
 */
int ini_file_read(const char *path, struct text *out, struct stat *st, struct error *err);

/* Walks all lines of a file's text. Problems do not end the walk. */
void ini_file_parse(const struct text *text, const struct ini_handler *handler);

#endif
