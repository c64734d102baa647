/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading, overriding, asking and checking configurations. */
#include "container/config.h"

#include "../lib/folder.h"
#include "../lib/need.h"
#include "../lib/tap.h"
#include "base/error.h"

#include <errno.h>
#include <sys/stat.h>

/* Loads content as FOLDER/config; err and errors as config_load(). */
static int load(struct config *config, const char *folder, const char *content,
                struct strings *errors, struct error *err)
{
	CLEAN_FREE char *file = folder_write(folder, "config", content);

	config_init(config);
	return config_load(config, file, errors, err);
}

TEST(defaults)
{
	CLEAN(config_done) struct config config;

	config_init(&config);
	CHECK(config.boot.restart_limit == 5); /* a limit with a default of its own */
	CHECK(text_is(config.init, "/sbin/init") && text_is(config.seccomp, "default"));
	CHECK(!config.privileged && !config.ephemeral && !config.nesting);
	CHECK(config.rootfs_managed && config.console_log && !config.rootfs_readonly);
	CHECK_INT(config.stop_timeout_ms, 60000);
	CHECK_INT(config.halt_signal, CONFIG_SIGNAL_AUTO);
	CHECK_INT(config.ttys, 4);
	CHECK_INT(config.console_log_size, 10 << 20);
	CHECK_INT(config.console_buffer, 128 << 10);
	CHECK(config.limits.memory == LIMIT_UNSET && config.limits.millicpus == LIMIT_UNSET &&
	      config.limits.io_weight == LIMIT_UNSET && !config.limits.cpuset);
	CHECK(text_is(config.mount_proc, "auto") && text_is(config.mount_sys, "auto"));
	CHECK(!config.network_count && !config.item_count && !config.hostname);
}

TEST(a_whole_file)
{
	FOLDER(folder);
	CLEAN(config_done) struct config config;
	struct error err = {0};
	char place[256];
	const struct network_config *network;

	CHECK_INT(load(&config, folder,
	               "\xef\xbb\xbf; web1\n"
	               "[container]\r\n"
	               "hostname = web.example.org ; as in DNS\n"
	               "environment = A=1\n"
	               "environment=B=x;y # z\n"
	               "[limits]\n"
	               "\tmemory = 512M\n"
	               "  memory=1G\n"
	               "cpus = 1.5\n"
	               "pids = max\n"
	               "io = /dev/vda rbps=10M wiops=500\n"
	               "[network.eth0]\n"
	               "bridge = br0\n"
	               "address = auto\n"
	               "address = fd00::2/64\n"
	               "mtu = 1400\n"
	               "[network.lan]\n"
	               "[cgroup]\n"
	               "memory.oom.group = 1\n"
	               "v1:memory.swappiness = 10\n"
	               "[sysctl]\n"
	               "net.ipv4.ip_forward = 0\n"
	               "net.ipv4.ip_forward = 1\n"
	               "[stop]\n"
	               "halt_signal = SIGRTMIN+3\n"
	               "timeout = 90s\n"
	               "# the end\n"
	               "[rootfs]\n"
	               "readonly = yes",
	               NULL, &err),
	          0);
	CHECK(text_is(config.hostname, "web.example.org"));
	CHECK_INT(config.environment.count, 2);
	CHECK(text_is(config.environment.items[1], "B=x;y # z"));
	CHECK_INT(config.limits.memory, 1 << 30);
	CHECK_INT(config.limits.millicpus, 1500);
	CHECK(config.limits.pids == LIMIT_UNSET);
	CHECK_INT(config.limits.io.count, 1);
	CHECK_INT(config.network_count, 2);
	network = &config.networks[0];
	CHECK(text_is(network->name, "eth0") && text_is(network->bridge, "br0"));
	CHECK_INT(network->address.count, 2);
	CHECK_INT(network->mtu, 1400);
	CHECK_INT(network->type, NETWORK_VETH);
	CHECK(text_is(config.networks[1].name, "lan") && !config.networks[1].bridge);
	CHECK_INT(config.cgroup.names.count, 2);
	CHECK(text_is(config.cgroup.names.items[1], "v1:memory.swappiness"));
	CHECK_INT(config.sysctl.names.count, 1);
	CHECK(text_is(config.sysctl.values.items[0], "1") && !config.sysctl.values.items[1]);
	CHECK_INT(config.halt_signal, SIGRTMIN + 3);
	CHECK_INT(config.stop_timeout_ms, 90000);
	CHECK(config.rootfs_readonly);
	CHECK(text_ends(config_where(&config, "limits", "memory", 0, place, sizeof(place)),
	                "/config:8)"));
	CHECK(text_ends(config_where(&config, "network.eth0", "address", 1, place, sizeof(place)),
	                "/config:15)"));
	CHECK(text_is(config_where(&config, "network.eth0", "address", 2, place, sizeof(place)),
	              ""));
	CHECK(text_is(config_where(&config, "limits", "swap", 0, place, sizeof(place)), ""));
}

