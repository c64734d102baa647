/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The list of an archive against all that there is to hold it against: what was unpacked, and, of an increment, the
 * list of what stood there before. Each entry must come from one of them. The three have the same order, so none is
 * kept in memory.
 */
#ifndef SYSC_HELPERS_ARCHIVE_COMPARE_H
#define SYSC_HELPERS_ARCHIVE_COMPARE_H

#include <stdbool.h>
#include <stdio.h>

struct error;

/* In a line of what was unpacked: the content of the file is what it was before. */
#define COMPARE_SAME "0000000000000000000000000000000000000000000000000000000000000000"

struct compare {
	FILE *before; /* the kept list of what stood there, with its manifest; NULL: nothing did */
	FILE *unpacked; /* the list of what was unpacked, at its start */
	bool is_alone;  /* an increment is looked at without what stood before: that is believed */
	/* Told of what is gone and nothing else came in its place; NULL: nobody wants to know. */
	int (*remove)(void *user, const char *path, struct error *err);
	void *user;
};

/* 0: all is as it should be. -EBADMSG and what list_reader_next() says. */
int compare_lists(const struct compare *compare, FILE *list, struct error *err);

#endif
