/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * inih reads lines of 200 bytes and cuts names at 49. This reader takes the physical lines apart
 * first; what inih could not hold whole is handed to it as a reference, and the handler takes the real
 * name and value from here.
 */
#include "container/ini_file.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <string.h>
#include <sys/stat.h>

#define INIH_LINE_SAFE 190 /* of the 200 bytes that a distribution's libinih reads */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static enum ini_kind broken(struct ini_line *line, const char *problem)
{
	line->problem = problem;
	return INI_BROKEN;
}

/* Where the inline comment begins (at the blank before ';'), or the end. */
static char *find_comment(char *string)
{
	for (char *at = string; *at; at++)
		if (is_blank(at[0]) && at[1] == ';')
			return at;
	return string + strlen(string);
}

static enum ini_kind parse_section(struct ini_line *line, char *at)
{
	char *end = strchr(at, ']');

	if (!end)
		return broken(line, "the section's name is not closed by ']'");
	if (*text_trim(end + 1))
		return broken(line, "text after the section's name");
	*end = '\0';
	line->name = text_trim(at + 1);
	if (!*line->name)
		return broken(line, "a section without a name");
	if (strlen(line->name) > INI_NAME_MAX)
		return broken(line, "a section name longer than 49 characters");
	return INI_SECTION;
}

static enum ini_kind parse_value(struct ini_line *line, char *at)
{
	char *equals = strchr(at, '=');

	if (!equals)
		return broken(line, "neither 'key = value' nor '[section]'");
	*equals = '\0';
	line->name = text_trim(at);
	line->value = text_trim(equals + 1);
	if (!*line->name)
		return broken(line, "a value without a key before '='");
	if (strlen(line->name) > INI_NAME_MAX)
		return broken(line, "a key longer than 49 characters");
	return INI_VALUE;
}

enum ini_kind ini_line_parse(struct ini_line *line, const char *bytes, size_t length)
{
	char *at = line->bytes, *comment, *end;

	line->name = line->value = NULL;
	line->comment = NULL;
	line->comment_length = 0;
	if (length && bytes[length - 1] == '\n')
		length--;
	if (length && bytes[length - 1] == '\r')
		length--;
	if (length > INI_LINE_MAX)
		return broken(line, "a line longer than 4096 bytes");
	memcpy(at, bytes, length);
	at[length] = '\0';
	if (strlen(at) != length || text_has_control(at, true))
		return broken(line, "a control character");
	at += strspn(at, " \t");
	if (!*at || *at == ';' || *at == '#')
		return INI_BLANK;
	comment = find_comment(at);
	/* all blanks before the comment belong to it, so that an edit keeps its column */
	for (end = comment; end > at && is_blank(end[-1]);)
		end--;
	line->comment = bytes + (end - line->bytes);
	line->comment_length = length - (size_t)(end - line->bytes);
	*end = '\0';
	return *at == '[' ? parse_section(line, at) : parse_value(line, at);
}

static int check_owner(int fd, const char *path, struct stat *st, struct error *err)
{
	if (fstat(fd, st) < 0)
		return fail(err, errno, "look at '%s'", path);
	if (!S_ISREG(st->st_mode))
		return fail_plain(err, EINVAL, "'%s' is not a regular file", path);
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return fail_plain(err, EPERM,
		                  "'%s' belongs to user %u, neither to root nor to you "
		                  "(chown it)",
		                  path, (unsigned int)st->st_uid);
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return fail_plain(err, EPERM, "'%s' can be written by others (chmod go-w '%s')",
		                  path, path);
	return 0;
}

int ini_file_read(const char *path, struct text *out, struct stat *st, struct error *err)
{
	/* not blocking: a fifo must not hang us before it is refused */
	CLEAN_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat own;
	int r;

	if (fd < 0)
		return fail(err, errno, "open '%s'", path);
	r = check_owner(fd, path, st ? st : &own, err);
	if (r < 0)
		return r;
	return file_read_fd(fd, path, INI_FILE_MAX, out, err);
}

struct reader {
	const char *at, *end; /* what is left of the file */
	int number;           /* of the line handed out last */
	bool by_reference;    /* inih has only a stand-in for line.name and line.value */
	struct ini_line line;
	const struct ini_handler *handler;
};

/* Puts what inih shall see of one line into out, which has room for it by INIH_LINE_SAFE. */
static void hand_out(struct reader *reader, enum ini_kind kind, char *out, size_t room)
{
	const struct ini_line *line = &reader->line;
	const struct ini_handler *handler = reader->handler;
	int n = 0;

	reader->by_reference = false;
	switch (kind) {
	case INI_BLANK:
		break;
	case INI_BROKEN:
		handler->problem(handler->user, reader->number, line->problem);
		break;
	case INI_SECTION:
		if (handler->section)
			handler->section(handler->user, line->name, reader->number);
		n = snprintf(out, room, "[%s]\n", line->name);
		break;
	case INI_VALUE:
		/* inih would also split at ':', and drop a value that begins with ';' */
		reader->by_reference =
			strlen(line->name) + strlen(line->value) + 4 > INIH_LINE_SAFE ||
			strpbrk(line->name, ":;") || *line->value == ';';
		if (reader->by_reference)
			n = snprintf(out, room, "reference = line\n");
		else
			n = snprintf(out, room, "%s = %s\n", line->name, line->value);
		break;
	}
	if (n <= 0 || (size_t)n >= room)
		memcpy(out, "\n", 2);
}

/* As fgets(3), for inih. */
static char *read_line(char *out, int room, void *stream)
{
	struct reader *reader = stream;
	const char *newline;
	size_t length;

	if (reader->at == reader->end || room < INIH_LINE_SAFE)
		return NULL;
	newline = memchr(reader->at, '\n', (size_t)(reader->end - reader->at));
	length = (size_t)((newline ? newline + 1 : reader->end) - reader->at);
	reader->number++;
	hand_out(reader, ini_line_parse(&reader->line, reader->at, length), out, (size_t)room);
	reader->at += length;
	return out;
}

static int take_value(void *user, const char *section, const char *name, const char *value)
{
	const struct reader *reader = user;
	const struct ini_handler *handler = reader->handler;

	if (reader->by_reference) {
		name = reader->line.name;
		value = reader->line.value;
	}
	handler->value(handler->user, section, name, value, reader->number);
	return 1;
}

void ini_file_parse(const struct text *text, const struct ini_handler *handler)
{
	struct reader reader = {.handler = handler};
	int r;

	if (!text->length)
		return;
	reader.at = text->data;
	reader.end = text->data + text->length;
	if (text_starts(text->data, "\xef\xbb\xbf"))
		reader.at += 3;
	r = ini_parse_stream(read_line, &reader, take_value, &reader);
	/* every line was checked before inih saw it: this is a difference between the two */
	if (r != 0)
		handler->problem(handler->user, r > 0 ? r : 1, "not understood");
	else if (reader.at != reader.end)
		handler->problem(handler->user, reader.number + 1, "the rest is not read");
}
