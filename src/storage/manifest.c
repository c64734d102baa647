/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing and reading the manifest and the list of an archive; see the header. */
#include "storage/manifest.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/parse.h"
#include "base/sha256.h"
#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define FORM_WORD "sysc-archive "
#define FORM      3                  /* the newest that is known; all before it are read */
#define FORM_MIN  2                  /* that is written, a newer one where a line needs it */
#define SEAL_WORD "manifest-sha256 " /* the last line: over all before it */
#define SEAL_FORM 3                  /* which must have it: its lines before that may be long */
#define FIELDS    12                 /* of a line, separated by one blank */

enum value_kind {
	VALUE_TEXT,
	VALUE_DIGEST,
	VALUE_NUMBER
};

struct row {
	const char *key;
	enum value_kind kind;
	size_t offset, room;
	unsigned int since; /* which version it came with */
	bool is_needed;
};

#define ROW(key, kind, field) \
	key, kind, offsetof(struct manifest, field), sizeof(((struct manifest *)0)->field)

/* To add a line: its field in the header, its row, a new version. Readers refuse what they do not know. */
static const struct row rows[] = {
	{ROW("name",                 VALUE_TEXT,   name),          1, true },
	{ROW("date",                 VALUE_TEXT,   date),          1, true },
	{ROW("version",              VALUE_TEXT,   version),       1, true },
	{ROW("arch",                 VALUE_TEXT,   arch),          1, true },
	{ROW("backend",              VALUE_TEXT,   backend),       1, true },
	{ROW("uuid",                 VALUE_TEXT,   uuid),          2, false},
	{ROW("snapshot",             VALUE_TEXT,   snapshot),      2, false},
	{ROW("snapshot-reason",      VALUE_TEXT,   reason),        2, false},
	{ROW("snapshot-comment",     VALUE_TEXT,   comment),       2, false},
	{ROW("snapshot-replaced-by", VALUE_TEXT,   replaced_by),   2, false},
	{ROW("snapshot-created-ms",  VALUE_NUMBER, created_ms),    2, false},
	{ROW("snapshot-running",     VALUE_NUMBER, was_running),   2, false},
	{ROW("snippet",              VALUE_TEXT,   snippet),       1, false},
	{ROW("map",                  VALUE_TEXT,   map),           1, false},
	{ROW("size",                 VALUE_NUMBER, size_bytes),    1, false},
	{ROW("snapshots",            VALUE_NUMBER, snapshots),     2, false},
	{ROW("parts-left",           VALUE_NUMBER, parts_left),    2, false},
	{ROW("config-sha256",        VALUE_DIGEST, config_sha256), 1, true },
	{ROW("since",                VALUE_DIGEST, since),         2, false},
	{ROW("since-date",           VALUE_TEXT,   since_date),    2, false},
	{ROW("holds",                VALUE_TEXT,   holds),         3, false},
};

static void digest_of(const char *text, size_t length, char out[65])
{
	struct sha256 sum;

	sha256_init(&sum);
	sha256_add(&sum, text, length);
	sha256_end(&sum, out);
}

void manifest_format(const struct manifest *manifest, struct text *out)
{
	size_t begin = out->length;
	char digest[65];

	text_addf(out, FORM_WORD "%d\n", *manifest->holds ? FORM : FORM_MIN);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *field = (const char *)manifest + rows[i].offset;
		uint64_t number = 0;

		if (rows[i].kind == VALUE_NUMBER)
			memcpy(&number, field, sizeof(number));
		if (rows[i].kind == VALUE_NUMBER && number)
			text_addf(out, "%s %" PRIu64 "\n", rows[i].key, number);
		else if (rows[i].kind != VALUE_NUMBER && *field)
			text_addf(out, "%s %s\n", rows[i].key, field);
	}
	digest_of(out->data + begin, out->length - begin, digest);
	text_addf(out, SEAL_WORD "%s\n", digest);
}

char *manifest_held(const char *name, uint64_t created_ms)
{
	return must_printf("%s@%" PRIu64, name, created_ms);
}

static bool is_digest(const char *text)
{
	return strlen(text) == 64 && strspn(text, "0123456789abcdef") == 64;
}

static int take_value(struct manifest *manifest, const struct row *row, const char *value,
                      struct error *err)
{
	char *field = (char *)manifest + row->offset;
	uint64_t number;

	if (row->kind == VALUE_NUMBER) {
		if (parse_uint(value, UINT64_MAX, &number) < 0)
			return fail_plain(err, EINVAL, "'%s' is not a number", row->key);
		memcpy(field, &number, sizeof(number));
		return 0;
	}
	if (row->kind == VALUE_DIGEST && !is_digest(value))
		return fail_plain(err, EINVAL, "'%s' is not a digest", row->key);
	if (!*value || strlen(value) >= row->room || text_has_control(value, false))
		return fail_plain(err, EINVAL, "'%s' is empty, too long or not text", row->key);
	memcpy(field, value, strlen(value) + 1);
	return 0;
}

