/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Talking to the kernel's rtnetlink(7): a socket here or in another network namespace, requests whose
 * answer is waited for, and the kernel's own words in the error when it refuses.
 *
 * Messages are built and read with libnl's nlmsg_ and nla_ functions. The kernel answers within
 * sendmsg(2), so nothing here ever waits. libnl's sockets are not used: they cannot hand out the text of
 * an extended acknowledgement, and their caches would read every link of the host for one of ours.
 */
#ifndef SYSC_NETWORK_NETLINK_H
#define SYSC_NETWORK_NETLINK_H

#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stddef.h>
#include <stdint.h>

struct error;

struct netlink {
	int fd;
	uint32_t sequence; /* of the last message sent */
};

#define NETLINK_NONE        ((struct netlink){.fd = -1})
#define NETLINK_QUEUE_MOST  64
#define CLEAN_NETLINK       __attribute__((cleanup(netlink_close)))
#define CLEAN_NETLINK_QUEUE __attribute__((cleanup(netlink_queue_done)))
#define CLEAN_NL_MSG        __attribute__((cleanup(netlink_message_free)))

/* A route socket in the caller's network namespace, close-on-exec. */
int netlink_open(struct netlink *netlink, struct error *err);
/*
 * A route socket that works inside the namespace netns_fd (setns(2), socket(2), setns back). The caller
 * must have one thread. Its own namespace is in force again when this returns, on errors too.
 */
int netlink_open_in(struct netlink *netlink, int netns_fd, struct error *err);
void netlink_close(struct netlink *netlink);

/* An empty request with its fixed header (ifinfomsg, ifaddrmsg …); never NULL. */
struct nl_msg *netlink_message(int type, int flags, const void *header, size_t header_size);
void netlink_message_free(struct nl_msg **message);

/* Attributes. A message has room for 4 KiB, far more than any that is built here needs: running over
 * is an error of the program and ends it. */
void netlink_put(struct nl_msg *message, int type, const void *bytes, size_t count);
void netlink_put_string(struct nl_msg *message, int type, const char *string);
void netlink_put_u32(struct nl_msg *message, int type, uint32_t value);
/* Begins a nested attribute; ended by nla_nest_end(). */
struct nlattr *netlink_nest(struct nl_msg *message, int type);

/* Called for each message of an answer; what it returns below 0 ends the exchange with that error. */
typedef int netlink_reply(const struct nlmsghdr *message, void *context);

/*
 * Sends one request and reads its whole answer: the messages asked for (each to reply, which may be
 * NULL) and the acknowledgement or the end of the dump. The error text is the kernel's explanation
 * where it gives one, the errno's otherwise; callers put in front of it what was tried.
 */
int netlink_request(struct netlink *netlink, struct nl_msg *message, netlink_reply *reply,
                    void *context, struct error *err);

/* Requests that are sent together by one system call, each with the words for its failure. */
struct netlink_queue {
	struct nl_msg *messages[NETLINK_QUEUE_MOST];
	char *what[NETLINK_QUEUE_MOST];
	size_t count;
	size_t failed; /* which one the error of netlink_queue_send() is of; count when of none */
};

/* Takes ownership of message. More than NETLINK_QUEUE_MOST is refused when the queue is sent. */
void netlink_queue_add(struct netlink_queue *queue, struct nl_msg *message, const char *what, ...)
	__attribute__((format(printf, 3, 4)));
/* Sends all of them in order; the kernel tries each one. The first failure is the error. */
int netlink_queue_send(struct netlink *netlink, struct netlink_queue *queue, struct error *err);
void netlink_queue_done(struct netlink_queue *queue);

/* The index of the link of that name as the socket's namespace sees it, -errno (ENODEV). */
int netlink_link_index(const struct netlink *netlink, const char *name);

#endif
