/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SHA-256 (FIPS 180-4) of a file, so that a digest is checked before the first byte is parsed. */
#ifndef SYSC_BASE_SHA256_H
#define SYSC_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

struct error;

struct sha256 {
	uint32_t state[8];
	uint64_t total; /* bytes */
	unsigned char block[64];
};

void sha256_init(struct sha256 *sum);
void sha256_add(struct sha256 *sum, const void *bytes, size_t count);
/* 64 hex digits in lower case and the end. */
void sha256_end(struct sha256 *sum, char out[65]);
/* Of fd from its start to its end; the position is the start again afterwards. */
int sha256_file(int fd, char out[65], struct error *err);

#endif
