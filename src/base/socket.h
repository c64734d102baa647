/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Unix sockets: whole messages with fds beside them, by path, with the sender's identity. */
#ifndef SYSC_BASE_SOCKET_H
#define SYSC_BASE_SOCKET_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

struct error;

#define SOCKET_FDS_MAX 16

/* Binds and listens on path (SOCK_SEQPACKET, close-on-exec, non-blocking); a dead socket file of that
 * name is replaced. A path of any length works (through a directory fd). */
int socket_listen(const char *path, struct error *err);
int socket_connect(const char *path, struct error *err);
/* One message with up to SOCKET_FDS_MAX fds. 0 or -errno. */
int socket_send(int fd, const void *bytes, size_t count, const int *fds, size_t fd_count);
/*
 * Receives one message: its length, 0 at the end of the stream, -errno; -EMSGSIZE when it is longer
 * than room or came with more fds than expected (all of them are closed). *fd_count in: room, out:
 * received (close-on-exec).
 */
ssize_t socket_receive(int fd, void *bytes, size_t room, int *fds, size_t *fd_count);
/* The peer's uid and pid (SO_PEERCRED). */
int socket_peer(int fd, uid_t *uid, pid_t *pid);

#endif
