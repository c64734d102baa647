#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# The scripts for hosts without systemd, run by the real sysvinit and OpenRC of Debian: a tree of each is the root file
# system here, with sysc installed in it. The units of systemd are tested by make check-vm.
# cache: debian bookworm-sysvinit
# cache of all guests: debian bookworm-openrc

bats_require_minimum_version 1.5.0
SANDBOX_NETWORK=no
load ../lib/sandbox

setup() {
	sandbox_setup
	host=$BATS_TEST_TMPDIR/host
}

teardown() {
	# the containers of the tree are those of this sandbox
	[ ! -d "$host$prefix/var/lib/sysc" ] || SYSC_PATH=$host$prefix/var/lib/sysc SYSC_RUN=$host/run/sysc sandbox_teardown
	ip link delete syscbr0 2>/dev/null || : # of a test that failed
	sandbox_teardown
}

# host_of KIND: the tree of Debian with that init becomes the host, at $host
host_of() {
	make_debian tree "bookworm-$1"
	mv "$SYSC_PATH/tree/rootfs" "$host"
	rm -r "${SYSC_PATH:?}/tree"
	prefix=$(sed -n 's/^prefix = //p' "$top_builddir/Makefile")
	env -u MAKEFLAGS -u MAKELEVEL make -s -C "$top_builddir" install DESTDIR="$host" >/dev/null
	install -m 755 "$top_builddir/config/$1/sysc" "$host/etc/init.d/sysc"
	mkdir -p "$host$prefix/var/lib/sysc"
	printf '[sysc]\ncgroup = %s\n' "$SYSC_CGROUP" >"$host$prefix/etc/sysc/sysc.conf"
	printf '; no network\n' >"$host$prefix/etc/sysc/default.conf"
	in_host sysc version
}

# A chroot is not enough: no user namespace can be made in one. The mounts are made where the command runs and nowhere
# else, and /dev is not that of this machine: what removes the tree later must not find anything of it there.
in_host() {
	timeout 100 unshare -m --propagation private env -i PATH="$prefix/bin:/usr/sbin:/usr/bin:/sbin:/bin" sh -euc '
		mount --rbind "$0" "$0"
		mount -t proc proc "$0/proc"
		mount --rbind /sys "$0/sys"
		mount -t tmpfs -o mode=755 tmpfs "$0/dev"
		mkdir "$0/dev/pts" "$0/dev/net"
		mount -t devpts -o newinstance,ptmxmode=666 devpts "$0/dev/pts"
		ln -s pts/ptmx "$0/dev/ptmx"
		ln -s /proc/self/fd "$0/dev/fd"
		for node in null zero full random urandom tty fuse net/tun; do cp -a "/dev/$node" "$0/dev/$node"; done
		cd "$0"
		pivot_root . mnt
		umount -l /mnt
		exec "$@"' "$host" "$@"
}
state_of() { in_host sysc info -s -H "$1"; }

# whole_life START-STOP-COMMAND...: what runs the script with the word that is added
whole_life() {
	local pid
	make_busybox web1 -s boot.autostart=yes
	make_busybox web2 -s boot.autostart=yes -s boot.after=web1
	make_busybox other
	sed -i "s|^include = .*/config/|include = $prefix/share/sysc/config/|; s|$SYSC_PATH/|$prefix/var/lib/sysc/|" "$SYSC_PATH"/*/config
	mv "$SYSC_PATH"/* "$host$prefix/var/lib/sysc/"
	in_host "$@" start
	[ "$(state_of web1) $(state_of web2) $(state_of other)" = "RUNNING RUNNING STOPPED" ]
	in_host ip -4 addr show syscbr0 | grep -q 10.83.0.1/20
	in_host "$@" start # again: nothing happens
	pid=$(in_host sysc info -p -H web1)
	in_host "$@" status
	in_host "$@" reload
	[ "$(in_host sysc info -p -H web1)" = "$pid" ]
	in_host "$@" stop
	[ "$(state_of web1) $(state_of web2)" = "STOPPED STOPPED" ]
	run ! in_host ip link show syscbr0
	run in_host "$@" status
	[ "$status" = 3 ]
	# one that cannot start: the others do, and are stopped later
	in_host sysc config set web1 container.init /nothing
	in_host sysc config unset web2 boot.after
	run in_host "$@" start
	echo "$output"
	[[ $output == *web1*/nothing* ]]
	[ "$(state_of web1) $(state_of web2)" = "STOPPED RUNNING" ]
	in_host "$@" status
	in_host "$@" stop
	[ "$(state_of web2)" = STOPPED ]
}

@test "sysvinit: the script is enabled, starts, tells, reloads and stops" {
	host_of sysvinit
	in_host update-rc.d sysc defaults
	[ -n "$(find "$host/etc/rc2.d" -name 'S*sysc')" ]
	[ -n "$(find "$host/etc/rc0.d" -name 'K*sysc')" ]
	whole_life service sysc
	# the code of a start tells that not all went well
	run in_host service sysc start
	[ "$status" = 6 ]
	in_host service sysc stop
	run in_host service sysc nonsense
	[ "$status" = 2 ]
}

@test "OpenRC: the script is enabled, starts, tells, reloads and stops" {
	host_of openrc
	# what a boot leaves
	for name in starting started stopping inactive wasinactive failed hotplugged daemons options exclusive scheduled tmp; do
		mkdir -p "$host/run/openrc/$name"
	done
	echo default >"$host/run/openrc/softlevel"
	in_host rc-update add sysc default
	[ -L "$host/etc/runlevels/default/sysc" ]
	whole_life rc-service sysc
}
