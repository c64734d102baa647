/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Handing over from supervisor to monitor; see the header. Both ends walk one table. */
#include "monitor/handover.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#define HANDOVER_BYTES_MAX 65536

enum field_type {
	FIELD_TEXT,
	FIELD_NUMBER,
	FIELD_BOOL,
	FIELD_FD
};

static const struct field {
	const char *name;
	enum field_type type;
	size_t offset;
} fields[] = {
	{"name",             FIELD_TEXT,   offsetof(struct handover, name)            },
	{"store",            FIELD_TEXT,   offsetof(struct handover, store)           },
	{"run_dir",          FIELD_TEXT,   offsetof(struct handover, run_dir)         },
	{"log",              FIELD_TEXT,   offsetof(struct handover, log)             },
	{"console_log",      FIELD_TEXT,   offsetof(struct handover, console_log)     },
	{"program",          FIELD_TEXT,   offsetof(struct handover, program)         },
	{"console_log_size", FIELD_NUMBER, offsetof(struct handover, console_log_size)},
	{"console_buffer",   FIELD_NUMBER, offsetof(struct handover, console_buffer)  },
	{"ephemeral",        FIELD_BOOL,   offsetof(struct handover, ephemeral)       },
	{"pidfd",            FIELD_FD,     offsetof(struct handover, pidfd)           },
	{"listen",           FIELD_FD,     offsetof(struct handover, listen_fd)       },
	{"client",           FIELD_FD,     offsetof(struct handover, client_fd)       },
};

void handover_init(struct handover *handover)
{
	*handover = (struct handover){.pidfd = -1, .listen_fd = -1, .client_fd = -1};
	for (size_t i = 0; i < ARRAY_SIZE(handover->ttys); i++)
		handover->ttys[i] = -1;
}

void handover_done(struct handover *handover)
{
	free(handover->name);
	free(handover->store);
	free(handover->run_dir);
	free(handover->log);
	free(handover->console_log);
	free(handover->program);
	handover_init(handover);
}

static void *at(const struct handover *handover, const struct field *field)
{
	return (char *)(uintptr_t)handover + field->offset;
}

static int keep_open(int fd, bool keep)
{
	return fcntl(fd, F_SETFD, keep ? 0 : FD_CLOEXEC) < 0 ? -errno : 0;
}

int handover_write(const struct handover *handover, struct error *err)
{
	CLEAN(text_done) struct text text = {0};
	CLEAN_FD int fd = memfd_create("sysc-handover", 0);
	int r = 0;

	if (fd < 0)
		return fail(err, errno, "make a memory file");
	for (size_t i = 0; i < ARRAY_SIZE(fields) && r == 0; i++) {
		const void *value = at(handover, &fields[i]);

		if (fields[i].type == FIELD_FD && *(const int *)value < 0)
			continue;
		text_addf(&text, "%s ", fields[i].name);
		if (fields[i].type == FIELD_TEXT)
			text_addf(&text, "%s\n",
			          *(char *const *)value ? *(char *const *)value : "");
		else if (fields[i].type == FIELD_NUMBER)
			text_addf(&text, "%llu\n", (unsigned long long)*(const uint64_t *)value);
		else if (fields[i].type == FIELD_BOOL)
			text_addf(&text, "%d\n", *(const bool *)value);
		else
			text_addf(&text, "%d\n", *(const int *)value);
		if (fields[i].type == FIELD_FD)
			r = keep_open(*(const int *)value, true);
	}
	for (unsigned int i = 0; i < handover->tty_count && r == 0; i++) {
		text_addf(&text, "tty %d\n", handover->ttys[i]);
		r = keep_open(handover->ttys[i], true);
	}
	if (r == 0)
		r = file_write_all(fd, text.data, text.length);
	if (r < 0)
		return fail(err, -r, "hand over to the monitor");
	return fd_take(&fd);
}

static int take_line(struct handover *handover, const char *name, const char *value)
{
	uint64_t number = 0;

	if (strcmp(name, "tty") == 0) {
		if (handover->tty_count == ARRAY_SIZE(handover->ttys) ||
		    parse_uint(value, INT32_MAX, &number) < 0)
			return -EBADMSG;
		handover->ttys[handover->tty_count++] = (int)number;
		return keep_open((int)number, false);
	}
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		void *to = at(handover, &fields[i]);

		if (strcmp(fields[i].name, name) != 0)
			continue;
		if (fields[i].type == FIELD_TEXT) {
			*(char **)to = must_dup(value);
			return 0;
		}
		if (parse_uint(value, fields[i].type == FIELD_FD ? INT32_MAX : UINT64_MAX,
		               &number) < 0)
			return -EBADMSG;
		if (fields[i].type == FIELD_NUMBER)
			*(uint64_t *)to = number;
		else if (fields[i].type == FIELD_BOOL)
			*(bool *)to = number != 0;
		else
			*(int *)to = (int)number;
		return fields[i].type == FIELD_FD ? keep_open((int)number, false) : 0;
	}
	return 0; /* of a newer or older program: not ours to judge */
}

int handover_read(int fd, struct handover *handover, struct error *err)
{
	CLEAN(text_done) struct text text = {0};
	CLEAN_FD int owned = fd;
	char *rest = NULL;
	int r;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return fail(err, errno, "read the handover");
	r = file_read_fd(fd, "handover", HANDOVER_BYTES_MAX, &text, err);
	if (r < 0)
		return r;
	for (char *line = text.data ? strtok_r(text.data, "\n", &rest) : NULL; line && r == 0;
	     line = strtok_r(NULL, "\n", &rest)) {
		char *value = strchr(line, ' ');

		if (!value)
			continue;
		*value++ = '\0';
		r = take_line(handover, line, value);
	}
	if (r == 0 && (!handover->name || !handover->run_dir || handover->pidfd < 0 ||
	               handover->listen_fd < 0 || !handover->tty_count))
		r = -EBADMSG;
	return r < 0 ? fail(err, -r, "read the handover") : 0;
}