/* One wrong line 2 below [SECTION] in line 1, and what the message must hold behind file:line. */
static const struct {
	const char *section, *line, *says;
} wrong[] = {
	{"container",    "hostnam = x",					    "unknown key 'hostnam' in section 'container' (did you mean"},
	{"container",    "memory = 1G",					    "it belongs to section 'limits'"                            },
	{"container",    "hostname",					       "neither 'key = value' nor '[section]'"                     },
	{"container",    "= x",						    "a value without a key"                                     },
	{"container",    "description = a\x1b[31mb",                               "a control character"                                       },
	{"container",    "privileged = maybe",                                     "container.privileged: 'maybe' is not yes or no"            },
	{"container",    "init = sbin/init",                                       "absolute path"                                             },
	{"container",    "init = /sbin/init 'a",                                   "a quote is not closed"                                     },
	{"container",    "environment = 1A=2",                                     "NAME=value"                                                },
	{"container",    "uuid = 1-2",					     "is not a UUID"                                             },
	{"container",    "include = none.conf",                                    "container.include: open '"                                 },
	{"container",    "[limits",						"not closed by ']'"                                         },
	{"container",    "[limits] x",					     "text after the section's name"                             },
	{"container",    "[]",						     "a section without a name"                                  },
	{"container",    "[limit]",						"unknown section 'limit' (did you mean 'limits'?)"          },
	{"container",    "[network]",					      "needs the interface's name"                                },
	{"container",    "[network.]",					     "not an interface name"                                     },
	{"container",    "[network.a/b]",					  "not an interface name"                                     },
	{"container",    "[network.sixteenletters01]",                             "not an interface name"                                     },
	{"container",    "[container.x]",					  "unknown section 'container.x'"                             },
	{"container",    "[aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee]",   "longer than 49"                                            },
	{"container",    "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee = 1", "longer than 49"                                            },
	{"stop",         "halt_signal = SIGNOPE",                                  "not a signal"                                              },
	{"stop",         "timeout = soon",					 "not a time"						},
	{"rootfs",       "path = zip:tank/x",                                      "'zip' is none of dir, overlay"                             },
	{"rootfs",       "path = zfs:/tank/x",                                     "not of the form GROUP/VOLUME"                              },
	{"rootfs",       "path = overlay:/lower",                                  "not of the form /LOWER:/FOLDER"                            },
	{"rootfs",       "path = overlay:/lower:folder",                           "not an absolute path"                                      },
	{"rootfs",       "path = best:/x",					 "none of dir"                                               },
	{"rootfs",       "path = rootfs",					  "not an absolute path"                                      },
	{"rootfs",       "backend = die",					  "(did you mean 'dir'?)"                                     },
	{"rootfs",       "size = lots",					    "rootfs.size: 'lots' is not"                                },
	{"idmap",        "map = b 0 1048576",                                      "u|g|b INSIDE OUTSIDE COUNT"                                },
	{"network.eth0", "type = macvlan",                                         "network.eth0.type: 'macvlan' is not supported yet"         },
	{"network.eth0", "type = vet",					     "none of veth, none (did you mean 'veth'?)"                 },
	{"network.eth0", "link = eth0",					    "not supported yet"                                         },
	{"network.eth0", "mtu = 20",					       "between 68 and 65535"                                      },
	{"network.eth0", "address = 10.0.0.1",                                     "(write 10.0.0.1/24, for example)"                          },
	{"network.eth0", "address = 10.0.0.1/33",                                  "not an address"                                            },
	{"network.eth0", "gateway = 10.0.0.0/8",                                   "not an address"                                            },
	{"network.eth0", "mac = 11:66:6a:xx:xx:xx",                                "multicast"                                                 },
	{"network.eth0", "mac = 10:66:6a:xx:xx",                                   "not a MAC address"                                         },
	{"network.eth0", "route = 10.0.0.0/8 fd00::1",                             "not a route"                                               },
	{"limits",       "memory = 1.5Q",					  "limits.memory: '1.5Q' is not a size"                       },
	{"limits",       "memory = 0",					     "too small"						 },
	{"limits",       "memory = 18446744073709551615",                          "too"                                                       },
	{"limits",       "cpus = 0",					       "limits.cpus: '0' is"                                       },
	{"limits",       "cpu_weight = 10001",                                     "between 1 and 10000"                                       },
	{"limits",       "pids = -1",					      "not a number"					      },
	{"limits",       "cpuset = 3-1",					   "not a list of cpus"                                        },
	{"limits",       "io = /dev/vda rbsp=1M",                                  "did you mean 'rbps'?"                                      },
	{"limits",       "hugetlb = 2M 1G",					"not supported yet"                                         },
	{"cgroup",       "cgroup.procs = 1",				       "sysc's own business"                                       },
	{"cgroup",       "../memory.max = 1",                                      "not a file of a cgroup"                                    },
	{"rlimits",      "nofiles = 10",					   "did you mean 'nofile'?"                                    },
	{"rlimits",      "nofile = many",					  "SOFT[:HARD]"                                               },
	{"rlimits",      "nofile = 10:5",					  "above the hard one"                                        },
	{"rlimits",      "nofile = unlimited:5",                                   "above the hard one"                                        },
	{"sysctl",       "vm.swappiness = 1",                                      "whole host"                                                },
	{"sysctl",       "kernel.core_pattern = x",                                "whole host"                                                },
	{"sysctl",       "net..x = 1",					     "name of a sysctl"                                          },
	{"mounts",       "entry = /srv",					   "fstab"						     },
	{"mounts",       "entry = /srv ../srv none bind",                          "'..'"                                                      },
	{"mounts",       "proc = rx",					      "none of auto, rw, ro, mixed"                               },
	{"devices",      "allow = /dev/fuse rwx",                                  "not a device rule"                                         },
	{"devices",      "allow = c 10 rwm",                                       "not a device rule"                                         },
	{"devices",      "node = /dev/../etc/shadow",                              "not a device node"                                         },
	{"security",     "seccomp = off",					  "'default', 'none' or an absolute path"                     },
	{"console",      "ttys = 65",					      "between 0 and 64"                                          },
	{"hooks",        "start = /bin/true",                                      "not supported yet"                                         },
};

