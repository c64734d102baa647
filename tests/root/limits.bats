#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Limits and devices: what is written is in force, shown by info and ls, and holds against the guest. Files of cgroup v1
# and v2 differ in name only; each test takes the one that this host has.

bats_require_minimum_version 1.5.0
LIFECYCLE_NETWORK=no
load ../lib/lifecycle

# value NAME V2-FILE V1-FILE
value() { cgroup_file "$1" "payload/$2" 2>/dev/null || cgroup_file "$1" "$2" 2>/dev/null || cgroup_file "$1" "$3"; }

@test "memory: a process that wants too much is killed, the container lives; info and ls tell" {
	need controller memory
	make_busybox web1 -s limits.memory=32M
	sysc start web1
	[ "$(value web1 memory.max memory.limit_in_bytes)" = 33554432 ]
	init=$(pid_of web1)
	# tail keeps a line that never ends
	run inside web1 'tail -n 1 </dev/zero'
	echo "$status $output"
	[ "$status" = 137 ] || [ "$status" = 1 ]
	[ "$(state_of web1)" = RUNNING ]
	[ "$(pid_of web1)" = "$init" ]
	[ "$(inside web1 'echo alive')" = alive ]
	[[ $(sysc info web1) =~ "Memory use:"\ +[0-9.]+[KM]" (limit 32M" ]]
	[ "$(fact web1 memory_limit)" = 33554432 ]
	[ "$(fact web1 oom_kills)" -ge 1 ]
	[[ $(sysc ls -F NAME,MEMORY) == */32M* ]]
}

@test "swap: the limit is memory and swap apart" {
	need controller memory
	[ -e /sys/fs/cgroup/memory/memory.memsw.limit_in_bytes ] || grep -qsw memory /sys/fs/cgroup/cgroup.controllers ||
		skip "the kernel does not account swap"
	make_busybox web1 -s limits.memory=32M -s limits.swap=16M
	sysc start web1
	if [[ -e /sys/fs/cgroup/memory ]]; then
		[ "$(cgroup_file web1 memory.memsw.limit_in_bytes)" = $((48 << 20)) ]
	else
		[ "$(value web1 memory.swap.max none)" = $((16 << 20)) ]
	fi
	[ "$(fact web1 swap_limit)" = $((16 << 20)) ]
}

@test "pids: a fork bomb ends at its limit" {
	need controller pids
	make_busybox web1 -s limits.pids=40
	sysc start web1
	[ "$(value web1 pids.max pids.max)" = 40 ]
	run inside web1 'n=0; while [ $n -lt 100 ]; do n=$((n + 1)); sleep 1000 >/dev/null 2>&1 & done; echo all'
	echo "$output"
	[[ $output != *all* ]]
	[ "$(value web1 pids.current pids.current)" -le 40 ]
	[[ $(sysc info web1) =~ "Processes:"\ +[0-9]+" (limit 40)" ]]
	[[ $(sysc ls -F NAME,PIDS) == */40* ]]
	inside web1 'killall sleep' || sysc stop -k web1
	# a stop gets through
	sysc stop -k web1
	assert_nothing_left
}

@test "cpus, cpu_weight and cpuset are in force" {
	need controller cpu
	need controller cpuset
	make_busybox web1 -s limits.cpus=0.5 -s limits.cpu_weight=200 -s limits.cpuset=0
	sysc start web1
	if [[ -e /sys/fs/cgroup/cpu ]]; then
		[ "$(cgroup_file web1 cpu.cfs_quota_us)" = $(($(cgroup_file web1 cpu.cfs_period_us) / 2)) ]
		[ "$(cgroup_file web1 cpu.shares)" = 2048 ]
	else
		read -r quota period <<<"$(value web1 cpu.max none)"
		[ $((quota * 2)) = "$period" ]
		[ "$(value web1 cpu.weight none)" = 200 ]
	fi
	[ "$(grep Cpus_allowed_list "/proc/$(pid_of web1)/status" | cut -f2)" = 0 ]
	[ "$(inside web1 'grep Cpus_allowed_list /proc/self/status | cut -f2')" = 0 ]
	[[ $(sysc info web1) == *"(limit 0.500 cpus)"*"CPUs:"*0* ]]
}

@test "cpus holds: a busy process gets its part and no more" {
	need controller cpu
	make_busybox web1 -s limits.cpus=0.2
	sysc start web1
	"$top_builddir/src/sysc" attach web1 -- sh -c 'while :; do :; done' 3>&- &
	SANDBOX_PIDS+=($!)
	wait_until 10 eval '[ "$(fact web1 cpu_ns)" -gt 100000000 ]'
	used=$(fact web1 cpu_ns)
	began=${EPOCHREALTIME/./}
	wait_until 30 eval '[ "$(fact web1 cpu_ns)" -gt '$((used + 300000000))' ]'
	# 0.3 seconds of a cpu take 1.5 seconds; half of that is far from a whole cpu
	[ $((${EPOCHREALTIME/./} - began)) -gt 750000 ]
}

