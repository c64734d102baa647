/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command socket, server side: who may ask what, and the answers. protocol.h draws it. */
#ifndef SYSC_MONITOR_SERVER_H
#define SYSC_MONITOR_SERVER_H

struct monitor;
struct terminal;

/* Adds the listening socket of the handover to the loop. */
int server_open(struct monitor *monitor);
/* Makes fd (taken over) a client of the console, as if it had asked for it. */
int server_adopt(struct monitor *monitor, int fd);
/* Sends what the clients of terminals have not got yet, waiting a moment for them: at the end. */
void server_flush(struct monitor *monitor);
/* Ends every connection, and hears new ones. */
void server_hang_up(struct monitor *monitor);
/*
 * Ends every connection before the program is exchanged: what was typed so far is kept, a request that was not
 * answered is asked again by its client, a console client goes on with the next program.
 */
void server_leave(struct monitor *monitor);
/* Ends every connection: the clients see that the container is gone. */
void server_close(struct monitor *monitor);
/* terminal->changed: passes new output on, asks for more input. */
void server_terminal_changed(struct terminal *terminal);

#endif
