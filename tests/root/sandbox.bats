#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# The sandbox itself: it is apart from the host, and it sees what is left behind.

SANDBOX_NETWORK=no
load ../lib/sandbox

@test "namespaces of their own: a fresh network, this shell's parent is PID 1" {
	[ "$(ip -o link show type veth | wc -l)" = 0 ]
	ip -o link show lo | grep -q 'LOOPBACK,UP'
	tr '\0' ' ' </proc/1/cmdline | grep -q in-namespaces
	[ "$(hostname)" = sysc-test ]
}

@test "an empty sandbox has nothing left" {
	assert_nothing_left
}

@test "a cgroup that is left is seen" {
	root=/sys/fs/cgroup
	[ -e $root/cgroup.procs ] || root=$(findmnt -n -o TARGET -t cgroup | head -n 1)
	mkdir -p "$root/$SYSC_CGROUP/gone"
	run assert_nothing_left gone
	[ "$status" = 1 ]
	[[ $output == *"cgroup $root/$SYSC_CGROUP/gone"* ]]
	assert_nothing_left other
	rmdir "$root/$SYSC_CGROUP/gone"
	assert_nothing_left
}

@test "a mount that is left is seen" {
	mkdir -p "$SYSC_PATH/gone/rootfs"
	mount -t tmpfs none "$SYSC_PATH/gone/rootfs"
	run assert_nothing_left
	[ "$status" = 1 ]
	[[ $output == *"mount $SYSC_PATH/gone/rootfs"* ]]
	umount "$SYSC_PATH/gone/rootfs"
}

@test "a link and a process of a container that are left are seen" {
	ip link add ve-gone type veth peer name peer
	run assert_nothing_left
	[[ $output == *"link ve-gone"* ]]
	ip link delete ve-gone
	in_background unshare --pid --fork --kill-child sleep 60
	wait_until 5 eval '[[ $(sandbox_processes) == *"sleep 60"* ]]'
	run assert_nothing_left
	[ "$status" = 1 ]
}

@test "wait_until gives up with the command's words" {
	run wait_until 0 test -e /nowhere
	[ "$status" = 1 ]
	[[ $output == *"test -e /nowhere"* ]]
}

@test "need skips, or fails where it must run" {
	SYSC_TEST_MUST_RUN="no-such-program"
	run need no-such-program
	[ "$status" = 1 ]
	[[ $output == *"no-such-program must run"* ]]
	need root
}
