/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Two configurations side by side: which keys have other values, told by the fields that the text came
 * to, and taking a value over from one into the other.
 */
#include "container/config.h"

#include "base/cleanup.h"
#include "container/config_value.h"
#include "container/keys.h"

#include <string.h>

static bool same_text(const char *a, const char *b)
{
	return text_is(a, b) || (!a && !b);
}

static bool same_list(const struct strings *a, const struct strings *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!text_is(a->items[i], b->items[i]))
			return false;
	return true;
}

static size_t size_of(const struct key *key)
{
	switch (key->type) {
	case KEY_BOOL:
		return sizeof(bool);
	case KEY_SIGNAL:
	case KEY_ENUM:
		return sizeof(int);
	default: /* KEY_NUMBER, KEY_SIZE, KEY_CPUS, KEY_DURATION */
		return sizeof(uint64_t);
	}
}

static bool same_field(const struct key *key, const void *a, const void *b)
{
	const void *x = (const char *)a + key->offset, *y = (const char *)b + key->offset;

	if (key->type == KEY_STRING)
		return same_text(*(char *const *)x, *(char *const *)y);
	if (key->type == KEY_LIST)
		return same_list(x, y);
	return memcmp(x, y, size_of(key)) == 0;
}

/* The value that NAME has among the pairs, NULL when it has none. */
static const char *pair_value(const struct pairs *pairs, const char *name)
{
	for (size_t i = 0; i < pairs->names.count; i++)
		if (text_is(pairs->names.items[i], name))
			return pairs->values.items[i];
	return NULL;
}

struct comparison {
	const struct config *a, *b;
	config_differs *differs;
	void *user;
};

static void compare_pairs(const struct comparison *with, const struct key *key)
{
	const struct pairs *a = (const void *)((const char *)with->a + key->offset);
	const struct pairs *b = (const void *)((const char *)with->b + key->offset);

	for (size_t i = 0; i < a->names.count; i++) {
		const char *name = a->names.items[i];

		if (!same_text(a->values.items[i], pair_value(b, name)))
			with->differs(key, key->section, name, with->user);
	}
	for (size_t i = 0; i < b->names.count; i++)
		if (!pair_value(a, b->names.items[i]))
			with->differs(key, key->section, b->names.items[i], with->user);
}

static bool is_compared(const struct key *key)
{
	return !(key->flags & KEY_LATER) && key->type != KEY_INCLUDE;
}

static void compare_network(const struct comparison *with, const char *section)
{
	const struct network_config *a = config_value_network(with->a, section);
	const struct network_config *b = config_value_network(with->b, section);

	if (!a || !b)
		with->differs(keys_find(section, "type"), section, NULL, with->user);
	for (const struct key *key = keys_table; a && b && key->section; key++)
		if (key->flags & KEY_NETWORK && is_compared(key) && !same_field(key, a, b))
			with->differs(key, section, key->name, with->user);
}

static void compare_networks(const struct comparison *with)
{
	for (size_t i = 0; i < with->a->network_count; i++) {
		CLEAN_FREE char *section = must_printf("network.%s", with->a->networks[i].name);

		compare_network(with, section);
	}
	for (size_t i = 0; i < with->b->network_count; i++) {
		CLEAN_FREE char *section = must_printf("network.%s", with->b->networks[i].name);

		if (!config_value_network(with->a, section))
			compare_network(with, section);
	}
}

void config_compare(const struct config *a, const struct config *b, config_differs *differs,
                    void *user)
{
	const struct comparison with = {.a = a, .b = b, .differs = differs, .user = user};
	bool networks_done = false;

	for (const struct key *key = keys_table; key->section; key++) {
		if (key->flags & KEY_NETWORK) {
			if (!networks_done) /* all of them, in the place of the section */
				compare_networks(&with);
			networks_done = true;
		} else if (!is_compared(key)) {
			continue;
		} else if (key->type == KEY_PAIRS) {
			compare_pairs(&with, key);
		} else if (!same_field(key, a, b)) {
			differs(key, key->section, key->name, user);
		}
	}
}

/* The name of the file as config owns it. */
static const char *own_file(struct config *config, const char *file)
{
	for (size_t i = 0; i < config->files.count; i++)
		if (text_is(config->files.items[i], file))
			return config->files.items[i];
	strings_add(&config->files, file);
	return config->files.items[config->files.count - 1];
}

static int copy_item(struct config *config, const struct config_item *item, struct error *err)
{
	return config_value_set(config, item->section, item->name, item->value,
	                        own_file(config, item->file), item->line, err);
}

int config_copy(struct config *config, const struct config *from, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < from->item_count && r == 0; i++)
		r = copy_item(config, &from->items[i], err);
	return r;
}

int config_copy_value(struct config *config, const struct config *from, const char *section,
                      const char *name, struct error *err)
{
	int r = config_value_set(config, section, name, "", NULL, 0, err);

	for (size_t i = 0; i < from->item_count && r == 0; i++) {
		const struct config_item *item = &from->items[i];

		if (text_is(item->section, section) && text_is(item->name, name))
			r = copy_item(config, item, err);
	}
	return r;
}
