#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# [boot] restart: who is started again, when, how often; what can be asked while it waits; what is kept of the end.

bats_require_minimum_version 1.5.0
LIFECYCLE_NETWORK=no
load ../lib/lifecycle

# make_ending NAME STATUS [CREATE-OPTION...]: its init ends with STATUS when it is told to by the file /end inside, and
# counts its starts in /starts
make_ending() {
	local name=$1 code=$2
	shift 2
	make_busybox "$name" "$@" >/dev/null
	stub_init "$name" <<-END
		echo start >>/starts
		trap 'exit 0' PWR USR2 TERM INT
		while ! [ -e /end ]; do usleep 20000; done
		exit $code
	END
}

starts() { wc -l <"$(rootfs "$1")/starts"; }
has_starts() { [ "$(starts "$1")" -ge "$2" ]; }
is_waiting() { [ "$(state_of "$1")" = STARTING ] && [[ $(sysc info "$1") == *"Restart:"*" in "* ]]; }
is_stopped() { [ "$(state_of "$1")" = STOPPED ]; }
info_has() { [[ $(sysc info "$1") == *"$2"* ]]; }
let_end() { : >"$(rootfs "$1")/end"; }

@test "on-failure: again and again after pauses, until the limit is reached, which is told" {
	make_ending web1 3 -s boot.restart=on-failure -s boot.restart_delay=100ms -s boot.restart_limit=2
	in_background sysc monitor web1
	log="$BATS_TEST_TMPDIR/background.log"
	let_end web1
	sysc start web1
	wait_until 20 is_stopped web1
	[ "$(starts web1)" = 3 ]
	run sysc info web1
	echo "$output"
	[[ $output == *"Last stop:"*"by the guest (init ended), exit code 3"* ]]
	[[ $output == *"Then:"*"not started again: boot.restart_limit (2) is reached"* ]]
	[[ $output == *"Last failure:"*"ended again after 2 restarts"*"sysc-start begins to count anew"* ]]
	sysc info --json web1 | grep -q '"reason": "exited"'
	grep -q 'web1 RESTART 1 of 2 in' "$log"
	grep -q 'web1 RESTART 2 of 2 in' "$log"
	wait_until 10 grep -q 'web1 STOPPED failed: ended again' "$log"
	assert_nothing_left web1
	# a start by hand counts from the beginning
	rm "$(rootfs web1)/end"
	sysc start web1
	[[ $(sysc info web1) != *Restart:* ]]
	sysc stop web1
}

@test "a good end, a poweroff and a stop are no failures; always takes the first two" {
	make_ending web1 0 -s boot.restart=on-failure -s boot.restart_delay=50ms
	let_end web1
	sysc start web1
	wait_until 10 is_stopped web1
	[ "$(starts web1)" = 1 ]
	info_has web1 "not started again: boot.restart is on-failure"
	sysc config set web1 boot.restart always
	sysc start web1
	wait_until 20 has_starts web1 4
	sysc stop web1
	is_stopped web1
	info_has web1 "it was asked to stop" || info_has web1 "not started again: stop by uid 0"
	rm -f "$(rootfs web1)/end"
	sysc start web1
	sysc stop web1
	n=$(starts web1)
	info_has web1 "by stop, uid 0 pid"
	info_has web1 "(sysc stop web1)"
	info_has web1 "Then:           not started again: it was asked to stop"
	sysc info --json web1 | grep -q '"reason": "asked"'
	assert_nothing_left web1
	[ "$(starts web1)" = "$n" ]
}

