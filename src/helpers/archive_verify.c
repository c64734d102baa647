/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an archive of sysc-export must be; see the header. */
#include "helpers/archive_verify.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "helpers/archive_work.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define CONFIG_MAX (1 << 20) /* bytes of a configuration, as INI_FILE_MAX */

void verify_init(struct verify *verify, struct archive *reader, int head_fd)
{
	verify->reader = reader;
	verify->head_fd = head_fd;
	sha256_init(&verify->sum);
}

void verify_done(struct verify *verify)
{
	text_done(&verify->line);
}

/* A member that is no file of the tree: all of it, at most most bytes. */
static int read_member(struct verify *verify, struct archive_entry *entry, size_t most,
                       struct text *out, struct error *err)
{
	la_ssize_t n;

	if (archive_entry_filetype(entry) != S_IFREG || archive_entry_hardlink(entry))
		return fail_plain(err, EINVAL, "it is not a plain file");
	while ((n = archive_read_data(verify->reader, verify->block, sizeof(verify->block))) > 0) {
		text_add_bytes(out, verify->block, (size_t)n);
		if (out->length > most)
			return fail_plain(err, EFBIG, "it is longer than %zu bytes", most);
	}
	return n < 0 ? work_fail(verify->reader, err) : 0;
}

static int take_manifest(struct verify *verify, struct archive_entry *entry, struct error *err)
{
	CLEAN(text_done) struct text text = {0};
	int r = read_member(verify, entry, MANIFEST_MAX, &text, err);

	if (r == 0)
		r = manifest_parse(&verify->manifest, text.data ? text.data : "", text.length, err);
	if (r == 0 && verify->head_fd >= 0) {
		text_add(&text, "\n");
		r = file_write_all(verify->head_fd, text.data, text.length);
		r = r < 0 ? fail(err, -r, "hand it on") : 0;
	}
	verify->stage = STAGE_CONFIG;
	return r;
}

static int take_config(struct verify *verify, struct archive_entry *entry, struct error *err)
{
	CLEAN(text_done) struct text text = {0};
	struct sha256 sum;
	char digest[65];
	int r = read_member(verify, entry, CONFIG_MAX, &text, err);

	if (r < 0)
		return r;
	sha256_init(&sum);
	sha256_add(&sum, text.data ? text.data : "", text.length);
	sha256_end(&sum, digest);
	if (!text_is(digest, verify->manifest.config_sha256))
		return fail_plain(err, EBADMSG, "it is damaged: its digest is not the manifest's");
	if (verify->head_fd >= 0 && text.length) {
		r = file_write_all(verify->head_fd, text.data, text.length);
		if (r < 0)
			return fail(err, -r, "hand it on");
	}
	verify->stage = STAGE_TREE;
	return 0;
}

/* One line of the list, against what was unpacked; 1 for the last. */
static int check_line(struct verify *verify, struct sha256 *sum, uint64_t *count, char *line,
                      struct error *err)
{
	struct manifest_entry entry;
	uint64_t total;
	char digest[65], found[65];
	size_t counted, length = strlen(line);
	CLEAN_FREE char *copy = must_dup(line);
	int r = manifest_end_parse(line, &total, digest, err);

	if (r == -ENOENT) {
		r = manifest_entry_parse(copy, &entry, &counted, err);
		if (r < 0)
			return r;
		sha256_add(sum, line + counted, length - counted);
		sha256_add(sum, "\n", 1);
		++*count;
		return 0;
	}
	if (r < 0)
		return r;
	sha256_end(sum, found);
	if (total != *count || !text_is(found, digest))
		return fail_plain(err, EBADMSG, "the list of its entries is damaged");
	sha256_end(&verify->sum, found);
	if (total != verify->listed || !text_is(found, digest))
		return fail_plain(err, EBADMSG, "what is in it is not what was packed");
	return 1;
}

/* The list is read line by line: it may be longer than memory is wide. */
static int check_list(struct verify *verify, struct archive_entry *entry, struct error *err)
{
	CLEAN(text_done) struct text line = {0};
	struct sha256 sum;
	uint64_t count = 0;
	la_ssize_t n;
	int r = 0;

	if (archive_entry_filetype(entry) != S_IFREG || archive_entry_hardlink(entry))
		return fail_plain(err, EINVAL, "it is not a plain file");
	verify->stage = STAGE_OVER;
	sha256_init(&sum);
	text_add(&line, "");
	while ((n = archive_read_data(verify->reader, verify->block, sizeof(verify->block))) > 0) {
		for (la_ssize_t i = 0; i < n; i++) {
			if (r > 0)
				return fail_plain(err, EINVAL, "something follows its end");
			if (verify->block[i] != '\n') {
				text_add_bytes(&line, verify->block + i, 1);
				if (line.length > MANIFEST_LINE_MAX)
					return fail_plain(err, EFBIG, "a line is too long");
				continue;
			}
			r = check_line(verify, &sum, &count, line.data, err);
			if (r < 0)
				return r;
			line.length = 0;
			line.data[0] = '\0';
		}
	}
	if (n < 0)
		return work_fail(verify->reader, err);
	return r > 0 ? 0 : fail_plain(err, EBADMSG, "its end is missing");
}

/* Below the root of the tree: NULL when the name is not of it. */
static const char *tree_name(const char *name)
{
	size_t length = strlen(MANIFEST_TREE);

	if (strncmp(name, MANIFEST_TREE, length) != 0 || (name[length] && name[length] != '/'))
		return NULL;
	return name[length] && name[length + 1] ? name + length + 1 : ".";
}

int verify_member(struct verify *verify, struct archive_entry *entry, struct archive_item *item,
                  struct error *err)
{
	static const char *const wanted[] = {MANIFEST_MEMBER, MANIFEST_CONFIG, MANIFEST_TREE,
	                                     "nothing more"};

	if (verify->stage == STAGE_MANIFEST && text_is(item->path, MANIFEST_MEMBER))
		return take_manifest(verify, entry, err);
	if (verify->stage == STAGE_CONFIG && text_is(item->path, MANIFEST_CONFIG))
		return take_config(verify, entry, err);
	if (verify->stage == STAGE_TREE && text_is(item->path, MANIFEST_LIST))
		return check_list(verify, entry, err);
	if (verify->stage != STAGE_TREE || !tree_name(item->path)) {
		if (verify->stage == STAGE_MANIFEST && !text_is(item->path, MANIFEST_CONFIG) &&
		    !text_is(item->path, MANIFEST_LIST))
			return fail_plain(err, ENOMSG, "it is no archive of sysc-export");
		return fail_plain(err, EINVAL, "%s was expected in this place",
		                  wanted[verify->stage]);
	}
	item->path = tree_name(item->path);
	if (item->hard_link) {
		item->hard_link = tree_name(item->hard_link);
		if (!item->hard_link)
			return fail_plain(err, EINVAL, "a hard link to a place outside");
	}
	return 1;
}

void verify_count(struct verify *verify, const struct manifest_entry *what)
{
	struct text *line = &verify->line;
	size_t counted;

	line->length = 0;
	manifest_entry_format(what, line, &counted);
	text_add(line, "\n");
	sha256_add(&verify->sum, line->data + counted, line->length - counted);
	verify->listed++;
}

int verify_end(const struct verify *verify, struct error *err)
{
	return verify->stage == STAGE_OVER ? 0 : fail_plain(err, EBADMSG, "it ends too early");
}
