/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines of a template, sorted into messages and progress; see the header. */
#include "tools/create_output.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "tools/command.h"
#include "tools/harmless.h"

#include <string.h>
#include <unistd.h>

#define LINE_MOST 65536 /* bytes: a longer one is shown in pieces */

void template_output_init(struct template_output *output, const struct call *call, const char *name)
{
	*output = (struct template_output){.is_rewritten = false};
	progress_begin(&output->line, output_progress_fd(call), name);
	output->line.at_end = "finishing";
}

void template_output_done(struct template_output *output)
{
	text_done(&output->now);
	text_done(&output->last);
}

const char *template_output_last(const struct template_output *output)
{
	return output->last.data ? output->last.data : "";
}

/* The error repeats it: nothing but one line. */
static void keep_last(struct template_output *output, const struct text *shown)
{
	text_done(&output->last);
	text_add_bytes(&output->last, shown->data, shown->length);
	for (char *c = output->last.data; *c; c++)
		if (*c == '\t' || *c == '\n')
			*c = ' ';
}

static void end_line(struct template_output *output)
{
	CLEAN(text_done) struct text shown = {0};
	struct harmless harmless = {.need = 0};
	struct progress_amount amount;

	if (output->now.length && progress_take(output->now.data, &amount)) {
		progress_show(&output->line, &amount);
		text_drop(&output->now, output->now.length);
		return;
	}
	harmless_add(&harmless, output->now.data, output->now.length, &shown);
	text_drop(&output->now, output->now.length);
	progress_clear(&output->line);
	if (shown.length) { /* curl(1) ends a bar that it did not draw */
		keep_last(output, &shown);
		text_add(&shown, "\n");
		if (!output->is_rewritten) /* only messages */
			(void)file_write_all(STDERR_FILENO, shown.data, shown.length);
	}
	output->is_rewritten = false;
}

/* "#####      12.3%": its last word. */
static void rewrite_line(struct template_output *output)
{
	const char *line = output->now.data, *word = line ? strrchr(line, ' ') : NULL;

	if (output->now.length)
		progress_say(&output->line, word && word[1] ? word + 1 : line);
	text_drop(&output->now, output->now.length);
	output->is_rewritten = true;
}

void template_output_add(struct template_output *output, const char *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct text *now = &output->now;
		bool is_returned = now->length && now->data[now->length - 1] == '\r';

		if (is_returned)
			now->data[--now->length] = '\0';
		if (bytes[i] == '\n') {
			end_line(output);
			continue;
		}
		if (is_returned)
			rewrite_line(output);
		/* a record and a message have no NUL */
		text_add_bytes(now, bytes[i] ? &bytes[i] : "?", 1);
		if (now->length == LINE_MOST)
			end_line(output);
	}
}

void template_output_end(struct template_output *output)
{
	if (output->now.length)
		end_line(output);
	progress_clear(&output->line);
}
