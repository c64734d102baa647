/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What configurations of LXC are here, line by line, and what of them is only listed. */
#include "container/lxc_config.h"

#include "../lib/folder.h"
#include "../lib/tap.h"
#include "base/error.h"
#include "container/config.h"
#include "container/lxc_translate.h"
#include "container/paths.h"

#include <errno.h>
#include <sys/stat.h>

/* Only where our own settings of distributions are is asked. */
static struct paths some_paths(char *folder)
{
	return (struct paths){.config = folder};
}

static void show(const char *input, const struct lxc_config *got)
{
	printf("# of: %s\n# text: %s\n", input, got->text.data);
	for (size_t i = 0; i < got->left.count; i++)
		printf("# left: %d %s = %s: %s\n", got->left.items[i].line, got->left.items[i].key,
		       got->left.items[i].value, got->left.items[i].text);
}

/* A part of the remarks: "LINE TEXT" of each, one per line. */
static bool is_said(const struct lxc_remarks *remarks, const char *what)
{
	for (size_t i = 0; i < remarks->count; i++) {
		CLEAN_FREE char *line =
			must_printf("%d %s", remarks->items[i].line, remarks->items[i].text);

		if (strstr(line, what))
			return true;
	}
	return false;
}

static void parse(struct lxc_config *out, const char *input)
{
	CLEAN(text_done) struct text text = {0};
	const struct paths paths = some_paths((char[]){"/nowhere"});

	text_add(&text, input);
	lxc_config_parse(out, "config", &text, &paths, true);
}

/* input: the lines; text: all of the INI file; left: part of a remark, NULL: there is none. */
struct translation {
	const char *input, *text, *left;
};

static void check_rows(const struct translation *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		CLEAN(lxc_config_done) struct lxc_config got;
		bool good;

		parse(&got, rows[i].input);
		good = text_is(got.text.data, rows[i].text) &&
		       (rows[i].left ? is_said(&got.left, rows[i].left) : !got.left.count);
		if (!good)
			show(rows[i].input, &got);
		CHECK(good);
	}
}

