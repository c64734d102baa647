/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Text to values: the only place where numbers, sizes and times are parsed. The whole string must
 * fit, no locale is looked at, nothing is written to *out on failure. Each returns 0, -EINVAL (not
 * of the form) or -ERANGE (of the form, but out of range).
 */
#ifndef SYSC_BASE_PARSE_H
#define SYSC_BASE_PARSE_H

#include <stdbool.h>
#include <stdint.h>

/* Decimal, least <= value <= most. */
int parse_int(const char *text, int64_t least, int64_t most, int64_t *out);
int parse_uint(const char *text, uint64_t most, uint64_t *out);
/* Decimal, or hexadecimal behind "0x". */
int parse_number(const char *text, uint64_t most, uint64_t *out);
/* Octal, as in file modes: "0755", "755". */
int parse_mode(const char *text, unsigned int *out);
/* yes no true false on off 1 0. */
int parse_bool(const char *text, bool *out);
/* Bytes: "4096", "512K", "512M", "1.5G", "2T" (powers of 1024; KiB, KB spellings too). */
int parse_size(const char *text, uint64_t *out_bytes);
/* Milliseconds: "500ms", "30s", "30" (seconds), "5min", "5m", "2h", "1d", "1.5s". */
int parse_duration(const char *text, int64_t *out_ms);
/* A decimal number: "1.5" is 1500, "0.00" is 0. */
int parse_thousandths(const char *text, uint64_t *out);
/* Thousandths of a cpu: "1.5" is 1500; at least 0.001. */
int parse_cpus(const char *text, uint32_t *out_millicpus);
/* Signal number from "SIGTERM", "TERM", "15", "SIGRTMIN+3". */
int parse_signal(const char *text, int *out);

/* "1.5G", "512M", "4096": rounded down to two decimals. out holds 24 bytes. */
void format_size(uint64_t bytes, char out[24]);
/* "SIGTERM", "SIGRTMIN+3"; "signal 77" where there is no name. out holds 24 bytes. */
void format_signal(int signal, char out[24]);

#endif
