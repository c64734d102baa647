/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text to values and back; see the header. No locale, no partial numbers, no silent clamping. */
#include "base/parse.h"

#include "base/cleanup.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

int parse_uint(const char *text, uint64_t most, uint64_t *out)
{
	uint64_t value = 0;
	bool over = false;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		over |= __builtin_mul_overflow(value, 10, &value);
		over |= __builtin_add_overflow(value, (uint64_t)(*text - '0'), &value);
	}
	if (over || value > most)
		return -ERANGE;
	*out = value;
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int parse_number(const char *text, uint64_t most, uint64_t *out)
{
	uint64_t value = 0;
	bool over = false;

	if (text[0] != '0' || text[1] != 'x')
		return parse_uint(text, most, out);
	text += 2;
	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		int digit = hex_digit(*text);

		if (digit < 0)
			return -EINVAL;
		over |= value >> 60 != 0;
		value = value << 4 | (uint64_t)digit;
	}
	if (over || value > most)
		return -ERANGE;
	*out = value;
	return 0;
}

int parse_int(const char *text, int64_t least, int64_t most, int64_t *out)
{
	bool negative = *text == '-';
	uint64_t value = 0;
	int64_t number;
	int r = parse_uint(text + (negative || *text == '+'), (uint64_t)INT64_MAX, &value);

	if (r < 0)
		return r;
	number = negative ? -(int64_t)value : (int64_t)value;
	if (number < least || number > most)
		return -ERANGE;
	*out = number;
	return 0;
}

int parse_mode(const char *text, unsigned int *out)
{
	unsigned int value = 0;

	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '7')
			return -EINVAL;
		value = value * 8 + (unsigned int)(*text - '0');
		if (value > 07777)
			return -ERANGE;
	}
	*out = value;
	return 0;
}

int parse_bool(const char *text, bool *out)
{
	static const char *const yes[] = {"yes", "true", "on", "1"};
	static const char *const no[] = {"no", "false", "off", "0"};

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		if (strcmp(text, yes[i]) == 0 || strcmp(text, no[i]) == 0) {
			*out = strcmp(text, yes[i]) == 0;
			return 0;
		}
	}
	return -EINVAL;
}

struct unit {
	const char *name;
	uint64_t factor;
};

/*
 * number[.digits][ ]unit: the unit is looked up in units (ended by a NULL name), the result must be
 * a whole number of the smallest unit or is rounded to it.
 */
static int parse_with_unit(const char *text, const struct unit *units, uint64_t *out)
{
	char digits[24];
	size_t whole = strspn(text, "0123456789");
	uint64_t value, part = 0, scale = 1, fraction = 0;
	const char *at = text + whole;

	if (!whole)
		return -EINVAL;
	if (whole >= sizeof(digits))
		return -ERANGE;
	memcpy(digits, text, whole);
	digits[whole] = '\0';
	if (*at == '.') {
		at++;
		if (*at < '0' || *at > '9')
			return -EINVAL;
		for (; *at >= '0' && *at <= '9'; at++) {
			if (scale < 1000000) { /* finer digits do not matter */
				part = part * 10 + (uint64_t)(*at - '0');
				scale *= 10;
			}
		}
	}
	at += *at == ' ' && at[1];
	while (units->name && strcmp(units->name, at) != 0)
		units++;
	if (!units->name)
		return -EINVAL;
	if (parse_uint(digits, UINT64_MAX, &value) < 0 ||
	    __builtin_mul_overflow(value, units->factor, &value))
		return -ERANGE;
	if (__builtin_mul_overflow(part, units->factor, &fraction) ||
	    __builtin_add_overflow(value, fraction / scale, &value))
		return -ERANGE;
	*out = value;
	return 0;
}

