#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# A supervisor that is killed, in whatever state the container is: the guest goes on, and everything can be asked as before.

bats_require_minimum_version 1.5.0
LIFECYCLE_NETWORK=no
load ../lib/lifecycle

is_printed() { grep -qa "$1" "$SYSC_LOG/web1.console"; }
uptime_of() { inside "$1" 'cut -d " " -f 22 /proc/1/stat'; }

# kill_worker NAME: and waits for the next one
kill_worker() {
	local last
	last=$(monitor_of "$1")
	kill -KILL "$last"
	wait_until 20 eval 'has_pair '"$1"' && [ "$(monitor_of '"$1"')" != '"$last"' ]'
}

@test "a worker that is killed, many times: the same guest, and everything works" {
	start_busybox web1
	wait_until 10 is_printed login:
	init=$(pid_of web1)
	birth=$(uptime_of web1)
	keeper=$(keeper_of web1)
	for ((nth = 0; nth < 6; nth++)); do
		kill_worker web1
	done
	[ "$(state_of web1)" = RUNNING ]
	[ "$(pid_of web1)" = "$init" ]
	[ "$(uptime_of web1)" = "$birth" ]
	[ "$(keeper_of web1)" = "$keeper" ]
	[ "$(count_supervisors)" = 2 ]
	grep -q 'the worker of the supervisor died' "$SYSC_LOG/web1.log"
	# what was printed before is there, and what is typed is heard
	run terminal 'expect=login: ' 'send=root\r' 'expect=# ' 'send=echo $((6*7))\r' 'expect=42' 'send=\x01q' \
		-- "$top_builddir/src/sysc" console web1
	echo "$output"
	[ "$status" = 0 ]
	sysc freeze web1
	sysc unfreeze web1
	sysc stop -k web1
	[[ $(sysc info web1) == *"by kill, uid 0 pid"*"killed by SIGKILL"* ]]
	assert_nothing_left
}

@test "a console that is open over the death of a worker goes on by itself, and shows nothing twice" {
	start_busybox web1
	wait_until 10 is_printed login:
	mkfifo "$BATS_TEST_TMPDIR/keys"
	"$top_builddir/src/sysc" console web1 <"$BATS_TEST_TMPDIR/keys" >"$BATS_TEST_TMPDIR/out" 3>&- &
	pid=$!
	SANDBOX_PIDS+=("$pid")
	exec 7>"$BATS_TEST_TMPDIR/keys"
	printf 'root\n' >&7
	wait_until 10 grep -qa '# ' "$BATS_TEST_TMPDIR/out"
	for ((nth = 0; nth < 3; nth++)); do
		kill_worker web1
		printf 'echo an''swer $((%d*7))\n' $((nth + 6)) >&7
		wait_until 10 grep -qa "answer $(((nth + 6) * 7))" "$BATS_TEST_TMPDIR/out"
	done
	kill -0 "$pid"
	[ "$(grep -ac login: "$BATS_TEST_TMPDIR/out")" = "$(grep -ac login: "$SYSC_LOG/web1.console")" ]
	sysc stop -k web1
	wait "$pid"
	exec 7>&-
	assert_nothing_left
}

@test "a worker that is killed while the container is frozen" {
	start_busybox web1
	sysc freeze web1
	kill_worker web1
	[ "$(state_of web1)" = FROZEN ]
	sysc unfreeze web1
	[ "$(inside web1 'echo alive')" = alive ]
	sysc freeze web1
	kill_worker web1
	sysc stop -k web1
	assert_nothing_left
}

@test "a stop is not lost with the worker: who asked, the waiting command, the exit code" {
	make_busybox web1
	# it hears the request and takes its time
	stub_init web1 <<-'END'
		trap 'touch /asked; while [ ! -e /end ]; do sleep 0.1; done; exit 7' USR2 PWR TERM
		while :; do
			sleep 1000 &
			wait $!
		done
	END
	for ((nth = 0; nth < 3; nth++)); do
		rm -f "$(rootfs web1)/asked" "$(rootfs web1)/end"
		sysc start web1
		"$top_builddir/src/sysc" stop -t 60s web1 3>&- &
		pid=$!
		wait_until 10 test -e "$(rootfs web1)/asked"
		for ((kills = 0; kills <= nth; kills++)); do
			kill_worker web1
		done
		[ "$(state_of web1)" = STOPPING ]
		kill -0 "$pid"
		touch "$(rootfs web1)/end"
		wait "$pid"
		[ "$(state_of web1)" = STOPPED ]
		sysc info web1
		[[ $(sysc info web1) == *"by stop, uid 0 pid"*"exit code 7"* ]]
		assert_nothing_left
	done
}

@test "a reboot after a worker was killed: the same keeper, the present configuration" {
	start_busybox web1
	keeper=$(keeper_of web1)
	init=$(pid_of web1)
	kill_worker web1
	sysc config set web1 container.hostname renamed
	inside web1 'reboot -f' || :
	wait_until 20 eval '[ "$(state_of web1)" = RUNNING ] && [ "$(pid_of web1)" != '"$init"' ]'
	wait_until 10 has_pair web1
	[ "$(keeper_of web1)" = "$keeper" ]
	[ "$(inside web1 hostname)" = renamed ]
	sysc stop -k web1
	assert_nothing_left
}
