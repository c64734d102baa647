/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the configuration to the plan of a start; see the header. */
#include "runtime/plan.h"

#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/file.h"
#include "container/container.h"
#include "container/rlimits.h"
#include "container/uuid.h"
#include "runtime/console.h"
#include "runtime/mounts_lock.h"
#include "security/capabilities.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>

void plan_init(struct plan *plan)
{
	*plan = (struct plan){
		.init_fd = -1, .proc_fd = -1, .stdio = {-1, -1, -1}
        };
	storage_root_init(&plan->root);
}

void plan_done(struct plan *plan)
{
	storage_root_done(&plan->root);
	fd_close(&plan->init_fd);
	fd_close(&plan->proc_fd);
	strings_done(&plan->argv);
	strings_done(&plan->env);
	mount_list_done(&plan->mounts);
	device_list_done(&plan->devices);
	seccomp_program_done(&plan->seccomp);
	strings_done(&plan->sysctl_files);
	free(plan->resolv_conf);
	plan_init(plan);
}

static int plan_ids(struct plan *plan, struct error *err)
{
	const struct config *config = &plan->container->config;

	plan->namespaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET;
	if (config->privileged)
		return 0;
	plan->has_userns = true;
	plan->namespaces |= CLONE_NEWUSER;
	return idmap_parse(&plan->map, &config->idmap, err);
}

/* The words of container.init, /sbin/init by default. */
static int plan_argv(struct plan *plan, struct error *err)
{
	const struct config *config = &plan->container->config;
	char where[512];

	if (!config->init) {
		strings_add(&plan->argv, "/sbin/init");
		return 0;
	}
	if (strings_split_command(&plan->argv, config->init) < 0 || !plan->argv.count ||
	    plan->argv.items[0][0] != '/')
		return fail_plain(
			err, EINVAL, "container.init: '%s' is no absolute path with arguments%s",
			config->init,
			config_where(config, "container", "init", 0, where, sizeof(where)));
	return 0;
}

static int plan_init_program(struct plan *plan, struct error *err)
{
	const struct config *config = &plan->container->config;
	char where[512];
	int r = plan_argv(plan, err);

	if (r < 0)
		return r;
	r = init_detect(plan->root.fd, plan->argv.items[0], &plan->init, err);
	if (r < 0)
		return fail_hint(
			err, "root file system %s%s", config->rootfs_path,
			config_where(config, "container", "init", 0, where, sizeof(where)));
	return 0;
}

/* sysc-init from the host, by fd: it needs nothing in the container. */
static int plan_execute(struct plan *plan, const struct plan_execute *execute, struct error *err)
{
	static const struct init_kind helper = {
		.name = "sysc-init", .halt_signal = SIGTERM, .reboot_signal = SIGTERM};
	CLEAN_FREE char *path = must_printf("%s/sysc-init", plan->container->paths->libexec);

	plan->init = &helper;
	plan->init_fd = open(path, O_RDONLY | O_CLOEXEC);
	if (plan->init_fd < 0)
		return fail(err, errno, "open '%s'", path);
	strings_add(&plan->argv, "sysc-init");
	strings_add(&plan->argv, "--");
	for (char *const *word = execute->argv; *word; word++)
		strings_add(&plan->argv, *word);
	memcpy(plan->stdio, execute->stdio, sizeof(plan->stdio));
	return 0;
}

static void plan_signals(struct plan *plan)
{
	const struct config *config = &plan->container->config;

	plan->halt_signal = config->halt_signal ? config->halt_signal : plan->init->halt_signal;
	plan->reboot_signal =
		config->reboot_signal ? config->reboot_signal : plan->init->reboot_signal;
	plan->kill_signal = config->kill_signal ? config->kill_signal : SIGKILL;
}

