/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What sysc-info tells, from what inspect.h found; see the header. */
#include "tools/info_rows.h"

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/table.h"
#include "base/text.h"
#include "network/network.h"
#include "security/lsm.h"
#include "tools/ending.h"
#include "tools/inspect.h"
#include "tools/moment.h"
#include "tools/storage_rows.h"
#include "tools/usage_rows.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

void info_rows_line(struct text *out, const char *label, const char *value)
{
	CLEAN_FREE char *safe = must_dup(value);

	/* failures and reasons may carry names that the guest chose */
	for (char *c = safe; *c; c++)
		if ((unsigned char)*c < 32 || *c == 127)
			*c = '?';
	text_addf(out, "%-15s %s\n", label, safe);
}

static void add_links(const struct state *state, bool is_raw, struct text *out)
{
	for (unsigned int i = 0; i < state->link_count; i++) {
		struct network_counters counters = {0};
		char size[24];

		if (!state->links[i][0])
			continue;
		info_rows_line(out, "Link:", state->links[i]);
		if (network_counters(state->links[i], &counters, NULL) < 0)
			continue; /* it is going away */
		info_rows_line(out, " TX bytes:", usage_rows_size(counters.tx_bytes, is_raw, size));
		info_rows_line(out, " RX bytes:", usage_rows_size(counters.rx_bytes, is_raw, size));
		info_rows_line(
			out, " Total bytes:",
			usage_rows_size(counters.tx_bytes + counters.rx_bytes, is_raw, size));
		if (counters.tx_dropped || counters.rx_dropped)
			usage_rows_number(out,
			                  " Dropped:", counters.tx_dropped + counters.rx_dropped);
	}
}

void info_rows_print_stats(const struct inspect *inspect, bool is_raw, struct text *out)
{
	if (!inspect->is_alive)
		return;
	usage_rows_print(&inspect->usage, is_raw, out);
	add_links(&inspect->state, is_raw, out);
}

static const char *const namespace_names[] = {"user", "mnt", "pid", "net", "uts", "ipc", "cgroup"};

/* "net:[4026532008]", as lsns(8) counts them; "" when it cannot be read. */
static void read_namespace(pid_t pid, const char *name, char out[64])
{
	char path[64];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, name);
	n = readlink(path, out, 63);
	out[n > 0 ? n : 0] = '\0';
}

static void add_namespaces(const struct inspect *inspect, struct text *out)
{
	CLEAN(text_done) struct text value = {0};
	char link[64];

	for (size_t i = 0; i < ARRAY_SIZE(namespace_names); i++) {
		read_namespace(inspect->state.init_pid, namespace_names[i], link);
		if (*link)
			text_addf(&value, "%s%s", value.length ? " " : "", link);
	}
	if (value.length)
		info_rows_line(out, "Namespaces:", value.data);
}

/* What the kernel says of init now; nothing where there is no AppArmor. */
static void add_label(const struct inspect *inspect, struct text *out)
{
	CLEAN(text_done) struct text value = {0};
	char label[LSM_LABEL_MAX], mode[16];

	if (lsm_read("", inspect->state.init_pid, label, mode) < 0 || !label[0])
		return;
	text_addf(&value, *mode ? "%s (%s)" : "%s", label, mode);
	info_rows_line(out, "AppArmor:", value.data);
}

static void json_label(const struct inspect *inspect, struct json *json)
{
	char label[LSM_LABEL_MAX], mode[16];

	if (lsm_read("", inspect->state.init_pid, label, mode) < 0 || !label[0]) {
		json_null(json, "apparmor");
		return;
	}
	json_object(json, "apparmor");
	json_string(json, "label", label);
	json_string(json, "mode", *mode ? mode : NULL);
	json_end_object(json);
}

/* "exit code 0", "killed by SIGKILL"; "" when it is not known. */
static void describe_status(int status, struct text *out)
{
	char name[24];

	if (status < 0)
		return;
	if (WIFEXITED(status)) {
		text_addf(out, "exit code %d", WEXITSTATUS(status));
	} else if (WIFSIGNALED(status)) {
		format_signal(WTERMSIG(status), name);
		text_addf(out, "killed by %s", name);
	}
}

