/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The system bus through libsystemd, by the few of its functions named below; see the header. */
#include "base/bus.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/process.h"
#include "base/text.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define LIBRARY "libsystemd.so.0"

struct sd_bus_message;
struct sd_bus_slot;

/* sd_bus_error(3) */
struct bus_error {
	const char *name, *message;
	int need_free;
};

typedef int (*bus_handler)(struct sd_bus_message *message, void *data, struct bus_error *error);

/* sd-bus(3); all of them are there since systemd 240. Times are in microseconds. */
struct bus_library {
	int (*open_system)(struct sd_bus **out);
	struct sd_bus *(*flush_close_unref)(struct sd_bus *bus);
	int (*new_method_call)(struct sd_bus *bus, struct sd_bus_message **out, const char *service,
	                       const char *path, const char *interface, const char *name);
	int (*appendv)(struct sd_bus_message *message, const char *types, va_list values);
	int (*append_array)(struct sd_bus_message *message, char type, const void *items,
	                    size_t count);
	int (*call)(struct sd_bus *bus, struct sd_bus_message *message, uint64_t timeout_us,
	            struct bus_error *error, struct sd_bus_message **reply);
	int (*read)(struct sd_bus_message *message, const char *types, ...);
	struct sd_bus_message *(*message_unref)(struct sd_bus_message *message);
	void (*error_free)(struct bus_error *error);
	int (*match_signal_async)(struct sd_bus *bus, struct sd_bus_slot **out, const char *service,
	                          const char *path, const char *interface, const char *name,
	                          bus_handler handler, bus_handler installed, void *data);
	struct sd_bus_slot *(*slot_unref)(struct sd_bus_slot *slot);
	int (*process)(struct sd_bus *bus, struct sd_bus_message **out);
	int (*wait)(struct sd_bus *bus, uint64_t timeout_us);
};

static const struct {
	const char *name;
	size_t offset;
} symbols[] = {
	{"sd_bus_open_system",             offsetof(struct bus_library, open_system)       },
	{"sd_bus_flush_close_unref",       offsetof(struct bus_library, flush_close_unref) },
	{"sd_bus_message_new_method_call", offsetof(struct bus_library, new_method_call)   },
	{"sd_bus_message_appendv",         offsetof(struct bus_library, appendv)           },
	{"sd_bus_message_append_array",    offsetof(struct bus_library, append_array)      },
	{"sd_bus_call",                    offsetof(struct bus_library, call)              },
	{"sd_bus_message_read",            offsetof(struct bus_library, read)              },
	{"sd_bus_message_unref",           offsetof(struct bus_library, message_unref)     },
	{"sd_bus_error_free",              offsetof(struct bus_library, error_free)        },
	{"sd_bus_match_signal_async",      offsetof(struct bus_library, match_signal_async)},
	{"sd_bus_slot_unref",              offsetof(struct bus_library, slot_unref)        },
	{"sd_bus_process",                 offsetof(struct bus_library, process)           },
	{"sd_bus_wait",                    offsetof(struct bus_library, wait)              },
};

/* What callers tell apart, by the last word of the error's name. */
static const struct {
	const char *word;
	int code;
} codes[] = {
	{".UnitExists",     EEXIST   },
        {".MachineExists",  EEXIST   },
        {".NoSuchUnit",     ENOENT   },
	{".NoSuchMachine",  ENOENT   },
        {".ServiceUnknown", ENXIO    },
        {".NameHasNoOwner", ENXIO    },
	{".UnitMasked",     ENXIO    }, /* the administrator's word that it is not to be had */
	{".UnknownMethod",  ENOTSUP  },
        {".AccessDenied",   EACCES   },
        {".NoReply",        ETIMEDOUT},
	{".Timeout",        ETIMEDOUT},
};

/* The library stays in the process: it keeps data of the thread that closing it would pull away. */
static int load(struct bus_library *library, struct error *err)
{
	void *handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

	if (!handle)
		return fail_plain(err, ENOPKG, "load '%s': %s", LIBRARY, dlerror());
	for (size_t i = 0; i < ARRAY_SIZE(symbols); i++) {
		void *symbol = dlsym(handle, symbols[i].name);

		if (!symbol)
			return fail_plain(err, ENOPKG, "'%s' has no '%s': too old", LIBRARY,
			                  symbols[i].name);
		memcpy((char *)library + symbols[i].offset, &symbol, sizeof(symbol));
	}
	return 0;
}

int bus_open(struct bus *bus, struct error *err)
{
	CLEAN_FREE struct bus_library *library = must_alloc(sizeof(*library));
	struct sd_bus *connection = NULL;
	int r = load(library, err);

	if (r < 0)
		return r;
	r = library->open_system(&connection);
	if (r < 0)
		return fail(err, -r, "connect to the system bus");
	*bus = (struct bus){.library = ptr_take(library), .connection = connection};
	return 0;
}

void bus_close(struct bus *bus)
{
	if (bus->message)
		(void)bus->library->message_unref(bus->message); /* always NULL */
	if (bus->connection)
		(void)bus->library->flush_close_unref(bus->connection); /* always NULL */
	free(bus->library);
	*bus = (struct bus){0};
}