TEST(simple_keys)
{
	static const struct translation rows[] = {
		{"lxc.uts.name = web1",					   "[container]\nhostname = web1\n",         NULL                                                 },
		{"lxc.utsname=web1",					      "[container]\nhostname = web1\n",         NULL                                                 },
		{"  lxc.uts.name  =  \"web1\"  ",                                 "[container]\nhostname = web1\n",         NULL                                                 },
		{"# lxc.uts.name = web1\nhostname = x\n",                         "",                                       NULL                                                 },
		{"lxc.uts.name = a b",					    "",                                       "1 container.hostname: 'a b' is not a host name"     },
		{"lxc.uts.name = a\nlxc.uts.name = b",                            "[container]\nhostname = b\n",            NULL                                                 },
		{"lxc.uts.name = a\nlxc.uts.name =",                              "",                                       NULL                                                 },
		{"lxc.arch = i686",					       "[container]\narch = i686\n",             NULL                                                 },
		{"lxc.arch = x86",						"[container]\narch = i686\n",             NULL                                                 },
		{"lxc.arch = armel",					      "[container]\narch = armhf\n",            NULL                                                 },
		{"lxc.arch = linux64",					    "",                                       "1 not needed"                                       },
		{"lxc.arch = ppc",						"",				       "1 of the 32-bit machines"                           },
		{"lxc.ephemeral = 1",					     "[container]\nephemeral = yes\n",         NULL                                                 },
		{"lxc.ephemeral = yes",					   "",                                       "1 it is neither 0 nor 1"                            },
		{"lxc.group = onboot web\nlxc.group = db",
	         "[container]\ngroups = onboot\ngroups = web\ngroups = db\n",                                               NULL                                                 },
		{"lxc.environment = A=1\nlxc.environment = PATH",
	         "[container]\nenvironment = A=1\n",	                                                                "2 nothing is taken from the environment of the host"},
		{"lxc.environment = A=x ;y",                                      "",                                       "1 it cannot be written into an INI file"            },
		{"lxc.environment.runtime = A=1",                                 "[container]\nenvironment = A=1\n",       NULL                                                 },
		{"lxc.init.cmd = /sbin/init quiet",                               "[container]\ninit = /sbin/init quiet\n", NULL                                                 },
		{"lxc.init_cmd = init",					   "",                                       "1 container.init: 'init' is not a command"          },
		{"lxc.init.uid = 0",					      "",                                       "1 not needed: it always is so"                      },
		{"lxc.init_uid = 1000",					   "",                                       "1 init is root of the container"                    },
		{"lxc.signal.halt = SIGRTMIN+4",                                  "[stop]\nhalt_signal = SIGRTMIN+4\n",     NULL                                                 },
		{"lxc.haltsignal = SIGRTMAX-10",                                  "[stop]\nhalt_signal = 54\n",             NULL                                                 },
		{"lxc.signal.reboot = 15",                                        "[stop]\nreboot_signal = 15\n",           NULL                                                 },
		{"lxc.stopsignal = SIGTERM",                                      "[stop]\nkill_signal = SIGTERM\n",        NULL                                                 },
		{"lxc.signal.stop = SIGNONE",                                     "",                                       "1 stop.kill_signal:"                                },
		{"lxc.start.auto = 1\nlxc.start.delay = 5\nlxc.start.order = 20",
	         "[boot]\nautostart = yes\ndelay = 5s\norder = 20\n",                                                       NULL                                                 },
		{"lxc.start.order = -1",					  "",                                       "1 boot.order:"                                      },
		{"lxc.tty.max = 6\nlxc.tty = 2",                                  "[console]\nttys = 2\n",                  NULL                                                 },
		{"lxc.console.buffer.size = auto\nlxc.console.size = 1MB",
	         "[console]\nbuffer = 128K\nlog_size = 1M\n",							       NULL                                                 },
		{"lxc.console.buffer.size = 100",                                 "[console]\nbuffer = 4K\n",               NULL                                                 },
		{"lxc.console.buffer.size = much",                                "",                                       "1 it is no size"                                    },
		{"lxc.console.path = none",                                       "",                                       "1 the console is a terminal"                        },
		{"lxc.prlimit.nofile = 1024:4096",                                "[rlimits]\nnofile = 1024:4096\n",        NULL                                                 },
		{"lxc.limit.core = unlimited",                                    "[rlimits]\ncore = unlimited\n",          NULL                                                 },
		{"lxc.prlimit.nofile = 1\nlxc.prlimit.nofile =",                  "",                                       NULL                                                 },
		{"lxc.prlimit.none = 1",					  "",                                       "1 rlimits.none:"                                    },
		{"lxc.sysctl.net.ipv4.ip_forward = 1",                            "[sysctl]\nnet.ipv4.ip_forward = 1\n",    NULL                                                 },
		{"lxc.sysctl.kernel.panic = 1",                                   "",                                       "1 sysctl.kernel.panic:"                             },
		{"lxc.cap.drop = sys_time  mknod\nlxc.cap.drop = syslog",
	         "[security]\ndrop_capabilities = sys_time\ndrop_capabilities = mknod\n"
	         "drop_capabilities = syslog\n",	                                                                    NULL						 },
		{"lxc.cap.drop = mknod\nlxc.cap.drop =",                          "",                                       NULL                                                 },
		{"lxc.cap.keep = chown\nlxc.cap.drop = mknod",
	         "[security]\nkeep_capabilities = chown\n",								 "2 not needed: lxc.cap.keep drops"                   },
		{"lxc.cap.keep = none",					   "",                                       "1 a container without any capability"               },
		{"lxc.no_new_privs = 1",					  "[security]\nno_new_privileges = yes\n",  NULL                                                 },
		{"lxc.apparmor.profile = generated",                              "",                                       "1 not needed: sysc has profiles"                    },
		{"lxc.aa_profile = unconfined",                                   "[security]\napparmor = unconfined\n",    NULL                                                 },
		{"lxc.apparmor.profile = my-profile",                             "[security]\napparmor = my-profile\n",    NULL                                                 },
		{"lxc.apparmor.profile = lxc-container-default-with-nesting",
	         "[container]\nnesting = yes\n",									    NULL                                                 },
		{"lxc.apparmor.allow_nesting = 1",                                "[container]\nnesting = yes\n",           NULL                                                 },
		{"lxc.seccomp = /usr/share/lxc/config/common.seccomp",            "",                                       "1 not needed"                                       },
		{"lxc.seccomp.profile = /etc/own.seccomp",                        "",                                       "1 a policy of LXC"                                  },
		{"lxc.hook.mount = /x\nlxc.hook.pre-start = /y",                  "",                                       "2 hooks are not run yet"                            },
		{"lxc.hook.mount = /x\nlxc.hook.mount =",                         "",                                       NULL                                                 },
		{"lxc.namespace.share.net = 1",                                   "",                                       "1 a container always has"                           },
		{"lxc.loglevel = 1",					      "",                                       "1 not needed: sysc has a log"                       },
		{"lxc.cgroup.dir.container = x",                                  "",                                       "1 not needed: the cgroup"                           },
		{"lxc.unheard = 1",					       "",                                       "1 LXC has no such key"                              },
		{"lxc.uts.name",						  "",				       "1 not of the form KEY = VALUE"                      },
		{"lxc.uts.name = a\033[2J",                                       "",                                       "1 a control character"                              },
	};

	check_rows(rows, ARRAY_SIZE(rows));
}

