/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Requests to rtnetlink and their answers; see the header. */
#include "network/netlink.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define ANSWER_ROOM 32768 /* the kernel fills a dump's parts up to this much */

int netlink_open(struct netlink *netlink, struct error *err)
{
	CLEAN_FD int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	int on = 1;

	if (fd < 0)
		return fail(err, errno, "open a netlink socket");
	/* Each of these only betters answers; a kernel that lacks one still works. */
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	*netlink = (struct netlink){.fd = fd_take(&fd)};
	return 0;
}

int netlink_open_in(struct netlink *netlink, int netns_fd, struct error *err)
{
	CLEAN_FD int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	CLEAN_NETLINK struct netlink opened = NETLINK_NONE;
	int r;

	if (own < 0)
		return fail(err, errno, "open '/proc/self/ns/net'");
	if (setns(netns_fd, CLONE_NEWNET) < 0)
		return fail(err, errno, "enter the network namespace");
	r = netlink_open(&opened, err);
	if (setns(own, CLONE_NEWNET) < 0)
		return fail(err, errno, "go back to the own network namespace");
	if (r < 0)
		return r;
	*netlink = opened;
	opened.fd = -1;
	return 0;
}

void netlink_close(struct netlink *netlink)
{
	fd_close(&netlink->fd);
}

struct nl_msg *netlink_message(int type, int flags, const void *header, size_t header_size)
{
	struct nl_msg *message = nlmsg_alloc_simple(type, NLM_F_REQUEST | NLM_F_ACK | flags);
	void *room = message ? nlmsg_reserve(message, header_size, NLMSG_ALIGNTO) : NULL;

	if (!room)
		abort(); /* out of memory, as in base/text.h */
	memcpy(room, header, header_size);
	return message;
}

void netlink_message_free(struct nl_msg **message)
{
	if (*message)
		nlmsg_free(*message);
	*message = NULL;
}

void netlink_put(struct nl_msg *message, int type, const void *bytes, size_t count)
{
	if (nla_put(message, type, (int)count, bytes) < 0)
		abort();
}

void netlink_put_string(struct nl_msg *message, int type, const char *string)
{
	netlink_put(message, type, string, strlen(string) + 1);
}

void netlink_put_u32(struct nl_msg *message, int type, uint32_t value)
{
	netlink_put(message, type, &value, sizeof(value));
}

struct nlattr *netlink_nest(struct nl_msg *message, int type)
{
	struct nlattr *nest = nla_nest_start(message, type);

	if (!nest)
		abort();
	return nest;
}

/* The kernel's words about a refusal, NULL when it gave none. */
static const char *explanation(const struct nlmsghdr *header)
{
	const struct nlmsgerr *report = nlmsg_data(header);
	size_t skip = sizeof(*report);
	struct nlattr *found;

	if (!(header->nlmsg_flags & NLM_F_ACK_TLVS))
		return NULL;
	if (!(header->nlmsg_flags & NLM_F_CAPPED))
		skip += report->msg.nlmsg_len - NLMSG_HDRLEN;
	if (!nlmsg_valid_hdr(header, (int)skip))
		return NULL;
	found = nlmsg_find_attr((struct nlmsghdr *)(uintptr_t)header, (int)skip, NLMSGERR_ATTR_MSG);
	return found ? nla_get_string(found) : NULL;
}

/* 0 for an acknowledgement, otherwise what the kernel refused. */
static int read_report(const struct nlmsghdr *header, struct error *err)
{
	const struct nlmsgerr *report = nlmsg_data(header);
	const char *words;

	if (!nlmsg_valid_hdr(header, (int)sizeof(int)))
		return fail(err, EBADMSG, "answer of the kernel");
	if (report->error == 0)
		return 0;
	words = explanation(header);
	if (words && words[0])
		return fail_plain(err, -report->error, "%s: %s", words,
		                  strerrordesc_np(-report->error) ? strerrordesc_np(-report->error)
		                                                  : "unknown error");
	return fail_plain(err, -report->error, "%s",
	                  strerrordesc_np(-report->error) ? strerrordesc_np(-report->error)
	                                                  : "unknown error");
}

/* How far the answers of one sendmsg() have come. */
struct answer {
	uint32_t first, count; /* sequence numbers that were sent */
	uint32_t done;
	int result; /* of the first request that failed */
	uint32_t failed;
	struct error *err;
	netlink_reply *reply;
	void *context;
};

static void note_end(struct answer *answer, const struct nlmsghdr *header)
{
	struct error said = {0};
	int r = 0;

	answer->done++;
	if (header->nlmsg_type == NLMSG_ERROR)
		r = read_report(header, &said);
	if (r == 0 || answer->result < 0)
		return;
	answer->result = r;
	answer->failed = header->nlmsg_seq - answer->first;
	if (answer->err)
		*answer->err = said;
}

