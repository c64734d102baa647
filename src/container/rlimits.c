/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of resource limits. */
#include "container/rlimits.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/parse.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

static const struct {
	const char *name;
	int resource;
} limits[] = {
	{"as",         RLIMIT_AS        },
        {"core",       RLIMIT_CORE      },
	{"cpu",        RLIMIT_CPU       },
        {"data",       RLIMIT_DATA      },
	{"fsize",      RLIMIT_FSIZE     },
        {"locks",      RLIMIT_LOCKS     },
	{"memlock",    RLIMIT_MEMLOCK   },
        {"msgqueue",   RLIMIT_MSGQUEUE  },
	{"nice",       RLIMIT_NICE      },
        {"nofile",     RLIMIT_NOFILE    },
	{"nproc",      RLIMIT_NPROC     },
        {"rss",        RLIMIT_RSS       },
	{"rtprio",     RLIMIT_RTPRIO    },
        {"rttime",     RLIMIT_RTTIME    },
	{"stack",      RLIMIT_STACK     },
        {"sigpending", RLIMIT_SIGPENDING},
};

static int parse_one(const char *text, rlim_t *out)
{
	uint64_t value = 0;

	if (strcmp(text, "unlimited") == 0 || strcmp(text, "infinity") == 0) {
		*out = RLIM_INFINITY;
		return 0;
	}
	if (parse_size(text, &value) < 0)
		return -EINVAL;
	*out = value;
	return 0;
}

static int unknown(const char *name, struct error *err)
{
	const char *names[ARRAY_SIZE(limits) + 1] = {NULL};
	const char *near;

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		names[i] = limits[i].name;
	near = text_nearest(name, names);
	(void)fail_plain(err, EINVAL, "there is no resource limit '%s'", name);
	return near ? fail_hint(err, "did you mean '%s'?", near) : -EINVAL;
}

int rlimits_parse(const char *name, const char *value, int *resource, struct rlimit *out,
                  struct error *err)
{
	CLEAN(strings_done) struct strings parts = {0};
	struct rlimit limit = {0};
	size_t i = 0;

	while (i < ARRAY_SIZE(limits) && strcmp(limits[i].name, name) != 0)
		i++;
	if (i == ARRAY_SIZE(limits))
		return unknown(name, err);
	strings_split(&parts, value, ":");
	if (parts.count < 1 || parts.count > 2 || parse_one(parts.items[0], &limit.rlim_cur) < 0 ||
	    parse_one(parts.items[parts.count - 1], &limit.rlim_max) < 0)
		return fail_plain(
			err, EINVAL,
			"'%s' is not of the form SOFT[:HARD], each a number or 'unlimited'", value);
	if (limit.rlim_cur > limit.rlim_max)
		return fail_plain(err, EINVAL, "the soft limit of '%s' is above the hard one",
		                  value);
	*resource = limits[i].resource;
	*out = limit;
	return 0;
}

void rlimits_copy_from(pid_t pid)
{
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		struct rlimit limit;

		if (prlimit(pid, (enum __rlimit_resource)limits[i].resource, NULL, &limit) == 0)
			/* raising needs CAP_SYS_RESOURCE: without it the caller's own stays */
			(void)prlimit(0, (enum __rlimit_resource)limits[i].resource, &limit, NULL);
	}
}
