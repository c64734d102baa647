/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The supervisor's memory as text; see the header. Who writes and who reads walk one table. */
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
#include <sys/stat.h>

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
	{"name",               FIELD_TEXT,   offsetof(struct handover, name)              },
	{"store",              FIELD_TEXT,   offsetof(struct handover, store)             },
	{"run_dir",            FIELD_TEXT,   offsetof(struct handover, run_dir)           },
	{"log",		FIELD_TEXT,   offsetof(struct handover, log)               },
	{"console_log",        FIELD_TEXT,   offsetof(struct handover, console_log)       },
	{"program",            FIELD_TEXT,   offsetof(struct handover, program)           },
	{"monitor",            FIELD_TEXT,   offsetof(struct handover, monitor)           },
	{"console_log_size",   FIELD_NUMBER, offsetof(struct handover, console_log_size)  },
	{"console_buffer",     FIELD_NUMBER, offsetof(struct handover, console_buffer)    },
	{"asked_signal",       FIELD_NUMBER, offsetof(struct handover, asked_signal)      },
	{"next",               FIELD_NUMBER, offsetof(struct handover, next)              },
	{"exit_code",          FIELD_NUMBER, offsetof(struct handover, exit_code)         },
	{"ready",              FIELD_NUMBER, offsetof(struct handover, ready)             },
	{"ready_command",      FIELD_TEXT,   offsetof(struct handover, ready_command)     },
	{"ready_timeout_ms",   FIELD_NUMBER, offsetof(struct handover, ready_timeout_ms)  },
	{"ready_wants_route",  FIELD_BOOL,   offsetof(struct handover, ready_wants_route) },
	{"restart",            FIELD_NUMBER, offsetof(struct handover, policy.restart)    },
	{"restart_delay_ms",   FIELD_NUMBER, offsetof(struct handover, policy.delay_ms)   },
	{"restart_limit",      FIELD_NUMBER, offsetof(struct handover, policy.limit)      },
	{"health_command",     FIELD_TEXT,   offsetof(struct handover, health_command)    },
	{"health_interval_ms", FIELD_NUMBER, offsetof(struct handover, health_interval_ms)},
	{"health_timeout_ms",  FIELD_NUMBER, offsetof(struct handover, health_timeout_ms) },
	{"health_retries",     FIELD_NUMBER, offsetof(struct handover, health_retries)    },
	{"health_action",      FIELD_NUMBER, offsetof(struct handover, health_action)     },
	{"is_asked",           FIELD_BOOL,   offsetof(struct handover, is_asked)          },
	{"is_unhealthy",       FIELD_BOOL,   offsetof(struct handover, is_unhealthy)      },
	{"has_deadline",       FIELD_BOOL,   offsetof(struct handover, has_deadline)      },
	{"no_reboot",          FIELD_BOOL,   offsetof(struct handover, no_reboot)         },
	{"ephemeral",          FIELD_BOOL,   offsetof(struct handover, ephemeral)         },
	{"pidfd",              FIELD_FD,     offsetof(struct handover, pidfd)             },
	{"ready_fd",           FIELD_FD,     offsetof(struct handover, ready_fd)          },
	{"listen",             FIELD_FD,     offsetof(struct handover, listen_fd)         },
	{"client",             FIELD_FD,     offsetof(struct handover, client_fd)         },
 /* the number tells how the memory is laid out: another layout is another key */
	{"memory1",            FIELD_FD,     offsetof(struct handover, memory_fd)         },
};

void handover_init(struct handover *handover)
{
	*handover = (struct handover){.pidfd = -1,
	                              .listen_fd = -1,
	                              .ready_fd = -1,
	                              .client_fd = -1,
	                              .memory_fd = -1,
	                              .policy.limit = UINT64_MAX};
	for (size_t i = 0; i < ARRAY_SIZE(handover->ttys); i++)
		handover->ttys[i] = -1;
}

static void *at(const struct handover *handover, const struct field *field)
{
	return (char *)(uintptr_t)handover + field->offset;
}

void handover_done(struct handover *handover)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (fields[i].type == FIELD_TEXT)
			free(*(char **)at(handover, &fields[i]));
	handover_init(handover);
}

static int keep_open(int fd, bool keep)
{
	return fcntl(fd, F_SETFD, keep ? 0 : FD_CLOEXEC) < 0 ? -errno : 0;
}

