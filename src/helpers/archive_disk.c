/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing the tree that is unpacked; see the header. */
#include "helpers/archive_disk.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "helpers/archive_apply.h"
#include "helpers/archive_work.h"

#include <archive.h>
#include <archive_entry.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* What comes on the belt. */
enum {
	ITEM_BEGIN,
	ITEM_BYTES,
	ITEM_FINISH,
	ITEM_REWRITE,
	ITEM_REMOVE
};

/* A file system without ACLs or xattrs is no reason to refuse; all else that was not done is. */
static int judge(struct disk *disk, int result, struct error *err)
{
	if (result == ARCHIVE_OK)
		return 0;
	if (result != ARCHIVE_WARN || archive_errno(disk->writer) != ENOTSUP)
		return work_fail(disk->writer, err);
	disk->has_no_attributes = true;
	return 0;
}

static int begin(struct disk *disk, struct archive_entry *entry, struct error *err)
{
	mode_t type = archive_entry_hardlink(entry) ? S_IFREG : archive_entry_filetype(entry);
	int r = disk->is_over ? apply_make_way(disk->current, type, err) : 0;

	if (text_is(disk->current, ".")) {
		archive_entry_free(disk->root);
		disk->root = archive_entry_clone(entry);
	}
	return r < 0 ? r : judge(disk, archive_write_header(disk->writer, entry), err);
}

