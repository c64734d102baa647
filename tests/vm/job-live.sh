#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Inside the virtual machine: running containers are changed on plain cgroup v2. The limits in the files of the kernel,
# what is refused and leaves everything as it was, and that no process is killed for a change.
# shellcheck disable=SC2016,SC2154 # what runs inside is quoted; lib.sh sets store
# shellcheck source=lib.sh
. /job/lib.sh

scratch=/dev/disk/by-id/virtio-scratch

start() { sysc create -q -t busybox "$@" && sysc start "$1"; }
inside() { sysc attach "$1" -- sh -c "$2"; }
fact() { sysc info --json "$1" | jq -r ".. | .$2? // empty" | head -n 1; }
value() { cat "/sys/fs/cgroup/$(fact "$1" cgroup)/$2"; }
event() { value "$1" memory.events | sed -n "s/^$2 //p"; }
set_key() { sysc config set web1 "limits.$1" "$2"; }
unset_key() { sysc config unset web1 "limits.$1"; }
nothing_differs() { same "web1: nothing differs" "$(sysc plan -e web1)"; }
# refused TEXT COMMAND...: fails with code 1 and the text, and the file is as it was
refused() {
	text=$1 before=$(sha256sum <"$store/web1/config") code=0
	shift
	out=$(set +x && "$@" 2>&1) || code=$?
	same 1 "$code"
	same 1 "$(echo "$out" | wc -l)"
	contains "$out" "$text"
	same "$before" "$(sha256sum <"$store/web1/config")"
}
clean_up() {
	for config in "${store:?}"/*/config; do
		[ ! -e "$config" ] || sysc destroy -q -f "$(basename "$(dirname "$config")")" >/dev/null 2>&1
	done
}

each_key_changes() {
	start web1
	nothing_differs
	for size in 64M 256M 96M; do
		set_key memory $size
		same $((${size%M} << 20)) "$(value web1 memory.max)"
		same max "$(value web1 memory.high)"
		nothing_differs
	done
	set_key memory_high 80M
	same 83886080 "$(value web1 memory.high)"
	# the brake of a lower limit is as it was when that is done
	set_key memory 90M
	same 83886080 "$(value web1 memory.high)"
	set_key memory_low 16M
	same 16777216 "$(value web1 memory.low)"
	for size in 32 8 64; do
		set_key swap ${size}M
		same $((size << 20)) "$(value web1 memory.swap.max)"
	done
	set_key cpus 0.5
	same "50000 100000" "$(value web1 cpu.max)"
	set_key cpus 0.005
	same "5000 1000000" "$(value web1 cpu.max)"
	set_key cpu_weight 250
	same 250 "$(value web1 cpu.weight)"
	set_key cpuset 1
	same 1 "$(value web1 cpuset.cpus.effective)"
	same 1 "$(inside web1 'grep Cpus_allowed_list /proc/self/status' | cut -f 2)"
	set_key pids 60
	same 60 "$(value web1 pids.max)"
	set_key io_weight 300
	same "default 300" "$(value web1 io.weight)"
	disk=$(readlink -f "$scratch")
	numbers=$(lsblk -dno MAJ:MIN "$disk" | tr -d ' ')
	set_key io "$disk rbps=10M"
	set_key io "$disk wiops=500"
	same "$numbers rbps=10485760 wbps=max riops=max wiops=500" "$(value web1 io.max)"
	sysc config unset web1 limits.io "$disk rbps=10M"
	same "$numbers rbps=max wbps=max riops=max wiops=500" "$(value web1 io.max)"
	nothing_differs
	systemctl daemon-reload
	nothing_differs
	for key in memory memory_high memory_low swap cpus cpu_weight cpuset pids io_weight io; do
		unset_key "$key"
	done
	same max "$(value web1 memory.max)"
	same max "$(value web1 memory.high)"
	same 0 "$(value web1 memory.low)"
	same max "$(value web1 memory.swap.max)"
	same "max 100000" "$(value web1 cpu.max)"
	same 100 "$(value web1 cpu.weight)"
	# with processes inside it is not made empty again
	same 0-1 "$(value web1 cpuset.cpus.effective)"
	same max "$(value web1 pids.max)"
	same "default 100" "$(value web1 io.weight)"
	same "" "$(value web1 io.max)"
	nothing_differs
}

# memory that cannot be taken back, of a process that lives
nobody_is_killed_for_a_limit() {
	start web1 -s limits.memory=160M
	init=$(sysc info -p -H web1)
	inside web1 'mkdir /full; mount -t tmpfs full /full; dd if=/dev/zero of=/full/x bs=1M count=80'
	refused "is in use, and it cannot be brought below 48M" set_key memory 48M
	refused "limits.memory: " set_key memory 1M
	same 167772160 "$(value web1 memory.max)"
	same max "$(value web1 memory.high)"
	same 0 "$(event web1 oom_kill)"
	same 0 "$(event web1 oom)"
	same "$init" "$(sysc info -p -H web1)"
	same 83886080 "$(inside web1 'wc -c </full/x')"
	nothing_differs
	# with a lower brake of its own
	set_key memory_high 60M
	refused "is in use" set_key memory 60M
	same 62914560 "$(value web1 memory.high)"
	unset_key memory_high
	# in apply too, with what was before it
	sed -i -e 's/^memory *=.*/memory = 48M/' "$store/web1/config"
	echo 'pids = 50' >>"$store/web1/config"
	refused "is in use" sysc apply web1
	same max "$(value web1 pids.max)"
	same 167772160 "$(value web1 memory.max)"
	inside web1 'rm /full/x'
	sysc apply web1
	same "50331648 50" "$(value web1 memory.max) $(value web1 pids.max)"
	same 0 "$(event web1 oom_kill)"
	nothing_differs
}

