/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The line and the signals of a copy; see the header. */
#include "tools/copy_progress.h"

#include "base/process.h"
#include "storage/copy.h"
#include "tools/command.h"
#include "tools/making.h"

#include <stdio.h>
#include <unistd.h>

#define SHOW_MS 200

static void show(struct copy_progress *progress, const struct copy_totals *done)
{
	int64_t now = process_clock_ms();

	if (progress->call->quiet || !isatty(STDERR_FILENO) || now - progress->shown_ms < SHOW_MS)
		return;
	progress->shown_ms = now;
	(void)dprintf(STDERR_FILENO, "\r\033[K%s: %llu files, %llu MiB", progress->name,
	              (unsigned long long)done->files, (unsigned long long)(done->bytes >> 20));
}

int copy_progress_tell(const struct copy_totals *done, void *user, struct error *err)
{
	struct copy_progress *progress = user;

	show(progress, done);
	return making_check_signals(progress->signals_fd, err);
}

void copy_progress_end(const struct copy_progress *progress)
{
	if (progress->shown_ms)
		(void)dprintf(STDERR_FILENO, "\r\033[K");
}
