/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cgroup.events: read, wait for its change, read again; see the header. */
#include "cgroup/events.h"

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/process.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

/* The number behind key in "populated 1\nfrozen 0\n", -ENODATA when there is none. */
static int value_of(const char *text, const char *key)
{
	CLEAN(strings_done) struct strings words = {0};
	uint64_t value;

	strings_split(&words, text, " \n");
	for (size_t i = 0; i + 1 < words.count; i += 2) {
		if (text_is(words.items[i], key) &&
		    parse_uint(words.items[i + 1], INT32_MAX, &value) == 0)
			return (int)value;
	}
	return -ENODATA;
}

int events_wait(int dirfd, const char *key, unsigned int value, int64_t deadline_ms)
{
	CLEAN_FD int fd = openat(dirfd, "cgroup.events", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLPRI};
		char text[256];
		/* reading is what arms the next POLLPRI, so no change between the two is lost */
		ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
		int64_t left = deadline_ms - process_clock_ms();
		int now;

		if (n < 0)
			return -errno;
		text[n] = '\0';
		now = value_of(text, key);
		if (now < 0)
			return now;
		if ((unsigned int)now == value)
			return 0;
		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(&p, 1, left > INT32_MAX ? INT32_MAX : (int)left) < 0 && errno != EINTR)
			return -errno;
	}
}