TEST(limits)
{
	static const struct translation rows[] = {
		{"lxc.cgroup2.memory.max = 512M\nlxc.cgroup2.memory.high = 400M\n"
	         "lxc.cgroup2.memory.low = 1M\nlxc.cgroup2.memory.swap.max = 0", "[limits]\nmemory = 512M\nmemory_high = 400M\nmemory_low = 1M\nswap = 0\n", NULL                                          },
		{"lxc.cgroup2.memory.max = max",						  "[limits]\nmemory = max\n",                                                 NULL                                          },
		{"lxc.cgroup2.memory.low = 2G\nlxc.cgroup2.memory.max = 1G",
	         "[limits]\nmemory = 1G\n",																   "1 limits.memory_low: is above limits.memory" },
		{"lxc.cgroup.memory.limit_in_bytes = 536870912\n"
	         "lxc.cgroup.memory.memsw.limit_in_bytes = 1G",	          "[limits]\nmemory = 536870912\nswap = 512M\n",                              NULL                                          },
		{"lxc.cgroup.memory.limit_in_bytes = -1",                                         "[limits]\nmemory = max\n",                                                 NULL                                          },
		{"lxc.cgroup.memory.memsw.limit_in_bytes = 1G",                                   "",
	         "1 there is no limit of memory"																					    },
		{"lxc.cgroup.memory.limit_in_bytes = 2G\n"
	         "lxc.cgroup.memory.memsw.limit_in_bytes = 1G",	          "[limits]\nmemory = 2G\n",						  "2 it is not above"                           },
 /* what version 2 says counts, wherever it stands */
		{"lxc.cgroup2.memory.max = 1G\nlxc.cgroup.memory.limit_in_bytes = 2G",
	         "[limits]\nmemory = 1G\n",																   "2 not needed: lxc.cgroup2.memory.max says it"},
		{"lxc.cgroup.memory.limit_in_bytes = 2G\nlxc.cgroup2.memory.max = 1G",
	         "[limits]\nmemory = 1G\n",																   NULL                                          },
		{"lxc.cgroup2.cpu.max = 150000 100000",                                           "[limits]\ncpus = 1.5\n",                                                   NULL                                          },
		{"lxc.cgroup2.cpu.max = 20000",						   "[limits]\ncpus = 0.2\n",                                                   NULL                                          },
		{"lxc.cgroup2.cpu.max = max 100000",                                              "[limits]\ncpus = max\n",                                                   NULL                                          },
		{"lxc.cgroup2.cpu.max = 1 0",						     "",									 "1 it is no share"                            },
		{"lxc.cgroup2.cpu.max = 1 2 3",						   "",									 "1 it is not of the form"                     },
		{"lxc.cgroup.cpu.cfs_period_us = 50000\nlxc.cgroup.cpu.cfs_quota_us = 100000",
	         "[limits]\ncpus = 2\n",																      NULL                                          },
		{"lxc.cgroup.cpu.cfs_quota_us = 10000",                                           "[limits]\ncpus = 0.1\n",                                                   NULL                                          },
		{"lxc.cgroup.cpu.cfs_quota_us = -1",                                              "[limits]\ncpus = max\n",                                                   NULL                                          },
		{"lxc.cgroup.cpu.cfs_period_us = 50000",                                          "",									 "1 there is no quota"                         },
		{"lxc.cgroup.cpu.shares = 1024",						  "[limits]\ncpu_weight = 100\n",                                             NULL                                          },
		{"lxc.cgroup.cpu.shares = 2",						     "[limits]\ncpu_weight = 1\n",                                               NULL                                          },
		{"lxc.cgroup.cpu.shares = 262144",                                                "[limits]\ncpu_weight = 10000\n",                                           NULL                                          },
		{"lxc.cgroup2.cpu.weight = 50",						   "[limits]\ncpu_weight = 50\n",                                              NULL                                          },
		{"lxc.cgroup2.cpuset.cpus = 0-3,6",                                               "[limits]\ncpuset = 0-3,6\n",                                               NULL                                          },
		{"lxc.cgroup.cpuset.cpus = x",						    "",									 "1 limits.cpuset:"                            },
		{"lxc.cgroup2.pids.max = 100",						    "[limits]\npids = 100\n",                                                   NULL                                          },
		{"lxc.cgroup2.io.weight = default 200",                                           "[limits]\nio_weight = 200\n",                                              NULL                                          },
		{"lxc.cgroup.blkio.weight = 500",                                                 "[limits]\nio_weight = 100\n",                                              NULL                                          },
		{"lxc.cgroup2.io.max = 8:0 rbps=1048576 wiops=120",
	         "[limits]\nio = 8:0 rbps=1048576 wiops=120\n",													       NULL                                          },
		{"lxc.cgroup.blkio.throttle.read_bps_device = 8:0 1048576\n"
	         "lxc.cgroup.blkio.throttle.write_iops_device = 8:16 120",       "[limits]\nio = 8:0 rbps=1048576\nio = 8:16 wiops=120\n",                   NULL                                          },
		{"lxc.cgroup2.memory.oom.group = 1",                                              "[cgroup]\nmemory.oom.group = 1\n",                                         NULL                                          },
		{"lxc.cgroup2.cgroup.freeze = 1",                                                 "",									 "1 cgroup.cgroup.freeze:"                     },
		{"lxc.cgroup.memory.swappiness = 0",                                              "",
	         "1 only cgroup version 1 has it: there, cgroup.v1:memory.swappiness"																       },
	};

	check_rows(rows, ARRAY_SIZE(rows));
}

