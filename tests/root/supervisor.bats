#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# A supervisor that is killed, in whatever state the container is: the guest goes on, and everything can be asked as before.

bats_require_minimum_version 1.5.0
LIFECYCLE_NETWORK=no
load ../lib/lifecycle

is_printed() { grep -qa "$1" "$SYSC_LOG/web1.console"; }
uptime_of() { inside "$1" 'cut -d " " -f 22 /proc/1/stat'; }

# runs_anew NAME PID: it runs, and its init is another one than PID
runs_anew() {
	local pid
	pid=$(pid_of "$1")
	[[ -n $pid && $pid != "$2" && $(state_of "$1") == RUNNING ]]
}

# kill_one monitor_of|keeper_of NAME: and waits for the next one
kill_one() {
	local last
	last=$($1 "$2")
	kill -KILL "$last"
	wait_until 20 eval "has_pair $2"' && [ "$('"$1 $2"')" != '"$last"' ]'
}

@test "a worker that is killed, many times: the same guest, and everything works" {
	start_busybox web1
	wait_until 10 is_printed login:
	init=$(pid_of web1)
	birth=$(uptime_of web1)
	keeper=$(keeper_of web1)
	for ((nth = 0; nth < 6; nth++)); do
		kill_one monitor_of web1
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
		kill_one monitor_of web1
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
	kill_one monitor_of web1
	[ "$(state_of web1)" = FROZEN ]
	sysc unfreeze web1
	[ "$(inside web1 'echo alive')" = alive ]
	sysc freeze web1
	kill_one monitor_of web1
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
			kill_one monitor_of web1
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
	kill_one monitor_of web1
	sysc config set web1 container.hostname renamed
	inside web1 'reboot -f' || :

	wait_until 20 runs_anew web1 "$init"
	wait_until 10 has_pair web1
	[ "$(keeper_of web1)" = "$keeper" ]
	[ "$(inside web1 hostname)" = renamed ]
	sysc stop -k web1
	assert_nothing_left
}

@test "a keeper that is killed, and either in turn: the same guest, and how it ends is known" {
	make_busybox web1
	stub_init web1 <<-'END'
		trap 'exit 7' USR2 PWR TERM
		while :; do
			sleep 1000 &
			wait $!
		done
	END
	sysc start web1
	init=$(pid_of web1)
	for ((nth = 0; nth < 3; nth++)); do
		worker=$(monitor_of web1)
		kill_one keeper_of web1
		[ "$(monitor_of web1)" = "$worker" ]
		kill_one monitor_of web1
		[ "$(pid_of web1)" = "$init" ]
		[ "$(count_supervisors)" = 2 ]
	done
	grep -q 'the keeper of the supervisor died' "$SYSC_LOG/web1.log"
	kill_one keeper_of web1
	sysc freeze web1
	kill_one keeper_of web1
	[ "$(state_of web1)" = FROZEN ]
	sysc unfreeze web1
	sysc stop web1
	[[ $(sysc info web1) == *"by stop, uid 0 pid"*"exit code 7"* ]]
	assert_nothing_left
	# the new keeper hears what the old one would have
	sysc start web1
	kill_one keeper_of web1
	kill -TERM "$(keeper_of web1)"
	sysc wait -s STOPPED -t 20s web1
	[[ $(sysc info web1) == *"by stop, signal 15"*"exit code 7"* ]]
	wait_until 10 assert_nothing_left
}

@test "a reboot after the keeper was killed; a stop that is under way" {
	start_busybox web1
	init=$(pid_of web1)
	kill_one keeper_of web1
	keeper=$(keeper_of web1)
	inside web1 'reboot -f' || :

	wait_until 20 runs_anew web1 "$init"
	wait_until 10 has_pair web1
	[ "$(keeper_of web1)" = "$keeper" ]
	[ "$(inside web1 'echo alive')" = alive ]
	"$top_builddir/src/sysc" stop -t 60s web1 3>&- &
	pid=$!
	wait_until 10 eval '[ "$(state_of web1)" = STOPPING ]'
	kill -KILL "$(fact web1 keeper_pid)" || :
	wait "$pid"
	[ "$(state_of web1)" = STOPPED ]
	wait_until 10 assert_nothing_left
}

