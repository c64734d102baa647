#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# sysc stop and restart, the ends that the guest chooses itself, wait and monitor, which tell of them.

bats_require_minimum_version 1.5.0
LIFECYCLE_NETWORK=no
load ../lib/lifecycle

# an init that ends with each signal in a way of its own
talkative_init() {
	stub_init web1 <<-'END'
		trap 'echo halt; exit 11' USR2
		trap 'echo reboot; exit 12' TERM
		trap 'echo power; exit 13' PWR
		echo up
		while :; do sleep 0.05; done
	END
}

is_up() { [[ $(cat "$SYSC_LOG/web1.console" 2>/dev/null) == *up* ]]; }

@test "stop asks busybox by its own signal; its shutdown scripts run; info tells who, when and how" {
	make_busybox web1
	# an action of /etc/rc.d gets "stop"
	mkdir -p "$(rootfs web1)/etc/rc.d"
	printf '#!/bin/sh\necho "$1" >>/actions\n' >"$(rootfs web1)/etc/rc.d/test"
	chmod +x "$(rootfs web1)/etc/rc.d/test"
	sysc start web1
	wait_until 10 test -s "$(rootfs web1)/actions"
	run sysc stop web1
	echo "$output"
	[ "$status" = 0 ]
	[ "$output" = "" ]
	[ "$(cat "$(rootfs web1)/actions")" = $'start\nstop' ]
	[ "$(state_of web1)" = STOPPED ]
	[[ $(sysc info web1) =~ "Last stop:"\ +20[0-9TZ:.-]+\ "by stop, uid 0 pid "[0-9]+ ]]
	grep -q 'stopped: stop, uid 0' "$SYSC_LOG/web1.log"
	assert_nothing_left
	# again
	run sysc stop web1
	[ "$status" = 0 ]
	run sysc stop nobody
	[ "$status" = 3 ]
}

@test "the signals of the configuration win" {
	make_busybox web1 -s stop.halt_signal=SIGUSR2 -s stop.reboot_signal=TERM
	talkative_init
	sysc start web1
	wait_until 10 is_up
	sysc stop web1
	[[ $(sysc info web1) == *"exit code 11"* ]]
	sysc start web1
	wait_until 10 eval '[ "$(grep -c up "$SYSC_LOG/web1.console")" = 2 ]'
	sysc stop -r web1
	[[ $(sysc info web1) == *"exit code 12"* ]]
	# without them, a program that is no known init gets SIGPWR
	sysc config unset web1 stop.halt_signal
	sysc start web1
	wait_until 10 eval '[ "$(grep -c up "$SYSC_LOG/web1.console")" = 3 ]'
	sysc stop web1
	[[ $(sysc info web1) == *"exit code 13"* ]]
	assert_nothing_left
}

@test "a deaf init is killed when the time is over, and that is said; --no-kill is 5 instead" {
	make_busybox web1
	stub_init web1 <<<'trap "" PWR USR2 TERM INT; echo up; while :; do sleep 0.05; done'
	sysc start web1
	wait_until 10 is_up
	run sysc stop --no-kill -t 200ms web1
	echo "$output"
	[ "$status" = 5 ]
	[[ $output == "sysc-stop: web1: still running after"* ]]
	[ "$(state_of web1)" = STOPPING ]
	before=$EPOCHREALTIME
	run sysc stop -t 500ms web1
	after=$EPOCHREALTIME
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == "sysc-stop: web1: did not stop within"*"killed" ]]
	[ $((${after/./} - ${before/./})) -ge 500000 ]
	[ $((${after/./} - ${before/./})) -lt 5000000 ]
	[[ $(sysc info web1) == *"Last stop:"*"SIGKILL"* ]]
	assert_nothing_left
}

@test "the time of the configuration is the default" {
	make_busybox web1 -s stop.timeout=300ms
	stub_init web1 <<<'trap "" PWR USR2 TERM INT; echo up; while :; do sleep 0.05; done'
	sysc start web1
	wait_until 10 is_up
	run sysc stop web1
	[ "$status" = 0 ]
	[[ $output == *killed* ]]
}