TEST(devices)
{
	static const struct translation rows[] = {
		{"lxc.cgroup2.devices.deny = a\nlxc.cgroup2.devices.allow = c 10:200 rwm",
	         "[devices]\nallow = c 10:200 rwm\n",	                                                                               "1 not needed: what is not allowed is denied"},
		{"lxc.cgroup.devices.allow = c 1:3 rwm",                                              "",                                   "1 not needed: every container"              },
		{"lxc.cgroup.devices.allow = c *:* m",                                                "",                                   "1 not needed: every container"              },
		{"lxc.cgroup2.devices.allow = /dev/fuse rwm",                                         "[devices]\nallow = /dev/fuse rwm\n",
	         NULL																				    },
		{"lxc.cgroup2.devices.allow = c 10:200 rwm\nlxc.cgroup2.devices.deny = c 10:200 rwm",
	         "",															NULL					 },
		{"lxc.cgroup2.devices.allow = c 10:200 rwm\nlxc.cgroup2.devices.allow =",             "",                                   NULL                                         },
		{"lxc.cgroup2.devices.allow = c 9:9 rwm\nlxc.cgroup2.devices.deny = a\n"
	         "lxc.cgroup2.devices.allow = c 10:200 rwm",	                 "[devices]\nallow = c 10:200 rwm\n",  "2 not needed"                               },
		{"lxc.cgroup2.devices.allow = a",
	         "[devices]\nallow = c *:* rwm\nallow = b *:* rwm\n",								       NULL                                         },
 /* fewer rights are safe, more are not */
		{"lxc.cgroup2.devices.allow = a\nlxc.cgroup2.devices.deny = b 8:0 rwm",               "",
	         "1 'all but b 8:0 rwm' has no counterpart"															      },
		{"lxc.cgroup.devices.allow = c 9:9 rwm\nlxc.cgroup2.devices.allow = c 10:200 rwm",
	         "[devices]\nallow = c 10:200 rwm\n",										       "1 not needed: lxc.cgroup2.devices"          },
		{"lxc.cgroup2.devices.allow = nonsense",                                              "",                                   "1 devices.allow:"                           },
	};

	check_rows(rows, ARRAY_SIZE(rows));
}