/* The file is made anew, since others may be names of the one that was. */
static int rewrite(struct disk *disk, struct archive_entry *entry, struct error *err)
{
	CLEAN_FD int fd = open(disk->current, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return fail(err, errno, "open what it was");
	if (!S_ISREG(st.st_mode))
		return fail_plain(err, EBADMSG, "it was no file before");
	archive_entry_set_size(entry, st.st_size);
	r = judge(disk, archive_write_header(disk->writer, entry), err);
	if (r == 0)
		r = apply_copy(disk->writer, fd, err);
	return r < 0 ? r : judge(disk, archive_write_finish_entry(disk->writer), err);
}

static int do_item(struct disk *disk, const struct belt_item *item, struct error *err)
{
	switch (item->kind) {
	case ITEM_BEGIN:
		return begin(disk, item->entry, err);
	case ITEM_FINISH:
		return judge(disk, archive_write_finish_entry(disk->writer), err);
	case ITEM_REWRITE:
		return rewrite(disk, item->entry, err);
	case ITEM_REMOVE:
		return apply_remove(disk->current, err);
	default:
		return archive_write_data_block(disk->writer, item->bytes, item->count,
		                                (la_int64_t)item->offset) < ARCHIVE_OK
		               ? work_fail(disk->writer, err)
		               : 0;
	}
}

static int write_item(struct disk *disk, const struct belt_item *item, struct error *err)
{
	const char *name = item->entry                 ? archive_entry_pathname(item->entry)
	                   : item->kind == ITEM_REMOVE ? item->bytes
	                                               : NULL;
	char shown[512];
	int r;

	if (name)
		(void)snprintf(disk->current, sizeof(disk->current), "%s", name);
	r = do_item(disk, item, err);
	if (r == 0)
		return 0;
	archive_escape(disk->current, shown, sizeof(shown));
	return fail_in(err, "entry '%s'", shown);
}

/* The second thread. */
static int write_items(void *user, struct error *err)
{
	struct disk *disk = user;
	const struct belt_item *item;
	int r = 0;

	while (r == 0 && (item = belt_next(&disk->belt, err)))
		r = write_item(disk, item, err);
	return r;
}

int disk_open(struct disk *disk, bool keep_ids, bool is_over, struct error *err)
{
	/*
	 * Symlinks need no look of libarchive's at each folder of each path: the rules refuse a path through
	 * one, and the kernel does (MOUNT_ATTR_NOSYMFOLLOW, confine.c).
	 */
	int flags = ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_ACL |
	            ARCHIVE_EXTRACT_XATTR | ARCHIVE_EXTRACT_SECURE_NODOTDOT |
	            ARCHIVE_EXTRACT_SECURE_NOABSOLUTEPATHS;

	if (keep_ids)
		flags |= ARCHIVE_EXTRACT_OWNER;
	disk->keep_ids = keep_ids;
	disk->is_over = is_over;
	disk->writer = archive_write_disk_new();
	if (!disk->writer || archive_write_disk_set_options(disk->writer, flags) != ARCHIVE_OK)
		return fail(err, ENOMEM, "start writing");
	return belt_start(&disk->belt, false, write_items, disk, err);
}

static struct belt_item *take_item(struct disk *disk, unsigned int kind, size_t most,
                                   struct error *err)
{
	struct belt_item *item = belt_take(&disk->belt, most, err);

	if (item)
		item->kind = kind;
	else
		disk->failed = true;
	return item;
}

static int give_entry(struct disk *disk, unsigned int kind, struct archive_entry *entry,
                      struct error *err)
{
	struct belt_item *item = take_item(disk, kind, 0, err);

	if (!item)
		return -err->code;
	item->entry = archive_entry_clone(entry);
	if (!item->entry)
		return fail(err, ENOMEM, "start an entry");
	belt_give(&disk->belt, item);
	return 0;
}

int disk_begin(struct disk *disk, struct archive_entry *entry, struct error *err)
{
	return give_entry(disk, ITEM_BEGIN, entry, err);
}

int disk_rewrite(struct disk *disk, struct archive_entry *entry, struct error *err)
{
	return give_entry(disk, ITEM_REWRITE, entry, err);
}

int disk_remove(struct disk *disk, const char *path, struct error *err)
{
	size_t count = strlen(path) + 1;
	struct belt_item *item = take_item(disk, ITEM_REMOVE, count, err);

	if (!item)
		return -err->code;
	memcpy(item->bytes, path, count);
	item->count = (uint32_t)count;
	belt_give(&disk->belt, item);
	return 0;
}

int disk_write(struct disk *disk, uint64_t offset, const void *bytes, size_t count,
               struct error *err)
{
	const char *from = bytes;

	while (count) {
		size_t part = count < BELT_MOST ? count : BELT_MOST;
		struct belt_item *item = take_item(disk, ITEM_BYTES, part, err);

		if (!item)
			return -err->code;
		memcpy(item->bytes, from, part);
		item->count = (uint32_t)part;
		item->offset = offset;
		belt_give(&disk->belt, item);
		from += part;
		offset += part;
		count -= part;
	}
	return 0;
}

int disk_finish(struct disk *disk, struct error *err)
{
	struct belt_item *item = take_item(disk, ITEM_FINISH, 0, err);

	if (!item)
		return -err->code;
	belt_give(&disk->belt, item);
	return 0;
}

void disk_flush(struct disk *disk)
{
	belt_flush(&disk->belt);
}

/* An ACL of the root in the form of acl(5) and the kernel's posix_acl_xattr.h: little-endian. */
static int set_root_acl(struct archive_entry *root, int type, const char *attribute,
                        struct error *err)
{
	static const int tags[][2] = {
		{ARCHIVE_ENTRY_ACL_USER_OBJ,  0x01},
                {ARCHIVE_ENTRY_ACL_USER,      0x02},
		{ARCHIVE_ENTRY_ACL_GROUP_OBJ, 0x04},
                {ARCHIVE_ENTRY_ACL_GROUP,     0x08},
		{ARCHIVE_ENTRY_ACL_MASK,      0x10},
                {ARCHIVE_ENTRY_ACL_OTHER,     0x20},
	};
	CLEAN(text_done) struct text value = {0};
	int kind, rights, tag, id;
	const char *name;

	if (archive_entry_acl_reset(root, type) == 0)
		return 0;
	text_add_bytes(&value, "\2\0\0\0", 4);          /* the version */
	for (size_t i = 0; i < ARRAY_SIZE(tags); i++) { /* the kernel wants this order */
		(void)archive_entry_acl_reset(root, type);
		while (archive_entry_acl_next(root, type, &kind, &rights, &tag, &id, &name) ==
		       ARCHIVE_OK) {
			bool has_id =
				tag == ARCHIVE_ENTRY_ACL_USER || tag == ARCHIVE_ENTRY_ACL_GROUP;
			uint16_t words[2] = {htole16((uint16_t)tags[i][1]),
			                     htole16((uint16_t)(rights & 7))};
			uint32_t number = htole32(has_id ? (uint32_t)id : UINT32_MAX);

			if (tag != tags[i][0])
				continue;
			text_add_bytes(&value, (const char *)words, sizeof(words));
			text_add_bytes(&value, (const char *)&number, sizeof(number));
		}
	}
	if (setxattr("/", attribute, value.data, value.length, 0) < 0 && errno != EOPNOTSUPP)
		return fail(err, errno, "set the ACL of the root");
	return 0;
}

/*
 * The root itself, which libarchive takes for a folder that is none of its business. Mode before ACL, which
 * chmod(2) changes; the time last: all that came into it has changed that.
 */
static int finish_root(const struct disk *disk, struct error *err)
{
	const struct stat *st = disk->root ? archive_entry_stat(disk->root) : NULL;
	struct timespec times[] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_OMIT}};
	int r = 0;

	if (!st)
		return 0;
	times[1] = st->st_mtim;
	if (disk->keep_ids && chown("/", st->st_uid, st->st_gid) < 0)
		return fail(err, errno, "change the owner of the root");
	if (chmod("/", st->st_mode & 07777) < 0)
		return fail(err, errno, "set the mode of the root");
	r = set_root_acl(disk->root, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, "system.posix_acl_access", err);
	if (r == 0)
		r = set_root_acl(disk->root, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT,
		                 "system.posix_acl_default", err);
	if (r == 0 && utimensat(AT_FDCWD, "/", times, 0) < 0)
		r = fail(err, errno, "set the time of the root");
	return r;
}

int disk_close(struct disk *disk, bool is_good, struct error *err)
{
	int r = belt_end(&disk->belt, is_good, err);

	if (!disk->writer)
		return r;
	if (is_good && r == 0)
		r = judge(disk, archive_write_close(disk->writer), err);
	if (is_good && r == 0)
		r = finish_root(disk, err);
	archive_write_free(disk->writer);
	archive_entry_free(disk->root);
	disk->writer = NULL;
	disk->root = NULL;
	return r;
}