static int code_of(const struct bus_error *error, int code)
{
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (error->name && text_ends(error->name, codes[i].word))
			return codes[i].code;
	return code;
}

void bus_begin(struct bus *bus, const struct bus_method *method)
{
	bus->message = bus->library->message_unref(bus->message);
	bus->problem =
		bus->library->new_method_call(bus->connection, &bus->message, method->service,
	                                      method->path, method->interface, method->name);
}

static void add(struct bus *bus, const char *types, va_list values)
{
	if (bus->problem >= 0)
		bus->problem = bus->library->appendv(bus->message, types, values);
}

void bus_add(struct bus *bus, const char *types, ...)
{
	va_list values;

	va_start(values, types);
	add(bus, types, values);
	va_end(values);
}

void bus_add_array(struct bus *bus, char type, const void *items, size_t count)
{
	if (bus->problem >= 0)
		bus->problem = bus->library->append_array(bus->message, type, items, count);
}

static int send_message(struct bus *bus, const struct bus_method *method, int64_t timeout_ms,
                        struct sd_bus_message **reply, struct error *err)
{
	const struct bus_library *library = bus->library;
	struct bus_error error = {0};
	int r = bus->problem;

	if (r >= 0)
		r = library->call(bus->connection, bus->message, (uint64_t)timeout_ms * 1000,
		                  &error, reply);
	if (r < 0 && error.message)
		r = fail_plain(err, code_of(&error, -r), "%s: %s", method->name, error.message);
	else if (r < 0)
		r = fail(err, -r, "%s of '%s'", method->name, method->service);
	library->error_free(&error);
	bus->message = library->message_unref(bus->message);
	return r < 0 ? r : 0;
}

int bus_send(struct bus *bus, const struct bus_method *method, int64_t timeout_ms,
             struct error *err)
{
	struct sd_bus_message *reply = NULL;
	int r = send_message(bus, method, timeout_ms, &reply, err);

	(void)bus->library->message_unref(reply); /* always NULL */
	return r;
}

int bus_call(struct bus *bus, const struct bus_method *method, int64_t timeout_ms,
             struct error *err, const char *types, ...)
{
	va_list values;

	bus_begin(bus, method);
	va_start(values, types);
	add(bus, types, values);
	va_end(values);
	return bus_send(bus, method, timeout_ms, err);
}

/* The job that is waited for. */
struct job {
	const struct bus_library *library;
	const char *path; /* part of the reply */
	char result[32];  /* "" while it runs */
};

/* "uoss": number, path, unit, result. */
static int job_removed(struct sd_bus_message *message, void *data, struct bus_error *error)
{
	const char *path, *unit, *result;
	struct job *job = data;
	uint32_t number;

	(void)error; /* for who answers a call */
	if (job->library->read(message, "uoss", &number, &path, &unit, &result) > 0 &&
	    text_is(path, job->path))
		(void)snprintf(job->result, sizeof(job->result), "%s", result);
	return 0;
}

static int wait_for_job(struct bus *bus, const struct job *job, int64_t deadline_ms,
                        struct error *err)
{
	while (!job->result[0]) {
		int64_t left = deadline_ms - process_clock_ms();
		int r = bus->library->process(bus->connection, NULL);

		if (r == 0 && left <= 0)
			r = -ETIMEDOUT;
		if (r == 0)
			r = bus->library->wait(bus->connection, (uint64_t)left * 1000);
		if (r < 0 && r != -EINTR)
			return fail(err, -r, "wait for a job of systemd");
	}
	if (!text_is(job->result, "done"))
		return fail_plain(err, EIO, "the job of systemd ended with '%s'", job->result);
	return 0;
}

int bus_run_job(struct bus *bus, const struct bus_method *method, int64_t timeout_ms,
                struct error *err, const char *types, ...)
{
	const struct bus_library *library = bus->library;
	int64_t deadline = process_clock_ms() + timeout_ms;
	struct job job = {.library = library};
	struct sd_bus_message *reply = NULL;
	struct sd_bus_slot *slot = NULL;
	va_list values;
	int r;

	/* asked for before the call, so that no end is missed; the answer to this one nobody needs */
	r = library->match_signal_async(bus->connection, &slot, method->service, method->path,
	                                method->interface, "JobRemoved", job_removed, NULL, &job);
	if (r < 0)
		return fail(err, -r, "listen to '%s'", method->service);
	bus_begin(bus, method);
	va_start(values, types);
	add(bus, types, values);
	va_end(values);
	r = send_message(bus, method, timeout_ms, &reply, err);
	if (r == 0 && library->read(reply, "o", &job.path) <= 0)
		r = fail(err, EBADMSG, "%s of '%s'", method->name, method->service);
	if (r == 0)
		r = wait_for_job(bus, &job, deadline, err);
	(void)library->slot_unref(slot);     /* always NULL */
	(void)library->message_unref(reply); /* always NULL */
	return r;
}