@test "-k kills at once, -W does not wait, and wait sees the end" {
	make_busybox web1
	stub_init web1 <<<'trap "" PWR; echo up; while :; do sleep 0.05; done'
	sysc start web1
	wait_until 10 is_up
	run sysc stop -W web1
	[ "$status" = 0 ]
	[ "$(state_of web1)" = STOPPING ]
	run sysc wait -s STOPPED -t 200ms web1
	[ "$status" = 5 ]
	"$top_builddir/src/sysc" wait -s 'STOPPED|FROZEN' -t 20s -v web1 >"$BATS_TEST_TMPDIR/wait" 3>&- &
	pid=$!
	run sysc stop -k web1
	[ "$status" = 0 ]
	wait "$pid"
	[ "$(cat "$BATS_TEST_TMPDIR/wait")" = "web1: STOPPED" ]
	[[ $(sysc info web1) == *"by kill, uid 0 pid"*"SIGKILL"* ]]
	run sysc stop -k -r web1
	[ "$status" = 2 ]
	assert_nothing_left
}

@test "a frozen container is thawed first" {
	make_busybox web1
	quick_init web1
	sysc start web1
	sysc freeze web1
	[ "$(state_of web1)" = FROZEN ]
	run sysc stop -t 10s web1
	echo "$output"
	[ "$status" = 0 ]
	[ "$output" = "" ]
	assert_nothing_left
	sysc start web1
	sysc freeze web1
	sysc stop -k web1
	assert_nothing_left
}

@test "poweroff and halt inside stop it" {
	for verb in poweroff halt; do
		make_busybox "$verb"
		sysc start "$verb"
		# by reboot(2) itself: busybox init would take its two seconds
		inside "$verb" "$verb -f" || :
		sysc wait -s STOPPED -t 20s "$verb"
		[[ $(sysc info "$verb") == *"by the guest (poweroff or halt)"* ]]
	done
	# the way of an administrator
	make_busybox web1
	sysc start web1
	wait_until 10 grep -q login: "$SYSC_LOG/web1.console"
	inside web1 poweroff || :
	sysc wait -s STOPPED -t 20s web1
	assert_nothing_left
}

@test "reboot inside starts it anew with the present configuration, under the same supervisor" {
	make_busybox web1
	sysc start web1
	keeper=$(keeper_of web1)
	first=$(pid_of web1)
	boot=$(inside web1 'cat /proc/sys/kernel/random/boot_id')
	sysc config set web1 container.hostname renamed
	inside web1 'reboot -f' || :
	wait_until 20 eval '[ "$(state_of web1)" = RUNNING ] && [ "$(pid_of web1)" != '"$first"' ]'
	wait_until 10 has_pair web1
	[ "$(keeper_of web1)" = "$keeper" ]
	[ "$(inside web1 hostname)" = renamed ]
	[ "$(inside web1 'cat /proc/sys/kernel/random/boot_id')" != "$boot" ]
	[ "$(count_supervisors)" = 2 ]
	# the console works still
	wait_until 10 eval '[ "$(grep -c login: "$SYSC_LOG/web1.console")" -ge 1 ]'
	second=$(pid_of web1)
	# from outside: busybox takes SIGTERM as reboot
	sysc stop -r -W web1
	wait_until 20 eval '[ "$(state_of web1)" = RUNNING ] && [ "$(pid_of web1)" != '"$second"' ]'
	# a stop while it reboots is a stop
	inside web1 'reboot -f' || :
	sysc stop -k web1
	sysc wait -s STOPPED -t 20s web1
	assert_nothing_left
}

