/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a test needs and may lack: NEED("root", geteuid() == 0, "not root") skips with the reason,
 * but fails when SYSC_TEST_MUST_RUN names it, so that nothing is green by skipping.
 */
#ifndef TESTS_NEED_H
#define TESTS_NEED_H

#include "tap.h"

static inline bool need_must(const char *name)
{
	const char *list = secure_getenv("SYSC_TEST_MUST_RUN");
	size_t length = strlen(name);

	while (list && *list) {
		size_t word = strcspn(list, " ,");

		if (word == length && strncmp(list, name, length) == 0)
			return true;
		list += word;
		list += strspn(list, " ,");
	}
	return false;
}

#define NEED(name, condition, why)               \
	do {                                     \
		if (!(condition)) {              \
			CHECK(!need_must(name)); \
			SKIP(why);               \
		}                                \
	} while (0)

#endif