static int read_part(struct answer *answer, const char *bytes, size_t count)
{
	struct nlmsghdr *header = (struct nlmsghdr *)(uintptr_t)bytes;
	int left = (int)count;

	for (; nlmsg_ok(header, left); header = nlmsg_next(header, &left)) {
		int r = 0;

		if (header->nlmsg_seq - answer->first >= answer->count)
			continue; /* of an exchange that was given up */
		if (header->nlmsg_type == NLMSG_ERROR || header->nlmsg_type == NLMSG_DONE)
			note_end(answer, header);
		else if (answer->reply)
			r = answer->reply(header, answer->context);
		if (r < 0)
			return fail(answer->err, -r, "answer of the kernel");
	}
	return 0;
}

static int read_answer(const struct netlink *netlink, struct answer *answer)
{
	_Alignas(struct nlmsghdr) char bytes[ANSWER_ROOM];

	while (answer->done < answer->count) {
		/* the answer is there already: MSG_DONTWAIT only turns a surprise into an error */
		ssize_t n = recv(netlink->fd, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_TRUNC);
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(answer->err, errno, "read the answer of the kernel");
		if ((size_t)n > sizeof(bytes))
			return fail(answer->err, EMSGSIZE, "answer of the kernel");
		r = read_part(answer, bytes, (size_t)n);
		if (r < 0)
			return r;
	}
	return answer->result;
}

/* One sendmsg() for all messages, then their answers. */
static int exchange(struct netlink *netlink, struct nl_msg *const *messages, size_t count,
                    struct answer *answer)
{
	struct iovec parts[NETLINK_QUEUE_MOST];
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	struct msghdr all = {.msg_name = &kernel, .msg_namelen = sizeof(kernel), .msg_iov = parts};
	ssize_t n;

	answer->first = netlink->sequence + 1;
	answer->count = (uint32_t)count;
	for (size_t i = 0; i < count; i++) {
		struct nlmsghdr *header = nlmsg_hdr(messages[i]);

		header->nlmsg_seq = ++netlink->sequence;
		parts[i] = (struct iovec){header, NLMSG_ALIGN(header->nlmsg_len)};
	}
	all.msg_iovlen = count;
	do {
		n = sendmsg(netlink->fd, &all, 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return fail(answer->err, errno, "send to the kernel");
	return read_answer(netlink, answer);
}

int netlink_request(struct netlink *netlink, struct nl_msg *message, netlink_reply *reply,
                    void *context, struct error *err)
{
	struct nlmsghdr *header = nlmsg_hdr(message);
	struct answer answer = {.err = err, .reply = reply, .context = context};

	if ((header->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP)
		header->nlmsg_flags &= (uint16_t)~NLM_F_ACK; /* ended by NLMSG_DONE instead */
	return exchange(netlink, &message, 1, &answer);
}

void netlink_queue_add(struct netlink_queue *queue, struct nl_msg *message, const char *what, ...)
{
	va_list ap;

	if (queue->count >= NETLINK_QUEUE_MOST) {
		queue->count = NETLINK_QUEUE_MOST + 1; /* remembered until it is sent */
		nlmsg_free(message);
		return;
	}
	va_start(ap, what);
	if (vasprintf(&queue->what[queue->count], what, ap) < 0)
		abort();
	va_end(ap);
	queue->messages[queue->count++] = message;
}

int netlink_queue_send(struct netlink *netlink, struct netlink_queue *queue, struct error *err)
{
	struct answer answer = {.err = err, .failed = UINT32_MAX};
	int r;

	queue->failed = queue->count;
	if (queue->count > NETLINK_QUEUE_MOST)
		return fail_plain(err, E2BIG, "more than %d addresses and routes",
		                  NETLINK_QUEUE_MOST);
	if (queue->count == 0)
		return 0;
	r = exchange(netlink, queue->messages, queue->count, &answer);
	if (r == 0 || answer.failed >= queue->count)
		return r;
	queue->failed = answer.failed;
	return fail_in(err, "%s", queue->what[answer.failed]);
}

void netlink_queue_done(struct netlink_queue *queue)
{
	size_t count = queue->count < NETLINK_QUEUE_MOST ? queue->count : NETLINK_QUEUE_MOST;

	for (size_t i = 0; i < count; i++) {
		nlmsg_free(queue->messages[i]);
		free(queue->what[i]);
	}
	queue->count = 0;
}

int netlink_link_index(const struct netlink *netlink, const char *name)
{
	struct ifreq request = {0};

	if (strlen(name) >= sizeof(request.ifr_name))
		return -ENODEV;
	memcpy(request.ifr_name, name, strlen(name));
	/* a netlink socket takes the requests of netdevice(7) like any other socket */
	if (ioctl(netlink->fd, SIOCGIFINDEX, &request) < 0)
		return -errno;
	return request.ifr_ifindex;
}
