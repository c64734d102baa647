/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Filling a struct error. Nothing here allocates: the child between clone and exec uses it too. */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int fail(struct error *err, int code, const char *format, ...)
{
	int saved = errno;
	va_list ap;
	size_t used;

	if (code <= 0)
		code = EIO;
	if (!err)
		return -code;
	err->code = code;
	va_start(ap, format);
	(void)vsnprintf(err->text, sizeof(err->text), format, ap); /* cutting a long text is fine */
	va_end(ap);
	used = strlen(err->text);
	/* strerrordesc_np() neither locks nor allocates, unlike strerror() */
	(void)snprintf(err->text + used, sizeof(err->text) - used, ": %s",
	               strerrordesc_np(code) ? strerrordesc_np(code) : "unknown error");
	errno = saved;
	return -code;
}

int fail_plain(struct error *err, int code, const char *format, ...)
{
	int saved = errno;
	va_list ap;

	if (code <= 0)
		code = EIO;
	if (!err)
		return -code;
	err->code = code;
	va_start(ap, format);
	(void)vsnprintf(err->text, sizeof(err->text), format, ap);
	va_end(ap);
	errno = saved;
	return -code;
}

int fail_in(struct error *err, const char *format, ...)
{
	char where[ERROR_TEXT_MAX];
	size_t length, rest;
	va_list ap;

	if (!err)
		return -EIO;
	va_start(ap, format);
	(void)vsnprintf(where, sizeof(where) - 2, format, ap);
	va_end(ap);
	length = strlen(where);
	where[length++] = ':';
	where[length++] = ' ';
	rest = strlen(err->text);
	if (rest > sizeof(err->text) - 1 - length)
		rest = sizeof(err->text) - 1 - length;
	memmove(err->text + length, err->text, rest);
	memcpy(err->text, where, length);
	err->text[length + rest] = '\0';
	return -err->code;
}

int fail_hint(struct error *err, const char *format, ...)
{
	size_t used;
	va_list ap;

	if (!err)
		return -EIO;
	used = strlen(err->text);
	if (used + 4 >= sizeof(err->text))
		return -err->code;
	err->text[used++] = ' ';
	err->text[used++] = '(';
	va_start(ap, format);
	(void)vsnprintf(err->text + used, sizeof(err->text) - used - 1, format, ap);
	va_end(ap);
	used = strlen(err->text);
	err->text[used] = ')';
	err->text[used + 1] = '\0';
	return -err->code;
}

void error_clear(struct error *err)
{
	if (!err)
		return;
	err->code = 0;
	err->text[0] = '\0';
}