@test "both killed: the guest goes on, ls and info say so, the next command takes over" {
	start_busybox web1
	wait_until 10 is_printed login:
	init=$(pid_of web1)
	birth=$(uptime_of web1)
	kill_both web1
	[ "$(state_of web1)" = RUNNING ]
	[ "$(sysc ls -1 --running)" = web1 ]
	[[ $(sysc info web1) == *"Supervisor:"*"gone; the next command takes over"* ]]
	[ "$(fact web1 monitor_pid)" = null ]
	[ "$(inside web1 'echo alive')" = alive ]
	[ "$(count_supervisors || :)" = 0 ]
	# start: it runs already
	sysc start web1
	[ "$(pid_of web1)" = "$init" ]
	[ "$(uptime_of web1)" = "$birth" ]
	wait_until 10 has_pair web1
	[ "$(count_supervisors)" = 2 ]
	grep -q 'takes over' "$SYSC_LOG/web1.log"
	[[ $(sysc info web1) != *"gone"* ]]
	# the getty that was hung up comes again, on the new console and on a tty
	run terminal 'send=\r' 'expect=login: ' 'send=root\r' 'expect=# ' 'send=echo $((6*7)); tty\r' 'expect=42' 'expect=/dev/console' 'send=\x01q' \
		-- "$top_builddir/src/sysc" console web1
	echo "$output"
	[ "$status" = 0 ]
	run terminal 'send=\r' 'expect=login: ' 'send=\x01q' -- "$top_builddir/src/sysc" console -t 1 web1
	echo "$output"
	[ "$status" = 0 ]
	# what was mounted is replaced, not covered
	[ "$(inside web1 'grep -c " /dev/console " /proc/mounts')" = 1 ]
	# a supervisor like any other
	kill_one monitor_of web1
	kill_one keeper_of web1
	inside web1 'reboot -f' || :

	wait_until 20 runs_anew web1 "$init"
	[ "$(inside web1 'echo alive')" = alive ]
	sysc stop -k web1
	assert_nothing_left
}

@test "both killed, again and again: freeze, stop, restart, console and destroy take over" {
	make_busybox web1
	stub_init web1 <<-'END'
		trap 'exit 7' USR2 PWR TERM
		while :; do
			echo tick
			sleep 1000 &
			wait $!
		done
	END
	sysc start web1
	init=$(pid_of web1)
	kill_both web1
	sysc freeze web1
	[ "$(state_of web1)" = FROZEN ]
	kill_both web1
	[ "$(state_of web1)" = FROZEN ]
	sysc unfreeze web1
	[ "$(state_of web1)" = RUNNING ]
	[ "$(pid_of web1)" = "$init" ]
	kill_both web1
	run terminal 'send=\x01q' -- "$top_builddir/src/sysc" console web1
	echo "$output"
	[ "$status" = 0 ]
	kill_both web1
	sysc stop web1
	[[ $(sysc info web1) == *"by stop, uid 0 pid"*"exit code 7"* ]]
	assert_nothing_left
	sysc start web1
	init=$(pid_of web1)
	kill_both web1
	sysc restart web1
	[ "$(pid_of web1)" != "$init" ]
	kill_both web1
	run sysc destroy web1
	[ "$status" = 4 ]
	kill_both web1
	sysc destroy -f web1
	assert_nothing_left
}

@test "both killed: two commands at once, one takes over" {
	make_busybox web1
	quick_init web1
	sysc start web1
	init=$(pid_of web1)
	for ((round = 1; round <= 3; round++)); do
		kill_both web1
		pids=()
		for verb in start start 'freeze -t 10s' start; do
			# shellcheck disable=SC2086 # a verb and its option
			"$top_builddir/src/sysc" $verb web1 3>&- &
			pids+=($!)
		done
		for pid in "${pids[@]}"; do
			wait "$pid"
		done
		sysc unfreeze web1
		wait_until 10 has_pair web1
		[ "$(count_supervisors)" = 2 ]
		[ "$(grep -c 'takes over' "$SYSC_LOG/web1.log")" = "$round" ]
		[ "$(pid_of web1)" = "$init" ]
	done
	sysc stop web1
	assert_nothing_left
}

@test "both killed while a command waits for a stop: it asks the next supervisor, and the container stops" {
	make_busybox web1
	stub_init web1 <<-'END'
		trap 'touch /asked; while [ ! -e /end ]; do sleep 0.1; done; exit 7' USR2 PWR TERM
		while :; do
			sleep 1000 &
			wait $!
		done
	END
	sysc start web1
	"$top_builddir/src/sysc" stop -t 60s web1 3>&- &
	pid=$!
	wait_until 10 test -e "$(rootfs web1)/asked"
	kill_both web1
	wait_until 10 has_pair web1
	[ "$(state_of web1)" = STOPPING ]
	touch "$(rootfs web1)/end"
	wait "$pid"
	[[ $(sysc info web1) == *"by stop, uid 0 pid"*"exit code 7"* ]]
	assert_nothing_left
}

@test "the guest ends while nobody looks: stopped, with the reason; start and destroy clean up" {
	make_busybox web1
	quick_init web1
	sysc start web1
	init=$(pid_of web1)
	kill_both web1
	kill -KILL "$init"
	sysc wait -s STOPPED -t 20s web1
	[ "$(state_of web1)" = STOPPED ]
	[[ $(sysc info web1) == *"Last stop:"*"at an unknown time by the guest, while its supervisor was gone"* ]]
	run sysc stop web1
	[ "$status" = 0 ]
	sysc start web1
	[ "$(inside web1 'echo alive')" = alive ]
	init=$(pid_of web1)
	kill_both web1
	kill -KILL "$init"
	sysc wait -s STOPPED -t 20s web1
	sysc destroy web1
	assert_nothing_left
}

