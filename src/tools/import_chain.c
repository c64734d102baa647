/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Archives that belong together; see the header. */
#include "tools/import_chain.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/parse.h"
#include "base/progress.h"
#include "container/container.h"
#include "storage/manifest_list.h"
#include "tools/archiver.h"
#include "tools/command.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define DIGEST_SHOWN 12 /* digits of a digest that tell it from others */

void import_chain_init(struct import_chain *chain, const struct call *call, const char *first,
                       const struct strings *then)
{
	size_t count = 1 + then->count;

	*chain = (struct import_chain){.call = call, .input_count = count};
	chain->inputs = must_alloc(count * sizeof(*chain->inputs));
	for (size_t i = 0; i < count; i++)
		import_input_init(&chain->inputs[i], i ? then->items[i - 1] : first);
}

void import_chain_done(struct import_chain *chain)
{
	for (size_t i = 0; i < chain->input_count; i++)
		import_input_done(&chain->inputs[i]);
	for (size_t i = 0; i < chain->count; i++)
		text_done(&chain->links[i].config);
	free(chain->inputs);
	free(chain->links);
}

/* --- what they say of themselves --- */

static struct import_link *add_link(struct import_chain *chain, struct import_input *input,
                                    uint64_t part)
{
	struct import_link *link;

	chain->links = must_realloc(chain->links, (chain->count + 1) * sizeof(*chain->links));
	link = &chain->links[chain->count++];
	*link = (struct import_link){.input = input, .part = part};
	return link;
}

/* "MANIFEST\n\nLENGTH\nCONFIG" in front of text: how much of it that is. */
static ssize_t take_head(struct import_link *link, const char *text, size_t length,
                         struct error *err)
{
	const char *gap = strstr(text, "\n\n"), *number = gap ? gap + 2 : NULL;
	const char *line_end = number ? strchr(number, '\n') : NULL;
	CLEAN_FREE char *word =
		line_end ? must_printf("%.*s", (int)(line_end - number), number) : NULL;
	uint64_t size;

	if (!word || parse_uint(word, length, &size) < 0 ||
	    (size_t)(line_end + 1 - text) + size > length)
		return fail_plain(err, EIO, "sysc-archive gave no manifest");
	if (manifest_parse(&link->manifest, text, (size_t)(gap + 1 - text), err) < 0 ||
	    container_check_name(link->manifest.name, err) < 0)
		return -err->code;
	text_add_bytes(&link->config, line_end + 1, size);
	link->is_export = true;
	return (ssize_t)((size_t)(line_end + 1 - text) + size);
}

static int add_links(struct import_chain *chain, struct import_input *input,
                     const struct text *heads, struct error *err)
{
	uint64_t part = 0;

	for (size_t at = 0; at < heads->length;) {
		struct import_link *link = add_link(chain, input, part++);
		ssize_t used = take_head(link, heads->data + at, heads->length - at, err);

		if (used < 0)
			return (int)used;
		at += (size_t)used;
	}
	return 0;
}

/* A pipe has to be kept for that when there is more than one part: it is gone through for each. */
static int look(struct import_chain *chain, struct import_input *input, struct error *err)
{
	CLEAN(text_done) struct text head = {0};
	size_t first = chain->count;
	int r = import_input_open(input, err);

	if (r == 0)
		r = import_input_head(input, chain->call, true, &head, err);
	if (r == 0)
		(void)add_link(chain, input, 0);
	if (r <= 0)
		return r;
	r = add_links(chain, input, &head, err);
	if (r < 0 || !chain->links[first].manifest.parts_left)
		return r;
	text_done(&chain->links[first].config);
	chain->count = first;
	head.length = 0;
	r = import_input_keep(input, chain->call, err);
	if (r == 0)
		r = import_input_head(input, chain->call, false, &head, err);
	return r < 0 ? r : add_links(chain, input, &head, err);
}

int import_chain_open(struct import_chain *chain, struct error *err)
{
	for (size_t i = 0; i < chain->input_count; i++) {
		struct import_input *input = &chain->inputs[i];
		int r = look(chain, input, err);

		if (r == 0 && chain->input_count > 1 && !chain->links[chain->count - 1].is_export)
			r = fail_plain(err, EINVAL, "it is no archive of sysc-export");
		if (r < 0)
			return fail_in(err, "'%s'", input->file);
	}
	return 0;
}

/* --- whether they belong together --- */

static int check_first(const struct import_link *link, struct error *err)
{
	const struct manifest *manifest = &link->manifest;

	if (!*manifest->since)
		return 0;
	(void)fail_plain(err, EINVAL, "'%s' is an increment to the archive of %s (digest %.*s)",
	                 link->input->file, manifest->since_date, DIGEST_SHOWN, manifest->since);
	return fail_hint(err, "name that first, and this one behind it: --then %s",
	                 link->input->file);
}

