#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Changing running containers: config set and unset, plan, apply. Everything is looked up in the kernel's own files;
# those of cgroup v1 and v2 differ in name, each test takes the ones that this host has.

bats_require_minimum_version 1.5.0
LIFECYCLE_NETWORK=no
load ../lib/lifecycle

# value NAME V2-FILE V1-FILE
value() { cgroup_file "$1" "$2" 2>/dev/null || cgroup_file "$1" "$3"; }
is_v1() { [[ -e /sys/fs/cgroup/$1 ]]; }
config_sum() { sha256sum <"$SYSC_PATH/web1/config"; }
# memory_limit: in bytes, "max" without one
memory_limit() {
	local bytes
	bytes=$(value web1 memory.max memory.limit_in_bytes)
	[[ $bytes != 9223372036854771712 ]] || bytes=max
	echo "$bytes"
}
# occupy MIB: memory of the container that cannot be taken back
occupy() { inside web1 "mkdir -p /full; mount -t tmpfs full /full; dd if=/dev/zero of=/full/x bs=1M count=$1 2>/dev/null"; }
# same: nothing differs between the file, what runs and the kernel
same() {
	run sysc plan -e web1
	echo "$output"
	[ "$status" = 0 ]
	[ "$output" = "web1: nothing differs" ]
}
# fails CODE TEXT... -- COMMAND...: in one line that holds the texts
fails() {
	local code=$1 texts=() text
	shift
	while [[ $1 != -- ]]; do texts+=("$1"); shift; done
	shift
	run "$@"
	echo "$status: $output"
	[ "$status" = "$code" ] && [ "${#lines[@]}" = 1 ] || return 1
	for text in "${texts[@]}"; do [[ $output == *"$text"* ]] || return 1; done
}

@test "memory: up, down and away, in the kernel, in info and in the file" {
	need controller memory
	start_busybox web1 -s limits.memory=64M
	same
	run sysc config set web1 limits.memory 128M
	[ "$status $output" = "0 " ]
	[ "$(memory_limit)" = $((128 << 20)) ]
	[ "$(fact web1 memory_limit)" = $((128 << 20)) ]
	[ "$(sysc config get web1 limits.memory)" = 128M ]
	same
	sysc config set web1 limits.memory 32M
	[ "$(memory_limit)" = $((32 << 20)) ]
	same
	sysc config set web1 limits.memory max
	[ "$(memory_limit)" = max ]
	sysc config set web1 limits.memory 48M
	sysc config unset web1 limits.memory
	[ "$(memory_limit)" = max ]
	[ "$(sysc config get web1 limits.memory)" = max ]
	same
	# the next start has it from the file
	sysc config set web1 limits.memory 40M
	sysc restart -k web1
	[ "$(memory_limit)" = $((40 << 20)) ]
	same
}

@test "memory below what is in use is refused: the old limit stays, nothing is killed" {
	need controller memory
	start_busybox web1 -s limits.memory=128M
	occupy 60
	init=$(pid_of web1)
	before=$(config_sum)
	fails 1 limits.memory "is in use" "below 32M" "end something inside first, or allow more" -- \
		sysc config set web1 limits.memory 32M
	[[ $output != *"$SYSC_PATH"* ]] # the line is not there
	[ "$(memory_limit)" = $((128 << 20)) ]
	[ "$(config_sum)" = "$before" ]
	[ "$(pid_of web1)" = "$init" ]
	[ "$(fact web1 oom_kills)" = 0 ]
	[ "$(inside web1 'wc -c </full/x')" = $((60 << 20)) ]
	is_v1 memory || [ "$(value web1 memory.high -)" = max ]
	same
	# it fits once that is gone; what the page cache holds is taken back
	inside web1 'rm /full/x; dd if=/dev/zero of=/tmp/cached bs=1M count=60 2>/dev/null; sync'
	sysc config set web1 limits.memory 32M
	[ "$(memory_limit)" = $((32 << 20)) ]
	[ "$(fact web1 oom_kills)" = 0 ]
	same
}

