/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Cleaning up after a container; see the header. Called by the worker and by who finds that nobody did. */
#include "monitor/leftovers.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "cgroup/cgroup.h"
#include "container/state.h"
#include "network/network.h"

#include <errno.h>
#include <stdio.h>

#define REMOVE_CGROUP_MS 10000

static void remove_links(struct state *state)
{
	struct network network = {.count = state->link_count};
	struct error err = {0};

	for (unsigned int i = 0; i < network.count; i++)
		(void)snprintf(network.links[i].host_name, sizeof(network.links[i].host_name), "%s",
		               state->links[i]);
	if (network_detach(&network, &err) < 0)
		log_line(LOG_LEVEL_WARN, "%s", err.text);
}

/* The counter goes with the cgroup. */
static void note_oom_kills(struct state *state, const struct cgroup *cgroup)
{
	struct cgroup_usage usage = {.oom_kills = LIMIT_UNSET};

	/* without a memory controller it stays unknown */
	(void)cgroup_usage_of(&cgroup->host, cgroup->path, CGROUP_PART_OOM, &usage);
	state->stop_oom_kills = usage.oom_kills;
	if (usage.oom_kills != LIMIT_UNSET && usage.oom_kills)
		log_line(LOG_LEVEL_WARN, "out of memory: %llu processes were killed",
		         (unsigned long long)usage.oom_kills);
}

static void remove_cgroup(struct state *state)
{
	struct error err = {0};
	CLEAN(cgroup_close) struct cgroup cgroup;
	int r;

	cgroup_init(&cgroup);
	state->stop_oom_kills = LIMIT_UNSET;
	if (!state->cgroup[0]) /* of a start that did not come so far */
		return;
	r = cgroup_open(&cgroup, state->cgroup, &err);
	if (r == 0)
		note_oom_kills(state, &cgroup);
	if (r == 0)
		r = cgroup_remove(&cgroup, REMOVE_CGROUP_MS, &err);
	if (r < 0)
		log_line(LOG_LEVEL_WARN, "%s", err.text);
}

void leftovers_remove(struct state *state)
{
	remove_links(state);
	remove_cgroup(state);
}

void leftovers_remove_socket(const char *run_dir)
{
	CLEAN_FREE char *path = must_printf("%s/socket", run_dir);
	CLEAN_FREE char *notify = must_printf("%s/notify", run_dir);

	(void)unlink(path); /* the next start replaces them all the same */
	(void)unlink(notify);
}
