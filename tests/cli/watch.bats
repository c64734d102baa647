#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2154 # run and helpers.bash set variables
# sysc wait, monitor and logs on made-up states and files.
load helpers
bats_require_minimum_version 1.5.0

# until COMMAND...: waits for it at most ten seconds
until_true() {
	local limit=$((SECONDS + 10))
	until "$@"; do
		((SECONDS < limit)) || { echo "not in time: $*" >&2; return 1; }
		read -rt 0.02 <> <(:) || :
	done
}

# background COMMAND...: ended by teardown; its output goes to out, its errors to err
background() {
	"$@" >out 2>err 3>&- &
	background=$!
	PIDS+=("$background")
}

# whether process $1 has an inotify instance
watches() { readlink "/proc/$1/fd/"* 2>/dev/null | grep -q inotify; }

@test "wait: at once when it is so; any of several states, in any case" {
	define web1
	status 0 sysc wait -s STOPPED web1
	status 0 sysc wait -s 'running|Stopped' web1
	pretend web1 RUNNING
	status 0 sysc wait -s RUNNING web1
	status 0 sysc wait -v -s RUNNING,FROZEN web1
	[[ $output == "web1: RUNNING" ]]
}

@test "wait: exit code 5 when the time is over" {
	define web1
	status 5 sysc wait -s RUNNING -t 50ms web1
	says "still STOPPED"
	status 5 sysc wait -s RUNNING -t 0 web1
}

@test "wait: wrong usage" {
	define web1
	status 2 sysc wait web1
	says "-s STATE"
	status 2 sysc wait -s SLEEPING web1
	says "'SLEEPING' is not"
	status 2 sysc wait --ready -s RUNNING web1
	says "--state or --ready, not both"
	status 3 sysc wait -s STOPPED nope
}

@test "wait: sees a start, even when nothing of RUN is there yet" {
	define web1
	rmdir "$SYSC_RUN"
	background "$program" wait -v -s RUNNING -t 20s web1
	until_true watches "$background"
	PIDS=("$background")
	tail -f /dev/null >/dev/null 3>&- &
	PIDS=("$!" "$background")
	pretend web1 STARTING
	pretend web1 RUNNING
	wait "$background"
	[[ $(<out) == "web1: RUNNING" ]]
}

@test "wait: a supervisor that is killed counts as STOPPED" {
	define web1
	pretend web1 RUNNING
	background "$program" wait -v -s STOPPED -t 20s web1
	until_true watches "$background"
	kill -KILL "${PIDS[0]}"
	wait "$background"
	[[ $(<out) == "web1: STOPPED" ]]
}

@test "wait --ready: at once when it is, else until it is; 5 tells what it waits for" {
	define web1 '[boot]' 'ready = network' '[network.eth0]' 'bridge = br0'
	pretend web1 RUNNING
	status 5 sysc wait --ready -t 50ms web1
	says "not ready after 50 ms: RUNNING, waits for its network"
	pretend web1 RUNNING 'not_ready no address after 60 s' 'guest_status Starting\nup' # a line break inside
	status 5 sysc wait --ready -t 50ms web1
	says "50 ms: RUNNING, no address after 60 s (its init says: Starting?up)"
	pretend web1 STARTING "ready_ms $(date +%s)000" # the moment of the run before
	status 5 sysc wait --ready -t 50ms web1
	says "STARTING"
	pretend web1 FROZEN
	status 5 sysc wait --ready -t 50ms web1
	says "50 ms: FROZEN"
	background "$program" wait --ready -v -t 20s web1
	until_true watches "$background"
	pretend web1 RUNNING "ready_ms $(date +%s)000"
	wait "$background"
	[[ $(<out) == "web1: ready" ]]
	status 0 sysc wait --ready -t 0 web1
	status 3 sysc wait --ready nope
}

