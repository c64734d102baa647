/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any bytes as a message of init: refused, or a message whose status is one short line without controls. */
#include "replay.h"

#include "monitor/notify.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct notify_message message = {.status = "untouched"};
	/* a copy of exactly that size: what is read beyond it is found by the sanitizer */
	char *bytes = malloc(size ? size : 1);

	if (!bytes)
		abort();
	memcpy(bytes, data, size);
	if (notify_parse(bytes, size, &message) < 0) {
		if (strcmp(message.status, "untouched") != 0)
			abort();
	} else if (strlen(message.status) >= NOTIFY_STATUS_MAX) {
		abort();
	} else {
		for (const char *c = message.status; *c; c++)
			if ((unsigned char)*c < 32 || *c == 127)
				abort();
	}
	free(bytes);
	return 0;
}
