/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Figures to a line of a terminal (console_codes(4)); see the header. */
#include "base/progress.h"

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/process.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define DRAW_MS       100    /* between two drawings */
#define SAMPLE_MS     500    /* between two samples */
#define ESTIMATE_FROM 1000   /* ms: the first moments tell nothing of how long it will be */
#define LEFT_MOST     360000 /* seconds: more is not known but guessed */
#define ENTRY_WORK    16384  /* an entry costs as much as the content of so many bytes */
#define COLUMNS       80     /* of a terminal that does not tell */
#define BAR_MOST      24
#define BAR_LEAST     8
#define RECORD        '\036' /* begins the line of a record: no message does */
#define FIGURE_ROOM   48

enum figure {
	FIGURE_PERCENT,
	FIGURE_ENTRIES,
	FIGURE_BYTES,
	FIGURE_RATE,
	FIGURE_TIME,
	FIGURE_COUNT
};

/* In a line that is too short for all of them those at the end are left out. */
static const enum figure by_weight[FIGURE_COUNT] = {FIGURE_PERCENT, FIGURE_TIME, FIGURE_RATE,
                                                    FIGURE_BYTES, FIGURE_ENTRIES};

/* --- figures --- */

/* Bytes alone say nothing of a tree of many small files. */
static uint64_t work_of(uint64_t bytes, uint64_t entries, const struct progress_amount *amount)
{
	return amount->all_entries ? bytes + entries * ENTRY_WORK : bytes;
}

static uint64_t done_of(const struct progress_amount *amount)
{
	return work_of(amount->bytes, amount->entries, amount);
}

static uint64_t all_of(const struct progress_amount *amount)
{
	return work_of(amount->all_bytes, amount->all_entries, amount);
}

void progress_sample(struct progress *progress, const struct progress_amount *amount,
                     int64_t now_ms)
{
	const struct progress_sample *newest =
		&progress->samples[(progress->next + PROGRESS_SAMPLES - 1) % PROGRESS_SAMPLES];

	if (!progress->next || amount->bytes < newest->bytes || amount->entries < newest->entries) {
		progress->next = 0;
		progress->began_ms = now_ms;
	}
	if (progress->next && now_ms < newest->at_ms + SAMPLE_MS)
		return;
	progress->samples[progress->next++ % PROGRESS_SAMPLES] =
		(struct progress_sample){now_ms, amount->bytes, amount->entries};
}

static const struct progress_sample *oldest_sample(const struct progress *progress)
{
	unsigned int first =
		progress->next > PROGRESS_SAMPLES ? progress->next % PROGRESS_SAMPLES : 0;

	return &progress->samples[first];
}

/* "1.7 MiB", "0.25 GiB", in the unit of size. */
static void format_amount(uint64_t bytes, uint64_t size, bool has_unit, char out[FIGURE_ROOM])
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
	unsigned int i = 0;
	uint64_t hundredths;
	int digits;

	while (i + 1 < ARRAY_SIZE(units) && size >= 1000ULL << (10 * (i + 1)))
		i++;
	hundredths = (bytes >> (10 * i)) * 100 / 1024;
	digits = i < 2 ? 1 : 2; /* what is small needs no more */
	(void)snprintf(out, FIGURE_ROOM, "%" PRIu64 ".%0*u%s%s", hundredths / 100, digits,
	               (unsigned int)(hundredths % 100) / (digits == 1 ? 10 : 1),
	               has_unit ? " " : "", has_unit ? units[i] : "");
}

static void format_bytes(const struct progress_amount *amount, char out[FIGURE_ROOM])
{
	char done[FIGURE_ROOM], all[FIGURE_ROOM];

	if (!amount->all_bytes) {
		format_amount(amount->bytes, amount->bytes, true, out);
		return;
	}
	format_amount(amount->bytes, amount->all_bytes, false, done);
	format_amount(amount->all_bytes, amount->all_bytes, true, all);
	(void)snprintf(out, FIGURE_ROOM, "%.16s of %.16s", done, all);
}

static void format_seconds(uint64_t seconds, const char *end, char out[FIGURE_ROOM])
{
	if (seconds < 3600)
		(void)snprintf(out, FIGURE_ROOM, "%" PRIu64 ":%02" PRIu64 "%s", seconds / 60,
		               seconds % 60, end);
	else
		(void)snprintf(out, FIGURE_ROOM, "%" PRIu64 ":%02" PRIu64 ":%02" PRIu64 "%s",
		               seconds / 3600, seconds / 60 % 60, seconds % 60, end);
}

