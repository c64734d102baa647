/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Differences as a table and as JSON; see the header. */
#include "tools/live_rows.h"

#include "base/cleanup.h"
#include "base/table.h"
#include "base/text.h"
#include "container/container.h"
#include "tools/live.h"

char *live_rows_key(const struct live_difference *item)
{
	return item->name ? must_printf("%s.%s", item->section, item->name)
	                  : must_dup(item->section);
}

static void add_interface(const struct config *config, const char *section, struct strings *out)
{
	for (size_t i = 0; i < config->item_count; i++) {
		const struct config_item *item = &config->items[i];

		if (text_is(item->section, section))
			strings_give(out, must_printf("%s=%s", item->name, item->value));
	}
}

static void find_values(const struct config *config, const struct live_difference *item,
                        struct strings *out)
{
	if (!item->name)
		add_interface(config, item->section, out);
	else
		(void)config_get(config, item->section, item->name, out, NULL); /* none: "-" */
}

char *live_rows_value(const struct config *config, const struct live_difference *item)
{
	CLEAN(strings_done) struct strings values = {0};
	CLEAN(text_done) struct text text = {0};

	find_values(config, item, &values);
	for (size_t i = 0; i < values.count; i++)
		text_addf(&text, "%s%s", i ? ", " : "", values.items[i]);
	return text.length ? text_take(&text) : must_dup("-");
}

void live_rows_print(const struct live *live, const struct config *wanted, struct table *table)
{
	for (size_t i = 0; i < live->count; i++) {
		const struct live_difference *item = &live->items[i];
		CLEAN_FREE char *key = live_rows_key(item);
		CLEAN_FREE char *running = live_rows_value(&live->applied.config, item);
		CLEAN_FREE char *configured = live_rows_value(wanted, item);
		CLEAN_FREE char *both =
			item->drift ? must_printf("%s (%s)", running, item->drift) : NULL;

		table_cell(table, live->container->name);
		table_cell(table, key);
		table_cell(table, both ? both : running);
		table_cell(table, configured);
		table_cell(table, item->is_live ? "live" : "restart");
	}
}

static void add_values(const struct config *config, const struct live_difference *item,
                       const char *key, struct json *json)
{
	CLEAN(strings_done) struct strings values = {0};

	find_values(config, item, &values);
	json_array(json, key);
	for (size_t i = 0; i < values.count; i++)
		json_string(json, NULL, values.items[i]);
	json_end_array(json);
}

void live_rows_json(const struct live *live, const struct config *wanted, struct json *json)
{
	for (size_t i = 0; i < live->count; i++) {
		const struct live_difference *item = &live->items[i];
		CLEAN_FREE char *key = live_rows_key(item);

		json_object(json, NULL);
		json_string(json, "key", key);
		add_values(&live->applied.config, item, "running", json);
		json_string(json, "kernel", item->drift);
		add_values(wanted, item, "configured", json);
		json_string(json, "applies", item->is_live ? "live" : "restart");
		json_end_object(json);
	}
}
