#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2154 # run sets variables
# sysc import --lxc: containers of LXC become containers of sysc, whole or not at all; nothing of the original changes.
# shellcheck shell=bash

bats_require_minimum_version 1.5.0
load ../lib/lifecycle
load ../lib/images

setup() {
	lifecycle_setup
	need userns
	need busybox
	cd "$BATS_TEST_TMPDIR" || return
	lxc=$BATS_TEST_TMPDIR/lxc
}

teardown() {
	[[ ! -d mnt ]] || ! mountpoint -q mnt || umount mnt
	assert_no_image
	sandbox_teardown
}

# lxc_container NAME [LINE...]: a folder as LXC has it, with a busybox guest of plain ids
lxc_container() {
	local name=$1
	shift
	if [[ ! -d $SYSC_PATH/seed ]]; then
		sysc create -q -t busybox seed -s network.eth0.type=none
	fi
	mkdir -p "$lxc/$name"
	cp -a "$(rootfs seed)" "$lxc/$name/rootfs"
	echo "$name" >"$lxc/$name/rootfs/etc/hostname"
	printf '%s\n' "lxc.uts.name = $name" "lxc.rootfs.path = dir:$lxc/$name/rootfs" "$@" >"$lxc/$name/config"
}

# shift_tree NAME: its owners are those of "lxc.idmap = u 0 100000 65536" from here on
map=('lxc.idmap = u 0 100000 65536' 'lxc.idmap = g 0 100000 65536')
shift_tree() {
	find "$lxc/$1/rootfs" -printf '%U %G %p\n' | while read -r user group path; do
		chown -h "$((user + 100000)):$((group + 100000))" "$path"
	done
}

# tree FOLDER: all entries with what a file system keeps of them
tree() {
	(cd "$1" && find . -printf '%P|%y|%m|%U:%G|%s|%l|%T@\n' | sort && find . -type f -print0 | sort -z | xargs -0 sha256sum)
}

# nothing_made NAME: neither it nor a part of it is there
nothing_made() {
	[[ -z $(find "$SYSC_PATH" -mindepth 1 -maxdepth 1 -name "*$1*") ]] || { ls -la "$SYSC_PATH" && return 1; }
	! grep -q "$SYSC_PATH" /proc/self/mounts
}

@test "an unprivileged container: its tree is un-shifted, it starts with ids of its own, its limits and address hold" {
	need setcap
	need setfacl
	lxc_container u1 "${map[@]}" 'lxc.net.0.type = veth' 'lxc.net.0.link = syscbr0' 'lxc.net.0.hwaddr = 00:16:3e:0a:0b:0c' \
		'lxc.cgroup2.pids.max = 77' 'lxc.environment = WHERE=lxc'
	shift_tree u1
	local root=$lxc/u1/rootfs
	cp /bin/true "$root/tool" && chown 100033:100044 "$root/tool" && chmod 6755 "$root/tool"
	cp /bin/true "$root/capable" && chown 100000:100000 "$root/capable"
	setcap -n 100000 cap_net_raw+ep "$root/capable"
	echo x >"$root/acl" && chown 101000:101000 "$root/acl" && setfacl -m u:100007:rw "$root/acl"
	ln -s /nowhere "$root/link" && chown -h 100005:100005 "$root/link"
	tree "$root" >before
	run -0 sysc import --lxc "$lxc/u1"
	[[ $output != *"lxc.idmap lacks"* ]]
	tree "$root" | diff before -
	cd "$(rootfs u1)"
	[[ $(stat -c %u:%g . bin/busybox | sort -u) == 0:0 ]]
	[[ $(stat -c '%u:%g %a' tool acl link) == $'33:44 6755\n1000:1000 664\n5:5 777' ]]
	# as any plain tree has it: without a root of its own
	[[ $(getcap -n capable) == *cap_net_raw=ep && $(getcap -n capable) != *rootid* ]]
	getfacl -n acl 2>/dev/null | grep -qx user:7:rw-
	cd "$BATS_TEST_TMPDIR"
	[[ $(sysc config get u1 idmap.map) != *100000* ]]
	sysc start u1
	[[ $(inside u1 'stat -c "%u:%g %a" /tool') == '33:44 6755' ]]
	[[ $(inside u1 'hostname; echo $WHERE') == $'u1\nlxc' ]]
	[[ $(inside u1 'cat /sys/class/net/eth0/address') == 00:16:3e:0a:0b:0c ]]
	[[ $(sysc info -c limits.pids -H u1) == 77 && $(cgroup_file u1 pids.max) == 77 ]]
	(($(stat -c %u "/proc/$(pid_of u1)") >= 1048576))
}

