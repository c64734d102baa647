/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The progress bar of sysc-archive; see the header. */
#include "helpers/archive_progress.h"

#include "base/parse.h"
#include "base/process.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define BAR_WIDTH     24
#define BAR_PAUSE     100  /* ms between two drawings */
#define ESTIMATE_FROM 1000 /* ms before the time that is left is said */
#define LINES_PAUSE   5000 /* ms between two lines where the total is not known */

void progress_start(struct progress *progress, enum progress_form form, const char *name,
                    uint64_t total)
{
	const char *slash = strrchr(name, '/');

	memset(progress, 0, sizeof(*progress));
	progress->form = form;
	progress->name = slash && slash[1] ? slash + 1 : name;
	progress->total = total;
	progress->started_ms = progress->shown_ms = process_clock_ms();
}

static void draw_bar(struct progress *progress, uint64_t input, int64_t now_ms)
{
	uint64_t spent_ms = (uint64_t)(now_ms - progress->started_ms) + 1;
	uint64_t rate = input * 1000 / spent_ms,
		 left_s = rate ? (progress->total - input) / rate : 0;
	unsigned int percent = (unsigned int)(input * 100 / progress->total);
	char bar[BAR_WIDTH + 1], speed[24], left[48] = "";

	for (unsigned int i = 0; i < BAR_WIDTH; i++)
		bar[i] = i * 100 < percent * BAR_WIDTH ? '#' : '.';
	bar[BAR_WIDTH] = '\0';
	format_size(rate, speed);
	/* the first moments tell nothing of how long it will be */
	if (rate && spent_ms >= ESTIMATE_FROM)
		(void)snprintf(left, sizeof(left), " %" PRIu64 ":%02" PRIu64 " left", left_s / 60,
		               left_s % 60);
	(void)fprintf(stderr, "\r\033[K%.30s [%s] %3u%% %s/s%s", progress->name, bar, percent,
	              speed, left);
	progress->is_drawn = true;
}

static void draw_count(struct progress *progress, const struct archive_counters *counters)
{
	char size[24];

	format_size(atomic_load(&counters->bytes), size);
	(void)fprintf(stderr, "\r\033[K%.30s: %" PRIu64 " entries, %s", progress->name,
	              atomic_load(&counters->entries), size);
	progress->is_drawn = true;
}

static void say_lines(struct progress *progress, uint64_t input)
{
	unsigned int tenths = (unsigned int)(input * 10 / progress->total);

	if (tenths <= progress->tenths || tenths >= 10)
		return; /* the end has its own line */
	progress->tenths = tenths;
	(void)fprintf(stderr, "%s: %u%%\n", progress->name, tenths * 10);
}

void progress_show(struct progress *progress, const struct archive_counters *counters)
{
	uint64_t input = atomic_load(&counters->input);
	int64_t now_ms = process_clock_ms();
	bool is_late = now_ms - progress->shown_ms >=
	               (progress->form == PROGRESS_BAR ? BAR_PAUSE : LINES_PAUSE);

	if (atomic_load(&counters->total)) /* of a tree; an archive's is known from the start */
		progress->total = atomic_load(&counters->total);
	if (progress->total && input > progress->total)
		input = progress->total;
	if (progress->form == PROGRESS_LINES && progress->total) {
		say_lines(progress, input);
		return;
	}
	if (progress->form == PROGRESS_NONE || !is_late)
		return;
	progress->shown_ms = now_ms;
	if (progress->form == PROGRESS_LINES)
		(void)fprintf(stderr, "%s: %" PRIu64 " entries\n", progress->name,
		              atomic_load(&counters->entries));
	else if (progress->total)
		draw_bar(progress, input, now_ms);
	else
		draw_count(progress, counters);
	(void)fflush(stderr);
}

void progress_end(struct progress *progress, const struct archive_counters *counters, bool is_done)
{
	char size[24];

	if (progress->is_drawn)
		(void)fputs("\r\033[K", stderr);
	if (progress->form == PROGRESS_NONE || !is_done)
		return;
	format_size(atomic_load(&counters->bytes), size);
	(void)fprintf(stderr, "%s: %" PRIu64 " entries, %s\n", progress->name,
	              atomic_load(&counters->entries), size);
}
