/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The line and the signals of work on a tree; see the header. */
#include "tools/tree_progress.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "storage/copy.h"
#include "storage/remove.h"
#include "tools/command.h"
#include "tools/making.h"

#include <errno.h>
#include <fcntl.h>

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

/* For remove_options: the same. */
static int tell_removed(uint64_t entries, void *user, struct error *err)
{
	const struct progress_amount amount = {.entries = entries};

	return tell(user, &amount, err);
}

int tree_progress_remove(const struct call *call, const char *name, const char *store,
                         const char *hidden, int signals_fd, struct error *err)
{
	CLEAN_FD int folder = open(store, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct tree_progress progress;
	const struct remove_options options = {.progress = tell_removed, .user = &progress};
	int r;

	if (folder < 0)
		return fail(err, errno, "open '%s'", store);
	tree_progress_begin(&progress, call, name, signals_fd);
	progress.line.counted = "removed";
	r = remove_tree_with(folder, hidden, &options, err);
	progress_clear(&progress.line);
	return r;
}
