#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# sysc console: the terminal of a running container, with what it printed before.

bats_require_minimum_version 1.5.0
LIFECYCLE_NETWORK=no
load ../lib/lifecycle

is_printed() { grep -qa "$1" "$SYSC_LOG/web1.console"; }

@test "replays what was printed; a login and a command; ^a q lets go and the container goes on" {
	start_busybox web1
	wait_until 10 is_printed login:
	run terminal 'expect=login: ' 'send=root\r' 'expect=# ' 'send=echo $((6*7)) >/answer; tty; stty size\r' 'expect=24 80' \
		'send=\x01q' -- "$top_builddir/src/sysc" console web1
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == *"^a q lets go"* ]]
	[[ $output == */dev/console* ]]
	wait_until 5 eval '[ "$(cat "$(rootfs web1)/answer")" = 42 ]'
	[ "$(state_of web1)" = RUNNING ]
	# the shell is still there, with what it printed
	run terminal 'expect=24 80' 'send=echo ag''ain\r' 'expect=again' 'expect=again' 'send=\x01q' -- "$top_builddir/src/sysc" console web1
	echo "$output"
	[ "$status" = 0 ]
}

@test "another escape; its key twice is itself" {
	make_busybox web1
	stub_init web1 <<<'stty raw -echo; echo ready; head -c 4 | od -An -tx1; echo; sleep 1000'
	sysc start web1
	run terminal 'expect=ready' 'send=\x01q\x02\x02x' 'expect=01 71 02 78' 'send=\x02q' -- "$top_builddir/src/sysc" console -e ^b web1
	echo "$output"
	[ "$status" = 0 ]
	run sysc console -e '^ab' web1
	[ "$status" = 2 ]
}

@test "a second client is refused, with who has it; a tty of its own is free" {
	start_busybox web1
	wait_until 10 is_printed login:
	terminal 'expect=login: ' 'send=\x01' 'expect=never' -- "$top_builddir/src/sysc" console web1 >"$BATS_TEST_TMPDIR/first" 2>/dev/null 3>&- &
	SANDBOX_PIDS+=($!)
	wait_until 10 grep -q login: "$BATS_TEST_TMPDIR/first"
	client=$(pgrep -f 'sysc console web1$' | tail -n 1)
	run sysc console web1
	echo "$output"
	[ "$status" = 4 ]
	[[ $output == "sysc-console: web1: tty 0 is in use by uid 0 pid $client (sysc console web1)" ]]
	run terminal 'send=\r' 'expect=login: ' 'send=\x01q' -- "$top_builddir/src/sysc" console -t 1 web1
	echo "$output"
	[ "$status" = 0 ]
	run sysc console -t 9 web1
	[ "$status" = 1 ]
	[[ $output == *"no tty 9"* ]]
	# the place of a client that is killed is free again
	kill -KILL "$client"
	wait_until 5 has_ended "$client"
	run terminal 'expect=login: ' 'send=\x01q' -- "$top_builddir/src/sysc" console web1
	[ "$status" = 0 ]
}

@test "it ends with the container; not running is 4" {
	start_busybox web1
	wait_until 10 is_printed login:
	terminal 'expect=login: ' -- "$top_builddir/src/sysc" console web1 >"$BATS_TEST_TMPDIR/out" 3>&- &
	pid=$!
	wait_until 10 grep -q login: "$BATS_TEST_TMPDIR/out"
	sysc stop -k web1
	wait "$pid"
	run sysc console web1
	[ "$status" = 4 ]
	[[ $output == "sysc-console: web1: not running" ]]
	run sysc console nobody
	[ "$status" = 3 ]
}

@test "without a terminal: input from a pipe, output to a file" {
	start_busybox web1
	wait_until 10 is_printed login:
	printf 'root\n' >"$BATS_TEST_TMPDIR/in"
	(cat "$BATS_TEST_TMPDIR/in"; wait_until 10 is_printed '# '; printf 'echo $((6*7))0\n'; wait_until 10 is_printed 420; printf '\001q') |
		sysc console web1 >"$BATS_TEST_TMPDIR/out"
	grep -q 420 "$BATS_TEST_TMPDIR/out"
	[ "$(state_of web1)" = RUNNING ]
}

@test "all is kept in the log, which is rotated; console.log = no keeps none; the guest never waits for a reader" {
	make_busybox web1 -s console.log_size=64K -s console.buffer=4K
	stub_init web1 <<<'n=0; while [ $n -lt 10000 ]; do n=$((n + 1)); echo "line $n of the console"; done; echo done >/done; sleep 1000'
	sysc start web1
	wait_until 30 test -s "$(rootfs web1)/done"
	wait_until 10 is_printed 'line 10000 of'
	[ -e "$SYSC_LOG/web1.console.1" ]
	[ "$(stat -c %s "$SYSC_LOG/web1.console")" -le 70000 ]
	[ "$(stat -c %s "$SYSC_LOG/web1.console.1")" -le 70000 ]
	[ "$(stat -c %a "$SYSC_LOG/web1.console")" = 640 ]
	# the replay has the last bytes, and only those
	run terminal 'expect=line 10000 of the console' 'send=\x01q' -- "$top_builddir/src/sysc" console web1
	[ "$status" = 0 ]
	[[ $output != *"line 9000 of"* ]]
	sysc stop -k web1
	rm -f "$SYSC_LOG/web1.console" "$SYSC_LOG/web1.console.1" "$(rootfs web1)/done"
	sysc start -s console.log=no web1
	wait_until 30 test -s "$(rootfs web1)/done"
	[ ! -e "$SYSC_LOG/web1.console" ]
}

@test "console.ttys = 0: a console and no tty" {
	make_busybox web1 -s console.ttys=0
	sysc start web1
	[ "$(inside web1 'ls /dev | grep -c "^tty[0-9]"' || :)" = 0 ]
	inside web1 'test -c /dev/console'
	run sysc console -t 1 web1
	[ "$status" = 1 ]
}
