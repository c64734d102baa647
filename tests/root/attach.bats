#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# sysc attach: a command inside is as good as one outside: streams, signals, exit codes, terminals, and no more power
# than the container has.

bats_require_minimum_version 1.5.0
LIFECYCLE_NETWORK=no
load ../lib/lifecycle

@test "exit codes: the command's own, 128+signal, 126, 127; 4 when it does not run, 3 when there is none" {
	start_busybox web1
	run sysc attach web1 -- sh -c 'exit 7'
	[ "$status" = 7 ]
	run sysc attach web1 -- true
	[ "$status" = 0 ]
	run sysc attach web1 -- sh -c 'kill -KILL $$'
	[ "$status" = 137 ]
	run sysc attach web1 -- sh -c 'kill -TERM $$'
	[ "$status" = 143 ]
	run -127 sysc attach web1 -- no-such-program
	[[ $output == "sysc-attach: web1: run 'no-such-program': No such file or directory" ]]
	run -127 sysc attach web1 -- /no/such/program
	run -126 sysc attach web1 -- /etc/passwd
	[[ $output == *"run '/etc/passwd': Permission denied" ]]
	run -126 sysc attach web1 -- /etc
	run sysc attach -u nosuch web1 -- true
	[ "$status" = 125 ]
	[[ $output == *"no user 'nosuch'"* ]]
	run sysc attach -C /no/dir web1 -- true
	[ "$status" = 125 ]
	run sysc attach web2 -- true
	[ "$status" = 3 ]
	sysc freeze web1
	run sysc attach web1 -- true
	[ "$status" = 4 ]
	[[ $output == *frozen* ]]
	sysc stop -k web1
	run sysc attach web1 -- true
	[ "$status" = 4 ]
	[[ $output == "sysc-attach: web1: not running" ]]
}

@test "streams stay apart, a closed one stays closed, input comes through a pipe" {
	start_busybox web1
	sysc attach web1 -- sh -c 'echo out; echo err >&2' >"$BATS_TEST_TMPDIR/out" 2>"$BATS_TEST_TMPDIR/err"
	[ "$(cat "$BATS_TEST_TMPDIR/out")" = out ]
	[ "$(cat "$BATS_TEST_TMPDIR/err")" = err ]
	[ "$(echo words | sysc attach web1 -- cat)" = words ]
	[ "$(sysc attach web1 -- sh -c 'readlink /proc/self/fd/1' | head -n 1)" != "" ]
	# the end of the input is seen
	[ "$(printf 'a\nb\n' | sysc attach web1 -- wc -l | tr -d ' ')" = 2 ]
	# no fd of the caller but the three
	[ "$(sysc attach web1 -- ls /proc/self/fd 7</etc/passwd | tr '\n' ' ')" = "0 1 2 3 " ]
}

@test "1 MB is whole through a pipe, both ways" {
	start_busybox web1
	head -c 1048576 /dev/urandom >"$BATS_TEST_TMPDIR/data"
	want=$(md5sum <"$BATS_TEST_TMPDIR/data")
	[ "$(sysc attach web1 -- md5sum <"$BATS_TEST_TMPDIR/data")" = "$want" ]
	[ "$(sysc attach web1 -- cat <"$BATS_TEST_TMPDIR/data" | md5sum)" = "$want" ]
	[ "$(cat "$BATS_TEST_TMPDIR/data" | sysc attach web1 -- sh -c 'cat >/data; cat /data' | md5sum)" = "$want" ]
}