TEST(every_kind_of_wrong_line_has_its_place)
{
	FOLDER(folder);

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		CLEAN(config_done) struct config config;
		CLEAN(strings_done) struct strings errors = {0};
		CLEAN_FREE char *content =
			must_printf("[%s]\n%s\n", wrong[i].section, wrong[i].line);
		CLEAN_FREE char *place = must_printf("%s/config:2: ", folder);
		struct error err = {0};
		int r = load(&config, folder, content, &errors, &err);

		if (r != -EINVAL || errors.count != 1 || !strstr(err.text, wrong[i].says))
			printf("# %s: %s: %d, %zu errors, %s\n", wrong[i].section, wrong[i].line, r,
			       errors.count, err.text);
		CHECK_INT(r, -EINVAL);
		CHECK_INT(errors.count, 1);
		CHECK(text_is(errors.items[0], err.text));
		CHECK(text_starts(err.text, place));
		CHECK(strstr(err.text, wrong[i].says));
	}
}

TEST(all_errors_of_all_files_in_one_run)
{
	FOLDER(folder);
	CLEAN(config_done) struct config config;
	CLEAN(strings_done) struct strings errors = {0};
	CLEAN_FREE char *one = folder_write(folder, "one.conf", "[limits]\n\npids = x\n");
	CLEAN_FREE char *want = must_printf("%s:3: limits.pids: 'x' is not a number", one);
	struct error err = {0};

	CHECK_INT(load(&config, folder,
	               "[limit]\n"
	               "a = b\n" /* not complained about again */
	               "[container]\n"
	               "include = one.conf\n"
	               "nesting = 2\n",
	               &errors, &err),
	          -EINVAL);
	CHECK_INT(errors.count, 3);
	CHECK(strstr(errors.items[0], "/config:1: unknown section 'limit'"));
	CHECK(text_is(errors.items[1], want));
	CHECK(strstr(errors.items[2], "/config:5: container.nesting"));
	CHECK(text_ends(err.text, "(and 2 more)"));
	CHECK(strstr(err.text, "/config:1: "));
}

