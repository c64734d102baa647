/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A set of inodes; see the header. */
#include "storage/inodes.h"

#include "base/text.h"

#include <stdint.h>
#include <stdlib.h>

#define ROOM_FIRST 256

struct inode {
	dev_t device;
	ino_t number; /* 0: an empty place */
};

void inodes_done(struct inodes *set)
{
	free(set->places);
	*set = (struct inodes){0};
}

/* The place of an inode in the table, or the empty one where it would go. */
static struct inode *find_place(const struct inodes *set, dev_t device, ino_t number)
{
	size_t at = (size_t)(number * 0x9e3779b97f4a7c15ULL >> 20);

	for (;; at++) {
		struct inode *place = &set->places[at & (set->room - 1)];

		if (place->number == 0 || (place->number == number && place->device == device))
			return place;
	}
}

static void grow(struct inodes *set)
{
	struct inodes bigger = {.count = set->count,
	                        .room = set->room ? set->room * 2 : ROOM_FIRST};

	bigger.places = must_alloc(bigger.room * sizeof(*bigger.places));
	for (size_t i = 0; i < set->room; i++)
		if (set->places[i].number)
			*find_place(&bigger, set->places[i].device, set->places[i].number) =
				set->places[i];
	free(set->places);
	*set = bigger;
}

bool inodes_add(struct inodes *set, const struct stat *st)
{
	struct inode *place;

	if (set->count * 4 >= set->room * 3)
		grow(set);
	place = find_place(set, st->st_dev, st->st_ino);
	if (place->number)
		return false;
	*place = (struct inode){.device = st->st_dev, .number = st->st_ino};
	set->count++;
	return true;
}