TEST(interfaces)
{
	static const struct translation rows[] = {
		{"lxc.net.0.type = veth\nlxc.net.0.link = br0\nlxc.net.0.flags = up\n"
	         "lxc.net.0.hwaddr = 00:16:3E:XX:xx:01\nlxc.net.0.mtu = 1400\n"
	         "lxc.net.0.veth.pair = veth-web1",	                                "[network.eth0]\ntype = veth\nbridge = br0\nmac = 00:16:3e:xx:xx:01\nmtu = 1400\n"
	         "host_name = veth-web1\naddress = dhcp\n",	                             NULL					   },
		{"lxc.net.0.type = veth\nlxc.net.0.name = lan0\n"
	         "lxc.net.0.ipv4.address = 10.0.3.5/24 10.0.3.255\n"
	         "lxc.net.0.ipv4.gateway = 10.0.3.1\nlxc.net.0.ipv6.address = 2001:db8::5/64\n"
	         "lxc.net.0.ipv6.gateway = fe80::1",	                               "[network.lan0]\ntype = veth\naddress = 10.0.3.5/24\ngateway = 10.0.3.1\n"
	         "address = 2001:db8::5/64\nroute = ::/0 fe80::1\n",	                   NULL					   },
		{"lxc.net.0.type = veth\nlxc.net.0.ipv4.address = 10.0.3.5",
	         "[network.eth0]\ntype = veth\naddress = 10.0.3.5/8\ngateway = none\n",                                                                             NULL                                           },
		{"lxc.net.0.type = veth\nlxc.net.0.ipv4.address = 192.168.1.9\n"
	         "lxc.net.0.ipv4.gateway = dev",	                                   "[network.eth0]\ntype = veth\naddress = 192.168.1.9/24\nroute = 0.0.0.0/0\n"
	         "gateway = none\n",	                                                       NULL					   },
		{"lxc.net.0.type = veth\nlxc.net.0.link = br0\nlxc.net.0.ipv4.gateway = auto",
	         "[network.eth0]\ntype = veth\nbridge = br0\ngateway = auto\naddress = dhcp\n",	                                                             NULL					   },
 /* version 2: the type begins an interface */
		{"lxc.network.type = veth\nlxc.network.link = br0\nlxc.network.ipv4 = 10.0.0.2/8\n"
	         "lxc.network.type = veth\nlxc.network.link = br1",	                "[network.eth0]\ntype = veth\nbridge = br0\naddress = 10.0.0.2/8\ngateway = none\n"
	         "[network.eth1]\ntype = veth\nbridge = br1\naddress = dhcp\n", NULL					   },
		{"lxc.network.0.type = veth\nlxc.network.0.link = br0",
	         "[network.eth0]\ntype = veth\nbridge = br0\naddress = dhcp\n",										     NULL                                           },
		{"lxc.net.1.type = veth\nlxc.net.0.type = veth\nlxc.net.0.name = eth0",
	         "[network.eth1]\ntype = veth\naddress = dhcp\n"
	         "[network.eth0]\ntype = veth\naddress = dhcp\n",	                                                                                           NULL					   },
		{"lxc.net.0.type = veth\nlxc.net =",							"",                                                     NULL                                           },
		{"lxc.net.0.type = veth\nlxc.net.1.type = veth\nlxc.net.0 =",
	         "[network.eth0]\ntype = veth\naddress = dhcp\n",												   NULL                                           },
		{"lxc.net.0.type = veth\nlxc.net.0.name = a\nlxc.net.1.type = veth\n"
	         "lxc.net.1.name = a",	                                             "[network.a]\ntype = veth\naddress = dhcp\n",           "4 another interface has this name"            },
		{"lxc.net.0.type = empty",								  "",						     "1 not needed: without an interface"           },
		{"lxc.net.0.type = none",								   "",						     "1 a container always has a network of its own"},
		{"lxc.net.0.type = macvlan\nlxc.net.0.link = eth0",                                         "",
	         "2 macvlan is not supported"																				      },
		{"lxc.net.0.type = phys",								   "",						     "1 an interface of the host's"                 },
		{"lxc.net.0.link = br0",								    "",						     "1 its interface has no type"                  },
		{"lxc.net.0.type = veth\nlxc.net.0.name = ../x",                                            "",
	         "1 '../x' is not an interface name"																			       },
		{"lxc.net.0.type = veth\nlxc.net.0.script.up = /x\nlxc.net.0.veth.ipv4.route = 1.2.3.4/32",
	         "[network.eth0]\ntype = veth\naddress = dhcp\n",												   "2 hooks are not run yet"                      },
		{"lxc.net.0.type = veth\nlxc.net.0.nonsense = 1",
	         "[network.eth0]\ntype = veth\naddress = dhcp\n",												   "2 LXC has no such key"                        },
		{"lxc.net.0.type = veth\nlxc.net.0.hwaddr = 01:00:00:00:00:00",
	         "[network.eth0]\ntype = veth\naddress = dhcp\n",												   "2 network.eth0.mac:"                          },
	};

	check_rows(rows, ARRAY_SIZE(rows));
}

#define MAP     "lxc.idmap = u 0 100000 65536\nlxc.idmap = g 0 100000 65536\n"
#define OUR_MAP "[idmap]\nmap = u 0 100000 65536\nmap = g 0 100000 65536\n"

