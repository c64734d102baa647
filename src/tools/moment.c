/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Times as text; see the header. */
#include "tools/moment.h"

#include <stdio.h>
#include <time.h>

const char *moment_format(int64_t when_ms, char out[MOMENT_ROOM])
{
	time_t seconds = (time_t)(when_ms / 1000);
	struct tm tm = {0};
	size_t used;

	out[0] = '\0';
	if (when_ms <= 0 || !gmtime_r(&seconds, &tm))
		return out;
	used = strftime(out, MOMENT_ROOM, "%Y-%m-%dT%H:%M:%S",
	                &tm); /* none of these has a locale */
	(void)snprintf(out + used, MOMENT_ROOM - used, ".%03uZ", (unsigned int)(when_ms % 1000));
	return out;
}

const char *moment_format_span(int64_t span_ms, char out[MOMENT_ROOM])
{
	long long s = span_ms > 0 ? span_ms / 1000 : 0;

	if (s < 60)
		(void)snprintf(out, MOMENT_ROOM, "%llds", s);
	else if (s < 3600)
		(void)snprintf(out, MOMENT_ROOM, "%lldmin %llds", s / 60, s % 60);
	else if (s < 86400)
		(void)snprintf(out, MOMENT_ROOM, "%lldh %lldmin", s / 3600, s / 60 % 60);
	else
		(void)snprintf(out, MOMENT_ROOM, "%lldd %lldh", s / 86400, s / 3600 % 24);
	return out;
}
