#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Two operations at once on one container, on a parent and its child, or on one name: each is done, or waits, or refuses
# with one error; what there is afterwards is what some order of those that were done one after the other makes.
# shellcheck shell=bash
# shellcheck disable=SC2154 # steps.bash sets what is read here

bats_require_minimum_version 1.5.0
load ../lib/steps

TIMES=${SYSC_TEST_TIMES-1}

# at_once WORDS WORDS: both begin together, with a limit in time; sets codes (of both) and leaves what they said
at_once() {
	local i pids=()
	codes=()
	for i in 1 2; do
		eval "timeout 60 '$SYSC' ${!i}" >"$beside/said.$i" 2>&1 3>&- &
		pids+=($!)
	done
	for i in 0 1; do
		local code=0
		wait "${pids[i]}" || code=$?
		codes+=("$code")
	done
}

# in_order WORDS...: from the beginning one after the other, those that can; sets state
in_order() {
	local one
	from_beginning
	for one; do
		eval "'$SYSC' $one" >"$beside/run.log" 2>&1 || :
	done
	state=$(look)
}

# is_order WORDS...: what there is is what these make one after the other, looked at once only
declare -gA made
is_order() {
	[[ -n ${made[$*]-} ]] || made[$*]=$(in_order "$@" && echo "$state")
	[[ $state == "${made[$*]}" ]]
}

# is_allowed WORDS WORDS: refused are those that ended with 1, 3 or 4
is_allowed() {
	is_order "$1" "$2" || is_order "$2" "$1" && return
	[[ ${codes[*]} != "0 0" ]] && { is_order "$1" || is_order "$2"; }
}

# pair WORDS WORDS: refused are those that said why in one line
pair() {
	local i time
	# shellcheck disable=SC2034 # it only counts
	for time in $(seq "$TIMES"); do
		from_beginning
		at_once "$1" "$2"
		state=$(look) || fail_pair "$@" "no container is whole"
		for i in 0 1; do
			[[ " 0 1 3 4 " == *" ${codes[i]} "* ]] || fail_pair "$@" "exit code ${codes[i]}"
			((codes[i] == 0)) || [[ $(grep -c "^sysc-" "$beside/said.$((i + 1))") == 1 ]] || fail_pair "$@" "not one error"
		done
		((codes[0] == 0 || codes[1] == 0)) || fail_pair "$@" "both refused"
		[[ -z $(find "$SYSC_PATH" -maxdepth 3 -name '.*' ! -name .lock ! -path '*/rootfs/*') ]] || fail_pair "$@" "left behind"
		assert_clean || fail_pair "$@" "left behind"
		for i in "$SYSC_RUN"/*/; do
			[[ ! -e $i || -e $SYSC_PATH/$(basename "$i")/config ]] || fail_pair "$@" "left behind: $i"
		done
		is_allowed "$1" "$2" || fail_pair "$@" "neither one nor the other, nor both in some order"
	done
}

fail_pair() {
	echo "$3, of '$1' (${codes[0]}) and '$2' (${codes[1]}):"
	cat "$beside/said.1" "$beside/said.2"
	echo "$state"
	find "$SYSC_PATH" -maxdepth 3 -not -path '*/rootfs/*'
	return 1
}

# What changes something of web1, reads all of it, or makes the container that another of these makes; what begin_all made is
# there.
ALL=("create -t local web2 -- --rootfs '$BATS_TEST_TMPDIR/small.tar'" "import web2 '$BATS_TEST_TMPDIR/out/whole.tar.zst'"
	"import web2 '$BATS_TEST_TMPDIR/out/whole.tar.zst' --then '$BATS_TEST_TMPDIR/out/since.tar.zst'"
	"copy web1 web2" "copy -s -B overlay web1 web2" "snapshot restore --to web2 web1 first"
	"export -q -o '$BATS_TEST_TMPDIR/disk/out/a.tar.zst' web1" "config set web1 container.hostname one" "config unset web1 container.uuid"
	"rename web1 web3" "destroy -s web1" "snapshot create web1 third" "snapshot run web1" "snapshot delete web1 first"
	"snapshot prune --all-kinds --keep 'last 1' web1" "snapshot restore web1 first"
	"snapshot restore --config-only web1 first" "snapshot restore --path /deep --path /etc web1 first" "snapshot restore --undo web1")

begin_all() {
	begin_restored
	sysc export -q -o "$beside/out/whole.tar.zst" web1
	echo more >"$SYSC_PATH/web1/rootfs/more"
	sysc export -q --since "$beside/out/whole.tar.zst" -o "$beside/out/since.tar.zst" web1
	sysc config set web1 snapshots.schedule hourly
	keep_beginning
}

# all_with WORDS: with itself and each that stands after it in ALL
all_with() {
	local other is_after=no
	begin_all
	for other in "${ALL[@]}"; do
		[[ $other != "$1" ]] || is_after=yes
		[[ $is_after == no ]] || pair "$1" "$other"
	done
	[[ $is_after == yes ]]
}

@test "create, and each other one" { all_with "${ALL[0]}"; }
@test "import, and each other one" { all_with "${ALL[1]}"; }
@test "import of an archive and an increment, and each other one" { all_with "${ALL[2]}"; }
@test "copy, and each other one" { all_with "${ALL[3]}"; }
@test "copy -s, and each other one" { all_with "${ALL[4]}"; }
@test "snapshot restore --to, and each other one" { all_with "${ALL[5]}"; }
@test "export, and each other one" { all_with "${ALL[6]}"; }
@test "config set, and each other one" { all_with "${ALL[7]}"; }
@test "config unset, and each other one" { all_with "${ALL[8]}"; }
@test "rename, and each other one" { all_with "${ALL[9]}"; }
@test "destroy, and each other one" { all_with "${ALL[10]}"; }
@test "snapshot create, and each other one" { all_with "${ALL[11]}"; }
@test "snapshot run, and each other one" { all_with "${ALL[12]}"; }
@test "snapshot delete, and each other one" { all_with "${ALL[13]}"; }
@test "snapshot prune, and each other one" { all_with "${ALL[14]}"; }
@test "snapshot restore, and each other one" { all_with "${ALL[15]}"; }
@test "snapshot restore --config-only, and each other one" { all_with "${ALL[16]}"; }
@test "snapshot restore --path, and each other one" { all_with "${ALL[17]}"; }
@test "snapshot restore --undo, and each other one" { all_with "${ALL[18]}"; }

@test "a parent is destroyed or renamed while copies of it are made" {
	begin
	pair "destroy web1" "copy -s -B overlay web1 web2"
	pair "rename web1 web3" "copy -s -B overlay web1 web2"
	pair "copy -s -B overlay web1 web2" "copy -s -B overlay web1 web3"
}

@test "a parent is destroyed or renamed while its child is changed" {
	begin_child
	pair "rename web1 web3" "destroy web2"
	pair "rename web1 web3" "rename web2 web4"
	pair "rename web1 web3" "config set web2 boot.order 7"
	pair "destroy -s web1" "destroy web2"
}

@test "who waits too long is told who holds the lock, by pid and command" {
	begin
	in_background flock "$SYSC_RUN/web1/lock" sleep 1000
	wait_until 10 bash -c "! flock -n '$SYSC_RUN/web1/lock' true"
	echo "$background" >"$SYSC_RUN/web1/lock"
	run "$SYSC" config set web1 boot.order 7
	((status == 4 || status == 1))
	[[ $output == *"is in use by process $background (flock)"* ]]
}