static bool has_oom_kills(const struct state *state)
{
	return state->stop_oom_kills != LIMIT_UNSET && state->stop_oom_kills > 0;
}

/* The time is 0 when nobody saw it. */
static bool has_stopped(const struct state *state)
{
	return state->stopped_ms || (state->phase == STATE_STOPPED && state->stop_who[0]);
}

static void add_past(const struct state *state, struct text *out)
{
	CLEAN(text_done) struct text status = {0}, line = {0};
	char when[MOMENT_ROOM];

	if (has_stopped(state)) {
		describe_status(state->stop_status, &status);
		text_add(&line, state->stopped_ms ? moment_format(state->stopped_ms, when)
		                                  : "at an unknown time");
		if (state->stop_who[0])
			text_addf(&line, " by %s", state->stop_who);
		if (status.length)
			text_addf(&line, ", %s", status.data);
		if (has_oom_kills(state))
			text_addf(&line, ", OOM kills %llu",
			          (unsigned long long)state->stop_oom_kills);
		if (state->stop_health[0])
			text_addf(&line, ", %s", state->stop_health);
		info_rows_line(out, "Last stop:", line.data);
		if (state->stop_decision[0])
			info_rows_line(out, "Then:", state->stop_decision);
	}
	text_done(&line);
	if (!state->failure[0])
		return;
	if (state->failed_ms)
		text_addf(&line, "%s: ", moment_format(state->failed_ms, when));
	text_add(&line, state->failure);
	info_rows_line(out, "Last failure:", line.data);
}

static void add_since(const struct state *state, struct text *out)
{
	CLEAN(text_done) struct text value = {0};
	char when[MOMENT_ROOM], span[MOMENT_ROOM];

	if (!state->started_ms)
		return;
	text_addf(&value, "%s (%s)", moment_format(state->started_ms, when),
	          moment_format_span(state_now_ms() - state->started_ms, span));
	info_rows_line(out, "Started:", value.data);
}

static void add_ready(const struct state *state, struct text *out)
{
	CLEAN(text_done) struct text value = {0};
	char when[MOMENT_ROOM], span[MOMENT_ROOM];

	if (state->ready_ms) {
		text_addf(&value, "yes, since %s", moment_format(state->ready_ms, when));
		if (state->ready_ms > state->started_ms)
			text_addf(&value, " (%s after its start)",
			          moment_format_span(state->ready_ms - state->started_ms, span));
	} else if (state->not_ready[0]) {
		text_addf(&value, "no: %s", state->not_ready);
	} else {
		text_add(&value, "not yet");
	}
	info_rows_line(out, "Ready:", value.data);
	if (state->health[0])
		info_rows_line(out, "Health:", state->health);
	if (state->guest_status[0])
		info_rows_line(out, "Status:", state->guest_status);
}

static void add_restart(const struct state *state, struct text *out)
{
	CLEAN(text_done) struct text value = {0};

	ending_describe_restart(state, &value);
	if (value.length)
		info_rows_line(out, "Restart:", value.data + strlen("restart "));
}

/* "yes, order 10, after db1, delay 5s", "no". */
static void add_boot(const struct inspect *inspect, struct text *out)
{
	const struct boot_config *boot = &inspect->container.config.boot;
	CLEAN(text_done) struct text value = {0};

	if (!inspect->has_config)
		return; /* broken, or not ours to read */
	text_add(&value, boot->autostart ? "yes" : "no");
	if (boot->autostart || boot->order)
		text_addf(&value, ", order %llu", (unsigned long long)boot->order);
	for (size_t i = 0; i < boot->after.count; i++)
		text_addf(&value, "%s%s", i ? " and " : ", after ", boot->after.items[i]);
	if (boot->delay_ms)
		text_addf(&value, ", delay %lld.%03lld s", (long long)(boot->delay_ms / 1000),
		          (long long)(boot->delay_ms % 1000));
	info_rows_line(out, "Autostart:", value.data);
}

