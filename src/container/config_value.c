/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From text to the fields of struct config, driven by the table of keys: one parser per type, one
 * store. What a value may look like beyond its type is in check.c.
 */
#include "container/config_value.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/parse.h"
#include "container/check.h"
#include "container/keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NETWORK_PREFIX "network."

static void *field(void *base, const struct key *key)
{
	return (char *)base + key->offset;
}

static int not_a(struct error *err, const char *value, const char *what)
{
	return fail_plain(err, EINVAL, "'%s' is not %s", value, what);
}

static int out_of_range(struct error *err, const struct key *key, const char *value)
{
	if (key->most)
		return fail_plain(err, ERANGE, "'%s' is not between %llu and %llu", value,
		                  key->least, key->most);
	return fail_plain(err, ERANGE, "'%s' is too %s", value, key->least ? "small" : "large");
}

static bool is_unlimited(const struct key *key, const char *value)
{
	return key->flags & KEY_LIMIT && (text_is(value, "max") || text_is(value, "none"));
}

static int set_bounded(void *base, const struct key *key, const char *value, int r, uint64_t number,
                       const char *what, struct error *err)
{
	if (r == -EINVAL)
		return not_a(err, value, what);
	/* LIMIT_UNSET itself would be taken for "not set" */
	if (r < 0 || number == LIMIT_UNSET || number < key->least ||
	    (key->most && number > key->most))
		return out_of_range(err, key, value);
	*(uint64_t *)field(base, key) = number;
	return 0;
}

static int set_number(void *base, const struct key *key, const char *value, struct error *err)
{
	uint64_t number = 0;
	int r = parse_uint(value, UINT64_MAX, &number);

	return set_bounded(base, key, value, r, number, "a number", err);
}

static int set_size(void *base, const struct key *key, const char *value, struct error *err)
{
	uint64_t size = 0;
	int r = parse_size(value, &size);

	return set_bounded(base, key, value, r, size, "a size (512M, 1.5G)", err);
}

static int set_cpus(void *base, const struct key *key, const char *value, struct error *err)
{
	uint32_t millicpus = 0;
	int r = parse_cpus(value, &millicpus);

	return set_bounded(base, key, value, r, millicpus, "a number of cpus (1.5)", err);
}

static int set_bool(void *base, const struct key *key, const char *value, struct error *err)
{
	bool yes = false;

	if (parse_bool(value, &yes) < 0)
		return not_a(err, value, "yes or no");
	*(bool *)field(base, key) = yes;
	return 0;
}

static int set_duration(void *base, const struct key *key, const char *value, struct error *err)
{
	int64_t duration_ms = 0;
	int r = parse_duration(value, &duration_ms);

	if (r == -EINVAL)
		return not_a(err, value, "a time (30s, 5min)");
	if (r < 0)
		return out_of_range(err, key, value);
	*(int64_t *)field(base, key) = duration_ms;
	return 0;
}

static int set_signal(void *base, const struct key *key, const char *value, struct error *err)
{
	int number = CONFIG_SIGNAL_AUTO;

	if (!text_is(value, "auto") && parse_signal(value, &number) < 0)
		return not_a(err, value, "a signal (SIGTERM, TERM, 15, SIGRTMIN+3) or 'auto'");
	*(int *)field(base, key) = number;
	return 0;
}

static int set_enum(void *base, const struct key *key, const char *value, struct error *err)
{
	for (int i = 0; key->choices[i]; i++) {
		if (!text_is(key->choices[i], value))
			continue;
		*(int *)field(base, key) = i;
		return 0;
	}
	return check_choice(value, key->choices, err);
}

static int set_string(void *base, const struct key *key, const char *value, struct error *err)
{
	char **string = field(base, key);

	(void)err;
	free(*string);
	*string = must_dup(value);
	return 0;
}

static int set_list(void *base, const struct key *key, const char *value, struct error *err)
{
	(void)err;
	strings_add(field(base, key), value);
	return 0;
}

static int (*const setters[])(void *base, const struct key *key, const char *value,
                              struct error *err) = {
	[KEY_STRING] = set_string, [KEY_BOOL] = set_bool,         [KEY_NUMBER] = set_number,
	[KEY_SIZE] = set_size,     [KEY_DURATION] = set_duration, [KEY_CPUS] = set_cpus,
	[KEY_SIGNAL] = set_signal, [KEY_ENUM] = set_enum,         [KEY_LIST] = set_list,
};

/* Frees what the field owns and sets it to the default of its row. */
static void reset_field(void *base, const struct key *key, bool with_default)
{
	if (key->flags & KEY_LATER || key->type == KEY_INCLUDE)
		return;
	if (key->type == KEY_STRING) {
		free(*(char **)field(base, key));
		*(char **)field(base, key) = NULL;
	} else if (key->type == KEY_LIST) {
		strings_done(field(base, key));
	} else if (key->type == KEY_PAIRS) {
		struct pairs *pairs = field(base, key);

		strings_done(&pairs->names);
		strings_done(&pairs->values);
	}
	if (!with_default)
		return;
	if (key->flags & KEY_LIMIT)
		*(uint64_t *)field(base, key) = LIMIT_UNSET;
	if (key->fallback)
		(void)setters[key->type](base, key, key->fallback, NULL); /* our own text */
}

static void reset_rows(void *base, bool network, bool with_default)
{
	for (const struct key *key = keys_table; key->section; key++)
		if (network == !!(key->flags & KEY_NETWORK))
			reset_field(base, key, with_default);
}

void config_value_defaults(struct config *config)
{
	reset_rows(config, false, true);
}

static void item_done(struct config_item *item)
{
	free(item->section);
	free(item->name);
	free(item->value);
}

