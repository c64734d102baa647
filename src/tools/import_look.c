/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Archives are looked at; see the header. */
#include "tools/import_look.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/process.h"
#include "base/table.h"
#include "base/text.h"
#include "tools/archiver.h"
#include "tools/command.h"
#include "tools/import_chain.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

/* What is shown of a manifest, each with its key in JSON. To add one: here, and in man/sysc-import.1. */
static const struct row {
	const char *title, *key;
	bool is_number;
	size_t offset;
} rows[] = {
	{"container",        "name",       false, offsetof(struct manifest, name)      },
	{"UUID",             "uuid",       false, offsetof(struct manifest, uuid)      },
	{"snapshot",         "snapshot",   false, offsetof(struct manifest, snapshot)  },
	{"date",             "date",       false, offsetof(struct manifest, date)      },
	{"increment to",     "since_date", false, offsetof(struct manifest, since_date)},
	{"digest of that",   "since",      false, offsetof(struct manifest, since)     },
	{"made by",          "version",    false, offsetof(struct manifest, version)   },
	{"arch",             "arch",       false, offsetof(struct manifest, arch)      },
	{"distribution",     "snippet",    false, offsetof(struct manifest, snippet)   },
	{"backend",          "backend",    false, offsetof(struct manifest, backend)   },
	{"id map",           "map",        false, offsetof(struct manifest, map)       },
	{"size limit",       "size_limit", true,  offsetof(struct manifest, size_bytes)},
	{"snapshots it had", "snapshots",  true,  offsetof(struct manifest, snapshots) },
};

static const char *text_of(const struct manifest *manifest, const struct row *row)
{
	return (const char *)manifest + row->offset;
}

static uint64_t number_of(const struct manifest *manifest, const struct row *row)
{
	uint64_t number;

	memcpy(&number, (const char *)manifest + row->offset, sizeof(number));
	return number;
}

/* Those that a container made of it has; false: it does not tell. */
static bool list_held(const struct manifest *manifest, struct strings *out)
{
	if (*manifest->holds && !text_is(manifest->holds, MANIFEST_HOLDS_NONE))
		strings_split(out, manifest->holds, " ");
	for (size_t i = 0; i < out->count; i++)
		out->items[i][strcspn(out->items[i], "@")] = '\0'; /* of the time */
	return *manifest->holds;
}

static uint64_t file_size(const struct import_link *link)
{
	struct stat st;

	return link->input->is_file && fstat(link->input->fd, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static void show_text(const struct import_link *link, const struct archiver_counts *counts,
                      struct text *out)
{
	CLEAN(strings_done) struct strings held = {0};
	uint64_t size = file_size(link);

	text_addf(out, "%-16s  %s\n", "file", link->input->file);
	if (size)
		text_addf(out, "%-16s  %.1f MiB\n", "size", (double)size / (1 << 20));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t number = rows[i].is_number ? number_of(&link->manifest, &rows[i]) : 0;

		if (number)
			text_addf(out, "%-16s  %" PRIu64 "\n", rows[i].title, number);
		else if (!rows[i].is_number && *text_of(&link->manifest, &rows[i]))
			text_addf(out, "%-16s  %s\n", rows[i].title,
			          text_of(&link->manifest, &rows[i]));
	}
	if (list_held(&link->manifest, &held))
		text_addf(out, "%-16s ", "snapshots");
	for (size_t i = 0; i < held.count; i++)
		text_addf(out, " %s", held.items[i]);
	if (*link->manifest.holds)
		text_add(out, held.count ? "\n" : " none\n");
	if (counts)
		text_addf(out, "%-16s  %" PRIu64 " entries, %.1f MiB\n%-16s  yes\n", "content",
		          counts->entries, (double)counts->bytes / (1 << 20), "whole");
}

static void show_json(const struct import_link *link, const struct archiver_counts *counts,
                      struct json *json)
{
	CLEAN(strings_done) struct strings held = {0};

	json_object(json, NULL);
	json_string(json, "file", link->input->file);
	json_unsigned(json, "size_bytes", file_size(link));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *text = text_of(&link->manifest, &rows[i]);

		if (rows[i].is_number)
			json_unsigned(json, rows[i].key, number_of(&link->manifest, &rows[i]));
		else
			json_string(json, rows[i].key, *text ? text : NULL);
	}
	if (list_held(&link->manifest, &held)) {
		json_array(json, "holds");
		for (size_t i = 0; i < held.count; i++)
			json_string(json, NULL, held.items[i]);
		json_end_array(json);
	} else {
		json_null(json, "holds");
	}
	if (counts) {
		json_bool(json, "verified", true);
		json_unsigned(json, "entries", counts->entries);
		json_unsigned(json, "content_bytes", counts->bytes);
	}
	json_end_object(json);
}

/* counts: one for each link, or NULL. */
static int show(const struct import_chain *chain, const struct archiver_counts *counts)
{
	CLEAN(text_done) struct text text = {0};
	CLEAN(json_done) struct json json = {0};

	if (chain->call->json) {
		output_json_begin(&json);
		json_array(&json, "archives");
		for (size_t i = 0; i < chain->count; i++)
			show_json(&chain->links[i], counts ? &counts[i] : NULL, &json);
		json_end_array(&json);
		json_end_object(&json);
		return output_json(chain->call, &json);
	}
	for (size_t i = 0; i < chain->count; i++) {
		text_add(&text, i ? "\n" : "");
		show_text(&chain->links[i], counts ? &counts[i] : NULL, &text);
	}
	return output_text(chain->call, &text);
}

static int verify_all(struct import_chain *chain, struct archiver_counts *counts, struct error *err)
{
	CLEAN(strings_done) struct strings words = {0};
	CLEAN_FD int signals = process_catch_signals();
	const struct import_run run = {
		.name = chain->inputs[0].file,
		.words = &words,
		.signals_fd = signals,
		.counts = counts,
	};

	strings_split(&words,
	              "check --exported --allow-devices --max-bytes=1000000T "
	              "--max-entries=100000000 -",
	              " ");
	return import_chain_run(chain, &run, err);
}

int import_look(struct import_chain *chain, bool verify)
{
	CLEAN_FREE struct archiver_counts *counts = NULL;
	struct error err = {0};
	int r = import_chain_open(chain, &err);

	if (r == 0 && !chain->links[0].is_export)
		r = fail_plain(&err, EINVAL, "'%s': it is no archive of sysc-export",
		               chain->inputs[0].file);
	if (r == 0)
		r = import_chain_check(chain, true, &err);
	if (r == 0 && verify) {
		counts = must_alloc(chain->count * sizeof(*counts));
		r = verify_all(chain, counts, &err);
	}
	if (r == 0)
		return show(chain, counts);
	(void)output_error(chain->call, NULL, &err);
	return err.code == EINTR ? 128 + SIGINT : EXIT_FAILED;
}
