/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an archive of sysc-export must be; see the header. */
#include "helpers/archive_verify.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "helpers/archive_compare.h"
#include "helpers/archive_work.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define CONFIG_MAX (1 << 20) /* bytes of a configuration, as INI_FILE_MAX */

void verify_init(struct verify *verify, struct archive *reader, const struct verify_files *files)
{
	verify->reader = reader;
	verify->files = files;
	list_writer_init(&verify->unpacked, files->unpacked);
}

void verify_done(struct verify *verify)
{
	list_writer_done(&verify->unpacked);
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

/* The digest that ends the kept list of what stands there. */
static int read_base(const struct verify *verify, struct manifest *manifest, char digest[65],
                     struct error *err)
{
	FILE *base = verify->files->base;
	CLEAN_FREE struct list_reader *list = list_reader_new(base, true);
	int r;

	rewind(base);
	r = list_read_manifest(base, manifest, err);
	if (r == 0)
		r = list_reader_finish(list, err);
	memcpy(digest, list->digest, sizeof(list->digest));
	return r < 0 ? fail_in(err, "the list of what stands there") : 0;
}

/* Whether what stands there is what an increment is to. */
static int check_base(const struct verify *verify, struct error *err)
{
	const struct manifest *manifest = &verify->manifest;
	struct manifest base;
	char digest[65];
	int r;

	if (!*manifest->since)
		return verify->files->base ? fail_plain(err, EINVAL, "it is no increment") : 0;
	if (!verify->files->base && verify->files->is_alone)
		return 0;
	if (!verify->files->base)
		return fail_plain(err, EINVAL, "it is an increment to the archive of %s",
		                  manifest->since_date);
	r = read_base(verify, &base, digest, err);
	if (r == 0 && !text_is(digest, manifest->since))
		r = fail_plain(err, EINVAL,
		               "it is an increment to the archive of %s with the digest %s; before "
		               "it stands that of %s with the digest %s",
		               manifest->since_date, manifest->since, base.date, digest);
	return r;
}

/* To who asked for the heads. */
static int hand_on(struct verify *verify, const struct text *text, struct error *err)
{
	int r;

	verify->handed += text->length;
	if (verify->handed > MANIFEST_HEADS_MAX)
		return fail_plain(err, EFBIG,
		                  "manifests and configurations are longer than %d MiB in all",
		                  MANIFEST_HEADS_MAX >> 20);
	r = file_write_all(verify->files->head_fd, text->data, text->length);
	return r < 0 ? fail(err, -r, "hand it on") : 0;
}

/* To who keeps the list. */
static int save(const struct verify *verify, const struct text *text, struct error *err)
{
	FILE *file = verify->files->save;

	return file && fwrite(text->data, 1, text->length, file) != text->length
	               ? fail(err, errno, "keep it")
	               : 0;
}

/* The parts are counted down, so that none is missing. */
static int check_part(const struct verify *verify, const struct manifest *before, struct error *err)
{
	if (verify->part && (before->parts_left - 1 != verify->manifest.parts_left ||
	                     !text_is(before->uuid, verify->manifest.uuid)))
		return fail_plain(err, EBADMSG, "it is not the part that must follow");
	return 0;
}

static int take_manifest(struct verify *verify, struct archive_entry *entry, struct error *err)
{
	CLEAN(text_done) struct text text = {0};
	const struct manifest before = verify->manifest;
	uint64_t wanted = verify->files->part;
	int r = read_member(verify, entry, MANIFEST_MAX, &text, err);

	if (r == 0)
		r = manifest_parse(&verify->manifest, text.data ? text.data : "", text.length, err);
	if (r == 0)
		r = check_part(verify, &before, err);
	verify->stage = STAGE_CONFIG;
	verify->is_skipped =
		verify->files->head_fd < 0 &&
		(wanted == VERIFY_LAST ? verify->manifest.parts_left != 0 : verify->part != wanted);
	if (r < 0 || verify->is_skipped)
		return r;
	text_add(&text, "\n");
	if (verify->files->head_fd >= 0)
		return hand_on(verify, &text, err);
	r = check_base(verify, err);
	return r < 0 ? r : save(verify, &text, err);
}

static int take_config(struct verify *verify, struct archive_entry *entry, struct error *err)
{
	CLEAN(text_done) struct text text = {0}, head = {0};
	struct sha256 sum;
	char digest[65];
	int r;

	verify->stage = STAGE_TREE;
	if (verify->is_skipped)
		return 0;
	r = read_member(verify, entry, CONFIG_MAX, &text, err);
	if (r < 0)
		return r;
	sha256_init(&sum);
	sha256_add(&sum, text.data ? text.data : "", text.length);
	sha256_end(&sum, digest);
	if (!text_is(digest, verify->manifest.config_sha256))
		return fail_plain(err, EBADMSG, "it is damaged: its digest is not the manifest's");
	if (verify->files->head_fd < 0)
		return 0;
	text_addf(&head, "%zu\n", text.length);
	r = hand_on(verify, &head, err);
	return r < 0 || !text.length ? r : hand_on(verify, &text, err);
}

/* Reads the list out of the archive and into what keeps it. */
static ssize_t read_list(void *cookie, char *buffer, size_t room)
{
	const struct verify *verify = cookie;
	la_ssize_t n = archive_read_data(verify->reader, buffer, room);

	if (n < 0 || (verify->files->save &&
	              fwrite(buffer, 1, (size_t)n, verify->files->save) != (size_t)n)) {
		errno = EIO;
		return -1;
	}
	return n;
}

/* The list is read line by line: it may be longer than memory is wide. */
static int check_list(struct verify *verify, struct archive_entry *entry, struct error *err)
{
	const cookie_io_functions_t functions = {.read = read_list};
	const struct compare compare = {
		.before = verify->files->base,
		.unpacked = verify->files->unpacked,
		.is_alone = *verify->manifest.since && verify->files->is_alone,
		.remove = verify->remove,
		.user = verify->user,
	};
	CLEAN_FILE FILE *list = NULL;
	int r;

	if (archive_entry_filetype(entry) != S_IFREG || archive_entry_hardlink(entry))
		return fail_plain(err, EINVAL, "it is not a plain file");
	r = list_writer_end(&verify->unpacked, err);
	list = fopencookie(verify, "r", functions);
	if (r < 0 || !list)
		return r < 0 ? r : fail(err, ENOMEM, "read it");
	rewind(verify->files->unpacked);
	r = compare_lists(&compare, list, err);
	if (r < 0 && archive_errno(verify->reader) != 0)
		return work_fail(verify->reader, err);
	if (r == 0 && verify->files->save && fflush(verify->files->save) != 0)
		r = fail(err, errno, "keep it");
	return r;
}

/* Below the root of the tree: NULL when the name is not of it. */
static const char *tree_name(const char *name)
{
	size_t length = strlen(MANIFEST_TREE);

	if (strncmp(name, MANIFEST_TREE, length) != 0 || (name[length] && name[length] != '/'))
		return NULL;
	return name[length] && name[length + 1] ? name + length + 1 : ".";
}

static int fail_place(const struct verify *verify, const char *path, struct error *err)
{
	static const char *const wanted[] = {MANIFEST_MEMBER, MANIFEST_CONFIG, MANIFEST_TREE,
	                                     "nothing more"};

	if (verify->stage == STAGE_MANIFEST && !verify->part && !text_is(path, MANIFEST_CONFIG) &&
	    !text_is(path, MANIFEST_LIST))
		return fail_plain(err, ENOMSG, "it is no archive of sysc-export");
	return fail_plain(err, EINVAL, "%s was expected in this place", wanted[verify->stage]);
}

/* Where the tree is not wanted, neither is the list of it. */
static bool has_no_tree(const struct verify *verify)
{
	return verify->is_skipped || verify->files->head_fd >= 0;
}

int verify_member(struct verify *verify, struct archive_entry *entry, struct archive_item *item,
                  struct error *err)
{
	if (verify->stage == STAGE_OVER && verify->manifest.parts_left) {
		verify->stage = STAGE_MANIFEST;
		verify->part++;
	}
	if (verify->stage == STAGE_MANIFEST && text_is(item->path, MANIFEST_MEMBER))
		return take_manifest(verify, entry, err);
	if (verify->stage == STAGE_CONFIG && text_is(item->path, MANIFEST_CONFIG))
		return take_config(verify, entry, err);
	if (verify->stage == STAGE_TREE && text_is(item->path, MANIFEST_LIST)) {
		verify->stage = STAGE_OVER;
		return has_no_tree(verify) ? 0 : check_list(verify, entry, err);
	}
	if (verify->stage != STAGE_TREE || !tree_name(item->path))
		return fail_place(verify, item->path, err);
	if (has_no_tree(verify))
		return 0;
	item->path = tree_name(item->path);
	if (item->hard_link) {
		item->hard_link = tree_name(item->hard_link);
		if (!item->hard_link)
			return fail_plain(err, EINVAL, "a hard link to a place outside");
	}
	return 1;
}

bool verify_is_done(const struct verify *verify)
{
	if (verify->files->head_fd >= 0)
		return verify->stage == STAGE_TREE &&
		       (verify->files->is_first_only || !verify->manifest.parts_left);
	return verify->stage == STAGE_OVER && !verify->is_skipped && verify->manifest.parts_left;
}

int verify_count(struct verify *verify, const struct manifest_entry *what, struct error *err)
{
	return list_writer_add(&verify->unpacked, what, err);
}

int verify_end(const struct verify *verify, struct error *err)
{
	return verify->stage == STAGE_OVER && !verify->manifest.parts_left && !verify->is_skipped
	               ? 0
	               : fail_plain(err, EBADMSG, "it ends too early");
}