@test "a supervisor that is killed after any step of the start leaves a whole container or none" {
	make_busybox web1
	quick_init web1
	for step in plan addresses cgroup birth maps links filter run ready exec; do
		SYSC_KILL_STEP=$step run sysc start web1
		echo "$step: $output"
		[ "$status" = 1 ]
		[[ $output == *"the supervisor died during the start"* ]]
		# nothing runs that was not let go on
		case $step in
		plan | addresses | cgroup | birth | maps | links | filter) sysc wait -s STOPPED -t 20s web1 ;;
		exec) [ -n "$(pid_of web1)" ] ;;
		esac
		sysc start web1
		[ "$(state_of web1)" = RUNNING ]
		[ "$(inside web1 'echo alive')" = alive ]
		wait_until 10 has_pair web1
		[ "$(count_supervisors)" = 2 ]
		run terminal 'send=\x01q' -- "$top_builddir/src/sysc" console web1
		[ "$status" = 0 ]
		sysc stop web1
		assert_nothing_left
	done
}

@test "the supervisor is exchanged in place: same guest, same keeper, the console goes on, a stop under way too" {
	start_busybox web1
	wait_until 10 is_printed login:
	init=$(pid_of web1)
	birth=$(uptime_of web1)
	keeper=$(keeper_of web1)
	mkfifo "$BATS_TEST_TMPDIR/keys"
	"$top_builddir/src/sysc" console web1 <"$BATS_TEST_TMPDIR/keys" >"$BATS_TEST_TMPDIR/out" 3>&- &
	console=$!
	SANDBOX_PIDS+=("$console")
	exec 7>"$BATS_TEST_TMPDIR/keys"
	printf 'root\n' >&7
	wait_until 10 grep -qa '# ' "$BATS_TEST_TMPDIR/out"
	for ((nth = 0; nth < 4; nth++)); do
		worker=$(monitor_of web1)
		run sysc restart --supervisor web1
		echo "$output"
		[ "$status" = 0 ]
		[[ $output == "web1: supervisor exchanged ("*", was "*")" ]]
		[ "$(monitor_of web1)" != "$worker" ]
		printf 'echo an''swer $((%d*7))\n' $((nth + 6)) >&7
		wait_until 10 grep -qa "answer $(((nth + 6) * 7))" "$BATS_TEST_TMPDIR/out"
	done
	[ "$(keeper_of web1)" = "$keeper" ]
	[ "$(pid_of web1)" = "$init" ]
	[ "$(uptime_of web1)" = "$birth" ]
	[ "$(grep -ac login: "$BATS_TEST_TMPDIR/out")" = "$(grep -ac login: "$SYSC_LOG/web1.console")" ]
	# a new keeper may be exchanged as well
	kill_one keeper_of web1
	sysc restart --supervisor web1
	wait_until 10 has_pair web1
	[ "$(count_supervisors)" = 2 ]
	kill -0 "$console"
	"$top_builddir/src/sysc" stop -t 60s web1 3>&- &
	pid=$!
	wait_until 10 eval '[ "$(state_of web1)" = STOPPING ]'
	sysc restart --supervisor web1 || :
	wait "$pid"
	[ "$(state_of web1)" = STOPPED ]
	exec 7>&-
	wait "$console"
	assert_nothing_left
	run sysc restart --supervisor web1
	[ "$status" = 4 ]
	run sysc restart --supervisor -k web1
	[ "$status" = 2 ]
}

@test "an installed program that cannot be run: the old supervisor goes on, and the error says why" {
	make_busybox web1
	quick_init web1
	mkdir "$BATS_TEST_TMPDIR/programs"
	for program in sysc sysc-monitor sysc-init build-tree; do
		cp "$top_builddir/src/$program" "$BATS_TEST_TMPDIR/programs/"
	done
	programs=$BATS_TEST_TMPDIR/programs
	"$programs/sysc" start web1
	[[ $(readlink "/proc/$(keeper_of web1)/exe") == "$programs/sysc-monitor" ]]
	init=$(pid_of web1)
	keeper=$(keeper_of web1)
	mv "$programs/sysc-monitor" "$programs/aside"
	run sysc restart --supervisor web1
	echo "$output"
	[ "$status" = 1 ]
	[[ $output == *"run '$programs/sysc-monitor': No such file or directory"* ]]
	# one that only the exec refuses
	echo nonsense >"$programs/sysc-monitor"
	chmod +x "$programs/sysc-monitor"
	run sysc restart --supervisor web1
	echo "$output"
	[ "$status" = 1 ]
	[[ $output == *"the old supervisor goes on: run '$programs/sysc-monitor': Exec format error"* ]]
	wait_until 10 has_pair web1
	[ "$(keeper_of web1)" = "$keeper" ]
	cp "$programs/aside" "$programs/sysc-monitor.new"
	mv "$programs/sysc-monitor.new" "$programs/sysc-monitor"
	run sysc restart --supervisor web1
	echo "$output"
	[ "$status" = 0 ]
	[ "$(pid_of web1)" = "$init" ]
	sysc stop web1
	assert_nothing_left
}
