/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading mountinfo; see the header. */
#include "storage/mounts.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* \040 and its like, in place. */
static void unescape(char *path)
{
	char *to = path;

	for (const char *from = path; *from; to++) {
		if (from[0] == '\\' && from[1] && from[2] && from[3]) {
			*to = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

/* The fifth field of a line; NULL: it has not as many. */
static char *take_point(char *line)
{
	char *point = line;

	for (int field = 1; point && field < 5; field++) {
		point = strchr(point, ' ');
		point += point != NULL;
	}
	if (!point)
		return NULL;
	point[strcspn(point, " \n")] = '\0';
	unescape(point);
	return point;
}

char *mounts_find(const char *list, mounts_judge is_wanted, const char *path, int *code)
{
	CLEAN_FILE FILE *file = fopen(list ? list : "/proc/self/mountinfo", "re");
	CLEAN_FREE char *line = NULL;
	size_t room = 0;

	if (code)
		*code = file ? 0 : -errno;
	while (file && getline(&line, &room, file) > 0) {
		const char *point = take_point(line);

		if (point && is_wanted(point, path))
			return must_dup(point);
	}
	return NULL;
}

bool mounts_is_below(const char *point, const char *path)
{
	return text_starts(point, path) && point[strlen(path)] == '/';
}
