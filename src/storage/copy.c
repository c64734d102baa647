/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The walk of a copy. A job is a folder, or some of the files of one: the files of a big folder are
 * handed out in batches, before any other folder is begun, so that few folders are open at a time. A
 * folder gets its attributes when the last of its batches is done; its subfolders change nothing in it
 * after they were made.
 */
#include "storage/copy.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"
#include "storage/copy_file.h"
#include "storage/copy_links.h"
#include "storage/walk.h"
#include "storage/work.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define TICK_MS     200
#define BATCH_NAMES 64

struct totals {
	atomic_ullong files, folders, others, links, sockets, bytes, shared_bytes;
};

struct copy {
	struct work work; /* first: a job finds its copy by it */
	int from_fd, to_fd;
	const struct copy_options *options;
	struct totals totals;
	struct copy_ways ways;
	struct copy_links links;
	pthread_mutex_t note_lock;
};

/* A folder that is being filled. */
struct folder {
	struct walk_node *node;
	struct stat st;
	int from, to;
	atomic_uint holders; /* the job that lists it, and its batches */
};

struct job {
	struct work_job base; /* first */
	struct walk_node *node;
	struct folder *folder; /* NULL: the folder at node is to be begun */
	struct text names;     /* of a batch, each ended by NUL */
};

static void drop_job(struct work *work, struct work_job *base);

static int fail_entry(const struct folder *folder, const char *name, const char *what, int code,
                      struct error *err)
{
	char path[WALK_PATH_MAX];

	return fail(err, code, "%s '%s'", what, walk_path(folder->node, name, path));
}

static bool count_bytes(uint64_t bytes, bool shared, void *user)
{
	struct copy *copy = user;

	copy->totals.bytes += bytes;
	if (shared)
		copy->totals.shared_bytes += bytes;
	return work_is_stopped(&copy->work);
}

/* --- folders --- */

static void free_folder(struct folder *folder)
{
	walk_node_drop(folder->node);
	fd_close(&folder->from);
	fd_close(&folder->to);
	free(folder);
}

/* Its last holder sets the attributes: nothing is put into it any more. */
static int let_go(struct folder *folder, bool good, struct error *err)
{
	const char *what;
	int r = 0;

	if (atomic_fetch_sub(&folder->holders, 1) != 1)
		return 0;
	if (good)
		r = copy_file_attributes(folder->from, folder->to, &folder->st, &what);
	if (r < 0)
		(void)fail_entry(folder, NULL, what, -r, err);
	free_folder(folder);
	return r;
}

static struct folder *open_folder(struct copy *copy, struct walk_node *node, struct error *err)
{
	struct folder *folder = must_alloc(sizeof(*folder));
	int r = 0;

	*folder = (struct folder){.node = walk_node_hold(node), .from = -1, .to = -1, .holders = 1};
	folder->from = walk_open(copy->from_fd, node, O_RDONLY | O_DIRECTORY | O_NOATIME);
	if (folder->from == -EPERM) /* somebody else's, and we are not root */
		folder->from = walk_open(copy->from_fd, node, O_RDONLY | O_DIRECTORY);
	if (folder->from == -EXDEV) {
		(void)fail_entry(folder, NULL, "copy", EXDEV, err);
		r = fail_hint(err, "it is a mount point: unmount it first");
	} else if (folder->from < 0) {
		r = fail_entry(folder, NULL, "open", -folder->from, err);
	}
	if (r == 0 && fstat(folder->from, &folder->st) < 0)
		r = fail_entry(folder, NULL, "look at", errno, err);
	if (r == 0)
		folder->to = walk_open(copy->to_fd, node, O_RDONLY | O_DIRECTORY);
	if (r == 0 && folder->to < 0)
		r = fail_entry(folder, NULL, "open the new", -folder->to, err);
	/* what the new tree may have from above it is not handed down to what is made in it */
	if (r == 0 && !node)
		(void)fremovexattr(folder->to, "system.posix_acl_default");
	if (r == 0)
		return folder;
	free_folder(folder);
	return NULL;
}

/* --- entries --- */

/* What an inode is made of, known before it is made. */
struct entry {
	const struct folder *folder;
	const char *name;
	struct stat st;
	int from, to;          /* of a regular file */
	char target[PATH_MAX]; /* of a symlink */
};

static int make_inode(void *argument)
{
	struct entry *entry = argument;
	const struct stat *st = &entry->st;
	int to = entry->folder->to;

	if (S_ISREG(st->st_mode)) {
		entry->to = openat(to, entry->name,
		                   O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		                   st->st_mode & 0777);
		return entry->to < 0 ? -errno : 0;
	}
	if (S_ISLNK(st->st_mode))
		return symlinkat(entry->target, to, entry->name) < 0 ? -errno : 0;
	return mknodat(to, entry->name, (st->st_mode & S_IFMT) | 0600, st->st_rdev) < 0 ? -errno
	                                                                                : 0;
}

