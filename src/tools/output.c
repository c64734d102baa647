/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing lines and choosing exit codes; see the header. stdio is not used: it buffers over fork. */
#include "tools/output.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/table.h"
#include "base/text.h"
#include "tools/command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>

static void add_formatted(struct text *text, const char *format, va_list ap)
{
	char *string = NULL;

	if (vasprintf(&string, format, ap) < 0)
		return;
	text_add(text, string);
	free(string);
}

/* -q leaves out what only warns. */
static void say(const struct call *call, enum log_level level, const char *name, const char *what)
{
	CLEAN(text_done) struct text line = {0};

	text_addf(&line, "%s: ", call->program);
	if (name)
		text_addf(&line, "%s: ", name);
	text_add(&line, what);
	log_command(level, line.data);
	if (call->quiet && level == LOG_LEVEL_WARN)
		return;
	text_add(&line, "\n");
	(void)file_write_all(STDERR_FILENO, line.data, line.length); /* nowhere else to say it */
}

/* ENOENT is said of many files; only a container that is not defined is "no such container". */
static bool is_defined(const struct call *call, const char *name)
{
	CLEAN_FREE char *file = NULL;

	if (!name || !call->paths.store)
		return true;
	file = must_printf("%s/%s/config", call->paths.store, name);
	return file_exists(AT_FDCWD, file);
}

static int exit_code_for(const struct call *call, const char *name, int code)
{
	switch (code) {
	case ENOENT:
		return is_defined(call, name) ? EXIT_FAILED : EXIT_NO_CONTAINER;
	case EBUSY:
	case ESRCH:
		return EXIT_WRONG_STATE;
	case ETIMEDOUT:
		return EXIT_TIMED_OUT;
	default:
		return EXIT_FAILED;
	}
}

/* What mends it, where no place that failed could say it better. */
static const struct {
	int code;
	const char *hint;
} remedies[] = {
	{ENOSPC, "make room on that file system, and try again"                 },
	{EDQUOT, "raise the quota or make room in it, and try again"            },
	{EROFS,  "mount that file system writable; an error may have changed it"},
};

int output_error(const struct call *call, const char *name, const struct error *err)
{
	struct error told = *err;

	for (size_t i = 0; i < ARRAY_SIZE(remedies); i++)
		if (err->code == remedies[i].code && !text_ends(err->text, ")"))
			(void)fail_hint(&told, "%s", remedies[i].hint);
	say(call, LOG_LEVEL_ERROR, name, told.text);
	return exit_code_for(call, name, err->code);
}

int output_errors(const struct call *call, const char *name, const struct strings *errors,
                  const struct error *err)
{
	if (!errors->count)
		return output_error(call, name, err);
	for (size_t i = 0; i < errors->count; i++)
		say(call, LOG_LEVEL_ERROR, name, errors->items[i]);
	return exit_code_for(call, name, err->code);
}

int output_usage(const struct call *call, const char *format, ...)
{
	CLEAN(text_done) struct text line = {0};
	va_list ap;

	va_start(ap, format);
	add_formatted(&line, format, ap);
	va_end(ap);
	text_addf(&line, " (see %s %s)", call->program, call->command ? "--help" : "help");
	say(call, LOG_LEVEL_ERROR, NULL, line.data);
	return EXIT_USAGE;
}

void output_line(const struct call *call, const char *format, ...)
{
	CLEAN(text_done) struct text line = {0};
	va_list ap;

	va_start(ap, format);
	add_formatted(&line, format, ap);
	va_end(ap);
	log_command(LOG_LEVEL_INFO, line.data ? line.data : "");
	if (call->quiet)
		return;
	text_add(&line, "\n");
	(void)output_text(call, &line); /* a line that informs; data goes by output_text itself */
}

void output_note(const struct call *call, const char *format, ...)
{
	CLEAN(text_done) struct text line = {0};
	va_list ap;

	va_start(ap, format);
	add_formatted(&line, format, ap);
	va_end(ap);
	say(call, LOG_LEVEL_WARN, NULL, line.data ? line.data : "");
}

int output_text(const struct call *call, const struct text *text)
{
	struct error err = {0};
	int r = text->length ? file_write_all(STDOUT_FILENO, text->data, text->length) : 0;

	if (r == 0)
		return EXIT_DONE;
	(void)fail(&err, -r, "write to standard output");
	return output_error(call, NULL, &err);
}

void output_json_begin(struct json *json)
{
	json_object(json, NULL);
	json_number(json, "schema", 1);
}

int output_json(const struct call *call, const struct json *json)
{
	return output_text(call, &json->text);
}

int output_progress_fd(const struct call *call)
{
	return call->quiet || call->json || call->many ? -1 : STDERR_FILENO;
}
