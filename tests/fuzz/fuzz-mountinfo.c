/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The parser of mountinfo: whatever the text, the hierarchies that are found are within their bounds
 * and usable, and a refusal has a reason. The input is the file as it is.
 */
#include "base/cleanup.h"
#include "base/error.h"
#include "cgroup/cgroup.h"
#include "replay.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEAN_FD int fd = memfd_create("mountinfo", MFD_CLOEXEC);
	struct cgroup_host host;
	struct error err = {0};
	char path[64];

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		return 0;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (cgroup_detect(&host, path, &err) < 0) {
		assert(err.code > 0 && *err.text);
		return 0;
	}
	assert(host.count > 0 && host.count <= CGROUP_HIERARCHIES_MAX);
	assert(host.v2 < (int)host.count && (host.v2 >= 0) == (host.layout != CGROUP_V1));
	assert(host.v2 < 0 || host.hierarchies[host.v2].is_v2);
	for (unsigned int i = 0; i < host.count; i++) {
		const struct cgroup_hierarchy *hierarchy = &host.hierarchies[i];

		assert(memchr(hierarchy->mount, '\0', sizeof(hierarchy->mount)));
		assert(memchr(hierarchy->controllers, '\0', sizeof(hierarchy->controllers)));
	}
	return 0;
}
