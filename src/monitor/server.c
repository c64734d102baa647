/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command socket of a running container; see the header. */
#include "monitor/server.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/process.h"
#include "base/socket.h"
#include "base/text.h"
#include "monitor/monitor.h"
#include "monitor/protocol.h"
#include "monitor/restart.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define CLIENTS_MAX 64
#define WHO_MAX     112
#define COMMAND_MAX 64   /* of it in who */
#define FLUSH_MS    2000 /* a client that takes nothing for so long is left behind at the end */

struct server_client {
	struct loop_source source;
	struct monitor *monitor;
	struct server_client *next;
	struct terminal *terminal; /* CONSOLE was asked for and granted */
	uint64_t cursor;           /* in what the terminal printed */
	bool is_ours;              /* it came with the handover */
	char who[WHO_MAX];         /* "uid 0 pid 4711 (sysc stop web1)" */
};

/* No later worker is to take it for a client. */
static void forget_ours(struct monitor *monitor)
{
	struct error err = {0};

	monitor->handover.client_fd = -1;
	if (handover_update(monitor->handover_fd, &monitor->handover, &err) < 0)
		log_line(LOG_LEVEL_ERROR, "%s", err.text);
}

static void drop(struct server_client *client)
{
	struct server_client **at = &client->monitor->clients;
	char rest[1];

	while (*at != client)
		at = &(*at)->next;
	*at = client->next;
	if (client->terminal)
		client->terminal->client = NULL;
	loop_remove(&client->monitor->loop, &client->source);
	/* the keeper holds it, too, when it came with the handover */
	(void)shutdown(client->source.fd, SHUT_RDWR);
	/* one that is closed with something unread takes from the client what that one has not read yet */
	while (recv(client->source.fd, rest, sizeof(rest), MSG_DONTWAIT | MSG_TRUNC) > 0)
		continue;
	if (client->is_ours)
		forget_ours(client->monitor);
	close(client->source.fd);
	free(client);
}

/* A client that does not take its answer at once is dropped: nothing of ours waits for it. */
static bool send_frame(struct server_client *client, struct protocol_frame *frame)
{
	frame->version = PROTOCOL_VERSION;
	return send(client->source.fd, frame, PROTOCOL_SIZE(frame), MSG_NOSIGNAL | MSG_DONTWAIT) >=
	       0;
}

static bool reply(struct server_client *client, const struct error *err)
{
	struct protocol_frame frame = {.kind = PROTOCOL_REPLY, .code = err->code};

	frame.length = (uint32_t)strnlen(err->text, sizeof(err->text) - 1);
	memcpy(frame.bytes, err->text, frame.length);
	return send_frame(client, &frame);
}

static void flush_output(struct server_client *client)
{
	struct loop *loop = &client->monitor->loop;
	uint32_t wants = client->terminal->memory->input_length ? 0U : EPOLLIN;

	for (;;) {
		struct protocol_frame frame = {.kind = PROTOCOL_DATA};
		uint64_t cursor = client->cursor;

		frame.length = (uint32_t)terminal_read(client->terminal, &cursor, frame.bytes,
		                                       sizeof(frame.bytes));
		if (!frame.length) {
			(void)loop_watch(loop, &client->source, wants);
			return;
		}
		frame.columns = (uint32_t)cursor;
		if (!send_frame(client, &frame)) {
			if (errno != EAGAIN)
				shutdown(client->source.fd,
				         SHUT_RDWR); /* its end is read in ready() */
			(void)loop_watch(loop, &client->source, wants | EPOLLOUT);
			return;
		}
		client->cursor = cursor;
		if (client->is_ours)
			client->terminal->memory->shown = cursor;
	}
}

void server_terminal_changed(struct terminal *terminal)
{
	if (terminal->client)
		flush_output(terminal->client);
}

static int ask_stop(struct server_client *client, const struct protocol_frame *frame,
                    struct error *err)
{
	return monitor_stop(client->monitor, frame->code, client->who, err);
}

