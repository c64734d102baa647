/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The last stop or failure of a container in words; see the header. */
#include "tools/ending.h"

#include "base/parse.h"
#include "base/text.h"
#include "container/state.h"
#include "tools/moment.h"

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

void ending_describe_restart(const struct state *state, struct text *out)
{
	char span[MOMENT_ROOM];
	int64_t left = state->restart_at_ms - state_now_ms();

	if (!state->restarts || state->phase == STATE_STOPPED)
		return;
	text_addf(out, "restart %llu", (unsigned long long)state->restarts);
	if (state->restart_limit != UINT64_MAX)
		text_addf(out, " of %llu", (unsigned long long)state->restart_limit);
	if (state->restart_at_ms)
		text_addf(out, " in %s", moment_format_span(left > 0 ? left + 999 : 0, span));
}
