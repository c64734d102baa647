/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the backend "loop" share. Private to src/storage. */
#ifndef SYSC_STORAGE_LOOP_H
#define SYSC_STORAGE_LOOP_H

#include <sys/stat.h>

struct error;
struct storage;

#define LOOP_DEVICE_ROOM 32
#define LOOP_BLOCK_BYTES 4096 /* an image has whole ones */
#define LOOP_SIZE_LEAST  (16ULL << 20)

/* Opens the device that has the image already; -ENOENT. While the fd is open it stays so. */
int loop_find(const struct stat *image, char device[LOOP_DEVICE_ROOM]);
/*
 * Opens a loop device on the image; it goes with the fd, or the mount that takes it over. Never two on
 * one image, each with a cache of its own, or the file system would be destroyed: a container that has
 * just stopped may hold the first one for a moment more.
 */
int loop_attach(const char *image_path, char device[LOOP_DEVICE_ROOM], struct error *err);

/*
 * storage_limit() of an image: longer or shorter, with the file system on it. Killed in between, the next
 * call ends what was begun or begins anew; the image is whole at any time.
 */
int loop_limit(const struct storage *storage, struct error *err);

#endif
