#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2154 # run and helpers.bash set variables
# sysc config import-lxc: what it prints is a configuration, and what it could not say is said.
load helpers

# a configuration as lxc-create writes it, with what administrators add
write_config() {
	cat >lxc.conf <<-'END'
		# Parameters passed to the template:
		lxc.include = /usr/share/lxc/config/debian.common.conf
		lxc.uts.name = web1
		lxc.rootfs.path = dir:/var/lib/lxc/web1/rootfs
		lxc.idmap = u 0 100000 65536
		lxc.idmap = g 0 100000 65536
		lxc.net.0.type = veth
		lxc.net.0.link = br0
		lxc.net.0.ipv4.address = 10.0.3.5/24
		lxc.cgroup2.memory.max = 512M
		lxc.hook.mount = /usr/local/bin/hook
		lxc.start.auto = 1
	END
}

@test "an LXC configuration becomes one that has no errors; the rest is said with its line" {
	write_config
	"$program" config import-lxc lxc.conf >web1.conf 2>said
	status 0 sysc config check ./web1.conf
	grep -qx 'hostname = web1' web1.conf
	grep -qx 'memory = 512M' web1.conf
	grep -qx 'bridge = br0' web1.conf
	grep -qx 'include = .*/config/debian.conf' web1.conf
	grep -qx 'options = shifted' web1.conf
	[[ $(cat said) == 'sysc-config: lxc.conf:11: lxc.hook.mount = /usr/local/bin/hook: left out: hooks are not run yet' ]]
}

@test "import-lxc --json has text and list" {
	write_config
	status 0 sysc config import-lxc --json lxc.conf
	json '.schema == 1 and .file == "lxc.conf" and (.config | contains("[limits]\nmemory = 512M\n"))'
	json '.left_out == [{"file": "lxc.conf", "line": 11, "key": "lxc.hook.mount", "value": "/usr/local/bin/hook", "reason": "hooks are not run yet"}] and .notes == []'
}

@test "a file that is not there, a folder, nothing at all" {
	status 1 sysc config import-lxc nowhere.conf
	says "open 'nowhere.conf': No such file or directory"
	status 2 sysc config import-lxc
	says "config import-lxc takes FILE"
	: >empty.conf
	status 0 sysc config import-lxc empty.conf
	[[ -z $output ]]
}

@test "the files that come with LXC are translated without a key that is not known" {
	local file found=
	for file in /usr/share/lxc/config/*.conf; do
		[[ -e $file ]] || skip "no LXC is installed here"
		found=yes
		# as a file of another name, so that its lines are looked at
		cp "$file" copy.conf
		status 0 sysc config import-lxc copy.conf
		[[ $output != *"LXC has no such key"* ]]
		grep -v '^sysc-config: ' <<<"$output" >out.conf || :
		status 0 sysc config check ./out.conf
	done
	[[ -n $found ]]
}
