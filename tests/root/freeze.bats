#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# sysc freeze and unfreeze: every process stands still, and goes on.

bats_require_minimum_version 1.5.0
LIFECYCLE_NETWORK=no
load ../lib/lifecycle

# an init with a child: both count as fast as they can
counting_init() {
	stub_init "$1" <<-'END'
		count() { while :; do echo >>$1; done; }
		count /child &
		count /init
	END
}

counts() { stat -c %s "$(rootfs web1)/init" "$(rootfs web1)/child"; }
count_on() { [[ $(counts) != "$1" ]]; }

@test "frozen processes do not run; unfrozen they go on; state, ls and a second time" {
	make_busybox web1
	counting_init web1
	sysc start web1
	wait_until 10 test -s "$(rootfs web1)/child"
	run sysc freeze web1
	[ "$status" = 0 ]
	[ "$output" = "" ]
	[ "$(state_of web1)" = FROZEN ]
	[ "$(sysc ls -1 --frozen)" = web1 ]
	[ "$(sysc ls -1 --running)" = "" ]
	before=$(counts)
	ticks=$(awk '{print $14 + $15}' "/proc/$(pid_of web1)/stat")
	run wait_until 1 count_on "$before"
	[ "$status" = 1 ]
	[ "$(awk '{print $14 + $15}' "/proc/$(pid_of web1)/stat")" = "$ticks" ]
	run sysc freeze web1
	[ "$status" = 0 ]
	# a start does not thaw it
	run sysc start web1
	[ "$status" = 0 ]
	[ "$(state_of web1)" = FROZEN ]

	run sysc unfreeze web1
	[ "$status" = 0 ]
	[ "$(state_of web1)" = RUNNING ]
	wait_until 10 count_on "$before"
	run sysc unfreeze web1
	[ "$status" = 0 ]
	sysc stop -k web1
	assert_nothing_left
}

@test "freeze of a stopped one is 4, of none 3; several at once" {
	make_busybox web1
	make_busybox web2
	run sysc freeze web1
	echo "$output"
	[ "$status" = 4 ]
	[[ $output == "sysc-freeze: web1: not running" ]]
	run sysc unfreeze web1
	[ "$status" = 4 ]
	run sysc freeze nobody
	[ "$status" = 3 ]
	sysc start web1 web2
	run sysc freeze 'web*'
	[ "$status" = 0 ]
	[ "$(sort <<<"$output")" = $'web1: frozen\nweb2: frozen' ]
	run sysc unfreeze web1 web2
	[ "$status" = 0 ]
	[ "$(sysc ls -1 --frozen)" = "" ]
}

@test "wait sees frozen and running again" {
	make_busybox web1
	sysc start web1
	for verb in freeze:FROZEN unfreeze:RUNNING; do
		"$top_builddir/src/sysc" wait -s "${verb#*:}" -t 20s web1 3>&- &
		pid=$!
		sysc "${verb%:*}" web1
		wait "$pid"
	done
	sysc stop -k web1
	assert_nothing_left
}