@test "a reboot into a broken configuration ends stopped, with the cause kept" {
	make_busybox web1
	sysc start web1
	echo 'nonsense = 1' >>"$SYSC_PATH/web1/config"
	inside web1 'reboot -f' || :
	wait_until 20 eval '[ "$(state_of web1)" = STOPPED ]'
	wait_until 20 eval '[[ $(sysc info web1) == *"Last failure:"*"unknown key '"'nonsense'"'"* ]]'
	grep -q nonsense "$SYSC_LOG/web1.log"
	assert_nothing_left
	# one that is found during the start
	sed -i '$d' "$SYSC_PATH/web1/config"
	sysc start web1
	mv "$(rootfs web1)/sbin/init" "$(rootfs web1)/sbin/init.was"
	inside web1 'reboot -f' || :
	wait_until 20 eval '[[ $(sysc info web1) == *"Last failure:"*"no '"'/sbin/init'"'"* ]]'
	assert_nothing_left
}

@test "restart: another init, the present configuration; one that is broken does not cost the running one" {
	make_busybox web1
	quick_init web1
	sysc start web1
	first=$(pid_of web1)
	sysc config set web1 container.hostname renamed
	run sysc restart web1
	echo "$output"
	[ "$status" = 0 ]
	[ "$(pid_of web1)" != "$first" ]
	[ "$(inside web1 hostname)" = renamed ]
	second=$(pid_of web1)
	echo 'nonsense = 1' >>"$SYSC_PATH/web1/config"
	run sysc restart web1
	[ "$status" = 1 ]
	[[ $output == *nonsense* ]]
	[ "$(pid_of web1)" = "$second" ]
	# but it can be stopped
	sysc stop -k web1
	sed -i '$d' "$SYSC_PATH/web1/config"
	# restart of a stopped one starts it
	sysc restart web1
	[ "$(state_of web1)" = RUNNING ]
	sysc stop -k web1
	assert_nothing_left
}

@test "monitor prints each change, in words and as JSON" {
	make_busybox web1
	quick_init web1
	in_background "$top_builddir/src/sysc" monitor -v
	wait_until 10 grep -q watching "$BATS_TEST_TMPDIR/background.log"
	log=$BATS_TEST_TMPDIR/background.log
	sysc start web1
	wait_until 10 grep -q "web1 RUNNING pid $(pid_of web1)" "$log"
	sysc freeze web1
	wait_until 10 grep -q 'web1 FROZEN' "$log"
	sysc unfreeze web1
	wait_until 10 eval '[ "$(grep -c "web1 RUNNING" "$log")" = 2 ]'
	"$top_builddir/src/sysc" monitor -v --json web1 >"$BATS_TEST_TMPDIR/json" 2>"$BATS_TEST_TMPDIR/notes" 3>&- &
	SANDBOX_PIDS+=($!)
	wait_until 10 grep -q watching "$BATS_TEST_TMPDIR/notes"
	sysc stop web1
	wait_until 10 grep -qE 'web1 STOPPED by stop, uid 0 pid [0-9]+ \(sysc stop web1\), exit code 0' "$log"
	# two changes that follow each other at once may be told as one
	wait_until 10 grep -qE '"name": *"web1".*"state": *"STOPPED".*"previous": *"(RUNNING|STOPPING)"' "$BATS_TEST_TMPDIR/json"
}

@test "SIGTERM to either process of the supervisor stops the container well" {
	make_busybox web1
	quick_init web1
	for process in monitor_of keeper_of; do
		sysc start web1
		kill -TERM "$($process web1)"
		sysc wait -s STOPPED -t 20s web1
		[[ $(sysc info web1) == *"by stop, signal 15 from uid 0 pid "*"exit code 0"* ]]
		wait_until 10 assert_nothing_left
	done
}

@test "SIGTERM to the supervisor of a frozen container thaws it and stops it well" {
	make_busybox web1
	quick_init web1
	sysc start web1
	sysc freeze web1
	kill -TERM "$(keeper_of web1)"
	sysc wait -s STOPPED -t 20s web1
	[[ $(sysc info web1) == *"by stop, signal 15 from uid 0 pid "*"exit code 0"* ]]
	wait_until 10 assert_nothing_left
}

@test "an ephemeral container is gone when it stops" {
	make_busybox web1 -s container.ephemeral=yes
	quick_init web1
	sysc start web1
	sysc stop web1
	wait_until 10 test ! -e "$SYSC_PATH/web1"
	wait_until 10 assert_nothing_left
}
