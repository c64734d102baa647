/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The cache of compiled seccomp programs; see the header. Called by seccomp.c only. */
#include "security/cache.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "security/seccomp.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#define CACHE_MAGIC     "sysc-seccomp-1\n"
#define CACHE_BYTES_MAX (1024UL * 1024)

/* What a cache file begins with; the key and the program follow. Never leaves this machine. */
struct cache_header {
	char magic[sizeof(CACHE_MAGIC)];
	uint32_t key_size, program_size;
	uint64_t sum; /* of the key and the program */
};

/* FNV-1a over bytes: tells damage, not malice (the folder is root's alone). */
static uint64_t sum_bytes(uint64_t sum, const void *bytes, size_t count)
{
	const unsigned char *at = bytes;

	for (; count; count--)
		sum = (sum ^ *at++) * 0x100000001b3ULL;
	return sum;
}

static uint64_t sum_parts(const char *key, size_t key_size, const void *program, size_t size)
{
	return sum_bytes(sum_bytes(0xcbf29ce484222325ULL, key, key_size), program, size);
}

char *cache_key(const char *policy_text)
{
	const struct scmp_version *version = seccomp_version();
	struct utsname system = {0};

	(void)uname(&system); /* cannot fail with a valid buffer */
	return must_printf("arch %08x libseccomp %u.%u.%u kernel %s %s\n%s", seccomp_arch_native(),
	                   version->major, version->minor, version->micro, system.release,
	                   system.version, policy_text);
}

static char *cache_file(const char *run_dir, const char *key)
{
	return must_printf("%s/.cache/seccomp-%016llx", run_dir, text_hash(key));
}

/* Whether the fd is a plain file that only we can have written. */
static bool is_ours(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
	       (st.st_mode & 077) == 0;
}

/* The program in a file's bytes; NULL when anything is not as it was written. */
static const char *sound_program(const struct text *bytes, const char *key, size_t *out_size)
{
	struct cache_header header;
	const char *found_key, *program;

	if (bytes->length < sizeof(header))
		return NULL;
	memcpy(&header, bytes->data, sizeof(header));
	if (memcmp(header.magic, CACHE_MAGIC, sizeof(header.magic)) != 0 ||
	    bytes->length != sizeof(header) + (size_t)header.key_size + header.program_size ||
	    header.key_size != strlen(key) || header.program_size == 0 ||
	    header.program_size % sizeof(struct sock_filter))
		return NULL;
	found_key = bytes->data + sizeof(header);
	program = found_key + header.key_size;
	if (memcmp(found_key, key, header.key_size) != 0 ||
	    header.sum != sum_parts(key, header.key_size, program, header.program_size))
		return NULL;
	*out_size = header.program_size;
	return program;
}

bool cache_find(const char *run_dir, const char *key, struct seccomp_program *out)
{
	CLEAN_FREE char *file = cache_file(run_dir, key);
	CLEAN_FD int fd = open(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	CLEAN(text_done) struct text bytes = {0};
	const char *program;
	size_t size = 0;

	if (fd < 0 || !is_ours(fd) || file_read_fd(fd, file, CACHE_BYTES_MAX, &bytes, NULL) < 0)
		return false;
	program = sound_program(&bytes, key, &size);
	if (!program)
		return false;
	out->bytes = must_alloc(size);
	out->size = size;
	memcpy(out->bytes, program, size);
	return true;
}

int cache_keep(const char *run_dir, const char *key, const struct seccomp_program *program,
               struct error *err)
{
	CLEAN_FREE char *file = cache_file(run_dir, key);
	CLEAN_FREE char *folder = must_printf("%s/.cache", run_dir);
	CLEAN(text_done) struct text bytes = {0};
	struct cache_header header = {
		.magic = CACHE_MAGIC,
		.key_size = (uint32_t)strlen(key),
		.program_size = (uint32_t)program->size,
		.sum = sum_parts(key, strlen(key), program->bytes, program->size),
	};
	int r = file_make_dirs(folder, 0700, err);

	if (r < 0)
		return r;
	text_add_bytes(&bytes, &header, sizeof(header));
	text_add(&bytes, key);
	text_add_bytes(&bytes, program->bytes, program->size);
	return file_replace_volatile(AT_FDCWD, file, bytes.data, bytes.length, 0600, err);
}
