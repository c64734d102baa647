/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The arithmetic of keep rules; see the header. */
#include "container/keep.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/parse.h"
#include "base/text.h"

#include <errno.h>
#include <time.h>

static const char *const rules[KEEP_RULES] = {"last",   "hourly",  "daily",
                                              "weekly", "monthly", "yearly"};

const char *keep_rule_name(enum keep_rule rule)
{
	return rules[rule];
}

static int read_rule(const char *text, struct keep *keep, struct error *err)
{
	CLEAN(strings_done) struct strings words = {0};
	uint64_t count;

	strings_split(&words, text, " \t");
	for (size_t i = 0; words.count == 2 && i < KEEP_RULES; i++) {
		if (!text_is(words.items[0], rules[i]))
			continue;
		if (keep->counts[i])
			return fail_plain(err, EINVAL, "'%s' is given twice", rules[i]);
		if (parse_uint(words.items[1], KEEP_MOST, &count) < 0 || !count)
			return fail_plain(err, EINVAL, "'%s' is no number from 1 to %d",
			                  words.items[1], KEEP_MOST);
		keep->counts[i] = (unsigned int)count;
		return 0;
	}
	(void)fail_plain(err, EINVAL, "'%s' is no rule of what is kept", text);
	return fail_hint(err, "hourly 6, daily 7, weekly 4, monthly 3, yearly 1, last 5");
}

int keep_parse(const char *text, struct keep *out, struct error *err)
{
	CLEAN(strings_done) struct strings parts = {0};
	struct keep keep = {0};
	int r = 0;

	strings_split(&parts, text, ",");
	if (!parts.count)
		return read_rule(text, &keep, err);
	for (size_t i = 0; i < parts.count && r == 0; i++)
		r = read_rule(text_trim(parts.items[i]), &keep, err);
	if (r == 0)
		*out = keep;
	return r;
}

/* Days since 1970-01-01, from the calendar's own numbers: no daylight saving time in it. */
static int64_t day_number(const struct tm *parts)
{
	struct tm noon = {.tm_year = parts->tm_year,
	                  .tm_mon = parts->tm_mon,
	                  .tm_mday = parts->tm_mday,
	                  .tm_hour = 12};

	return timegm(&noon) / 86400;
}

/* Equal for two moments in the same hour, day … */
static int64_t period_of(enum keep_rule rule, int64_t when)
{
	time_t moment = (time_t)when;
	struct tm parts = {0};

	(void)localtime_r(&moment, &parts); /* fails for years that no clock shows */
	switch (rule) {
	case KEEP_HOURLY: /* the hour that comes twice in autumn is two */
		return (when + parts.tm_gmtoff % 3600) / 3600;
	case KEEP_DAILY:
		return day_number(&parts);
	case KEEP_WEEKLY:
		return (day_number(&parts) + 3) / 7; /* 1970-01-01 was a Thursday */
	case KEEP_MONTHLY:
		return (int64_t)parts.tm_year * 12 + parts.tm_mon;
	case KEEP_YEARLY:
		return parts.tm_year;
	default:
		return 0;
	}
}

void keep_decide(const struct keep *keep, const int64_t *times, size_t count, unsigned int *kept)
{
	for (size_t i = 0; i < count; i++)
		kept[i] = i < keep->counts[KEEP_LAST] ? 1U << KEEP_LAST : 0;
	for (enum keep_rule rule = KEEP_HOURLY; rule < KEEP_RULES; rule++) {
		unsigned int found = 0;
		int64_t last = 0;

		for (size_t i = 0; i < count && found < keep->counts[rule]; i++) {
			int64_t period = period_of(rule, times[i]);

			if (found && period == last)
				continue;
			last = period;
			found++;
			kept[i] |= 1U << rule;
		}
	}
}
