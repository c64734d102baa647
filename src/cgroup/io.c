/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines of limits.io: which disk, which rates. Nothing is written here. */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/parse.h"
#include "base/text.h"
#include "cgroup/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define THROTTLE_FILE_MAX 65536

/* "254:0" */
static int parse_numbers(const char *text, unsigned int *major_out, unsigned int *minor_out)
{
	CLEAN(strings_done) struct strings parts = {0};
	uint64_t high, low;

	strings_split(&parts, text, ":");
	if (parts.count != 2 || parse_uint(parts.items[0], 0xfff, &high) < 0 ||
	    parse_uint(parts.items[1], 0xfffff, &low) < 0)
		return -EINVAL;
	*major_out = (unsigned int)high;
	*minor_out = (unsigned int)low;
	return 0;
}

/* /sys/dev/block/M:m is a link to the device's folder; a partition is in the folder of its disk. */
static int find_disk(const char *name, const char *sysfs, struct io_limit *limit, struct error *err)
{
	CLEAN_FREE char *folder =
		must_printf("%s/dev/block/%u:%u", sysfs, limit->major, limit->minor);
	CLEAN_FREE char *partition = must_printf("%s/partition", folder);
	CLEAN_FREE char *disk = must_printf("%s/../dev", folder);
	char text[32];

	if (!file_exists(AT_FDCWD, folder))
		return fail_plain(err, ENODEV, "there is no block device %u:%u ('%s')",
		                  limit->major, limit->minor, name);
	if (!file_exists(AT_FDCWD, partition))
		return 0;
	if (file_read_small(AT_FDCWD, disk, text, sizeof(text)) < 0 ||
	    parse_numbers(text, &limit->major, &limit->minor) < 0)
		return fail_plain(err, ENODEV, "'%s' is a partition: name its disk", name);
	return 0;
}

static int find_device(const char *name, const char *sysfs, struct io_limit *limit,
                       struct error *err)
{
	struct stat st;

	if (*name == '/') {
		if (stat(name, &st) < 0)
			return fail(err, errno, "device '%s'", name);
		if (!S_ISBLK(st.st_mode))
			return fail_plain(err, ENOTBLK, "'%s' is no block device", name);
		limit->major = major(st.st_rdev);
		limit->minor = minor(st.st_rdev);
	} else if (parse_numbers(name, &limit->major, &limit->minor) < 0) {
		return fail_plain(err, EINVAL, "'%s' is neither a path nor MAJOR:MINOR", name);
	}
	return find_disk(name, sysfs, limit, err);
}

static int parse_rate(char *word, struct io_limit *limit, struct error *err)
{
	static const char *const names[IO_RATES] = {"rbps", "wbps", "riops", "wiops"};
	char *value = strchr(word, '=');
	size_t rate = 0;
	int r;

	if (!value)
		return fail_plain(err, EINVAL, "'%s' is not of the form RATE=NUMBER", word);
	*value++ = '\0';
	while (rate < IO_RATES && !text_is(names[rate], word))
		rate++;
	if (rate == IO_RATES)
		return fail_plain(err, EINVAL, "'%s' is none of rbps, wbps, riops, wiops", word);
	if (text_is(value, "max")) {
		limit->rates[rate] = LIMIT_UNSET;
		return 0;
	}
	r = rate < IO_RIOPS ? parse_size(value, &limit->rates[rate])
	                    : parse_uint(value, UINT32_MAX, &limit->rates[rate]);
	if (r == 0 && limit->rates[rate] == 0)
		r = -ERANGE; /* on v1 it would mean no limit, on v2 it is refused */
	return r < 0 ? fail(err, -r, "%s=%s", word, value) : 0;
}

int io_parse(const char *line, const char *sysfs, struct io_limit *out, struct error *err)
{
	CLEAN(strings_done) struct strings words = {0};
	struct io_limit limit = {.major = 0};
	int r;

	for (size_t i = 0; i < IO_RATES; i++)
		limit.rates[i] = LIMIT_UNSET;
	strings_split(&words, line, " \t");
	if (words.count < 2)
		return fail_plain(err, EINVAL, "'%s' is not of the form DEVICE RATE=NUMBER …",
		                  line);
	r = find_device(words.items[0], sysfs, &limit, err);
	for (size_t i = 1; i < words.count && r == 0; i++)
		r = parse_rate(words.items[i], &limit, err);
	if (r == 0)
		*out = limit;
	return r;
}

/* Adds a limit to the list; of two of one device the later one's rates win. */
static void add_limit(struct io_limit **items, size_t *count, const struct io_limit *limit)
{
	for (size_t i = 0; i < *count; i++) {
		struct io_limit *known = &(*items)[i];

		if (known->major != limit->major || known->minor != limit->minor)
			continue;
		for (size_t rate = 0; rate < IO_RATES; rate++) {
			if (limit->rates[rate] != LIMIT_UNSET)
				known->rates[rate] = limit->rates[rate];
		}
		return;
	}
	*items = must_realloc(*items, (*count + 1) * sizeof(**items));
	(*items)[(*count)++] = *limit;
}

int io_parse_all(const struct strings *lines, const char *sysfs, struct io_limit **out,
                 size_t *count, size_t *bad, struct error *err)
{
	CLEAN_FREE struct io_limit *items = NULL;
	size_t found = 0;

	for (size_t i = 0; i < lines->count; i++) {
		struct io_limit limit;
		int r = io_parse(lines->items[i], sysfs, &limit, err);

		*bad = i;
		if (r < 0)
			return r;
		limit.nth = i;
		add_limit(&items, &found, &limit);
	}
	*out = ptr_take(items);
	*count = found;
	return 0;
}

int io_add_stale(int dir, const char *file, struct io_limit **items, size_t *count,
                 struct error *err)
{
	CLEAN(strings_done) struct strings lines = {0};
	CLEAN(text_done) struct text text = {0};
	int r = file_read(dir, file, THROTTLE_FILE_MAX, &text, err);

	if (r < 0)
		return r;
	strings_split(&lines, text.data ? text.data : "", "\n");
	for (size_t i = 0; i < lines.count; i++) {
		struct io_limit limit = {.major = 0};

		for (size_t rate = 0; rate < IO_RATES; rate++)
			limit.rates[rate] = LIMIT_UNSET;
		lines.items[i][strcspn(lines.items[i], " ")] = '\0';
		if (parse_numbers(lines.items[i], &limit.major, &limit.minor) == 0)
			add_limit(items, count, &limit);
	}
	return 0;
}
