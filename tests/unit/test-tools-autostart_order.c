/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The order of autostart: ranks, steps, what is pulled in, circles and unknown names. */
#include "base/text.h"
#include "tools/autostart_order.h"

#include "../lib/tap.h"

#include <string.h>

/* One container in a line: "NAME ORDER [AFTER…]", a '*' before the name when it is wanted. */
struct plan {
	struct order order;
	struct strings words[16];
	struct strings after[16];
};

static void read_plan(struct plan *plan, const char *const *lines)
{
	size_t count = 0;

	*plan = (struct plan){0};
	while (lines[count])
		count++;
	plan->order.count = count;
	plan->order.nodes = must_alloc(count * sizeof(*plan->order.nodes));
	for (size_t i = 0; i < count; i++) {
		struct order_node *node = &plan->order.nodes[i];
		const char *name;

		strings_split(&plan->words[i], lines[i], " ");
		name = plan->words[i].items[0];
		node->is_wanted = *name == '*';
		node->name = name + node->is_wanted;
		node->order = strtoul(plan->words[i].items[1], NULL, 10);
		for (size_t j = 2; j < plan->words[i].count; j++)
			strings_add(&plan->after[i], plan->words[i].items[j]);
		node->after = &plan->after[i];
	}
}

static void plan_done(struct plan *plan)
{
	for (size_t i = 0; i < plan->order.count; i++) {
		strings_done(&plan->words[i]);
		strings_done(&plan->after[i]);
	}
	order_done(&plan->order);
}

/* "STEP:NAME STEP:NAME…" of what is planned. */
static int is_sequence(const struct plan *plan, const char *expected)
{
	struct text text = {0};
	int same;

	for (size_t i = 0; i < plan->order.sequence_count; i++) {
		const struct order_node *node = &plan->order.nodes[plan->order.sequence[i]];

		text_addf(&text, "%s%zu:%s", i ? " " : "", node->step, node->name);
	}
	same = text_is(text.data ? text.data : "", expected);
	if (!same)
		printf("# '%s' instead of '%s'\n", text.data ? text.data : "", expected);
	text_done(&text);
	return same;
}

static void plan_of(struct plan *plan, bool with_needs, const char *const *lines)
{
	read_plan(plan, lines);
	order_plan(&plan->order, with_needs);
}

static const struct order_node *node_of(const struct plan *plan, const char *name)
{
	size_t i = order_find(&plan->order, name);

	CHECK(i != ORDER_NONE);
	return &plan->order.nodes[i];
}

TEST(nothing)
{
	struct plan plan;

	plan_of(&plan, true, (const char *const[]){NULL});
	CHECK(is_sequence(&plan, ""));
	CHECK(order_find(&plan.order, "web1") == ORDER_NONE);
	plan_done(&plan);
}

TEST(lower_order_first_names_within)
{
	struct plan plan;

	plan_of(&plan, true, (const char *const[]){"*a 20", "*b 5", "*c 5", "d 0", "*e 100", NULL});
	CHECK(is_sequence(&plan, "1:b 1:c 2:a 3:e"));
	CHECK_INT(node_of(&plan, "d")->step, 0);
	CHECK(!node_of(&plan, "d")->is_included);
	plan_done(&plan);
}

TEST(after_within_one_order)
{
	struct plan plan;

	plan_of(&plan, true, (const char *const[]){"*a 0 b", "*b 0 c", "*c 0", "*d 0", NULL});
	CHECK(is_sequence(&plan, "1:c 1:d 2:b 3:a"));
	plan_done(&plan);
}

TEST(diamond)
{
	struct plan plan;

	plan_of(&plan, true,
	        (const char *const[]){"*app 0 left right", "*db 0", "*left 0 db", "*right 0 db db",
	                              NULL});
	CHECK(is_sequence(&plan, "1:db 2:left 2:right 3:app"));
	CHECK_INT(node_of(&plan, "right")->need_count, 1);
	plan_done(&plan);
}

/* after only ever makes a container later. */
TEST(after_across_orders)
{
	struct plan plan;

	plan_of(&plan, true,
	        (const char *const[]){"*db 50", "*mid 10", "*web 0 db", "*www 0 web", "*z 60",
	                              NULL});
	CHECK(is_sequence(&plan, "1:mid 2:db 3:web 4:www 5:z"));
	CHECK_INT(node_of(&plan, "web")->rank, 50);
	CHECK_INT(node_of(&plan, "www")->rank, 50);
	CHECK_INT(node_of(&plan, "web")->order, 0);
	plan_done(&plan);
}

TEST(needs_are_pulled_in_for_a_start)
{
	const char *const lines[] = {"cache 3", "db 0 cache", "other 0", "*web 1 db", NULL};
	struct plan plan;

	plan_of(&plan, true, lines);
	CHECK(is_sequence(&plan, "1:cache 2:db 3:web"));
	CHECK_INT(node_of(&plan, "db")->needed_by, order_find(&plan.order, "web"));
	CHECK_INT(node_of(&plan, "cache")->needed_by, order_find(&plan.order, "db"));
	CHECK(node_of(&plan, "web")->needed_by == ORDER_NONE);
	plan_done(&plan);
	plan_of(&plan, false, lines);
	CHECK(is_sequence(&plan, "1:web"));
	plan_done(&plan);
}

