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
#include "base/file.h"
#include "base/text.h"
#include "storage/copy_count.h"
#include "storage/copy_parts.h"
#include "storage/copy_seen.h"
#include "storage/remove.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define TICK_MS      200
#define COUNT_MS     100 /* of each tick */
#define BATCH_NAMES  64
#define BATCHES_MOST 64 /* of one folder that wait */

struct job {
	struct work_job base; /* first */
	struct walk_node *node;
	struct copy_folder *folder; /* NULL: the folder at node is to be begun */
	struct text names;          /* of a batch, each ended by NUL */
	bool is_fresh;              /* of the folder at node */
};

static void drop_job(struct work *work, struct work_job *base);

/* --- folders --- */

static void free_folder(struct copy_folder *folder)
{
	walk_node_drop(folder->node);
	fd_close(&folder->from);
	fd_close(&folder->to);
	free(folder);
}

/* Its last holder sets the attributes: nothing is put into it any more. */
static int let_go(struct copy_folder *folder, bool good, struct error *err)
{
	const char *what;
	int r = 0;

	if (atomic_fetch_sub(&folder->holders, 1) != 1)
		return 0;
	if (good)
		r = copy_file_attributes(folder->from, folder->to, &folder->st, &what);
	if (r < 0)
		(void)copy_fail(folder, NULL, what, -r, err);
	free_folder(folder);
	return r;
}

static struct copy_folder *open_folder(struct copy *copy, struct walk_node *node, bool is_fresh,
                                       struct error *err)
{
	struct copy_folder *folder = must_alloc(sizeof(*folder));
	int r = 0;

	*folder = (struct copy_folder){.node = walk_node_hold(node),
	                               .from = -1,
	                               .to = -1,
	                               .is_fresh = is_fresh,
	                               .holders = 1};
	folder->from = walk_reach(&copy->from, node, O_RDONLY | O_DIRECTORY | O_NOATIME);
	if (folder->from == -EPERM) /* somebody else's, and we are not root */
		folder->from = walk_reach(&copy->from, node, O_RDONLY | O_DIRECTORY);
	if (folder->from == -EXDEV) {
		(void)copy_fail(folder, NULL, "copy", EXDEV, err);
		r = fail_hint(err, "it is a mount point: unmount it first");
	} else if (folder->from < 0) {
		r = copy_fail(folder, NULL, "open", -folder->from, err);
	}
	if (r == 0 && fstat(folder->from, &folder->st) < 0)
		r = copy_fail(folder, NULL, "look at", errno, err);
	if (r == 0)
		folder->to = walk_reach(&copy->to, node, O_RDONLY | O_DIRECTORY);
	if (r == 0 && folder->to < 0)
		r = copy_fail(folder, NULL, "open the new", -folder->to, err);
	/* what the new tree may have from above it is not handed down to what is made in it */
	if (r == 0 && !node)
		(void)fremovexattr(folder->to, "system.posix_acl_default");
	if (r == 0 && !is_fresh && (r = copy_seen_strip(folder->to)) < 0)
		(void)copy_fail(folder, NULL, "remove the extended attributes of", -r, err);
	if (r == 0)
		return folder;
	free_folder(folder);
	return NULL;
}

/* --- jobs --- */

