#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Two operations at once on one container that runs, or that rests and is started: each is done, waits or refuses with one
# error; afterwards it is whole or gone, it starts, works and stops, and nothing is left.
# shellcheck shell=bash
# shellcheck disable=SC2016,SC2154 # eval; steps.bash sets what is read here

bats_require_minimum_version 1.5.0
load ../lib/steps
load ../lib/lifecycle

setup() {
	need userns
	need busybox
	steps_setup
	make_busybox web1 >/dev/null
	quick_init web1
	sysc snapshot create -q web1 first
	keep_beginning
}

teardown() { steps_teardown; }

# What changes a container that runs, or reads all of it.
ALL=("start web1" "stop web1" "stop -k web1" "restart web1" "freeze web1" "unfreeze web1" "config set web1 limits.pids 300"
	"apply web1" "copy web1 web2" "copy -e web1 web2" "rename web1 web3" "destroy -f -s web1" "snapshot create web1 second"
	"snapshot delete web1 first" "snapshot restore -f web1 first" "snapshot restore --path /etc web1 first"
	"export -q -o '$BATS_TEST_TMPDIR/disk/out/a.tar.zst' web1")

# at_rest: everything is stopped; of which names sets names
at_rest() {
	local name
	mapfile -t names < <("$SYSC" ls -1)
	for name in "${names[@]}"; do
		[[ $(state_of "$name") != FROZEN ]] || sysc unfreeze "$name"
		timeout 60 "$SYSC" stop -k "$name" >/dev/null || [[ ! -e $SYSC_PATH/$name ]]
	done
	# one that was ephemeral is gone by itself
	wait_until 20 eval '[[ -z $(find "$SYSC_PATH" -maxdepth 1 -name ".*.destroying") ]]'
}

# pair WORDS WORDS: from the state that begin makes
pair() {
	local i name pids=() codes=()
	at_rest
	from_beginning
	[[ $begin != running ]] || sysc start web1
	for i in 1 2; do
		eval "timeout 60 '$SYSC' ${!i}" >"$beside/said.$i" 2>&1 3>&- &
		pids+=($!)
	done
	for i in 0 1; do
		wait "${pids[i]}" && codes[i]=0 || codes[i]=$?
		[[ " 0 1 3 4 " == *" ${codes[i]} "* ]] || fail_pair "$@" "exit code ${codes[i]}"
		((codes[i] == 0)) || (($(grep -c "^sysc-" "$beside/said.$((i + 1))") >= 1)) || fail_pair "$@" "no error"
	done
	# whoever is there is whole, and nobody is locked, half frozen or half started
	at_rest
	for name in "${names[@]}"; do
		[[ -e $SYSC_PATH/$name/config ]] || continue
		timeout 60 "$SYSC" start "$name" >"$beside/run.log" 2>&1 || fail_pair "$@" "$name: start: $(cat "$beside/run.log")"
		[[ $(inside "$name" 'echo alive') == alive ]] || fail_pair "$@" "$name does not work"
		timeout 60 "$SYSC" stop -k "$name" >"$beside/run.log" 2>&1 || fail_pair "$@" "$name: stop: $(cat "$beside/run.log")"
		sysc config check "$name" >/dev/null || fail_pair "$@" "$name is not whole"
	done
	assert_nothing_left >"$beside/run.log" 2>&1 || fail_pair "$@" "left behind"
	[[ -z $(find "$SYSC_PATH" -maxdepth 3 -name '.*' ! -name .lock ! -path '*/rootfs/*') ]] || fail_pair "$@" "left behind"
}

fail_pair() {
	echo "$3, of '$1' (${codes[0]-}) and '$2' (${codes[1]-}), $begin:"
	cat "$beside/said.1" "$beside/said.2" "$beside/run.log"
	find "$SYSC_PATH" -maxdepth 3 -not -path '*/rootfs/*'
	return 1
}

# all_with running|resting WORDS: with itself and each that stands after it in ALL
all_with() {
	local other is_after=no begin=$1
	for other in "${ALL[@]}"; do
		[[ $other != "$2" ]] || is_after=yes
		[[ $is_after == no ]] || pair "$2" "$other"
	done
	[[ $is_after == yes ]]
}

@test "start of one at rest, and each one" { all_with resting "${ALL[0]}"; }
@test "stop of one that runs, and each other one" { all_with running "${ALL[1]}"; }
@test "stop -k of one that runs, and each other one" { all_with running "${ALL[2]}"; }
@test "restart of one that runs, and each other one" { all_with running "${ALL[3]}"; }
@test "freeze of one that runs, and each other one" { all_with running "${ALL[4]}"; }
@test "unfreeze of one that runs, and each other one" { all_with running "${ALL[5]}"; }
@test "config set of one that runs, and each other one" { all_with running "${ALL[6]}"; }
@test "apply of one that runs, and each other one" { all_with running "${ALL[7]}"; }
@test "copy of one that runs, and each other one" { all_with running "${ALL[8]}"; }
@test "copy -e of one that runs, and each other one" { all_with running "${ALL[9]}"; }
@test "rename of one that runs, and each other one" { all_with running "${ALL[10]}"; }
@test "destroy -f of one that runs, and each other one" { all_with running "${ALL[11]}"; }
@test "snapshot create of one that runs, and each other one" { all_with running "${ALL[12]}"; }
@test "snapshot delete of one that runs, and each other one" { all_with running "${ALL[13]}"; }
@test "snapshot restore -f of one that runs, and each other one" { all_with running "${ALL[14]}"; }
@test "snapshot restore --path of one that runs, and each other one" { all_with running "${ALL[15]}"; }
@test "export of one that runs, and each other one" { all_with running "${ALL[16]}"; }