TEST(long_lines_are_whole_or_refused)
{
	FOLDER(folder);
	char value[4200];

	for (size_t length = 150; length < 4150; length += length < 260 ? 1 : 97) {
		CLEAN(config_done) struct config config;
		CLEAN_FREE char *content = NULL;
		struct error err = {0};
		bool fits = length + strlen("description = ") <= 4096;
		int r;

		memset(value, 'v', length);
		value[length] = '\0';
		content = must_printf("[container]\ndescription = %s\n[limits]\npids = 3 ; %s\n",
		                      value, fits ? value : "");
		if (length + strlen("pids = 3 ; ") > 4096)
			continue;
		r = load(&config, folder, content, NULL, &err);
		CHECK_INT(r, 0);
		CHECK(text_is(config.description, value));
		CHECK_INT(config.limits.pids, 3);
	}
	for (size_t length = 4096 - 14; length < 4096 - 12; length++) {
		CLEAN(config_done) struct config config;
		CLEAN_FREE char *content = NULL;
		struct error err = {0};

		memset(value, 'v', length);
		value[length] = '\0';
		content = must_printf("[container]\ndescription = %s\npids = 3\n", value);
		CHECK_INT(load(&config, folder, content, NULL, &err), -EINVAL);
		/* the line itself when too long, otherwise only what comes after it */
		CHECK(!!strstr(err.text, ":2: a line longer than 4096") == (length > 4096 - 14));
	}
}

TEST(an_indented_line_is_not_a_continuation)
{
	FOLDER(folder);
	CLEAN(config_done) struct config config;

	CHECK_INT(load(&config, folder,
	               "[container]\ngroups = a\n   groups = b\n\tdescription = c\n", NULL, NULL),
	          0);
	CHECK_INT(config.groups.count, 2);
	CHECK(text_is(config.description, "c"));
}

TEST(values_with_odd_beginnings)
{
	FOLDER(folder);
	CLEAN(config_done) struct config config;

	CHECK_INT(load(&config, folder,
	               "[container]\n"
	               "description =;not a comment: it has no blank before it\n"
	               "environment = A=\n"
	               "environment = B=[x]\n"
	               "environment = C=#x\n"
	               "hostname = ; nothing\n",
	               NULL, NULL),
	          0);
	CHECK(text_starts(config.description, ";not a comment"));
	CHECK_INT(config.environment.count, 3);
	CHECK(!config.hostname);
}

TEST(nul_bytes_are_refused)
{
	FOLDER(folder);
	CLEAN(config_done) struct config config;
	CLEAN_FREE char *file = must_printf("%s/config", folder);
	struct error err = {0};

	CHECK_INT(file_replace(dir, "config", "[container]\nhostname = a\0b\n", 27, 0600, NULL), 0);
	config_init(&config);
	CHECK_INT(config_load(&config, file, NULL, &err), -EINVAL);
	CHECK(strstr(err.text, ":2: a control character"));
}

TEST(empty_values_clear)
{
	FOLDER(folder);
	CLEAN(config_done) struct config config;
	char place[256];

	CHECK_INT(
		load(&config, folder,
	             "[container]\ngroups = a\ngroups = b\ngroups =\ngroups = c\n"
	             "init = /bin/x\ninit =\n"
	             "[limits]\nmemory = 1G\nmemory =\n[rlimits]\ncore = 0\nnofile = 10\ncore =\n",
	             NULL, NULL),
		0);
	CHECK_INT(config.groups.count, 1);
	CHECK(text_is(config.groups.items[0], "c"));
	CHECK(text_ends(config_where(&config, "container", "groups", 0, place, sizeof(place)),
	                ":5)"));
	CHECK(text_is(config.init, "/sbin/init"));
	CHECK(config.limits.memory == LIMIT_UNSET);
	CHECK_INT(config.rlimits.names.count, 1);
	CHECK(text_is(config.rlimits.names.items[0], "nofile"));
	CHECK(text_is(config.rlimits.values.items[0], "10"));
}

