/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sd_notify(3) in both directions: what the guest's init says to the supervisor, and what the supervisor says
 * to the service manager of the host that started it. Both are one datagram of NAME=VALUE lines.
 */
#ifndef SYSC_MONITOR_NOTIFY_H
#define SYSC_MONITOR_NOTIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct error;

#define NOTIFY_BYTES_MAX  4096 /* of a message; systemd's own bound */
#define NOTIFY_STATUS_MAX 128

/* What of a message concerns us; everything else in it is ignored. */
struct notify_message {
	bool is_ready, is_stopping;
	bool has_status;
	char status[NOTIFY_STATUS_MAX]; /* one line, control characters replaced, cut */
};

/*
 * Reads a message of length bytes. -EBADMSG when it is empty, too long, holds a NUL or a line without a name:
 * then none of it counts.
 */
int notify_parse(const char *bytes, size_t length, struct notify_message *out);

/*
 * Binds the datagram socket RUN_DIR/notify for the guest (uid, gid: the ids of its root on the host; nobody
 * else may write to it). An old one is replaced. Returns the fd.
 */
int notify_bind(const char *run_dir, uid_t uid, gid_t gid, struct error *err);
/*
 * Takes the next message from the queue, which must be of process pid (SCM_CREDENTIALS, unix(7)). -EBADMSG:
 * of somebody else, or broken; it is gone. -EAGAIN: there is none.
 */
int notify_receive(int fd, pid_t pid, struct notify_message *out);

/*
 * Sends text to the service manager of the host, as process main_pid, which the service manager takes for
 * the service. Without NOTIFY_SOCKET in the environment nothing is done. 0 or -errno.
 */
int notify_host(pid_t main_pid, const char *text);

#endif
