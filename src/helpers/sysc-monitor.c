/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sysc-monitor NAME FD [WORKER PIPE]: what the supervisor of a container becomes once it runs; main only.
 * NAME is for ps(1), FD is the handover. WORKER and PIPE: to be the new keeper of that worker. Not for
 * hand use.
 */
#include "base/parse.h"
#include "monitor/keeper.h"

#include <stdio.h>

int main(int argc, char **argv)
{
	uint64_t fd = 0, worker = 0, pipe = 0;

	if ((argc != 3 && argc != 5) || parse_uint(argv[2], INT32_MAX, &fd) < 0 ||
	    (argc == 5 && (parse_uint(argv[3], INT32_MAX, &worker) < 0 ||
	                   parse_uint(argv[4], INT32_MAX, &pipe) < 0))) {
		(void)fprintf(stderr, "sysc-monitor: started by sysc-start only\n");
		return 2;
	}
	return keeper_run((int)fd, (pid_t)worker, argc == 5 ? (int)pipe : -1);
}
