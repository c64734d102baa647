#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2154 # run and sandbox.bash set variables
# sysc autostart with real containers: the order, readiness, failures, the way back, deadlines, exit codes.

bats_require_minimum_version 1.5.0
LIFECYCLE_NETWORK=no
load ../lib/lifecycle

# quick NAME [LINE...]: a busybox whose init ends at once when it is asked to, with these lines in its configuration
quick() {
	local name=$1
	shift
	make_busybox "$name" >/dev/null 2>&1
	quick_init "$name"
	((!$#)) || printf '%s\n' "$@" >>"$SYSC_PATH/$name/config"
}

# deaf NAME [LINE...]: the same, with an init that hears no signal
deaf() {
	quick "$@"
	stub_init "$1" <<<'trap "" PWR USR2 TERM INT; while :; do sleep 1000; done'
}

# moment NAME FIELD: a time of its state, ms
moment() { sed -n "s/^$2 //p" "$SYSC_RUN/$1/state"; }

# in_turn FIELD NAME...: the times go upwards
in_turn() {
	local field=$1 last=0 name now
	shift
	for name; do
		now=$(moment "$name" "$field")
		((now >= last && now > 0)) || {
			echo "$name: $field $now is before $last" >&2
			return 1
		}
		last=$now
	done
}

# status CODE COMMAND...
status() {
	local wanted=$1
	shift
	run --separate-stderr "$@"
	echo "$output"
	echo "$stderr"
	[[ $status == "$wanted" ]] || {
		echo "exit code $status instead of $wanted: $*" >&2
		return 1
	}
}

@test "orders and after: one behind the other; a line each; those without autostart stay" {
	quick app '[boot]' 'autostart = yes' 'order = 20'
	quick db '[boot]' 'order = 10'
	quick log '[boot]' 'autostart = yes' 'delay = 300ms'
	quick off
	quick web '[boot]' 'autostart = yes' 'after = db'
	status 0 sysc autostart
	[[ ${#lines[@]} == 4 && -z $stderr ]]
	[[ ${lines[0]} =~ ^"log: ready after 0."[0-9]+" s"$ ]]
	[[ ${lines[1]} == "db: ready after "* && ${lines[2]} == "web: ready after "* && ${lines[3]} == "app: ready after "* ]]
	in_turn started_ms log db web app
	# the delay of log is before the next order
	(($(moment db started_ms) - $(moment log ready_ms) >= 300))
	[[ $(state_of off) == STOPPED ]]

	# again: they run, and nothing else happens
	pid=$(pid_of web)
	status 0 sysc autostart
	[[ ${lines[2]} == "web: ready (it was running)" ]]
	[[ $(pid_of web) == "$pid" ]]

	status 0 sysc autostart -s
	[[ ${#lines[@]} == 4 && ${lines[0]} == "app: stopped after "* && ${lines[3]} == "log: stopped after "* ]]
	in_turn stopped_ms app web db log
	assert_nothing_left
}

@test "what fails keeps back only what comes after it: 6, reasons on stderr; all of them failing is 1" {
	quick bad '[boot]' 'autostart = yes' '[container]' 'init = /nowhere'
	quick behind '[boot]' 'autostart = yes' 'after = bad'
	quick broken '[boot]' 'autostart = yes' 'ordre = 5'
	quick far '[boot]' 'autostart = yes' 'after = behind'
	quick good '[boot]' 'autostart = yes' 'order = 7'
	quick lost '[boot]' 'autostart = yes' 'after = nobody'
	quick one '[boot]' 'autostart = yes' 'after = two'
	quick two '[boot]' 'autostart = yes' 'after = one'
	line=$(grep -n 'after = nobody' "$SYSC_PATH/lost/config" | cut -d: -f1)
	status 6 sysc autostart
	[[ $output == "good: ready after "* && ${#lines[@]} == 1 ]]
	[[ $stderr == *"sysc-autostart: bad: failed: "*nowhere* ]]
	[[ $stderr == *"sysc-autostart: behind: not started: after bad, which failed"* ]]
	[[ $stderr == *"sysc-autostart: far: not started: after behind, which was not started"* ]]
	[[ $stderr == *"sysc-autostart: broken: failed: $SYSC_PATH/broken/config:"*"ordre"* ]]
	[[ $stderr == *"lost: failed: boot.after names no container: 'nobody' ($SYSC_PATH/lost/config:$line)"* ]]
	[[ $stderr == *"one: failed: boot.after goes in a circle: one -> two -> one ($SYSC_PATH/one/config:"*")"* ]]
	[[ $stderr == *"two: failed: boot.after goes in a circle: one -> two -> one ($SYSC_PATH/two/config:"*")"* ]]
	[[ $(sysc ls -1 --active) == good ]]
	status 1 sysc autostart -q bad behind
	[[ -z $output ]]
	status 1 sysc autostart one
	# JSON has the same
	status 6 sysc autostart --json
	jq -e '.schema == 1 and .action == "start" and (.containers | length == 8)' <<<"$output"
	jq -e '.containers[] | select(.name == "good") | .ok and .result == "ready" and .was_running' <<<"$output"
	jq -e '.containers[] | select(.name == "bad") | (.ok | not) and .result == "failed"' <<<"$output"
	jq -e '.containers[] | select(.name == "far") | .result == "not_done" and .reason == "after behind, which was not started"' <<<"$output"
	status 0 sysc autostart -k
	[[ $output == "good: stopped after "* ]]
	assert_nothing_left
}

@test "one that is not ready in time: told, it runs on, what comes after it does not start; 5 alone" {
	quick never '[boot]' 'autostart = yes' 'ready = command false' 'ready_timeout = 300ms'
	quick behind '[boot]' 'autostart = yes' 'after = never'
	quick later '[boot]' 'autostart = yes' 'order = 3'
	status 6 sysc autostart
	[[ $stderr == *"never: not ready within 0.3 s: RUNNING, "* ]]
	[[ $stderr == *"behind: not started: after never, which was not ready in time"* ]]
	[[ $output == "later: ready after "* ]]
	(($(moment later started_ms) - $(moment never started_ms) >= 300))
	[[ $(state_of never) == RUNNING ]]
	# it has had its time: no second wait
	before=$EPOCHREALTIME
	status 5 sysc autostart never
	((${EPOCHREALTIME/./} - ${before/./} < 250000))
}

@test "ready by a command inside: the next order waits for it" {
	quick db '[boot]' 'autostart = yes' 'ready = command test -e /tmp/ready'
	quick web '[boot]' 'autostart = yes' 'order = 1'
	in_background "$top_builddir/src/sysc" autostart
	wait_until 20 eval '[ "$(state_of db)" = RUNNING ]'
	[[ $(state_of web) == STOPPED ]]
	sysc attach db -- touch /tmp/ready
	wait "$background"
	cat "$BATS_TEST_TMPDIR/background.log"
	grep -q '^db: ready after ' "$BATS_TEST_TMPDIR/background.log"
	(($(moment web started_ms) >= $(moment db ready_ms)))
}

@test "start --wait ready and wait --ready on real containers" {
	quick web1 '[boot]' 'ready = command test -e /tmp/ready'
	status 5 sysc start --wait ready --timeout 200ms web1
	[[ $stderr == "sysc-start: web1: not ready after 200 ms: RUNNING, waits for 'test -e /tmp/ready' to succeed" ]]
	[[ $(state_of web1) == RUNNING ]]
	status 5 sysc wait --ready -t 100ms web1
	in_background "$top_builddir/src/sysc" wait --ready -v web1
	sysc attach web1 -- touch /tmp/ready
	wait "$background"
	[[ $(cat "$BATS_TEST_TMPDIR/background.log") == "web1: ready" ]]
	status 0 sysc start --wait ready web1
	status 0 sysc start --wait running web1
	status 2 sysc start --wait never web1
	status 2 sysc start --wait ready -F web1
	[[ $(sysc ls -F name,ready) == *"web1  yes"* ]]
	status 0 sysc info web1
	[[ $output == *"Ready:"*"yes, since "*"Autostart:      no"* ]]
	sysc attach web1 -- rm /tmp/ready
	status 0 sysc restart web1
	[[ $(sysc ls -F name,ready) == *"web1  no"* ]]
	# a new run is not ready because the last one was
	status 5 sysc wait --ready -t 100ms web1
}

@test "one that ends before it is ready is told at once, with how" {
	quick brief '[boot]' 'autostart = yes' 'ready = command false'
	stub_init brief <<<'sleep 0.2; exit 3'
	before=$EPOCHREALTIME
	status 1 sysc autostart
	((${EPOCHREALTIME/./} - ${before/./} < 20000000))
	[[ $stderr == *"brief: failed: stopped before it was ready: "*"exit code 3"* ]]
	status 4 sysc start --wait ready brief
	[[ $stderr == *"sysc-start: brief: stopped before it was ready: "*"exit code 3"* ]]
}

@test "the time for all of it: nothing begins behind it, and what was left is told" {
	quick never '[boot]' 'autostart = yes' 'ready = command false'
	quick web '[boot]' 'autostart = yes' 'order = 1'
	before=$EPOCHREALTIME
	status 5 sysc autostart -t 400ms never
	status 1 sysc autostart -t 400ms
	after=$((${EPOCHREALTIME/./} - ${before/./}))
	((after >= 800000 && after < 5000000))
	[[ $stderr == *"never: the time of 0.4 s was over: RUNNING, "* ]]
	[[ $stderr == *"web: not started: the time of 0.4 s was over"* ]]
	[[ $(state_of web) == STOPPED ]]
}

@test "SIGTERM: no further starts, what was left is told, what was started goes on" {
	quick never '[boot]' 'autostart = yes' 'ready = command false'
	quick web '[boot]' 'autostart = yes' 'order = 1'
	in_background "$top_builddir/src/sysc" autostart
	wait_until 20 eval '[ "$(state_of never)" = RUNNING ]'
	kill -TERM "$background"
	code=0
	wait "$background" || code=$?
	[[ $code == 1 ]]
	grep -q 'never: started, not waited for: interrupted' "$BATS_TEST_TMPDIR/background.log"
	grep -q 'web: not started: interrupted' "$BATS_TEST_TMPDIR/background.log"
	[[ $(state_of never) == RUNNING && $(state_of web) == STOPPED ]]
}

@test "a guest that ignores its signal costs its own time, and is told; the whole is bounded" {
	deaf web '[stop]' 'timeout = 300ms'
	quick db '[boot]' 'order = 0'
	sysc start web db
	sysc config set web boot.order 5
	status 0 sysc autostart -s
	[[ $stderr == "sysc-autostart: web: did not stop within 0."*" s: killed" ]]
	[[ $output == "db: stopped after "* ]]
	in_turn stopped_ms web db
	assert_nothing_left

	# three steps of deaf ones with a minute each, a second for all
	deaf one '[boot]' 'order = 1'
	deaf two '[boot]' 'order = 2'
	sysc config unset web stop.timeout
	quick last '[boot]' 'order = 0'
	sysc start one two web last
	before=$EPOCHREALTIME
	status 0 sysc autostart -s -t 1200ms
	((${EPOCHREALTIME/./} - ${before/./} < 6000000))
	[[ $stderr == *"web: did not stop"* && $stderr == *"two: did not stop"* && $stderr == *"one: did not stop"* ]]
	# it was last, and still was asked: an init that ends by itself
	[[ $output == "last: stopped after "* ]]
	[[ $(sysc info last) == *"Last stop:"*"exit code 0"* ]]
	assert_nothing_left
}

@test "the time of a stop is over before all had their turn: they are killed; SIGTERM ends it early" {
	deaf a '[boot]' 'order = 3'
	deaf b '[boot]' 'order = 2' '[stop]' 'timeout = 1h'
	deaf c '[boot]' 'order = 1' '[stop]' 'timeout = 1h'
	sysc start a b c
	before=$EPOCHREALTIME
	status 0 sysc autostart -s -t 0
	[[ $stderr == *"c: killed: the time of 0.00 s was over"* ]]
	((${EPOCHREALTIME/./} - ${before/./} < 5000000))
	[[ $(sysc ls --active) == "" ]]
	assert_nothing_left

	sysc start b c
	in_background "$top_builddir/src/sysc" autostart -s
	wait_until 20 eval '[ "$(state_of b)" = STOPPING ]'
	kill -TERM "$background"
	code=0
	wait "$background" || code=$?
	[[ $code == 1 ]]
	grep -q 'b: asked to stop, not waited for: interrupted' "$BATS_TEST_TMPDIR/background.log"
	grep -q 'c: not stopped: interrupted' "$BATS_TEST_TMPDIR/background.log"
	[[ $(state_of c) == RUNNING ]]
	sysc stop -k b c
}

@test "after is honoured over a container that does not run; groups and JSON of a stop" {
	quick app '[boot]' 'after = mid' '[container]' 'groups = front'
	quick db
	quick mid '[boot]' 'after = db'
	sysc start app db
	status 0 sysc autostart -s
	in_turn stopped_ms app db
	sysc start app db
	status 0 sysc autostart -s -g front --json
	jq -e '.action == "stop" and (.containers | length == 1)' <<<"$output"
	jq -e '.containers[0] | .name == "app" and .result == "stopped" and .ok' <<<"$output"
	[[ $(state_of db) == RUNNING ]]
}

@test "-r: all that run, back in their order; a broken one is left running" {
	quick db '[boot]' 'autostart = yes'
	quick web '[boot]' 'after = db'
	quick odd
	quick off '[boot]' 'autostart = yes'
	sysc start db web odd
	printf '[boot]\nnonsense = 1\n' >>"$SYSC_PATH/odd/config"
	pids="$(pid_of db) $(pid_of web) $(pid_of odd)"
	status 6 sysc autostart -r
	[[ $stderr == *"odd: failed: left running: "*nonsense* ]]
	[[ $(pid_of odd) == "${pids##* }" ]]
	[[ "$(pid_of db) $(pid_of web)" != "${pids% *}" ]]
	in_turn stopped_ms web db
	in_turn started_ms db web
	[[ $(state_of off) == STOPPED ]]
}

@test "an ephemeral one starts, ends and is gone; -r leaves it alone" {
	quick gone '[container]' 'ephemeral = yes' '[boot]' 'autostart = yes'
	status 0 sysc autostart
	pid=$(pid_of gone)
	status 0 sysc autostart -r
	[[ $stderr == *"gone: left running"*ephemeral* ]]
	[[ $(pid_of gone) == "$pid" ]]
	status 0 sysc autostart -s
	wait_until 10 test ! -e "$SYSC_PATH/gone"
	assert_nothing_left
}

@test "one that is stopping is started again when it has stopped" {
	quick web '[boot]' 'autostart = yes'
	stub_init web <<-'END'
		# it is asked again until it ends
		trap 'trap "" PWR USR2 TERM INT; sleep 1; exit 0' PWR USR2 TERM INT
		touch /tmp/up
		while :; do sleep 1000 & wait $!; done
	END
	sysc start web
	wait_until 10 sysc attach web -- test -e /tmp/up
	pid=$(pid_of web)
	sysc stop -W web
	[[ $(state_of web) == STOPPING ]]
	status 0 sysc autostart
	[[ $(state_of web) == RUNNING ]]
	[[ $(pid_of web) != "$pid" ]]
}

@test "after a crash: states of processes that are gone hinder nothing, and leavings of a killed create go" {
	quick web '[boot]' 'autostart = yes'
	mkdir -p "$SYSC_RUN/web" "$SYSC_PATH/.half.creating/rootfs"
	printf '%s\n' 'phase RUNNING' 'init_pid 999999' 'init_birth 5' 'monitor_pid 999998' 'monitor_birth 6' \
		'ready_ms 1700000000000' "cgroup $SYSC_CGROUP/web" >"$SYSC_RUN/web/state"
	status 0 sysc autostart
	[[ $output == "web: ready after "* ]]
	[[ $(state_of web) == RUNNING ]]
	[[ ! -e $SYSC_PATH/.half.creating ]]
	# the host comes back without its /run
	sysc stop -k web
	rm -rf "${SYSC_RUN:?}"/*
	status 0 sysc autostart
	[[ $(state_of web) == RUNNING ]]
}

@test "a privileged one among others; names and globs; -j 1" {
	quick web1
	quick web2 '[container]' 'privileged = yes'
	sed -i '/^map =/d' "$SYSC_PATH/web2/config"
	quick web3
	status 0 sysc autostart -j 1 'web*'
	[[ ${#lines[@]} == 3 ]]
	[[ $(sysc ls -1 --running | wc -l) == 3 ]]
	status 0 sysc autostart -s web2
	[[ $output == "web2: stopped after "* ]]
	[[ $(sysc ls -1 --running | wc -l) == 2 ]]
}

@test "nothing to do is done" {
	status 0 sysc autostart
	[[ -z $output && -z $stderr ]]
	status 0 sysc autostart -s
	status 0 sysc autostart --json
	jq -e '.containers == []' <<<"$output"
}