/* By the dates, which their manifests begin with; the digests are seen to when they are unpacked. */
static int check_next(const struct import_link *before, const struct import_link *link,
                      struct error *err)
{
	const struct manifest *manifest = &link->manifest;

	if (!*manifest->since) {
		(void)fail_plain(err, EINVAL, "'%s' is no increment: it has all of '%s' of %s",
		                 link->input->file, manifest->name, manifest->date);
		return fail_hint(err, "begin with it");
	}
	if (!text_is(manifest->uuid, before->manifest.uuid) && *before->manifest.uuid)
		return fail_plain(err, EINVAL, "'%s' is of container '%s', '%s' of '%s'",
		                  link->input->file, manifest->name, before->input->file,
		                  before->manifest.name);
	if (text_is(manifest->since_date, before->manifest.date))
		return 0;
	(void)fail_plain(err, EINVAL,
	                 "'%s' of %s is an increment to the archive of %s (digest %.*s), and "
	                 "before it stands '%s' of %s",
	                 link->input->file, manifest->date, manifest->since_date, DIGEST_SHOWN,
	                 manifest->since, before->input->file, before->manifest.date);
	return fail_hint(err, "the archive of %s belongs before it", manifest->since_date);
}

static bool has_snapshot(const struct import_chain *chain, const char *held)
{
	for (size_t i = 0; i < chain->count; i++) {
		const struct manifest *manifest = &chain->links[i].manifest;
		CLEAN_FREE char *word = manifest_held(manifest->snapshot, manifest->created_ms);

		if (manifest->parts_left && text_is(word, held))
			return true;
	}
	return false;
}

/* Whether all snapshots are there that the container has, as the last archive says. */
static int check_held(const struct import_chain *chain, struct error *err)
{
	const struct import_link *last = &chain->links[chain->count - 1];
	CLEAN(strings_done) struct strings held = {0};

	if (!text_is(last->manifest.holds, MANIFEST_HOLDS_NONE))
		strings_split(&held, last->manifest.holds, " ");
	for (size_t i = 0; i < held.count; i++)
		if (!has_snapshot(chain, held.items[i]))
			return fail_plain(err, EINVAL,
			                  "'%s' tells of the snapshot '%s', which none of the "
			                  "archives has",
			                  last->input->file, held.items[i]);
	return 0;
}

int import_chain_check(const struct import_chain *chain, bool is_alone, struct error *err)
{
	bool is_part = chain->input_count == 1 && is_alone && *chain->links[0].manifest.since;
	int r = is_part ? 0 : check_first(&chain->links[0], err);

	for (size_t i = 1; i < chain->count && r == 0; i++)
		r = check_next(&chain->links[i - 1], &chain->links[i], err);
	return r < 0 || is_part ? r : check_held(chain, err);
}

/* --- giving them to sysc-archive --- */

static int run_link(const struct import_chain *chain, struct import_link *link,
                    const struct archiver_run *common, struct error *err)
{
	CLEAN(strings_done) struct strings words = {0};
	struct archiver_run run = *common;
	CLEAN_FD int pipe_fd = -1;
	int r;

	strings_give(&words, must_printf("--part=%llu", (unsigned long long)link->part));
	for (size_t i = 0; i < common->words->count; i++)
		strings_add(&words, common->words->items[i]);
	run.words = &words;
	run.input_fd = link->input->fd;
	if (!link->input->is_file) {
		run.input_fd = pipe_fd = import_input_relay(link->input, NULL, err);
		if (pipe_fd < 0)
			return pipe_fd;
	} else if (lseek(run.input_fd, 0, SEEK_SET) < 0) {
		return fail(err, errno, "read '%s'", link->input->file);
	}
	r = archiver_run(&run, err);
	return r < 0 && chain->input_count > 1 ? fail_in(err, "'%s'", link->input->file) : r;
}

int import_chain_run(struct import_chain *chain, const struct import_run *run, struct error *err)
{
	CLEAN_FD int before = -1;

	for (size_t i = 0; i < chain->count; i++) {
		CLEAN_FD int now = i + 1 < chain->count ? list_open_temporary() : -1;
		struct progress line;
		const struct archiver_run archiver = {
			.call = chain->call,
			.name = run->name,
			.words = run->words,
			.output_fd = -1,
			.manifest_fd = -1,
			.config_fd = -1,
			.base_fd = before,
			.save_fd = now,
			.counts = run->counts ? &run->counts[i] : NULL,
			.signals_fd = run->signals_fd,
			.progress = &line,
		};
		int r;

		archiver_begin_progress(&line, chain->call, run->name, i, chain->count);
		r = run_link(chain, &chain->links[i], &archiver, err);

		if (r == 0 && run->done)
			r = run->done(run->user, &chain->links[i], err);
		if (r < 0)
			return r;
		fd_close(&before);
		before = fd_take(&now);
	}
	return 0;
}