static void plan_env(struct plan *plan)
{
	const struct config *config = &plan->container->config;

	strings_add(&plan->env,
	            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	strings_add(&plan->env, "container=lxc");
	strings_add(&plan->env, "HOME=/");
	strings_add(&plan->env, "TERM=linux");
	if (config->uuid)
		strings_give(&plan->env, must_printf("container_uuid=%s", config->uuid));
	if (plan->init->wants_ttys && config->ttys) {
		CLEAN(text_done) struct text ttys = {0};

		for (uint64_t i = 1; i <= config->ttys; i++)
			text_addf(&ttys, "%spts/%llu", i > 1 ? " " : "", (unsigned long long)i);
		strings_give(&plan->env, must_printf("container_ttys=%s", ttys.data));
	}
	if (plan->has_notify)
		strings_add(&plan->env, "NOTIFY_SOCKET=" MOUNTS_NOTIFY);
	for (size_t i = 0; i < config->environment.count; i++)
		strings_add(&plan->env, config->environment.items[i]);
}

static int plan_rlimits(struct plan *plan, struct error *err)
{
	const struct pairs *pairs = &plan->container->config.rlimits;

	for (size_t i = 0; i < pairs->names.count; i++) {
		struct plan_rlimit *limit = &plan->rlimits[plan->rlimit_count];
		char where[512];
		int r = 0;

		if (plan->rlimit_count == PLAN_RLIMITS_MAX)
			return fail(err, E2BIG, "rlimits");
		r = rlimits_parse(pairs->names.items[i], pairs->values.items[i], &limit->resource,
		                  &limit->value, err);
		if (r < 0)
			return fail_in(err, "rlimits.%s%s", pairs->names.items[i],
			               config_where(&plan->container->config, "rlimits",
			                            pairs->names.items[i], 0, where,
			                            sizeof(where)));
		plan->rlimit_count++;
	}
	return 0;
}

static void plan_sysctl(struct plan *plan)
{
	const struct pairs *pairs = &plan->container->config.sysctl;

	for (size_t i = 0; i < pairs->names.count; i++) {
		char *file = must_dup(pairs->names.items[i]);

		for (char *at = file; *at; at++)
			if (*at == '.')
				*at = '/';
		strings_give(&plan->sysctl_files, file);
	}
}

static void plan_names(struct plan *plan)
{
	const struct config *config = &plan->container->config;
	char uuid[37];

	(void)snprintf(plan->hostname, sizeof(plan->hostname), "%s",
	               config->hostname ? config->hostname : plan->container->name);
	uuid_make(uuid);
	(void)snprintf(plan->boot_id, sizeof(plan->boot_id), "%s\n", uuid);
	if (text_is(config->arch, "i686") || text_is(config->arch, "i386") ||
	    text_is(config->arch, "armhf"))
		plan->personality = PER_LINUX32;
}

static int plan_security(struct plan *plan, struct error *err)
{
	const struct config *config = &plan->container->config;
	int r = capabilities_keep_mask(config, &plan->keep_capabilities, err);

	plan->no_new_privileges = config->no_new_privileges;
	if (r == 0)
		r = lsm_prepare(config, plan->container->paths, "", &plan->lsm, err);
	if (r == 0)
		r = seccomp_prepare(config, plan->container->paths, plan->lsm.hides_mount_calls,
		                    &plan->seccomp, err);
	if (r < 0 || !plan->lsm.label[0])
		return r;
	plan->proc_fd = lsm_open_proc(err);
	return plan->proc_fd < 0 ? plan->proc_fd : 0;
}

int plan_make(struct plan *plan, const struct container *container,
              const struct plan_execute *execute, struct error *err)
{
	const struct config *config = &container->config;
	struct mount_policy policy = {.privileged = config->privileged, .nesting = config->nesting};
	CLEAN_FREE char *notify = must_printf("%s/notify", container->run_dir);
	int r;

	plan->container = container;
	if (config->ttys > CONSOLE_TTYS_MAX)
		return fail_plain(err, ERANGE, "console.ttys: at most %d", CONSOLE_TTYS_MAX);
	r = plan_ids(plan, err);
	if (r < 0)
		return r;
	r = storage_open(container, &plan->root, err);
	if (r < 0)
		return r;
	r = execute ? plan_execute(plan, execute, err) : plan_init_program(plan, err);
	if (r < 0)
		return r;
	plan->has_notify = !execute && config_ready(config, NULL) == READY_NOTIFY;
	plan_signals(plan);
	plan_env(plan);
	plan_names(plan);
	plan_sysctl(plan);
	r = plan_rlimits(plan, err);
	if (r == 0)
		r = plan_security(plan, err);
	policy.sys_readonly = plan->init->sys_readonly;
	policy.notify = plan->has_notify ? notify : NULL;
	if (r == 0)
		r = mounts_plan(&plan->mounts, config, &policy, err);
	if (r == 0 && plan->has_userns)
		r = mounts_lock(&plan->mounts, err);
	if (r == 0)
		r = devices_plan(&plan->devices, config, config->privileged, err);
	return r;
}
