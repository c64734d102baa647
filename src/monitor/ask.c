/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * There is no event for "init has set up its signals", so its status file is looked at, more and more
 * seldom, as long as a request is open. Called by monitor.c.
 */
#include "monitor/ask.h"

#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/process.h"
#include "base/text.h"
#include "monitor/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#define FIRST_MS   10
#define LAST_MS    1000
#define STATUS_MAX 65536

/* The mask in the line that begins with key; 0 when there is none. */
static uint64_t mask_of(const struct text *status, const char *key)
{
	const char *line = status->data ? strstr(status->data, key) : NULL;

	return line ? strtoull(line + strlen(key), NULL, 16) : 0;
}

/*
 * While a process is in sigtimedwait(2), as busybox's init is, the signals it waits for are shown as not
 * blocked; /proc/PID/syscall (proc(5)) tells.
 */
static bool is_in_sigtimedwait(pid_t pid)
{
	char path[48], text[256];

	(void)snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	if (file_read_small(AT_FDCWD, path, text, sizeof(text)) < 0)
		return false;
	return strtol(text, NULL, 10) == SYS_rt_sigtimedwait;
}

/* Whether init handles the signal or waits for it. True also when that cannot be told. */
static bool is_heard(pid_t pid, int signal)
{
	CLEAN(text_done) struct text status = {0};
	CLEAN_FREE char *path = must_printf("/proc/%d/status", pid);
	uint64_t mask;

	if (file_read(AT_FDCWD, path, STATUS_MAX, &status, NULL) < 0)
		return true;
	mask = mask_of(&status, "\nSigCgt:\t") | mask_of(&status, "\nSigBlk:\t");
	return mask >> (signal - 1) & 1 || is_in_sigtimedwait(pid);
}

/*
 * Inits that may hear a request and not follow it, because it comes before they are ready; to be asked once
 * more does them no harm.
 */
static bool wants_repeats(const struct monitor *monitor)
{
	static const struct {
		const char *kind;
		int signal;
	} rows[] = {
  /* counts only when /etc/runit/stopit may be run; in Debian each boot makes that anew */
		{"runit",    SIGCONT},
 /* the line of inittab is run only between two runlevels' scripts */
		{"sysvinit", SIGPWR },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strcmp(monitor->state.init_kind, rows[i].kind) == 0 &&
		    monitor->handover.asked_signal == (uint64_t)rows[i].signal)
			return true;
	return false;
}

/* It is sent also to an init that may not hear it: a wrong guess costs a repetition, not the deadline. */
static int send_signal(struct monitor *monitor, struct error *err)
{
	int signal = (int)monitor->handover.asked_signal;
	bool heard = signal == SIGKILL || is_heard(monitor->state.init_pid, signal);
	int r = 0;

	monitor->asked_next_ms = process_clock_ms() + (heard ? LAST_MS : monitor->asked_pause_ms);
	monitor->asked_pause_ms *= 2;
	if (monitor->asked_pause_ms > LAST_MS)
		monitor->asked_pause_ms = LAST_MS;
	if (heard && !wants_repeats(monitor)) {
		monitor->handover.asked_signal = 0;
		r = monitor_remember(monitor, err);
	}
	if (sys_pidfd_send_signal(monitor->handover.pidfd, signal) < 0 && errno != ESRCH)
		return fail(err, errno, "send signal %d to init", signal);
	return r;
}

int ask_init(struct monitor *monitor, int signal, struct error *err)
{
	int r;

	monitor->handover.asked_signal = (uint64_t)signal;
	monitor->asked_pause_ms = FIRST_MS;
	r = monitor_remember(monitor, err); /* before it is sent: it must not be lost with us */
	return r < 0 ? r : send_signal(monitor, err);
}

int ask_timeout_ms(const struct monitor *monitor)
{
	int64_t left = monitor->asked_next_ms - process_clock_ms();

	if (!monitor->handover.asked_signal)
		return -1;
	return left > 0 ? (int)left : 0;
}

void ask_again(struct monitor *monitor)
{
	struct error err = {0};

	if (ask_timeout_ms(monitor) == 0 && send_signal(monitor, &err) < 0)
		log_line(LOG_LEVEL_ERROR, "%s", err.text);
}
