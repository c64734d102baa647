/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A file that sysc-export writes: "FOLDER/.FILE.partial", locked while somebody writes it, gets its name when it is
 * whole and on disk. What a killed export left is written anew by the next one.
 */
#ifndef SYSC_TOOLS_EXPORT_FILE_H
#define SYSC_TOOLS_EXPORT_FILE_H

struct error;

struct export_file {
	char *path;    /* NULL: standard output, or none at all */
	char *partial; /* NULL: nothing is there to be removed */
	int fd;        /* -1 */
};

void export_file_init(struct export_file *file);
/* Removes what has not got its name. */
void export_file_done(struct export_file *file);

/*
 * Mode 0600. Waits some seconds for another export to the same file: -EBUSY. -EPERM: what is there is somebody else's,
 * who could read it.
 */
int export_file_open(struct export_file *file, const char *path, struct error *err);
/* Standard output, which must not be a terminal. */
int export_file_open_stdout(struct export_file *file, struct error *err);
/* On disk first, then under its name. Nothing is to be done for standard output. */
int export_file_publish(struct export_file *file, struct error *err);

#endif