@test "wait --ready: a container that ends before is told at once, with how it ended" {
	define web1
	pretend web1 RUNNING
	background "$program" wait --ready web1
	until_true watches "$background"
	pretend web1 STOPPED 'stop_who guest poweroff' 'stop_status 256' 'stopped_ms 1700000000000'
	code=0
	wait "$background" || code=$?
	[[ $code == 4 ]]
	[[ $(<err) == "sysc-wait: web1: stopped before it was ready: by guest poweroff, exit code 1" ]]
	# one that is not running yet is waited for
	status 5 sysc wait --ready -t 50ms web1
	says "50 ms: STOPPED"
}

@test "monitor: a line for each change, with time and detail; ends on SIGTERM with 0" {
	define web1
	define web2
	pretend web2 RUNNING
	background "$program" monitor -v
	until_true grep -q watching err
	pretend web1 RUNNING
	until_true grep -qE "^2[0-9-]+T[0-9:.]+Z web1 RUNNING pid ${PIDS[0]}$" out
	pretend web1 FROZEN
	until_true grep -q 'web1 FROZEN' out
	pretend web1 RUNNING
	until_true grep -q 'web1 RUNNING$' out
	pretend web1 STOPPED 'stop_who guest poweroff' 'stop_status 0' 'stopped_ms 1700000000000'
	until_true grep -q 'web1 STOPPED by guest poweroff, exit code 0$' out
	run ! grep -q web2 out
	kill -TERM "$background"
	wait "$background"
}

@test "monitor: globs choose, JSON is one object in a line" {
	background "$program" monitor -v --json 'web*'
	until_true grep -q watching err
	pretend db RUNNING
	pretend web1 RUNNING
	until_true grep -q web1 out
	pretend web1 STOPPED 'failure it "broke"' "failed_ms $(date +%s)000"
	until_true grep -q STOPPED out
	kill -INT "$background"
	wait "$background"
	[[ $(wc -l <out) == 2 ]]
	output=$(head -n 1 out)
	json '.schema == 1 and .name == "web1" and .state == "RUNNING" and .previous == "STOPPED" and .pid > 0'
	output=$(tail -n 1 out)
	json '.state == "STOPPED" and .detail == "failed: it \"broke\""'
}

@test "monitor: a killed supervisor is told" {
	pretend web1 RUNNING
	background "$program" monitor -v
	until_true grep -q watching err
	kill -KILL "${PIDS[0]}"
	until_true grep -q 'web1 STOPPED' out
}

@test "logs: prints, takes the last lines, tells what is missing" {
	define web1
	status 0 sysc logs web1
	says "nothing logged yet"
	printf 'one\ntwo\nthree\n' >"$SYSC_LOG/web1.log"
	status 0 sysc logs web1
	[[ $output == $'one\ntwo\nthree' ]]
	status 0 sysc logs -t 2 web1
	[[ $output == $'two\nthree' ]]
	status 0 sysc logs -t 0 web1
	[[ -z $output ]]
	status 0 sysc logs -t 99 web1
	[[ ${#lines[@]} == 3 ]]
	status 3 sysc logs nope
}

@test "logs --console: no escape sequence reaches the terminal, unless raw" {
	define web1
	printf 'a\033[31mred\033[0m\r\nb\033]0;title\007c\033P1$r\033\\d\001e\233f\303\251\302\233g\n' >"$SYSC_LOG/web1.console"
	status 0 sysc logs --console web1
	[[ ${lines[0]} == ared ]]
	[[ ${lines[1]} == 'bcd^Ae?fé?g' ]] || { od -c <<<"${lines[1]}"; false; }
	sysc logs --console -r web1 | cmp - "$SYSC_LOG/web1.console"
}

@test "logs -f: goes on over a rotation, ends on SIGTERM with 0" {
	define web1
	echo first >"$SYSC_LOG/web1.console"
	background "$program" logs -f --console web1
	until_true grep -q first out
	echo second >>"$SYSC_LOG/web1.console"
	until_true grep -q second out
	mv "$SYSC_LOG/web1.console" "$SYSC_LOG/web1.console.1"
	echo third >"$SYSC_LOG/web1.console"
	until_true grep -q third out
	kill -TERM "$background"
	wait "$background"
	[[ $(<out) == $'first\nsecond\nthird' ]]
}
