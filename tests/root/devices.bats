#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Devices of real containers: what [devices] node gives may be used, all else not, by the v1 controller as by the
# program on a host that has cgroup v2 only.

bats_require_minimum_version 1.5.0
LIFECYCLE_NETWORK=no
load ../lib/lifecycle

teardown() {
	local code=0
	sandbox_teardown || code=1
	[[ -z ${plain_v2-} ]] || umount /sys/fs/cgroup
	return "$code"
}

# a device that anybody may read and that does nothing when it is opened
needs_autofs() { [[ -c /dev/autofs ]] || skip "the host has no /dev/autofs"; }

# only_v2: a host with nothing but cgroup v2, as the rest of this test sees it
only_v2() {
	need cgroup2
	mount -t cgroup2 none /sys/fs/cgroup
	plain_v2=yes
}

# opens NAME DEVICE: in the container
opens() { inside "$1" ": <$2"; }

# check_fence NAME: nodes can be made, but not opened beyond the base set
check_fence() {
	inside "$1" 'mknod /root/zero c 1 5 && mknod /root/kmsg c 1 11 && mknod /root/loop b 7 0'
	opens "$1" /root/zero
	for node in kmsg loop; do
		run ! opens "$1" "/root/$node"
		[[ $output == *"Operation not permitted"* ]]
	done
}

@test "a privileged container opens the base set, nothing else" {
	start_busybox web1 -s container.privileged=yes
	check_fence web1
}

@test "a node of the configuration is opened without a line allow, privileged or not" {
	needs_autofs
	for privileged in yes no; do
		start_busybox "web-$privileged" -s container.privileged="$privileged" -s devices.node=/dev/autofs
		[ "$(inside "web-$privileged" 'stat -c %t:%T /dev/autofs')" = a:eb ]
		opens "web-$privileged" /dev/autofs
	done
}

@test "with cgroup v2 alone a program fences: privileged, with a node, and gone with the container" {
	needs_autofs
	only_v2
	start_busybox web1 -s container.privileged=yes -s devices.node=/dev/autofs -s "devices.allow=b 7:0 r"
	opens web1 /dev/autofs
	inside web1 'mknod /root/loop b 7 0 && mknod /root/loop1 b 7 1'
	opens web1 /root/loop
	run ! inside web1 ': >>/root/loop'
	[[ $output == *"Operation not permitted"* ]]
	run ! opens web1 /root/loop1
	[[ $output == *"Operation not permitted"* ]]
	# who looks after it is in a cgroup of ours too, under no limit of the container's
	mapfile -t pids < <(sed -nE 's/^(monitor|keeper)_pid //p' "$SYSC_RUN/web1/state")
	((${#pids[@]} == 2))
	for pid in "${pids[@]}"; do
		grep -x "0::/$SYSC_CGROUP/.supervisors" "/proc/$pid/cgroup"
	done
	sysc stop -k web1
	assert_nothing_left

	start_busybox web2 -s container.privileged=yes
	check_fence web2
	sysc stop -k web2
}