/* Opens a regular file, looks at anything else. */
static int look_at(struct entry *entry, bool is_regular, struct error *err)
{
	int folder = entry->folder->from, r;
	ssize_t n;

	if (!is_regular) {
		if (fstatat(folder, entry->name, &entry->st, AT_SYMLINK_NOFOLLOW) < 0)
			return fail_entry(entry->folder, entry->name, "look at", errno, err);
		if (S_ISREG(entry->st.st_mode))
			return look_at(entry, true, err);
		if (!S_ISLNK(entry->st.st_mode))
			return 0;
		n = readlinkat(folder, entry->name, entry->target, sizeof(entry->target));
		if (n < 0 || n == sizeof(entry->target))
			return fail_entry(entry->folder, entry->name, "read symlink",
			                  n < 0 ? errno : ENAMETOOLONG, err);
		entry->target[n] = '\0';
		return 0;
	}
	/* not O_PATH first: should it be a fifo meanwhile, O_NONBLOCK returns at once */
	r = walk_open_entry(folder, entry->name, O_RDONLY | O_NONBLOCK | O_NOATIME);
	if (r == -EPERM)
		r = walk_open_entry(folder, entry->name, O_RDONLY | O_NONBLOCK);
	if (r == -EXDEV) {
		(void)fail_entry(entry->folder, entry->name, "copy", EXDEV, err);
		return fail_hint(err, "it is a mount point: unmount it first");
	}
	if (r < 0)
		return fail_entry(entry->folder, entry->name, "open", -r, err);
	entry->from = r;
	if (fstat(entry->from, &entry->st) < 0)
		return fail_entry(entry->folder, entry->name, "look at", errno, err);
	if (!S_ISREG(entry->st.st_mode))
		return fail_entry(entry->folder, entry->name, "copy, which has changed,", EAGAIN,
		                  err);
	return 0;
}

static int fill_inode(struct copy *copy, struct entry *entry, struct error *err)
{
	const struct copy_content how = {.ways = &copy->ways,
	                                 .write_out = copy->options && copy->options->write_out,
	                                 .moved = count_bytes,
	                                 .user = copy};
	const char *what = "write";
	int r;

	if (!S_ISREG(entry->st.st_mode)) {
		copy->totals.others++;
		r = copy_entry_attributes(entry->folder->from, entry->folder->to, entry->name,
		                          &entry->st, &what);
	} else {
		copy->totals.files++;
		r = copy_file_content(entry->from, entry->to, &entry->st, &how);
		if (r == 0)
			r = copy_file_attributes(entry->from, entry->to, &entry->st, &what);
	}
	return r < 0 ? fail_entry(entry->folder, entry->name, what, -r, err) : 0;
}

static void note_socket(struct copy *copy, const struct entry *entry)
{
	const struct copy_options *options = copy->options;
	char path[WALK_PATH_MAX];

	copy->totals.sockets++;
	if (!options || !options->note)
		return;
	(void)pthread_mutex_lock(&copy->note_lock);
	options->note(walk_path(entry->folder->node, entry->name, path), "socket left out",
	              options->user);
	(void)pthread_mutex_unlock(&copy->note_lock);
}

static int copy_entry(struct copy *copy, const struct folder *folder, const char *name,
                      bool is_regular, struct error *err)
{
	struct entry entry;
	int r;

	/* not the whole struct: its target is for symlinks only */
	entry.folder = folder;
	entry.name = name;
	entry.from = entry.to = -1;
	r = look_at(&entry, is_regular, err);
	if (r == 0 && S_ISSOCK(entry.st.st_mode)) {
		note_socket(copy, &entry);
	} else if (r == 0) {
		r = entry.st.st_nlink < 2
		            ? make_inode(&entry)
		            : copy_links_make(&copy->links, copy->to_fd, &entry.st, folder->node,
		                              folder->to, name, make_inode, &entry);
		if (r < 0)
			(void)fail_entry(folder, name, "make", -r, err);
		else if (r == 0)
			r = fill_inode(copy, &entry, err);
		else
			copy->totals.links++;
	}
	fd_close(&entry.from);
	fd_close(&entry.to);
	return r < 0 ? r : 0;
}

/* --- jobs --- */

/* Names of a batch carry the type that the folder's list gave: 'f', or '?' to be looked at. */
static int copy_batch(struct copy *copy, const struct folder *folder, const struct text *names,
                      struct error *err)
{
	for (const char *at = names->data; at && at < names->data + names->length;
	     at += strlen(at) + 1) {
		int r = copy_entry(copy, folder, at + 1, *at == 'f', err);

		if (r < 0)
			return r;
		if (work_is_stopped(&copy->work))
			return 0;
	}
	return 0;
}

/* Lists a folder: subfolders are made and kept as jobs in next, all else is put into batches. */
struct listing {
	struct work_job *folders, *batches;
	struct text names;
	unsigned int count;
};

static void close_batch(struct listing *listing, struct folder *folder)
{
	struct job *job;

	if (!listing->names.length)
		return;
	job = must_alloc(sizeof(*job));
	atomic_fetch_add(&folder->holders, 1);
	job->folder = folder;
	job->names = listing->names;
	job->base.next = listing->batches;
	listing->batches = &job->base;
	listing->names = (struct text){0};
	listing->count = 0;
}

