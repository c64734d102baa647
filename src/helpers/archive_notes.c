/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is said afterwards; see the header. */
#include "helpers/archive_notes.h"

#include "base/text.h"
#include "helpers/archive_work.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Where the next note goes; NULL: it is only counted. */
static char *next_note(struct archive_counters *counters)
{
	unsigned int at = counters ? atomic_fetch_add(&counters->note_count, 1) : ARCHIVE_NOTES;

	return at < ARCHIVE_NOTES ? counters->notes[at] : NULL;
}

void notes_add(const struct notes *notes, const char *path, const char *what)
{
	char shown[ARCHIVE_NOTE_MAX - 128], *note = next_note(notes->counters);

	archive_escape(path, shown, sizeof(shown));
	if (note)
		(void)snprintf(note, ARCHIVE_NOTE_MAX, "'%s': %.120s", shown, what);
}

void notes_count(struct notes *notes, const char *attribute)
{
	struct notes_kind *kind = notes->kinds;

	for (size_t i = 0; i + 1 < NOTES_KINDS && kind->name[0]; i++) {
		if (strncmp(kind->name, attribute, sizeof(kind->name) - 1) == 0)
			break;
		kind++;
	}
	if (!kind->name[0])
		(void)snprintf(kind->name, sizeof(kind->name), "%s",
		               kind == notes->kinds + NOTES_KINDS - 1 ? "other attributes"
		                                                      : attribute);
	kind->count++;
}

void notes_end(const struct notes *notes)
{
	for (size_t i = 0; i < NOTES_KINDS && notes->kinds[i].name[0]; i++) {
		const struct notes_kind *kind = &notes->kinds[i];
		char shown[4 * sizeof(kind->name)], *note = next_note(notes->counters);

		archive_escape(kind->name, shown, sizeof(shown));
		if (note)
			(void)snprintf(note, ARCHIVE_NOTE_MAX, "%s of %" PRIu64 " %s, left out",
			               shown, kind->count, kind->count == 1 ? "entry" : "entries");
	}
}