@test "poweroff inside: not with on-failure, again with always; a reboot is not counted" {
	make_busybox web1 -s boot.restart=on-failure -s boot.restart_delay=50ms >/dev/null
	sysc start web1
	inside web1 'poweroff -f' || :
	wait_until 10 is_stopped web1
	info_has web1 "by the guest (poweroff or halt)"
	sysc info --json web1 | grep -q '"reason": "poweroff"'
	sysc config set web1 boot.restart always
	sysc start web1
	pid=$(pid_of web1)
	inside web1 'poweroff -f' || :
	wait_until 10 eval '[ "$(state_of web1)" = RUNNING ] && [ "$(pid_of web1)" != "$pid" ]'
	info_has web1 "Restart:        1 of 5"
	pid=$(pid_of web1)
	inside web1 'reboot -f' || :
	wait_until 10 eval '[ "$(state_of web1)" = RUNNING ] && [ "$(pid_of web1)" != "$pid" ]'
	info_has web1 "Restart:        1 of 5"
	info_has web1 "Then:           rebooted"
	sysc stop -k web1
	is_stopped web1
	assert_nothing_left web1
}

@test "while it waits: info, ls and the command socket; stop leaves it stopped, start starts it" {
	make_ending web1 1 -s boot.restart=always -s boot.restart_delay=10min
	let_end web1
	sysc start web1
	wait_until 10 is_waiting web1
	info_has web1 "Restart:        1 of 5 in "
	[[ $(sysc ls -F name,restart web1) == *"restart 1 of 5 in "* ]]
	run sysc attach web1 -- true
	[ "$status" != 0 ]
	run sysc freeze web1
	[ "$status" != 0 ]
	is_waiting web1
	rm "$(rootfs web1)/end"
	sysc start web1
	[ "$(state_of web1)" = RUNNING ]
	[ "$(starts web1)" = 2 ]
	let_end web1
	wait_until 10 is_waiting web1
	info_has web1 "Restart:        2 of 5 in "
	sysc stop web1
	is_stopped web1
	info_has web1 "not started again: stop by uid 0 pid"
	assert_nothing_left web1
	[ "$(starts web1)" = 2 ]
	# a container that waits can be destroyed
	sysc start web1
	wait_until 10 is_waiting web1
	sysc destroy -f web1
	assert_nothing_left web1
}

@test "the wait survives the death of either process of the supervisor" {
	make_ending web1 1 -s boot.restart=always -s boot.restart_delay=3s
	let_end web1
	sysc start web1
	wait_until 10 is_waiting web1
	monitor=$(monitor_of web1)
	kill -KILL "$monitor"
	wait_until 5 eval '[ -n "$(monitor_of web1)" ] && [ "$(monitor_of web1)" != "$monitor" ]'
	is_waiting web1
	info_has web1 "Restart:        1 of 5 in "
	rm "$(rootfs web1)/end"
	wait_until 15 has_starts web1 2
	wait_until 5 eval '[ "$(state_of web1)" = RUNNING ]'
	# without both there is nobody to start it: stopped, and as good as ever
	sysc config set web1 boot.restart_delay 10min
	let_end web1
	wait_until 10 is_waiting web1
	kill_both web1
	wait_until 10 is_stopped web1
	rm "$(rootfs web1)/end"
	sysc start web1
	[ "$(state_of web1)" = RUNNING ]
	sysc stop web1
	assert_nothing_left web1
}

@test "a start that fails counts as one, is told, and mends itself when the cause is gone" {
	make_ending web1 1 -s boot.restart=always -s boot.restart_delay=100ms -s boot.restart_limit=30
	sysc start web1
	mv "$(rootfs web1)/sbin/init" "$(rootfs web1)/init.away"
	let_end web1
	wait_until 20 eval '[[ $(sysc info web1) == *"Restart:"*"3 of 30"* ]]'
	info_has web1 "Last failure:"
	rm "$(rootfs web1)/end"
	mv "$(rootfs web1)/init.away" "$(rootfs web1)/sbin/init"
	sysc start web1
	[ "$(state_of web1)" = RUNNING ]
	[[ $(sysc info web1) != *"Last failure:"* ]]
	sysc config set web1 boot.restart_limit 2
	sysc stop web1
	sysc start web1
	mv "$(rootfs web1)/sbin/init" "$(rootfs web1)/init.away"
	let_end web1
	wait_until 20 is_stopped web1
	info_has web1 "boot.restart_limit is reached"
	assert_nothing_left web1
}

