/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The backend "overlay": folders that nobody changes any more, and one of the container's own on top,
 * with what it wrote. Always mounted with userxattr, the one form that a user namespace may mount
 * (Documentation/filesystems/overlayfs.rst), so that what one mount wrote another one reads.
 */
#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/file.h"
#include "container/paths.h"
#include "storage/backend.h"
#include "storage/copy.h"
#include "storage/copy_file.h"
#include "storage/own.h"
#include "storage/quota.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define LAYERS_MAX 128 /* the kernel takes 500 */

static const char *folder_of(const struct storage *storage)
{
	return storage->parts.items[storage->parts.count - 1];
}

/* --- mounting: no heap, since the child of a start does it too --- */

static int set_by_name(int fs, const char *key, int fd)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return sys_fsconfig(fs, FSCONFIG_SET_STRING, key, path, 0) < 0 ? -errno : 0;
}

/* By fd where the kernel takes one (6.13), else by its name in /proc. */
static int set_layer(int fs, const char *key, int fd)
{
	return sys_fsconfig(fs, FSCONFIG_SET_FD, key, NULL, fd) == 0 ? 0 : set_by_name(fs, key, fd);
}

/* In one string, which has 255 bytes: the only form before Linux 6.7. -E2BIG. */
static int set_lowers_at_once(int fs, const int *lowers, unsigned int count)
{
	char paths[256];
	size_t used = 0;

	for (unsigned int i = 0; i < count; i++) {
		int n = snprintf(paths + used, sizeof(paths) - used, "%s/proc/self/fd/%d",
		                 i ? ":" : "", lowers[i]);

		if (n < 0 || (size_t)n >= sizeof(paths) - used)
			return -E2BIG;
		used += (size_t)n;
	}
	return sys_fsconfig(fs, FSCONFIG_SET_STRING, "lowerdir", paths, 0) < 0 ? -errno : 0;
}

static int set_lowers(int fs, const int *lowers, unsigned int count)
{
	unsigned int done = 0;
	int r;

	while (done < count &&
	       sys_fsconfig(fs, FSCONFIG_SET_FD, "lowerdir+", NULL, lowers[done]) == 0)
		done++;
	if (done)
		return done == count ? 0 : -errno;
	r = set_lowers_at_once(fs, lowers, count);
	/* an older kernel takes any key, and complains when all is put together */
	for (; r == -E2BIG && done < count; done++) {
		int failed = set_by_name(fs, "lowerdir+", lowers[done]);

		if (failed < 0)
			return failed;
	}
	return r == -E2BIG ? 0 : r;
}

enum mount_form {
	FORM_OWN,   /* of ours: what is hidden is noted in user.overlay.* */
	FORM_PLAIN, /* in trusted.overlay.*: of another program's that had no user namespace */
};

