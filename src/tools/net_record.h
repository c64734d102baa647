/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What `sysc net up` made for a bridge, in RUN/.net/BRIDGE as "key value" lines, so that `down` undoes
 * just that. The folder's name is one that no container can have.
 */
#ifndef SYSC_TOOLS_NET_RECORD_H
#define SYSC_TOOLS_NET_RECORD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct error;
struct paths;

struct net_record {
	char address[64]; /* CIDR; "" while nothing was made */
	bool bridge;      /* the bridge itself */
	bool forwarding;  /* net.ipv4.ip_forward was 0 */
	bool nat;         /* the nft table */
	pid_t dhcp_pid;   /* dnsmasq, 0: none */
	uint64_t dhcp_birth;
};

/* Makes RUN/.net and takes its lock; returns the fd of the folder that holds it. */
int net_record_lock(const struct paths *paths, struct error *err);
/* An absent file is an empty record. */
int net_record_read(const struct paths *paths, const char *bridge, struct net_record *out,
                    struct error *err);
/* A record in which nothing was made removes the file. */
int net_record_write(const struct paths *paths, const char *bridge, const struct net_record *record,
                     struct error *err);
bool net_record_is_empty(const struct net_record *record);
/*
 * Gives the duty to turn forwarding off to the record of another bridge that is up. 1 done, 0 there is
 * no other one, -errno.
 */
int net_record_pass_forwarding(const struct paths *paths, const char *bridge, struct error *err);
/* RUN/.net/BRIDGE<suffix>, for the caller to free. */
char *net_record_path(const struct paths *paths, const char *bridge, const char *suffix);

#endif
