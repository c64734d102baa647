/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making plans of writes, and the planners that both versions share; see limits.h. */
#include "base/cleanup.h"
#include "base/text.h"
#include "cgroup/limits.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void limit_plan_done(struct limit_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		free(plan->writes[i].value);
		free(plan->writes[i].reset);
		free(plan->writes[i].old);
	}
	free(plan->writes);
	*plan = (struct limit_plan){0};
}

struct limit_write *limit_plan_add(struct limit_plan *plan, const char *key, const char *file,
                                   enum limit_form form, const char *format, ...)
{
	struct limit_write *write;
	char value[4200]; /* a line of the configuration has 4096 bytes */
	va_list args;

	va_start(args, format);
	vsnprintf(value, sizeof(value), format, args);
	va_end(args);
	plan->writes = must_realloc(plan->writes, (plan->count + 1) * sizeof(*plan->writes));
	write = &plan->writes[plan->count++];
	*write = (struct limit_write){
		.section = "limits",
		.key = key,
		.file = file,
		.form = form,
		.value = must_dup(value),
	};
	return write;
}

struct limit_write *limit_plan_add_number(struct limit_plan *plan, const struct limit_row *row,
                                          uint64_t value, const char *unlimited)
{
	struct limit_write *write =
		value == LIMIT_UNSET
			? limit_plan_add(plan, row->key, row->file, row->form, "%s", unlimited)
			: limit_plan_add(plan, row->key, row->file, row->form, "%" PRIu64, value);

	write->missing = row->missing;
	return write;
}

uint64_t limit_value(const struct limit_row *row, const struct limits_config *limits)
{
	uint64_t value;

	memcpy(&value, (const char *)limits + row->offset, sizeof(value));
	return value;
}

int limit_plan_bfq(const struct limit_row *row, const struct limit_target *target,
                   const struct limits_config *limits, struct limit_plan *plan, struct error *err)
{
	uint64_t value = limit_value(row, limits);

	(void)target, (void)err; /* the same for all rows */
	if (value == LIMIT_UNSET)
		value = 100;
	limit_plan_add_number(plan, row, value <= 100 ? value : 100 + (value - 100) / 11, "");
	return 0;
}
