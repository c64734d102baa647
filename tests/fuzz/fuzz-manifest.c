/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Manifest and list of an archive, both of foreign text. What is taken must come out as it went in when it is
 * written again.
 */
#include "base/cleanup.h"
#include "base/text.h"
#include "replay.h"
#include "storage/manifest.h"

#include <assert.h>
#include <string.h>

static void try_line(const char *line)
{
	CLEAN_FREE char *copy = must_dup(line);
	CLEAN(text_done) struct text again = {0};
	struct manifest_entry entry, second;
	size_t counted, offset;
	uint64_t count;
	char digest[65];

	(void)manifest_end_parse(line, &count, digest, NULL);
	if (manifest_entry_parse(copy, &entry, &counted, NULL) < 0)
		return;
	assert(counted < strlen(line));
	manifest_entry_format(&entry, &again, &offset);
	assert(manifest_entry_parse(again.data, &second, &counted, NULL) == 0);
	assert(second.type == entry.type && second.size == entry.size &&
	       text_is(second.path, entry.path));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEAN_FREE char *copy = must_alloc(size + 1);
	struct manifest manifest;

	if (size)
		memcpy(copy, data, size);
	if (manifest_parse(&manifest, copy, size, NULL) == 0) {
		CLEAN(text_done) struct text text = {0};
		struct manifest again;

		manifest_format(&manifest, &text);
		assert(manifest_parse(&again, text.data, text.length, NULL) == 0);
		assert(memcmp(&again, &manifest, sizeof(again)) == 0);
	}
	for (char *line = copy, *next; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		try_line(line);
	}
	return 0;
}