static int ask_frozen(struct server_client *client, const struct protocol_frame *frame,
                      struct error *err)
{
	if (!frame->code && client->monitor->state.phase != STATE_FROZEN)
		return 0; /* asked to be sure */
	return monitor_set_phase(client->monitor,
	                         frame->code ? STATE_FROZEN : monitor_awake_phase(client->monitor),
	                         err);
}

static int ask_console(struct server_client *client, const struct protocol_frame *frame,
                       struct error *err)
{
	struct monitor *monitor = client->monitor;
	struct terminal *terminal;

	if (!monitor->handover.tty_count)
		return fail_plain(err, ENODEV,
		                  "the console is lost: its supervisor was gone, and new terminals "
		                  "could not be put in place (see sysc-logs)");
	if (frame->code < 0 || (unsigned int)frame->code >= monitor->handover.tty_count)
		return fail_plain(err, ENODEV, "there is no tty %d (console.ttys is %u)",
		                  frame->code, monitor->handover.tty_count - 1);
	terminal = &monitor->terminals[frame->code];
	if (terminal->client)
		return fail_plain(err, EBUSY, "tty %d is in use by %s", frame->code,
		                  ((struct server_client *)terminal->client)->who);
	client->terminal = terminal;
	terminal->client = client;
	if (frame->columns) {
		uint64_t head = terminal->memory->head;
		uint32_t missed = (uint32_t)head - frame->columns;

		/* a position of another run, or long gone, is none */
		client->cursor = missed <= terminal->size && missed <= head ? head - missed : 0;
	}
	return 0;
}

static int ask_data(struct server_client *client, const struct protocol_frame *frame,
                    struct error *err)
{
	if (!client->terminal)
		return fail_plain(err, EPROTO, "no console was asked for");
	if (!terminal_write(client->terminal, frame->bytes, frame->length))
		return fail_plain(err, ENOBUFS, "more input than was asked for");
	return 0;
}

static int ask_resize(struct server_client *client, const struct protocol_frame *frame,
                      struct error *err)
{
	if (!client->terminal)
		return fail_plain(err, EPROTO, "no console was asked for");
	terminal_resize(client->terminal, (unsigned int)frame->code, frame->columns);
	return 0;
}

static int ask_start(struct server_client *client, const struct protocol_frame *frame,
                     struct error *err)
{
	(void)frame;
	(void)err;
	waiting_start(client->monitor, client->who);
	return 0;
}

static int ask_reload(struct server_client *client, const struct protocol_frame *frame,
                      struct error *err)
{
	struct monitor *monitor = client->monitor;

	if (restart_parse(frame->bytes, frame->length, &monitor->handover.policy) < 0)
		return fail_plain(err, EINVAL, "the request is not understood");
	waiting_policy_changed(monitor, client->who);
	return monitor_remember(monitor, err);
}

static void set_version(struct error *answer)
{
	(void)snprintf(answer->text, sizeof(answer->text), "%s", PACKAGE_VERSION);
}

/* Looked at before anything ends; where it cannot be run all the same, the keeper goes on as it is. */
static int ask_upgrade(struct server_client *client, const struct protocol_frame *frame,
                       struct error *err)
{
	struct monitor *monitor = client->monitor;
	const char *program = monitor->handover.monitor;

	(void)frame;
	if (monitor->waiting.is_on)
		return fail_plain(err, EBUSY, "it waits to be started again, which does the same");
	if (!program || faccessat(AT_FDCWD, program, X_OK, AT_EACCESS) < 0)
		return fail(err, program ? errno : ENOENT, "run '%s'", program ? program : "");
	monitor->is_leaving = monitor->loop.done = true;
	set_version(err);
	return 0;
}

static int ask_about(struct server_client *client, const struct protocol_frame *frame,
                     struct error *err)
{
	const struct error *failed = client->monitor->upgrade_error;

	(void)frame;
	set_version(err);
	if (failed->code)
		*err = *failed;
	return -err->code;
}