static void json_boot(const struct inspect *inspect, struct json *json)
{
	const struct boot_config *boot = &inspect->container.config.boot;

	if (!inspect->has_config) {
		json_null(json, "boot");
		return;
	}
	json_object(json, "boot");
	json_bool(json, "autostart", boot->autostart);
	json_unsigned(json, "order", boot->order);
	json_number(json, "delay_ms", boot->delay_ms);
	json_array(json, "after");
	for (size_t i = 0; i < boot->after.count; i++)
		json_string(json, NULL, boot->after.items[i]);
	json_end_array(json);
	json_string(json, "ready", boot->ready);
	json_number(json, "ready_timeout_ms", boot->ready_timeout_ms);
	json_end_object(json);
}

void info_rows_print(const struct inspect *inspect, bool is_raw, struct text *out)
{
	const struct state *state = &inspect->state;

	info_rows_line(out, "Name:", inspect->name);
	info_rows_line(out, "State:", inspect->has_state ? state_name(state->phase) : "unknown");
	add_restart(state, out);
	if (inspect->is_alive) {
		usage_rows_number(out, "PID:", (uint64_t)state->init_pid);
		if (state_is_orphan(state)) {
			info_rows_line(out, "Supervisor:", "gone; the next command takes over");
		} else {
			usage_rows_number(out, "Monitor PID:", (uint64_t)state->monitor_pid);
			usage_rows_number(out, "Keeper PID:", (uint64_t)state->keeper_pid);
		}
		add_since(state, out);
		add_ready(state, out);
		if (state->init_kind[0])
			info_rows_line(out, "Init:", state->init_kind);
		for (size_t i = 0; i < inspect->ipv4.count; i++)
			info_rows_line(out, "IP:", inspect->ipv4.items[i]);
		for (size_t i = 0; i < inspect->ipv6.count; i++)
			info_rows_line(out, "IP:", inspect->ipv6.items[i]);
		info_rows_print_stats(inspect, is_raw, out);
		info_rows_line(out, "Id map:", *state->id_map ? state->id_map : "privileged");
		if (state->cgroup[0])
			info_rows_line(out, "Cgroup:", state->cgroup);
		if (state->unit[0])
			info_rows_line(out, "Unit:", state->unit);
		add_label(inspect, out);
		add_namespaces(inspect, out);
	}
	if (inspect->has_config)
		storage_rows_print(&inspect->container.config, is_raw, out);
	add_boot(inspect, out);
	add_past(state, out);
}

static void json_links(const struct state *state, struct json *json)
{
	json_array(json, "links");
	for (unsigned int i = 0; i < state->link_count; i++) {
		struct network_counters counters = {0};

		if (!state->links[i][0] || network_counters(state->links[i], &counters, NULL) < 0)
			continue;
		json_object(json, NULL);
		json_string(json, "host_name", state->links[i]);
		json_unsigned(json, "tx_bytes", counters.tx_bytes);
		json_unsigned(json, "rx_bytes", counters.rx_bytes);
		json_unsigned(json, "tx_packets", counters.tx_packets);
		json_unsigned(json, "rx_packets", counters.rx_packets);
		json_unsigned(json, "tx_dropped", counters.tx_dropped);
		json_unsigned(json, "rx_dropped", counters.rx_dropped);
		json_end_object(json);
	}
	json_end_array(json);
}

static void json_addresses(const struct inspect *inspect, struct json *json)
{
	json_array(json, "addresses");
	for (size_t i = 0; i < inspect->ipv4.count; i++)
		json_string(json, NULL, inspect->ipv4.items[i]);
	for (size_t i = 0; i < inspect->ipv6.count; i++)
		json_string(json, NULL, inspect->ipv6.items[i]);
	json_end_array(json);
}

