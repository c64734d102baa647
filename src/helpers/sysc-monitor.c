/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sysc-monitor NAME FD: what the supervisor of a container becomes once it runs; main only. NAME is for
 * ps(1), FD is the handover. Not for hand use.
 */
#include "base/parse.h"
#include "monitor/monitor.h"

#include <stdio.h>

int main(int argc, char **argv)
{
	uint64_t fd = 0;

	if (argc != 3 || parse_uint(argv[2], INT32_MAX, &fd) < 0) {
		(void)fprintf(stderr, "sysc-monitor: started by sysc-start only\n");
		return 2;
	}
	return monitor_run((int)fd);
}
