#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# What starts, stops or changes a running container is killed at each of its steps that change something on the host: the
# command, or the process whose step it is (supervisor, container, helper). The container can be started, used and stopped
# afterwards, and nothing is left of it then.
# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2154 # steps.bash sets what is read here and reads what is set; eval

bats_require_minimum_version 1.5.0
load ../lib/steps
load ../lib/lifecycle

setup() {
	need userns
	need busybox
	SANDBOX_NETWORK=yes
	steps_setup
	rm "$SYSC_ETC/default.conf"
	make_busybox web1 >/dev/null
	quick_init web1
}

teardown() { steps_teardown; }

# lives N: whatever was before, it starts, works and stops, and nothing is left
lives() {
	local word
	for word in start stop; do
		timeout 60 "$SYSC" "$word" web1 >>"$beside/run.log" 2>&1 || tell "$1" "$word again: exit code $?"
		[[ $word != start || $(inside web1 'echo alive') == alive ]] || tell "$1" "it does not work"
	done
	# a supervisor whose last call is answered late ends a moment later
	wait_until 20 assert_nothing_left || tell "$1" "left behind" "$(assert_nothing_left 2>&1)"
	[[ -z $(find "$SYSC_PATH" -maxdepth 1 -name '.*' ! -name .lock) ]] || tell "$1" "left behind" "$(ls -A "$SYSC_PATH")"
}

# walk_start main|self: self goes on through the stop, whose steps are those of the supervisor
walk_start() {
	local n
	words=(start web1)
	run_steps -c host -d -l "$beside/steps"
	((code == 0))
	cp "$beside/steps" "$beside/steps.start"
	sysc stop web1
	[[ $1 == self ]] || mv "$beside/steps.start" "$beside/steps"
	for n in $(choose_steps "$beside/steps" "${MOST-30}"); do
		run_steps -c host -d -n "$n" -k "$1" || tell "$n" "exit code $code"
		lives "$n"
		[[ $1 == main ]] || lives "$n"
	done
}

# walk_running WORD...: of web1, which runs. Then, at each step, the same once more, if it still is to be done.
walk_running() {
	local n code
	words=("$@")
	sysc start web1
	run_steps -c host -d -l "$beside/steps"
	((code == 0)) || { cat "$beside/run.log" && return 1; }
	for n in $(choose_steps "$beside/steps" "${MOST-20}"); do
		[[ -z ${again-} ]] || $again
		sysc start web1
		run_steps -c host -d -n "$n" -k main || tell "$n" "exit code $code"
		[[ -z ${then-} ]] || $then "$n"
		lives "$n"
	done
}

@test "start: the command is killed" { walk_start main; }
@test "start and stop: a process of it is killed" { walk_start self; }
@test "stop" { walk_running stop web1; }
@test "stop -k" { walk_running stop -k web1; }
@test "restart" { walk_running restart web1; }

# is_thawed N: nobody left it frozen; what there is of the snapshot is whole, and goes
is_thawed() {
	wait_until 20 eval '[[ $(state_of web1) == RUNNING ]]' || tell "$1" "it is $(state_of web1)"
	[[ ! -e $SYSC_PATH/web1/snapshots/one ]] || sysc snapshot delete web1 one
	sysc snapshot create -q web1 two && sysc snapshot delete -q web1 two
	[[ -z $(ls -A "$SYSC_PATH/web1/snapshots") ]] || tell "$1" "left behind"
}

@test "snapshot create of one that runs" {
	local then=is_thawed again='rm -rf --one-file-system '$SYSC_PATH/web1/snapshots
	walk_running snapshot create web1 one
}

# is_copied N: nobody left it frozen; the copy is whole or not there
is_copied() {
	wait_until 20 eval '[[ $(state_of web1) == RUNNING ]]' || tell "$1" "it is $(state_of web1)"
	"$SYSC" copy -q web1 web3 || tell "$1" "copy again"
	"$SYSC" destroy -q web3
	remove_copy
}

remove_copy() { [[ ! -e $SYSC_PATH/web2 ]] || sysc destroy -q web2; }

@test "copy of one that runs" {
	local then=is_copied again=remove_copy
	walk_running copy web1 web2
}

set_limits() {
	sysc config set web1 limits.pids 100
	sysc apply -q web1 2>/dev/null || :
	sysc config set web1 limits.pids 200
}

# is_applied N: the same once more gives it what it is to have
is_applied() {
	sysc apply -q web1 || tell "$1" "apply again"
	[[ $(cgroup_file web1 pids.max) == 200 ]] || tell "$1" "it has $(cgroup_file web1 pids.max)"
}

@test "apply" {
	need controller pids
	local then=is_applied again=set_limits
	set_limits
	walk_running apply web1
}

# freed N: the ephemeral copy runs, or it is gone with the next command; its source is what it was
freed() {
	"$SYSC" copy -q web1 other && "$SYSC" destroy -q other
	if [[ -e $SYSC_PATH/web2/config ]]; then
		[[ $(state_of web2) == RUNNING ]] || tell "$1" "it is there and $(state_of web2)"
		timeout 60 "$SYSC" stop -k web2
	fi
	wait_until 20 eval '[[ ! -e $SYSC_PATH/web2 ]]' || tell "$1" "it is not gone"
	assert_nothing_left web2
}

@test "copy -e" {
	local n code
	words=(copy -e web1 web2)
	run_steps -c host -d -l "$beside/steps"
	((code == 0)) || { cat "$beside/run.log" && return 1; }
	freed 0
	for n in $(choose_steps "$beside/steps" "${MOST-30}"); do
		run_steps -c host -d -n "$n" -k main || tell "$n" "exit code $code"
		freed "$n"
	done
	lives 0
}