int parse_size(const char *text, uint64_t *out_bytes)
{
	static const struct unit units[] = {
		{"",    1         },
		{"B",   1         },
		{"K",   1ULL << 10},
		{"KB",  1ULL << 10},
		{"KiB", 1ULL << 10},
		{"M",   1ULL << 20},
		{"MB",  1ULL << 20},
		{"MiB", 1ULL << 20},
		{"G",   1ULL << 30},
		{"GB",  1ULL << 30},
		{"GiB", 1ULL << 30},
		{"T",   1ULL << 40},
		{"TB",  1ULL << 40},
		{"TiB", 1ULL << 40},
		{NULL,  0         },
	};

	return parse_with_unit(text, units, out_bytes);
}

int parse_duration(const char *text, int64_t *out_ms)
{
	static const struct unit units[] = {
		{"",    1000    },
                {"ms",  1       },
                {"s",   1000    },
                {"sec", 1000    },
                {"m",   60000   },
		{"min", 60000   },
                {"h",   3600000 },
                {"d",   86400000},
                {NULL,  0       },
	};
	uint64_t value = 0;
	int r = parse_with_unit(text, units, &value);

	if (r < 0)
		return r;
	if (value > INT64_MAX / 2)
		return -ERANGE;
	*out_ms = (int64_t)value;
	return 0;
}

int parse_thousandths(const char *text, uint64_t *out)
{
	static const struct unit units[] = {
		{"",   1000},
		{NULL, 0   },
	};

	return parse_with_unit(text, units, out);
}

int parse_cpus(const char *text, uint32_t *out_millicpus)
{
	uint64_t value = 0;
	int r = parse_thousandths(text, &value);

	if (r < 0)
		return r;
	if (value < 1 || value > 1000 * 65536)
		return -ERANGE;
	*out_millicpus = (uint32_t)value;
	return 0;
}

static int signal_by_name(const char *name)
{
	for (int s = 1; s < SIGSYS + 1; s++) {
		const char *abbreviation = sigabbrev_np(s);

		if (abbreviation && strcmp(abbreviation, name) == 0)
			return s;
	}
	return -EINVAL;
}

int parse_signal(const char *text, int *out)
{
	int64_t number = 0;
	int r;

	if (parse_int(text, 1, SIGRTMAX, &number) == 0) {
		*out = (int)number;
		return 0;
	}
	if (strncmp(text, "SIG", 3) == 0)
		text += 3;
	if (strncmp(text, "RTMIN", 5) == 0) {
		if (text[5] == '\0') {
			*out = SIGRTMIN;
			return 0;
		}
		if (text[5] != '+' || parse_int(text + 6, 0, SIGRTMAX - SIGRTMIN, &number) < 0)
			return -EINVAL;
		*out = SIGRTMIN + (int)number;
		return 0;
	}
	r = signal_by_name(text);
	if (r < 0)
		return r;
	*out = r;
	return 0;
}

void format_size(uint64_t bytes, char out[24])
{
	static const char units[] = {'T', 'G', 'M', 'K'};

	for (size_t i = 0; i < sizeof(units); i++) {
		uint64_t factor = 1ULL << (40 - 10 * i);
		uint64_t hundredths;

		if (bytes < factor)
			continue;
		hundredths = bytes / factor * 100 + bytes % factor * 100 / factor;
		if (hundredths % 100 == 0)
			(void)snprintf(out, 24, "%llu%c", (unsigned long long)(hundredths / 100),
			               units[i]);
		else
			(void)snprintf(out, 24, "%llu.%02llu%c",
			               (unsigned long long)(hundredths / 100),
			               (unsigned long long)(hundredths % 100), units[i]);
		return;
	}
	(void)snprintf(out, 24, "%llu", (unsigned long long)bytes);
}

void format_signal(int signal, char out[24])
{
	const char *name = signal > 0 ? sigabbrev_np(signal) : NULL;

	if (name)
		(void)snprintf(out, 24, "SIG%s", name);
	else if (signal >= SIGRTMIN && signal <= SIGRTMAX)
		(void)snprintf(out, 24, "SIGRTMIN+%d", signal - SIGRTMIN);
	else
		(void)snprintf(out, 24, "signal %d", signal);
}
