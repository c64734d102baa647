/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which AppArmor label a container gets on captured hosts, reading labels, and handles of /proc that are none. */
#include "security/lsm.h"

#include "base/cleanup.h"
#include "base/compat.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "container/config.h"
#include "container/paths.h"
#include "tests/lib/folder.h"
#include "tests/lib/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define CHECK_TEXT(got, want) CHECK(text_is(got, want))

static char *data_path(const char *name)
{
	const char *source = secure_getenv("top_srcdir");

	return must_printf("%s/tests/data/lsm/%s", source ? source : "..", name);
}

/* word: [security] apparmor, NULL: not set */
static int prepare(const char *tree, const char *word, const struct config *kind,
                   struct lsm_choice *out, struct error *err)
{
	CLEAN_FREE char *host = data_path(tree);
	/* a folder without our profiles: nothing is loaded into the kernel of whoever runs this */
	CLEAN_FREE char *config_folder = data_path("config");
	CLEAN_FREE char *copy = word ? must_dup(word) : NULL;
	struct paths paths = {.config = config_folder};
	struct config config = *kind;

	config.apparmor = copy;
	*out = (struct lsm_choice){.label = "untouched"};
	return lsm_prepare(&config, &paths, host, out, err);
}

static const struct config plain, privileged = {.privileged = true}, nesting = {.nesting = true},
				  both = {.privileged = true, .nesting = true};

static void check_label(const char *tree, const char *word, const struct config *kind,
                        const char *label, bool hides)
{
	struct lsm_choice choice;
	struct error err = {0};

	if (prepare(tree, word, kind, &choice, &err) < 0)
		printf("# %s\n", err.text);
	CHECK_TEXT(choice.label, label);
	CHECK(choice.hides_mount_calls == hides);
	CHECK_TEXT(choice.note, "");
}

TEST(auto_goes_by_the_kind_of_container)
{
	check_label("loaded", NULL, &plain, "sysc-container", false);
	check_label("loaded", "auto", &plain, "sysc-container", false);
	check_label("loaded", "auto", &privileged, "sysc-container-privileged", true);
	check_label("loaded", "auto", &nesting, "sysc-container-nesting", false);
	check_label("loaded", "auto", &both, "sysc-container-nesting", false);
	check_label("loaded", "sysc-container-privileged", &plain, "sysc-container-privileged",
	            true);
}

TEST(no_label_where_there_is_no_apparmor_or_none_is_asked_for)
{
	check_label("none", "auto", &plain, "", false);
	check_label("none", "auto", &privileged, "", false);
	check_label("off", "auto", &privileged, "", false);
	check_label("off", "unconfined", &privileged, "", false);
	check_label("loaded", "unconfined", &privileged, "", false);
}

/* in a container of somebody else's: what it starts stays in that profile */
TEST(no_label_where_sysc_itself_is_confined)
{
	check_label("confined", "auto", &plain, "", false);
	check_label("confined", "auto", &privileged, "", false);
}

TEST(a_name_that_is_loaded_is_taken)
{
	check_label("loaded", "/usr/bin/man", &plain, "/usr/bin/man", false);
	check_label("loaded", "my own", &plain, "my own", false);
	/* not in the list of profiles: the kernel decides */
	check_label("loaded", "sysc-container//&lsb_release", &plain,
	            "sysc-container//&lsb_release", false);
	check_label("loaded", ":other:name", &plain, ":other:name", false);
}

static void check_error(const char *tree, const char *word, const struct config *kind, int code,
                        const char *part)
{
	struct lsm_choice choice;
	struct error err = {0};

	CHECK_INT(prepare(tree, word, kind, &choice, &err), -code);
	CHECK_TEXT(choice.label, "untouched");
	if (!strstr(err.text, part))
		printf("# '%s' is not in '%s'\n", part, err.text);
	CHECK(strstr(err.text, part));
	CHECK(text_starts(err.text, "security.apparmor"));
}

TEST(a_name_that_is_not_loaded_is_an_error)
{
	check_error("off", "my", &plain, EOPNOTSUPP, "AppArmor is not enabled here");
	check_error("none", "sysc-container", &plain, EOPNOTSUPP, "AppArmor is not enabled here");
	/* the beginning of another name, and one that is longer */
	check_error("loaded", "my", &plain, ENOENT, "profile 'my' is not loaded");
	check_error("loaded", "sysc", &plain, ENOENT, "apparmor_parser -r");
	check_error("bare", "sysc-container", &plain, ENOENT, "sysc-container");
	check_error("unmounted", "my", &plain, ENOENT, "/sys/kernel/security");
}

TEST(a_profile_of_ours_that_cannot_be_loaded)
{
	struct lsm_choice choice;
	struct error err = {0};

	check_error("bare", "auto", &privileged, ENOENT, "security.apparmor = unconfined");
	check_error("unmounted", "auto", &privileged, ENOENT, "/sys/kernel/security");
	CHECK_INT(prepare("bare", "auto", &plain, &choice, &err), 0);
	CHECK_TEXT(choice.label, "");
	CHECK(text_starts(choice.note, "runs without an AppArmor profile: "));
	CHECK(choice.note[strlen(choice.note) - 1] != ' ');
}

TEST(labels_and_modes_are_read)
{
	CLEAN_FREE char *host = data_path("loaded");
	CLEAN_FREE char *off = data_path("off");
	char label[LSM_LABEL_MAX], mode[16];

	CHECK_INT(lsm_read(host, 4711, label, mode), 0);
	CHECK_TEXT(label, "sysc-container");
	CHECK_TEXT(mode, "enforce");
	CHECK_INT(lsm_read(host, 4712, label, mode), 0);
	CHECK_TEXT(label, "sysc-container//&:ns:other");
	CHECK_TEXT(mode, "complain");
	CHECK_INT(lsm_read(host, 4713, label, mode), 0);
	CHECK_TEXT(label, "unconfined");
	CHECK_TEXT(mode, "");
	CHECK_INT(lsm_read(host, 4714, label, NULL), -ENOENT);
	CHECK_INT(lsm_read(off, 4711, label, NULL), 0);
	CHECK_TEXT(label, "");
}

/* what a guest could offer instead of /proc: nothing is written into it */
TEST(a_false_proc_is_refused)
{
	FOLDER(folder);
	CLEAN_FREE char *file = folder_write(folder, "thread-self/attr/apparmor/exec", "untouched");

	CHECK_INT(lsm_open(dir), -EXDEV);
	CHECK(renameat(dir, "thread-self", dir, "old") == 0);
	CHECK(symlinkat("/proc/thread-self", dir, "thread-self") == 0);
	CHECK_INT(lsm_open(dir), -EXDEV); /* the way out of the folder is closed */
}

TEST(the_real_proc_is_taken)
{
	struct error err = {0};
	CLEAN_FD int proc = lsm_open_proc(&err);
	CLEAN_FD int attr = -1;

	CHECK(proc >= 0);
	attr = lsm_open(proc);
	if (attr == -ENOENT)
		SKIP("this kernel has no security modules");
	CHECK(attr >= 0);
	/* no AppArmor, or no such profile */
	CHECK(lsm_set(attr, "sysc-test-not-there") < 0);
}
