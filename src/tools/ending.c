/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The last stop or failure of a container in words; see the header. */
#include "tools/ending.h"

#include "base/parse.h"
#include "base/text.h"
#include "container/state.h"

#include <sys/wait.h>

void ending_describe(const struct state *state, struct text *out)
{
	const char *comma = "";
	char name[24];

	if (state->failure[0] && state->failed_ms >= state->stopped_ms) {
		text_addf(out, "failed: %s", state->failure);
		return;
	}
	if (state->stop_who[0]) {
		text_addf(out, "by %s", state->stop_who);
		comma = ", ";
	}
	if (state->stop_status >= 0 && WIFSIGNALED(state->stop_status)) {
		format_signal(WTERMSIG(state->stop_status), name);
		text_addf(out, "%skilled by %s", comma, name);
	} else if (state->stop_status >= 0 && WIFEXITED(state->stop_status)) {
		text_addf(out, "%sexit code %d", comma, WEXITSTATUS(state->stop_status));
	}
}
