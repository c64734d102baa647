/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Watching over the confined child of sysc-archive; see the header. */
#include "helpers/archive_run.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/process.h"
#include "base/progress.h"
#include "helpers/archive_options.h"
#include "helpers/archive_work.h"
#include "helpers/confine.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define PROGRESS_MS 100 /* between two looks at the counters */

/* total: of an archive that is read; that of a tree the child counts. */
static struct progress_amount count(const struct archive_counters *counters, uint64_t total)
{
	uint64_t tree = atomic_load(&counters->total);
	bool is_known = total || tree;

	return (struct progress_amount){
		.bytes = atomic_load(is_known ? &counters->input : &counters->bytes),
		.all_bytes = tree ? tree : total,
		.entries = atomic_load(&counters->entries),
		.all_entries = atomic_load(&counters->total_entries),
	};
}

/* Until the child ends (0) or a signal asks to stop (its number). */
static int watch(int signals, const struct confined *child, struct progress *progress,
                 const struct archive_counters *counters, uint64_t total)
{
	struct pollfd events[] = {
		{.fd = child->pidfd, .events = POLLIN},
                {.fd = signals,      .events = POLLIN}
        };
	struct signalfd_siginfo info;

	for (;;) {
		int n = poll(events, ARRAY_SIZE(events), progress->form ? PROGRESS_MS : -1);
		struct progress_amount amount = count(counters, total);

		if (n > 0 && events[1].revents &&
		    read(signals, &info, sizeof(info)) == sizeof(info))
			return (int)info.ssi_signo;
		if (n > 0 && events[0].revents)
			return 0;
		progress_show(progress, &amount);
	}
}

/* Who has given a report draws it himself, if anybody does. */
static bool draws(const struct archive_options *options)
{
	return !options->quiet && options->report_fd < 0 && progress_can_draw(STDERR_FILENO);
}

static void begin_progress(const struct archive_options *options, const char *name,
                           struct progress *progress)
{
	if (options->progress)
		progress_begin_records(progress,
		                       options->report_fd < 0 ? STDERR_FILENO : options->report_fd);
	else
		progress_begin(progress, draws(options) ? STDERR_FILENO : -1, name);
	progress->at_end = "finishing";
}

void run_report(const struct archive_options *options, const char *format, ...)
{
	va_list args;

	if (options->report_fd < 0)
		(void)fputs("sysc-archive: ", stderr);
	va_start(args, format);
	(void)vdprintf(options->report_fd < 0 ? 2 : options->report_fd, format, args);
	va_end(args);
}

static void report_notes(const struct archive_options *options,
                         const struct archive_counters *counters)
{
	unsigned int count = atomic_load(&counters->note_count);
	const char *kind = options->report_fd < 0 ? "" : "note ";

	if (options->quiet && options->report_fd < 0)
		return;
	for (unsigned int i = 0; i < count && i < ARCHIVE_NOTES; i++) {
		char shown[ARCHIVE_NOTE_MAX];

		memcpy(shown, counters->notes[i], sizeof(shown));
		shown[sizeof(shown) - 1] = '\0';
		for (char *c = shown; *c; c++) /* the child's memory is foreign */
			if ((unsigned char)*c < 32 || *c == 127)
				*c = '?';
		run_report(options, "%s%s\n", kind, shown);
	}
	if (count > ARCHIVE_NOTES)
		run_report(options, "%sand %u more\n", kind, count - ARCHIVE_NOTES);
}

/* What was counted, for who called. */
static void report_counts(const struct archive_options *options,
                          const struct archive_counters *counters)
{
	const uint64_t counts[] = {atomic_load(&counters->entries), atomic_load(&counters->bytes),
	                           atomic_load(&counters->kept), atomic_load(&counters->kept_bytes),
	                           atomic_load(&counters->removed)};

	if (options->report_fd >= 0)
		run_report(options,
		           "count %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
		           counts[0], counts[1], counts[2], counts[3], counts[4]);
}

int run_confined(const struct archive_options *options, const struct confine *confine,
                 struct archive_counters *counters, const char *name, uint64_t total,
                 struct error *err)
{
	CLEAN_FD int signals = process_catch_signals();
	struct progress progress;
	struct confined child;
	int r, signal_number;

	if (signals < 0)
		return fail(err, errno, "watch for signals");
	begin_progress(options, name, &progress);
	r = confine_start(confine, &child, err);
	if (r < 0)
		return r;
	signal_number = watch(signals, &child, &progress, counters, total);
	r = confine_end(&child, signal_number != 0, err);
	progress_clear(&progress);
	if (r == 0) {
		report_notes(options, counters);
		report_counts(options, counters);
	}
	(void)munmap(counters, sizeof(*counters));
	if (!signal_number)
		return r;
	(void)fail_plain(err, EINTR, "interrupted");
	return signal_number;
}

struct archive_counters *run_share_counters(struct error *err)
{
	struct archive_counters *counters = mmap(NULL, sizeof(*counters), PROT_READ | PROT_WRITE,
	                                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (counters == MAP_FAILED) {
		(void)fail(err, errno, "share memory");
		return NULL;
	}
	return counters;
}

bool run_shows_progress(const struct archive_options *options)
{
	return options->progress || draws(options);
}