static void json_namespaces(const struct inspect *inspect, struct json *json)
{
	char link[64];

	json_object(json, "namespaces");
	for (size_t i = 0; i < ARRAY_SIZE(namespace_names); i++) {
		uint64_t inode = 0;
		char *number;

		read_namespace(inspect->state.init_pid, namespace_names[i], link);
		number = strchr(link, '[');
		if (number && strchr(number, ']'))
			*strchr(number, ']') = '\0';
		if (number && parse_uint(number + 1, UINT64_MAX, &inode) == 0)
			json_unsigned(json, namespace_names[i], inode);
	}
	json_end_object(json);
}

static void json_restart(const struct state *state, struct json *json)
{
	char when[MOMENT_ROOM];

	json_object(json, "restart");
	json_unsigned(json, "count", state->restarts);
	usage_json_amount(json, "limit", state->restart_limit);
	json_string(json, "at",
	            state->restart_at_ms ? moment_format(state->restart_at_ms, when) : NULL);
	json_end_object(json);
}

static void json_past(const struct state *state, struct json *json)
{
	char when[MOMENT_ROOM];

	if (has_stopped(state)) {
		json_object(json, "last_stop");
		json_string(json, "time",
		            state->stopped_ms ? moment_format(state->stopped_ms, when) : NULL);
		json_string(json, "who", state->stop_who[0] ? state->stop_who : NULL);
		if (state->stop_status >= 0 && WIFEXITED(state->stop_status))
			json_number(json, "exit_code", WEXITSTATUS(state->stop_status));
		if (state->stop_status >= 0 && WIFSIGNALED(state->stop_status))
			json_number(json, "signal", WTERMSIG(state->stop_status));
		usage_json_amount(json, "oom_kills", state->stop_oom_kills);
		json_string(json, "reason", state->stop_reason[0] ? state->stop_reason : NULL);
		json_string(json, "decision",
		            state->stop_decision[0] ? state->stop_decision : NULL);
		json_string(json, "health", state->stop_health[0] ? state->stop_health : NULL);
		json_end_object(json);
	} else {
		json_null(json, "last_stop");
	}
	if (state->failure[0]) {
		json_object(json, "last_failure");
		json_string(json, "time",
		            state->failed_ms ? moment_format(state->failed_ms, when) : NULL);
		json_string(json, "text", state->failure);
		json_end_object(json);
	} else {
		json_null(json, "last_failure");
	}
}

static void json_ready(const struct state *state, struct json *json)
{
	char when[MOMENT_ROOM];

	json_string(json, "ready", state->ready_ms ? moment_format(state->ready_ms, when) : NULL);
	json_string(json, "not_ready", state->not_ready[0] ? state->not_ready : NULL);
	json_string(json, "health", state->health[0] ? state->health : NULL);
	json_string(json, "status", state->guest_status[0] ? state->guest_status : NULL);
}

void info_rows_json(const struct inspect *inspect, struct json *json)
{
	const struct state *state = &inspect->state;
	char when[MOMENT_ROOM];

	json_string(json, "name", inspect->name);
	json_string(json, "state", inspect->has_state ? state_name(state->phase) : NULL);
	if (inspect->is_alive) {
		json_number(json, "pid", state->init_pid);
		if (state_is_orphan(state)) { /* the next command takes over */
			json_null(json, "monitor_pid");
			json_null(json, "keeper_pid");
		} else {
			json_number(json, "monitor_pid", state->monitor_pid);
			json_number(json, "keeper_pid", state->keeper_pid);
		}
		json_string(json, "started", moment_format(state->started_ms, when));
		json_ready(state, json);
		json_string(json, "init", state->init_kind[0] ? state->init_kind : NULL);
		json_addresses(inspect, json);
		usage_rows_json(&inspect->usage, json);
		json_links(state, json);
		json_string(json, "id_map", *state->id_map ? state->id_map : NULL);
		json_string(json, "cgroup", state->cgroup);
		json_string(json, "unit", *state->unit ? state->unit : NULL);
		json_label(inspect, json);
		json_namespaces(inspect, json);
	} else {
		json_null(json, "pid");
	}
	if (inspect->has_config)
		storage_rows_json(&inspect->container.config, json);
	else
		json_null(json, "storage");
	json_boot(inspect, json);
	json_restart(state, json);
	json_past(state, json);
}
