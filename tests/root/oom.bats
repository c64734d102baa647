#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# A process that eats more memory than the container may have: it is killed, not the container, and info tells.

bats_require_minimum_version 1.5.0
LIFECYCLE_NETWORK=no
load ../lib/lifecycle

# last_stop KEY: of info --json web1
last_stop() { sysc info --json web1 | jq -r ".containers[0].last_stop.$1"; }

@test "a process over the memory limit is killed, the container lives, and its stop tells the count" {
	need jq
	need controller memory
	start_busybox web1 -s limits.memory=16M
	pid=$(pid_of web1)
	[ "$(fact web1 oom_kills)" = 0 ]
	for count in 1 2; do
		# a buffer of 64 MiB, every page of it written; 137 is SIGKILL
		run sysc attach web1 -- dd if=/dev/zero of=/dev/null bs=64M count=1
		echo "$status $output"
		[ "$status" = 137 ]
		[ "$(fact web1 oom_kills)" = "$count" ]
	done
	[ "$(state_of web1)" = RUNNING ]
	[ "$(pid_of web1)" = "$pid" ]
	inside web1 true

	sysc stop -k web1
	sysc info web1
	[[ $(sysc info web1) == *"Last stop:"*", OOM kills 2"* ]]
	[ "$(last_stop oom_kills)" = 2 ]
	grep -q "out of memory: 2 processes were killed" "$SYSC_LOG/web1.log"

	# the next run counts anew
	sysc start web1
	sysc stop -k web1
	[[ $(sysc info web1) == *"Last stop:"* && $(sysc info web1) != *"OOM kills"* ]]
	[ "$(last_stop oom_kills)" = 0 ]
	assert_nothing_left
}
