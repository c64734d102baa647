/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The translation as a whole: each line to its row, then what needs several lines, then one INI file that holds. */
#include "container/lxc_config.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/parse.h"
#include "container/config.h"
#include "container/keys.h"
#include "container/lxc_translate.h"

#include <stdio.h>
#include <string.h>

#define RESULT "translation" /* what errors of the INI text begin with */

/* --- in --- */

static void take_line(void *user, const struct lxc_line *given)
{
	struct lxc_translation *t = user;
	struct lxc_line line = *given;
	CLEAN_FREE char *star = NULL;
	const struct lxc_row *row;

	line.row = row = lxc_row_find(line.name, &star);
	if (text_is(line.name, "lxc.net") || text_is(line.name, "lxc.network") ||
	    text_starts(line.name, "lxc.net.") || text_starts(line.name, "lxc.network."))
		lxc_network_take(t, &line);
	else if (row)
		row->take(t, row, &line, star ? star : "");
	else
		lxc_leave(t, &line, "LXC has no such key");
}

static void take_problem(void *user, const struct lxc_line *line, const char *text)
{
	lxc_leave(user, line, "%s", text);
}

/* --- what does not go together --- */

/* LXC does not start with both; keep drops all others. */
static void choose_capabilities(struct lxc_translation *t)
{
	if (!lxc_find(t, "security", "keep_capabilities"))
		return;
	for (size_t i = t->value_count; i-- > 0;) {
		if (!text_is(t->values[i].name, "drop_capabilities"))
			continue;
		lxc_leave(t, &t->values[i].from, "not needed: lxc.cap.keep drops all others");
		lxc_drop(t, i);
	}
}

/* A map that could not be taken: the tree cannot be used where it is, and must not be by other ids. */
static bool drop_unmapped(struct lxc_translation *t)
{
	const struct lxc_value *path = lxc_find(t, "rootfs", "path");

	if (!path || lxc_find(t, "container", "privileged") || lxc_find(t, "idmap", "map"))
		return false;
	lxc_leave(t, &path->from, "its ids cannot be mapped");
	lxc_clear(t, "rootfs", NULL);
	return true;
}

/* --- out --- */

/* The INI file, and the number of its line there for each value. */
struct output {
	const struct lxc_translation *t;
	struct text *text;
	int *lines;
	int count;
};

static void write_values(struct output *output, const char *section, bool includes)
{
	for (size_t i = 0; i < output->t->value_count; i++) {
		const struct lxc_value *value = &output->t->values[i];

		if (!text_is(value->section, section) ||
		    text_is(value->name, "include") != includes)
			continue;
		text_addf(output->text, "%s = %s\n", value->name, value->value);
		output->lines[i] = ++output->count;
	}
}

/* What is included comes first: what the file itself says wins. */
static void write_section(struct output *output, const char *section)
{
	text_addf(output->text, "[%s]\n", section);
	output->count++;
	write_values(output, section, true);
	write_values(output, section, false);
}

/* Sections in the order of the table of keys, interfaces in that of the file. */
static void write_all(struct output *output)
{
	const struct lxc_translation *t = output->t;
	const char *last = "";

	for (const struct key *key = keys_table; key->section; key++) {
		if (text_is(key->section, last))
			continue;
		last = key->section;
		for (size_t i = 0; i < t->value_count; i++) {
			const struct lxc_value *value = &t->values[i];

			if (!output->lines[i] &&
			    text_is(keys_find(value->section, value->name)->section, last))
				write_section(output, value->section);
		}
	}
}

/* "translation:12: limits.memory_low: is above …": the line, and what is said of it. */
static int error_line(const char *error, const char **what)
{
	CLEAN_FREE char *number = NULL;
	const char *end;
	int64_t line = 0;

	if (!text_starts(error, RESULT ":"))
		return 0;
	error += sizeof(RESULT);
	end = strchr(error, ':');
	number = end ? must_printf("%.*s", (int)(end - error), error) : NULL;
	if (!number || parse_int(number, 1, INT32_MAX, &line) < 0)
		return 0;
	*what = end + 1 + strspn(end + 1, " ");
	return (int)line;
}

/* What the text as a whole does not take goes, with the reason. False: there was nothing. */
static bool drop_errors(struct lxc_translation *t, const struct strings *errors, int *lines)
{
	bool dropped = false;

	for (size_t e = 0; e < errors->count; e++) {
		const char *what = NULL;
		int line = error_line(errors->items[e], &what);

		for (size_t i = t->value_count; line && i-- > 0;) {
			if (lines[i] != line)
				continue;
			lxc_leave(t, &t->values[i].from, "%s", what);
			lxc_drop(t, i);
			memmove(&lines[i], &lines[i + 1], (t->value_count - i) * sizeof(*lines));
			dropped = true;
		}
	}
	return dropped;
}

/* Writes it and reads it again, until it is whole in itself. */
static void write_whole(struct lxc_translation *t)
{
	for (bool again = true; again;) {
		CLEAN(strings_done) struct strings errors = {0};
		CLEAN(config_done) struct config config;
		CLEAN_FREE int *lines = must_alloc((t->value_count + 1) * sizeof(*lines));
		struct output output = {.t = t, .text = &t->out->text, .lines = lines};
		struct error ignored = {0};

		text_done(&t->out->text);
		write_all(&output);
		config_init(&config);
		text_add(&t->out->text, "");
		if (config_load_text(&config, RESULT, &t->out->text, &errors, &ignored) == 0)
			(void)config_check(&config, &errors, &ignored);
		again = drop_errors(t, &errors, lines) || drop_unmapped(t);
	}
}

static void finish(struct lxc_translation *t)
{
	lxc_network_finish(t);
	lxc_cgroup_finish(t);
	lxc_rootfs_finish(t);
	lxc_mount_finish(t);
	choose_capabilities(t);
	write_whole(t);
	lxc_remarks_sort(&t->out->left);
	lxc_remarks_sort(&t->out->notes);
	t->out->owner = t->reader.has_owner ? t->reader.owner : 0;
	for (size_t i = 0; i < LXC_VERSIONS; i++)
		lxc_lines_done(&t->cgroup.devices[i]);
	free(t->values);
	lxc_reader_done(&t->reader);
}

static void begin(struct lxc_translation *t, struct lxc_config *out, const struct paths *paths,
                  bool with_snippets)
{
	*out = (struct lxc_config){.text = {0}};
	*t = (struct lxc_translation){
		.out = out,
		.paths = paths,
		.with_snippets = with_snippets,
		.reader = {.line = take_line, .problem = take_problem},
	};
	t->reader.user = t;
}

void lxc_config_parse(struct lxc_config *out, const char *name, const struct text *text,
                      const struct paths *paths, bool with_snippets)
{
	CLEAN(text_done) struct text copy = {0};
	struct lxc_translation t;

	begin(&t, out, paths, with_snippets);
	text_add_bytes(&copy, text->data ? text->data : "", text->length);
	lxc_reader_parse(&t.reader, name, &copy);
	finish(&t);
}

int lxc_config_read(struct lxc_config *out, const char *file, const struct paths *paths,
                    bool with_snippets, struct error *err)
{
	struct lxc_translation t;
	int r;

	begin(&t, out, paths, with_snippets);
	r = lxc_reader_read(&t.reader, file, err);
	finish(&t);
	if (r < 0)
		lxc_config_done(out);
	return r;
}