/* Names of a batch carry the type that the folder's list gave: 'f', or '?' to be looked at. */
static int copy_batch(struct copy *copy, const struct copy_folder *folder, const struct text *names,
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

/* Lists a folder: subfolders are made and kept as jobs in folders, all else is put into batches. */
struct listing {
	struct work_job *folders;
	struct text names;
	unsigned int count;
	struct strings all; /* of a folder that is not fresh */
};

/* So that not all names of a folder are kept at a time, who lists it copies too when the others have enough. */
static int hand_out(struct copy *copy, struct copy_folder *folder, struct listing *listing,
                    struct error *err)
{
	int r = 0;

	if (folder->holders > BATCHES_MOST) {
		r = copy_batch(copy, folder, &listing->names, err);
		text_done(&listing->names);
	} else {
		struct job *job = must_alloc(sizeof(*job));

		atomic_fetch_add(&folder->holders, 1);
		job->folder = folder;
		job->names = listing->names;
		work_push(&copy->work, &job->base, true);
	}
	listing->names = (struct text){0};
	listing->count = 0;
	return r;
}

static bool is_folder(const struct copy_folder *folder, const struct dirent *entry)
{
	struct stat st;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	return fstatat(folder->from, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(st.st_mode);
}

/* 1: it is new; 0: it was there. */
static int make_folder(const struct copy *copy, const struct copy_folder *folder, const char *name,
                       struct error *err)
{
	int r = 0;

	if (mkdirat(folder->to, name, 0700) == 0)
		return 1;
	if (errno == EEXIST && copy->seen && file_is_dir(folder->to, name))
		return 0;
	if (errno == EEXIST && copy->seen)
		r = remove_tree(folder->to, name, err);
	else
		return copy_fail(folder, name, "make directory", errno, err);
	if (r == 0 && mkdirat(folder->to, name, 0700) < 0)
		r = copy_fail(folder, name, "make directory", errno, err);
	return r < 0 ? r : 1;
}

static int list_entry(struct copy *copy, struct copy_folder *folder, const struct dirent *entry,
                      struct listing *listing, struct error *err)
{
	const char *name = entry->d_name;
	struct job *job;
	int r;

	if (!folder->is_fresh)
		strings_add(&listing->all, name);
	if (!is_folder(folder, entry)) {
		text_add(&listing->names, entry->d_type == DT_REG ? "f" : "?");
		text_add_bytes(&listing->names, name, strlen(name) + 1);
		return ++listing->count < BATCH_NAMES ? 0 : hand_out(copy, folder, listing, err);
	}
	r = make_folder(copy, folder, name, err);
	if (r < 0)
		return r;
	copy->totals.folders++;
	job = must_alloc(sizeof(*job));
	job->node = walk_node_new(folder->node, name);
	job->is_fresh = r == 1;
	job->base.next = listing->folders;
	listing->folders = &job->base;
	return 0;
}

static int list_folder(struct copy *copy, struct copy_folder *folder, struct listing *listing,
                       struct error *err)
{
	CLEAN_FD int fd = fcntl(folder->from, F_DUPFD_CLOEXEC, 3);
	CLEAN_DIR DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir)
		return copy_fail(folder, NULL, "read", errno, err);
	(void)fd_take(&fd); /* the stream's from here */
	while ((errno = 0, entry = readdir(dir))) {
		int r;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		r = list_entry(copy, folder, entry, listing, err);
		if (r < 0)
			return r;
	}
	return errno ? copy_fail(folder, NULL, "read", errno, err) : 0;
}

static void push_all(struct work *work, struct work_job *jobs)
{
	while (jobs) {
		struct work_job *next = jobs->next;

		work_push(work, jobs, false);
		jobs = next;
	}
}

static int drop_others(const struct copy_folder *folder, struct listing *listing, struct error *err)
{
	if (folder->is_fresh)
		return 0;
	strings_sort(&listing->all);
	return copy_seen_drop_others(folder->to, &listing->all, err);
}

static int run_folder(struct copy *copy, struct walk_node *node, bool is_fresh, struct error *err)
{
	struct copy_folder *folder = open_folder(copy, node, is_fresh, err);
	struct listing listing = {0};
	struct error ignored;
	int r;

	if (!folder && copy_is_fleeting(copy, err->code)) {
		error_clear(err);
		return 0;
	}
	if (!folder)
		return -err->code;
	r = list_folder(copy, folder, &listing, err);
	if (r == 0)
		r = drop_others(folder, &listing, err);
	strings_done(&listing.all);
	/* also after a failure: whoever ends the work drops them */
	push_all(&copy->work, listing.folders);
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
		r = run_folder(copy, job->node, job->is_fresh, err);
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
		.kept = copy->totals.kept,
		.kept_bytes = copy->totals.kept_bytes,
	};
}

