#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# sysc execute: one program in a container that is not booted.

bats_require_minimum_version 1.5.0
LIFECYCLE_NETWORK=no
load ../lib/lifecycle

@test "the program's streams and exit code; PID 1 is sysc-init; nothing is left" {
	make_busybox web1
	run sysc execute web1 -- sh -c 'exit 7'
	echo "$output"
	[ "$status" = 7 ]
	[ "$(sysc execute web1 -- cat /proc/1/comm)" = sysc-init ]
	sysc execute web1 -- sh -c 'echo out; echo err >&2' >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err"
	[ "$(cat "$BATS_TEST_TMPDIR/out")" = out ]
	[ "$(cat "$BATS_TEST_TMPDIR/err")" = err ]
	[ "$(echo words | sysc execute web1 -- cat)" = words ]
	[ "$(sysc execute web1 -- hostname)" = web1 ]
	[ "$(state_of web1)" = STOPPED ]
	assert_nothing_left
}

@test "codes: 128+signal, 126, 127, 3, 4, 2" {
	make_busybox web1
	run sysc execute web1 -- sh -c 'kill -KILL $$'
	[ "$status" = 137 ]
	run -127 sysc execute web1 -- /no/such
	run -126 sysc execute web1 -- /etc/passwd
	run sysc execute nobody -- true
	[ "$status" = 3 ]
	run sysc execute web1
	[ "$status" = 2 ]
	sysc start web1
	run sysc execute web1 -- true
	echo "$output"
	[ "$status" = 4 ]
	[[ $output == *"running"*"sysc-attach"* ]]
	[ "$(state_of web1)" = RUNNING ]
}

@test "1 MB is whole through it; orphans are reaped; what stays in the background ends with it" {
	make_busybox web1
	head -c 1048576 /dev/urandom >"$BATS_TEST_TMPDIR/data"
	[ "$(sysc execute web1 -- cat <"$BATS_TEST_TMPDIR/data" | md5sum)" = "$(md5sum <"$BATS_TEST_TMPDIR/data")" ]
	# shellcheck disable=SC2016
	run sysc execute web1 -- sh -c '(true & true & (true & )) ; n=0; while ps -o stat | grep -q Z && [ $n -lt 1000 ]; do n=$((n + 1)); done; ps -o stat | grep -c Z'
	echo "$output"
	[ "$output" = 0 ]
	run sysc execute web1 -- sh -c 'sleep 1000 & exit 3'
	[ "$status" = 3 ]
	assert_nothing_left
}

@test "on a terminal: what is typed and printed, and the code" {
	make_busybox web1
	run terminal 'expect=name\?' 'send=Ada\r' -- "$top_builddir/src/sysc" execute web1 -- \
		sh -c 'echo "name?"; read -r name; echo "hello $name"; exit 4'
	echo "$output"
	[ "$status" = 4 ]
	[[ $output == *"hello Ada"* ]]
	# one that is over before anybody looks: nothing of it is lost
	for _ in 1 2 3 4 5; do
		run terminal -- "$top_builddir/src/sysc" execute web1 -- sh -c 'echo quick; exit 6'
		echo "$output"
		[ "$status" = 6 ]
		[[ $output == *quick* ]]
	done
	run terminal -- "$top_builddir/src/sysc" execute web1 -- sh -c 'yes 0123456789 | head -n 20000; exit 8'
	[ "$status" = 8 ]
	[ "$(grep -c 0123456789 <<<"$output")" = 20000 ]
}

@test "-s overrides keys; limits hold" {
	make_busybox web1
	[ "$(sysc execute -s container.hostname=other web1 -- hostname)" = other ]
	[ "$(sysc execute -s rlimits.nofile=99 web1 -- sh -c 'ulimit -n')" = 99 ]
	run sysc execute -s nonsense.key=1 web1 -- true
	[ "$status" -ne 0 ]
	assert_nothing_left
}