TEST(root_file_systems)
{
	static const struct translation rows[] = {
		{"lxc.rootfs.path = dir:/var/lib/lxc/web1/rootfs",
	         "[container]\nprivileged = yes\n[rootfs]\npath = dir:/var/lib/lxc/web1/rootfs\n",	                                                     NULL              },
		{"lxc.rootfs = /r",								"[container]\nprivileged = yes\n[rootfs]\npath = dir:/r\n",
	         NULL																			    },
		{"lxc.rootfs = /dev/vg0/web1\nlxc.rootfs.backend = lvm",
	         "[container]\nprivileged = yes\n[rootfs]\npath = lvm:vg0/web1\n",                                                                             NULL              },
		{"lxc.rootfs.path = zfs:tank/lxc/web1",
	         "[container]\nprivileged = yes\n[rootfs]\npath = zfs:tank/lxc/web1\n",                                                                        NULL              },
		{"lxc.rootfs.path = loop:/r.img\nlxc.rootfs.managed = 0\nlxc.rootfs.options = ro",
	         "[container]\nprivileged = yes\n[rootfs]\nmanaged = no\nreadonly = yes\n"
	         "path = loop:/r.img\n",	                                                                                                               NULL              },
		{"lxc.rootfs.path = overlayfs:/l:/u",                                              "[container]\nprivileged = yes\n",
	         "1 sysc keeps layers in folders of another form"														},
		{"lxc.rootfs.path = nbd:/x",						       "[container]\nprivileged = yes\n",
	         "1 there is no backend"																	 },
 /* ids on disk are said, as is that they are not */
		{MAP "lxc.rootfs.path = /r",						       "[rootfs]\npath = dir:/r\noptions = shifted\n" OUR_MAP,
	         NULL																			    },
		{MAP "lxc.rootfs.path = /r\nlxc.rootfs.options = idmap=container",
	         "[rootfs]\npath = dir:/r\n" OUR_MAP,													  NULL              },
		{"lxc.id_map = u 0 100000 65536\nlxc.id_map = g 0 100000 65536\nlxc.rootfs = /r",
	         "[rootfs]\npath = dir:/r\noptions = shifted\n" OUR_MAP,										       NULL              },
		{"lxc.idmap = u 1000 1000 1\nlxc.rootfs.path = /r",                                "",
	         "2 its ids cannot be mapped"																    },
		{"lxc.rootfs.mount = /mnt",							"",							 "1 not needed"    },
		{"lxc.rootfs.path = /r\nlxc.rootfs.options = bogus",
	         "[container]\nprivileged = yes\n[rootfs]\npath = dir:/r\n",										   "2 option 'bogus'"},
	};

	check_rows(rows, ARRAY_SIZE(rows));
}

TEST(mounts)
{
#define ROOT "lxc.rootfs.path = dir:/r/w\n"
#define HEAD "[container]\nprivileged = yes\n[rootfs]\npath = dir:/r/w\n"
	static const struct translation rows[] = {
		{"lxc.mount.entry = /srv srv none bind,create=dir,optional 0 0",
	         "[mounts]\nentry = /srv /srv none bind,create=dir,optional\n",                                        NULL                                },
		{"lxc.mount.entry = tmpfs tmp tmpfs nosuid,relatime,mode=1777",
	         "[mounts]\nentry = tmpfs /tmp tmpfs nosuid,mode=1777\n",                                              NULL                                },
		{"lxc.mount.entry = /srv srv none bind,idmap=container",
	         "[mounts]\nentry = /srv /srv none bind,idmap\n",                                                      NULL                                },
		{"lxc.mount.entry = tmpfs /tmp/ tmpfs",                          "",                                   "1 its target is outside"           },
		{ROOT "lxc.mount.entry = /srv /r/w/srv none bind",
	         HEAD "[mounts]\nentry = /srv /srv none bind\n",                                                       NULL                                },
		{"lxc.mount.entry = /srv /usr/lib/x/lxc/rootfs/srv none bind",
	         "[mounts]\nentry = /srv /srv none bind\n",							    NULL                                },
		{"lxc.mount.entry = /a b none bind\nlxc.mount.entry =",          "",                                   NULL                                },
		{"lxc.mount.entry = dev/null proc/kcore none bind,relative",     "",
	         "1 option 'relative'"														     },
		{"lxc.mount.entry = /srv srv none bind,rshared",                 "",                                   "1 option 'rshared'"                },
		{"lxc.mount.entry = /srv ../../etc none bind",                   "",                                   "1 mounts.entry:"                   },
		{"lxc.mount.entry = /srv",                                       "",                                   "1 it is no line of fstab(5)"       },
		{"lxc.mount.entry = mqueue dev/mqueue mqueue rw",                "",                                   "1 not needed"                      },
		{"lxc.mount.auto = proc:rw sys cgroup:mixed",                    "[mounts]\nproc = rw\nsys = mixed\n",
	         "1 'cgroup:mixed' is not needed"													  },
		{"lxc.mount.auto = proc:rw\nlxc.mount.auto =",                   "",                                   NULL                                },
		{"lxc.mount.auto = shmounts:/x",                                 "",                                   "1 'shmounts:/x' has no counterpart"},
		{"lxc.mount.fstab = /nowhere",                                   "",                                   "1 open '/nowhere'"                 },
	};

	check_rows(rows, ARRAY_SIZE(rows));
}