@test "killed by a signal, and for memory" {
	make_ending web1 0 -s boot.restart=on-failure -s boot.restart_delay=50ms
	sysc start web1
	pid=$(pid_of web1)
	kill -KILL "$pid"
	wait_until 10 has_starts web1 2
	wait_until 5 eval '[ "$(state_of web1)" = RUNNING ]'
	sysc info --json web1 | grep -q '"reason": "killed"'
	info_has web1 "killed by SIGKILL"
	sysc stop web1
	assert_nothing_left web1
	sysc destroy web1
	need controller memory
	make_ending web1 0 -s boot.restart=on-failure -s boot.restart_delay=50ms -s limits.memory=16M
	sed -i 's/^exit 0/exec dd if=\/dev\/zero of=\/dev\/null bs=64M count=1/' "$(rootfs web1)/sbin/init"
	in_background sysc monitor web1
	sysc start web1
	let_end web1
	wait_until 20 has_starts web1 2
	rm "$(rootfs web1)/end"
	wait_until 10 eval '[ "$(state_of web1)" = RUNNING ]'
	sysc info --json web1 | grep -q '"reason": "oom"'
	wait_until 5 grep -q 'web1 OOM 1 processes killed' "$BATS_TEST_TMPDIR/background.log"
	sysc stop web1
	assert_nothing_left web1
}

@test "an ephemeral container is started again as others are, and removed when it stops for good" {
	make_ending web1 1 -s boot.restart=on-failure -s boot.restart_delay=50ms -s boot.restart_limit=1 \
		-s container.ephemeral=yes
	sysc start web1
	ln "$SYSC_LOG/web1.log" "$BATS_TEST_TMPDIR/kept" # destroy removes it
	let_end web1
	wait_until 20 test ! -e "$SYSC_PATH/web1"
	grep -q "restart 1 of 1" "$BATS_TEST_TMPDIR/kept"
	wait_until 10 assert_nothing_left
}

@test "the policy of a running container is changed at once, one that waits included" {
	make_ending web1 1
	sysc start web1
	sysc config set web1 boot.restart always
	sysc config set web1 boot.restart_delay 10min
	let_end web1
	wait_until 10 is_waiting web1
	sysc config set web1 boot.restart no
	wait_until 10 is_stopped web1
	info_has web1 "boot.restart is set to no"
	assert_nothing_left web1
}

@test "in the foreground it stays over restarts" {
	make_ending web1 4 -s boot.restart=always -s boot.restart_delay=200ms -s boot.restart_limit=2
	let_end web1
	run timeout 30 "$top_builddir/src/sysc" start -F web1 </dev/null
	[ "$status" = 4 ]
	[ "$(starts web1)" = 3 ]
	assert_nothing_left web1
}

# --- as a service ---

# listen FILE: a service manager's end at $BATS_TEST_TMPDIR/notify; each message is a line of FILE: "pid PID text"
listen() {
	need python3
	cat >"$BATS_TEST_TMPDIR/listen.py" <<-'END'
		import socket, struct, sys
		s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
		s.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
		s.bind(sys.argv[1])
		with open(sys.argv[2], "w") as out:
		    while True:
		        data, aux, flags, _ = s.recvmsg(4096, 64)
		        pid = struct.unpack("3i", aux[0][2])[0]
		        out.write("%d %s\n" % (pid, data.decode().replace("\n", " ")))
		        out.flush()
	END
	in_background python3 "$BATS_TEST_TMPDIR/listen.py" "$BATS_TEST_TMPDIR/notify" "$1"
	wait_until 10 test -S "$BATS_TEST_TMPDIR/notify"
}