@test "an address of the configuration is that of the guest" {
	lxc_container s1 'lxc.net.0.type = veth' 'lxc.net.0.link = syscbr0' 'lxc.net.0.name = lan0' 'lxc.net.0.ipv4.address = 10.9.8.7/24'
	sysc import -q --lxc "$lxc/s1"
	sysc start s1
	[[ $(inside s1 'ip -4 addr show dev lan0') == *"inet 10.9.8.7/24"* ]]
}

@test "what gives rights on the host comes only with --trust; what has no counterpart is listed" {
	lxc_container p1 'lxc.mount.entry = /etc srv none bind,create=dir 0 0' 'lxc.cgroup2.devices.allow = c 10:200 rwm' \
		'lxc.hook.mount = /x' 'lxc.start.auto = 1' 'lxc.net.0.type = veth' 'lxc.net.0.link = br7' 'lxc.cap.drop = sys_time'
	mkdir -p "$lxc/p1/snaps/snap0" "$lxc/p1/snaps/snap1"
	run -0 sysc import --lxc "$lxc/p1/config"
	[[ $output == *"$lxc/p1/config:5: lxc.hook.mount = /x: left out: hooks are not run yet"* ]]
	[[ $output == *"left out (--trust takes it): container.privileged = yes"* ]]
	[[ $output == *"left out (--trust takes it): mounts.entry = /etc /srv none bind,create=dir"* ]]
	[[ $output == *"network.eth0.bridge: syscbr0 in place of br7"* ]]
	[[ $output == *"p1: starts with the host"* && $output == *"2 snapshots of LXC are not taken"* ]]
	[[ $(sysc config get p1 boot.autostart) == yes && $(sysc config get p1 security.drop_capabilities) == *sys_time* ]]
	[[ $(sysc config get p1 container.privileged) == no ]]
	sysc start p1
	[[ $(inside p1 'stat -c %u /bin/busybox; id -u') == $'0\n0' ]]
	sysc destroy -f p1
	run -0 sysc import --json -q --trust --lxc "$lxc/p1" p2
	[[ $(sysc config get p2 container.privileged) == yes && $(sysc config get p2 network.eth0.bridge) == br7 ]]
	[[ $(sysc config get p2 mounts.entry) == '/etc /srv none bind,create=dir' && $(sysc config get p2 devices.allow) == 'c 10:200 rwm' ]]
	# by another name it is another host
	[[ $(cat "$(rootfs p2)/etc/hostname") == p2 && -z $(sed -n '/^hostname/p' "$SYSC_PATH/p2/config") ]]
	if command -v jq >/dev/null; then
		run --separate-stderr -0 sysc import --json --trust --lxc "$lxc/p1" p3
		jq -e '.schema == 1 and .left_out == [] and .lxc.left_out[0].line == 5 and .lxc.snapshots == ["snap0", "snap1"]' <<<"$output"
	fi
}

@test "settings of the distribution come from its os-release; -B, --size, -s and -f decide what they always decide" {
	lxc_container d1 'lxc.include = /usr/share/lxc/config/ubuntu.common.conf'
	printf 'NAME="Alpine Linux"\nID=alpine\n' >"$lxc/d1/rootfs/etc/os-release"
	sysc import -q -B overlay -s limits.pids=9 --lxc "$lxc/d1"
	grep -qx 'include = .*/alpine.conf' "$SYSC_PATH/d1/config"
	[[ $(sysc config get d1 rootfs.path) == overlay:* && $(sysc config get d1 limits.pids) == 9 ]]
	sysc start d1
	[[ $(inside d1 'cat /etc/hostname') == d1 ]]
	# as it is kept here, unless it is told
	printf '[rootfs]\nbackend = overlay\n' >"$SYSC_ETC/default.conf"
	sysc import -q --lxc "$lxc/d1" d2
	[[ $(sysc config get d2 rootfs.path) == overlay:* ]]
	sysc import -q -B dir --lxc "$lxc/d1" d3
	[[ $(sysc config get d3 rootfs.path) == dir:* ]]
}

