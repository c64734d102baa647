/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The state file: "key value" lines from a table of fields, and whether what it says still lives. A
 * list of a thousand containers reads a thousand of them: one file and one /proc/PID/stat each, no
 * heap.
 */
#include "container/state.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define STATE_FILE_MAX 8192

static const char *const phase_names[] = {
	[STATE_STOPPED] = "STOPPED",   [STATE_STARTING] = "STARTING", [STATE_RUNNING] = "RUNNING",
	[STATE_FREEZING] = "FREEZING", [STATE_FROZEN] = "FROZEN",     [STATE_STOPPING] = "STOPPING",
};

const char *state_name(enum state_phase phase)
{
	return (size_t)phase < ARRAY_SIZE(phase_names) ? phase_names[phase] : "UNKNOWN";
}

int state_parse(const char *word, enum state_phase *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(phase_names); i++) {
		if (strcasecmp(word, phase_names[i]) != 0)
			continue;
		*out = (enum state_phase)i;
		return 0;
	}
	return -EINVAL;
}

int64_t state_now_ms(void)
{
	struct timespec now = {0};

	(void)clock_gettime(CLOCK_REALTIME, &now); /* cannot fail with a valid clock */
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

enum field_type {
	FIELD_PHASE,
	FIELD_INT,   /* int, pid_t */
	FIELD_TIME,  /* int64_t */
	FIELD_COUNT, /* uint64_t */
	FIELD_TEXT,  /* char [room] */
	FIELD_LINKS, /* one line for each link */
};

struct field {
	const char *name;
	enum field_type type;
	size_t offset, room;
};

#define ROW(name, type)                                      \
	{                                                    \
#name, type, offsetof(struct state, name), 0 \
	}
#define TEXT_ROW(member)                                             \
	{                                                            \
#member, FIELD_TEXT, offsetof(struct state, member), \
			sizeof(((struct state *)0)->member)          \
	}

static const struct field fields[] = {
	ROW(phase, FIELD_PHASE),
	ROW(init_pid, FIELD_INT),
	ROW(init_birth, FIELD_COUNT),
	ROW(monitor_pid, FIELD_INT),
	ROW(monitor_birth, FIELD_COUNT),
	ROW(since_ms, FIELD_TIME),
	ROW(started_ms, FIELD_TIME),
	ROW(ready_ms, FIELD_TIME),
	ROW(keeper_pid, FIELD_INT),
	ROW(keeper_birth, FIELD_COUNT),
	TEXT_ROW(not_ready),
	TEXT_ROW(guest_status),
	ROW(restarts, FIELD_COUNT),
	ROW(restart_limit, FIELD_COUNT),
	ROW(restart_at_ms, FIELD_TIME),
	TEXT_ROW(health),
	TEXT_ROW(unit),
	TEXT_ROW(init_kind),
	ROW(halt_signal, FIELD_INT),
	ROW(reboot_signal, FIELD_INT),
	ROW(kill_signal, FIELD_INT),
	ROW(stop_timeout_ms, FIELD_TIME),
	TEXT_ROW(cgroup),
	TEXT_ROW(id_map),
	ROW(links, FIELD_LINKS),
	TEXT_ROW(stop_who),
	TEXT_ROW(stop_reason),
	TEXT_ROW(stop_decision),
	TEXT_ROW(stop_health),
	ROW(stop_status, FIELD_INT),
	ROW(stopped_ms, FIELD_TIME),
	ROW(stop_oom_kills, FIELD_COUNT),
	TEXT_ROW(failure),
	ROW(failed_ms, FIELD_TIME),
};

void state_init(struct state *state)
{
	*state = (struct state){.phase = STATE_STOPPED,
	                        .restart_limit = UINT64_MAX,
	                        .stop_status = -1,
	                        .stop_oom_kills = UINT64_MAX};
}

/* Newlines, other control characters and the backslash itself, so that a value is one line. */
static void add_escaped(struct text *out, const char *value)
{
	for (; *value; value++) {
		if (*value == '\n')
			text_add(out, "\\n");
		else if (*value == '\\')
			text_add(out, "\\\\");
		else
			text_add_bytes(out, (unsigned char)*value < 32 ? " " : value, 1);
	}
}

/* Undoes add_escaped(); what does not fit is cut. */
static void copy_unescaped(char *out, size_t room, const char *value)
{
	size_t used = 0;

	for (; *value && used + 1 < room; value++) {
		char c = *value;

		if (c == '\\' && value[1]) {
			value++;
			c = *value == 'n' ? '\n' : *value;
		}
		out[used++] = c;
	}
	out[used] = '\0';
}

static void add_field(struct text *out, const struct state *state, const struct field *field)
{
	const void *at = (const char *)state + field->offset;

	switch (field->type) {
	case FIELD_PHASE:
		text_addf(out, "%s %s\n", field->name, state_name(state->phase));
		break;
	case FIELD_INT:
		text_addf(out, "%s %d\n", field->name, *(const int *)at);
		break;
	case FIELD_TIME:
		text_addf(out, "%s %lld\n", field->name, (long long)*(const int64_t *)at);
		break;
	case FIELD_COUNT:
		text_addf(out, "%s %llu\n", field->name, (unsigned long long)*(const uint64_t *)at);
		break;
	case FIELD_TEXT:
		text_addf(out, "%s ", field->name);
		add_escaped(out, at);
		text_add(out, "\n");
		break;
	case FIELD_LINKS:
		for (unsigned int i = 0; i < state->link_count && i < STATE_LINKS_MAX; i++) {
			text_addf(out, "%s ", field->name);
			add_escaped(out, state->links[i]);
			text_add(out, "\n");
		}
		break;
	}
}

static int read_number(void *out, const char *value, enum field_type type)
{
	int64_t number = 0;
	uint64_t count = 0;
	int r = 0;

	if (type == FIELD_COUNT) {
		r = parse_uint(value, UINT64_MAX, &count);
		*(uint64_t *)out = count;
	} else if (type == FIELD_TIME) {
		r = parse_int(value, INT64_MIN, INT64_MAX, &number);
		*(int64_t *)out = number;
	} else {
		r = parse_int(value, INT_MIN, INT_MAX, &number);
		*(int *)out = (int)number;
	}
	return r;
}

static int read_field(struct state *state, const struct field *field, const char *value)
{
	void *at = (char *)state + field->offset;

	switch (field->type) {
	case FIELD_PHASE:
		return state_parse(value, &state->phase);
	case FIELD_TEXT:
		copy_unescaped(at, field->room, value);
		return 0;
	case FIELD_LINKS:
		if (state->link_count == STATE_LINKS_MAX)
			return -E2BIG;
		copy_unescaped(state->links[state->link_count++], sizeof(state->links[0]), value);
		return 0;
	case FIELD_INT:
	case FIELD_TIME:
	case FIELD_COUNT:
		return read_number(at, value, field->type);
	}
	return -EINVAL;
}

static int read_line(struct state *state, char *line)
{
	char *value = strchr(line, ' ');

	if (!value)
		return -EINVAL;
	*value++ = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (text_is(fields[i].name, line))
			return read_field(state, &fields[i], value);
	return 0; /* of a newer version */
}

static int parse_state(struct state *state, char *text, const char *path, struct error *err)
{
	unsigned int number = 0;

	for (char *line = text, *next; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		number++;
		if (read_line(state, line) < 0)
			return fail_plain(err, EINVAL, "%s:%u: not a line of a state file", path,
			                  number);
	}
	return 0;
}

/*
 * State letter and start time of a process from /proc/PID/stat; -ESRCH when it is gone. The name in
 * brackets may hold blanks and brackets itself: the last ')' ends it (proc(5)).
 */
static int read_stat(pid_t pid, char *letter, uint64_t *birth)
{
	char path[64], text[1024], *at;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (pid <= 0 || file_read_small(AT_FDCWD, path, text, sizeof(text)) <= 0)
		return -ESRCH;
	at = strrchr(text, ')');
	if (!at || at[1] != ' ' || !at[2])
		return -ESRCH;
	*letter = at[2];
	at += 2; /* field 3 */
	for (int field = 3; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	if (!at)
		return -ESRCH;
	at[1 + strcspn(at + 1, " ")] = '\0';
	return parse_uint(at + 1, UINT64_MAX, birth) < 0 ? -ESRCH : 0;
}

uint64_t state_process_birth(pid_t pid)
{
	uint64_t birth = 0;
	char letter = '\0';

	return read_stat(pid, &letter, &birth) < 0 ? 0 : birth;
}

/* A process that ended but is not reaped yet (Z, X) does not live. */
static bool is_alive(pid_t pid, uint64_t birth)
{
	uint64_t now = 0;
	char letter = '\0';

	return read_stat(pid, &letter, &now) == 0 && now == birth && letter != 'Z' && letter != 'X';
}

bool state_is_orphan(const struct state *state)
{
	return state->phase != STATE_STOPPED &&
	       !is_alive(state->monitor_pid, state->monitor_birth) &&
	       !is_alive(state->keeper_pid, state->keeper_birth);
}

/* Everybody who could have told how it ended is gone. */
static void note_unseen_end(struct state *state)
{
	if (state->phase == STATE_STARTING) {
		(void)snprintf(state->failure, sizeof(state->failure),
		               "the supervisor was killed during the start");
		state->failed_ms = state->since_ms;
	} else {
		(void)snprintf(state->stop_who, sizeof(state->stop_who),
		               "the guest, while its supervisor was gone");
		state->stop_reason[0] = state->stop_decision[0] = '\0';
		state->stop_status = -1;
		state->stop_oom_kills = UINT64_MAX;
		state->stopped_ms = 0;
	}
	state->phase = STATE_STOPPED;
}

int state_read(const char *run_dir, struct state *state, bool *stale, struct error *err)
{
	char path[PATH_MAX], text[STATE_FILE_MAX];
	struct state read;
	bool gone;
	int n, r;

	state_init(&read);
	if (stale)
		*stale = false;
	n = snprintf(path, sizeof(path), "%s/state", run_dir);
	if (n < 0 || (size_t)n >= sizeof(path))
		return fail(err, ENAMETOOLONG, "read the state in '%s'", run_dir);
	n = file_read_small(AT_FDCWD, path, text, sizeof(text));
	if (n == -ENOENT || n == -ENOTDIR) {
		*state = read;
		return 0;
	}
	if (n < 0)
		return fail(err, -n, "read '%s'", path);
	if (n >= STATE_FILE_MAX - 1)
		return fail(err, EFBIG, "read '%s'", path);
	r = parse_state(&read, text, path, err);
	if (r < 0)
		return r;
	gone = state_is_orphan(&read) && !is_alive(read.init_pid, read.init_birth);
	if (gone)
		note_unseen_end(&read);
	if (stale)
		*stale = gone;
	*state = read;
	return 0;
}

int state_write(const char *run_dir, struct state *state, struct error *err)
{
	CLEAN_FREE char *path = must_printf("%s/state", run_dir);
	CLEAN(text_done) struct text text = {0};
	struct error problem = {0};
	int r;

	if (!state->since_ms)
		state->since_ms = state_now_ms();
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		add_field(&text, state, &fields[i]);
	if (text.length >= STATE_FILE_MAX - 1)
		return fail(err, EFBIG, "write '%s'", path);
	r = file_replace_volatile(AT_FDCWD, path, text.data, text.length, 0600, &problem);
	if (r == -ENOENT) {
		r = file_make_dirs(run_dir, 0700, err);
		return r < 0 ? r
		             : file_replace_volatile(AT_FDCWD, path, text.data, text.length, 0600,
		                                     err);
	}
	if (r < 0 && err)
		*err = problem;
	return r;
}