void config_value_done(struct config *config)
{
	reset_rows(config, false, false);
	for (size_t i = 0; i < config->network_count; i++) {
		reset_rows(&config->networks[i], true, false);
		free(config->networks[i].name);
	}
	free(config->networks);
	for (size_t i = 0; i < config->item_count; i++)
		item_done(&config->items[i]);
	free(config->items);
}

struct network_config *config_value_network(const struct config *config, const char *section)
{
	if (!text_starts(section, NETWORK_PREFIX))
		return NULL;
	for (size_t i = 0; i < config->network_count; i++)
		if (text_is(config->networks[i].name, section + strlen(NETWORK_PREFIX)))
			return &config->networks[i];
	return NULL;
}

struct network_config *config_value_add_network(struct config *config, const char *section,
                                                struct error *err)
{
	struct network_config *network = config_value_network(config, section);

	if (network)
		return network;
	if (!text_starts(section, NETWORK_PREFIX)) {
		(void)fail_plain(err, EINVAL,
		                 "the section needs the interface's name "
		                 "([network.eth0])");
		return NULL;
	}
	if (check_interface(section + strlen(NETWORK_PREFIX), err) < 0)
		return NULL;
	if (config->network_count == CONFIG_NETWORKS_MAX) {
		(void)fail_plain(err, E2BIG, "more than %d interfaces", CONFIG_NETWORKS_MAX);
		return NULL;
	}
	config->networks = must_realloc(config->networks,
	                                (config->network_count + 1) * sizeof(*config->networks));
	network = &config->networks[config->network_count++];
	*network = (struct network_config){.name = must_dup(section + strlen(NETWORK_PREFIX))};
	reset_rows(network, true, true);
	return network;
}

/* Forgets where values of section.name came from. */
static void drop_items(struct config *config, const char *section, const char *name)
{
	size_t kept = 0;

	for (size_t i = 0; i < config->item_count; i++) {
		struct config_item *item = &config->items[i];

		if (text_is(item->section, section) && text_is(item->name, name))
			item_done(item);
		else
			config->items[kept++] = *item;
	}
	config->item_count = kept;
}

static void add_item(struct config *config, const struct key *key, const char *section,
                     const char *name, const char *value, const char *file, int line)
{
	struct config_item item = {
		.key = key,
		.section = must_dup(section),
		.name = must_dup(name),
		.value = must_dup(value),
		.file = file,
		.line = line,
	};

	/* grows by doubling: whenever the count is a power of two */
	if ((config->item_count & (config->item_count - 1)) == 0)
		config->items = must_realloc(config->items,
		                             (config->item_count * 2 + 1) * sizeof(*config->items));
	config->items[config->item_count++] = item;
}

/* Removes NAME from the pairs; absent is fine. */
static void drop_pair(struct pairs *pairs, const char *name)
{
	for (size_t i = 0; i < pairs->names.count; i++) {
		if (!text_is(pairs->names.items[i], name))
			continue;
		free(pairs->names.items[i]);
		free(pairs->values.items[i]);
		pairs->names.count--;
		pairs->values.count--;
		/* the NULL at the end moves too */
		memmove(&pairs->names.items[i], &pairs->names.items[i + 1],
		        (pairs->names.count - i + 1) * sizeof(char *));
		memmove(&pairs->values.items[i], &pairs->values.items[i + 1],
		        (pairs->values.count - i + 1) * sizeof(char *));
		return;
	}
}

static int store(void *base, const struct key *key, const char *name, const char *value,
                 struct error *err)
{
	int r;

	if (key->type == KEY_PAIRS) {
		CLEAN_FREE char *both = must_printf("%s=%s", name, value);
		struct pairs *pairs = field(base, key);

		r = key->check ? key->check(both, err) : 0;
		if (r < 0)
			return r;
		drop_pair(pairs, name);
		strings_add(&pairs->names, name);
		strings_add(&pairs->values, value);
		return 0;
	}
	if (is_unlimited(key, value)) {
		*(uint64_t *)field(base, key) = LIMIT_UNSET;
		return 0;
	}
	r = key->check ? key->check(value, err) : 0;
	if (r == 0 && key->type != KEY_INCLUDE)
		r = setters[key->type](base, key, value, err);
	return r;
}

static void clear(void *base, const struct key *key, const char *name)
{
	if (key->type == KEY_PAIRS)
		drop_pair(field(base, key), name);
	else
		reset_field(base, key, true);
}

int config_value_set(struct config *config, const char *section, const char *name,
                     const char *value, const char *file, int line, struct error *err)
{
	const struct key *key = keys_find(section, name);
	void *base = config;
	bool many;
	int r;

	if (!key)
		return keys_unknown(section, name, err);
	if (key->flags & KEY_NETWORK) {
		base = config_value_add_network(config, section, err);
		if (!base)
			return err ? -err->code : -EINVAL;
	}
	if (key->flags & KEY_LATER)
		return fail_plain(err, EINVAL, "not supported yet");
	if (text_has_control(value, true))
		return fail_plain(err, EINVAL, "a control character in the value");
	many = key->type == KEY_LIST || key->type == KEY_INCLUDE;
	if (!*value) {
		clear(base, key, name);
		drop_items(config, section, name);
		return 0;
	}
	if (config->item_count == CONFIG_ITEMS_MAX)
		return fail_plain(err, E2BIG, "more than %d values", CONFIG_ITEMS_MAX);
	r = store(base, key, name, value, err);
	if (r < 0)
		return r;
	if (!many)
		drop_items(config, section, name);
	add_item(config, key, section, name, value, file, line);
	return 0;
}