@test "who belongs to nobody in the map becomes nobody, and is said" {
	lxc_container n1 "${map[@]}"
	shift_tree n1
	echo x >"$lxc/n1/rootfs/own"
	cp /bin/true "$lxc/n1/rootfs/su" && chown 100000:500 "$lxc/n1/rootfs/su" && chmod 4755 "$lxc/n1/rootfs/su"
	run -0 sysc import --lxc "$lxc/n1"
	[[ $output == *"'/own' belongs to 0:0, whom lxc.idmap lacks: nobody's (65534) now"* && $output == *"'/su' belongs to 100000:500"* ]]
	# it had no effect before, and has none now
	[[ $(stat -c '%u:%g %a' "$(rootfs n1)/own" "$(rootfs n1)/su") == $'65534:65534 644\n0:65534 755' ]]
	sysc destroy n1
	# a tree that is not what the map says at all
	chown 0:0 "$lxc/n1/rootfs"
	run -1 sysc import --lxc "$lxc/n1"
	[[ $output == *"its root file system belongs to 0:0, which are not in lxc.idmap"* ]]
	nothing_made n1
}

@test "a container that runs is refused, by whatever tells so" {
	need python3
	lxc_container r1
	in_background python3 -c "import socket, sys, signal
s = socket.socket(socket.AF_UNIX); s.bind('\0$lxc/r1/command'); s.listen(); signal.pause()"
	wait_until 10 grep -q "@$lxc/r1/command" /proc/net/unix
	run -4 sysc import --lxc "$lxc/r1"
	[[ $output == *"the LXC container runs: its command socket is there (stop it: lxc-stop -P $lxc r1)"* ]]
	nothing_made r1
	kill "$background" && wait "$background" || :
	# its supervisor, in another network namespace
	in_background bash -c "exec -a '[lxc monitor] $lxc r1' tail -f /dev/null"
	wait_until 10 grep -q 'lxc monitor' "/proc/$background/cmdline"
	run -4 sysc import --lxc "$lxc/r1"
	[[ $output == *"the LXC container runs: process $background is its monitor"* ]]
	kill "$background" && wait "$background" || :
	# somebody who is in there
	in_background chroot "$lxc/r1/rootfs" /bin/sh -c 'while :; do sleep 1; done'
	wait_until 10 test "/proc/$background/root" -ef "$lxc/r1/rootfs"
	run -4 sysc import --lxc "$lxc/r1"
	[[ $output == *"has its root file system as root"* ]]
	nothing_made r1
}

@test "overlays and images are read; what cannot be read says how to go on" {
	lxc_container o1
	mkdir -p "$lxc/o1/delta0" "$lxc/o1/work" mnt
	mount -t overlay -o "lowerdir=$lxc/o1/rootfs,upperdir=$lxc/o1/delta0,workdir=$lxc/o1/work" none mnt
	echo new >mnt/new && rm mnt/etc/hostname && rm -r mnt/var && mkdir mnt/var
	umount mnt
	sed -i "s|^lxc.rootfs.path.*|lxc.rootfs.path = overlayfs:$lxc/o1/rootfs:$lxc/o1/delta0|" "$lxc/o1/config"
	sysc import -q --lxc "$lxc/o1"
	[[ $(cat "$(rootfs o1)/new") == new && ! -e $(rootfs o1)/etc/hostname && -z $(ls -A "$(rootfs o1)/var") && -e $(rootfs o1)/bin/busybox ]]
	sed -i 's|^lxc.rootfs.path.*|lxc.rootfs.path = lvm:/dev/vg0/o1|' "$lxc/o1/config"
	run -1 sysc import --lxc "$lxc/o1" o2
	[[ $output == *"its root file system is 'lvm:/dev/vg0/o1', which is not read here (mount it read-only"* ]]
	sed -i '/^lxc.rootfs.path/d' "$lxc/o1/config"
	run -1 sysc import --lxc "$lxc/o1" o2
	[[ $output == *"lxc.rootfs.path is not set"* ]]
	nothing_made o2
	need mkfs.ext4
	need_loop
	lxc_container i1
	truncate -s 64M "$lxc/i1/rootdev"
	mkfs.ext4 -q "$lxc/i1/rootdev"
	mount -o loop "$lxc/i1/rootdev" mnt
	cp -a "$lxc/i1/rootfs/." mnt/
	umount mnt
	wait_until 10 no_image
	sed -i "s|^lxc.rootfs.path.*|lxc.rootfs.path = loop:$lxc/i1/rootdev|" "$lxc/i1/config"
	sysc import -q --lxc "$lxc/i1"
	[[ -e $(rootfs i1)/bin/busybox && ! -e $(rootfs i1)/lost+found ]]
}