static bool is_folder(const struct folder *folder, const struct dirent *entry)
{
	struct stat st;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	return fstatat(folder->from, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(st.st_mode);
}

static int list_entry(struct copy *copy, struct folder *folder, const struct dirent *entry,
                      struct listing *listing, struct error *err)
{
	const char *name = entry->d_name;
	struct job *job;

	if (!is_folder(folder, entry)) {
		text_add(&listing->names, entry->d_type == DT_REG ? "f" : "?");
		text_add_bytes(&listing->names, name, strlen(name) + 1);
		if (++listing->count == BATCH_NAMES)
			close_batch(listing, folder);
		return 0;
	}
	if (mkdirat(folder->to, name, 0700) < 0)
		return fail_entry(folder, name, "make directory", errno, err);
	copy->totals.folders++;
	job = must_alloc(sizeof(*job));
	job->node = walk_node_new(folder->node, name);
	job->base.next = listing->folders;
	listing->folders = &job->base;
	return 0;
}

static int list_folder(struct copy *copy, struct folder *folder, struct listing *listing,
                       struct error *err)
{
	CLEAN_FD int fd = fcntl(folder->from, F_DUPFD_CLOEXEC, 3);
	CLEAN_DIR DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir)
		return fail_entry(folder, NULL, "read", errno, err);
	(void)fd_take(&fd); /* the stream's from here */
	while ((errno = 0, entry = readdir(dir))) {
		int r;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		r = list_entry(copy, folder, entry, listing, err);
		if (r < 0)
			return r;
	}
	return errno ? fail_entry(folder, NULL, "read", errno, err) : 0;
}

static void push_all(struct work *work, struct work_job *jobs, bool urgent)
{
	while (jobs) {
		struct work_job *next = jobs->next;

		work_push(work, jobs, urgent);
		jobs = next;
	}
}

static int run_folder(struct copy *copy, struct walk_node *node, struct error *err)
{
	struct folder *folder = open_folder(copy, node, err);
	struct listing listing = {0};
	struct error ignored;
	int r;

	if (!folder)
		return -err->code;
	r = list_folder(copy, folder, &listing, err);
	/* also after a failure: whoever ends the work drops them */
	push_all(&copy->work, listing.folders, false);
	push_all(&copy->work, listing.batches, true);
	if (r == 0)
		r = copy_batch(copy, folder, &listing.names, err);
	text_done(&listing.names);
	return r < 0 ? (void)let_go(folder, false, &ignored), r : let_go(folder, true, err);
}

static int run_job(struct work *work, struct work_job *base, struct error *err)
{
	struct copy *copy = (struct copy *)work;
	struct job *job = (struct job *)base;
	int r;

	if (!job->folder) {
		r = run_folder(copy, job->node, err);
	} else {
		r = copy_batch(copy, job->folder, &job->names, err);
		if (r == 0)
			r = let_go(ptr_take(job->folder), true, err);
	}
	drop_job(work, base);
	return r;
}

static void drop_job(struct work *work, struct work_job *base)
{
	struct job *job = (struct job *)base;
	struct error ignored;

	(void)work;
	if (job->folder)
		(void)let_go(job->folder, false, &ignored);
	walk_node_drop(job->node);
	text_done(&job->names);
	free(job);
}

static void add_up(const struct copy *copy, struct copy_totals *out)
{
	*out = (struct copy_totals){
		.files = copy->totals.files,
		.folders = copy->totals.folders,
		.others = copy->totals.others,
		.links = copy->totals.links,
		.sockets = copy->totals.sockets,
		.bytes = copy->totals.bytes,
		.shared_bytes = copy->totals.shared_bytes,
	};
}

static int tick(struct work *work, struct error *err)
{
	const struct copy *copy = (struct copy *)work;
	struct copy_totals done;

	add_up(copy, &done);
	return copy->options->progress(&done, copy->options->user, err);
}

int copy_tree(int from_fd, int to_fd, const struct copy_options *options, struct copy_totals *out,
              struct error *err)
{
	struct copy copy = {.from_fd = from_fd, .to_fd = to_fd, .options = options};
	struct job *job = must_alloc(sizeof(*job));
	int r;

	work_init(&copy.work);
	copy.work.run = run_job;
	copy.work.drop = drop_job;
	copy.work.tick = options && options->progress ? tick : NULL;
	copy.work.tick_ms = TICK_MS;
	(void)pthread_mutex_init(&copy.note_lock, NULL);
	copy_links_init(&copy.links);
	work_push(&copy.work, &job->base, false);
	r = work_run(&copy.work, options ? options->workers : 0, err);
	if (r == 0 && out)
		add_up(&copy, out);
	copy_links_done(&copy.links);
	(void)pthread_mutex_destroy(&copy.note_lock);
	work_done(&copy.work);
	return r;
}