static int take_line(struct manifest *manifest, unsigned int version, char *line,
                     unsigned int *seen, struct error *err)
{
	char *space = strchr(line, ' ');

	if (space)
		*space = '\0';
	for (size_t i = 0; space && i < ARRAY_SIZE(rows); i++) {
		if (!text_is(rows[i].key, line) || rows[i].since > version)
			continue;
		if (*seen & 1U << i)
			return fail_plain(err, EINVAL, "'%s' stands twice", line);
		*seen |= 1U << i;
		return take_value(manifest, &rows[i], space + 1, err);
	}
	return fail_plain(err, EINVAL, "a line that is not understood");
}

/* The first line, which every version has. */
static int take_version(const char *line, unsigned int *out, struct error *err)
{
	uint64_t version;

	if (parse_uint(line + strlen(FORM_WORD), UINT32_MAX, &version) < 0 || !version)
		return fail_plain(err, EINVAL, "it is no manifest");
	if (version > FORM) {
		(void)fail_plain(err, EINVAL,
		                 "it is of version %u of the form, known are those up to %d",
		                 (unsigned int)version, FORM);
		return fail_hint(err, "a newer sysc wrote it");
	}
	*out = (unsigned int)version;
	return 0;
}

static int check_whole(const struct manifest *manifest, unsigned int seen, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].is_needed && !(seen & 1U << i))
			return fail_plain(err, EINVAL, "'%s' is missing", rows[i].key);
	if (manifest->parts_left >= MANIFEST_PARTS)
		return fail_plain(err, EINVAL, "it tells of more than %d parts", MANIFEST_PARTS);
	if (!*manifest->since != !*manifest->since_date)
		return fail_plain(err, EINVAL, "of 'since' and 'since-date' there is only one");
	return 0;
}

/* Takes the line with the digest away, which old versions may have not; *has_seal: it was there. */
static int check_seal(char *text, size_t length, bool *has_seal, struct error *err)
{
	const size_t line = strlen(SEAL_WORD) + 64 + 1;
	char *seal = length > line ? text + length - line : NULL, digest[65];

	if (!seal || seal[-1] != '\n' || !text_starts(seal, SEAL_WORD))
		return 0;
	digest_of(text, (size_t)(seal - text), digest);
	if (strncmp(seal + strlen(SEAL_WORD), digest, 64) != 0)
		return fail_plain(err, EINVAL, "it is damaged: its digest is another");
	*seal = '\0';
	*has_seal = true;
	return 0;
}

int manifest_parse(struct manifest *manifest, const char *text, size_t length, struct error *err)
{
	CLEAN_FREE char *copy = must_alloc(length + 1);
	struct manifest read = {.size_bytes = 0};
	unsigned int seen = 0, version = 0;
	bool has_seal = false;
	int r = 0;

	if (length)
		memcpy(copy, text, length);
	if (length > MANIFEST_MAX || strlen(copy) != length || !length ||
	    copy[length - 1] != '\n' || !text_starts(copy, FORM_WORD))
		return fail_plain(err, EINVAL, "it is no manifest");
	r = check_seal(copy, length, &has_seal, err);
	for (char *line = copy, *next; r == 0 && *line; line = next) {
		next = strchr(line, '\n');
		*next++ = '\0';
		r = line == copy ? take_version(line, &version, err)
		                 : take_line(&read, version, line, &seen, err);
	}
	if (r == 0 && version >= SEAL_FORM && !has_seal)
		r = fail_plain(err, EINVAL, "it is damaged: its digest is missing");
	if (r == 0)
		r = check_whole(&read, seen, err);
	if (r < 0)
		return fail_in(err, "manifest");
	*manifest = read;
	return 0;
}

/* Blanks, control characters and backslashes as \xNN. */
static void add_path(struct text *out, const char *path)
{
	for (const char *c = path; *c; c++) {
		if ((unsigned char)*c <= 32 || *c == 127 || *c == '\\')
			text_addf(out, "\\x%02x", (unsigned char)*c);
		else
			text_add_bytes(out, c, 1);
	}
}

void manifest_entry_format(const struct manifest_entry *entry, struct text *out, size_t *counted)
{
	text_addf(out, "%" PRId64 ".%09" PRIu32 " ", entry->ctime_s, entry->ctime_ns);
	if (counted)
		*counted = out->length;
	text_addf(out,
	          "%c %04o %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRId64 ".%09" PRIu32
	          " %u:%u %s %s ",
	          entry->type, entry->mode & 07777, entry->uid, entry->gid, entry->size,
	          entry->mtime_s, entry->mtime_ns, entry->major, entry->minor, entry->attributes,
	          entry->content);
	add_path(out, entry->path);
	text_add(out, " ");
	if (entry->target)
		add_path(out, entry->target);
	else
		text_add(out, "-");
}