@test "1 MB is whole through a terminal" {
	start_busybox web1
	inside web1 'yes 0123456789abcde | head -n 65536 >/data'
	terminal -- "$top_builddir/src/sysc" attach web1 -- cat /data >"$BATS_TEST_TMPDIR/out"
	[ "$(tr -d '\r' <"$BATS_TEST_TMPDIR/out" | md5sum)" = "$(md5sum <"$(rootfs web1)/data")" ]
	# input: a terminal takes what the reader takes, in raw mode
	cat >"$(rootfs web1)/take" <<-'END'
		stty raw -echo
		echo ready
		head -c 1048576 | md5sum
	END
	yes 0123456789abcde | head -n 65536 >"$BATS_TEST_TMPDIR/data"
	run terminal expect=ready "paste=$BATS_TEST_TMPDIR/data" -- "$top_builddir/src/sysc" attach web1 -- sh /take
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == *"$(md5sum <"$BATS_TEST_TMPDIR/data" | cut -d' ' -f1)"* ]]
}

@test "a clean environment, and ways to add to it" {
	start_busybox web1 -s container.environment=COLOUR=blue
	export SECRET=hidden KEPT=kept
	sysc attach web1 -- env >"$BATS_TEST_TMPDIR/env"
	cat "$BATS_TEST_TMPDIR/env"
	grep -qx HOME=/root "$BATS_TEST_TMPDIR/env"
	grep -qx USER=root "$BATS_TEST_TMPDIR/env"
	grep -qx container=lxc "$BATS_TEST_TMPDIR/env"
	grep -qx COLOUR=blue "$BATS_TEST_TMPDIR/env"
	grep -q ^PATH= "$BATS_TEST_TMPDIR/env"
	run ! grep -E '^(SECRET|KEPT|SYSC_|BATS_)' "$BATS_TEST_TMPDIR/env"
	[ "$(sysc attach --keep-var KEPT web1 -- sh -c 'echo $KEPT$SECRET')" = kept ]
	[ "$(sysc attach --keep-env web1 -- sh -c 'echo $KEPT$SECRET')" = kepthidden ]
	[ "$(sysc attach --env A=1 --env B=2 web1 -- sh -c 'echo $A$B')" = 12 ]
	[ "$(sysc attach --env COLOUR=red web1 -- sh -c 'echo $COLOUR')" = red ]
}

@test "-u by name and number, with groups, home and shell; --cwd" {
	start_busybox web1
	echo 'joe:x:1000:1000:Joe:/home/joe:/bin/sh' >>"$(rootfs web1)/etc/passwd"
	printf 'joe:x:1000:\nstaff:x:50:joe,other\n' >>"$(rootfs web1)/etc/group"
	inside web1 'mkdir -p /home/joe; chown 1000:1000 /home/joe'
	[ "$(sysc attach -u joe web1 -- sh -c 'id; echo $HOME $USER $LOGNAME; pwd')" = "$(
		printf 'uid=1000(joe) gid=1000(joe) groups=50(staff),1000(joe)\n/home/joe joe joe\n/home/joe'
	)" ] || [ "$(sysc attach -u joe web1 -- id -G)" = "1000 50" ]
	[ "$(sysc attach -u 1000 web1 -- id -un)" = joe ]
	[ "$(sysc attach -u 4711 web1 -- id -u)" = 4711 ]
	[ "$(sysc attach -u joe --cwd /etc web1 -- pwd)" = /etc ]
	[ "$(sysc attach web1 -- pwd)" = /root ]
	# a user has no power
	[ "$(sysc attach -u joe web1 -- sh -c "awk '/CapEff/ {print \$2}' /proc/self/status")" = 0000000000000000 ]
	run ! sysc attach -u joe web1 -- touch /etc/x
	# the user's shell, without a command
	[ "$(echo 'id -un' | sysc attach -u joe web1)" = joe ]
}

