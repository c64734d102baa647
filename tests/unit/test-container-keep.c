/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which snapshots are kept and when one is due, at fixed times in fixed zones. */
#include "base/error.h"
#include "base/text.h"
#include "container/calendar.h"
#include "container/keep.h"

#include "../lib/tap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void set_zone(const char *zone)
{
	(void)setenv("TZ", zone, 1);
	tzset();
}

/* "2026-11-22 06:30" in UTC */
static int64_t at(const char *text)
{
	struct tm parts = {0};

	if (!strptime(text, "%Y-%m-%d %H:%M", &parts))
		abort();
	return timegm(&parts);
}

/* The last moment of the expression, as "2026-11-22 06:00" in UTC. */
static const char *last(const char *expression, const char *now)
{
	static char text[32];
	struct calendar calendar;
	int64_t moment;
	time_t when;
	struct tm parts;

	if (calendar_parse(expression, &calendar, NULL) < 0)
		return "refused";
	if (calendar_last(&calendar, at(now), &moment) < 0)
		return "never";
	when = (time_t)moment;
	(void)gmtime_r(&when, &parts);
	(void)strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &parts);
	return text;
}

TEST(calendar)
{
	static const char *const rows[][3] = {
		{"hourly",                 "2026-11-22 06:30", "2026-11-22 06:00"},
		{"minutely",               "2026-11-22 06:30", "2026-11-22 06:30"},
		{"daily",                  "2026-11-22 00:00", "2026-11-22 00:00"},
		{"daily",                  "2026-11-21 23:59", "2026-11-21 00:00"},
		{"weekly",                 "2026-11-22 06:30", "2026-11-16 00:00"},
		{"monthly",                "2026-11-22 06:30", "2026-11-01 00:00"},
		{"quarterly",              "2026-11-22 06:30", "2026-10-01 00:00"},
		{"yearly",                 "2026-11-22 06:30", "2026-01-01 00:00"},
		{"*-*-* 03:00",            "2026-11-22 02:59", "2026-11-21 03:00"},
		{"*-*-* 03:00:00 UTC",     "2026-11-22 03:00", "2026-11-22 03:00"},
		{"03:00",                  "2026-11-22 06:30", "2026-11-22 03:00"},
		{"*:0/15",                 "2026-11-22 06:44", "2026-11-22 06:30"},
		{"8..18:00",               "2026-11-22 06:44", "2026-11-21 18:00"},
		{"*-*-* 00/6:30",          "2026-11-22 06:29", "2026-11-22 00:30"},
		{"Mon..Fri 12:00",         "2026-11-22 06:44", "2026-11-20 12:00"},
		{"Sat,Sun *-*-1..7 05:05", "2026-11-22 06:44", "2026-11-07 05:05"},
		{"Fri..Mon",               "2026-11-19 06:44", "2026-11-16 00:00"},
		{"*-02-29",                "2026-11-22 06:44", "2024-02-29 00:00"},
		{"02-29 04:00",            "2026-11-22 06:44", "2024-02-29 04:00"},
		{"2020-*-* 00:00",         "2026-11-22 06:44", "2020-12-31 00:00"},
		{"2027-01-01",             "2026-11-22 06:44", "never"           },
		{"*-02-30",                "2026-11-22 06:44", "never"           },
		{"",		       "2026-11-22 06:44", "refused"         },
		{"UTC",                    "2026-11-22 06:44", "refused"         },
		{"sometimes",              "2026-11-22 06:44", "refused"         },
		{"24:00",                  "2026-11-22 06:44", "refused"         },
		{"12:60",                  "2026-11-22 06:44", "refused"         },
		{"12:00:30",               "2026-11-22 06:44", "refused"         },
		{"*-13-01",                "2026-11-22 06:44", "refused"         },
		{"*-00-01",                "2026-11-22 06:44", "refused"         },
		{"18..8:00",               "2026-11-22 06:44", "refused"         },
		{"1,,2:00",                "2026-11-22 06:44", "refused"         },
		{"03:00 Mon",              "2026-11-22 06:44", "refused"         },
		{"Mon Tue",                "2026-11-22 06:44", "refused"         },
		{"0/0:00",                 "2026-11-22 06:44", "refused"         },
		{"daily 03:00",            "2026-11-22 06:44", "refused"         },
		{"-1:00",                  "2026-11-22 06:44", "refused"         },
	};

	set_zone("UTC0");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *found = last(rows[i][0], rows[i][1]);

		if (!text_is(found, rows[i][2]))
			printf("# '%s' at %s: %s\n", rows[i][0], rows[i][1], found);
		CHECK(text_is(found, rows[i][2]));
	}
	/* +1, in summer +2 */
	set_zone("CET-1CEST,M3.5.0,M10.5.0/3");
	CHECK(text_is(last("daily", "2026-07-01 10:00"), "2026-06-30 22:00"));
	CHECK(text_is(last("daily UTC", "2026-07-01 10:00"), "2026-07-01 00:00"));
	CHECK(text_is(last("03:00", "2026-11-22 01:59"), "2026-11-21 02:00"));
}