@test "swap and memory: each order up and down" {
	need controller memory
	[[ -e /sys/fs/cgroup/memory/memory.memsw.limit_in_bytes ]] || ! is_v1 memory || skip "the kernel does not account swap"
	start_busybox web1 -s limits.memory=64M -s limits.swap=16M
	swap() {
		if is_v1 memory; then
			echo $((($(cgroup_file web1 memory.memsw.limit_in_bytes) - $(memory_limit)) >> 20))
		else
			echo $(($(cgroup_file web1 memory.swap.max) >> 20))
		fi
	}
	[ "$(swap)" = 16 ]
	for memory in 256 32 128; do
		sysc config set web1 limits.memory ${memory}M
		[ "$(memory_limit) $(swap)" = "$((memory << 20)) 16" ]
		for swap in 512 0 16; do
			sysc config set web1 limits.swap ${swap}M
			[ "$(memory_limit) $(swap)" = "$((memory << 20)) $swap" ]
		done
	done
	same
	# v1 has them as one limit: without the one there is not the other
	if is_v1 memory; then
		before=$(config_sum)
		fails 1 limits.memory "set limits.memory too" -- sysc config unset web1 limits.memory
		[ "$(config_sum)" = "$before" ]
		[ "$(memory_limit) $(swap)" = "$((128 << 20)) 16" ]
	fi
	sysc config unset web1 limits.swap
	sysc config unset web1 limits.memory
	[ "$(memory_limit)" = max ]
	is_v1 memory || [ "$(cgroup_file web1 memory.swap.max)" = max ]
	! is_v1 memory || [ "$(cgroup_file web1 memory.memsw.limit_in_bytes)" = 9223372036854771712 ]
	same
}

@test "memory_low and memory_high" {
	need controller memory
	start_busybox web1
	sysc config set web1 limits.memory_low 20M
	[ "$(value web1 memory.low memory.soft_limit_in_bytes)" = $((20 << 20)) ]
	same
	sysc config unset web1 limits.memory_low
	same
	if is_v1 memory; then
		before=$(config_sum)
		fails 1 limits.memory_high "needs cgroup v2" -- sysc config set web1 limits.memory_high 20M
		[ "$(config_sum)" = "$before" ]
	else
		sysc config set web1 limits.memory_high 20M
		[ "$(value web1 memory.high -)" = $((20 << 20)) ]
		sysc config unset web1 limits.memory_high
	fi
	same
}

@test "cpus, cpu_weight and cpuset; cpus that are not there are refused" {
	need controller cpu
	need controller cpuset
	start_busybox web1
	whole=$(value web1 cpuset.cpus cpuset.cpus)
	for cpus in 0.5 2 0.005; do
		sysc config set web1 limits.cpus "$cpus"
		[ "$(fact web1 millicpus_limit)" = "$(awk "BEGIN { print $cpus * 1000 }")" ]
		same
	done
	sysc config set web1 limits.cpu_weight 200
	[ "$(value web1 cpu.weight cpu.shares)" = "$(is_v1 cpu && echo 2048 || echo 200)" ]
	sysc config set web1 limits.cpuset 0
	[ "$(value web1 cpuset.cpus cpuset.cpus)" = 0 ]
	[ "$(inside web1 'grep Cpus_allowed_list /proc/self/status | cut -f2')" = 0 ]
	[[ $(sysc info web1) == *"(limit 0.005 cpus)"*"CPUs:"*0* ]]
	before=$(config_sum)
	fails 1 limits.cpuset 0-4000 "$(cat /sys/devices/system/cpu/online)" -- sysc config set web1 limits.cpuset 0-4000
	[ "$(config_sum)" = "$before" ]
	[ "$(value web1 cpuset.cpus cpuset.cpus)" = 0 ]
	same
	for key in cpus cpu_weight cpuset; do sysc config unset web1 "limits.$key"; done
	[ "$(value web1 cpuset.cpus cpuset.cpus)" = "$whole" ]
	[ "$(fact web1 millicpus_limit)" = null ]
	[ "$(value web1 cpu.weight cpu.shares)" = "$(is_v1 cpu && echo 1024 || echo 100)" ]
	same
}

@test "pids: more, fewer than there are, none; what runs goes on" {
	need controller pids
	start_busybox web1 -s limits.pids=100
	sysc attach web1 -- sh -c 'for n in 1 2 3 4 5 6 7 8; do sleep 1000 & done; wait' 3>&- &
	SANDBOX_PIDS+=($!)
	wait_until 10 eval '[ "$(value web1 pids.current pids.current)" -ge 9 ]'
	count=$(value web1 pids.current pids.current)
	sysc config set web1 limits.pids 5
	[ "$(value web1 pids.max pids.max)" = 5 ]
	[ "$(value web1 pids.current pids.current)" = "$count" ]
	[[ $(sysc info web1) == *"(limit 5)"* ]]
	sysc config set web1 limits.pids 200
	[ "$(inside web1 'echo alive')" = alive ]
	sysc config unset web1 limits.pids
	[ "$(value web1 pids.max pids.max)" = max ]
	same
}

