/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a template prints, on its way to our standard error. Programs of a guest may have written it: it moves no cursor.
 * Records of progress (base/progress.h) become a line, and so does what is written over by carriage returns.
 */
#ifndef SYSC_TOOLS_CREATE_OUTPUT_H
#define SYSC_TOOLS_CREATE_OUTPUT_H

#include "base/progress.h"
#include "base/text.h"

#include <stdbool.h>

struct call;

struct template_output {
	struct progress line;
	struct text now;   /* a line, until it ends */
	struct text last;  /* the last message */
	bool is_rewritten; /* it is one of progress: it goes when it ends */
};

/* name: in front of the line of progress. Pair: template_output_done(). */
void template_output_init(struct template_output *output, const struct call *call,
                          const char *name);
void template_output_done(struct template_output *output);
/* Some more of it. */
void template_output_add(struct template_output *output, const char *bytes, size_t count);
/* No more will come: what is not shown yet is, and the line of progress goes. */
void template_output_end(struct template_output *output);
/* The last message, "" when there was none. */
const char *template_output_last(const struct template_output *output);

#endif