/* folder: holds upper/ and work/; -1: a read-only look at the lowers. */
static int mount_layers(enum mount_form form, const int *lowers, unsigned int count, int folder,
                        unsigned int attributes, struct error *err)
{
	CLEAN_FD int fs = sys_fsopen("overlay", FSOPEN_CLOEXEC), upper = -1, work = -1;
	int r, fd;

	if (fs < 0)
		return fail(err, errno, "mount the overlay: open file system type 'overlay'");
	if (form == FORM_OWN && sys_fsconfig(fs, FSCONFIG_SET_FLAG, "userxattr", NULL, 0) < 0)
		return fail(err, errno, "mount the overlay: option 'userxattr' (Linux 5.11)");
	r = set_lowers(fs, lowers, count);
	if (r < 0)
		return fail(err, -r, "mount the overlay: set its lower folders");
	if (folder >= 0) {
		upper = openat(folder, "upper", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		work = openat(folder, "work", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (upper < 0 || work < 0)
			return fail(err, errno,
			            "mount the overlay: open its upper and work folder");
		r = set_layer(fs, "upperdir", upper);
		if (r == 0)
			r = set_layer(fs, "workdir", work);
		if (r < 0)
			return fail(err, -r, "mount the overlay: set its upper folder");
	}
	/* only what mount(8) shows */
	(void)sys_fsconfig(fs, FSCONFIG_SET_STRING, "source", "sysc", 0);
	if (sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0) {
		r = fail(err, errno, "mount the overlay");
		return r == -EINVAL || r == -EPERM
		               ? fail_hint(err, "its file system must keep user attributes and "
		                                "types of entries, as ext4, xfs and btrfs do")
		               : r;
	}
	fd = sys_fsmount(fs, FSMOUNT_CLOEXEC, attributes);
	return fd < 0 ? fail(err, errno, "mount the overlay") : fd;
}

int storage_join(const struct storage_root *root, struct error *err)
{
	int fd;

	if (!root->layer_count) {
		fd = fcntl(root->fd, F_DUPFD_CLOEXEC, 3);
		return fd < 0 ? fail(err, errno, "take the root file system") : fd;
	}
	/* before Linux 6.15 a layer must be a mount of this namespace, wherever it is */
	for (unsigned int i = 0; i < root->layer_count; i++)
		if (sys_move_mount(root->layers[i], "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
			return fail(err, errno, "mount layer %u of the overlay", i);
	return mount_layers(FORM_OWN, root->layers, root->layer_count - 1,
	                    root->layers[root->layer_count - 1],
	                    root->readonly ? MOUNT_ATTR_RDONLY : 0, err);
}

/* --- the parts --- */

struct layers {
	int fds[LAYERS_MAX];
	unsigned int count;
};

static void layers_done(struct layers *layers)
{
	while (layers->count)
		close(layers->fds[--layers->count]);
}

static int open_layers(const struct strings *parts, struct layers *out, struct error *err)
{
	if (parts->count > LAYERS_MAX)
		return fail_plain(err, E2BIG, "the overlay has more than %d layers", LAYERS_MAX);
	for (size_t i = 0; i < parts->count; i++) {
		int fd = storage_open_folder(parts->items[i], err);

		if (fd < 0)
			return fd;
		out->fds[out->count++] = fd;
	}
	return 0;
}

static int visit_overlay(const struct storage *storage, bool writable, struct error *err)
{
	CLEAN(layers_done) struct layers layers = {.count = 0};
	CLEAN_FD int upper = -1;
	int r = open_layers(&storage->parts, &layers, err), lowers[LAYERS_MAX];
	unsigned int last;

	if (r < 0)
		return r;
	last = layers.count - 1;
	if (writable)
		return mount_layers(FORM_OWN, layers.fds, last, layers.fds[last], 0, err);
	/* two writers on one upper folder are one too many; to look at it, it is a lower one */
	upper = openat(layers.fds[last], "upper", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (upper < 0)
		return fail(err, errno, "open '%s/upper'", folder_of(storage));
	lowers[0] = upper;
	memcpy(&lowers[1], layers.fds, last * sizeof(int));
	return mount_layers(FORM_OWN, lowers, last + 1, -1, MOUNT_ATTR_RDONLY, err);
}

int storage_visit_layers(const struct strings *folders, bool user_attributes, struct error *err)
{
	CLEAN(layers_done) struct layers layers = {.count = 0};
	int r = open_layers(folders, &layers, err);

	return r < 0 ? r
	             : mount_layers(user_attributes ? FORM_OWN : FORM_PLAIN, layers.fds,
	                            layers.count, -1,
	                            MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID |
	                                    MOUNT_ATTR_NOEXEC,
	                            err);
}

/* A layer of a start, as a mount of its own. */
static int add_layer(struct storage_root *out, const char *path, bool readonly, struct error *err)
{
	struct mount_attr attributes = {
		.propagation = MS_PRIVATE,
		.attr_set = readonly ? MOUNT_ATTR_RDONLY : 0,
	};
	CLEAN_FD int folder = storage_open_folder(path, err);
	int fd = folder < 0 ? folder : storage_clone_mount(folder, path, err);

	if (fd < 0)
		return fd;
	out->layers[out->layer_count++] = fd;
	if (sys_mount_setattr(fd, "", AT_EMPTY_PATH, &attributes) < 0)
		return fail(err, errno, "set the attributes of '%s'", path);
	return 0;
}

/* An own folder in memory, for what is to be forgotten when it stops. */
static int add_memory(struct storage_root *out, const char *size, const char *upper_path,
                      struct error *err)
{
	CLEAN_FD int fs = sys_fsopen("tmpfs", FSOPEN_CLOEXEC), upper = -1;
	CLEAN_FD int like = storage_open_folder(upper_path, err);
	struct stat st;
	int fd;

	if (like < 0)
		return like;
	if (fs < 0 || sys_fsconfig(fs, FSCONFIG_SET_STRING, "mode", "0755", 0) < 0 ||
	    (*size && sys_fsconfig(fs, FSCONFIG_SET_STRING, "size", size, 0) < 0) ||
	    sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return fail(err, errno, "mount a tmpfs of size '%s'", size);
	fd = sys_fsmount(fs, FSMOUNT_CLOEXEC, 0);
	if (fd < 0)
		return fail(err, errno, "mount a tmpfs");
	out->layers[out->layer_count++] = fd;
	if (mkdirat(fd, "work", 0755) < 0 || mkdirat(fd, "upper", 0755) < 0 || fstat(like, &st) < 0)
		return fail(err, errno, "make the folders of the overlay in memory");
	upper = openat(fd, "upper", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (upper < 0 || fchown(upper, st.st_uid, st.st_gid) < 0 ||
	    fchmod(upper, st.st_mode & 07777) < 0)
		return fail(err, errno, "make the folders of the overlay in memory");
	return 0;
}

static int open_overlay(const struct storage *storage, bool readonly, struct storage_root *out,
                        struct error *err)
{
	CLEAN_FREE char *upper = must_printf("%s/upper", folder_of(storage));
	const char *memory = storage_option(storage, "tmpfs");
	size_t last = storage->parts.count - 1;
	int r = 0;

	if (storage->parts.count >= LAYERS_MAX)
		return fail_plain(err, E2BIG, "the overlay has more than %d layers", LAYERS_MAX);
	out->readonly = readonly;
	out->layers = must_alloc((storage->parts.count + 1) * sizeof(int));
	if (memory)
		r = add_layer(out, upper, true, err);
	for (size_t i = 0; i < last && r == 0; i++)
		r = add_layer(out, storage->parts.items[i], true, err);
	if (r == 0)
		r = memory ? add_memory(out, memory, upper, err)
		           : add_layer(out, folder_of(storage), false, err);
	if (r < 0)
		return r;
	out->fd = visit_overlay(storage, false, err);
	return out->fd < 0 ? out->fd : 0;
}

/* --- making and sharing --- */

static int choose_overlay(const struct storage_request *request, const char *dir,
                          struct storage *out, struct error *err)
{
	strings_give(&out->parts, must_printf("%s/rootfs", dir));
	strings_give(&out->parts, must_printf("%s/delta", dir));
	return request->size_bytes ? quota_check(request->paths->store, err) : 0;
}

/* FOLDER with upper/ and work/, and the lower folder where that is a new one beside it. */
/* What is in the folder of its own, which is there. */
static int fill_overlay(const struct storage *storage, struct error *err)
{
	const char *folder = folder_of(storage), *lower = storage->parts.items[0];
	CLEAN_FREE char *upper = must_printf("%s/upper", folder);
	CLEAN_FREE char *work = must_printf("%s/work", folder);
	int r = 0;

	/* before the two that are to inherit it */
	if (storage->size_bytes)
		r = quota_set(folder, storage->size_bytes, err);
	if (r == 0)
		r = storage_make_folder(upper, err);
	if (r == 0)
		r = storage_make_folder(work, err);
	if (r == 0 && storage->parts.count == 2 && faccessat(AT_FDCWD, lower, F_OK, 0) < 0)
		r = storage_make_folder(lower, err);
	return r < 0 ? r : storage->backend->finish(storage, err);
}

static int make_overlay(const struct storage *storage, struct error *err)
{
	int r = storage_make_folder(folder_of(storage), err);

	if (r < 0)
		return r;
	r = fill_overlay(storage, err);
	if (r < 0)
		(void)storage->backend->remove(storage, NULL); /* the failure is the one to tell */
	return r;
}

/* The root of the whole is the upper one: it must look like the one that it hides. */
static int finish_overlay(const struct storage *storage, struct error *err)
{
	CLEAN_FREE char *path = must_printf("%s/upper", folder_of(storage));
	CLEAN_FD int from =
		open(storage->parts.items[0], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	CLEAN_FD int to = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	const char *what;
	struct stat st;
	int r;

	if (from < 0 || fstat(from, &st) < 0)
		return fail(err, errno, "open '%s'", storage->parts.items[0]);
	if (to < 0)
		return fail(err, errno, "open '%s'", path);
	r = copy_file_attributes(from, to, &st, &what);
	return r < 0 ? fail(err, -r, "%s '%s'", what, path) : 0;
}

/* The lowers are shared, what was written is copied by shared blocks. */
static int clone_overlay(const struct storage *from, const struct storage *to, struct error *err)
{
	CLEAN_FREE char *source = must_printf("%s/upper", folder_of(from));
	CLEAN_FREE char *target = must_printf("%s/upper", folder_of(to));
	CLEAN_FD int from_fd = open(source, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	CLEAN_FD int to_fd = -1;
	int r;

	if (from_fd < 0)
		return fail(err, errno, "open '%s'", source);
	if (from->parts.count != to->parts.count)
		return fail_plain(err, EINVAL, "a clone of an overlay has the same lower folders");
	for (size_t i = 0; i + 1 < from->parts.count; i++)
		if (!text_is(from->parts.items[i], to->parts.items[i]))
			return fail_plain(err, EINVAL,
			                  "a clone of an overlay has the same lower folders");
	r = make_overlay(to, err);
	if (r < 0)
		return r;
	to_fd = open(target, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	r = to_fd < 0 ? fail(err, errno, "open '%s'", target)
	              : copy_tree(from_fd, to_fd, NULL, NULL, err);
	if (r < 0)
		(void)storage_remove_folder(folder_of(to),
		                            NULL); /* the failure is the one to tell */
	return r;
}

static int remove_overlay(const struct storage *storage, struct error *err)
{
	return storage_remove_folder(folder_of(storage), err);
}

static int limit_overlay(const struct storage *storage, struct error *err)
{
	return quota_set(folder_of(storage), storage->size_bytes, err);
}

static int usage_overlay(const struct storage *storage, struct storage_usage *out,
                         struct error *err)
{
	return quota_usage(folder_of(storage), out, err);
}

char *storage_free_layer(const char *dir)
{
	CLEAN_FREE char *first = must_printf("%s/delta", dir);

	if (!file_exists(AT_FDCWD, first))
		return ptr_take(first);
	for (unsigned int i = 1;; i++) {
		CLEAN_FREE char *path = must_printf("%s/delta.%u", dir, i);

		if (!file_exists(AT_FDCWD, path))
			return ptr_take(path);
	}
}

bool storage_has_written(const struct storage *overlay)
{
	CLEAN_FREE char *path = must_printf("%s/upper", folder_of(overlay));
	CLEAN_DIR DIR *dir = opendir(path);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (!text_is(entry->d_name, ".") && !text_is(entry->d_name, ".."))
			return true;
	return !dir;
}

static int own_overlay(const struct storage *storage, uint64_t *bytes, struct error *err)
{
	CLEAN_FREE char *upper = must_printf("%s/upper", folder_of(storage));
	CLEAN_FD int fd = storage_open_folder(upper, err);

	return fd < 0 ? fd : own_tree(fd, bytes, err);
}

int storage_seal(const struct storage *from, const char *folder, struct storage *out,
                 struct error *err)
{
	bool is_dir = from->backend == &storage_dir || from->backend == &storage_btrfs;
	struct storage sealed = {.backend = &storage_overlay, .size_bytes = from->size_bytes};

	if (!is_dir && from->backend != &storage_overlay)
		return fail_plain(err, EOPNOTSUPP, "backend %s has no layers to share",
		                  from->backend->name);
	if (from->parts.count + 1 > LAYERS_MAX)
		return fail_plain(err, E2BIG, "the overlay has more than %d layers", LAYERS_MAX);
	for (size_t i = 0; i < from->options.count; i++)
		strings_add(&sealed.options, from->options.items[i]);
	if (from->owner)
		sealed.owner = must_dup(from->owner);
	if (!is_dir)
		strings_give(&sealed.parts, must_printf("%s/upper", folder_of(from)));
	for (size_t i = 0; i + (is_dir ? 0 : 1) < from->parts.count; i++)
		strings_add(&sealed.parts, from->parts.items[i]);
	strings_add(&sealed.parts, folder);
	*out = sealed;
	return 0;
}

const struct storage_backend storage_overlay = {
	.name = "overlay",
	.is_inside = true,
	.choose = choose_overlay,
	.make = make_overlay,
	.finish = finish_overlay,
	.visit = visit_overlay,
	.open = open_overlay,
	.clone = clone_overlay,
	.remove = remove_overlay,
	.limit = limit_overlay,
	.usage = usage_overlay,
	.own = own_overlay,
};