@test "io: a line more, another rate, a line less; a device that is not there is refused" {
	need controller blkio
	device=$(find /sys/block -mindepth 1 -maxdepth 1 ! -name 'loop*' ! -name 'ram*' ! -name 'zram*' -printf '%f\n' | head -n 1)
	[ -n "$device" ] && [ -b "/dev/$device" ] || skip "this host has no block device"
	[ -e /sys/fs/cgroup/blkio/blkio.throttle.read_bps_device ] || [ -e /sys/fs/cgroup/cgroup.controllers ] ||
		skip "the kernel has no io throttling"
	number=$(cat "/sys/block/$device/dev")
	rates() {
		if is_v1 blkio; then
			echo "$(cgroup_file web1 blkio.throttle.read_bps_device)/$(cgroup_file web1 blkio.throttle.write_iops_device)"
		else
			cgroup_file web1 io.max
		fi
	}
	start_busybox web1
	none=$(rates)
	sysc config set web1 limits.io "/dev/$device rbps=10M"
	[[ $(rates) == *"$number "*10485760* ]]
	same
	sysc config set web1 limits.io "/dev/$device wiops=500"
	[[ $(rates) == *"$number "*10485760*500* ]]
	before=$(config_sum)
	fails 1 limits.io /dev/nosuch -- sysc config set web1 limits.io "/dev/nosuch rbps=1M"
	[ "$(config_sum)" = "$before" ]
	[[ $(rates) == *"$number "*10485760*500* ]]
	sysc config unset web1 limits.io "/dev/$device rbps=10M"
	[[ $(rates) != *10485760* && $(rates) == *500* ]]
	sysc config set -r web1 limits.io "/dev/$device rbps=1M"
	[[ $(rates) == *1048576* && $(rates) != *500* ]]
	same
	sysc config unset web1 limits.io
	[ "$(rates)" = "$none" ]
	same
}

@test "the restart policy: at once, and while it waits to be started again" {
	make_busybox web1
	quick_init web1
	sysc start web1
	sysc config set web1 boot.restart_delay 100ms
	sysc config set web1 boot.restart always
	same
	init=$(pid_of web1)
	kill -KILL "$init"
	wait_until 10 eval '[[ $(state_of web1) == RUNNING && $(pid_of web1) != '"$init"' ]]'
	same
	sysc config set web1 boot.restart_delay 5min
	kill -KILL "$(pid_of web1)"
	wait_until 10 eval '[ "$(state_of web1)" = STARTING ]'
	# a limit is for the next run, nothing holds it up
	sysc config set web1 limits.pids 90
	sysc config set web1 boot.restart no
	wait_until 10 eval '[ "$(state_of web1)" = STOPPED ]'
	sysc start web1
	[ "$(value web1 pids.max pids.max)" = 90 ]
	same
	sysc config set web1 boot.restart always
	sed -i 's/^restart *=.*/restart = no/' "$SYSC_PATH/web1/config"
	[[ $(sysc plan web1) =~ boot.restart\ +always\ +no\ +live ]]
	sysc apply web1
	same
	kill -KILL "$(pid_of web1)"
	wait_until 10 eval '[ "$(state_of web1)" = STOPPED ]'
}

@test "a frozen container can be changed; a stopped one in its file only" {
	need controller pids
	start_busybox web1
	sysc freeze web1
	sysc config set web1 limits.pids 77
	[ "$(value web1 pids.max pids.max)" = 77 ]
	sysc unfreeze web1
	sysc stop -k web1
	sysc config set web1 limits.pids 78
	run sysc plan web1
	[ "$status $output" = "0 sysc-plan: web1 is not running: all of it applies at the next start" ]
	run sysc apply web1
	[ "$status $output" = "0 sysc-apply: web1 is not running: all of it applies at the next start" ]
	sysc start web1
	[ "$(value web1 pids.max pids.max)" = 78 ]
	same
}

