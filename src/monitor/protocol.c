/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One place that decides whether a frame may be looked at. */
#include "monitor/protocol.h"

#include <errno.h>
#include <stddef.h>

int protocol_check(const struct protocol_frame *frame, long size)
{
	if (size < (long)offsetof(struct protocol_frame, bytes))
		return -EBADMSG;
	if (frame->version != PROTOCOL_VERSION || frame->length > PROTOCOL_BYTES_MAX)
		return -EBADMSG;
	if ((unsigned long)size != PROTOCOL_SIZE(frame))
		return -EBADMSG;
	return 0;
}
