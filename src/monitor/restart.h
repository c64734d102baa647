/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * [boot] restart: what an end of the container means, whether it is started again, and when. Arithmetic and
 * words only; monitor.c does it.
 */
#ifndef SYSC_MONITOR_RESTART_H
#define SYSC_MONITOR_RESTART_H

#include <stdbool.h>
#include <stdint.h>

struct config;
struct state;

#define RESTART_DELAY_MOST_MS 300000 /* doubling ends here */
#define RESTART_STEADY_MS     600000 /* who ran for so long begins to count anew */
#define RESTART_TEXT_MAX      128    /* of the text of a policy */

/* As in force; may change while the container runs. */
struct restart_policy {
	uint64_t restart; /* enum boot_restart */
	uint64_t delay_ms;
	uint64_t limit; /* UINT64_MAX: none */
};

enum restart_reason {
	RESTART_UNKNOWN, /* nobody saw how init ended */
	RESTART_ASKED,   /* somebody on the host wanted the end */
	RESTART_POWEROFF,
	RESTART_REBOOT,
	RESTART_EXITED, /* init ended with an exit code */
	RESTART_KILLED,
	RESTART_OOM,
	RESTART_UNHEALTHY,
};

/* As the configuration says it. */
struct restart_policy restart_policy_of(const struct config *config);

/* Word of the state file and of JSON; "" for RESTART_UNKNOWN. */
const char *restart_reason_name(enum restart_reason reason);

/*
 * Why it ended. status: the wait status of init (-1 unknown); reboot(2) in a pid namespace ends init by
 * SIGHUP (restart) or SIGINT (halt, poweroff), pid_namespaces(7). asked: somebody on the host wanted it;
 * is_unhealthy: health checks wanted it; oom_kills: UINT64_MAX unknown.
 */
enum restart_reason restart_reason_of(int status, bool asked, bool is_unhealthy,
                                      uint64_t oom_kills);

/* Whether a container that ended so is to be started again, as far as the limit allows. */
bool restart_is_wanted(const struct restart_policy *policy, enum restart_reason reason, int status);
/* Wait before the nth start again (from 0): delay, doubled each time, up to RESTART_DELAY_MOST_MS (or
 * delay, when that is longer). */
int64_t restart_delay(const struct restart_policy *policy, uint64_t n);

/* The policy as text for a request, and back; -EBADMSG for anything else. */
void restart_format(const struct restart_policy *policy, char out[RESTART_TEXT_MAX]);
int restart_parse(const char *text, uint64_t length, struct restart_policy *out);

/*
 * Decides over what ended just now: writes stop_reason, stop_decision and, when it is started again, restarts,
 * restart_limit and restart_at_ms into state; failure, when the limit is reached. started_ms and stopped_ms of
 * state tell how long it ran. True: start it again at restart_at_ms.
 */
bool restart_decide(const struct restart_policy *policy, enum restart_reason reason,
                    struct state *state);

/* The container rebooted by itself: nothing is counted. */
void restart_note_reboot(struct state *state);
/* A start failed with cause: counted as an end. As restart_decide(), and failure is kept. */
bool restart_decide_failed(const struct restart_policy *policy, const char *cause,
                           struct state *state);

#endif
