/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as a system call policy: an error or a policy, never a crash; small ones are compiled too. */
#include "replay.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "security/policy.h"
#include "security/seccomp.h"

#include <linux/filter.h>
#include <stdlib.h>
#include <string.h>

#define COMPILE_BYTES_MAX 2048 /* libseccomp's time grows faster than the text */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEAN(text_done) struct text text = {0};
	CLEAN(policy_done) struct policy policy = {0};
	CLEAN(seccomp_program_done) struct seccomp_program program = {0};
	struct error err = {0};
	int r;

	text_add_bytes(&text, data, size);
	if (strlen(text.data) != size) /* seccomp.c refuses these before */
		return 0;
	r = policy_parse(text.data, "policy", &policy, &err);
	if (r < 0 && (err.code != -r || strncmp(err.text, "policy:", 7) != 0))
		abort();
	if (r < 0 || size > COMPILE_BYTES_MAX)
		return 0;
	r = policy_compile(&policy, "policy", &program, &err);
	if (r == 0 && (program.size == 0 || program.size % sizeof(struct sock_filter)))
		abort();
	return 0;
}