TEST(includes_nest_and_folders_are_sorted)
{
	FOLDER(folder);
	CLEAN(config_done) struct config config;
	CLEAN_FREE char *a = folder_write(folder, "d/20-b.conf", "[container]\ngroups = 20\n");
	CLEAN_FREE char *b =
		folder_write(folder, "d/10-a.conf", "[container]\ngroups = 10\ninclude = deep/x\n");
	CLEAN_FREE char *c = folder_write(folder, "d/deep/x", "[container]\ngroups = deep\n");
	CLEAN_FREE char *d = folder_write(folder, "d/30-c.config", "[container]\nnot = read\n");
	struct error err = {0};
	char place[256];

	CHECK_INT(load(&config, folder, "[container]\ngroups = first\ninclude = d\ngroups = last\n",
	               NULL, &err),
	          0);
	CHECK_INT(config.groups.count, 5);
	CHECK(text_is(config.groups.items[1], "10") && text_is(config.groups.items[2], "deep"));
	CHECK(text_is(config.groups.items[3], "20") && text_is(config.groups.items[4], "last"));
	CHECK(text_ends(config_where(&config, "container", "groups", 2, place, sizeof(place)),
	                "/d/deep/x:2)"));
	CHECK_INT(config.files.count, 4);
}

TEST(cycles_of_includes_end)
{
	FOLDER(folder);
	CLEAN(config_done) struct config config;
	CLEAN_FREE char *other = folder_write(folder, "other", "[container]\ninclude = config\n");
	struct error err = {0};

	CHECK_INT(load(&config, folder, "[container]\ninclude = other\n", NULL, &err), -EINVAL);
	CHECK(strstr(err.text, "/other:2: container.include: '"));
	CHECK(strstr(err.text, "includes itself"));
}

TEST(includes_are_not_too_deep)
{
	FOLDER(folder);
	CLEAN(config_done) struct config config;
	struct error err = {0};

	for (int i = 0; i < 12; i++) {
		CLEAN_FREE char *name = must_printf("%d", i);
		CLEAN_FREE char *content = must_printf("[container]\ninclude = %d\n", i + 1);
		CLEAN_FREE char *file = folder_write(folder, name, content);
	}
	CHECK_INT(load(&config, folder, "[container]\ninclude = 0\n", NULL, &err), -EINVAL);
	CHECK(strstr(err.text, "deep"));
}

TEST(files_that_others_can_write_are_refused)
{
	FOLDER(folder);
	CLEAN_FREE char *file = folder_write(folder, "config", "");
	CLEAN_FREE char *fifo = must_printf("%s/fifo", folder);
	CLEAN(config_done) struct config config;
	struct error err = {0};

	config_init(&config);
	CHECK_INT(chmod(file, 0660), 0);
	CHECK_INT(config_load(&config, file, NULL, &err), -EPERM);
	CHECK(strstr(err.text, "chmod go-w"));
	CHECK_INT(chmod(file, 0602), 0);
	CHECK_INT(config_load(&config, file, NULL, &err), -EPERM);
	CHECK_INT(chmod(file, 0644), 0);
	CHECK_INT(config_load(&config, file, NULL, &err), 0);
	CHECK_INT(mkfifo(fifo, 0600), 0);
	CHECK_INT(config_load(&config, fifo, NULL, &err), -EINVAL);
	CHECK_INT(config_load(&config, folder, NULL, &err), -EINVAL);
}

TEST(files_of_other_users_are_refused)
{
	NEED("root", geteuid() == 0, "needs root: gives a file away");
	FOLDER(folder);
	CLEAN_FREE char *file = folder_write(folder, "config", "");
	CLEAN(config_done) struct config config;
	struct error err = {0};

	config_init(&config);
	CHECK_INT(chown(file, 12345, 0), 0);
	CHECK_INT(config_load(&config, file, NULL, &err), -EPERM);
	CHECK(strstr(err.text, "belongs to user 12345"));
}

TEST(files_that_are_not_there)
{
	CLEAN(config_done) struct config config;
	CLEAN(strings_done) struct strings errors = {0};
	struct error err = {0};

	config_init(&config);
	CHECK_INT(config_load(&config, "/nonexistent/config", &errors, &err), -ENOENT);
	CHECK_INT(errors.count, 1);
	CHECK_INT(config_load(&config, "/nonexistent/config", NULL, NULL), -ENOENT);
}