static int hex_value(char c)
{
	const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

static int read_path(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		if (*from != '\\') {
			*to++ = *from;
			continue;
		}
		if (from[1] != 'x' || hex_value(from[2]) < 0 || hex_value(from[3]) < 0)
			return -EINVAL;
		*to = (char)(hex_value(from[2]) * 16 + hex_value(from[3]));
		if (!*to++)
			return -EINVAL;
		from += 3;
	}
	*to = '\0';
	return to == text ? -EINVAL : 0;
}

static int read_time(char *text, int64_t *seconds, uint32_t *ns)
{
	char *dot = strchr(text, '.');
	uint64_t fraction;

	if (!dot || strlen(dot + 1) != 9)
		return -EINVAL;
	*dot++ = '\0';
	if (parse_int(text, INT64_MIN, INT64_MAX, seconds) < 0 ||
	    parse_uint(dot, 999999999, &fraction) < 0)
		return -EINVAL;
	*ns = (uint32_t)fraction;
	return 0;
}

static int read_device(char *text, unsigned int *major, unsigned int *minor)
{
	char *colon = strchr(text, ':');
	uint64_t a, b;

	if (!colon)
		return -EINVAL;
	*colon++ = '\0';
	if (parse_uint(text, UINT32_MAX, &a) < 0 || parse_uint(colon, UINT32_MAX, &b) < 0)
		return -EINVAL;
	*major = (unsigned int)a;
	*minor = (unsigned int)b;
	return 0;
}

static int read_digest(const char *text, char out[65])
{
	if (!text_is(text, "-") && !is_digest(text))
		return -EINVAL;
	memcpy(out, text, strlen(text) + 1);
	return 0;
}

int manifest_entry_parse(char *line, struct manifest_entry *out, size_t *counted, struct error *err)
{
	struct manifest_entry entry = {.type = 0};
	char *fields[FIELDS], *at = line;
	size_t count = 0;
	unsigned int mode = 0;

	while (at && count < FIELDS) {
		fields[count++] = at;
		at = strchr(at, ' ');
		if (at)
			*at++ = '\0';
	}
	if (count != FIELDS || at)
		return fail_plain(err, EINVAL, "a line of the list that is not understood");
	entry.type = fields[1][0];
	if (read_time(fields[0], &entry.ctime_s, &entry.ctime_ns) < 0 || !fields[1][0] ||
	    fields[1][1] || !strchr("fdlhcbpx", fields[1][0]) || parse_mode(fields[2], &mode) < 0 ||
	    mode > 07777 || parse_uint(fields[3], UINT32_MAX, &entry.uid) < 0 ||
	    parse_uint(fields[4], UINT32_MAX, &entry.gid) < 0 ||
	    parse_uint(fields[5], INT64_MAX, &entry.size) < 0 ||
	    read_time(fields[6], &entry.mtime_s, &entry.mtime_ns) < 0 ||
	    read_device(fields[7], &entry.major, &entry.minor) < 0 ||
	    read_digest(fields[8], entry.attributes) < 0 ||
	    read_digest(fields[9], entry.content) < 0 || read_path(fields[10]) < 0 ||
	    read_path(fields[11]) < 0)
		return fail_plain(err, EINVAL, "a line of the list that is not understood");
	entry.mode = mode;
	entry.path = fields[10];
	entry.target = strchr("lh", entry.type) ? fields[11] : NULL;
	if (counted)
		*counted = (size_t)(fields[1] - line);
	*out = entry;
	return 0;
}

/* "/" before all that a name can have, since what is in a folder comes right behind it. */
static int rank(char c)
{
	return c == '\0' ? 0 : c == '/' ? 1 : 1 + (unsigned char)c;
}

int manifest_compare_paths(const char *a, const char *b)
{
	if (text_is(a, ".") || text_is(b, "."))
		return !text_is(a, ".") - !text_is(b, ".");
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return rank(*a) - rank(*b);
}

int64_t manifest_seconds(const char *date)
{
	struct tm parts = {.tm_sec = 0};
	const char *end = strptime(date, "%Y-%m-%dT%H:%M:%SZ", &parts);

	return end && !*end ? (int64_t)timegm(&parts) : INT64_MIN;
}

void manifest_end_format(uint64_t count, const char digest[65], struct text *out)
{
	text_addf(out, "end %" PRIu64 " %s", count, digest);
}

int manifest_end_parse(const char *line, uint64_t *count, char digest[65], struct error *err)
{
	CLEAN(strings_done) struct strings words = {0};

	if (!text_starts(line, "end "))
		return -ENOENT;
	strings_split(&words, line, " ");
	if (words.count != 3 || parse_uint(words.items[1], UINT64_MAX, count) < 0 ||
	    !is_digest(words.items[2]))
		return fail_plain(err, EINVAL, "the end of the list is not understood");
	memcpy(digest, words.items[2], 65);
	return 0;
}
