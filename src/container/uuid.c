/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random names; see the header. */
#include "container/uuid.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <uuid/uuid.h>

void uuid_make(char out[37])
{
	uuid_t id;

	uuid_generate_random(id);
	uuid_unparse_lower(id, out);
}

int uuid_read(const char *text, unsigned char out[16])
{
	uuid_t id;

	if (uuid_parse(text, id) < 0)
		return -EINVAL;
	memcpy(out, id, sizeof(id));
	return 0;
}

void uuid_fill_mac(char *mac)
{
	static const char digits[] = "0123456789abcdef";
	/* second digit of the first byte: unicast and locally administered */
	static const char local[] = "26ae";

	for (size_t i = 0; mac[i]; i++) {
		unsigned char random = 0;

		if (mac[i] != 'x' && mac[i] != 'X')
			continue;
		if (getrandom(&random, 1, 0) != 1)
			abort(); /* a byte is never short once the pool is ready */
		mac[i] = i == 1 ? local[random % 4] : digits[random % 16];
	}
}