/* Of the last seconds, in what most of the work is. */
static void format_rate(const struct progress_sample *since, const struct progress_amount *amount,
                        int64_t now_ms, char out[FIGURE_ROOM])
{
	uint64_t span_ms = (uint64_t)(now_ms - since->at_ms);
	uint64_t bytes = amount->bytes - since->bytes, entries = amount->entries - since->entries;
	char text[FIGURE_ROOM];

	if (bytes < entries * ENTRY_WORK && (amount->all_entries || !amount->bytes)) {
		(void)snprintf(out, FIGURE_ROOM, "%" PRIu64 " entries/s", entries * 1000 / span_ms);
		return;
	}
	format_amount(bytes * 1000 / span_ms, bytes * 1000 / span_ms, true, text);
	(void)snprintf(out, FIGURE_ROOM, "%.16s/s", text);
}

static void format_left(const struct progress_sample *since, const struct progress_amount *amount,
                        int64_t now_ms, char out[FIGURE_ROOM])
{
	uint64_t span_ms = (uint64_t)(now_ms - since->at_ms), done = done_of(amount);
	uint64_t step = done - work_of(since->bytes, since->entries, amount), left;

	if (!step || __builtin_mul_overflow(all_of(amount) - done, span_ms, &left))
		return;
	left = left / step / 1000;
	if (left < LEFT_MOST)
		format_seconds(left, " left", out);
}

/* How long it will be, or has been where the end is not known. */
static void format_time(const struct progress *progress, const struct progress_amount *amount,
                        int64_t now_ms, char out[FIGURE_ROOM])
{
	const struct progress_sample *since = oldest_sample(progress);
	uint64_t done = done_of(amount), all = all_of(amount);

	if (!all)
		format_seconds((uint64_t)(now_ms - progress->began_ms) / 1000, "", out);
	else if (done >= all) /* or more: the tree grew while it was read */
		(void)snprintf(out, FIGURE_ROOM, "%s", progress->at_end ? progress->at_end : "");
	else if (progress->next && now_ms >= since->at_ms + ESTIMATE_FROM)
		format_left(since, amount, now_ms, out);
}

static void format_figures(const struct progress *progress, const struct progress_amount *amount,
                           int64_t now_ms, char figures[FIGURE_COUNT][FIGURE_ROOM])
{
	const struct progress_sample *since = oldest_sample(progress);
	uint64_t done = done_of(amount), all = all_of(amount);

	if (all)
		(void)snprintf(figures[FIGURE_PERCENT], FIGURE_ROOM, "%3u%%",
		               done >= all ? 100U
		                           : (unsigned int)((unsigned __int128)done * 100 / all));
	else if (amount->entries)
		(void)snprintf(figures[FIGURE_ENTRIES], FIGURE_ROOM, "%" PRIu64 " entries%s%s",
		               amount->entries, progress->counted ? " " : "",
		               progress->counted ? progress->counted : "");
	if (amount->bytes || amount->all_bytes)
		format_bytes(amount, figures[FIGURE_BYTES]);
	if (progress->next && now_ms >= since->at_ms + ESTIMATE_FROM)
		format_rate(since, amount, now_ms, figures[FIGURE_RATE]);
	format_time(progress, amount, now_ms, figures[FIGURE_TIME]);
}

/* --- the line --- */

/* Leaves out what there is no room for; the columns that are left. */
static unsigned int fit(char figures[FIGURE_COUNT][FIGURE_ROOM], unsigned int room)
{
	for (size_t i = 0; i < FIGURE_COUNT; i++) {
		char *figure = figures[by_weight[i]];
		unsigned int length = (unsigned int)strlen(figure);

		if (!length)
			continue;
		if (length + 2 <= room)
			room -= length + 2; /* ", " */
		else
			figure[0] = '\0';
	}
	return room;
}

static void add_bar(struct text *line, const struct progress_amount *amount, unsigned int room)
{
	uint64_t done = done_of(amount), all = all_of(amount);
	unsigned int width = room < BAR_MOST + 3 ? room - 3 : BAR_MOST;
	unsigned int filled;

	if (!all || room < BAR_LEAST + 3)
		return;
	filled = done >= all ? width : (unsigned int)((unsigned __int128)done * width / all);
	text_add(line, " [");
	for (unsigned int i = 0; i < width; i++)
		text_add(line, i < filled ? "#" : ".");
	text_add(line, "]");
}

void progress_format(const struct progress *progress, const struct progress_amount *amount,
                     int64_t now_ms, unsigned int columns, char out[PROGRESS_LINE_ROOM])
{
	char figures[FIGURE_COUNT][FIGURE_ROOM] = {{0}};
	/* the last column stays free: writing there begins a new line on some terminals */
	unsigned int most = columns < PROGRESS_LINE_ROOM ? columns : PROGRESS_LINE_ROOM;
	unsigned int name = (unsigned int)strlen(progress->name), room;
	CLEAN(text_done) struct text line = {0};
	bool is_first = true;

	if (name > most / 3)
		name = most / 3;
	format_figures(progress, amount, now_ms, figures);
	room = most < name + 1 ? 0 : most - name - 1;
	room = fit(figures, room);
	text_addf(&line, "%.*s:", (int)name, progress->name);
	add_bar(&line, amount, room);
	for (size_t i = 0; i < FIGURE_COUNT; i++) {
		if (!figures[i][0])
			continue;
		text_addf(&line, "%s%s", is_first ? " " : ", ", figures[i]);
		is_first = false;
	}
	(void)snprintf(out, PROGRESS_LINE_ROOM, "%s", line.data);
}