# serve NAME: sysc start --service in the background; $service is its pid
serve() {
	NOTIFY_SOCKET="$BATS_TEST_TMPDIR/notify" "$top_builddir/src/sysc" start --service "$1" 3>&- 4>&- &
	service=$!
	SANDBOX_PIDS+=("$service")
}

@test "as a service: READY, STATUS and STOPPING from the main process, which ends with how it went" {
	make_ending web1 5
	listen "$BATS_TEST_TMPDIR/said"
	serve web1
	wait_until 10 grep -q "^$service READY=1 STATUS=" "$BATS_TEST_TMPDIR/said"
	[ "$(state_of web1)" = RUNNING ]
	# nothing of it is in the guest
	inside web1 "tr '\\0' '\\n' </proc/1/environ" >"$BATS_TEST_TMPDIR/env"
	run ! grep NOTIFY "$BATS_TEST_TMPDIR/env"
	run ! inside web1 'env | grep NOTIFY'
	run sysc start --service web1
	[ "$status" = 4 ]
	[[ $output == *"runs already"* ]]
	kill -TERM "$service"
	wait "$service"
	wait_until 5 grep -q "^$service STOPPING=1" "$BATS_TEST_TMPDIR/said"
	is_stopped web1
	info_has web1 "signal 15 from uid 0 pid"
	assert_nothing_left web1
	# a failure is one for the service manager, too
	: >"$BATS_TEST_TMPDIR/said"
	serve web1
	wait_until 10 grep -q "^$service READY=1" "$BATS_TEST_TMPDIR/said"
	let_end web1
	status=0
	wait "$service" || status=$?
	[ "$status" = 1 ]
	# and a start that fails
	rm "$(rootfs web1)/sbin/init"
	run sysc start --service web1
	[ "$status" = 1 ]
	[[ $output == *init* ]]
	assert_nothing_left web1
}

@test "as a service: a guest that does not stop is killed in time, by us, also over the death of a worker" {
	make_busybox web1 -s stop.timeout=2s >/dev/null
	stub_init web1 <<-END
		trap '' PWR USR2 TERM INT
		while :; do usleep 20000; done
	END
	listen "$BATS_TEST_TMPDIR/said"
	serve web1
	wait_until 10 grep -q "^$service READY=1" "$BATS_TEST_TMPDIR/said"
	kill -TERM "$service"
	wait_until 5 grep -qx "$service STOPPING=1 STATUS=Stopping EXTEND_TIMEOUT_USEC=12000000" "$BATS_TEST_TMPDIR/said"
	kill -KILL "$(fact web1 monitor_pid)"
	wait "$service"
	is_stopped web1
	info_has web1 "killed by SIGKILL"
	sysc logs web1 | grep -q "does not stop in time"
	assert_nothing_left web1
}

@test "as a service: the main process stays over restarts, which are told" {
	make_ending web1 5 -s boot.restart=on-failure -s boot.restart_delay=1s -s boot.restart_limit=1
	listen "$BATS_TEST_TMPDIR/said"
	serve web1
	wait_until 10 grep -q "^$service READY=1" "$BATS_TEST_TMPDIR/said"
	let_end web1
	wait_until 10 grep -q "STATUS=Restart 1 of 1 in 1 s" "$BATS_TEST_TMPDIR/said"
	status=0
	wait "$service" || status=$?
	[ "$status" = 1 ]
	[ "$(grep -c "^$service READY=1" "$BATS_TEST_TMPDIR/said")" = 2 ]
	assert_nothing_left web1
}

@test "a start that is part of another service does not speak for it" {
	make_ending web1 0
	listen "$BATS_TEST_TMPDIR/said"
	NOTIFY_SOCKET="$BATS_TEST_TMPDIR/notify" sysc start web1
	run ! grep -qz NOTIFY_SOCKET= "/proc/$(monitor_of web1)/environ"
	sysc stop web1
	[ ! -s "$BATS_TEST_TMPDIR/said" ]
}
