/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Calendar expressions; see the header. */
#include "container/calendar.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/parse.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define DAYS_BACK (9 * 366) /* the 29th of February on a weekday may be that far */

static const struct {
	const char *word, *form;
} shorthands[] = {
	{"minutely",     "*-*-* *:*"             },
	{"hourly",       "*-*-* *:00"            },
	{"daily",        "*-*-* 00:00"           },
	{"weekly",       "Mon *-*-* 00:00"       },
	{"monthly",      "*-*-01 00:00"          },
	{"quarterly",    "*-01,04,07,10-01 00:00"},
	{"semiannually", "*-01,07-01 00:00"      },
	{"yearly",       "*-01-01 00:00"         },
	{"annually",     "*-01-01 00:00"         },
};

static const char *const weekdays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                       "Thursday", "Friday", "Saturday"};

static int read_number(const char *text, unsigned int least, unsigned int most, unsigned int *out)
{
	int64_t value;
	int r = parse_int(text, least, most, &value);

	if (r == 0)
		*out = (unsigned int)value;
	return r;
}

static int read_weekday(const char *text, unsigned int *out)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(weekdays); i++)
		if (strcasecmp(text, weekdays[i]) == 0 ||
		    (strlen(text) == 3 && strncasecmp(text, weekdays[i], 3) == 0)) {
			*out = i;
			return 0;
		}
	return -EINVAL;
}

/* "3", "3..5", "0/15", "*", "*\/15" */
static int add_element(char *text, unsigned int least, unsigned int most, uint64_t *bits)
{
	char *slash = strchr(text, '/'), *dots = strstr(text, "..");
	unsigned int from = least, to = most, step = 1;

	if (slash) {
		*slash = '\0';
		if (read_number(slash + 1, 1, most, &step) < 0)
			return -EINVAL;
	}
	if (dots) {
		*dots = '\0';
		if (read_number(dots + 2, least, most, &to) < 0)
			return -EINVAL;
	}
	if (text_is(text, "*") && !dots)
		;
	else if (read_number(text, least, most, &from) < 0)
		return -EINVAL;
	else if (!slash && !dots)
		to = from;
	if (to < from)
		return -EINVAL;
	for (unsigned int i = from; i <= to; i += step)
		*bits |= 1ULL << i;
	return 0;
}

static int read_part(const char *text, unsigned int least, unsigned int most, uint64_t *bits)
{
	CLEAN(strings_done) struct strings elements = {0};

	*bits = 0;
	strings_split(&elements, text, ",");
	if (!elements.count || text[0] == ',' || text_ends(text, ",") || strstr(text, ",,"))
		return -EINVAL;
	for (size_t i = 0; i < elements.count; i++)
		if (add_element(elements.items[i], least, most, bits) < 0)
			return -EINVAL;
	return 0;
}

static int read_weekdays(const char *text, struct calendar *out)
{
	CLEAN(strings_done) struct strings elements = {0};

	out->weekdays = 0;
	strings_split(&elements, text, ",");
	for (size_t i = 0; i < elements.count; i++) {
		char *dots = strstr(elements.items[i], "..");
		unsigned int from, to;

		if (dots)
			*dots = '\0';
		if (read_weekday(elements.items[i], &from) < 0)
			return -EINVAL;
		to = from;
		if (dots && read_weekday(dots + 2, &to) < 0)
			return -EINVAL;
		for (unsigned int day = from;;
		     day = (day + 1) % 7) { /* Fri..Mon goes over the end */
			out->weekdays |= (uint8_t)(1U << day);
			if (day == to)
				break;
		}
	}
	return elements.count ? 0 : -EINVAL;
}

static int read_date(const char *text, struct calendar *out)
{
	CLEAN(strings_done) struct strings parts = {0};
	uint64_t months = 0, days = 0;
	unsigned int year = 0;
	size_t at;

	strings_split(&parts, text, "-");
	if (parts.count < 2 || parts.count > 3)
		return -EINVAL;
	at = parts.count - 2;
	if (at && !text_is(parts.items[0], "*") &&
	    read_number(parts.items[0], 1970, 2999, &year) < 0)
		return -EINVAL;
	if (read_part(parts.items[at], 1, 12, &months) < 0 ||
	    read_part(parts.items[at + 1], 1, 31, &days) < 0)
		return -EINVAL;
	out->year = (int)year;
	out->months = (uint16_t)months;
	out->days = (uint32_t)days;
	return 0;
}

