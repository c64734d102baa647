/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether a file says what was written to it: the kernel rounds sizes to pages, sorts lists of cpus
 * and puts words in front. Pure functions of text.
 */
#include "base/cleanup.h"
#include "base/parse.h"
#include "base/text.h"
#include "cgroup/limits.h"

#include <errno.h>
#include <string.h>

#define CPUS_MAX 8192 /* NR_CPUS of the largest configuration */

/* "max", "-1" and what v1 shows for them: the highest whole page of 63 bits. */
static bool is_unlimited(const char *text)
{
	uint64_t value;

	if (text_is(text, "max") || text_is(text, "-1"))
		return true;
	return parse_uint(text, UINT64_MAX, &value) == 0 && value >= (UINT64_C(1) << 63) - 0x10000;
}

static bool same_bytes(const char *want, const char *got)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), wanted, read;

	if (is_unlimited(want) || is_unlimited(got))
		return is_unlimited(want) && is_unlimited(got);
	if (parse_size(want, &wanted) < 0 || parse_uint(got, UINT64_MAX, &read) < 0)
		return false;
	return read == wanted || read == wanted / page * page;
}

/* "0-3,6" into bits. */
static int parse_cpu_list(const char *text, unsigned char bits[CPUS_MAX])
{
	CLEAN(strings_done) struct strings parts = {0};

	memset(bits, 0, CPUS_MAX);
	strings_split(&parts, text, ", \n");
	for (size_t i = 0; i < parts.count; i++) {
		char *dash = strchr(parts.items[i], '-');
		uint64_t first, last;

		if (dash)
			*dash = '\0';
		if (parse_uint(parts.items[i], CPUS_MAX - 1, &first) < 0)
			return -EINVAL;
		last = first;
		if (dash && parse_uint(dash + 1, CPUS_MAX - 1, &last) < 0)
			return -EINVAL;
		for (uint64_t cpu = first; cpu <= last; cpu++)
			bits[cpu] = 1;
	}
	return 0;
}

static bool same_cpus(const char *want, const char *got)
{
	unsigned char wanted[CPUS_MAX], read[CPUS_MAX];

	return parse_cpu_list(want, wanted) == 0 && parse_cpu_list(got, read) == 0 &&
	       memcmp(wanted, read, sizeof(wanted)) == 0;
}

/* want, "254:0 rbps=1 …", stands as a line; or no line of the device when want is the reset. */
static bool same_device(const char *want, const char *reset, const char *got)
{
	CLEAN(strings_done) struct strings lines = {0};
	size_t device = strcspn(want, " ") + 1;

	strings_split(&lines, got, "\n");
	for (size_t i = 0; i < lines.count; i++) {
		if (strncmp(lines.items[i], want, device) == 0)
			return text_is(lines.items[i], want);
	}
	return text_is(want, reset);
}

/* want stands in got as whole words of one line: "50000" in "50000 100000", "200" in "default 200". */
static bool has_words(const char *want, const char *got)
{
	size_t length = strlen(want);

	for (const char *at = got; length && (at = strstr(at, want)); at++) {
		bool begins = at == got || strchr(" \n", at[-1]);

		if (begins && strchr(" \n", at[length]))
			return true;
	}
	return length == 0;
}

static bool same_weight(const char *want, const char *got)
{
	return text_is(want, got) || (text_starts(got, "default ") && text_is(want, got + 8));
}

bool limit_is_same(enum limit_form form, const char *want, const char *reset, const char *got)
{
	switch (form) {
	case LIMIT_BYTES:
		return same_bytes(want, got);
	case LIMIT_CPUS:
		return same_cpus(want, got);
	case LIMIT_WEIGHT:
		return same_weight(want, got);
	case LIMIT_DEVICE:
		return same_device(want, reset, got);
	case LIMIT_TEXT:
		return has_words(want, got) || same_bytes(want, got) || same_cpus(want, got);
	default:
		return text_is(want, got);
	}
}
