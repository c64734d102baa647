/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Recorded addresses of the containers of a store; see the header. */
#include "network/reserve.h"

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "container/container.h"
#include "container/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#define RECORD_MOST     65536 /* bytes of one addresses file */
#define LOCK_TIMEOUT_MS 10000

/* Numbers that are in use: grows, then is sorted and searched. */
struct numbers {
	uint32_t *items;
	size_t count, room;
};

static void numbers_done(struct numbers *numbers)
{
	free(numbers->items);
	*numbers = (struct numbers){0};
}

static void numbers_add(struct numbers *numbers, uint32_t number)
{
	if (numbers->count == numbers->room) {
		numbers->room = numbers->room ? 2 * numbers->room : 256;
		numbers->items =
			must_realloc(numbers->items, numbers->room * sizeof(*numbers->items));
	}
	numbers->items[numbers->count++] = number;
}

static int compare_numbers(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static bool numbers_have(const struct numbers *numbers, uint32_t number)
{
	return numbers->count &&
	       bsearch(&number, numbers->items, numbers->count, sizeof(number), compare_numbers);
}

/* The lines of an addresses file; none when it is absent. */
static int read_record(int dirfd, const char *path, struct strings *lines, struct error *err)
{
	CLEAN(text_done) struct text text = {0};
	int r = file_read(dirfd, path, RECORD_MOST, &text, err);

	if (r == -ENOENT) {
		error_clear(err);
		return 0;
	}
	if (r < 0)
		return r;
	if (text.data)
		strings_split(lines, text.data, "\n");
	return 0;
}

/* "eth0 10.83.0.17/20" into its two parts; -EINVAL for a line of another form. */
static int read_line(const char *line, char *interface, size_t room, struct address *out)
{
	const char *blank = strchr(line, ' ');
	size_t length = blank ? (size_t)(blank - line) : 0;

	if (length == 0 || length >= room)
		return -EINVAL;
	memcpy(interface, line, length);
	interface[length] = '\0';
	return address_parse(blank + 1, out);
}

/* True when a recorded address can be used in subnet as it is today. */
static bool still_fits(const struct address *subnet, const struct address *address)
{
	uint32_t number = address_number(address);

	return address->family == AF_INET && address_in(subnet, address) &&
	       !address_equal(subnet, address) && number != address_first(subnet) &&
	       number != address_last(subnet);
}

int reserve_recorded(const struct container *container, const char *interface, struct address *out)
{
	CLEAN_FREE char *path = must_printf("%s/addresses", container->dir);
	CLEAN(strings_done) struct strings lines = {0};
	int r = read_record(AT_FDCWD, path, &lines, NULL);

	for (size_t i = 0; r == 0 && i < lines.count; i++) {
		struct address address;
		char name[64];

		if (read_line(lines.items[i], name, sizeof(name), &address) < 0 ||
		    !text_is(name, interface))
			continue;
		*out = address;
		return 0;
	}
	return r < 0 ? r : -ENOENT;
}

int reserve_find(const struct container *container, const char *interface,
                 const struct address *subnet, struct address *out, struct error *err)
{
	CLEAN_FREE char *path = must_printf("%s/addresses", container->dir);
	CLEAN(strings_done) struct strings lines = {0};
	int r = read_record(AT_FDCWD, path, &lines, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < lines.count; i++) {
		struct address address;
		char name[64];

		if (read_line(lines.items[i], name, sizeof(name), &address) < 0 ||
		    !text_is(name, interface) || !still_fits(subnet, &address))
			continue;
		address.prefix = subnet->prefix;
		*out = address;
		return 0;
	}
	return fail(err, ENOENT, "recorded address of '%s'", interface);
}

/* Adds what every container of the store has recorded, but for this interface of this container. */
static int read_store(const struct container *container, const char *interface,
                      struct numbers *taken, struct error *err)
{
	CLEAN_DIR DIR *store = opendir(container->paths->store);
	const struct dirent *entry;

	if (!store)
		return fail(err, errno, "open '%s'", container->paths->store);
	while ((entry = readdir(store))) {
		CLEAN(strings_done) struct strings lines = {0};
		char path[sizeof(entry->d_name) + 16], name[64];
		struct address address;
		int r;

		if (entry->d_name[0] == '.' || entry->d_type == DT_REG)
			continue;
		(void)snprintf(path, sizeof(path), "%s/addresses", entry->d_name);
		r = read_record(dirfd(store), path, &lines, err);
		if (r == -ENOTDIR)
			continue;
		if (r < 0)
			return r;
		for (size_t i = 0; i < lines.count; i++) {
			bool readable =
				read_line(lines.items[i], name, sizeof(name), &address) == 0;

			if (readable && address.family == AF_INET &&
			    !(text_is(entry->d_name, container->name) && text_is(name, interface)))
				numbers_add(taken, address_number(&address));
		}
	}
	return 0;
}

/* The first number of the range that is free, from a place that depends on the container. */
static int choose(const struct container *container, const char *interface,
                  const struct address *subnet, const struct numbers *taken, uint32_t *out)
{
	const char *who = container->config.uuid ? container->config.uuid : container->name;
	CLEAN_FREE char *seed = must_printf("%s %s", who, interface);
	uint32_t first, last, size, start;

	if (!address_own_range(subnet, &first, &last))
		return -ENOSPC;
	size = last - first + 1;
	start = (uint32_t)(text_hash(seed) % size);
	for (uint32_t i = 0; i < size; i++) {
		uint32_t number = first + (uint32_t)(((uint64_t)start + i) % size);

		if (number == address_number(subnet) || numbers_have(taken, number))
			continue;
		*out = number;
		return 0;
	}
	return -ENOSPC;
}

/* Replaces the container's file: its other lines as they are, this interface's line anew. */
static int record(const struct container *container, const char *interface,
                  const struct address *address, struct error *err)
{
	CLEAN_FREE char *path = must_printf("%s/addresses", container->dir);
	CLEAN(strings_done) struct strings lines = {0};
	CLEAN(text_done) struct text text = {0};
	char name[64], written[ADDRESS_TEXT_MAX];
	int r = read_record(AT_FDCWD, path, &lines, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < lines.count; i++) {
		struct address other;

		if (read_line(lines.items[i], name, sizeof(name), &other) == 0 &&
		    !text_is(name, interface))
			text_addf(&text, "%s\n", lines.items[i]);
	}
	text_addf(&text, "%s %s\n", interface, address_format(address, written));
	return file_replace(AT_FDCWD, path, text.data, text.length, 0644, err);
}

int reserve_address(const struct container *container, const char *interface,
                    const struct address *subnet, const struct reserve_taken *extra,
                    struct address *out, struct error *err)
{
	CLEAN(numbers_done) struct numbers taken = {0};
	CLEAN_FD int lock = -1;
	char text[ADDRESS_TEXT_MAX];
	struct address address;
	uint32_t number;
	int r = reserve_find(container, interface, subnet, out, err);

	if (r != -ENOENT)
		return r;
	error_clear(err);
	lock = lock_store(container->paths, LOCK_TIMEOUT_MS, err);
	if (lock < 0)
		return lock;
	r = read_store(container, interface, &taken, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < extra->count; i++)
		numbers_add(&taken, extra->numbers[i]);
	if (taken.count)
		qsort(taken.items, taken.count, sizeof(*taken.items), compare_numbers);
	if (choose(container, interface, subnet, &taken, &number) < 0)
		return fail_plain(err, ENOSPC, "no free address in the lower half of %s",
		                  address_format(subnet, text));
	address = address_from_number(number, subnet->prefix);
	r = record(container, interface, &address, err);
	if (r == 0)
		*out = address;
	return r;
}