static unsigned int columns_of(int fd)
{
	struct winsize size;

	return ioctl(fd, TIOCGWINSZ, &size) < 0 || !size.ws_col ? COLUMNS : size.ws_col;
}

static void put(int fd, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* One write(2), which is only there to be looked at: it may fail. */
static void put(int fd, const char *format, ...)
{
	char bytes[PROGRESS_LINE_ROOM + 16];
	va_list ap;
	int length;

	va_start(ap, format);
	length = vsnprintf(bytes, sizeof(bytes), format, ap);
	va_end(ap);
	(void)!write(fd, bytes, (size_t)length < sizeof(bytes) ? (size_t)length : sizeof(bytes));
}

/* In the background it would write into what the shell has there. A terminal that is not ours to control: no matter. */
static bool is_in_front(int fd)
{
	pid_t group = tcgetpgrp(fd);

	return group < 0 || group == getpgrp();
}

static void put_line(struct progress *progress, const char *line)
{
	if (!is_in_front(progress->fd))
		return;
	put(progress->fd, "\r%s\033[K", line);
	progress->is_drawn = true;
}

/* A byte, a column. */
static void make_plain(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 32 || (unsigned char)*text > 126)
			*text = '?';
}

/* --- what others call --- */

bool progress_can_draw(int fd)
{
	const char *term = secure_getenv("TERM");

	return fd >= 0 && isatty(fd) && term && *term && !text_is(term, "dumb");
}

void progress_begin(struct progress *progress, int fd, const char *name)
{
	const char *slash = strrchr(name, '/');

	*progress = (struct progress){.form = progress_can_draw(fd) ? PROGRESS_LINE : PROGRESS_NONE,
	                              .fd = fd,
	                              .began_ms = process_clock_ms()};
	(void)snprintf(progress->name, sizeof(progress->name), "%s",
	               slash && slash[1] ? slash + 1 : name);
	make_plain(progress->name);
}

void progress_begin_records(struct progress *progress, int fd)
{
	*progress = (struct progress){
		.form = PROGRESS_RECORDS, .fd = fd, .began_ms = process_clock_ms()};
}

void progress_show(struct progress *progress, const struct progress_amount *amount)
{
	int64_t now_ms = process_clock_ms();
	char line[PROGRESS_LINE_ROOM];

	if (progress->form == PROGRESS_NONE ||
	    (progress->shown_ms && now_ms < progress->shown_ms + DRAW_MS))
		return;
	progress->shown_ms = now_ms;
	if (progress->form == PROGRESS_RECORDS) {
		put(progress->fd, "%c%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", RECORD,
		    amount->bytes, amount->all_bytes, amount->entries, amount->all_entries);
		return;
	}
	progress_sample(progress, amount, now_ms);
	progress_format(progress, amount, now_ms, columns_of(progress->fd), line);
	put_line(progress, line);
}

void progress_say(struct progress *progress, const char *what)
{
	unsigned int most = progress->form == PROGRESS_LINE ? columns_of(progress->fd) - 1 : 0;
	char line[PROGRESS_LINE_ROOM];

	if (progress->form != PROGRESS_LINE)
		return;
	(void)snprintf(line, sizeof(line), "%s: %s", progress->name, what);
	make_plain(line);
	if (most < sizeof(line))
		line[most] = '\0';
	put_line(progress, line);
}

void progress_clear(struct progress *progress)
{
	if (!progress || !progress->is_drawn)
		return;
	put(progress->fd, "\r\033[K");
	progress->is_drawn = false;
	progress->shown_ms = 0;
}

bool progress_take(const char *line, struct progress_amount *out)
{
	CLEAN(strings_done) struct strings words = {0};
	static const uint64_t most[] = {UINT64_MAX / 4, UINT64_MAX / 4, UINT64_MAX / 4 / ENTRY_WORK,
	                                UINT64_MAX / 4 / ENTRY_WORK};
	uint64_t figures[ARRAY_SIZE(most)];

	if (line[0] != RECORD)
		return false;
	strings_split(&words, line + 1, " ");
	if (words.count != ARRAY_SIZE(figures))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(figures); i++)
		if (parse_uint(words.items[i], most[i], &figures[i]) < 0)
			return false;
	*out = (struct progress_amount){figures[0], figures[1], figures[2], figures[3]};
	return true;
}