/* The marks of the snapshots at times (UTC, newest first), "hd.w" … each with the first letters of its rules. */
static const char *decide(const char *rules, const char *const *times)
{
	static char text[256];
	struct keep keep;
	int64_t moments[32];
	unsigned int kept[32];
	size_t count = 0, length = 0;

	if (keep_parse(rules, &keep, NULL) < 0)
		return "refused";
	for (; times[count]; count++)
		moments[count] = at(times[count]);
	keep_decide(&keep, moments, count, kept);
	for (size_t i = 0; i < count; i++) {
		if (i)
			text[length++] = ' ';
		if (!kept[i])
			text[length++] = '-';
		for (int rule = 0; rule < KEEP_RULES; rule++)
			if (kept[i] & 1U << rule)
				text[length++] = keep_rule_name((enum keep_rule)rule)[0];
	}
	text[length] = '\0';
	return text;
}

static void check_decision(const char *rules, const char *const *times, const char *expected)
{
	const char *found = decide(rules, times);

	if (!text_is(found, expected))
		printf("# %s: %s\n", rules, found);
	CHECK(text_is(found, expected));
}

TEST(keep)
{
	static const char *const times[] = {"2026-11-22 06:30", "2026-11-22 06:00",
	                                    "2026-11-22 05:00", "2026-11-21 23:00",
	                                    "2026-11-21 01:00", "2026-11-16 00:00",
	                                    "2026-11-15 23:59", "2026-10-31 12:00",
	                                    "2025-12-31 12:00", NULL};
	static const char *const none[] = {NULL};

	set_zone("UTC0");
	check_decision("last 2", times, "l l - - - - - - -");
	check_decision("hourly 2", times, "h - h - - - - - -");
	check_decision("daily 3", times, "d - - d - d - - -");
	check_decision("weekly 2", times, "w - - - - - w - -");
	check_decision("monthly 2", times, "m - - - - - - m -");
	check_decision("yearly 9", times, "y - - - - - - - y");
	check_decision("hourly 2, daily 2,last 1", times, "lhd - h d - - - - -");
	check_decision("last 100", times, "l l l l l l l l l");
	check_decision("last 1", none, "");
	check_decision("", times, "refused");
	check_decision("hourly", times, "refused");
	check_decision("hourly 0", times, "refused");
	check_decision("hourly -1", times, "refused");
	check_decision("hourly 1 2", times, "refused");
	check_decision("hourly 1, hourly 2", times, "refused");
	check_decision("sometimes 3", times, "refused");
	set_zone("CET-1CEST,M3.5.0,M10.5.0/3");
	{
		/* 00:30 and 23:30 of the same UTC day are two local ones */
		static const char *const night[] = {"2026-11-22 23:30", "2026-11-22 00:30", NULL};
		/* 02:30 comes twice: 00:30 and 01:30 UTC */
		static const char *const autumn[] = {"2026-10-25 01:30", "2026-10-25 00:30", NULL};

		check_decision("daily 2", night, "d d");
		check_decision("hourly 2", autumn, "h h");
	}
}
