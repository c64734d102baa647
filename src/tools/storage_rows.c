/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Backend, use and size of a root file system; see the header. */
#include "tools/storage_rows.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/table.h"
#include "base/text.h"
#include "container/config.h"
#include "storage/storage.h"
#include "tools/info_rows.h"
#include "tools/usage_rows.h"

void storage_rows_print(const struct config *config, bool is_raw, struct text *out)
{
	CLEAN(storage_done) struct storage storage = {.backend = NULL};
	CLEAN(text_done) struct text value = {0};
	struct storage_usage usage = {0};
	char used[24], size[24];

	if (storage_of(&storage, config, NULL) < 0)
		return;
	info_rows_line(out, "Storage:", storage_name(&storage));
	if (storage_usage(&storage, &usage, NULL) < 0)
		return;
	text_add(&value, usage_rows_size(usage.used_bytes, is_raw, used));
	if (usage.size_bytes && !is_raw)
		text_addf(&value, " (limit %s)", usage_rows_size(usage.size_bytes, false, size));
	info_rows_line(out, "Disk use:", value.data);
}

void storage_rows_json(const struct config *config, struct json *json)
{
	CLEAN(storage_done) struct storage storage = {.backend = NULL};
	CLEAN_FREE char *path = NULL;
	struct storage_usage usage = {0};
	bool is_known;

	if (storage_of(&storage, config, NULL) < 0) {
		json_null(json, "storage");
		return;
	}
	path = storage_text(&storage);
	is_known = storage_usage(&storage, &usage, NULL) == 0;
	json_object(json, "storage");
	json_string(json, "backend", storage_name(&storage));
	json_string(json, "path", path);
	usage_json_amount(json, "used", is_known ? usage.used_bytes : LIMIT_UNSET);
	usage_json_amount(json, "size",
	                  is_known && usage.size_bytes ? usage.size_bytes : LIMIT_UNSET);
	json_end_object(json);
}