@test "plan tells what differs by meaning, what is live, and that nothing does" {
	need jq
	make_busybox web1 -s limits.memory=1G -s limits.pids=100
	sysc start -s limits.pids=150 web1
	# an option of the start is not in the file
	run sysc plan -e web1
	echo "$output"
	[ "$status" = 4 ]
	[[ ${lines[0]} =~ ^NAME\ +KEY\ +RUNNING\ +CONFIGURED\ +APPLIES$ ]]
	[[ ${lines[1]} =~ ^web1\ +limits.pids\ +150\ +100\ +live$ && ${#lines[@]} == 2 ]]
	sysc apply web1
	same
	sed -i 's/^memory *=.*/memory = 1024M/' "$SYSC_PATH/web1/config"
	same
	printf '[container]\nhostname = web1\ngroups = a\ndescription = new\n' >>"$SYSC_PATH/web1/config"
	same
	printf '[limits]\ncpus = 1.5\n[sysctl]\nnet.ipv4.ip_forward = 1\n[network.eth7]\ntype = none\n[container]\nhostname = other\n' >>"$SYSC_PATH/web1/config"
	run sysc plan web1
	echo "$output"
	[ "$status" = 0 ]
	[[ $output =~ limits.cpus\ +max\ +1.5\ +live ]]
	[[ $output =~ container.hostname\ +-\ +other\ +restart ]]
	[[ $output =~ sysctl.net.ipv4.ip_forward\ +-\ +1\ +restart ]]
	[[ $output =~ network.eth7\ +-\ +type=none\ +restart ]]
	[ "${#lines[@]}" = 5 ]
	sysc plan --json web1 | jq -e '.schema == 1 and .containers[0].name == "web1" and .containers[0].state == "RUNNING" and
		(.containers[0].changes | length) == 4 and
		(.containers[0].changes[] | select(.key == "limits.cpus") | .running == ["max"] and .configured == ["1.5"] and
			.applies == "live" and .kernel == null)'
	# nothing was changed by looking
	[ "$(fact web1 millicpus_limit)" = null ]
	run sysc apply web1
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == *"web1: limits.cpus: 1.5 (was max)"* && $output == *"container.hostname: other needs a restart"* ]]
	[ "$(fact web1 millicpus_limit)" = 1500 ]
	[ "$(inside web1 hostname)" = web1 ]
	run sysc plan web1
	[ "${#lines[@]}" = 4 ]
	init=$(pid_of web1)
	sysc apply --restart web1
	[ "$(pid_of web1)" != "$init" ]
	[ "$(inside web1 hostname)" = other ]
	same
	# only when it is needed
	init=$(pid_of web1)
	sysc config set web1 limits.cpus 1
	sed -i 's/^cpus *=.*/cpus = 1.2/' "$SYSC_PATH/web1/config"
	sysc apply -r web1
	[ "$(pid_of web1)" = "$init" ]
	[ "$(fact web1 millicpus_limit)" = 1200 ]
}

@test "a limit that somebody changed behind our back is told and put back" {
	need controller pids
	start_busybox web1 -s limits.pids=100
	if [[ -e /sys/fs/cgroup/pids ]]; then file=/sys/fs/cgroup/pids/$SYSC_CGROUP/web1/pids.max
	else file=/sys/fs/cgroup/$SYSC_CGROUP/web1/pids.max; fi
	echo 50 >"$file"
	run sysc plan -e web1
	echo "$output"
	[ "$status" = 4 ]
	[[ ${lines[1]} =~ ^web1\ +limits.pids\ +100\ \(pids.max\ is\ 50\)\ +100\ +live$ ]]
	run sysc apply web1
	[ "$status $output" = "0 web1: limits.pids: 100 (pids.max is 50)" ]
	[ "$(cat "$file")" = 100 ]
	same
	sysc config unset web1 limits.pids
	echo 50 >"$file"
	[[ $(sysc plan web1) == *"max (pids.max is 50)"* ]]
	sysc apply -q web1
	[ "$(cat "$file")" = max ]
}

@test "apply does all or nothing" {
	need controller pids
	need controller memory
	need controller cpuset
	start_busybox web1 -s limits.memory=128M -s limits.pids=100
	occupy 60
	sed -i -e 's/^pids *=.*/pids = 200/' -e 's/^memory *=.*/memory = 64M/' "$SYSC_PATH/web1/config"
	printf 'cpus = 1.5\ncpuset = 0-4000\n' >>"$SYSC_PATH/web1/config"
	grep -n . "$SYSC_PATH/web1/config" | tail -n 6
	plan=$(sysc plan web1)
	applied=$(sha256sum <"$SYSC_RUN/web1/applied")
	line=$(grep -n '^cpuset' "$SYSC_PATH/web1/config" | cut -d: -f1)
	fails 1 "sysc-apply: web1: limits.cpuset" "$SYSC_PATH/web1/config:$line" -- sysc apply web1
	[ "$(memory_limit)" = $((128 << 20)) ]
	[ "$(value web1 pids.max pids.max)" = 100 ]
	[ "$(fact web1 millicpus_limit)" = null ]
	[ "$(sha256sum <"$SYSC_RUN/web1/applied")" = "$applied" ]
	[ "$(sysc plan web1)" = "$plan" ]
	# one after the other
	sysc config unset web1 limits.cpuset
	sed -i 's/^memory *=.*/memory = 32M/' "$SYSC_PATH/web1/config"
	fails 1 limits.memory "is in use" -- sysc apply web1
	[ "$(memory_limit)" = $((128 << 20)) ]
	[ "$(value web1 pids.max pids.max)" = 100 ]
	inside web1 'rm /full/x'
	sysc apply web1
	[ "$(memory_limit)" = $((32 << 20)) ]
	[ "$(value web1 pids.max pids.max)" = 200 ]
	same
}

@test "apply of several has a line for each; a failed one does not hold up the others" {
	need controller pids
	start_busybox web1
	start_busybox web2
	start_busybox web3
	for name in web1 web2 web3; do printf '[limits]\npids = 60\n' >>"$SYSC_PATH/$name/config"; done
	echo 'cpuset = 4000' >>"$SYSC_PATH/web2/config"
	run sysc apply web1 web2 web3
	echo "$output"
	[ "$status" = 6 ]
	[[ $output == *"web1: applied"* && $output == *"web3: applied"* && $output == *"sysc-apply: web2: limits.cpuset"* ]]
	[[ $output != *"web2: applied"* ]]
	[ "$(value web1 pids.max pids.max) $(value web2 pids.max pids.max)" = "60 max" ]
	run sysc plan -e web1 web2
	[ "$status" = 4 ]
	[[ $output != *"web1 "* && $output == *"web2 "* ]]
}

@test "a file that cannot be written: the container has its old value back" {
	need controller pids
	start_busybox web1 -s limits.pids=100
	# immutable by mounting it read-only over itself: the rename of the new one fails
	mount --bind "$SYSC_PATH/web1" "$SYSC_PATH/web1"
	mount -o remount,bind,ro "$SYSC_PATH/web1"
	run sysc config set web1 limits.pids 200
	umount "$SYSC_PATH/web1"
	echo "$output"
	[ "$status" = 1 ]
	[[ $output == *"Read-only file system"* ]]
	[ "$(value web1 pids.max pids.max)" = 100 ]
	same
}

@test "a container of a sysc that did not keep what it runs with" {
	need controller pids
	start_busybox web1 -s limits.pids=100
	rm "$SYSC_RUN/web1/applied"
	fails 1 "an older sysc started it" "restart it once" -- sysc plan web1
	fails 1 "an older sysc started it" -- sysc apply web1
	sysc config set web1 limits.pids 200
	[ "$(value web1 pids.max pids.max)" = 200 ]
	fails 1 limits.cpuset -- sysc config set web1 limits.cpuset 4000
	sysc restart -k web1
	same
}

@test "config set killed at any moment: plan tells what is left, apply mends it" {
	need controller memory
	start_busybox web1 -s limits.memory=64M
	for round in {1..40}; do
		wanted=$((64 + round))M
		"$top_builddir/src/sysc" config set web1 limits.memory $wanted 3>&- &
		victim=$!
		for ((i = 0; i < round * 150; i++)); do :; done
		kill -KILL $victim 2>/dev/null || :
		wait $victim 2>/dev/null || :
		sysc config check -q web1
		file=$(sysc config get web1 limits.memory)
		kernel=$(($(memory_limit) >> 20))M
		applied=$(sed -n 's/^limits.memory=//p' "$SYSC_RUN/web1/applied" | tail -n 1)
		code=0
		sysc plan -q -e web1 >/dev/null || code=$?
		echo "$round: $wanted file $file kernel $kernel applied $applied plan $code"
		[[ $file == "$wanted" || $kernel == "$wanted" || $code == 0 ]]
		if [[ $file == "$kernel" && $file == "$applied" ]]; then [ $code = 0 ]; else [ $code = 4 ]; fi
		sysc apply -q web1
		[ "$(($(memory_limit) >> 20))M" = "$file" ]
		same
		rm -f "$SYSC_PATH"/web1/.config.* # what a killed command leaves beside the file
	done
}

@test "set, apply, restart and reboot side by side end in what the file says" {
	need controller pids
	start_busybox web1 -s limits.pids=100
	quick_init web1
	for round in {1..6}; do
		jobs=()
		for ((n = 0; n < 3; n++)); do
			sysc config set web1 limits.pids $((100 + round * 10 + n)) 3>&- & jobs+=($!)
		done
		sysc apply -q web1 3>&- & jobs+=($!)
		sysc restart -k web1 3>&- & jobs+=($!)
		for job in "${jobs[@]}"; do wait "$job"; done
		[ "$(value web1 pids.max pids.max)" = "$(sysc config get web1 limits.pids)" ]
		same
	done
}
