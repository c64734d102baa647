/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Archives that belong together; see the header. */
#include "tools/import_chain.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "container/container.h"
#include "storage/manifest_list.h"
#include "tools/archiver.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define DIGEST_SHOWN 12 /* digits of a digest that tell it from others */

void import_chain_init(struct import_chain *chain, const struct call *call, const char *first,
                       const struct strings *then)
{
	size_t count = 1 + then->count;

	chain->call = call;
	chain->links = must_alloc(count * sizeof(*chain->links));
	chain->count = count;
	for (size_t i = 0; i < count; i++)
		import_input_init(&chain->links[i].input, i ? then->items[i - 1] : first);
}

void import_chain_done(struct import_chain *chain)
{
	for (size_t i = 0; i < chain->count; i++) {
		import_input_done(&chain->links[i].input);
		text_done(&chain->links[i].config);
	}
	free(chain->links);
}

/* --- what they say of themselves --- */

/* "MANIFEST\n\nCONFIG" */
static int split_head(struct import_link *link, const struct text *head, struct error *err)
{
	const char *gap = head->data ? strstr(head->data, "\n\n") : NULL;
	size_t length = gap ? (size_t)(gap + 1 - head->data) : 0;

	if (!gap)
		return fail_plain(err, EIO, "sysc-archive gave no manifest");
	text_add_bytes(&link->config, gap + 2, head->length - length - 1);
	if (manifest_parse(&link->manifest, head->data, length, err) < 0)
		return -err->code;
	return container_check_name(link->manifest.name, err);
}

static int look(struct import_link *link, const struct call *call, struct error *err)
{
	CLEAN(text_done) struct text head = {0};
	int r = import_input_open(&link->input, err);

	if (r == 0)
		r = import_input_head(&link->input, call, &head, err);
	if (r <= 0)
		return r;
	link->is_export = true;
	return split_head(link, &head, err);
}

int import_chain_open(struct import_chain *chain, struct error *err)
{
	for (size_t i = 0; i < chain->count; i++) {
		struct import_link *link = &chain->links[i];
		int r = look(link, chain->call, err);

		if (r == 0 && !link->is_export && chain->count > 1)
			r = fail_plain(err, EINVAL, "it is no archive of sysc-export");
		if (r < 0)
			return fail_in(err, "'%s'", link->input.file);
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
	                 link->input.file, manifest->since_date, DIGEST_SHOWN, manifest->since);
	return fail_hint(err, "name that first, and this one behind it: --then %s",
	                 link->input.file);
}

/* By the dates, which their manifests begin with; the digests are seen to when they are unpacked. */
static int check_next(const struct import_link *before, const struct import_link *link,
                      struct error *err)
{
	const struct manifest *manifest = &link->manifest;

	if (!*manifest->since) {
		(void)fail_plain(err, EINVAL, "'%s' is no increment: it has all of '%s' of %s",
		                 link->input.file, manifest->name, manifest->date);
		return fail_hint(err, "begin with it");
	}
	if (!text_is(manifest->uuid, before->manifest.uuid) && *before->manifest.uuid)
		return fail_plain(err, EINVAL, "'%s' is of container '%s', '%s' of '%s'",
		                  link->input.file, manifest->name, before->input.file,
		                  before->manifest.name);
	if (text_is(manifest->since_date, before->manifest.date))
		return 0;
	(void)fail_plain(err, EINVAL,
	                 "'%s' of %s is an increment to the archive of %s (digest %.*s), and "
	                 "before it stands '%s' of %s",
	                 link->input.file, manifest->date, manifest->since_date, DIGEST_SHOWN,
	                 manifest->since, before->input.file, before->manifest.date);
	return fail_hint(err, "the archive of %s belongs before it", manifest->since_date);
}

int import_chain_check(const struct import_chain *chain, bool is_alone, struct error *err)
{
	int r = chain->count == 1 && is_alone ? 0 : check_first(&chain->links[0], err);

	for (size_t i = 1; i < chain->count && r == 0; i++)
		r = check_next(&chain->links[i - 1], &chain->links[i], err);
	return r;
}

/* --- giving them to sysc-archive --- */

static int run_link(struct import_chain *chain, struct import_link *link,
                    const struct archiver_run *common, struct error *err)
{
	struct archiver_run run = *common;
	CLEAN_FD int pipe_fd = -1;
	int r;

	run.input_fd = link->input.fd;
	if (!link->input.is_file) {
		run.input_fd = pipe_fd = import_input_relay(&link->input, NULL, err);
		if (pipe_fd < 0)
			return pipe_fd;
	}
	r = archiver_run(&run, err);
	return r < 0 && chain->count > 1 ? fail_in(err, "'%s'", link->input.file) : r;
}

int import_chain_run(struct import_chain *chain, const char *name, const struct strings *words,
                     int signals_fd, struct archiver_counts *counts, struct error *err)
{
	CLEAN_FD int before = -1;

	for (size_t i = 0; i < chain->count; i++) {
		CLEAN_FD int now = i + 1 < chain->count ? list_open_temporary() : -1;
		const struct archiver_run run = {
			.call = chain->call,
			.name = name,
			.words = words,
			.output_fd = -1,
			.manifest_fd = -1,
			.config_fd = -1,
			.base_fd = before,
			.save_fd = now,
			.counts = counts ? &counts[i] : NULL,
			.signals_fd = signals_fd,
		};
		int r = run_link(chain, &chain->links[i], &run, err);

		if (r < 0)
			return r;
		fd_close(&before);
		before = fd_take(&now);
	}
	return 0;
}
