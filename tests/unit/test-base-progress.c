/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/progress.h"

#include "../lib/tap.h"
#include "base/cleanup.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MIB (1ULL << 20)
#define GIB (1ULL << 30)

#define CHECK_LINE(got, want)                                      \
	do {                                                       \
		if (!text_is(got, want))                           \
			printf("# '%s' is not '%s'\n", got, want); \
		CHECK(text_is(got, want));                         \
	} while (0)

static struct progress begin(const char *name)
{
	struct progress progress;

	progress_begin(&progress, -1, name);
	return progress;
}

/* The line after the amounts were there, one each second; the first at second 1. */
static void line_after(struct progress *progress, const struct progress_amount *amounts,
                       size_t count, unsigned int columns, char out[PROGRESS_LINE_ROOM])
{
	for (size_t i = 0; i < count; i++)
		progress_sample(progress, &amounts[i], (int64_t)(i + 1) * 1000);
	progress_format(progress, &amounts[count - 1], (int64_t)count * 1000, columns, out);
}

TEST(a_line_has_what_there_is_room_for)
{
	static const struct progress_amount amounts[] = {
		{.bytes = GIB,         .all_bytes = 3 * GIB},
		{.bytes = 5 * GIB / 4, .all_bytes = 3 * GIB},
	};
	static const struct {
		unsigned int columns;
		const char *line;
	} rows[] = {
		{200,
	         "web1: [##########..............]  41%, 1.25 of 3.00 GiB, 256.0 MiB/s, 0:07 left"},
		{80,
	         "web1: [##########..............]  41%, 1.25 of 3.00 GiB, 256.0 MiB/s, 0:07 left"},
		{60,  "web1:  41%, 1.25 of 3.00 GiB, 256.0 MiB/s, 0:07 left"                      },
		{40,  "web1:  41%, 256.0 MiB/s, 0:07 left"                                        },
		{24,  "web1:  41%, 0:07 left"						     },
		{13,  "web1:  41%"								},
		{6,   "we:"								       },
		{1,   ":"									 },
	};
	char line[PROGRESS_LINE_ROOM];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct progress progress = begin("web1");

		line_after(&progress, amounts, ARRAY_SIZE(amounts), rows[i].columns, line);
		CHECK_LINE(line, rows[i].line);
	}
	/* no width is too small */
	for (unsigned int columns = 2; columns < 300; columns++) {
		struct progress progress =
			begin("a-name-that-is-longer-than-any-terminal-has-room");

		line_after(&progress, amounts, ARRAY_SIZE(amounts), columns, line);
		CHECK(strlen(line) < columns);
	}
}

TEST(the_first_moments_tell_nothing)
{
	static const struct progress_amount amount = {.bytes = MIB, .all_bytes = 4 * MIB};
	struct progress progress = begin("web1");
	char line[PROGRESS_LINE_ROOM];

	progress_sample(&progress, &amount, 5000);
	progress_format(&progress, &amount, 5000, 80, line);
	CHECK_LINE(line, "web1: [######..................]  25%, 1.0 of 4.0 MiB");
	progress_format(&progress, &amount, 5999, 80, line);
	CHECK_LINE(line, "web1: [######..................]  25%, 1.0 of 4.0 MiB");
	/* nothing moves: no time is guessed, and nothing divided by it */
	progress_format(&progress, &amount, 6000, 80, line);
	CHECK_LINE(line, "web1: [######..................]  25%, 1.0 of 4.0 MiB, 0.0 KiB/s");
}

TEST(nothing_to_do)
{
	static const struct progress_amount nothing;
	struct progress progress = begin("web1");
	char line[PROGRESS_LINE_ROOM];

	progress_format(&progress, &nothing, progress.began_ms, 80, line);
	CHECK_LINE(line, "web1: 0:00");
	line_after(&progress, &nothing, 1, 80, line);
	CHECK_LINE(line, "web1: 0:00");
}

TEST(without_a_total_the_time_that_it_took)
{
	static const struct progress_amount amounts[] = {
		{.bytes = 10 * MIB, .entries = 70},
		{.bytes = 30 * MIB, .entries = 90},
		{.bytes = 40 * MIB, .entries = 99},
	};
	struct progress progress = begin("web1");
	char line[PROGRESS_LINE_ROOM];

	line_after(&progress, amounts, ARRAY_SIZE(amounts), 80, line);
	CHECK_LINE(line, "web1: 99 entries, 40.0 MiB, 15.0 MiB/s, 0:02");
	line_after(&progress, amounts, ARRAY_SIZE(amounts), 24, line);
	CHECK_LINE(line, "web1: 15.0 MiB/s, 0:02");
}

