/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * In which order containers start and stop, from what their [boot] sections say: order and after. Pure:
 * it reads no file and knows no state.
 *
 * A container starts when all that it comes after are ready and every one of a lower rank is settled.
 * Its rank is its own order or, where that is higher, the rank of what it comes after: after only ever
 * makes a container start later. Stopping goes the same way backwards.
 */
#ifndef SYSC_TOOLS_AUTOSTART_ORDER_H
#define SYSC_TOOLS_AUTOSTART_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct strings;

#define ORDER_NONE SIZE_MAX /* no such node, no such entry */

enum order_problem {
	ORDER_FINE,
	ORDER_UNKNOWN, /* after names a container that is not there */
	ORDER_CYCLE    /* it comes, by some way, after itself */
};

struct order_node {
	const char *name;            /* not owned */
	uint64_t order;              /* boot.order */
	const struct strings *after; /* boot.after, not owned; NULL: none */
	bool is_wanted;              /* asked for: take it up */

	/* what order_plan() finds out */
	bool is_included; /* wanted, or needed by one that is */
	size_t needed_by; /* the node that it is included for, ORDER_NONE when it is wanted itself */
	/* included nodes of after, without those of a problem; in place of one that is not included those
	 * that it needs itself */
	size_t *needs;
	size_t need_count;
	uint64_t rank; /* see above */
	size_t step; /* from 1 for the first; nodes of one step can go side by side; 0: not included */
	size_t topology; /* what it needs has lower numbers */
	enum order_problem problem;
	size_t problem_entry; /* which entry of after is to blame */
	char *cycle;          /* "db1 -> web1 -> db1", NULL when there is none */
};

struct order {
	struct order_node *nodes; /* in the order of their names (strcmp) */
	size_t count;
	size_t *sequence; /* the included nodes by rank, step, name */
	size_t sequence_count;
};

/*
 * Fills what is to be found out. with_needs: what an included node needs is included, too (a start does
 * that, a stop does not). A node with a problem stays included, the rest is planned as if the entry that
 * is to blame were not there. Pair: order_done(), which frees nodes too.
 */
void order_plan(struct order *order, bool with_needs);
void order_done(struct order *order);

/* The node called name, or ORDER_NONE. */
size_t order_find(const struct order *order, const char *name);
/* True when node needs other, directly. */
bool order_needs(const struct order_node *node, size_t other);

#endif