/* The thread that waits for the others counts meanwhile. */
static int tick(struct work *work, struct error *err)
{
	struct copy *copy = (struct copy *)work;
	struct copy_totals done;
	bool is_counted;

	if (!copy->count && copy->options->count)
		copy->count = copy_count_new(copy->from.fd);
	is_counted = copy->count && copy_count_go_on(copy->count, COUNT_MS);
	add_up(copy, &done);
	if (is_counted)
		copy_count_result(copy->count, &done.all_bytes, &done.all_entries);
	return copy->options->progress(&done, copy->options->user, err);
}

/* The last word of a copy that told of itself: the count is an estimate. */
static int tell_all(const struct copy *copy, struct error *err)
{
	struct copy_totals done;
	struct progress_amount amount;

	add_up(copy, &done);
	amount = copy_amount(&done);
	done.all_bytes = amount.bytes;
	done.all_entries = amount.entries;
	return copy->options->progress(&done, copy->options->user, err);
}

static void copy_init(struct copy *copy, int from_fd, int to_fd, const struct copy_options *options)
{
	*copy = (struct copy){.options = options,
	                      .seen = options ? options->seen : NULL,
	                      .is_changing = options && options->is_changing};
	walk_root_init(&copy->from, from_fd);
	walk_root_init(&copy->to, to_fd);
	work_init(&copy->work);
	copy->work.run = run_job;
	copy->work.drop = drop_job;
	copy->work.tick = options && options->progress ? tick : NULL;
	copy->work.tick_ms = TICK_MS;
	(void)pthread_mutex_init(&copy->note_lock, NULL);
	copy_links_init(&copy->links);
}

static void copy_done(struct copy *copy)
{
	copy_links_done(&copy->links);
	copy_count_free(copy->count);
	(void)pthread_mutex_destroy(&copy->note_lock);
	work_done(&copy->work);
	walk_root_done(&copy->from);
	walk_root_done(&copy->to);
}

struct progress_amount copy_amount(const struct copy_totals *done)
{
	return (struct progress_amount){
		.bytes = done->bytes + done->kept_bytes,
		.all_bytes = done->all_bytes,
		.entries = done->files + done->folders + done->others + done->links + done->kept,
		.all_entries = done->all_entries,
	};
}

int copy_tree(int from_fd, int to_fd, const struct copy_options *options, struct copy_totals *out,
              struct error *err)
{
	struct job *job = must_alloc(sizeof(*job));
	struct copy copy;
	int r;

	copy_init(&copy, from_fd, to_fd, options);
	job->is_fresh = !copy.seen;
	work_push(&copy.work, &job->base, false);
	r = work_run(&copy.work, options ? options->workers : 0, err);
	if (r == 0 && copy.count)
		r = tell_all(&copy, err);
	if (r == 0 && out)
		add_up(&copy, out);
	copy_done(&copy);
	return r;
}

int copy_name(int from_fd, const char *name, int to_fd, const struct copy_options *options,
              struct error *err)
{
	const struct copy_folder above = {.from = from_fd, .to = to_fd, .is_fresh = true};
	CLEAN_FD int from = -1, to = -1;
	struct copy copy;
	int r;

	if (!file_is_dir(from_fd, name)) {
		copy_init(&copy, from_fd, to_fd, options);
		r = copy_entry(&copy, &above, name, false, err);
		copy_done(&copy);
		return r;
	}
	if (mkdirat(to_fd, name, 0700) < 0)
		return copy_fail(&above, name, "make directory", errno, err);
	from = walk_open_entry(from_fd, name, O_RDONLY | O_DIRECTORY);
	to = from < 0 ? from : walk_open_entry(to_fd, name, O_RDONLY | O_DIRECTORY);
	if (to < 0)
		return copy_fail(&above, name, "open", -to, err);
	r = copy_tree(from, to, options, NULL, err);
	return r < 0 ? fail_in(err, "in '%s'", name) : 0;
}