static const struct request {
	enum protocol_kind kind;
	const char *name;
	bool has_reply, with_bytes, needs_init;
	int (*run)(struct server_client *client, const struct protocol_frame *frame,
	           struct error *err);
} requests[] = {
	{PROTOCOL_STOP,    "stop",    true,  false, false, ask_stop   },
	{PROTOCOL_FROZEN,  "frozen",  true,  false, true,  ask_frozen },
	{PROTOCOL_CONSOLE, "console", true,  false, true,  ask_console},
	{PROTOCOL_DATA,    "data",    false, true,  true,  ask_data   },
	{PROTOCOL_RESIZE,  "resize",  false, false, true,  ask_resize },
	{PROTOCOL_START,   "start",   true,  false, false, ask_start  },
	{PROTOCOL_RELOAD,  "reload",  true,  true,  false, ask_reload },
	{PROTOCOL_UPGRADE, "upgrade", true,  false, false, ask_upgrade},
	{PROTOCOL_ABOUT,   "about",   true,  false, false, ask_about  },
};

/* False: the connection is to be dropped. */
static bool serve(struct server_client *client, const struct protocol_frame *frame)
{
	const struct request *request = requests;
	struct error err = {0};
	int r;

	while (request < requests + ARRAY_SIZE(requests) && request->kind != frame->kind)
		request++;
	if (request == requests + ARRAY_SIZE(requests) || (frame->length && !request->with_bytes))
		return false;
	if (request->needs_init && client->monitor->waiting.is_on)
		r = fail_plain(&err, ESRCH, "not running, it waits to be started again");
	else
		r = request->run(client, frame, &err);
	if (r < 0 && !request->has_reply)
		return false;
	if (request->has_reply && !reply(client, &err))
		return false;
	if (client->terminal)
		flush_output(client);
	return true;
}

/* Of another version only an UPGRADE is understood; the rest is told how to mend it. n, or 0. */
static ssize_t check_version(struct server_client *client, struct protocol_frame *frame, ssize_t n)
{
	struct error err = {0};

	if (n < (ssize_t)offsetof(struct protocol_frame, bytes) ||
	    frame->version == PROTOCOL_VERSION)
		return n;
	if (frame->kind == PROTOCOL_UPGRADE) {
		frame->version = PROTOCOL_VERSION;
		return n;
	}
	(void)fail_plain(&err, EPROTO,
	                 "its supervisor is of version %s (sysc-restart --supervisor exchanges it)",
	                 PACKAGE_VERSION);
	(void)reply(client, &err);
	return 0;
}

static void ready(struct loop_source *source, uint32_t events)
{
	struct server_client *client = (struct server_client *)source; /* its first member */
	struct protocol_frame frame;
	ssize_t n;

	if (events & EPOLLOUT && client->terminal)
		flush_output(client);
	if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return;
	n = recv(source->fd, &frame, sizeof(frame), MSG_DONTWAIT | MSG_TRUNC);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		n = check_version(client, &frame, n);
	if (n <= 0 || protocol_check(&frame, n) < 0 || !serve(client, &frame))
		drop(client);
}

static unsigned int count_clients(const struct monitor *monitor)
{
	unsigned int n = 0;

	for (const struct server_client *c = monitor->clients; c; c = c->next)
		n++;
	return n;
}

/* NULL when the loop does not take it. */
static struct server_client *add_client(struct monitor *monitor, int fd, const char *who)
{
	struct server_client *client = must_alloc(sizeof(*client));

	client->source = (struct loop_source){.fd = fd, .ready = ready};
	client->monitor = monitor;
	client->next = monitor->clients;
	(void)snprintf(client->who, sizeof(client->who), "%s", who);
	monitor->clients = client;
	if (loop_add(&monitor->loop, &client->source, EPOLLIN) < 0) {
		drop(client);
		return NULL;
	}
	return client;
}