@test "a user's configuration does not bring in files of others" {
	lxc_container f1
	mkdir secret && echo secret >secret/file && chmod 700 secret
	sed -i "s|^lxc.rootfs.path.*|lxc.rootfs.path = dir:$PWD/secret|" "$lxc/f1/config"
	chown -R 1000:1000 "$lxc/f1"
	run -1 sysc import --lxc "$lxc/f1"
	[[ $output == *"its configuration is user 1000's, and its root file system 'dir:$PWD/secret' not a folder below '$lxc/f1' (--trust takes it)"* ]]
	ln -s "$PWD/secret" "$lxc/f1/sub"
	mkdir "$PWD/secret/deep"
	sed -i "s|^lxc.rootfs.path.*|lxc.rootfs.path = dir:$lxc/f1/sub/deep|" "$lxc/f1/config"
	run -1 sysc import --lxc "$lxc/f1"
	[[ $output == *"not a folder below"* ]]
	sed -i "s|^lxc.rootfs.path.*|lxc.rootfs.path = overlay:$PWD/secret:$lxc/f1/rootfs|" "$lxc/f1/config"
	run -1 sysc import --lxc "$lxc/f1"
	nothing_made f1
	sed -i "s|^lxc.rootfs.path.*|lxc.rootfs.path = dir:$lxc/f1/rootfs|" "$lxc/f1/config"
	sysc import -q --lxc "$lxc/f1"
	[[ -e $(rootfs f1)/bin/busybox ]]
}

@test "a folder that was moved here; names; wrong words" {
	lxc_container m1
	mkdir backup && mv "$lxc/m1" backup/m1
	sysc import -q --lxc backup/m1
	[[ -e $(rootfs m1)/bin/busybox ]]
	run -4 sysc import --lxc backup/m1
	[[ $output == *"a container of this name exists already"* ]]
	cp backup/m1/config own.conf
	run -1 sysc import --lxc own.conf
	[[ $output == *"it does not say what its name is (give the NAME)"* ]]
	run -2 sysc import --lxc backup/m1 a b
	run -2 sysc import --lxc backup/m1 --then x.tar
	run -1 sysc import --lxc nowhere
	[[ $output == *"open 'nowhere': No such file or directory"* ]]
	nothing_made nowhere
}

@test "a MAC address that another container has" {
	lxc_container a1 'lxc.net.0.type = veth' 'lxc.net.0.link = syscbr0' 'lxc.net.0.hwaddr = 00:16:3e:0a:0b:0c'
	sysc import -q --lxc "$lxc/a1"
	run -1 sysc import --keep --lxc "$lxc/a1" a2
	[[ $output == *"its MAC address 00:16:3e:0a:0b:0c is that of container 'a1'"* ]]
	nothing_made a2
	run -0 sysc import --lxc "$lxc/a1" a2
	[[ $output == *"a new MAC address for eth0"* && $(sysc config get a2 network.eth0.mac) != 00:16:3e:0a:0b:0c ]]
}

@test "killed at any moment: whole or absent, the original as it was, and the next command cleans up" {
	lxc_container k1 "${map[@]}"
	head -c 8M /dev/urandom >"$lxc/k1/rootfs/data"
	shift_tree k1
	tree "$lxc/k1/rootfs" >before
	local i pid
	for i in 5 15 25 40 60 90 130; do
		"$top_builddir/src/sysc" import -q --lxc "$lxc/k1" 3>&- 4>&- &
		pid=$!
		read -rt "$(printf '0.%03d' "$i")" <> <(:) || :
		kill -KILL "$pid" 2>/dev/null || :
		wait "$pid" || :
		if [[ -e $SYSC_PATH/k1 ]]; then
			[[ $(stat -c %u "$(rootfs k1)/data") == 0 ]]
			sysc destroy k1
		fi
	done
	tree "$lxc/k1/rootfs" | diff before -
	sysc import -q --lxc "$lxc/k1"
	[[ $(find "$SYSC_PATH" -mindepth 1 -maxdepth 1 -name '.*ing') == '' ]]
	sysc destroy k1
	nothing_made k1
}

@test "a container that LXC's own tools made, also while it runs" {
	need lxc-create
	need ip
	ip link show lxcbr0 >/dev/null 2>&1 || ip link add lxcbr0 type bridge
	run lxc-create -P "$lxc" -n t1 -t busybox
	[[ $status == 0 ]] || skip "lxc-create does not work here: $output"
	cp /bin/busybox "$lxc/t1/rootfs/bin/busybox" # static, without the libraries of the host that its template mounts
	if lxc-start -P "$lxc" -n t1 -d -s lxc.net.0.type=empty; then
		run -4 sysc import --lxc "$lxc/t1"
		lxc-stop -k -P "$lxc" -n t1
		[[ $output == *"the LXC container runs: "* ]]
	fi
	sysc import -q --lxc "$lxc/t1"
	sysc start t1
	[[ $(inside t1 'hostname') == t1 && $(sysc config get t1 console.ttys) == 5 ]]
	ip link del lxcbr0
}
