#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Two operations at once on one container, on a parent and its child, or on one name: each is done, or waits, or refuses
# with one error; what there is afterwards is what some order of those that were done one after the other makes.
# shellcheck shell=bash
# shellcheck disable=SC2154 # steps.bash sets what is read here

bats_require_minimum_version 1.5.0
load ../lib/steps

TIMES=${SYSC_TEST_TIMES-3}

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

# pair WORDS WORDS: refused are those that ended with 1, 3 or 4 and said why in one line
pair() {
	local i time allowed first second
	in_order "$1" "$2"
	first=$state
	in_order "$2" "$1"
	second=$state
	in_order "$1"
	allowed=$first$'\n--\n'$second$'\n--\n'$state
	in_order "$2"
	allowed+=$'\n--\n'$state
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
		case "${codes[*]}" in
		"0 0") [[ $state == "$first" || $state == "$second" ]] || fail_pair "$@" "no order makes this" ;;
		*) grep -qzF -- "$state" <<<"$allowed" || fail_pair "$@" "neither one nor the other" ;;
		esac
		[[ -z $(find "$SYSC_PATH" -maxdepth 3 -name '.*' ! -name .lock ! -path '*/rootfs/*') ]] || fail_pair "$@" "left behind"
		assert_clean || fail_pair "$@" "left behind"
		for i in "$SYSC_RUN"/*/; do
			[[ ! -e $i || -e $SYSC_PATH/$(basename "$i")/config ]] || fail_pair "$@" "left behind: $i"
		done
	done
}

fail_pair() {
	echo "$3, of '$1' (${codes[0]}) and '$2' (${codes[1]}):"
	cat "$beside/said.1" "$beside/said.2"
	echo "$state"
	find "$SYSC_PATH" -maxdepth 3 -not -path '*/rootfs/*'
	return 1
}

@test "two creates, copies and imports of one name" {
	begin
	sysc export -q -o "$beside/out/web1.tar.zst" web1
	pair "create -t local web2 -- --rootfs $beside/small.tar" "create -t local web2 -- --rootfs $beside/small.tar"
	pair "copy web1 web2" "copy -s -B overlay web1 web2"
	pair "import web2 $beside/out/web1.tar.zst" "copy web1 web2"
}

@test "changes of one configuration" {
	begin
	pair "config set web1 container.hostname one" "config set web1 boot.order 7"
	pair "config set web1 container.hostname one" "config unset web1 container.uuid"
}

@test "destroy or rename, and another change of the same one" {
	local other
	begin_snapshots
	for other in "config set web1 boot.order 7" "snapshot create web1 third" "snapshot restore web1 first" \
		"snapshot delete web1 first" "copy web1 web2" "rename web1 web3" "destroy -s web1" "export -q -o $disk/out/a.tar.zst web1"; do
		pair "destroy -s web1" "$other"
	done
	for other in "config set web1 boot.order 7" "snapshot create web1 third" "snapshot delete web1 first" "copy web1 web2" \
		"rename web1 web4"; do
		pair "rename web1 web3" "$other"
	done
}

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

@test "snapshots that are made, restored, deleted and pruned" {
	local other
	begin_snapshots
	for other in "snapshot prune --all-kinds --keep 'last 1' web1" "snapshot create web1 third" "snapshot delete web1 first" \
		"snapshot restore --to web2 web1 first" "config set web1 boot.order 7"; do
		pair "snapshot restore web1 first" "$other"
	done
	pair "snapshot restore --to web2 web1 first" "snapshot delete web1 first"
	pair "snapshot create web1 third" "snapshot create web1 third"
	pair "snapshot delete web1 first" "snapshot delete web1 first"
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