@test "io: rates and weight of a block device" {
	need controller blkio
	device=$(find /sys/block -mindepth 1 -maxdepth 1 ! -name 'loop*' ! -name 'ram*' ! -name 'zram*' -printf '%f\n' | head -n 1)
	[ -n "$device" ] && [ -b "/dev/$device" ] || skip "this host has no block device"
	[ -e /sys/fs/cgroup/blkio/blkio.throttle.read_bps_device ] || [ -e /sys/fs/cgroup/cgroup.controllers ] ||
		skip "the kernel has no io throttling"
	make_busybox web1 -s "limits.io=/dev/$device rbps=10M wiops=500"
	sysc start web1
	number=$(cat "/sys/block/$device/dev")
	if [[ -e /sys/fs/cgroup/blkio ]]; then
		[ "$(cgroup_file web1 blkio.throttle.read_bps_device)" = "$number 10485760" ]
		[ "$(cgroup_file web1 blkio.throttle.write_iops_device)" = "$number 500" ]
	else
		[[ $(value web1 io.max none) == "$number rbps=10485760 wbps=max riops=max wiops=500" ]]
	fi
	sysc stop -k web1
	run sysc start -s 'limits.io=/dev/nosuch rbps=1M' web1
	echo "$output"
	[ "$status" = 1 ]
	[[ $output == *"limits.io"*"/dev/nosuch"* ]]
	assert_nothing_left
}

@test "[cgroup]: any file of the container's cgroup, read back; a wrong one stops the start with its line" {
	make_busybox web1
	if [[ -e /sys/fs/cgroup/memory ]]; then
		key=v1:memory.soft_limit_in_bytes file=memory.soft_limit_in_bytes want=20971520
	else
		key=memory.high file=memory.high want=20971520
	fi
	printf '[cgroup]\n%s = %s\n' "$key" "$want" >>"$SYSC_PATH/web1/config"
	sysc start web1
	[ "$(value web1 "$file" "$file")" = "$want" ]
	sysc stop -k web1
	echo 'v1:memory.no_such_file = 1' >>"$SYSC_PATH/web1/config"
	line=$(wc -l <"$SYSC_PATH/web1/config")
	run sysc start web1
	echo "$output"
	[ "$status" = 1 ]
	[[ $output == *"memory.no_such_file"*"$SYSC_PATH/web1/config:$line"* ]]
	assert_nothing_left
}

@test "a limit above what the host has is refused, or read back as it is" {
	need controller cpuset
	make_busybox web1
	run sysc start -s limits.cpuset=0-4095 web1
	echo "$output"
	[ "$status" = 1 ]
	[[ $output == *"limits.cpuset"*"option -s"* ]]
	assert_nothing_left
}

@test "the guest cannot lift its limits" {
	need controller pids
	make_busybox web1 -s limits.pids=40
	sysc start web1
	# whatever becomes of it
	inside web1 'find /sys/fs/cgroup -name pids.max -o -name memory.max | while read -r f; do echo max >$f; done' || :
	[ "$(value web1 pids.max pids.max)" = 40 ]
	# a v1 hierarchy may be mounted in there, but what it shows is not the guest's to write
	run ! inside web1 'mkdir /tmp/c && mount -t cgroup -o pids none /tmp/c && echo max >/tmp/c/pids.max'
	[ "$(value web1 pids.max pids.max)" = 40 ]
	# but it has a tree of its own
	inside web1 'mkdir /sys/fs/cgroup/mine && echo $$ >/sys/fs/cgroup/mine/cgroup.procs && cat /proc/self/cgroup | grep "^0::/mine$"'
	sysc stop -k web1
	assert_nothing_left
}

@test "devices: a privileged container reaches no disk of the host" {
	device=$(find /sys/block -mindepth 1 -maxdepth 1 ! -name 'ram*' -printf '%f\n' | head -n 1)
	[ -n "$device" ] || skip "this host has no block device"
	IFS=: read -r major minor <"/sys/block/$device/dev"
	make_busybox web1 -s container.privileged=yes
	sysc start web1
	inside web1 "mknod /dev/disk b $major $minor" || :
	run inside web1 'head -c 512 /dev/disk | wc -c'
	echo "$output"
	[[ $output != 512 ]]
	inside web1 'mknod /tmp/kmsg c 1 11' || :
	run ! inside web1 'head -c 1 /tmp/kmsg'
	# mknod of what is in the base set is fine, as in every container
	inside web1 'mknod /dev/null2 c 1 3 && echo x >/dev/null2'
}

@test "devices: allow and node open what they name" {
	[ -c /dev/fuse ] || skip "the host has no /dev/fuse"
	# the node is the host's own there, with the host's rights
	[ "$(stat -c %a /dev/fuse)" = 666 ] || skip "/dev/fuse of the host is not for everybody"
	make_busybox web2 -s devices.node=/dev/fuse -s 'devices.allow=/dev/fuse rwm'
	sysc start web2
	[ "$(inside web2 'stat -c %t:%T /dev/fuse')" = a:e5 ]
	inside web2 ': <>/dev/fuse'
	sysc stop -k web2
	sysc start -s devices.allow= web2
	run ! inside web2 ': <>/dev/fuse'
}

@test "an empty list of devices allows the base set only" {
	make_busybox web1 -s devices.allow=
	sysc start web1
	inside web1 'echo x >/dev/null; head -c 1 /dev/zero; head -c 1 /dev/urandom' >/dev/null
	run terminal -- "$top_builddir/src/sysc" attach web1 -- sh -c 'echo on a pty'
	[[ $output == *"on a pty"* ]]
}
