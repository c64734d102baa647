/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The line and the signals of work on a tree; see the header. */
#include "tools/tree_progress.h"

#include "storage/copy.h"
#include "tools/command.h"
#include "tools/making.h"

#include <errno.h>

void tree_progress_begin(struct tree_progress *progress, const struct call *call, const char *name,
                         int signals_fd)
{
	*progress = (struct tree_progress){.signals_fd = signals_fd};
	progress_begin(&progress->line, output_progress_fd(call), name);
	progress->line.at_end = "finishing";
}

static int tell(struct tree_progress *progress, const struct progress_amount *amount,
                struct error *err)
{
	if (amount->entries)
		progress_show(&progress->line, amount);
	progress->signal = making_check_signals(progress->signals_fd, err);
	return progress->signal ? -EINTR : 0;
}

int tree_progress_copied(const struct copy_totals *done, void *user, struct error *err)
{
	const struct progress_amount amount = copy_amount(done);

	return tell(user, &amount, err);
}

int tree_progress_removed(uint64_t entries, void *user, struct error *err)
{
	const struct progress_amount amount = {.entries = entries};

	return tell(user, &amount, err);
}
