/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Splitting mountinfo; see the header. */
#include "base/mountinfo.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/parse.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>

#define MOUNTINFO_MAX (16U << 20)

/* Blank, tab, newline and backslash come as \040 and so on; decoded in place. */
static void decode_octal(char *string)
{
	char *to = string;

	for (const char *from = string; *from; to++) {
		unsigned int value = 0;
		int digits = 0;

		while (*from == '\\' && digits < 3 && from[1 + digits] >= '0' &&
		       from[1 + digits] <= '7')
			value = value * 8 + (unsigned int)(from[1 + digits++] - '0');
		if (digits == 3)
			*to = (char)(unsigned char)value;
		else
			*to = *from;
		from += digits == 3 ? 4 : 1;
	}
	*to = '\0';
}

/* "36 35 98:0 /root /point options [optional ...] - type source superoptions" */
static bool split_line(char *line, struct mountinfo_line *out)
{
	const char *id = strsep(&line, " "), *parent = strsep(&line, " ");
	char *device = strsep(&line, " "), *root = strsep(&line, " ");
	char *point = strsep(&line, " "), *word;

	do {
		word = strsep(&line, " ");
	} while (word && strcmp(word, "-") != 0);
	out->type = strsep(&line, " ");
	(void)strsep(&line, " "); /* the source: any text */
	out->options = strsep(&line, " ");
	if (!out->options || parse_uint(id, UINT64_MAX, &out->id) < 0 ||
	    parse_uint(parent, UINT64_MAX, &out->parent) < 0)
		return false;
	decode_octal(root);
	decode_octal(point);
	out->device = device;
	out->root = root;
	out->point = point;
	return true;
}

int mountinfo_read(struct mountinfo *mounts, const char *path, struct error *err)
{
	size_t room = 0;
	char *rest, *line;
	int r;

	*mounts = (struct mountinfo){.items = NULL};
	r = file_read(AT_FDCWD, path ? path : "/proc/self/mountinfo", MOUNTINFO_MAX, &mounts->text,
	              err);
	if (r < 0)
		return r;
	rest = mounts->text.data;
	while ((line = strsep(&rest, "\n"))) {
		if (mounts->count == room) {
			room = room ? room * 2 : 64;
			mounts->items = must_realloc(mounts->items, room * sizeof(*mounts->items));
		}
		mounts->count += split_line(line, &mounts->items[mounts->count]);
	}
	return 0;
}

void mountinfo_done(struct mountinfo *mounts)
{
	text_done(&mounts->text);
	free(mounts->items);
	*mounts = (struct mountinfo){.items = NULL};
}