static int read_time(const char *text, struct calendar *out)
{
	CLEAN(strings_done) struct strings parts = {0};
	uint64_t hours = 0;

	strings_split(&parts, text, ":");
	if (parts.count < 2 || parts.count > 3 || read_part(parts.items[0], 0, 23, &hours) < 0 ||
	    read_part(parts.items[1], 0, 59, &out->minutes) < 0)
		return -EINVAL;
	if (parts.count == 3 && !text_is(parts.items[2], "0") && !text_is(parts.items[2], "00"))
		return -EINVAL;
	out->hours = (uint32_t)hours;
	return 0;
}

/* Words in their order, none twice. */
static int read_words(const struct strings *words, struct calendar *out)
{
	int stage = 0;

	for (size_t i = 0; i < words->count; i++) {
		const char *word = words->items[i];

		if (stage < 4 && text_is(word, "UTC") && i)
			stage = 4, out->is_utc = true;
		else if (stage < 3 && strchr(word, ':') && read_time(word, out) == 0)
			stage = 3;
		else if (stage < 2 && strchr(word, '-') && read_date(word, out) == 0)
			stage = 2;
		else if (stage < 1 && read_weekdays(word, out) == 0)
			stage = 1;
		else
			return -EINVAL;
	}
	return words->count ? 0 : -EINVAL;
}

int calendar_parse(const char *text, struct calendar *out, struct error *err)
{
	struct calendar calendar = {
		.weekdays = 0x7f, .months = 0x1ffe, .days = 0xfffffffe, .hours = 1, .minutes = 1};
	CLEAN(strings_done) struct strings words = {0}, expanded = {0};
	const char *form = text;

	strings_split(&words, text, " \t");
	for (size_t i = 0; words.count && i < ARRAY_SIZE(shorthands); i++)
		if (text_is(words.items[0], shorthands[i].word))
			form = shorthands[i].form;
	strings_split(&expanded, form, " \t");
	if (form != text)
		for (size_t i = 1; i < words.count; i++)
			strings_add(&expanded, words.items[i]);
	if (read_words(&expanded, &calendar) < 0) {
		(void)fail_plain(err, EINVAL, "'%s' is no calendar expression", text);
		return fail_hint(err, "hourly, daily, 'Mon..Fri 03:00', '*-*-* 00/6:00'");
	}
	*out = calendar;
	return 0;
}

static time_t to_time(const struct calendar *calendar, struct tm *parts)
{
	parts->tm_isdst = -1;
	return calendar->is_utc ? timegm(parts) : mktime(parts);
}

static int highest(uint64_t bits, int most)
{
	for (int i = most; i >= 0; i--)
		if (bits & 1ULL << i)
			return i;
	return -1;
}

/* The last moment of this day that is not after the time of day; days before today have all. */
static bool last_of_day(const struct calendar *calendar, struct tm *day, int hour, int minute)
{
	int at = highest(calendar->hours, hour);

	if (at == hour && highest(calendar->minutes, minute) < 0)
		at = hour ? highest(calendar->hours, hour - 1) : -1;
	if (at < 0)
		return false;
	day->tm_hour = at;
	day->tm_min = highest(calendar->minutes, at == hour ? minute : 59);
	day->tm_sec = 0;
	return true;
}

int calendar_last(const struct calendar *calendar, int64_t now, int64_t *out)
{
	time_t moment = (time_t)now;
	struct tm today;

	if (!(calendar->is_utc ? gmtime_r(&moment, &today) : localtime_r(&moment, &today)))
		return -ENOENT;
	for (int back = 0; back < DAYS_BACK; back++) {
		struct tm day = {.tm_year = today.tm_year,
		                 .tm_mon = today.tm_mon,
		                 .tm_mday = today.tm_mday - back,
		                 .tm_hour = 12};

		(void)to_time(calendar, &day); /* noon, which is there on each day */
		if ((calendar->year && day.tm_year + 1900 != calendar->year) ||
		    !(calendar->months & 1U << (day.tm_mon + 1)) ||
		    !(calendar->days & 1U << day.tm_mday) ||
		    !(calendar->weekdays & 1U << day.tm_wday) ||
		    !last_of_day(calendar, &day, back ? 23 : today.tm_hour,
		                 back ? 59 : today.tm_min))
			continue;
		*out = to_time(calendar, &day);
		if (*out <= now)
			return 0;
	}
	return -ENOENT;
}
