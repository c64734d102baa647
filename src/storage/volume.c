/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Programs of volume managers; see the header. */
#include "storage/volume.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/process.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

#define LIMIT_MS  300000
#define SAYS_MOST 65536

int volume_need(const char *program, const char *package, struct error *err)
{
	CLEAN_FREE char *path = process_find(program);

	if (path)
		return 0;
	(void)fail_plain(err, EOPNOTSUPP, "the program %s is not installed", program);
	return fail_hint(err, "install %s, or use another backend", package);
}

int volume_run(struct text *out, struct error *err, const char *program, ...)
{
	CLEAN(strings_done) struct strings argv = {0};
	CLEAN(text_done) struct text says = {0};
	struct process_options options = {
		.input_fd = -1,
		.output_fd = -1,
		.error_fd = -1,
		.output = &says,
		.output_most = SAYS_MOST,
		.timeout_ms = LIMIT_MS,
	};
	const char *word;
	va_list words;
	int r;

	strings_add(&argv, program);
	va_start(words, program);
	while ((word = va_arg(words, const char *)))
		strings_add(&argv, word);
	va_end(words);
	options.argv = argv.items;
	r = process_run(&options, err);
	if (r < 0)
		return r;
	if (r > 0) {
		(void)fail_plain(err, EIO, "%s %s failed with code %d", program,
		                 argv.count > 1 ? argv.items[1] : "", r);
		return says.length ? fail_hint(err, "%s", text_trim(says.data)) : -EIO;
	}
	if (out)
		text_add(out, says.data ? says.data : "");
	return 0;
}