/* No key is swallowed: what has a value is in the text, or in a list. */
TEST(every_key)
{
	static const char *const silent[] = {"lxc.net.*.name", "lxc.rootfs.managed", NULL};

	for (const struct lxc_row *const *table = lxc_tables; *table; table++) {
		for (const struct lxc_row *row = *table; row->key; row++) {
			CLEAN(lxc_config_done) struct lxc_config got;
			size_t star = strcspn(row->key, "*");
			CLEAN_FREE char *line =
				must_printf("%.*s%s%s = 1\n", (int)star, row->key,
			                    !row->key[star]                     ? ""
			                    : text_starts(row->key, "lxc.net.") ? "0"
			                                                        : "x.y",
			                    row->key[star] ? row->key + star + 1 : "");
			CLEAN_FREE char *whole = must_printf(
				"%s%s",
				text_starts(row->key, "lxc.net.") ? "lxc.net.0.type = veth\n" : "",
				line);
			bool quiet = false;

			for (size_t i = 0; silent[i]; i++)
				quiet |= text_is(silent[i], row->key);
			parse(&got, whole);
			if (!quiet && !*got.text.data && !got.left.count && !got.notes.count)
				show(whole, &got);
			CHECK(quiet || *got.text.data || got.left.count || got.notes.count);
			CHECK(row->take &&
			      (row->to || row->text || got.left.count || got.notes.count));
		}
	}
}

/* --- files --- */

static int read_file(struct lxc_config *out, char *folder, const char *content, struct error *err)
{
	CLEAN_FREE char *file = folder_write(folder, "config", content);
	const struct paths paths = some_paths(folder);

	return lxc_config_read(out, file, &paths, true, err);
}

TEST(includes)
{
	FOLDER(folder);
	CLEAN(lxc_config_done) struct lxc_config got;
	CLEAN_FREE char *more = folder_write(folder, "more", "lxc.tty.max = 7\nlxc.bogus = 1\n");
	CLEAN_FREE char *a = folder_write(folder, "d/10.conf", "lxc.group = a\n");
	CLEAN_FREE char *b = folder_write(folder, "d/20.conf", "lxc.group = b\n");
	CLEAN_FREE char *other = folder_write(folder, "d/30.txt", "lxc.group = c\n");
	CLEAN_FREE char *content =
		must_printf("lxc.include = %s\nlxc.include = %s/d\nlxc.include = %s/none\n", more,
	                    folder, folder);

	CHECK_INT(read_file(&got, folder, content, NULL), 0);
	CHECK(text_is(got.text.data, "[container]\ngroups = a\ngroups = b\n[console]\nttys = 7\n"));
	CHECK_INT(got.left.count, 2);
	CHECK(text_is(got.left.items[0].file, more) && got.left.items[0].line == 2);
	CHECK(is_said(&got.left, "3 open '"));
}

TEST(own_settings_take_the_place_of_those_of_lxc)
{
	FOLDER(folder);
	CLEAN(lxc_config_done) struct lxc_config got;
	CLEAN_FREE char *debian = folder_write(folder, "debian.conf", "");
	CLEAN_FREE char *local = folder_write(folder, "local.conf", "");
	CLEAN_FREE char *want =
		must_printf("[container]\ninclude = %s\nhostname = a\nnesting = yes\n", debian);
	CLEAN_FREE char *any = must_printf("[container]\ninclude = %s\n", local);

	CHECK_INT(read_file(&got, folder,
	                    "lxc.uts.name = a\n"
	                    "lxc.include = /usr/share/lxc/config/debian.common.conf\n"
	                    "lxc.include = /usr/share/lxc/config/debian.userns.conf\n"
	                    "lxc.include = /usr/share/lxc/config/nesting.conf\n",
	                    NULL),
	          0);
	CHECK(text_is(got.text.data, want) && text_is(got.snippet, "debian"));
	CHECK(is_said(&got.left, "3 not needed: it comes with LXC"));
	lxc_config_done(&got);
	CHECK_INT(read_file(&got, folder, "lxc.include = /opt/lxc/config/sabayon.common.conf\n",
	                    NULL),
	          0);
	CHECK(text_is(got.text.data, any) &&
	      is_said(&got.notes, "1 there are no settings of 'sabayon'"));
}

