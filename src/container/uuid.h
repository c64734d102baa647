/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random names: UUIDs by libuuid, and MAC addresses of our own prefix. */
#ifndef SYSC_CONTAINER_UUID_H
#define SYSC_CONTAINER_UUID_H

/* A random UUID in lower case, 36 characters and the end. */
void uuid_make(char out[37]);
/* The bytes of a UUID in its usual form, in the order of the text. -EINVAL. */
int uuid_read(const char *text, unsigned char out[16]);
/* Replaces each x of "10:66:6a:xx:xx:xx" by a random hex digit, in place. */
void uuid_fill_mac(char *mac);

#endif