# the page cache is taken back
cache_makes_room() {
	start web1 -s limits.memory=200M
	inside web1 'dd if=/dev/zero of=/tmp/cached bs=1M count=100; sync'
	[ "$(value web1 memory.current)" -gt 100000000 ]
	set_key memory 40M
	same 41943040 "$(value web1 memory.max)"
	[ "$(value web1 memory.current)" -le 41943040 ]
	same 0 "$(event web1 oom_kill)"
	same max "$(value web1 memory.high)"
}

# somebody takes memory while it is lowered again and again; what is taken stays below every limit
nobody_is_killed_meanwhile() {
	start web1 -s limits.memory=200M
	inside web1 'while :; do dd if=/dev/zero of=/tmp/busy bs=1M count=60; done' >/dev/null 2>&1 &
	busy=$!
	for _ in 1 2 3; do
		for size in 150M 100M 60M 200M; do set_key memory $size; done
	done
	same 0 "$(event web1 oom_kill)"
	kill -0 "$busy"
	sysc stop -k web1
	wait "$busy" || :
}

what_is_not_there_is_refused() {
	start web1 -s limits.cpuset=1
	refused 0-40 set_key cpuset 0-40
	refused /dev/nothing set_key io "/dev/nothing rbps=1M"
	same 1 "$(value web1 cpuset.cpus)"
	same "" "$(value web1 io.max)"
	nothing_differs
}

drift_is_told_and_mended() {
	start web1 -s limits.memory=64M -s limits.cpus=0.5
	path=/sys/fs/cgroup/$(fact web1 cgroup)
	echo 32M >"$path/memory.high"
	echo "10000 100000" >"$path/cpu.max"
	out=$(sysc plan web1)
	contains "$out" "max (memory.high is 33554432)"
	contains "$out" "0.5 (cpu.max is 10000 100000)"
	sysc apply web1
	same max "$(value web1 memory.high)"
	same "50000 100000" "$(value web1 cpu.max)"
	nothing_differs
}

killed_set_is_mended() {
	start web1 -s limits.memory=64M
	for n in 1 2 3 4 5 6 7 8; do
		sysc config set web1 limits.memory $((64 + n))M &
		victim=$!
		i=0
		while [ $i -lt $((n * 400)) ]; do i=$((i + 1)); done
		kill -KILL $victim 2>/dev/null || :
		wait $victim || :
		sysc config check -q web1
		sysc apply -q web1
		same "$(sysc config get web1 limits.memory)" "$(($(value web1 memory.max) >> 20))M"
		nothing_differs
	done
}

run_case each_key_changes "each limit goes up, down and away at once"
run_case nobody_is_killed_for_a_limit "memory below what is in use is refused, and nobody is killed"
run_case cache_makes_room "what can be taken back makes room for a lower limit of memory"
run_case nobody_is_killed_meanwhile "nobody is killed while memory comes and goes"
run_case what_is_not_there_is_refused "cpus and devices that are not there are refused"
run_case drift_is_told_and_mended "what somebody else wrote to the kernel's files is told and put back"
run_case killed_set_is_mended "after a killed change plan and apply find their way"
finish