/* What it was started as, for people: it is root's word, or that of the supervisor's own user. */
static void describe_peer(uid_t uid, pid_t pid, char who[WHO_MAX])
{
	char path[48], words[256], *command = words;
	int n;

	(void)snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	n = file_read_small(AT_FDCWD, path, words, sizeof(words));
	if (n > 0 && strrchr(words, '/')) { /* of the first word, which a NUL ends */
		command = strrchr(words, '/') + 1;
		n -= (int)(command - words);
	}
	for (int i = 0; i < n; i++)
		if ((unsigned char)command[i] < 32 || command[i] == 127)
			command[i] = ' ';
	while (n > 0 && command[n - 1] == ' ')
		n--;
	if (n > COMMAND_MAX)
		n = COMMAND_MAX;
	(void)snprintf(who, WHO_MAX, "uid %u pid %d%s%.*s%s", uid, pid, n > 0 ? " (" : "",
	               n > 0 ? n : 0, command, n > 0 ? ")" : "");
}

static void accept_ready(struct loop_source *source, uint32_t events)
{
	struct monitor *monitor =
		(struct monitor *)((char *)source - offsetof(struct monitor, listener));
	CLEAN_FD int fd = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	char who[WHO_MAX];
	uid_t uid = (uid_t)-1;
	pid_t pid = 0;

	(void)events; /* only EPOLLIN was asked for */
	if (fd < 0 || socket_peer(fd, &uid, &pid) < 0)
		return;
	if ((uid != 0 && uid != geteuid()) || count_clients(monitor) >= CLIENTS_MAX) {
		log_line(LOG_LEVEL_WARN, "connection of uid %u pid %d refused", uid, pid);
		return;
	}
	describe_peer(uid, pid, who);
	(void)add_client(monitor, fd_take(&fd), who);
}

int server_adopt(struct monitor *monitor, int fd)
{
	struct protocol_frame frame = {.kind = PROTOCOL_CONSOLE};
	struct server_client *client = add_client(monitor, fd, "sysc-start in the foreground");
	int r;

	if (!client)
		return -ENOMEM;
	r = ask_console(client, &frame, NULL);
	if (r < 0)
		return r;
	client->is_ours = true;
	client->cursor = client->terminal->memory->shown;
	flush_output(client);
	return 0;
}

void server_flush(struct monitor *monitor)
{
	int64_t deadline = process_clock_ms() + FLUSH_MS;

	for (struct server_client *client = monitor->clients; client; client = client->next) {
		int64_t left = deadline - process_clock_ms();

		while (client->terminal && client->cursor < client->terminal->memory->head &&
		       left > 0) {
			struct pollfd p = {.fd = client->source.fd, .events = POLLOUT};

			if (poll(&p, 1, (int)left) <= 0 || p.revents & (POLLHUP | POLLERR))
				break;
			flush_output(client);
			left = deadline - process_clock_ms();
		}
	}
}

static void take_typed(struct server_client *client)
{
	struct protocol_frame frame;
	ssize_t n;

	/* what comes now fails at the client, which keeps it for the next connection */
	(void)shutdown(client->source.fd, SHUT_RD);
	while ((n = recv(client->source.fd, &frame, sizeof(frame), MSG_DONTWAIT | MSG_TRUNC)) > 0)
		if (protocol_check(&frame, n) == 0 && frame.kind == PROTOCOL_DATA)
			(void)ask_data(client, &frame, NULL); /* no room: more than was asked for */
}

void server_leave(struct monitor *monitor)
{
	struct server_client *next;

	for (struct server_client *client = monitor->clients; client; client = next) {
		next = client->next;
		if (client->is_ours) /* handed over: it never notices */
			continue;
		take_typed(client);
		drop(client);
	}
}

int server_open(struct monitor *monitor)
{
	monitor->listener =
		(struct loop_source){.fd = monitor->handover.listen_fd, .ready = accept_ready};
	return loop_add(&monitor->loop, &monitor->listener, EPOLLIN);
}

void server_hang_up(struct monitor *monitor)
{
	while (monitor->clients) {
		/* the keeper may hold this end too */
		(void)shutdown(monitor->clients->source.fd, SHUT_RDWR);
		drop(monitor->clients);
	}
}

void server_close(struct monitor *monitor)
{
	server_hang_up(monitor);
	fd_close(&monitor->listener.fd);
}
