/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Calls on the system bus through libsystemd, which is opened at run time and only by who calls: no
 * program of ours is linked with it. Only where the host runs systemd is there anybody to talk to.
 */
#ifndef SYSC_BASE_BUS_H
#define SYSC_BASE_BUS_H

#include <stddef.h>
#include <stdint.h>

struct bus_library;
struct error;
struct sd_bus;
struct sd_bus_message;

/* A connection; zeroed is none. It does not outlive a fork: the child opens its own. */
struct bus {
	struct bus_library *library;
	struct sd_bus *connection;
	struct sd_bus_message *message; /* being put together */
	int problem;                    /* with that: 0 or -errno */
};

/* Whom a call goes to: "org.freedesktop.systemd1", "/org/freedesktop/systemd1", ... */
struct bus_method {
	const char *service, *path, *interface, *name;
};

/*
 * Connects to the system bus. -ENOPKG when there is no libsystemd, -ENOENT or -ECONNREFUSED when there
 * is no bus. Pair: bus_close(), which accepts a zeroed object.
 */
int bus_open(struct bus *bus, struct error *err);
void bus_close(struct bus *bus);

/*
 * Calls a method and waits for its end at most timeout_ms; types and what follows: as
 * sd_bus_message_append(3). Of the errors of the other side a caller may tell apart: -EEXIST what is
 * to be made exists, -ENOENT no such unit or machine, -ENXIO nobody provides the service.
 */
int bus_call(struct bus *bus, const struct bus_method *method, int64_t timeout_ms,
             struct error *err, const char *types, ...);

/*
 * The same in parts, for arrays whose length is not known before: begin, any number of additions, send.
 * items: count bytes of numbers of type 'y', 'i' and so on.
 */
void bus_begin(struct bus *bus, const struct bus_method *method);
void bus_add(struct bus *bus, const char *types, ...);
void bus_add_array(struct bus *bus, char type, const void *items, size_t count);
int bus_send(struct bus *bus, const struct bus_method *method, int64_t timeout_ms,
             struct error *err);

/*
 * As bus_call(), for a method of systemd's manager that answers with a job (org.freedesktop.systemd1(5)):
 * waits until that is done. -EIO when it ended in another way.
 */
int bus_run_job(struct bus *bus, const struct bus_method *method, int64_t timeout_ms,
                struct error *err, const char *types, ...);

#endif
