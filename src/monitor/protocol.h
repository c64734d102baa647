/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The command socket of a supervisor, RUN/NAME/socket (SOCK_SEQPACKET, folder 0700, root and the
 * supervisor's own uid only, checked by SO_PEERCRED). Every message is one frame of the same form:
 *
 *   client                         supervisor
 *     -- STOP how -------------->    sends the signal, remembers who asked
 *     <------------ REPLY code --
 *     <------------------ (end) --   when the container is gone and cleaned up
 *
 *     -- FROZEN 1|0 ------------>    looks at the cgroup, writes the state
 *     <------------ REPLY code --
 *
 *     -- START ----------------->    one that waits to be started again: now
 *     <------------ REPLY code --
 *
 *     -- RELOAD policy --------->    keys that apply live (restart.h), kept from now on
 *     <------------ REPLY code --
 *
 *     -- CONSOLE tty position -->    REPLY code, then frames both ways until one side closes:
 *     <--- DATA bytes position --    first what the buffer holds (from position on, where it is
 *                                    not 0: of the last DATA of an earlier connection), then what comes
 *     -- DATA bytes ------------>
 *     -- RESIZE rows columns --->
 *
 *     -- UPGRADE --------------->    of any version of this protocol: hands over to the installed program
 *     <--- REPLY code, version --    of the one that goes
 *     <------------------ (end) --
 *     -- ABOUT ----------------->    the next connection
 *     <--- REPLY code, version --    or why the program that was asked for could not be run
 *
 * A connection that ends without a REPLY, or before its end was due, tells only that this process of the
 * supervisor ended: where the container goes on, there is or will be another one to be asked (client.c).
 *
 * To add a request: its kind here, its row in requests (server.c), its function in client.c.
 */
#ifndef SYSC_MONITOR_PROTOCOL_H
#define SYSC_MONITOR_PROTOCOL_H

#include <stdint.h>

#define PROTOCOL_VERSION   1
#define PROTOCOL_BYTES_MAX 4096

enum protocol_kind {
	PROTOCOL_REPLY = 1,
	PROTOCOL_STOP,
	PROTOCOL_FROZEN,
	PROTOCOL_CONSOLE,
	PROTOCOL_DATA,
	PROTOCOL_RESIZE,
	PROTOCOL_START,
	PROTOCOL_RELOAD,
	PROTOCOL_UPGRADE,
	PROTOCOL_ABOUT,
};

enum protocol_stop {
	PROTOCOL_HALT = 1,
	PROTOCOL_REBOOT,
	PROTOCOL_KILL
};

struct protocol_frame {
	uint16_t version, kind;
	int32_t code;     /* REPLY: 0 or a positive errno; STOP: enum protocol_stop; tty; rows */
	uint32_t columns; /* RESIZE; position: lower half of the number of bytes ever printed */
	uint32_t length;  /* of bytes that follow: text of a REPLY, DATA */
	char bytes[PROTOCOL_BYTES_MAX];
};

/* Bytes of a frame on the wire. */
#define PROTOCOL_SIZE(frame) (offsetof(struct protocol_frame, bytes) + (frame)->length)

/* 0, or -EBADMSG when a received frame of size bytes is not whole, not of this version or lies about its
 * length. */
int protocol_check(const struct protocol_frame *frame, long size);

#endif