TEST(an_fstab_gives_entries)
{
	FOLDER(folder);
	CLEAN(lxc_config_done) struct lxc_config got;
	CLEAN_FREE char *fstab =
		folder_write(folder, "fstab", "# all\n\n/srv srv none bind 0 0\nnonsense\n");
	CLEAN_FREE char *content = must_printf("lxc.mount = %s\n", fstab);

	CHECK_INT(read_file(&got, folder, content, NULL), 0);
	CHECK(text_is(got.text.data, "[mounts]\nentry = /srv /srv none bind\n"));
	CHECK_INT(got.left.count, 1);
	CHECK(text_is(got.left.items[0].file, fstab) && got.left.items[0].line == 4);
}

TEST(hostile_files)
{
	FOLDER(folder);
	CLEAN(lxc_config_done) struct lxc_config got;
	CLEAN_FREE char *self = must_printf("lxc.include = %s/config\nlxc.tty.max = 2\n", folder);
	CLEAN_FREE char *deep = must_printf("lxc.include = %s/d1\n", folder);
	CLEAN_FREE char *secret = NULL, *fifo = must_printf("%s/fifo", folder);
	CLEAN_FREE char *trap = must_printf("lxc.include = %s\nlxc.include = /dev/zero\n", fifo);
	CLEAN_FREE char *spy = must_printf("lxc.include = %s/secret\n", folder);
	CLEAN_FREE char *config = must_printf("%s/config", folder);
	CLEAN(text_done) struct text text = {0};
	const struct paths paths = some_paths(folder);

	CHECK_INT(read_file(&got, folder, self, NULL), 0);
	CHECK(text_is(got.text.data, "[console]\nttys = 2\n") &&
	      is_said(&got.left, "includes itself"));
	lxc_config_done(&got);
	for (int i = 1; i < 40; i++) {
		CLEAN_FREE char *name = must_printf("d%d", i);
		CLEAN_FREE char *next = must_printf("lxc.include = %s/d%d\n", folder, i + 1);

		free(folder_write(folder, name, next));
	}
	CHECK_INT(read_file(&got, folder, deep, NULL), 0);
	CHECK(is_said(&got.left, "inside each other"));
	lxc_config_done(&got);
	CHECK(mkfifo(fifo, 0600) == 0);
	CHECK_INT(read_file(&got, folder, trap, NULL), 0);
	CHECK_INT(got.left.count, 2);
	CHECK(is_said(&got.left, "1 ") && is_said(&got.left, "2 '/dev/zero' is neither"));
	lxc_config_done(&got);
	/* what root can read and the owner of the configuration cannot */
	secret = folder_write(folder, "secret", "lxc.uts.name = secret\n");
	free(folder_write(folder, "config", spy));
	if (geteuid() == 0) {
		CHECK(chmod(secret, 0600) == 0 && chown(config, 1234, 1234) == 0);
		CHECK_INT(lxc_config_read(&got, config, &paths, true, NULL), 0);
		CHECK(!*got.text.data && is_said(&got.left, "1 user 1234, whose configuration"));
		CHECK_INT(got.owner, 1234);
		lxc_config_done(&got);
	}
	/* long lines, bytes of every kind */
	text_add(&text, "lxc.uts.name = ");
	for (int i = 0; i < 5000; i++)
		text_add(&text, "x");
	text_add(&text, "\nlxc.tty.max = 3\n");
	text_add_bytes(&text, "lxc.uts.name = a\0b\nlxc.group = z\n", 34);
	text_add_bytes(&text, "\xff\xfe\x80lxc.group = y\nlxc.group = \xff\n", 32);
	lxc_config_parse(&got, "config", &text, &paths, true);
	CHECK(text_is(got.text.data, "[container]\ngroups = z\n[console]\nttys = 3\n"));
	CHECK(is_said(&got.left, "1 a line longer") && is_said(&got.left, "3 a NUL byte") &&
	      is_said(&got.left, "6 container.groups:"));
	lxc_config_done(&got);
	/* more of everything than makes sense ends, and is said */
	text_done(&text);
	for (int i = 0; i < 5000; i++)
		text_addf(&text, "lxc.idmap = u %d %d 1\n", i, 100000 + i);
	text_add(&text, "lxc.rootfs.path = /r\n");
	lxc_config_parse(&got, "config", &text, &paths, true);
	CHECK(is_said(&got.left, "33 a map has at most 32 ranges") &&
	      is_said(&got.left, "4097 more than 4096 lines"));
	lxc_config_done(&got);
	CHECK_INT(lxc_config_read(&got, fifo, &paths, true, NULL), -EINVAL);
	CHECK_INT(lxc_config_read(&got, "/nowhere/config", &paths, true, NULL), -ENOENT);
}
