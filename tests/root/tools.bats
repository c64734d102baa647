#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2154 # run and sandbox.bash set variables
# ls, info, wait, monitor and several containers at once, on real ones.
load ../lib/sandbox
bats_require_minimum_version 1.5.0

# status CODE COMMAND...
status() {
	local wanted=$1
	shift
	run "$@"
	[[ $status == "$wanted" ]] || {
		echo "exit code $status instead of $wanted: $*" >&2
		echo "$output" >&2
		return 1
	}
}

@test "ls and info show state, use against limits and addresses of a running container" {
	make_busybox web1 -s limits.memory=64M -s limits.pids=50
	sysc start web1
	pid=$(sysc info -p -H web1)
	[[ -d /proc/$pid ]]
	[[ $(sysc info -s -H web1) == RUNNING ]]
	wait_until 10 bash -c "[[ -n \$('$top_builddir/src/sysc' info -i -H web1) ]]"
	address=$(sysc info -i -H web1 | head -n 1)
	status 0 sysc ls -F name,state,pid,ipv4,memory,pids,unprivileged
	[[ ${lines[1]} == "web1  RUNNING  $pid"*"$address"*"/64M"*"/50"*"true" ]] || { echo "$output"; false; }
	status 0 sysc info --json web1
	[[ $(jq -r '.containers[0].usage.memory_limit' <<<"$output") == 67108864 ]]
	(($(jq -r '.containers[0].usage.memory' <<<"$output") > 0))
	(($(jq -r '.containers[0].usage.cpu_ns' <<<"$output") > 0))
	(($(jq -r '.containers[0].usage.pids' <<<"$output") > 0))
	for ns in user mnt pid net uts ipc cgroup; do
		[[ $(jq -r ".containers[0].namespaces.$ns" <<<"$output") == "$(stat -Lc %i "/proc/$pid/ns/$ns")" ]]
	done
	[[ $(jq -r '.containers[0].id_map' <<<"$output") == "$(sysc config get web1 idmap.map)" ]]
}

@test "ls and info answer while the supervisor is stopped" {
	make_busybox web1
	sysc start web1
	monitor=$(sysc info --json web1 | jq -r '.containers[0].monitor_pid')
	kill -STOP "$monitor"
	run timeout 5 "$top_builddir/src/sysc" ls -f
	kill -CONT "$monitor"
	[[ $status == 0 && $output == *RUNNING* ]]
}

@test "info tells who stopped it and how it ended" {
	make_busybox web1
	sysc start web1
	sysc stop -k web1
	status 0 sysc info web1
	[[ $output == *"STOPPED"* && $output == *"Last stop:"*"killed by SIGKILL"* ]]
	[[ $output != *"PID:"* ]]
}

@test "wait and monitor see a start and a stop" {
	cd "$BATS_TEST_TMPDIR"
	make_busybox web1
	"$top_builddir/src/sysc" monitor -v >events 2>notes 3>&- &
	SANDBOX_PIDS+=("$!")
	monitor=$!
	wait_until 10 grep -q watching notes
	"$top_builddir/src/sysc" wait -s RUNNING -t 20s web1 3>&- &
	waiting=$!
	sysc start web1
	wait "$waiting"
	"$top_builddir/src/sysc" wait -s STOPPED -t 20s web1 3>&- &
	waiting=$!
	sysc stop -k web1
	wait "$waiting"
	wait_until 10 grep -q 'web1 STOPPED' events
	grep -q 'web1 RUNNING pid' events
	kill -TERM "$monitor"
	wait "$monitor"
}

@test "several at once: a result line each, exit code 6 when one fails" {
	make_busybox web1
	make_busybox web2
	make_busybox web3
	status 0 sysc start 'web*'
	[[ $(sort <<<"$output") == $'web1: started\nweb2: started\nweb3: started' ]] || { echo "$output"; false; }
	status 0 sysc ls --running
	[[ $output == $'web1\nweb2\nweb3' ]]
	status 0 sysc stop -k -j 2 --all
	[[ $(sort <<<"$output") == $'web1: stopped\nweb2: stopped\nweb3: stopped' ]] || { echo "$output"; false; }
	echo 'nonsense = 1' >>"$SYSC_PATH/web2/config"
	status 6 sysc start --all
	[[ $output == *"web1: started"* && $output == *"web3: started"* && $output == *"sysc-start: web2:"* ]]
	[[ $(sysc ls --running | wc -l) == 2 ]]
}

@test "config set on a running container is kept for the next start" {
	make_busybox web1
	sysc start web1
	status 0 sysc config set web1 container.environment COLOUR=blue
	[[ $output == *"applies at the next start"* ]]
	[[ $(sysc attach web1 -- sh -c 'tr "\0" "\n" </proc/1/environ') != *COLOUR* ]]
	sysc restart -k web1
	[[ $(sysc attach web1 -- sh -c 'tr "\0" "\n" </proc/1/environ') == *COLOUR=blue* ]]
}