@test "signals to attach reach the command" {
	start_busybox web1
	cat >"$(rootfs web1)/catch" <<-'END'
		trap 'echo got TERM; exit 5' TERM
		trap 'echo got USR1' USR1
		echo ready
		while :; do sleep 0.05; done
	END
	"$top_builddir/src/sysc" attach web1 -- sh /catch >"$BATS_TEST_TMPDIR/out" 3>&- &
	pid=$!
	wait_until 10 grep -q ready "$BATS_TEST_TMPDIR/out"
	kill -USR1 "$pid"
	wait_until 10 grep -q 'got USR1' "$BATS_TEST_TMPDIR/out"
	kill -TERM "$pid"
	code=0
	wait "$pid" || code=$?
	[ "$code" = 5 ]
	grep -q 'got TERM' "$BATS_TEST_TMPDIR/out"
}

@test "on a terminal: a pty of the container, its size, ^C, and a restored terminal" {
	start_busybox web1
	run terminal size=33x101 -- "$top_builddir/src/sysc" attach web1 -- sh -c 'tty; stty size; ls -l /proc/self/fd/0'
	echo "$output"
	[ "$status" = 0 ]
	[[ $output == */dev/pts/*"33 101"* ]]
	# a change of size arrives
	run terminal 'expect=# ' 'send=stty size\r' 'expect=24 80' size=40x90 'send=stty size\r' 'expect=40 90' \
		'send=exit 9\r' -- "$top_builddir/src/sysc" attach web1
	echo "$output"
	[ "$status" = 9 ]
	# ^C interrupts the command inside, not sysc
	run terminal 'expect=ready' 'send=\x03' 'expect=interrupted' -- "$top_builddir/src/sysc" attach web1 -- \
		sh -c 'trap "echo interrupted; exit 3" INT; echo ready; while :; do sleep 0.05; done'
	[ "$status" = 3 ]
	# the caller's terminal is as it was
	# shellcheck disable=SC2016
	run terminal -- sh -c 'before=$(stty -g); "$0" attach web1 -- true; [ "$before" = "$(stty -g)" ] && echo same' "$top_builddir/src/sysc"
	[[ $output == *same* ]]
	# only the streams that are a terminal are on the pty
	# shellcheck disable=SC2016
	terminal -- sh -c '"$0" attach web1 -- sh -c "echo out; echo err >&2" 2>"$1"' "$top_builddir/src/sysc" "$BATS_TEST_TMPDIR/err" >"$BATS_TEST_TMPDIR/out"
	[ "$(cat "$BATS_TEST_TMPDIR/err")" = err ]
	[ "$(tr -d '\r' <"$BATS_TEST_TMPDIR/out")" = out ]
}

@test "a command in the background does not hold attach up on a terminal" {
	start_busybox web1
	before=$SECONDS
	run terminal -- "$top_builddir/src/sysc" attach web1 -- sh -c 'sleep 100 & echo done'
	[ "$status" = 0 ]
	[[ $output == *done* ]]
	[ $((SECONDS - before)) -lt 10 ]
}

all_gettys() { [ "$(inside web1 'ps | grep -c [g]etty')" = 5 ]; }

@test "100 in a row leave no process and no fd" {
	start_busybox web1
	wait_until 10 grep -q login: "$SYSC_LOG/web1.console"
	wait_until 10 all_gettys
	monitor=$(monitor_of web1)
	fds=$(ls "/proc/$monitor/fd" | wc -l)
	processes=$(sandbox_processes | wc -l)
	ptys=$(inside web1 'ls /dev/pts | wc -l')
	for ((nth = 0; nth < 100; nth++)); do
		sysc attach web1 -- true
	done
	[ "$(ls "/proc/$monitor/fd" | wc -l)" = "$fds" ]
	[ "$(sandbox_processes | wc -l)" = "$processes" ]
	[ "$(inside web1 'ls /dev/pts | wc -l')" = "$ptys" ]
	[ "$(cgroup_file web1 pids.current)" = "$((processes - 2))" ] # the supervisor is two
}

@test "a killed attach leaves the command to the container, which ends it at its stop" {
	start_busybox web1
	"$top_builddir/src/sysc" attach web1 -- sh -c 'echo ready; exec sleep 1000' >"$BATS_TEST_TMPDIR/out" 3>&- &
	pid=$!
	wait_until 10 grep -q ready "$BATS_TEST_TMPDIR/out"
	kill -KILL "$pid"
	{ wait "$pid" || :; } 2>/dev/null
	sysc stop -k web1
	assert_nothing_left
}

@test "namespaces, cgroup, capabilities and seccomp are init's own" {
	start_busybox web1
	pid=$(pid_of web1)
	for namespace in mnt pid net uts ipc cgroup user; do
		[ "$(inside web1 "readlink /proc/self/ns/$namespace")" = "$(readlink "/proc/$pid/ns/$namespace")" ]
	done
	for line in CapBnd CapEff CapInh CapAmb Seccomp; do
		[ "$(inside web1 "grep ^$line: /proc/self/status")" = "$(grep "^$line:" "/proc/$pid/status")" ]
	done
	# the host's view of its cgroup, in each hierarchy
	"$top_builddir/src/sysc" attach web1 -- sh -c 'echo ready; exec sleep 1000' >"$BATS_TEST_TMPDIR/out" 3>&- &
	SANDBOX_PIDS+=($!)
	wait_until 10 grep -q ready "$BATS_TEST_TMPDIR/out"
	child=$(pgrep -f -x 'sleep 1000' | head -n 1)
	cat "/proc/$child/cgroup"
	# v2: a cgroup below init's, so as not to be in the way of what the guest does with that
	[ "$(sed '/^0::/s,/\.sysc$,,' "/proc/$child/cgroup")" = "$(cat "/proc/$pid/cgroup")" ]
	# what the policy forbids is forbidden here too
	run ! inside web1 'mknod /tmp/x b 7 0'
	[ "$(inside web1 'cat /proc/self/oom_score_adj')" = "$(cat "/proc/$pid/oom_score_adj")" ]
}

@test "-s enters only some namespaces, -e keeps the power of the caller" {
	start_busybox web1
	pid=$(pid_of web1)
	[ "$(sysc attach -s NETWORK web1 -- readlink /proc/self/ns/net)" = "$(readlink "/proc/$pid/ns/net")" ]
	[ "$(sysc attach -s NETWORK web1 -- readlink /proc/self/ns/mnt)" = "$(readlink /proc/self/ns/mnt)" ]
	[ "$(sysc attach -s 'NETWORK|UTSNAME' web1 -- hostname)" = web1 ]
	[ "$(sysc attach -s NETWORK web1 -- hostname)" = sysc-test ]
	[ "$(sysc attach -e web1 -- grep '^Seccomp:' /proc/self/status | tr -d '[:space:]')" = Seccomp:0 ]
	[ "$(sysc attach -eSECCOMP web1 -- grep '^CapBnd' /proc/self/status)" = "$(grep '^CapBnd' "/proc/$pid/status")" ]
	run sysc attach -s NONSENSE web1 -- true
	[ "$status" = 2 ]
}

@test "what a guest puts in the place of passwd, ptmx and /proc does no harm" {
	start_busybox web1
	inside web1 'rm /etc/passwd; mkfifo /etc/passwd'
	run timeout 20 "$top_builddir/src/sysc" attach web1 -- echo in
	echo "$output"
	[ "$output" = in ]
	inside web1 'rm /etc/passwd; ln -s /dev/zero /etc/passwd'
	run timeout 20 "$top_builddir/src/sysc" attach web1 -- echo in
	echo "$output"
	[ "$output" = in ]
	inside web1 'rm /dev/ptmx; mount -t tmpfs none /dev/pts; mkdir -p /dev/pts; : >/dev/pts/ptmx'
	run terminal -- "$top_builddir/src/sysc" attach web1 -- true
	echo "$output"
	[ "$status" = 125 ]
	[[ $output == *"/dev/pts/ptmx"* ]]
	[ "$(inside web1 'echo still')" = still ]
}
