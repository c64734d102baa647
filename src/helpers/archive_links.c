/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The first names of files that have several; see the header. */
#include "helpers/archive_links.h"

#include "base/cleanup.h"
#include "base/text.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

static int compare_linked(const void *a, const void *b)
{
	const struct linked *left = a, *right = b;

	if (left->number != right->number)
		return left->number < right->number ? -1 : 1;
	return left->device < right->device ? -1 : left->device > right->device;
}

void links_done(struct links *links)
{
	while (links->names) {
		struct linked *item = *(struct linked **)links->names;

		(void)tdelete(item, &links->names, compare_linked);
		free(item);
	}
}

struct linked *links_find(struct links *links, const char *path, const struct stat *st)
{
	size_t length = strlen(path) + 1;
	struct linked *item, **found;

	if (S_ISDIR(st->st_mode) || st->st_nlink < 2)
		return NULL;
	item = must_alloc(sizeof(*item) + length);
	item->device = st->st_dev;
	item->number = st->st_ino;
	memcpy(item->path, path, length);
	found = tsearch(item, &links->names, compare_linked);
	if (!found)
		abort(); /* out of memory, as must_alloc() */
	if (*found != item)
		free(item);
	return *found;
}
