/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Manifest and result of an export; see the header. */
#include "tools/export_say.h"

#include "base/cleanup.h"
#include "base/sha256.h"
#include "base/table.h"
#include "base/text.h"
#include "container/container.h"
#include "storage/manifest.h"
#include "storage/snapshot.h"
#include "tools/command.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

/* "alpine": the file of the distribution that its configuration includes. */
static void find_snippet(const struct container *container, char *out, size_t room)
{
	const struct config *config = &container->config;
	const char *folder = container->paths->config;
	size_t length = strlen(folder);

	for (size_t i = 0; i < config->item_count; i++) {
		const struct config_item *item = &config->items[i];
		const char *name = item->value + length + 1;

		if (!text_is(item->name, "include") || !text_is(item->section, "container") ||
		    !text_is(item->file, container->file) || !text_starts(item->value, folder) ||
		    item->value[length] != '/' || strchr(name, '/') || !text_ends(name, ".conf"))
			continue;
		(void)snprintf(out, room, "%.*s", (int)(strlen(name) - 5), name);
		return;
	}
}

static void copy_value(char *out, size_t room, const char *value)
{
	(void)snprintf(out, room, "%s", value);
}

void export_describe(struct manifest *manifest, const struct container *container,
                     const struct storage *storage, const struct text *text)
{
	const struct config *config = &container->config;
	CLEAN(snapshots_done) struct snapshots snapshots = {0};
	struct utsname host;
	struct sha256 sum;
	struct tm parts;
	time_t now = time(NULL);

	(void)uname(&host); /* cannot fail with a valid buffer */
	if (gmtime_r(&now, &parts))
		(void)strftime(manifest->date, sizeof(manifest->date), "%Y-%m-%dT%H:%M:%SZ",
		               &parts);
	copy_value(manifest->name, sizeof(manifest->name), container->name);
	copy_value(manifest->version, sizeof(manifest->version), PACKAGE_VERSION);
	copy_value(manifest->arch, sizeof(manifest->arch), host.machine);
	copy_value(manifest->uuid, sizeof(manifest->uuid), config->uuid ? config->uuid : "");
	copy_value(manifest->backend, sizeof(manifest->backend), storage_name(storage));
	if (!config->privileged && config->idmap.count == 1)
		copy_value(manifest->map, sizeof(manifest->map), config->idmap.items[0]);
	if (config->rootfs_size != LIMIT_UNSET)
		manifest->size_bytes = config->rootfs_size;
	find_snippet(container, manifest->snippet, sizeof(manifest->snippet));
	if (snapshot_list(container, &snapshots, NULL) == 0)
		manifest->snapshots = snapshots.count;
	sha256_init(&sum);
	sha256_add(&sum, text->data ? text->data : "", text->length);
	sha256_end(&sum, manifest->config_sha256);
}

static void report_text(const struct call *call, const struct export_result *result)
{
	const struct archiver_counts *counts = &result->counts;
	const struct manifest *manifest = result->manifest;

	if (result->frozen_us >= 0)
		output_note(call, "%s: was frozen for %.3f s", result->name,
		            (double)result->frozen_us / 1000000);
	if (manifest->snapshots && !result->takes_snapshots && !*manifest->snapshot)
		output_note(call,
		            "%s: its snapshots are not in the archive (%" PRIu64
		            "; --snapshots takes them)",
		            result->name, manifest->snapshots);
	if (*manifest->since)
		output_note(call,
		            "%s: %" PRIu64 " of %" PRIu64 " entries changed since %s, %" PRIu64
		            " are gone; %.1f MiB are as they were",
		            result->name, counts->entries - counts->kept, counts->entries,
		            manifest->since_date, counts->removed,
		            (double)counts->kept_bytes / (1 << 20));
	if (result->path)
		output_line(call, "%s: exported to %s (%.1f MiB, %.1f s)", result->name,
		            result->path, (double)result->size_bytes / (1 << 20),
		            (double)result->took_ms / 1000);
}

static int report_json(const struct call *call, const struct export_result *result)
{
	const struct archiver_counts *counts = &result->counts;
	const struct manifest *manifest = result->manifest;
	CLEAN(json_done) struct json json = {0};

	output_json_begin(&json);
	json_string(&json, "name", result->name);
	json_string(&json, "file", result->path);
	json_string(&json, "date", manifest->date);
	json_unsigned(&json, "size_bytes", result->size_bytes);
	json_number(&json, "took_ms", result->took_ms);
	if (result->frozen_us >= 0)
		json_number(&json, "frozen_us", result->frozen_us);
	else
		json_null(&json, "frozen_us");
	json_unsigned(&json, "entries", counts->entries);
	json_string(&json, "since", *manifest->since_date ? manifest->since_date : NULL);
	json_unsigned(&json, "kept", counts->kept);
	json_unsigned(&json, "kept_bytes", counts->kept_bytes);
	json_unsigned(&json, "removed", counts->removed);
	json_unsigned(&json, "snapshots", manifest->snapshots);
	json_unsigned(&json, "with_snapshots", result->with_snapshots);
	json_end_object(&json);
	return output_json(call, &json);
}

int export_report(const struct call *call, const struct export_result *result)
{
	if (call->json)
		return report_json(call, result);
	report_text(call, result);
	return EXIT_DONE;
}
