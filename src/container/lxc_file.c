/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lines as LXC takes them: "key = value", '#' begins a comment line, what does not begin with "lxc." is no line, a
 * value may stand in quotes. The file may belong to a user of the host, so what it includes must be readable for that
 * user too, be regular, and not be endless.
 */
#include "container/lxc_file.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

void lxc_reader_done(struct lxc_reader *reader)
{
	strings_done(&reader->kept);
}

const char *lxc_reader_keep(struct lxc_reader *reader, char *string)
{
	strings_give(&reader->kept, string);
	return string;
}

/* --- lines --- */

/* LXC takes one pair of quotes away. */
static char *without_quotes(char *value)
{
	size_t length = strlen(value);

	if (length < 2 || value[0] != value[length - 1] || !strchr("\"'", value[0]))
		return value;
	value[length - 1] = '\0';
	return value + 1;
}

static void take_line(struct lxc_reader *reader, const char *path, int number, char *text,
                      size_t length)
{
	struct lxc_line line = {.file = path, .number = number, .key = "", .value = ""};
	char *equals;

	line.order = reader->lines;
	if (length > LXC_LINE_MAX) {
		reader->problem(reader->user, &line, "a line longer than 4096 bytes");
		return;
	}
	if (strlen(text) != length) {
		reader->problem(reader->user, &line, "a NUL byte");
		return;
	}
	text = text_trim(text);
	if (!text_starts(text, "lxc.")) /* LXC does not look at it either */
		return;
	text = must_dup(text);
	line.key = lxc_reader_keep(reader, text);
	equals = strchr(text, '=');
	if (!equals || text_has_control(text, true)) {
		reader->problem(reader->user, &line,
		                equals ? "a control character" : "not of the form KEY = VALUE");
		return;
	}
	*equals = '\0';
	line.key = text_trim(text);
	line.value = without_quotes(text_trim(equals + 1));
	line.name = line.key;
	reader->line(reader->user, &line);
}

void lxc_reader_parse(struct lxc_reader *reader, const char *path, struct text *text)
{
	const char *name = lxc_reader_keep(reader, must_dup(path));
	char *at = text->data, *end = at + text->length, *newline;

	for (int number = 1; at && at < end; number++, at = newline + 1) {
		size_t length;

		newline = memchr(at, '\n', (size_t)(end - at));
		if (!newline)
			newline = end; /* text is terminated there */
		length = (size_t)(newline - at);
		*newline = '\0';
		if (length && at[length - 1] == '\r')
			at[--length] = '\0';
		if (reader->lines++ == LXC_LINES_MAX) {
			const struct lxc_line line = {
				.file = name, .number = number, .key = "", .value = ""};

			reader->problem(reader->user, &line, "more than 4096 lines: the rest");
		}
		if (reader->lines > LXC_LINES_MAX)
			return;
		take_line(reader, name, number, at, length);
	}
}

/* --- files --- */

/* Opens what is a file or a folder and not a trap, and what its owner could have read himself. */
static int open_safely(struct lxc_reader *reader, const char *path, struct stat *st,
                       struct error *err)
{
	CLEAN_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0 || fstat(fd, st) < 0)
		return fail(err, errno, "open '%s'", path);
	if (!S_ISREG(st->st_mode) && !S_ISDIR(st->st_mode))
		return fail_plain(err, EINVAL, "'%s' is neither a file nor a folder", path);
	if (!reader->has_owner)
		reader->owner = st->st_uid;
	reader->has_owner = true;
	if (reader->owner != 0 && st->st_uid != reader->owner && !(st->st_mode & S_IROTH))
		return fail_plain(err, EACCES,
		                  "user %u, whose configuration it is, cannot read '%s'",
		                  (unsigned int)reader->owner, path);
	return fd_take(&fd);
}

int lxc_reader_text(struct lxc_reader *reader, const char *path, struct text *out,
                    struct error *err)
{
	struct stat st;
	CLEAN_FD int fd = open_safely(reader, path, &st, err);

	if (fd < 0)
		return fd;
	if (!S_ISREG(st.st_mode))
		return fail_plain(err, EINVAL, "'%s' is no file", path);
	return file_read_fd(fd, path, LXC_FILE_MAX, out, err);
}

static bool is_conf(const char *name)
{
	return name[0] != '.' && text_ends(name, ".conf");
}

/* Its *.conf, by name; what one of them lacks is a problem of its own. */
static int read_folder(struct lxc_reader *reader, int *fd, const char *path, struct error *err)
{
	CLEAN(strings_done) struct strings names = {0};
	CLEAN_DIR DIR *dir = fdopendir(*fd);
	const struct dirent *entry;

	if (!dir)
		return fail(err, errno, "read '%s'", path);
	(void)fd_take(fd); /* the stream's from here */
	while ((entry = readdir(dir)))
		if (is_conf(entry->d_name))
			strings_add(&names, entry->d_name);
	strings_sort(&names);
	for (size_t i = 0; i < names.count; i++) {
		CLEAN_FREE char *file = must_printf("%s/%s", path, names.items[i]);
		struct lxc_line line = {.file = path, .key = "", .value = ""};
		struct error why = {0};

		line.file = lxc_reader_keep(reader, must_dup(file));
		if (lxc_reader_read(reader, file, &why) < 0)
			reader->problem(reader->user, &line, why.text);
	}
	return 0;
}

static int read_one(struct lxc_reader *reader, int *fd, const struct stat *st, const char *path,
                    struct error *err)
{
	CLEAN(text_done) struct text text = {0};
	int r;

	if (S_ISDIR(st->st_mode))
		return read_folder(reader, fd, path, err);
	r = file_read_fd(*fd, path, LXC_FILE_MAX, &text, err);
	if (r == 0)
		lxc_reader_parse(reader, path, &text);
	return r;
}

int lxc_reader_read(struct lxc_reader *reader, const char *path, struct error *err)
{
	struct stat st;
	CLEAN_FD int fd = open_safely(reader, path, &st, err);
	int r;

	if (fd < 0)
		return fd;
	for (unsigned int i = 0; i < reader->depth; i++)
		if (reader->open[i].device == st.st_dev && reader->open[i].inode == st.st_ino)
			return fail_plain(err, ELOOP, "'%s' includes itself", path);
	if (reader->depth == LXC_DEPTH_MAX || reader->files == LXC_FILES_MAX)
		return fail_plain(err, ELOOP, "'%s': more than %d files, or %d inside each other",
		                  path, LXC_FILES_MAX, LXC_DEPTH_MAX);
	reader->files++;
	reader->open[reader->depth].device = st.st_dev;
	reader->open[reader->depth].inode = st.st_ino;
	reader->depth++;
	r = read_one(reader, &fd, &st, path, err);
	reader->depth--;
	return r;
}