static void format(const struct handover *handover, struct text *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const void *value = at(handover, &fields[i]);

		if (fields[i].type == FIELD_FD && *(const int *)value < 0)
			continue;
		text_addf(out, "%s ", fields[i].name);
		if (fields[i].type == FIELD_TEXT)
			text_addf(out, "%s\n", *(char *const *)value ? *(char *const *)value : "");
		else if (fields[i].type == FIELD_NUMBER)
			text_addf(out, "%llu\n", (unsigned long long)*(const uint64_t *)value);
		else if (fields[i].type == FIELD_BOOL)
			text_addf(out, "%d\n", *(const bool *)value);
		else
			text_addf(out, "%d\n", *(const int *)value);
	}
	for (unsigned int i = 0; i < handover->tty_count; i++)
		text_addf(out, "tty %d\n", handover->ttys[i]);
}

int handover_update(int fd, const struct handover *handover, struct error *err)
{
	CLEAN(text_done) struct text text = {0};
	struct stat st;
	ssize_t n;

	format(handover, &text);
	if (fstat(fd, &st) < 0)
		return fail(err, errno, "write the handover");
	while (text.length < (size_t)st.st_size) /* what a longer text left is covered */
		text_add(&text, "\n");
	if (text.length > HANDOVER_BYTES_MAX)
		return fail(err, EFBIG, "write the handover");
	n = pwrite(fd, text.data, text.length, 0);
	if (n < 0 || (size_t)n != text.length)
		return fail(err, n < 0 ? errno : ENOSPC, "write the handover");
	return 0;
}

static int mark_all(int fd, const struct handover *handover, bool keep)
{
	int r = keep_open(fd, keep);

	for (size_t i = 0; i < ARRAY_SIZE(fields) && r == 0; i++)
		if (fields[i].type == FIELD_FD && *(int *)at(handover, &fields[i]) >= 0)
			r = keep_open(*(int *)at(handover, &fields[i]), keep);
	for (unsigned int i = 0; i < handover->tty_count && r == 0; i++)
		r = keep_open(handover->ttys[i], keep);
	return r;
}

int handover_pass(int fd, const struct handover *handover, struct error *err)
{
	int r = mark_all(fd, handover, true);

	return r < 0 ? fail(err, -r, "hand over to the monitor") : 0;
}

int handover_write(const struct handover *handover, struct error *err)
{
	CLEAN_FD int fd = memfd_create("sysc-handover", MFD_CLOEXEC);
	int r;

	if (fd < 0)
		return fail(err, errno, "make a memory file");
	r = handover_update(fd, handover, err);
	if (r == 0)
		r = handover_pass(fd, handover, err);
	return r < 0 ? r : fd_take(&fd);
}

static int take_line(struct handover *handover, const char *name, const char *value)
{
	uint64_t number = 0;

	if (strcmp(name, "tty") == 0) {
		if (handover->tty_count == ARRAY_SIZE(handover->ttys) ||
		    parse_uint(value, INT32_MAX, &number) < 0)
			return -EBADMSG;
		handover->ttys[handover->tty_count++] = (int)number;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		void *to = at(handover, &fields[i]);

		if (strcmp(fields[i].name, name) != 0)
			continue;
		if (fields[i].type == FIELD_TEXT) {
			free(*(char **)to); /* twice: the last one counts */
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
		return 0;
	}
	return 0; /* of a newer or older program: not ours to judge */
}

/* The whole text, terminated (heap). */
static char *read_text(int fd, struct error *err)
{
	CLEAN_FREE char *text = NULL;
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0 || st.st_size < 0 || st.st_size > HANDOVER_BYTES_MAX) {
		(void)fail(err, EBADMSG, "read the handover");
		return NULL;
	}
	text = must_alloc((size_t)st.st_size + 1);
	n = pread(fd, text, (size_t)st.st_size, 0);
	if (n != st.st_size) {
		(void)fail(err, n < 0 ? errno : EBADMSG, "read the handover");
		return NULL;
	}
	return ptr_take(text);
}

int handover_read(int fd, struct handover *handover, struct error *err)
{
	CLEAN_FREE char *text = read_text(fd, err);
	char *rest = NULL;
	int r = 0;

	if (!text)
		return -EBADMSG;
	for (char *line = strtok_r(text, "\n", &rest); line && r == 0;
	     line = strtok_r(NULL, "\n", &rest)) {
		char *value = strchr(line, ' ');

		if (!value)
			continue;
		*value++ = '\0';
		r = take_line(handover, line, value);
	}
	if (r == 0 && (!handover->name || !handover->run_dir || handover->listen_fd < 0))
		r = -EBADMSG;
	if (r == 0)
		r = mark_all(fd, handover, false);
	return r < 0 ? fail(err, -r, "read the handover") : 0;
}
