/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rewriting ids inside extended attributes; see the header. Called by shift.c only. */
#include "storage/attributes.h"

#include "container/idmap.h"

#include <endian.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <linux/xattr.h>
#include <string.h>
#include <sys/xattr.h>

#define CAPABILITY_NAME "security.capability"

static int read_value(const char *proc_path, const char *name, struct attribute_value *out)
{
	ssize_t n = getxattr(proc_path, name, out->bytes, sizeof(out->bytes));

	out->size = 0;
	if (n < 0)
		return errno == ENODATA || errno == ENOTSUP ? 0 : -errno;
	out->size = (size_t)n;
	return 0;
}

int attribute_read_capability(const char *proc_path, struct attribute_value *out)
{
	return read_value(proc_path, CAPABILITY_NAME, out);
}

int attribute_shift_capability(const char *proc_path, const struct idmap *map,
                               struct attribute_value *value)
{
	struct vfs_ns_cap_data data = {0};
	uint32_t magic, inside = 0;
	int64_t outside;

	if (value->size == 0)
		return 0;
	if (value->size != XATTR_CAPS_SZ_2 && value->size != XATTR_CAPS_SZ_3)
		return -EINVAL;
	memcpy(&data, value->bytes, value->size);
	magic = le32toh(data.magic_etc);
	if (value->size == XATTR_CAPS_SZ_3)
		inside = le32toh(data.rootid);
	outside = idmap_to_host(map, false, inside);
	if (outside < 0)
		return (int)outside;
	/* of root without a user namespace it has no number: version 2, as in any plain tree */
	if (outside == 0) {
		magic = (magic & ~(uint32_t)VFS_CAP_REVISION_MASK) | VFS_CAP_REVISION_2;
		data.magic_etc = htole32(magic);
		return setxattr(proc_path, CAPABILITY_NAME, &data, XATTR_CAPS_SZ_2, 0) < 0 ? -errno
		                                                                           : 0;
	}
	magic = (magic & ~(uint32_t)VFS_CAP_REVISION_MASK) | VFS_CAP_REVISION_3;
	data.magic_etc = htole32(magic);
	data.rootid = htole32((uint32_t)outside);
	if (setxattr(proc_path, CAPABILITY_NAME, &data, XATTR_CAPS_SZ_3, 0) < 0)
		return -errno;
	return 0;
}

int attribute_shift_acl_value(const struct idmap *map, struct attribute_value *value)
{
	struct posix_acl_xattr_header header;
	struct posix_acl_xattr_entry entry;

	if (value->size < sizeof(header) || (value->size - sizeof(header)) % sizeof(entry))
		return -EINVAL;
	memcpy(&header, value->bytes, sizeof(header));
	if (le32toh(header.a_version) != POSIX_ACL_XATTR_VERSION)
		return -EINVAL;
	for (size_t at = sizeof(header); at < value->size; at += sizeof(entry)) {
		int64_t outside;
		uint16_t tag;

		memcpy(&entry, value->bytes + at, sizeof(entry));
		tag = le16toh(entry.e_tag);
		if (tag != ACL_USER && tag != ACL_GROUP) /* owner, group, mask: without an id */
			continue;
		outside = idmap_to_host(map, tag == ACL_GROUP, le32toh(entry.e_id));
		if (outside < 0)
			return (int)outside;
		entry.e_id = htole32((uint32_t)outside);
		memcpy(value->bytes + at, &entry, sizeof(entry));
	}
	return 0;
}

int attribute_shift_acls(const char *proc_path, const struct idmap *map)
{
	static const char *const names[] = {XATTR_NAME_POSIX_ACL_ACCESS,
	                                    XATTR_NAME_POSIX_ACL_DEFAULT};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct attribute_value value;
		int r = read_value(proc_path, names[i], &value);

		if (r == 0 && value.size)
			r = attribute_shift_acl_value(map, &value);
		if (r == 0 && value.size &&
		    setxattr(proc_path, names[i], value.bytes, value.size, 0) < 0)
			r = -errno;
		if (r < 0)
			return r;
	}
	return 0;
}