TEST(entries_are_work_too)
{
	/* half of the bytes, and next to nothing of the files */
	static const struct progress_amount amounts[] = {
		{.bytes = MIB, .all_bytes = 2 * MIB, .entries = 1,    .all_entries = 1000000},
		{.bytes = MIB, .all_bytes = 2 * MIB, .entries = 9001, .all_entries = 1000000},
	};
	struct progress progress = begin("web1");
	char line[PROGRESS_LINE_ROOM];

	line_after(&progress, amounts, ARRAY_SIZE(amounts), 80, line);
	CHECK_LINE(
		line,
		"web1: [.......................]   0%, 1.0 of 2.0 MiB, 9000 entries/s, 1:50 left");
	progress = begin("web1");
	progress.counted = "removed";
	line_after(&progress, (struct progress_amount[]){{.entries = 1}, {.entries = 301}}, 2, 80,
	           line);
	CHECK_LINE(line, "web1: 301 entries removed, 300 entries/s, 0:01");
}

TEST(the_end)
{
	static const struct progress_amount amounts[] = {
		{.bytes = MIB,     .all_bytes = 2 * MIB},
		{.bytes = 2 * MIB, .all_bytes = 2 * MIB},
		{.bytes = 3 * MIB, .all_bytes = 2 * MIB}, /* it grew */
	};
	struct progress progress = begin("web1");
	char line[PROGRESS_LINE_ROOM];

	progress.at_end = "finishing";
	line_after(&progress, amounts, 2, 80, line);
	CHECK_LINE(line,
	           "web1: [########################] 100%, 2.0 of 2.0 MiB, 1.0 MiB/s, finishing");
	line_after(&progress, amounts, 3, 40, line);
	CHECK_LINE(line, "web1: 100%, 1.0 MiB/s, finishing");
}

TEST(the_rate_is_that_of_the_last_seconds)
{
	struct progress progress = begin("web1");
	struct progress_amount amount = {.all_bytes = 1000 * MIB};
	char line[PROGRESS_LINE_ROOM];

	for (int second = 0; second < 100; second++) {
		/* fast at first, slow later */
		amount.bytes += second < 50 ? 10 * MIB : MIB;
		progress_sample(&progress, &amount, second * 1000);
	}
	progress_format(&progress, &amount, 99 * 1000, 80, line);
	CHECK(strstr(line, " 1.0 MiB/s, 7:30 left"));
}

TEST(the_next_part_begins_anew)
{
	static const struct progress_amount amounts[] = {
		{.bytes = 10 * MIB, .entries = 70},
		{.bytes = 30 * MIB, .entries = 90},
		{.bytes = 1 * MIB,  .entries = 1 },
	};
	struct progress progress = begin("web1");
	char line[PROGRESS_LINE_ROOM];

	line_after(&progress, amounts, ARRAY_SIZE(amounts), 80, line);
	CHECK_LINE(line, "web1: 1 entries, 1.0 MiB, 0:00");
}

TEST(huge_figures)
{
	static const struct progress_amount amounts[] = {
		{.bytes = 1ULL << 61,
	         .all_bytes = UINT64_MAX / 4,
	         .entries = 1ULL << 40,
	         .all_entries = 1ULL << 41},
		{.bytes = (1ULL << 61) + 1,
	         .all_bytes = UINT64_MAX / 4,
	         .entries = 1ULL << 40,
	         .all_entries = 1ULL << 41},
	};
	struct progress progress = begin("web1");
	char line[PROGRESS_LINE_ROOM];

	line_after(&progress, amounts, ARRAY_SIZE(amounts), 80, line);
	CHECK_LINE(
		line,
		"web1: [############............]  50%, 2097152.00 of 4194303.99 TiB, 0.0 KiB/s");
}

TEST(names_are_harmless)
{
	struct progress progress = begin("/tmp/a\033[2Jb\r\303\251.tar");

	CHECK_LINE(progress.name, "a?[2Jb???.tar");
	progress = begin("folder/");
	CHECK_LINE(progress.name, "folder/");
}

TEST(records)
{
	static const char *const bad[] = {
		"",      "1 2 3 4",      "\0361 2 3",   "\0361 2 3 4 5",
		"\0361", "\036-1 2 3 4", "\036a 2 3 4", "\03618446744073709551615 2 3 4"};
	struct progress_amount amount = {.bytes = 7}, sent = {1, 20, 300, 4000};
	struct progress progress;
	char line[100] = "";
	int ends[2];

	CHECK_INT(pipe(ends), 0);
	progress_begin_records(&progress, ends[1]);
	progress_show(&progress, &sent);
	CHECK(read(ends[0], line, sizeof(line) - 1) > 0);
	CHECK_LINE(line, "\0361 20 300 4000\n");
	line[strlen(line) - 1] = '\0';
	CHECK(progress_take(line, &amount));
	CHECK(memcmp(&amount, &sent, sizeof(sent)) == 0);
	amount.bytes = 7;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK(!progress_take(bad[i], &amount));
	CHECK(amount.bytes == 7);
	close(ends[0]);
	close(ends[1]);
}

TEST(nothing_where_nobody_looks)
{
	struct progress_amount amount = {.bytes = 1};
	struct progress progress;
	int ends[2];
	char byte;

	CHECK_INT(pipe(ends), 0);
	progress_begin(&progress, ends[1], "web1");
	progress_show(&progress, &amount);
	progress_say(&progress, "writing to disk");
	progress_clear(&progress);
	progress_clear(NULL);
	close(ends[1]);
	CHECK_INT(read(ends[0], &byte, 1), 0);
	close(ends[0]);
}
