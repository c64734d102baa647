/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SHA-256 as FIPS 180-4 describes it; see the header. */
#include "base/sha256.h"

#include "base/error.h"
#include "base/file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#ifdef __x86_64__
#include <cpuid.h>
#include <immintrin.h>
#endif

/* FIPS 180-4, 4.2.2: fractional parts of the cube roots of the first 64 primes */
static const uint32_t round_words[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2};

static uint32_t rotate(uint32_t word, unsigned int by)
{
	return word >> by | word << (32 - by);
}

static uint32_t load_word(const unsigned char *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* 6.2.2: one block of 64 bytes into the state */
static void add_block(uint32_t state[8], const unsigned char *block)
{
	uint32_t w[64], v[8];

	for (int t = 0; t < 16; t++)
		w[t] = load_word(block + 4 * t);
	for (int t = 16; t < 64; t++) {
		uint32_t s0 = rotate(w[t - 15], 7) ^ rotate(w[t - 15], 18) ^ w[t - 15] >> 3;
		uint32_t s1 = rotate(w[t - 2], 17) ^ rotate(w[t - 2], 19) ^ w[t - 2] >> 10;

		w[t] = s1 + w[t - 7] + s0 + w[t - 16];
	}
	memcpy(v, state, sizeof(v));
	for (int t = 0; t < 64; t++) {
		uint32_t sum1 = rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25);
		uint32_t choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
		uint32_t sum0 = rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22);
		uint32_t majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
		uint32_t t1 = v[7] + sum1 + choice + round_words[t] + w[t];

		memmove(v + 1, v, 7 * sizeof(v[0]));
		v[4] += t1;
		v[0] = t1 + sum0 + majority;
	}
	for (int i = 0; i < 8; i++)
		state[i] += v[i];
}

#ifdef __x86_64__
/*
 * The same by the SHA instructions of x86 (Intel SDM vol. 2, SHA256RNDS2 and its like), which keep the state as
 * ABEF and CDGH, four rounds for each four words of the schedule.
 */
__attribute__((target("sha,sse4.1,ssse3"))) static void add_blocks_fast(uint32_t state[8],
                                                                        const unsigned char *bytes,
                                                                        size_t blocks)
{
	const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0bLL, 0x0405060700010203LL);
	__m128i low = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state), 0xb1);
	__m128i high = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(state + 4)), 0x1b);
	__m128i abef = _mm_alignr_epi8(low, high, 8), cdgh = _mm_blend_epi16(high, low, 0xf0);

	for (; blocks; blocks--, bytes += 64) {
		const __m128i abef_before = abef, cdgh_before = cdgh;
		__m128i w[4];

/* the words in registers: in memory, each would wait for the one before to be stored */
#pragma GCC unroll 16
		for (int i = 0; i < 16; i++) {
			__m128i words;

			if (i < 4) {
				words = _mm_shuffle_epi8(
					_mm_loadu_si128((const __m128i *)(bytes + 16 * i)), swap);
			} else {
				__m128i last = w[(i + 3) % 4];

				words = _mm_sha256msg1_epu32(w[i % 4], w[(i + 1) % 4]);
				words = _mm_add_epi32(words,
				                      _mm_alignr_epi8(last, w[(i + 2) % 4], 4));
				words = _mm_sha256msg2_epu32(words, last);
			}
			w[i % 4] = words;
			words = _mm_add_epi32(
				words, _mm_loadu_si128((const __m128i *)(round_words + 4 * i)));
			cdgh = _mm_sha256rnds2_epu32(cdgh, abef, words);
			abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(words, 0x0e));
		}
		abef = _mm_add_epi32(abef, abef_before);
		cdgh = _mm_add_epi32(cdgh, cdgh_before);
	}
	low = _mm_shuffle_epi32(abef, 0x1b);
	high = _mm_shuffle_epi32(cdgh, 0xb1);
	_mm_storeu_si128((__m128i *)state, _mm_blend_epi16(low, high, 0xf0));
	_mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(high, low, 8));
}

/* CPUID leaf 7, EBX bit 29, and SSE4.1. Asked once: it is slow in a virtual machine. */
static bool has_fast(void)
{
	static int known = -1;
	unsigned int a = 0, b = 0, c = 0, d = 0;

	if (known < 0)
		known = __builtin_cpu_supports("sse4.1") && __builtin_cpu_supports("ssse3") &&
		        __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & 1U << 29);
	return known;
}
#endif

static void add_blocks(uint32_t state[8], const unsigned char *bytes, size_t blocks)
{
#ifdef __x86_64__
	if (has_fast()) {
		add_blocks_fast(state, bytes, blocks);
		return;
	}
#endif
	for (; blocks; blocks--, bytes += 64)
		add_block(state, bytes);
}

void sha256_init(struct sha256 *sum)
{
	/* 5.3.3: fractional parts of the square roots of the first 8 primes */
	static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
	                                  0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

	memset(sum, 0, sizeof(*sum));
	memcpy(sum->state, start, sizeof(start));
}

void sha256_add(struct sha256 *sum, const void *bytes, size_t count)
{
	const unsigned char *at = bytes;
	size_t used = sum->total % 64;

	sum->total += count;
	if (used) {
		size_t part = count < 64 - used ? count : 64 - used;

		memcpy(sum->block + used, at, part);
		at += part;
		count -= part;
		if (used + part < 64)
			return;
		add_blocks(sum->state, sum->block, 1);
	}
	add_blocks(sum->state, at, count / 64);
	memcpy(sum->block, at + count / 64 * 64, count % 64);
}

void sha256_end(struct sha256 *sum, char out[65])
{
	uint64_t bits = sum->total * 8;
	unsigned char tail[72] = {0x80};
	size_t used = sum->total % 64, zeros = (used < 56 ? 56 : 120) - used;

	for (int i = 0; i < 8; i++)
		tail[zeros + (size_t)i] = (unsigned char)(bits >> (56 - 8 * i));
	sha256_add(sum, tail, zeros + 8);
	for (size_t i = 0; i < 8; i++)
		(void)snprintf(out + 8 * i, 9, "%08x", sum->state[i]);
}

int sha256_file(int fd, char out[65], struct error *err)
{
	unsigned char buffer[65536];
	struct sha256 sum;
	ssize_t n;

	sha256_init(&sum);
	if (lseek(fd, 0, SEEK_SET) < 0)
		return fail(err, errno, "read it twice");
	while ((n = file_read_some(fd, buffer, sizeof(buffer))) > 0)
		sha256_add(&sum, buffer, (size_t)n);
	if (n < 0)
		return fail(err, errno, "read it");
	sha256_end(&sum, out);
	return lseek(fd, 0, SEEK_SET) < 0 ? fail(err, errno, "read it twice") : 0;
}