TEST(options_override)
{
	CLEAN(config_done) struct config config;
	CLEAN(strings_done) struct strings values = {0};
	struct error err = {0};
	char place[64];

	config_init(&config);
	CHECK_INT(config_override(&config, "limits.memory = 2G", "option -s", &err), 0);
	CHECK_INT(config.limits.memory, 2LL << 30);
	CHECK(text_is(config_where(&config, "limits", "memory", 0, place, sizeof(place)),
	              " (option -s)"));
	CHECK_INT(config_override(&config, "network.eth0.10.bridge=br0", "option -s", &err), 0);
	CHECK(text_is(config.networks[0].name, "eth0.10"));
	CHECK_INT(config_override(&config, "sysctl.net.ipv4.ip_forward=1", "option -s", &err), 0);
	CHECK(text_is(config.sysctl.names.items[0], "net.ipv4.ip_forward"));
	CHECK_INT(config_override(&config, "container.environment=A=b=c", "option -s", &err), 0);
	CHECK(text_is(config.environment.items[0], "A=b=c"));
	CHECK_INT(config_override(&config, "limits.memory", "option -s", &err), -EINVAL);
	CHECK(text_starts(err.text, "option -s: 'limits.memory' is not of the form"));
	CHECK_INT(config_override(&config, "limits=1", "option -s", &err), -EINVAL);
	CHECK_INT(config_override(&config, "limits.memory=x", "option -s", &err), -EINVAL);
	CHECK(text_starts(err.text, "option -s: limits.memory: 'x' is not a size"));
	CHECK_INT(config_override(&config, "container.init=a\nb", "option -s", &err), -EINVAL);
	CHECK_INT(config.limits.memory, 2LL << 30);
	CHECK_INT(config_get(&config, "limits", "memory", &values, &err), 0);
	CHECK(values.count == 1 && text_is(values.items[0], "2G"));
	CHECK_INT(config_get(&config, "stop", "timeout", &values, &err), 0);
	CHECK(values.count == 2 && text_is(values.items[1], "60s"));
	CHECK_INT(config_get(&config, "stop", "timeou", &values, &err), -ENOENT);
	CHECK_INT(config_get(&config, "network.lan", "mtu", &values, &err), -ENOENT);
	CHECK_INT(config_get(&config, "network.eth0.10", "type", &values, &err), 0);
	CHECK(text_is(values.items[2], "veth"));
}

/* What only the whole can tell; the line below a map and a root file system. */
static const struct {
	const char *content, *says;
} combinations[] = {
	{"[rootfs]\npath =\n",						"rootfs.path: is not set"              },
	{"[idmap]\nmap =\n",						  "idmap.map: is not set"                },
	{"[idmap]\nmap =\nmap = auto\n",                                      "'auto' was not replaced"              },
	{"[idmap]\nmap = u 1000 1048576 10\n",                                "overlaps"                             },
	{"[idmap]\nmap =\nmap = u 0 100000 10\n",                             "not mapped"                           },
	{"[limits]\nmemory = 1G\nmemory_low = 2G\n",                          "config:7: limits.memory_low: is above"},
	{"[limits]\nmemory = 1G\nmemory_high = 2G\n",                         "limits.memory_high: is above"         },
	{"[security]\nkeep_capabilities = kill\ndrop_capabilities = chown\n", "drop_capabilities"                    },
	{"[network.eth0]\naddress = auto\n",                                  "needs a bridge"                       },
	{"[network.a]\nhost_name = v1\n[network.b]\nhost_name = v1\n",        "is that of network.a too"             },
};

TEST(combinations_are_checked)
{
	FOLDER(folder);
	static const char base[] = "[rootfs]\npath = /srv/x\n[idmap]\nmap = b 0 1048576 65536\n";
	struct error err = {0};

	for (size_t i = 0; i <= ARRAY_SIZE(combinations); i++) {
		bool last = i == ARRAY_SIZE(combinations);
		CLEAN(config_done) struct config config;
		CLEAN(strings_done) struct strings errors = {0};
		CLEAN_FREE char *content =
			must_printf("%s%s", base, last ? "" : combinations[i].content);
		int r;

		CHECK_INT(load(&config, folder, content, NULL, &err), 0);
		r = config_check(&config, &errors, &err);
		if (last) {
			CHECK_INT(r, 0);
			continue;
		}
		if (r == 0 || !strstr(err.text, combinations[i].says))
			printf("# %s# %d %s\n", combinations[i].content, r, err.text);
		CHECK_INT(r, -EINVAL);
		CHECK(strstr(err.text, combinations[i].says));
		CHECK_INT(errors.count, 1);
	}
}

TEST(a_privileged_container_needs_no_map)
{
	FOLDER(folder);
	CLEAN(config_done) struct config config;

	CHECK_INT(load(&config, folder, "[container]\nprivileged = yes\n[rootfs]\npath = dir:/x\n",
	               NULL, NULL),
	          0);
	CHECK_INT(config_check(&config, NULL, NULL), 0);
}
