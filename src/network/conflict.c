/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A look at what the others run with (container/applied.h). It reads one small file for each of them: their
 * whole configurations only where the address is found in it.
 */
#include "network/conflict.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "container/applied.h"
#include "container/container.h"
#include "container/state.h"
#include "network/address.h"
#include "network/reserve.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>

#define APPLIED_MOST (1U << 24)

static bool is_equal(const char *text, const struct address *address)
{
	struct address other;

	return address_parse(text, &other) == 0 && address_equal(&other, address);
}

/* The one that was chosen for an interface with "auto". */
static bool is_reserved(const struct container *other, const struct network_config *network,
                        const struct address *address)
{
	struct address found;

	return reserve_recorded(other, network->name, &found) == 0 &&
	       address_equal(&found, address);
}

static bool has_address(const struct container *other, const struct network_config *network,
                        const struct address *address)
{
	for (size_t i = 0; i < network->address.count; i++) {
		const char *text = network->address.items[i];

		if (text_is(text, "auto") ? is_reserved(other, network, address)
		                          : is_equal(text, address))
			return true;
	}
	return false;
}

/* Two that are in no bridge are both reached through the host's own routes. */
static bool is_same_bridge(const struct network_config *one, const struct network_config *other)
{
	return one->bridge ? text_is(one->bridge, other->bridge) : !other->bridge;
}

/* "network.eth0.address=10.83.0.17/20", or "=auto": worth to be read as a whole. */
static bool may_have(const char *run_dir, const struct address *address)
{
	CLEAN_FREE char *path = must_printf("%s/applied", run_dir);
	CLEAN(strings_done) struct strings lines = {0};
	CLEAN(text_done) struct text text = {0};

	if (file_read(AT_FDCWD, path, APPLIED_MOST, &text, NULL) < 0 || !text.data)
		return false;
	strings_split(&lines, text.data, "\n");
	for (size_t i = 0; i < lines.count; i++) {
		const char *value = strchr(lines.items[i], '=');

		if (!text_starts(lines.items[i], "network.") || !value)
			continue;
		if (text_is(value, "=auto") || is_equal(value + 1, address))
			return true;
	}
	return false;
}

static bool has_it(const struct container *other, const struct network_config *network,
                   const struct address *address)
{
	struct applied applied;
	struct state state;
	bool found = false;

	if (!may_have(other->run_dir, address) ||
	    state_read(other->run_dir, &state, NULL, NULL) < 0 || state.phase == STATE_STOPPED ||
	    applied_open(&applied, other->run_dir, false, NULL) < 0)
		return false;
	for (size_t i = 0; i < applied.config.network_count && !found; i++)
		found = is_same_bridge(network, &applied.config.networks[i]) &&
		        has_address(other, &applied.config.networks[i], address);
	applied_done(&applied);
	return found;
}

char *conflict_find(const struct container *container, const struct network_config *network,
                    const struct address *address)
{
	CLEAN_DIR DIR *all = opendir(container->paths->run);
	const struct dirent *entry;

	while (all && (entry = readdir(all))) {
		CLEAN(container_done) struct container other = {0};

		if (entry->d_name[0] == '.' || text_is(entry->d_name, container->name))
			continue;
		if (container_init(&other, container->paths, entry->d_name, NULL) == 0 &&
		    has_it(&other, network, address))
			return must_dup(entry->d_name);
	}
	return NULL;
}
