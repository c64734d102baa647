/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What only the whole configuration can tell: values that do not go together. */
#include "container/config.h"

#include "base/error.h"
#include "base/parse.h"
#include "container/idmap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PLACE_MAX 1024

/* Where problems go: the list has all of them, err the first. */
struct findings {
	const struct config *config;
	struct strings *errors;
	struct error *err;
	unsigned int count;
};

/* "FILE:LINE: section.key: text"; without a place where the value is a default. */
static void add(struct findings *findings, const char *section, const char *key, const char *text)
{
	char place[PLACE_MAX], line[ERROR_TEXT_MAX];
	const char *at = config_where(findings->config, section, key, 0, place, sizeof(place));
	size_t length = strlen(at);

	if (length > 3) /* " (FILE:LINE)" without its brackets */
		(void)snprintf(line, sizeof(line), "%.*s: %s.%s: %s", (int)(length - 3), at + 2,
		               section, key, text);
	else
		(void)snprintf(line, sizeof(line), "%s.%s: %s", section, key, text);
	if (findings->errors)
		strings_add(findings->errors, line);
	if (!findings->count++)
		(void)fail_plain(findings->err, EINVAL, "%s", line);
}

static void check_rootfs_given(struct findings *findings)
{
	if (!findings->config->rootfs_path)
		add(findings, "rootfs", "path", "is not set (dir:/path/of/the/root/file/system)");
}

static void check_map(struct findings *findings)
{
	const struct config *config = findings->config;
	struct idmap map = {0};
	struct error err = {0};

	if (config->privileged)
		return;
	if (!config->idmap.count)
		add(findings, "idmap", "map",
		    "is not set (write 'auto' into the file given to create, or 'b 0 FIRST 65536')");
	else if (strings_has(&config->idmap, "auto"))
		add(findings, "idmap", "map",
		    "'auto' was not replaced (create does; write 'b 0 FIRST 65536')");
	else if (idmap_parse(&map, &config->idmap, &err) < 0)
		add(findings, "idmap", "map", err.text);
	else if (idmap_to_host(&map, false, 0) < 0 || idmap_to_host(&map, true, 0) < 0)
		add(findings, "idmap", "map", "user and group 0 of the container are not mapped");
}

static bool is_above(uint64_t low, uint64_t high)
{
	return low != LIMIT_UNSET && high != LIMIT_UNSET && low > high;
}

static void check_limits(struct findings *findings)
{
	const struct limits_config *limits = &findings->config->limits;

	if (is_above(limits->memory_low, limits->memory))
		add(findings, "limits", "memory_low", "is above limits.memory");
	if (is_above(limits->memory_high, limits->memory))
		add(findings, "limits", "memory_high", "is above limits.memory");
	if (is_above(limits->memory_low, limits->memory_high))
		add(findings, "limits", "memory_low", "is above limits.memory_high");
}

static void check_capabilities(struct findings *findings)
{
	const struct config *config = findings->config;

	if (config->keep_capabilities.count && config->drop_capabilities.count)
		add(findings, "security", "drop_capabilities",
		    "does not go with security.keep_capabilities, which drops all others already");
}

static void check_network(struct findings *findings, size_t nth)
{
	const struct network_config *network = &findings->config->networks[nth];
	char section[32], text[128];
	bool needs_bridge = strings_has(&network->address, "auto");

	(void)snprintf(section, sizeof(section), "network.%s", network->name);
	if (network->type == NETWORK_NONE)
		return;
	if (needs_bridge && !network->bridge)
		add(findings, section, "address", "'auto' needs a bridge (network.IF.bridge)");
	if (strings_has(&network->dns, "auto") && !network->bridge)
		add(findings, section, "dns", "'auto' needs a bridge (network.IF.bridge)");
	for (size_t i = 0; i < nth; i++) {
		const struct network_config *other = &findings->config->networks[i];

		(void)snprintf(text, sizeof(text), "is that of network.%s too", other->name);
		if (text_is(network->host_name, other->host_name))
			add(findings, section, "host_name", text);
		if (text_is(network->mac, other->mac) && !strchr(network->mac, 'x'))
			add(findings, section, "mac", text);
	}
}

int config_check(const struct config *config, struct strings *errors, struct error *err)
{
	struct findings findings = {.config = config, .errors = errors, .err = err};

	check_rootfs_given(&findings);
	check_map(&findings);
	check_limits(&findings);
	check_capabilities(&findings);
	for (size_t i = 0; i < config->network_count; i++)
		check_network(&findings, i);
	if (!findings.count)
		return 0;
	if (findings.count > 1)
		(void)fail_hint(err, "and %u more", findings.count - 1);
	return -EINVAL;
}