TEST(wanted_is_not_for_anothers_sake)
{
	struct plan plan;

	plan_of(&plan, true, (const char *const[]){"*a 0 b", "*b 0", NULL});
	CHECK(node_of(&plan, "b")->needed_by == ORDER_NONE);
	plan_done(&plan);
}

TEST(unknown_name)
{
	struct plan plan;

	plan_of(&plan, true,
	        (const char *const[]){"*db 0", "side 0", "*web 0 db nobody side", NULL});
	CHECK_INT(node_of(&plan, "web")->problem, ORDER_UNKNOWN);
	CHECK_INT(node_of(&plan, "web")->problem_entry, 1);
	CHECK_INT(node_of(&plan, "db")->problem, ORDER_FINE);
	/* it will not start: nothing is started for its sake */
	CHECK(!node_of(&plan, "side")->is_included);
	CHECK(is_sequence(&plan, "1:db 2:web"));
	plan_done(&plan);
}

TEST(circle_of_two_is_named_from_its_first_name)
{
	struct plan plan;

	plan_of(&plan, true,
	        (const char *const[]){"*app 0 web", "*db 0 other web", "*other 0", "*web 0 db",
	                              NULL});
	CHECK_INT(node_of(&plan, "db")->problem, ORDER_CYCLE);
	CHECK_INT(node_of(&plan, "db")->problem_entry, 1);
	CHECK_INT(node_of(&plan, "web")->problem, ORDER_CYCLE);
	CHECK(text_is(node_of(&plan, "db")->cycle, "db -> web -> db"));
	CHECK(text_is(node_of(&plan, "web")->cycle, "db -> web -> db"));
	/* behind the circle, not in it */
	CHECK_INT(node_of(&plan, "app")->problem, ORDER_FINE);
	CHECK_INT(node_of(&plan, "other")->problem, ORDER_FINE);
	CHECK_INT(plan.order.sequence_count, 4);
	plan_done(&plan);
}

TEST(circle_of_one)
{
	struct plan plan;

	plan_of(&plan, true, (const char *const[]){"*a 0 a", "*b 0", NULL});
	CHECK_INT(node_of(&plan, "a")->problem, ORDER_CYCLE);
	CHECK(text_is(node_of(&plan, "a")->cycle, "a -> a"));
	CHECK(is_sequence(&plan, "1:a 1:b"));
	plan_done(&plan);
}

TEST(two_circles_that_share_one)
{
	struct plan plan;

	plan_of(&plan, true, (const char *const[]){"*a 0 b", "*b 0 a c", "*c 0 b", NULL});
	CHECK_INT(node_of(&plan, "a")->problem, ORDER_CYCLE);
	CHECK_INT(node_of(&plan, "b")->problem, ORDER_CYCLE);
	CHECK_INT(node_of(&plan, "c")->problem, ORDER_CYCLE);
	CHECK(text_is(node_of(&plan, "c")->cycle, "b -> c -> b"));
	plan_done(&plan);
}

/* A stop goes through the sequence backwards: whoever needs is before what it needs. */
TEST(reverse)
{
	struct plan plan;

	plan_of(&plan, false,
	        (const char *const[]){"*app 10 db", "*db 10", "*edge 20", "*log 0", "off 5 db",
	                              NULL});
	CHECK(is_sequence(&plan, "1:log 2:db 3:app 4:edge"));
	for (size_t i = plan.order.sequence_count; i-- > 0;) {
		const struct order_node *node = &plan.order.nodes[plan.order.sequence[i]];

		for (size_t j = 0; j < node->need_count; j++)
			CHECK(plan.order.nodes[node->needs[j]].step < node->step);
	}
	plan_done(&plan);
}

TEST(needs_by_way_of_one_that_is_left_out)
{
	struct plan plan;

	plan_of(&plan, false,
	        (const char *const[]){"*app 0 mid", "*db 0", "mid 0 way db", "*side 0",
	                              "way 0 db side", NULL});
	CHECK(is_sequence(&plan, "1:db 1:side 2:app"));
	CHECK_INT(node_of(&plan, "app")->need_count, 2);
	CHECK(order_needs(node_of(&plan, "app"), order_find(&plan.order, "db")));
	CHECK(order_needs(node_of(&plan, "app"), order_find(&plan.order, "side")));
	plan_done(&plan);
}

/* Even then everything is planned once: a stop must reach all. */
TEST(reverse_with_a_circle)
{
	struct plan plan;

	plan_of(&plan, false, (const char *const[]){"*a 0 b", "*b 0 c", "*c 0 a", "*d 0 a", NULL});
	CHECK_INT(plan.order.sequence_count, 4);
	CHECK(text_is(node_of(&plan, "b")->cycle, "a -> b -> c -> a"));
	CHECK(node_of(&plan, "d")->step > node_of(&plan, "a")->step);
	plan_done(&plan);
}
