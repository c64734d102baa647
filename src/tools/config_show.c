/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Telling the values in force by walking the lines that were read; see the header. */
#include "tools/config_show.h"

#include "base/cleanup.h"
#include "base/table.h"
#include "base/text.h"
#include "container/config.h"
#include "container/keys.h"

#define COMMENT_COLUMN 48

/* A value to show; file NULL: a default. */
struct shown {
	const char *section, *name, *value, *file;
	int line;
};

typedef void show_function(const struct shown *shown, void *user);

static bool is_list(const struct key *key)
{
	return key->type == KEY_LIST || key->type == KEY_INCLUDE;
}

/* A later line took its place, or cleared the list it is in. */
static bool is_in_force(const struct config *config, size_t i)
{
	const struct config_item *item = &config->items[i];

	if (is_list(item->key) && !*item->value)
		return false;
	for (size_t j = i + 1; j < config->item_count; j++) {
		const struct config_item *later = &config->items[j];

		if (text_is(later->section, item->section) && text_is(later->name, item->name) &&
		    (!is_list(item->key) || !*later->value))
			return false;
	}
	return true;
}

static bool is_set(const struct config *config, const char *section, const char *name)
{
	for (size_t i = 0; i < config->item_count; i++)
		if (text_is(config->items[i].section, section) &&
		    text_is(config->items[i].name, name))
			return true;
	return false;
}

static void walk_defaults(const struct config *config, const char *section, show_function *show,
                          void *user)
{
	bool is_network = text_starts(section, "network.");

	for (const struct key *key = keys_table; key->section; key++) {
		CLEAN(strings_done) struct strings values = {0};
		struct shown shown = {.section = section, .name = key->name};

		if ((key->flags & KEY_LATER) || key->type == KEY_PAIRS || key->type == KEY_INCLUDE)
			continue;
		if (!text_is(key->section, is_network ? "network" : section) ||
		    is_set(config, section, key->name) ||
		    config_get(config, section, key->name, &values, NULL) < 0)
			continue;
		for (size_t i = 0; i < values.count; i++) {
			shown.value = values.items[i];
			show(&shown, user);
		}
	}
}

static void walk_section(const struct config *config, const char *section, bool with_defaults,
                         show_function *show, void *user)
{
	for (size_t i = 0; i < config->item_count; i++) {
		const struct config_item *item = &config->items[i];
		struct shown shown = {item->section, item->name, item->value, item->file,
		                      item->line};

		if (text_is(item->section, section) && is_in_force(config, i))
			show(&shown, user);
	}
	if (with_defaults)
		walk_defaults(config, section, show, user);
}

/* Section by section: those of the files in their order, then those that only have defaults. */
static void walk(const struct config *config, bool with_defaults, show_function *show, void *user)
{
	CLEAN(strings_done) struct strings sections = {0};

	for (size_t i = 0; i < config->item_count; i++)
		if (!strings_has(&sections, config->items[i].section))
			strings_add(&sections, config->items[i].section);
	for (const struct key *key = keys_table; with_defaults && key->section; key++)
		if (!(key->flags & (KEY_NETWORK | KEY_LATER)) &&
		    !strings_has(&sections, key->section))
			strings_add(&sections, key->section);
	for (size_t i = 0; i < sections.count; i++)
		walk_section(config, sections.items[i], with_defaults, show, user);
}

struct printer {
	struct text *out;
	const char *section; /* the one whose title was printed */
};

static void print_one(const struct shown *shown, void *user)
{
	struct printer *printer = user;
	size_t start;

	if (!text_is(printer->section, shown->section)) {
		text_addf(printer->out, "%s[%s]\n", printer->out->length ? "\n" : "",
		          shown->section);
		printer->section = shown->section;
	}
	start = printer->out->length;
	text_addf(printer->out, "%s = %s", shown->name, shown->value);
	start = printer->out->length - start;
	text_addf(printer->out, "%*s ; ",
	          start < COMMENT_COLUMN ? (int)(COMMENT_COLUMN - start) : 0, "");
	if (shown->file)
		text_addf(printer->out, "%s:%d\n", shown->file, shown->line);
	else
		text_add(printer->out, "default\n");
}

void config_show_print(const struct config *config, bool with_defaults, struct text *out)
{
	struct printer printer = {.out = out};

	walk(config, with_defaults, print_one, &printer);
}

static void add_one(const struct shown *shown, void *user)
{
	struct json *json = user;

	json_object(json, NULL);
	json_string(json, "section", shown->section);
	json_string(json, "key", shown->name);
	json_string(json, "value", shown->value);
	json_string(json, "file", shown->file);
	if (shown->file)
		json_number(json, "line", shown->line);
	else
		json_null(json, "line");
	json_end_object(json);
}

void config_show_json(const struct config *config, bool with_defaults, struct json *json)
{
	walk(config, with_defaults, add_one, json);
}
