/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which containers sysc autostart works on, and why; see the header. */
#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "container/container.h"
#include "tools/autostart.h"
#include "tools/command.h"
#include "tools/names.h"

#include <errno.h>

/* As container_open(), but what could be read of a broken configuration stays. */
static void load(struct autostart_member *member, const struct paths *paths, const char *name)
{
	struct container *container = &member->container;
	struct error err = {0};
	int r = container_init(container, paths, name, &err);

	if (r == 0)
		r = container_load(container, NULL, &err);
	if (r < 0)
		member->broken = must_dup(err.text);
	if (state_read(container->run_dir, &member->state, NULL, NULL) < 0)
		state_init(&member->state); /* no right to read it: nothing to act on, either */
}

static bool is_in_groups(const struct call *call, const struct autostart_member *member)
{
	for (size_t i = 0; i < call->groups.count; i++)
		if (!strings_has(&member->container.config.groups, call->groups.items[i]))
			return false;
	return true;
}

static void choose(const struct call *call, const struct autostart_choice *choice,
                   struct autostart_member *member)
{
	bool is_start = choice->action == AUTOSTART_START;

	member->is_wanted = false;
	if (!names_match(&call->names, member->container.name))
		member->why = "not named";
	else if (!is_in_groups(call, member))
		member->why = "not in the group";
	else if (!is_start && member->state.phase == STATE_STOPPED)
		member->why = "does not run";
	else if (is_start && !call->names.count && !choice->all &&
	         !member->container.config.boot.autostart)
		member->why = member->broken ? "broken configuration" : "autostart = no";
	else
		member->is_wanted = true;
	if (!member->is_wanted)
		return;
	if (!is_start)
		member->why = "runs";
	else if (call->names.count)
		member->why = "named";
	else
		member->why = member->container.config.boot.autostart ? "autostart = yes" : "--all";
}

void autostart_set_plan(struct autostart_set *set, enum autostart_action action)
{
	struct order *order = &set->order;

	order_done(order);
	order->nodes = must_alloc(set->count * sizeof(*order->nodes));
	order->count = set->count;
	for (size_t i = 0; i < set->count; i++) {
		const struct autostart_member *member = &set->members[i];

		order->nodes[i] = (struct order_node){
			.name = member->container.name,
			.order = member->container.config.boot.order,
			.after = &member->container.config.boot.after,
			.is_wanted = member->is_wanted,
		};
	}
	order_plan(order, action == AUTOSTART_START);
}

int autostart_set_open(struct autostart_set *set, const struct call *call,
                       const struct autostart_choice *choice, struct error *err)
{
	CLEAN(strings_done) struct strings names = {0}, matching = {0};
	int r = 0;

	*set = (struct autostart_set){0};
	if (call->names.count) /* each name must be there */
		r = container_match(&call->paths, &call->names, &matching, err);
	if (r == 0)
		r = container_list(&call->paths, &names, err);
	if (r < 0)
		return r;
	set->members = must_alloc(names.count * sizeof(*set->members));
	for (size_t i = 0; i < names.count; i++) {
		struct autostart_member *member = &set->members[set->count++];

		load(member, &call->paths, names.items[i]);
		choose(call, choice, member);
	}
	autostart_set_plan(set, choice->action);
	return 0;
}

void autostart_set_done(struct autostart_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		container_done(&set->members[i].container);
		free(set->members[i].broken);
		free(set->members[i].reason);
	}
	free(set->members);
	order_done(&set->order);
	*set = (struct autostart_set){0};
}

char *autostart_set_problem(const struct autostart_set *set, size_t index)
{
	const struct order_node *node = &set->order.nodes[index];
	const struct config *config = &set->members[index].container.config;
	char where[4352];

	if (node->problem == ORDER_FINE)
		return NULL;
	(void)config_where(config, "boot", "after", node->problem_entry, where, sizeof(where));
	if (node->problem == ORDER_CYCLE)
		return must_printf("boot.after goes in a circle: %s%s", node->cycle, where);
	return must_printf("boot.after names no container: '%s'%s",
	                   node->after->items[node->problem_entry], where);
}
