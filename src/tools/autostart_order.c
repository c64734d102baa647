/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The order of starting and stopping; see the header. */
#include "tools/autostart_order.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

size_t order_find(const struct order *order, const char *name)
{
	size_t low = 0, high = order->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int side = strcmp(name, order->nodes[middle].name);

		if (side == 0)
			return middle;
		if (side < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return ORDER_NONE;
}

bool order_needs(const struct order_node *node, size_t other)
{
	for (size_t i = 0; i < node->need_count; i++)
		if (node->needs[i] == other)
			return true;
	return false;
}

/* A depth-first walk over all nodes: what a node needs is done before it. */
struct walk {
	struct order *order;
	enum {
		WHITE,
		GREY,
		BLACK
	} * colors;
	size_t *path; /* the grey nodes, from the first on */
	size_t depth;
	size_t finished;
};

/* Every node on the way from first to the top of the path is in the circle, and is told the same text. */
static void mark_cycle(struct walk *walk, size_t first)
{
	struct order_node *nodes = walk->order->nodes;
	size_t from = walk->depth, length, least = 0;
	struct text text = {0};

	while (walk->path[from - 1] != first)
		from--;
	from--;
	length = walk->depth - from;
	/* told from its first name on, wherever the walk came in */
	for (size_t i = 1; i < length; i++)
		if (walk->path[from + i] < walk->path[from + least])
			least = i;
	for (size_t i = 0; i <= length; i++)
		text_addf(&text, "%s%s", i ? " -> " : "",
		          nodes[walk->path[from + (least + i) % length]].name);
	for (size_t i = 0; i < length; i++) {
		struct order_node *node = &nodes[walk->path[from + i]];
		const char *next = nodes[walk->path[from + (i + 1) % length]].name;

		if (node->problem != ORDER_FINE)
			continue;
		node->problem = ORDER_CYCLE;
		node->cycle = must_dup(text.data);
		for (size_t entry = 0; entry < node->after->count; entry++)
			if (text_is(node->after->items[entry], next))
				node->problem_entry = entry;
	}
	text_done(&text);
}

static void visit(struct walk *walk, size_t index)
{
	struct order_node *node = &walk->order->nodes[index];

	walk->colors[index] = GREY;
	walk->path[walk->depth++] = index;
	node->rank = node->order;
	for (size_t i = 0; node->after && i < node->after->count; i++) {
		size_t other = order_find(walk->order, node->after->items[i]);

		if (other == ORDER_NONE) {
			if (node->problem == ORDER_FINE)
				node->problem_entry = i;
			if (node->problem == ORDER_FINE)
				node->problem = ORDER_UNKNOWN;
			continue;
		}
		if (walk->colors[other] == WHITE)
			visit(walk, other);
		if (walk->colors[other] == GREY) {
			mark_cycle(walk, other);
			continue;
		}
		if (order_needs(node, other))
			continue; /* named twice */
		node->needs[node->need_count++] = other;
		if (walk->order->nodes[other].rank > node->rank)
			node->rank = walk->order->nodes[other].rank;
	}
	node->topology = walk->finished++;
	walk->depth--;
	walk->colors[index] = BLACK;
}

static void walk_all(struct order *order)
{
	struct walk walk = {.order = order};

	walk.colors = must_alloc(order->count * sizeof(*walk.colors));
	walk.path = must_alloc(order->count * sizeof(*walk.path));
	for (size_t i = 0; i < order->count; i++)
		if (walk.colors[i] == WHITE)
			visit(&walk, i);
	free(walk.colors);
	free(walk.path);
}

static void include(struct order *order, size_t index, size_t needed_by, bool with_needs)
{
	struct order_node *node = &order->nodes[index];

	if (node->is_included)
		return;
	node->is_included = true;
	node->needed_by = needed_by;
	/* one with a problem will not start: nothing is started for it */
	for (size_t i = 0; with_needs && node->problem == ORDER_FINE && i < node->need_count; i++)
		include(order, node->needs[i], index, with_needs);
}

static void add_need(struct order_node *node, size_t other)
{
	if (order_needs(node, other))
		return;
	node->needs = must_realloc(node->needs, (node->need_count + 1) * sizeof(*node->needs));
	node->needs[node->need_count++] = other;
}

/*
 * What is needed by way of a container that is not included is needed still: in place of that one come its
 * own needs. Walks from those that need nothing upwards.
 */
static void bridge_gaps(struct order *order)
{
	size_t *upwards = must_alloc(order->count * sizeof(*upwards));

	for (size_t i = 0; i < order->count; i++)
		upwards[order->nodes[i].topology] = i;
	for (size_t i = 0; i < order->count; i++) {
		struct order_node *node = &order->nodes[upwards[i]], old = *node;

		node->needs = NULL;
		node->need_count = 0;
		for (size_t j = 0; j < old.need_count; j++) {
			const struct order_node *other = &order->nodes[old.needs[j]];

			if (other->is_included)
				add_need(node, old.needs[j]);
			for (size_t k = 0; !other->is_included && k < other->need_count; k++)
				add_need(node, other->needs[k]);
		}
		free(old.needs);
	}
	free(upwards);
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int by_topology(const void *a, const void *b, void *data)
{
	const struct order_node *nodes = data, *one = &nodes[*(const size_t *)a],
				*other = &nodes[*(const size_t *)b];
	int side = compare_numbers(one->rank, other->rank);

	return side ? side : compare_numbers(one->topology, other->topology);
}

static int by_step(const void *a, const void *b, void *data)
{
	const struct order_node *nodes = data;
	size_t one = *(const size_t *)a, other = *(const size_t *)b;
	int side = compare_numbers(nodes[one].rank, nodes[other].rank);

	if (!side)
		side = compare_numbers(nodes[one].step, nodes[other].step);
	return side ? side : compare_numbers(one, other); /* nodes are in the order of names */
}

/* What is before a node in the sequence has its step already. */
static void number_steps(struct order *order)
{
	size_t last = 0, before = 0; /* the highest step so far, and that of the lower ranks */
	uint64_t rank = 0;

	for (size_t i = 0; i < order->sequence_count; i++) {
		struct order_node *node = &order->nodes[order->sequence[i]];

		if (!i || node->rank != rank)
			before = last;
		rank = node->rank;
		node->step = before;
		for (size_t j = 0; j < node->need_count; j++)
			if (order->nodes[node->needs[j]].step > node->step)
				node->step = order->nodes[node->needs[j]].step;
		node->step++;
		if (node->step > last)
			last = node->step;
	}
}

void order_plan(struct order *order, bool with_needs)
{
	for (size_t i = 0; i < order->count; i++) {
		struct order_node *node = &order->nodes[i];

		node->needed_by = node->problem_entry = ORDER_NONE;
		node->needs =
			must_alloc((node->after ? node->after->count : 0) * sizeof(*node->needs));
	}
	walk_all(order);
	for (size_t i = 0; i < order->count; i++)
		if (order->nodes[i].is_wanted)
			include(order, i, ORDER_NONE, with_needs);
	/* what was asked for is not there for another one's sake */
	for (size_t i = 0; i < order->count; i++)
		if (order->nodes[i].is_wanted)
			order->nodes[i].needed_by = ORDER_NONE;
	bridge_gaps(order);
	order->sequence = must_alloc(order->count * sizeof(*order->sequence));
	for (size_t i = 0; i < order->count; i++)
		if (order->nodes[i].is_included)
			order->sequence[order->sequence_count++] = i;
	qsort_r(order->sequence, order->sequence_count, sizeof(*order->sequence), by_topology,
	        order->nodes);
	number_steps(order);
	qsort_r(order->sequence, order->sequence_count, sizeof(*order->sequence), by_step,
	        order->nodes);
}

void order_done(struct order *order)
{
	for (size_t i = 0; i < order->count; i++) {
		free(order->nodes[i].needs);
		free(order->nodes[i].cycle);
	}
	free(order->nodes);
	free(order->sequence);
	*order = (struct order){0};
}
